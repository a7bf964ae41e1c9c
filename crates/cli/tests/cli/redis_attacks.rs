//! What only Redis can be made to do: clients that deserve each verdict.

use crate::support::{capturing, client, record, text_of, wirelab};
use std::collections::BTreeMap;

/// Verdict and sentence of each arm of the client under test, by scenario.
fn verdicts(folder: &tempfile::TempDir) -> BTreeMap<String, (String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let record = record(folder);
    let arms = record["arms"].as_array().unwrap().iter().filter(|arm| arm["client"] != "builtin");
    arms.map(|arm| (text(&arm["scenario"]), (text(&arm["verdict"]), text(&arm["why"])))).collect()
}

/// Runs all redirections against a fixture that knows clusters and Sentinels.
fn redirected(command: &str) -> (i32, BTreeMap<String, (String, String)>, String) {
    let topologies = ["--topology", "cluster", "--topology", "sentinel", "--topology", "clear-sentinel"];
    let words = ["run", "redis", "--tag", "redirect", "--tag", "clear-sentinel"];
    let (output, folder) = wirelab(&[&words[..], &topologies, &["--client-cmd", command]].concat());
    (output.status.code().unwrap(), verdicts(&folder), text_of(&output))
}

/// Each client is sent elsewhere by every answer there is, and is compromised by exactly those places that
/// it does not check. The word after its name is the list of nodes that it asks for.
const COMPROMISED: [(&str, &str, &[&str]); 7] = [
    ("follows_verified.py", "SLOTS", &["announced-name"]),
    ("shares_sessions.py", "SLOTS", &["announced-name", "shared-tickets"]),
    ("logs_in_at_sentinel.py", "SLOTS", &["announced-name", "/clear-sentinel"]),
    ("does_as_with_sentinel.py", "SLOTS", &["announced-name", "/clear-sentinel"]),
    ("follows_configured_name.py", "SHARDS", &[]),
    (
        "follows_in_plaintext.py",
        "NODES",
        &[
            "plaintext",
            "wrong-host",
            "announced-name",
            "self-signed",
            "empty-host",
            "ipv6",
            "shared-tickets",
            "/clear-sentinel",
        ],
    ),
    (
        "follows_unverified.py",
        "NODES",
        &["wrong-host", "announced-name", "self-signed", "empty-host", "ipv6", "shared-tickets"],
    ),
];

#[test]
fn each_client_is_compromised_by_exactly_the_redirections_that_it_does_not_check() {
    if !capturing() {
        return;
    }
    for (fixture, list, compromised_by) in COMPROMISED {
        let (code, verdicts, text) = redirected(&format!("{} {list}", client(fixture)));
        assert!(verdicts.len() > 10, "{text}");
        for (scenario, (verdict, why)) in &verdicts {
            // All of what is asked in clear, or a place.
            let is = |place: &&&str| {
                scenario.ends_with(**place) || place.starts_with('/') && scenario.contains(**place)
            };
            let compromised = compromised_by.iter().any(|place| is(&place));
            let deserved = if compromised { "compromised" } else { "secure" };
            assert_eq!(verdict, deserved, "{fixture} {scenario}: {why}\n{text}");
            let said = if scenario.ends_with("overheard") { "in clear go by" } else { "sent no secret" };
            assert!(compromised || why.contains(said), "{fixture} {scenario}: {why}");
        }
        // A certificate that is valid for the announced name is nothing that a client must refuse.
        let code_of = if compromised_by.iter().all(|place| *place == "announced-name") { 0 } else { 10 };
        assert_eq!(code, code_of, "{fixture}: {text}");
    }
}

