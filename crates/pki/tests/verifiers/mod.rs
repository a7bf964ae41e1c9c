//! OpenSSL as a verifier, at a fixed time.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use time::OffsetDateTime;
use wirelab_pki::{Identity, Lab};

/// 2026-01-02 03:04:05.678 UTC.
pub(crate) const NOW_MS: i128 = 1_767_323_045_678;

pub(crate) fn time() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(NOW_MS * 1_000_000).unwrap()
}

pub(crate) fn lab() -> Lab {
    Lab::new(time()).unwrap()
}

/// Whether there is an OpenSSL; says so aloud where there is none.
pub(crate) fn has_openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok();
    if !there {
        println!("skipped: openssl is not installed");
    }
    there
}

pub(crate) fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What OpenSSL says at security level 2, the default of Debian: the number of the first error
/// (`X509_V_ERR_*`, openssl-verification-options(1)), or what it says about a certificate that it
/// cannot even read.
pub(crate) fn openssl(lab: &Lab, identity: &Identity, purpose: &str, name: &[&str]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let trusted = identity.anchor_pem().unwrap_or_else(|| lab.authority_pem());
    let authority = put(&folder, "ca.pem", &trusted);
    // It skips what it cannot read in a file of several, so the first certificate has its own.
    let mut rest = identity.clone();
    let leaf = Identity { chain: vec![rest.chain.remove(0)], ..identity.clone() };
    let leaf = put(&folder, "leaf.pem", leaf.chain_pem());
    let rest = put(&folder, "rest.pem", rest.chain_pem() + &trusted);
    let mut command = Command::new("openssl");
    command.arg("verify");
    if let Some(list) = &identity.list {
        // A file in PEM: before 3.1 it reads no other.
        let list = pem::encode(&pem::Pem::new("X509 CRL", list.as_slice()));
        command.args(["-crl_check", "-CRLfile", &put(&folder, "list.pem", list)]);
    }
    let output = command
        .args(["-no-CApath", "-no-CAstore", "-CAfile", &authority, "-untrusted", &rest])
        .args(["-purpose", purpose, "-auth_level", "2", "-attime", &(NOW_MS / 1000).to_string()])
        .args(name)
        .arg(&leaf)
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    // error 62 at 0 depth lookup: hostname mismatch
    let told = text.split("error ").nth(1).and_then(|rest| {
        let number = rest.split(' ').next()?.parse::<u32>().ok()?;
        let words = rest.lines().next()?.split_once("lookup: ")?.1;
        Some(format!("{number} {words}"))
    });
    Err(told.unwrap_or_else(|| "unreadable".to_owned()))
}

/// The options that make OpenSSL check this host.
pub(crate) fn named(host: &str) -> [&str; 2] {
    [if host.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" }, host]
}
