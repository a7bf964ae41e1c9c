//! Misbehaviour in the handshake and in records, against clients that deserve each verdict.

use crate::support::{capturing, client, record, text_of, wirelab};
use std::collections::BTreeMap;

/// Verdicts of a run's arms by scenario and arm.
fn verdicts(record: &serde_json::Value) -> BTreeMap<(String, String), String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    record["arms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arm| ((word(&arm["scenario"]), word(&arm["arm"])), word(&arm["verdict"])))
        .collect()
}

#[test]
fn the_built_in_client_breaks_off_and_the_gullible_one_never_does() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "handshake"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    // What rustls does not mind, and a client may be like.
    let taken = [
        "record-empty-sealed",
        "session-id-other",
        "tls12-renegotiation-insecure",
        "tls12-renegotiation-spliced",
    ];
    for ((scenario, arm), verdict) in verdicts(&record(&folder)) {
        let name = scenario.trim_start_matches("handshake/");
        let compromised = arm == "tls-unverified" || taken.contains(&name);
        assert_eq!(verdict, if compromised { "compromised" } else { "secure" }, "{scenario} {arm}");
    }
}
/// Refused for the flaw, and not for something else that the rogue gets wrong: rustls says why.
#[test]
fn each_flaw_is_what_the_built_in_client_refuses() {
    if !capturing() {
        return;
    }
    let reasons = [
        ("tls10-only", "ServerDoesNotSupportTls12Or13"),
        ("downgrade-mark", "AttemptedDowngradeToTls12WhenTls13IsSupported"),
        ("suite-null", "SelectedUnofferedCipherSuite"),
        ("compression", "SelectedUnofferedCompression"),
        ("share-order-8", "InvalidKeyShare"),
        ("point-off-curve", "InvalidKeyShare"),
        ("other-key", "BadSignature"),
        ("tls12-signature-flipped", "BadSignature"),
        ("scheme-sha1", "SignedHandshakeWithUnadvertisedSigScheme"),
        ("certificate-empty", "peer sent no certificates"),
        ("verify-omitted", "got Finished when expecting CertificateVerify"),
        ("tls12-exchange-omitted", "got ServerHelloDone when expecting ServerKeyExchange"),
        ("alpn-unasked", "UnsolicitedEncryptedExtension"),
        ("retry-other-suite", "SelectedDifferentCipherSuiteAfterRetry"),
        ("record-padding-only", "IllegalTlsInnerPlaintext"),
    ];
    let ids: Vec<String> = reasons.iter().map(|(name, _)| format!("handshake/{name}")).collect();
    let mut arguments = vec!["run"];
    arguments.extend(ids.iter().map(String::as_str));
    let (_output, folder) = wirelab(&arguments);
    let record = record(&folder);
    for (name, reason) in reasons {
        let id = format!("handshake/{name}");
        let arm =
            record["arms"].as_array().unwrap().iter().find(|a| a["scenario"] == id && a["arm"] == "tls");
        let why = arm.unwrap()["why"].as_str().unwrap().to_owned();
        assert!(why.contains(reason), "{name}: {why}");
    }
}

/// Runs a fixture and gives the verdicts of its own arms.
fn verdicts_of(fixture: &str, scenarios: &[&str], timeout: &str) -> BTreeMap<String, String> {
    let command = client(fixture);
    let mut arguments = vec!["run"];
    arguments.extend(scenarios);
    arguments.extend(["--client-cmd", &command, "--timeout", timeout]);
    let (_output, folder) = wirelab(&arguments);
    let all = verdicts(&record(&folder)).into_iter().filter(|((_, arm), _)| arm == "tls");
    all.map(|((scenario, _), verdict)| (scenario, verdict)).collect()
}

fn expect(fixture: &str, timeout: &str, deserved: &[(&str, &str)]) {
    if !capturing() {
        return;
    }
    let scenarios: Vec<&str> = deserved.iter().map(|(scenario, _)| *scenario).collect();
    let deserved: BTreeMap<String, String> =
        deserved.iter().map(|(scenario, verdict)| ((*scenario).to_owned(), (*verdict).to_owned())).collect();
    assert_eq!(verdicts_of(fixture, &scenarios, timeout), deserved, "{fixture}");
}

