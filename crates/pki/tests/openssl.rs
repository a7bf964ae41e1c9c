//! Keys and files as OpenSSL reads them.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod verifiers;

use std::path::Path;
use std::process::Command;

use ::time::OffsetDateTime;
use verifiers::{has_openssl, lab, named, openssl, put, time};
use wirelab_pki::{Identity, all, find};

#[test]
fn openssl_accepts_the_good_ones() {
    if !has_openssl() {
        return;
    }
    let lab = lab();
    for host in ["localhost", "127.0.0.1", "::1"] {
        assert_eq!(openssl(&lab, lab.good(), "sslserver", &named(host)), Ok(()));
    }
    assert_eq!(openssl(&lab, lab.client(), "sslclient", &[]), Ok(()));
}

/// Runs openssl and returns its standard output, if it succeeds.
fn run(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn public_key(pem: &Path, from: &[&str]) -> String {
    run(&[from, &["-in", pem.to_str().unwrap()]].concat()).unwrap_or_else(|error| panic!("{pem:?}: {error}"))
}

#[test]
fn keys_belong_to_their_certificates() {
    if !has_openssl() {
        return;
    }
    let lab = lab();
    // Where the flaw is in the key or in how it is written, there is nothing to compare.
    let other = ["leaf-not-first", "explicit-curve", "garbage", "cut-off", "empty", "version-4"];
    let all = all().iter().filter(|entry| !other.contains(&entry.id));
    let forged = all.map(|entry| lab.forge(entry, time()).unwrap());
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

/// What OpenSSL says about the response that is stapled to a certificate.
#[test]
fn stapled_responses_are_what_they_should_be() {
    if !has_openssl() {
        return;
    }
    let lab = lab();
    // `openssl ocsp` has no clock argument.
    let now = OffsetDateTime::now_utc();
    let said = |identity: &Identity| {
        let folder = tempfile::tempdir().unwrap();
        let response = put(&folder, "response.der", identity.staple.as_ref().unwrap());
        let authority = put(&folder, "ca.pem", lab.authority_pem());
        let certificate = put(&folder, "leaf.pem", identity.chain_pem());
        let output = Command::new("openssl")
            .args(["ocsp", "-respin", &response, "-issuer", &authority, "-CAfile", &authority])
            .args(["-no-CApath", "-no-CAstore", "-partial_chain", "-no_check_time", "-cert", &certificate])
            .output()
            .unwrap();
        (String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).into_owned()
    };
    for (id, bad) in [
        ("staple-revoked", "leaf.pem: revoked"),
        ("staple-expired", "status expired"),
        ("staple-other", "No Status found"),
        ("staple-forged", "Response Verify Failure"),
    ] {
        let entry = find(id).unwrap();
        let good = said(&lab.mend(entry, now).unwrap());
        assert!(good.contains("Response verify OK") && good.contains("leaf.pem: good"), "{id}: {good}");
        assert!(!good.contains("expired"), "{id}: {good}");
        let text = said(&lab.forge(entry, now).unwrap());
        assert!(text.contains(bad), "{id}: {text}");
    }
    let missing = find("staple-missing").unwrap();
    assert_eq!(lab.forge(missing, now).unwrap().staple, None);
    assert!(said(&lab.mend(missing, now).unwrap()).contains("leaf.pem: good"));
}

#[test]
fn the_pfx_holds_the_client_and_opens_with_its_password_only() {
    if !has_openssl() {
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