/// The report says what became of TLS, which name was asked for, and what was sent.
#[test]
fn the_sentence_says_what_the_client_did_where_it_was_sent() {
    if !capturing() {
        return;
    }
    let run = |fixture: &str, id: &str| {
        let (_output, folder) =
            wirelab(&["run", id, "--topology", "cluster", "--client-cmd", &client(fixture)]);
        verdicts(&folder)[id].1.clone()
    };
    let why = run("follows_in_plaintext.py", "redis/moved-plaintext");
    assert!(why.contains("gave up TLS for the attacker, and sent its password, key, value"), "{why}");
    let why = run("follows_verified.py", "redis/moved-wrong-host");
    assert!(why.contains("kept TLS") && why.contains("name localhost, refused the certificate"), "{why}");
    let why = run("follows_verified.py", "redis/moved-ipv6");
    assert!(why.contains("MOVED") && why.contains("::ffff:127.0.0.1") && why.contains("no name"), "{why}");
}

/// A client that follows nobody is secure where it was told to go, and proves nothing where it never asked.
#[test]
fn a_client_that_follows_nobody_is_secure_only_where_it_was_told_to() {
    if !capturing() {
        return;
    }
    let (code, verdicts, text) = redirected(&client("verifies.py"));
    assert_eq!(code, 5, "{text}");
    for (scenario, (verdict, why)) in verdicts {
        if ["/moved-", "/ask-", "/map-"].iter().any(|asked| scenario.contains(asked)) {
            assert_eq!(verdict, "secure", "{scenario}: {why}");
            assert!(why.contains("did not go there"), "{scenario}: {why}");
        } else {
            assert_eq!(verdict, "inconclusive", "{scenario}: {why}");
        }
    }
}

/// An application that knows one server only is not asked for more, unless somebody says so.
#[test]
fn other_topologies_are_run_only_where_asked_for() {
    if !capturing() {
        return;
    }
    let command = client("verifies.py");
    let (output, _folder) = wirelab(&["run", "redis/moved-plaintext", "--client-cmd", &command]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("--topology cluster"), "{text}");
    let (output, _folder) = wirelab(&["run", "redis/moved-plaintext", "eavesdrop", "--client-cmd", &command]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("not run: 1 scenarios"), "{text}");
}

/// Word of another master comes unasked: who listens is told, and goes there with its checks or without them.
#[test]
fn who_listens_to_a_sentinel_is_called_away_and_who_does_not_is_not_covered() {
    if !capturing() {
        return;
    }
    let run = |command: &str| {
        let words = ["run", "redis", "--tag", "failover", "--topology", "sentinel", "--client-cmd", command];
        let (output, folder) = wirelab(&words);
        (verdicts(&folder), text_of(&output))
    };
    for (fixture, plaintext, wrong_host) in [
        ("follows_verified.py", "secure", "secure"),
        ("follows_in_plaintext.py", "compromised", "compromised"),
        ("follows_unverified.py", "secure", "compromised"),
    ] {
        let (verdicts, text) = run(&format!("{} SWITCH", client(fixture)));
        for (id, deserved) in [("redis/switch-plaintext", plaintext), ("redis/switch-wrong-host", wrong_host)]
        {
            let (verdict, why) = &verdicts[id];
            assert_eq!(verdict, deserved, "{fixture} {id}: {why}\n{text}");
        }
    }
    let (verdicts, text) = run(&client("follows_verified.py"));
    for (verdict, why) in verdicts.values() {
        assert_eq!(verdict, "skipped", "{why}\n{text}");
    }
}

/// With mutual TLS the sentence says whether the client showed its certificate again, and that counts.
#[test]
fn a_client_certificate_that_is_shown_again_is_told_of() {
    if !capturing() {
        return;
    }
    let words = ["run", "redis", "--tag", "cluster", "--arm", "mtls-unverified", "--arm", "mtls"];
    let (output, folder) = wirelab(&words);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let record = record(&folder);
    let arms = record["arms"].as_array().unwrap();
    assert_eq!(arms.iter().filter(|arm| arm["arm"] == "mtls").count(), 4, "{text}");
    for arm in arms.iter().filter(|arm| arm["arm"] == "mtls-unverified") {
        let why = arm["why"].as_str().unwrap();
        assert!(why.contains("showed its certificate again, and sent its password"), "{why}");
    }
    for arm in arms.iter().filter(|arm| arm["arm"] == "mtls" && arm["verdict"] == "secure") {
        assert!(arm["why"].as_str().unwrap().contains("sent no secret"), "{arm}");
    }
}
