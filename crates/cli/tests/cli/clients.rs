//! Clients that deserve each verdict.

use crate::support::{capturing, client, record, text_of, wirelab};
use std::collections::BTreeMap;

/// The letters of the table below: the attack of each column.
const COLUMNS: [(&str, &str); 8] = [
    ("eavesdrop", "eavesdrop/session"),
    ("self-signed", "mitm/impostor-self-signed"),
    ("untrusted", "mitm/impostor-untrusted-authority"),
    ("wrong-host", "mitm/impostor-wrong-host"),
    ("expired", "mitm/impostor-expired"),
    ("relay", "mitm/relay-read"),
    ("tamper", "mitm/relay-tamper"),
    ("corrupt", "mitm/corrupt-record"),
];

/// Each fixture against everything, over TLS. `all` and `none` stand for all attacks and none of them.
/// A relay shows a self-signed certificate.
const COMPROMISED: [(&str, &[&str]); 8] = [
    ("verifies.py", &[]),
    ("leaves_child.py", &[]),
    ("ignores_name.py", &["wrong-host"]),
    ("ignores_time.py", &["expired"]),
    ("accepts_any.py", &["self-signed", "untrusted", "wrong-host", "expired", "relay", "tamper"]),
    ("sends_first.py", &["self-signed", "untrusted", "wrong-host", "expired", "relay", "tamper"]),
    ("falls_back.py", &["self-signed", "untrusted", "wrong-host", "expired", "relay", "tamper", "corrupt"]),
    (
        "never_tls.py",
        &["eavesdrop", "self-signed", "untrusted", "wrong-host", "expired", "relay", "tamper", "corrupt"],
    ),
];

#[test]
fn each_weak_client_is_compromised_by_exactly_the_attacks_of_its_class() {
    if !capturing() {
        return;
    }
    for (fixture, compromised_by) in COMPROMISED {
        let (output, folder) =
            wirelab(&["run", "eavesdrop", "mitm", "--client-cmd", &client(fixture), "--timeout", "5"]);
        let record = record(&folder);
        let found: BTreeMap<&str, &str> = record["arms"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|arm| arm["client"] != "builtin")
            .map(|arm| (arm["scenario"].as_str().unwrap(), arm["verdict"].as_str().unwrap()))
            .collect();
        let deserved: BTreeMap<&str, &str> = COLUMNS
            .iter()
            .map(|(short, id)| (*id, if compromised_by.contains(short) { "compromised" } else { "secure" }))
            .collect();
        assert_eq!(found, deserved, "{fixture}: {}", text_of(&output));
        let code = if compromised_by.is_empty() { 0 } else { 10 };
        assert_eq!(output.status.code(), Some(code), "{fixture}: {}", text_of(&output));
    }
}

#[test]
fn a_client_that_proves_nothing_is_inconclusive() {
    if !capturing() {
        return;
    }
    for fixture in ["connects_nowhere.py", "hangs.py", "refuses_but_says_ok.py", "no_such_file.py"] {
        let command = client(fixture);
        let (output, _folder) =
            wirelab(&["run", "mitm/impostor-self-signed", "--client-cmd", &command, "--timeout", "2"]);
        assert_eq!(output.status.code(), Some(5), "{fixture}: {}", text_of(&output));
    }
    let (output, _folder) = wirelab(&["run", "mitm/impostor-self-signed", "--client-cmd", "no-such-program"]);
    assert_eq!(output.status.code(), Some(5), "{}", text_of(&output));
}

#[test]
fn a_client_that_hangs_on_refusal_is_not_green() {
    if !capturing() {
        return;
    }
    let command = client("hangs_on_refusal.py");
    let (output, _folder) =
        wirelab(&["run", "mitm/impostor-self-signed", "--client-cmd", &command, "--timeout", "2"]);
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
}

#[test]
fn a_process_left_behind_is_reported_though_the_arm_is_secure() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "eavesdrop", "--client-cmd", &client("leaves_child.py")]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("left running") && text.contains("sleep"), "{text}");
    let record = record(&folder);
    let arm = record["arms"].as_array().unwrap().iter().find(|arm| arm["client"] != "builtin").unwrap();
    let left = arm["left_behind"][0].as_str().unwrap();
    let pid = left.split(' ').next().unwrap();
    let alive = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    assert_ne!(alive.trim(), "sleep", "it is ended");
}

#[test]
fn without_tls_the_client_itself_shows_the_leak() {
    if !capturing() {
        return;
    }
    let command = client("verifies.py");
    let (output, folder) = wirelab(&["run", "eavesdrop", "--client-cmd", &command, "--arm", "plaintext"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record = record(&folder);
    assert_eq!(record["arms"][0]["verdict"], "compromised");
    assert_eq!(record["arms"][0]["got"], serde_json::json!(["credential", "data"]));
}
