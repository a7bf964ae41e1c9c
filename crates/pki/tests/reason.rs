//! Refused for the right reason: webpki, the verifier of rustls, accepts the good identity and
//! refuses each forged one with the error of its own flaw.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use time::OffsetDateTime;
use wirelab_pki::{Identity, Lab, all, find};

/// 2026-01-02 03:04:05.678 UTC.
const NOW_MS: i128 = 1_767_323_045_678;

/// Every name a client of the lab may use for its server.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

fn lab() -> Lab {
    Lab::new(OffsetDateTime::from_unix_timestamp_nanos(NOW_MS * 1_000_000).unwrap()).unwrap()
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(NOW_MS as u64))
}

fn trusting(authority: &CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    Arc::new(roots)
}

/// What a client that trusts `authority` says to `identity` at `host`.
fn verdict_at(
    authority: &CertificateDer<'static>,
    identity: &Identity,
    host: &str,
    at: UnixTime,
) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(trusting(authority), provider).build().unwrap();
    let (leaf, rest) = identity.chain.split_first().unwrap();
    let host = ServerName::try_from(host.to_owned()).unwrap();
    verifier.verify_server_cert(leaf, rest, &host, &[], at).map(drop)
}

fn verdict(lab: &Lab, identity: &Identity, host: &str) -> Result<(), Error> {
    verdict_at(lab.authority_der(), identity, host, now())
}

fn client_verdict(lab: &Lab, identity: &Identity) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let roots = trusting(lab.authority_der());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
    let (leaf, rest) = identity.chain.split_first().unwrap();
    verifier.verify_client_cert(leaf, rest, now()).map(drop)
}

#[test]
fn the_good_identity_is_accepted_under_each_of_its_names() {
    let lab = lab();
    for host in HOSTS {
        assert_eq!(verdict(&lab, lab.good(), host), Ok(()), "{host}");
    }
}

#[test]
fn each_forged_one_is_refused_for_its_own_flaw_under_each_name() {
    let lab = lab();
    for (entry, host) in all().iter().flat_map(|e| HOSTS.map(|host| (e, host))) {
        let identity = lab.forge(entry).unwrap();
        assert_eq!(identity.name, entry.id);
        let error = verdict(&lab, &identity, host).unwrap_err();
        let Error::InvalidCertificate(reason) = &error else { panic!("{}: {error}", entry.id) };
        let right = match entry.id {
            "self-signed" | "untrusted-authority" => *reason == CertificateError::UnknownIssuer,
            "wrong-host" => matches!(reason, CertificateError::NotValidForNameContext { .. }),
            "expired" => matches!(reason, CertificateError::ExpiredContext { .. }),
            other => panic!("say here which error {other} must give"),
        };
        assert!(right, "{} at {host}: {reason:?}", entry.id);
    }
}

/// With only its flaw taken away, the same certificate is accepted: nothing else is wrong with it.
#[test]
fn without_its_flaw_each_forged_one_is_accepted() {
    let lab = lab();
    let forge = |id| lab.forge(find(id).unwrap()).unwrap();
    assert_eq!(verdict(&lab, &forge("wrong-host"), "evil.test"), Ok(()));

    let while_valid =
        UnixTime::since_unix_epoch(Duration::from_millis(NOW_MS as u64) - Duration::from_secs(7200));
    assert_eq!(verdict_at(lab.authority_der(), &forge("expired"), "localhost", while_valid), Ok(()));

    let stranger = forge("untrusted-authority");
    let its_authority = stranger.chain.last().unwrap();
    assert_eq!(verdict_at(its_authority, &stranger, "localhost", now()), Ok(()));

    // A self-signed certificate that is trusted as such: webpki takes it as a trust anchor.
    let own = forge("self-signed");
    assert_eq!(verdict_at(&own.chain[0], &own, "localhost", now()), Ok(()));
}

#[test]
fn the_client_is_accepted_as_a_client_only() {
    let lab = lab();
    assert_eq!(client_verdict(&lab, lab.client()), Ok(()));
    assert!(client_verdict(&lab, lab.good()).is_err());
    assert!(verdict(&lab, lab.client(), "localhost").is_err());
}

#[test]
fn the_authority_of_another_run_is_not_trusted() {
    let (one, two) = (lab(), lab());
    // It has the same name, so that webpki gets as far as the signature.
    let refused = Err(Error::InvalidCertificate(CertificateError::BadSignature));
    assert_eq!(verdict(&one, two.good(), "localhost"), refused);
}
