//! Attackers in the middle who understand Redis, and rogues that want to be told more: with the built-in client,
//! with clients that fall for them, and with the real server behind them.

use crate::support::{capturing, client, record, text_of, wirelab};
use serde_json::Value;
use std::process::Command;

fn arms(record: &Value, client: &str) -> Vec<Value> {
    let arms = record["arms"].as_array().unwrap().iter();
    arms.filter(|arm| arm["client"] == client).cloned().collect()
}

#[test]
fn the_built_in_client_withstands_with_tls_alone() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "redis", "--tag", "tamper", "--tag", "bait"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let arms = arms(&record(&folder), "builtin");
    assert_eq!(arms.len(), 16 * 3);
    for arm in arms {
        let why = arm["why"].as_str().unwrap();
        let expected = if arm["arm"] == "tls" { "secure" } else { "compromised" };
        assert_eq!(arm["verdict"], expected, "{arm}");
        let tampered = arm["scenario"].as_str().unwrap().starts_with("redis/tamper-");
        assert!(expected == "secure" || !tampered || why.contains("the relay "), "{why}");
    }
}

/// The same where a real server answers, which runs the scripts, knows the commands and keeps no record.
#[test]
fn the_real_redis_server_is_lied_about_as_well() {
    if !capturing() {
        return;
    }
    if Command::new("redis-server").arg("--version").output().is_err() {
        println!("skipped: no redis-server");
        return;
    }
    let (output, _folder) = wirelab(&["run", "redis", "--tag", "tamper", "--server", "redis"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
}

/// What anybody may run is run with a client that checks nothing, and is compromised by; one that verifies is not.
#[test]
fn who_checks_nothing_is_compromised_by_all_that_is_run() {
    if !capturing() {
        return;
    }
    for (fixture, deserved, code) in [("accepts_any.py", "compromised", 10), ("verifies.py", "secure", 0)] {
        let command = client(fixture);
        let words =
            ["run", "redis", "--tag", "tamper", "--tag", "bait", "--timeout", "8", "--client-cmd", &command];
        let (output, folder) = wirelab(&words);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains("not run: 4 scenarios for clients that cache or subscribe"), "{text}");
        let record = record(&folder);
        let own: Vec<&Value> =
            record["arms"].as_array().unwrap().iter().filter(|arm| arm["client"] != "builtin").collect();
        assert_eq!(own.len(), 12, "{text}");
        for arm in own {
            assert_eq!(arm["verdict"], deserved, "{fixture}: {arm}");
        }
    }
}

/// The sentence tells what a client did when it was baited.
#[test]
fn the_sentence_says_how_often_a_client_logged_in() {
    if !capturing() {
        return;
    }
    let why = |id: &str| {
        let command = client("insists.py");
        let (_output, folder) = wirelab(&["run", id, "--timeout", "8", "--client-cmd", &command]);
        let record = record(&folder);
        let arm = record["arms"].as_array().unwrap().iter().find(|arm| arm["client"] != "builtin").cloned();
        arm.unwrap()["why"].as_str().unwrap().to_owned()
    };
    let bad = why("redis/bait-wrong-password");
    assert!(
        bad.contains("logged in 3 times (HELLO/4, AUTH/2, AUTH/1), the last time without its user"),
        "{bad}"
    );
    let old = why("redis/bait-no-hello");
    assert!(old.contains("HELLO was refused, and it sent its password again with AUTH"), "{old}");
    let silent = why("redis/bait-silent");
    assert!(silent.contains("before the first reply it sent HELLO/4"), "{silent}");
    let again = why("redis/bait-no-auth");
    assert!(again.contains("logged in 2 times"), "{again}");
}

#[test]
fn nobody_else_is_asked_to_cache_or_to_subscribe() {
    if !capturing() {
        return;
    }
    let command = client("verifies.py");
    let (output, _folder) = wirelab(&["run", "redis/tamper-message-forged", "--client-cmd", &command]);
    assert_eq!(output.status.code(), Some(4), "{}", text_of(&output));
}
