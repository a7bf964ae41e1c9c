//! The catalogue of forged certificates, against clients with one fault each.

use crate::support::{capturing, client, record, text_of, wirelab};

/// Runs a fixture against the scenarios and holds the exit code against what it deserves.
fn expect(fixture: &str, scenarios: &[&str], code: i32) {
    if !capturing() {
        return;
    }
    let command = client(fixture);
    let mut arguments = vec!["run"];
    arguments.extend(scenarios);
    arguments.extend(["--client-cmd", &command, "--timeout", "3"]);
    let (output, _folder) = wirelab(&arguments);
    assert_eq!(output.status.code(), Some(code), "{fixture} {scenarios:?}: {}", text_of(&output));
}

#[test]
fn the_built_in_client_is_as_the_catalogue_of_certificates_asks() {
    if !capturing() {
        return;
    }
    let (output, _folder) = wirelab(&["run", "certificate"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
}

#[test]
fn flawed_names_compromise_whoever_ignores_names_and_nobody_else() {
    for certificate in ["nul-in-name", "name-with-suffix", "address-without-address", "wildcard-alone"] {
        expect("ignores_name.py", &[&format!("certificate/{certificate}")], 10);
    }
    let others = ["signature-flipped", "issuer-not-ca", "own-curve", "usage-client", "rsa-512", "garbage"]
        .map(|certificate| format!("certificate/{certificate}"));
    expect("ignores_name.py", &others.each_ref().map(String::as_str), 0);
}

/// OpenSSL at level 0 verifies the weak signatures, so they are what they claim to be.
#[test]
fn weak_keys_and_hashes_compromise_whoever_takes_them_and_nobody_else() {
    for certificate in ["rsa-512", "issuer-rsa-512", "md5", "issuer-md5"] {
        expect("low_security.py", &[&format!("certificate/{certificate}")], 10);
    }
    let others = ["signature-zero", "signature-hash-lie", "own-curve", "nul-in-name", "issuer-expired"]
        .map(|certificate| format!("certificate/{certificate}"));
    expect("low_security.py", &others.each_ref().map(String::as_str), 0);
}

#[test]
fn flawed_dates_compromise_whoever_ignores_dates() {
    expect("ignores_time.py", &["certificate/issuer-expired"], 10);
    expect("ignores_time.py", &["certificate/wildcard-alone", "certificate/rsa-512"], 0);
}

/// What refuses every chain with an authority in between refuses them not for their flaws.
#[test]
fn a_client_that_accepts_no_good_certificate_of_the_shape_proves_nothing() {
    expect("no_intermediates.py", &["certificate/issuer-not-ca"], 5);
    expect(
        "no_intermediates.py",
        &["certificate/signature-flipped", "certificate/self-signed-wrong-host"],
        0,
    );
}

/// Who asks for the list learns what is on it and who signed it, and the evidence tells who asked.
#[test]
fn lists_of_revoked_certificates_tell_whoever_fetches_them() {
    if !capturing() {
        return;
    }
    if std::process::Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    let ids = ["list-revoked", "list-other-issuer", "list-issuer-without-sign", "list-without-number"]
        .map(|certificate| format!("certificate/{certificate}"));
    let [revoked, other, without_sign, without_number] = ids.each_ref().map(String::as_str);
    for (fixture, verdicts, word) in [
        ("asks_list.py", ["secure", "secure", "secure", "compromised"], "was fetched 1x"),
        ("verifies.py", ["compromised"; 4], "nobody fetched the list"),
    ] {
        let command = client(fixture);
        let arguments = ["run", revoked, other, without_sign, without_number, "--client-cmd", &command];
        let (output, folder) = wirelab(&arguments);
        assert_eq!(output.status.code(), Some(0), "{fixture}: {}", text_of(&output));
        let record = record(&folder);
        for (id, verdict) in ids.iter().zip(verdicts) {
            let arms = record["arms"].as_array().unwrap();
            let arm = arms.iter().find(|arm| arm["scenario"] == **id && arm["arm"] == "tls").unwrap();
            assert_eq!(arm["verdict"], verdict, "{fixture} {id}: {arm:#}");
            assert!(arm["why"].as_str().unwrap().contains(word), "{fixture} {id}: {arm:#}");
        }
    }
}
