//! Refused for the right reason: two verifiers, webpki and OpenSSL, accept every certificate of the
//! catalogue without its flaw, and what each says to the flaw is on record in `reasons.txt`.
//! `WIRELAB_BLESS=1` writes that file anew.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod verifiers;

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use verifiers::{NOW_MS, has_openssl, lab, named, openssl, time};
use wirelab_pki::{Expectation, Identity, Lab, all, find};

/// Every name a client of the lab may use for its server.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(NOW_MS as u64))
}

fn trusting(authority: &CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    Arc::new(roots)
}

/// What a client on webpki that trusts `authority` says to `identity` at `host`.
fn webpki(
    authority: &CertificateDer<'static>,
    identity: &Identity,
    host: &str,
    at: UnixTime,
) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let mut verifier = WebPkiServerVerifier::builder_with_provider(trusting(authority), provider);
    if let Some(list) = &identity.list {
        // Without a list that says something of the certificate it refuses.
        verifier = verifier.with_crls([list.clone().into()]).only_check_end_entity_revocation();
    }
    let verifier = verifier.build().unwrap();
    let (leaf, rest) = identity.chain.split_first().unwrap();
    let host = ServerName::try_from(host.to_owned()).unwrap();
    verifier.verify_server_cert(leaf, rest, &host, &[], at).map(drop)
}

fn verdict(lab: &Lab, identity: &Identity, host: &str) -> Result<(), Error> {
    let authority = identity.anchor.as_ref().unwrap_or_else(|| lab.authority_der());
    webpki(authority, identity, host, now())
}

/// The error in a word or two.
fn word(error: &Error) -> String {
    let text = match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => other.to_string(),
        Error::InvalidCertificate(reason) => format!("{reason:?}"),
        other => format!("{other:?}"),
    };
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn the_good_identity_is_accepted_under_each_of_its_names() {
    let lab = lab();
    for host in HOSTS {
        assert_eq!(verdict(&lab, lab.good(), host), Ok(()), "{host}");
    }
}