/// OpenSSL goes on with the hellos that are written by hand, so they are what they claim to be.
#[test]
fn old_versions_compromise_whoever_speaks_them_and_nobody_else() {
    let taken = ["handshake/tls10-only", "handshake/tls11-only", "handshake/suite-rsa-exchange"];
    let refused = ["handshake/ssl3-only", "handshake/downgrade-mark-old", "handshake/suite-export"];
    let all = |verdict: &'static str| taken.map(|scenario| (scenario, verdict)).to_vec();
    let mut deserved = all("compromised");
    deserved.extend(refused.map(|scenario| (scenario, "secure")));
    expect("old_tls.py", "5", &deserved);
    expect("verifies.py", "5", &[("handshake/tls10-only", "secure"), ("handshake/tls11-only", "secure")]);
}

#[test]
fn the_catalogue_of_a_client_with_openssl() {
    let proofs = [
        "handshake/other-key",
        "handshake/signature-flipped",
        "handshake/tls12-other-key",
        "handshake/finished-flipped",
        "handshake/proof-omitted",
        "handshake/certificate-empty",
        "handshake/share-zero",
        "handshake/point-off-curve",
        "handshake/retry-twice",
        "handshake/tls12-early-cipher-change",
        "handshake/replies-before-hello",
        "handshake/downgrade-mark",
        "path/record-replayed",
        "path/alert-put-in",
        "cleartext/clear-error",
        "cleartext/clear-reset",
        // It logs in before it reads that, and refuses it then.
        "handshake/cipher-change-late",
    ];
    expect("verifies.py", "5", &proofs.map(|scenario| (scenario, "secure")));
}

#[test]
fn whoever_falls_back_hands_over_its_password_in_clear() {
    let all = ["cleartext/clear-error", "cleartext/clear-alert", "cleartext/clear-reset"];
    expect("falls_back.py", "5", &all.map(|scenario| (scenario, "compromised")));
}

#[test]
fn who_has_no_timeout_of_its_own_hangs() {
    let all = ["stall/stall-silent", "stall/stall-drip", "stall/stall-unfinished"];
    expect("gives_up.py", "4", &all.map(|scenario| (scenario, "secure")));
    // Its own timeout is longer than what the lab gives it.
    expect("verifies.py", "2", &[("stall/stall-silent", "hung"), ("stall/stall-drip", "hung")]);
}

#[test]
fn the_end_is_an_answer_for_whoever_takes_it_for_one() {
    expect(
        "end_is_answer.py",
        "5",
        &[("path/reply-cut-off", "compromised"), ("path/record-replayed", "secure")],
    );
}

#[test]
fn the_other_folders_with_the_built_in_client() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "stall", "path", "cleartext"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    for ((scenario, arm), verdict) in verdicts(&record(&folder)) {
        let live = if scenario.starts_with("stall/") { "hung" } else { "compromised" };
        assert_eq!(verdict, if arm == "tls" { "secure" } else { live }, "{scenario} {arm}");
    }
    // What the client offers is told also by those who never open its hello.
    for arm in ["path-record-dropped", "cleartext-clear-reset"] {
        let evidence = folder.path().join(format!("run/evidence/builtin/{arm}/tls/evidence.json"));
        let evidence: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(evidence).unwrap()).unwrap();
        let hello = &evidence["peer"]["connections"][0]["hello"];
        assert_eq!(hello["sni"], "localhost", "{arm}: {evidence:#}");
        assert_eq!(hello["offered"]["versions"], serde_json::json!(["TLSv1.3", "TLSv1.2"]), "{arm}");
    }
}

/// OpenSSL does as it is asked, unless it is told not to: the request is one, and the session goes on without it.
#[test]
fn who_begins_anew_when_asked_is_told_of() {
    let scenario = "handshake/tls12-renegotiation-forced";
    expect("verifies.py", "5", &[(scenario, "compromised")]);
    expect("never_renegotiates.py", "5", &[(scenario, "secure")]);
}
