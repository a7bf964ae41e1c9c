//! Servers that answer to break their client: with clients that break, that hold, and that never come back.

use crate::support::{capturing, client, record, text_of, wirelab};
use std::collections::BTreeMap;

/// Verdict, what the attacker got and the sentence of each verified arm, by scenario.
fn verdicts(words: &[&str]) -> (i32, BTreeMap<String, (String, String, String)>, String) {
    let (output, folder) = wirelab(&[&["run", "redis", "--tag", "hostile"], words].concat());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let record = record(&folder);
    let arms = record["arms"].as_array().unwrap().iter().filter(|arm| arm["arm"] == "tls");
    let verdicts = arms.map(|arm| {
        (text(&arm["scenario"]), (text(&arm["verdict"]), arm["got"].to_string(), text(&arm["why"])))
    });
    (output.status.code().unwrap(), verdicts.collect(), text_of(&output))
}

#[test]
fn who_believes_every_length_breaks_and_who_bounds_them_does_not() {
    if !capturing() {
        return;
    }
    for (fixture, deserved, code) in [("trusts_lengths.py", "compromised", 10), ("verifies.py", "secure", 0)]
    {
        let (exit, verdicts, said) = verdicts(&["--client-cmd", &client(fixture)]);
        assert_eq!((exit, verdicts.len()), (code, 5), "{said}");
        for (scenario, (verdict, got, why)) in verdicts {
            assert_eq!(verdict, deserved, "{fixture} {scenario}: {why}");
            assert_eq!(got, if verdict == "secure" { "[]" } else { "[\"denial\"]" }, "{scenario}");
            assert!(
                verdict == "secure" || why.contains("signal") || why.contains("may take 256 MiB"),
                "{why}"
            );
        }
    }
}

/// A timeout for each read is none for a reply that drips.
#[test]
fn who_waits_for_each_read_alone_hangs() {
    if !capturing() {
        return;
    }
    let command = client("skips_attributes.py");
    let (exit, verdicts, said) = verdicts(&["--timeout", "3", "--client-cmd", &command]);
    assert_eq!(exit, 10, "{said}");
    assert_eq!(verdicts["redis/hostile-attribute-bomb"].0, "hung", "{said}");
    assert_eq!(verdicts["redis/hostile-deep-nesting"].0, "secure", "{said}");
}

/// It runs in a process of its own here, or nobody could say what memory it takes.
#[test]
fn the_built_in_client_bounds_all_but_how_much_it_keeps() {
    if !capturing() {
        return;
    }
    let (exit, verdicts, said) = verdicts(&[]);
    assert_eq!((exit, verdicts.len()), (0, 5), "{said}");
    for (scenario, (verdict, _, why)) in verdicts {
        assert!(why.contains(" MiB of memory"), "{scenario}: {why}");
        assert!(verdict == "secure" || scenario == "redis/hostile-endless-array", "{scenario}: {why}");
    }
}

/// Who never speaks to the server was not attacked.
#[test]
fn who_refuses_every_server_shows_nothing() {
    if !capturing() {
        return;
    }
    let (exit, verdicts, said) = verdicts(&["--client-cmd", "false"]);
    assert_eq!(exit, 5, "{said}");
    assert!(verdicts.values().all(|(verdict, ..)| verdict == "inconclusive"), "{said}");
}
