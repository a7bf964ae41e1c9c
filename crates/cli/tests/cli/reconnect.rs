//! Clients that come back to somebody else, and clients that tell who they are.

use crate::support::{capturing, client, record, text_of, wirelab};
use std::collections::BTreeMap;

/// Verdict and sentence of each arm of one kind, by scenario.
fn arms(record: &serde_json::Value, arm: &str) -> BTreeMap<String, (String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let arms = record["arms"].as_array().unwrap().iter().filter(|found| found["arm"] == arm);
    arms.map(|arm| (text(&arm["scenario"]), (text(&arm["verdict"]), text(&arm["why"])))).collect()
}

/// Runs a fixture, and holds each verdict against what it deserves and its sentence against a word of it.
fn expect(fixture: &str, deserved: &[(&str, &str, &str)]) {
    if !capturing() {
        return;
    }
    let command = client(fixture);
    let mut arguments = vec!["run"];
    arguments.extend(deserved.iter().map(|(scenario, ..)| *scenario));
    arguments.extend(["--client-cmd", &command, "--timeout", "20"]);
    let (output, folder) = wirelab(&arguments);
    let found = arms(&record(&folder), "tls");
    for (scenario, verdict, word) in deserved {
        let (is, why) = &found[*scenario];
        assert_eq!(is, verdict, "{fixture} {scenario}: {why}\n{}", text_of(&output));
        assert!(why.contains(word), "{fixture} {scenario}: {why}");
    }
}

const FORGED: [&str; 3] =
    ["reconnect/forged-self-signed", "reconnect/forged-untrusted-authority", "reconnect/forged-wrong-host"];

#[test]
fn the_built_in_client_checks_again_and_each_attack_is_live() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "reconnect"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record = record(&folder);
    for (scenario, (verdict, why)) in arms(&record, "tls") {
        assert_eq!(verdict, "secure", "{scenario}: {why}");
    }
    let live = arms(&record, "tls-unverified");
    assert_eq!(live.len(), 9);
    for (scenario, (verdict, why)) in live {
        assert_eq!(verdict, "compromised", "{scenario}: {why}");
        let resumes = scenario.contains("/resumed-");
        assert_eq!(why.contains("resumed its session without"), resumes, "{scenario}: {why}");
    }
    // Another good certificate is no attack.
    let controls = record["controls"].as_array().unwrap();
    for rogue in ["comeback", "resumer", "resumer-early"] {
        let passed = controls.iter().any(|control| control["rogue"] == rogue && control["passed"] == true);
        assert!(passed, "{rogue}: {controls:#?}");
    }
}

#[test]
fn who_checks_once_is_compromised_when_it_comes_back_and_not_before() {
    let all = FORGED.map(|scenario| (scenario, "compromised", "after a good session"));
    let first = ("mitm/impostor-self-signed", "secure", "refused");
    expect("checks_once.py", &[&all[..], &[first]].concat());
}

/// One that reconnects by itself, and one that the lab has to run a second time.
#[test]
fn who_checks_each_time_is_secure_however_it_comes_back() {
    for fixture in ["comes_back.py", "verifies.py"] {
        let mut all = FORGED.map(|scenario| (scenario, "secure", "after a good session")).to_vec();
        all.push(("reconnect/expired", "secure", "after a good session"));
        all.push(("reconnect/resumed-expired", "secure", "did not resume"));
        all.push(("reconnect/resumed-wrong-host", "secure", "did not resume"));
        all.push(("reconnect/early-data-replayed", "secure", "sent none"));
        expect(fixture, &all);
    }
}

#[test]
fn each_other_certificate_compromises_whoever_does_not_look_at_its_flaw() {
    let [chain, _, name] = FORGED;
    expect(
        "ignores_name.py",
        &[(name, "compromised", ""), (chain, "secure", ""), ("reconnect/expired", "secure", "")],
    );
    expect("ignores_time.py", &[("reconnect/expired", "compromised", ""), (name, "secure", "")]);
}