#[test]
fn without_its_flaw_each_is_accepted_by_both() {
    let (lab, openssl_too) = (lab(), has_openssl());
    let mut wrong = Vec::new();
    for entry in all() {
        let mended = lab.mend(entry, time()).unwrap();
        if let Err(error) = verdict(&lab, &mended, entry.host) {
            wrong.push(format!("{}: webpki: {error:?}", entry.id));
        }
        if openssl_too && let Err(error) = openssl(&lab, &mended, "sslserver", &named(entry.host)) {
            wrong.push(format!("{}: OpenSSL: {error}", entry.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_flaw_has_the_reasons_on_record() {
    let lab = lab();
    // The numbers are the same in all of OpenSSL 3; what it checks is not in every version.
    let version = Command::new("openssl").arg("version").output().map(|out| out.stdout).unwrap_or_default();
    let same_openssl = version.starts_with(b"OpenSSL 3.0.");
    if !same_openssl {
        println!("skipped in part: the reasons of OpenSSL are on record for 3.0");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reasons.txt");
    let recorded = fs::read_to_string(path).unwrap_or_default();
    let mut table = String::from("# certificate | a client | webpki | OpenSSL 3.0 at security level 2\n");
    for entry in all() {
        let forged = lab.forge(entry, time()).unwrap();
        assert_eq!(forged.name, entry.id);
        let by_webpki = verdict(&lab, &forged, entry.host);
        match entry.expectation {
            // Who verifies a chain does not use the server's own key; who shakes hands does.
            Expectation::MustRefuse if ["rsa-512", "rsa-768"].contains(&entry.id) => {}
            Expectation::MustRefuse => assert!(by_webpki.is_err(), "{}", entry.id),
            Expectation::MustAccept => assert_eq!(by_webpki, Ok(()), "{}", entry.id),
            Expectation::Policy => {}
        }
        let expectation = match entry.expectation {
            Expectation::MustRefuse => "must refuse",
            Expectation::Policy => "decides",
            Expectation::MustAccept => "must accept",
        };
        let webpki = by_webpki.map_or_else(|error| word(&error), |()| "accepts".into());
        let openssl = if same_openssl {
            openssl(&lab, &forged, "sslserver", &named(entry.host)).err().unwrap_or_else(|| "accepts".into())
        } else {
            let old = recorded.lines().find(|line| line.starts_with(&format!("{} |", entry.id)));
            old.and_then(|line| line.rsplit(" | ").next()).unwrap_or_default().to_owned()
        };
        writeln!(table, "{} | {expectation} | {webpki} | {openssl}", entry.id).unwrap();
    }
    if std::env::var_os("WIRELAB_BLESS").is_some_and(|value| value == "1") {
        return fs::write(path, &table).unwrap();
    }
    for (now, then) in table.lines().zip(recorded.lines()) {
        assert_eq!(now, then, "WIRELAB_BLESS=1 records it");
    }
    assert_eq!(table.lines().count(), recorded.lines().count(), "WIRELAB_BLESS=1 records it");
}

/// The very same bytes are accepted where the surroundings fit them: nothing else is wrong.
#[test]
fn in_fitting_surroundings_the_same_bytes_are_accepted() {
    let lab = lab();
    let forge = |id| lab.forge(find(id).unwrap(), time()).unwrap();
    let at = |seconds: i64| {
        let now = now().as_secs() as i64;
        UnixTime::since_unix_epoch(Duration::from_secs((now + seconds) as u64))
    };
    for (id, host) in [
        ("wrong-host", "evil.test"),
        ("common-name-only-right", "evil.test"),
        ("address-without-address", "localhost"),
        ("name-of-child", "redis.localhost"),
        ("name-with-suffix", "localhost.evil.test"),
        ("name-with-prefix", "evillocalhost"),
        ("name-homograph-a-label", "xn--loclhost-3fg"),
    ] {
        assert_eq!(verdict(&lab, &forge(id), host), Ok(()), "{id}");
    }
    for (id, seconds) in [
        ("expired", -7200),
        ("expired-second", -2),
        ("not-yet-valid", 3600 * 50),
        ("not-yet-valid-minute", 61),
        ("issuer-expired", -1802),
        ("issuer-not-yet-valid", 3601),
    ] {
        assert_eq!(webpki(lab.authority_der(), &forge(id), "localhost", at(seconds)), Ok(()), "{id}");
    }
    // The first and the last second count in, and those next to them do not.
    for (id, inside, outside) in [
        ("expired-second", -1, 0),
        ("expired", -3600, -3599),
        ("valid-from-now", 0, -1),
        ("not-yet-valid-minute", 60, 59),
        ("issuer-expired", -1800, -1799),
        ("issuer-not-yet-valid", 3600, 3599),
    ] {
        let forged = forge(id);
        let verdict = |seconds| webpki(lab.authority_der(), &forged, "localhost", at(seconds));
        assert_eq!(verdict(inside), Ok(()), "{id}");
        assert!(verdict(outside).is_err(), "{id}");
    }
    for id in ["untrusted-authority", "authority-same-name"] {
        let stranger = forge(id);
        let its_authority = stranger.chain.last().unwrap();
        assert_eq!(webpki(its_authority, &stranger, "localhost", now()), Ok(()), "{id}");
    }
    // A self-signed certificate that is trusted as such: webpki takes it as a trust anchor.
    let own = forge("self-signed");
    assert_eq!(webpki(&own.chain[0], &own, "localhost", now()), Ok(()));
}

/// A client that skips the check of names takes what the trusted authority issued, NUL or not.
#[test]
fn a_flawed_name_is_the_only_flaw() {
    let (lab, openssl_too) = (lab(), has_openssl());
    if !openssl_too {
        return;
    }
    for id in ["nul-in-name", "nul-in-common-name", "name-with-separator", "wildcard-alone", "name-in-uri"] {
        let forged = lab.forge(find(id).unwrap(), time()).unwrap();
        assert_eq!(openssl(&lab, &forged, "sslserver", &[]), Ok(()), "{id}");
    }
}

#[test]
fn the_client_is_accepted_as_a_client_only() {
    let lab = lab();
    let as_client = |identity: &Identity| {
        let provider = Arc::new(default_provider());
        let roots = trusting(lab.authority_der());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
        let (leaf, rest) = identity.chain.split_first().unwrap();
        verifier.verify_client_cert(leaf, rest, now()).map(drop)
    };
    assert_eq!(as_client(lab.client()), Ok(()));
    assert!(as_client(lab.good()).is_err());
    assert!(verdict(&lab, lab.client(), "localhost").is_err());
}

#[test]
fn the_authority_of_another_run_is_not_trusted() {
    let (one, two) = (lab(), lab());
    // It has the same name, so that webpki gets as far as the signature.
    let refused = Err(Error::InvalidCertificate(CertificateError::BadSignature));
    assert_eq!(verdict(&one, two.good(), "localhost"), refused);
}
