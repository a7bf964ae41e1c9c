//! A foreign verifier, OpenSSL, says the same of every certificate, by its own error numbers
//! (openssl-verification-options(1), `X509_V_ERR_*`). It has no clock argument for all it does here,
//! so these certificates are made for the present.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use time::OffsetDateTime;
use wirelab_pki::{Identity, Lab, all};

fn openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok();
    if !there {
        println!("skipped: openssl is not installed");
    }
    there
}

fn lab() -> Lab {
    Lab::new(OffsetDateTime::now_utc()).unwrap()
}

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The number of the first error, or `None` where the certificate is accepted.
fn verify(lab: &Lab, identity: &Identity, purpose: &str, name: &[&str]) -> Option<u32> {
    let folder = tempfile::tempdir().unwrap();
    let authority = put(&folder, "ca.pem", lab.authority_pem());
    // `openssl verify` takes the first certificate of the file, `-untrusted` adds all that were sent.
    let chain = put(&folder, "chain.pem", identity.chain_pem());
    let output = Command::new("openssl")
        .args(["verify", "-no-CApath", "-no-CAstore", "-CAfile", &authority, "-untrusted", &chain])
        .args(["-purpose", purpose])
        .args(name)
        .arg(&chain)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return None;
    }
    let number = text.split("error ").nth(1).and_then(|rest| rest.split(' ').next());
    Some(number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{text}")))
}

#[test]
fn openssl_gives_the_same_reasons() {
    if !openssl() {
        return;
    }
    let lab = lab();
    let localhost = ["-verify_hostname", "localhost"];
    assert_eq!(verify(&lab, lab.good(), "sslserver", &localhost), None);
    assert_eq!(verify(&lab, lab.good(), "sslserver", &["-verify_ip", "127.0.0.1"]), None);
    assert_eq!(verify(&lab, lab.good(), "sslserver", &["-verify_ip", "::1"]), None);
    assert_eq!(verify(&lab, lab.client(), "sslclient", &[]), None);
    for entry in all() {
        let expected = match entry.id {
            "self-signed" => 18,         // DEPTH_ZERO_SELF_SIGNED_CERT
            "untrusted-authority" => 19, // SELF_SIGNED_CERT_IN_CHAIN
            "wrong-host" => 62,          // HOSTNAME_MISMATCH
            "expired" => 10,             // CERT_HAS_EXPIRED
            other => panic!("say here which error {other} must give"),
        };
        let forged = lab.forge(entry).unwrap();
        assert_eq!(verify(&lab, &forged, "sslserver", &localhost), Some(expected), "{}", entry.id);
    }
    let wrong = lab.forge(wirelab_pki::find("wrong-host").unwrap()).unwrap();
    assert_eq!(verify(&lab, &wrong, "sslserver", &["-verify_hostname", "evil.test"]), None);
}

/// Runs openssl and returns its standard output, if it succeeds.
fn run(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn public_key(pem: &Path, from: &[&str]) -> String {
    run(&[from, &["-in", pem.to_str().unwrap()]].concat()).unwrap()
}

#[test]
fn keys_belong_to_their_certificates() {
    if !openssl() {
        return;
    }
    let lab = lab();
    let forged = all().iter().map(|entry| lab.forge(entry).unwrap());
    for identity in forged.chain([lab.good().clone(), lab.client().clone()]) {
        let folder = tempfile::tempdir().unwrap();
        put(&folder, "chain.pem", identity.chain_pem());
        put(&folder, "key.pem", identity.key_pem());
        let certificate = public_key(&folder.path().join("chain.pem"), &["x509", "-noout", "-pubkey"]);
        let key = public_key(&folder.path().join("key.pem"), &["pkey", "-pubout"]);
        assert!(key.starts_with("-----BEGIN PUBLIC KEY-----"), "{key}");
        assert_eq!(certificate, key, "{}", identity.name);
    }
}

#[test]
fn the_pfx_holds_the_client_and_opens_with_its_password_only() {
    if !openssl() {
        return;
    }
    let lab = lab();
    let folder = tempfile::tempdir().unwrap();
    let password = "p4ss wörd";
    let path = put(&folder, "client.pfx", lab.client_pfx(password).unwrap());
    let with = |password: &str, more: &[&str]| {
        let pass = format!("pass:{password}");
        run(&[&["pkcs12", "-in", &path, "-passin", &pass, "-nodes"], more].concat())
    };
    let body = |text: &str, label: &str| {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----\n"));
        let from = text.find(&begin).unwrap();
        text[from..from + text[from..].find(&end).unwrap() + end.len()].to_owned()
    };
    assert_eq!(body(&with(password, &["-nocerts"]).unwrap(), "PRIVATE KEY"), lab.client().key_pem());
    let leaf = body(&with(password, &["-nokeys", "-clcerts"]).unwrap(), "CERTIFICATE");
    assert!(lab.client().chain_pem().starts_with(&leaf), "the key is tied to its own certificate");
    let authority = body(&with(password, &["-nokeys", "-cacerts"]).unwrap(), "CERTIFICATE");
    assert_eq!(authority, lab.authority_pem());
    assert!(with("wrong", &[]).is_err());
}