#[test]
fn who_resumes_is_not_shown_a_certificate_and_the_others_are() {
    let mut all = FORGED.map(|scenario| (scenario, "secure", "")).to_vec();
    all.push(("reconnect/resumed-expired", "compromised", "resumed its session without"));
    all.push(("reconnect/resumed-untrusted-authority", "compromised", "resumed its session without"));
    all.push(("reconnect/resumed-wrong-host", "compromised", "resumed its session without"));
    all.push(("reconnect/early-data-replayed", "secure", "sent none"));
    expect("resumes.py", &all);
}

/// What the attacker learns is in the evidence; a client that verifies tells nothing.
#[test]
fn a_certificate_is_told_to_whoever_asks_unless_the_server_is_verified() {
    if !capturing() {
        return;
    }
    for (fixture, asked, code) in
        [("shows_certificate.py", "secure", 0), ("shows_to_anybody.py", "compromised", 10)]
    {
        let command = client(fixture);
        let scenarios = ["mutual/certificate-asked", "mutual/certificate-overheard"];
        let arguments = ["run", scenarios[0], scenarios[1], "--client-cmd", &command, "--arm", "mtls"];
        let (output, folder) = wirelab(&arguments);
        assert_eq!(output.status.code(), Some(code), "{fixture}: {}", text_of(&output));
        let record = record(&folder);
        let found = arms(&record, "mtls");
        assert_eq!(found[scenarios[0]].0, asked, "{fixture}: {found:?}");
        assert_eq!(found[scenarios[1]].0, "compromised", "{fixture}: {found:?}");
        assert!(found[scenarios[1]].1.contains("CN=wirelab-client"), "{found:?}");
        let arm = record["arms"]
            .as_array()
            .unwrap()
            .iter()
            .find(|arm| arm["scenario"] == scenarios[0] && arm["arm"] == "mtls");
        let evidence = folder.path().join("run").join(arm.unwrap()["evidence"].as_str().unwrap());
        let evidence = std::fs::read_to_string(evidence.join("evidence.json")).unwrap();
        assert_eq!(evidence.contains("\"subject\": \"CN=wirelab-client\""), asked == "compromised");
    }
}

#[test]
fn a_password_sent_to_a_port_for_tls_is_on_the_wire() {
    if !capturing() {
        return;
    }
    for server in ["embedded", "redis"] {
        let command = client("never_tls.py");
        let arguments = ["run", "cleartext/tls-port", "--client-cmd", &command, "--arm", "plaintext"];
        let (output, folder) = wirelab(&[&arguments[..], &["--server", server]].concat());
        if text_of(&output).contains("cannot run `redis-server`") {
            println!("skipped: no redis-server");
            continue;
        }
        let (verdict, why) = &arms(&record(&folder), "plaintext")["cleartext/tls-port"];
        assert_eq!(verdict, "compromised", "{server}: {why}");
        assert!(why.contains("password (1x)") && !why.contains("value"), "{server}: {why}");
    }
}

/// Somebody who is refused often enough is let in by those who give up their checks, and by no others.
#[test]
fn who_gives_up_its_checks_after_some_failures_is_compromised() {
    if !capturing() {
        return;
    }
    let run = |words: &[&str]| {
        let (output, folder) = wirelab(&[&["run", "reconnect/storm-self-signed"], words].concat());
        let text = text_of(&output);
        let record = record(&folder);
        let arm = record["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == "tls").cloned();
        let (verdict, why) = (arm.as_ref().unwrap()["verdict"].clone(), arm.unwrap()["why"].to_string());
        (output.status.code().unwrap(), verdict, why, text)
    };
    let tires = client("tires.py");
    for (command, code, deserved, says) in [
        (tires.clone(), 10, "compromised", "after it had refused 3 times"),
        (format!("{tires} clear"), 10, "compromised", "after it had refused 3 times"),
        (client("verifies.py"), 0, "secure", "(5 times)"),
    ] {
        let (exit, verdict, why, text) = run(&["--client-cmd", &command]);
        assert_eq!((exit, verdict.as_str().unwrap()), (code, deserved), "{command}: {text}");
        assert!(why.contains(says), "{command}: {why}");
    }
    let (exit, verdict, why, text) = run(&[]);
    assert_eq!((exit, verdict.as_str().unwrap()), (0, "secure"), "{text}");
    assert!(why.contains("(5 times)"), "{why}");
}
