//! Environments: what each of them is worth, by what was seen there.

use crate::servers::there;
use crate::support::{capturing, client, record, text_of, wirelab};

/// Name, TLS, client certificates and risk of each row.
fn rows(record: &serde_json::Value) -> Vec<[String; 4]> {
    let rows = record["environments"].as_array().unwrap().iter();
    rows.map(|row| {
        ["name", "tls", "client_certificates", "risk"].map(|field| row[field].as_str().unwrap().to_owned())
    })
    .collect()
}

#[test]
fn the_three_postures_have_high_medium_and_low_risk() {
    if !capturing() || !there("redis-server") {
        return;
    }
    let (output, folder) = wirelab(&["run", "posture"]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let record = record(&folder);
    assert_eq!(
        rows(&record),
        [
            ["hardened", "yes", "yes", "low"],
            ["production", "no", "no", "high"],
            ["staging", "yes", "no", "medium"]
        ]
    );
    let page = std::fs::read_to_string(folder.path().join("run/index.html")).unwrap();
    for told in
        ["with a stolen password: data", "on the wire: password, data, forged reply", "tls-auth-clients yes"]
    {
        assert!(text.contains(told) && page.contains(told), "{told}: {text}");
    }
    let (schema, _folder) = wirelab(&["schema", "run"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&record));
}

/// The same environment with a client that checks nothing, and with one that talks without TLS whatever it
/// is told: the row says what happened, not what was meant.
#[test]
fn the_client_under_test_decides_what_an_environment_is_worth() {
    if !capturing() {
        return;
    }
    for (fixture, expected) in [
        ("verifies.py", ["staging", "yes", "no", "medium"]),
        ("accepts_any.py", ["staging", "yes", "no", "high"]),
        ("never_tls.py", ["staging", "no", "no", "high"]),
    ] {
        let command = client(fixture);
        let (output, folder) = wirelab(&["run", "posture/staging", "--client-cmd", &command]);
        assert_eq!(rows(&record(&folder)), [expected], "{fixture}: {}", text_of(&output));
    }
}

/// `port 0` is looked at itself: without it hardened is not.
#[test]
fn a_port_that_was_left_open_is_a_high_risk() {
    if !capturing() || !there("redis-server") {
        return;
    }
    let (output, folder) = wirelab(&["run", "posture/hardened/open-port", "--sabotage", "no-tls"]);
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
    assert_eq!(rows(&record(&folder)), [["hardened", "no", "no", "high"]]);
    let row = &record(&folder)["environments"][0];
    assert!(row["recommendation"].as_str().unwrap().contains("port 0"), "{row}");
}

#[test]
fn what_could_not_be_told_is_no_low_risk() {
    if !capturing() || !there("redis-server") {
        return;
    }
    let (output, folder) = wirelab(&["run", "posture/hardened", "--sabotage", "deaf-capture"]);
    assert_eq!(output.status.code(), Some(5), "{}", text_of(&output));
    assert_eq!(rows(&record(&folder))[0][3], "unknown");
    let (output, folder) = wirelab(&["run", "posture/hardened", "--sabotage", "no-tls"]);
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
    assert_eq!(rows(&record(&folder))[0][3], "high");
}
