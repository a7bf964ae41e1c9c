//! Each good server that there is: it works, its log is kept, and what is missing is told.

use crate::support::{capturing, record, text_of, wirelab};
use std::process::Command;

/// Whether the program can be started; says so aloud where it cannot.
pub(crate) fn there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("skipped: no {program}");
    }
    there
}

fn file_of(folder: &tempfile::TempDir, arm: &serde_json::Value, name: &str) -> bool {
    folder
        .path()
        .join("run")
        .join(arm["evidence"].as_str().unwrap())
        .join(name)
        .metadata()
        .is_ok_and(|file| file.len() > 0)
}

#[test]
fn a_terminator_is_as_good_as_tls_of_the_server_itself_where_its_last_hop_is_no_wire() {
    if !capturing() || !there("stunnel") || !there("redis-server") {
        return;
    }
    let (output, folder) = wirelab(&["run", "eavesdrop", "mitm/relay-read", "--server", "terminator"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record = record(&folder);
    assert!(record["setup"]["server"].as_str().unwrap().starts_with("stunnel 5"), "{record}");
    let mut arms = record["arms"].as_array().unwrap().iter();
    let tls = arms.find(|arm| arm["scenario"] == "eavesdrop/session" && arm["arm"] == "tls").unwrap();
    assert!(file_of(&folder, tls, "stunnel.log") && file_of(&folder, tls, "redis-server.log"), "logs");
}

#[test]
fn garnet_lets_in_whom_it_cannot_tell_to_be_revoked_and_turns_away_who_has_nothing() {
    if !capturing() || !there("garnet-server") {
        return;
    }
    let wanted = ["mutual/intruder-none", "mutual/intruder-revoked", "mutual/optional-intruder-none"];
    let (output, folder) = wirelab(&[&["run", "--server", "garnet", "--arm", "mtls"], &wanted[..]].concat());
    let text = text_of(&output);
    // One arm cannot be set up with it, and a skipped arm is never green.
    assert_eq!(output.status.code(), Some(5), "{text}");
    let record = record(&folder);
    assert!(record["setup"]["server"].as_str().unwrap().starts_with("garnet-server 2."), "{record}");
    let arms = record["arms"].as_array().unwrap();
    for (id, arm, verdict) in [
        ("mutual/intruder-none", "tls", "compromised"),
        ("mutual/intruder-none", "mtls", "secure"),
        ("mutual/intruder-revoked", "mtls", "compromised"),
        ("mutual/optional-intruder-none", "mtls", "skipped"),
    ] {
        let found = arms.iter().find(|found| found["scenario"] == id && found["arm"] == arm).unwrap();
        assert_eq!(found["verdict"], verdict, "{id} {arm}: {text}");
        assert!(verdict == "skipped" || file_of(&folder, found, "garnet-server.log"), "{id} {arm}: its log");
    }
}

#[test]
fn a_server_that_is_missing_is_told_with_the_remedy_and_is_never_green() {
    if !capturing() {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    for (server, program) in
        [("redis", "redis-server"), ("garnet", "garnet-server"), ("terminator", "stunnel")]
    {
        let out = empty.path().join(server);
        let output = Command::new(env!("CARGO_BIN_EXE_wirelab"))
            .args(["run", "eavesdrop", "--server", server, "--out"])
            .arg(&out)
            .env("PATH", empty.path())
            .output()
            .unwrap();
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert!(text.contains(&format!("cannot run `{program}`")) && text.contains("install"), "{text}");
    }
}

#[test]
fn another_server_is_named_by_its_path() {
    if !capturing() || !there("redis-server") {
        return;
    }
    let path = std::env::var("PATH").unwrap();
    let program = std::env::split_paths(&path).map(|folder| folder.join("redis-server"));
    let program = program.into_iter().find(|program| program.exists()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other-server");
    std::fs::copy(program, &other).unwrap();
    let (output, run) = wirelab(&["run", "eavesdrop", "--server", other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    assert!(record(&run)["setup"]["server"].as_str().unwrap().starts_with("other-server "), "its own name");

    // A program that is no such server is the lab's doubt, and none at all is a mistake on the command line.
    for (server, code, word) in [("/bin/false", 5, "version"), ("./nowhere", 2, "no such program")] {
        let (output, _folder) = wirelab(&["run", "eavesdrop", "--server", server]);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{server}: {text}");
        assert!(text.contains(word), "{server}: {text}");
    }
}
