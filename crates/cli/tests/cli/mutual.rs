//! Mutual TLS: the server under test, and clients with and without a certificate.

use crate::support::{capturing, client, record, text_of, wirelab};

fn verdicts(record: &serde_json::Value, arm: &str) -> Vec<(String, String, bool)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let arms = record["arms"].as_array().unwrap().iter().filter(|found| found["arm"] == arm);
    arms.map(|arm| (text(&arm["scenario"]), text(&arm["verdict"]), arm["as_expected"] == true)).collect()
}

#[test]
fn both_servers_turn_intruders_away_only_where_they_demand_certificates() {
    if !capturing() {
        return;
    }
    // How many of the eight intruders get in although the server demands a certificate: nobody can tell
    // another client's certificate, and redis-server does not look at the list of revoked ones.
    for (server, inside) in [("embedded", 1), ("redis", 2), ("terminator", 1)] {
        let (output, folder) = wirelab(&["run", "mutual", "--server", server]);
        let text = text_of(&output);
        if text.contains("cannot run `") {
            println!("skipped: {text}");
            continue;
        }
        // What a server cannot do is skipped, which is no success.
        let code = if server == "embedded" { 0 } else { 5 };
        assert_eq!(output.status.code(), Some(code), "{server}: {text}");
        let record = record(&folder);
        let revoked = verdicts(&record, "mtls").into_iter().find(|(id, ..)| id == "mutual/intruder-revoked");
        let deserved = if server == "redis" { "compromised" } else { "secure" };
        assert_eq!(revoked.unwrap().1, deserved, "{server}: {text}");
        let intruders = |arm: &str, verdict: &str| {
            let found = verdicts(&record, arm);
            found.iter().filter(|(id, is, _)| id.starts_with("mutual/intruder") && is == verdict).count()
        };
        assert_eq!(
            (intruders("tls", "compromised"), intruders("mtls", "secure")),
            (8, 8 - inside),
            "{server}"
        );
        // Certificates that are optional keep nobody out who has none, and no relay.
        let optional = |id: &str, arm: &str, verdict: &str| {
            let found = verdicts(&record, arm);
            assert!(
                found.iter().any(|(found, is, _)| found == id && is == verdict),
                "{server} {id}: {found:?}"
            );
        };
        optional("mutual/optional-intruder-none", "mtls", "compromised");
        // Where the certificate is the login, nobody else's is one. No other server of these can do that.
        let named = ["mutual/named-intruder-other-client", "mutual/named-intruder-none"];
        let arms = record["arms"].as_array().unwrap();
        for arm in arms.iter().filter(|arm| named.contains(&arm["scenario"].as_str().unwrap())) {
            let why = arm["why"].as_str().unwrap();
            match (server, arm["arm"].as_str()) {
                ("embedded", Some("tls")) => assert_eq!(arm["got"], serde_json::json!(["data"]), "{why}"),
                ("embedded", _) => assert_eq!(arm["verdict"], "secure", "{why}"),
                ("redis", _) => assert!(arm["verdict"] == "skipped" && why.contains("CONFIG GET"), "{why}"),
                _ => assert!(arm["verdict"] == "skipped" && why.contains("terminator"), "{why}"),
            }
        }
        // The client whose certificate it is gets in without a password.
        let control = record["controls"]
            .as_array()
            .unwrap()
            .iter()
            .find(|control| control["evidence"].as_str().unwrap().ends_with("mtls-named-before"));
        assert_eq!(control.is_some_and(|control| control["passed"] == true), server == "embedded", "{text}");
        optional("mutual/optional-intruder-self-signed", "mtls", "secure");
        let relays = record["arms"].as_array().unwrap().iter();
        let relay = relays.filter(|arm| arm["scenario"] == "mutual/optional-relay");
        let relay = relay.filter(|arm| arm["arm"] == "mtls-unverified").map(|arm| &arm["got"]).next();
        assert_eq!(relay.unwrap(), &serde_json::json!(["credential", "data"]), "{server}");
        // The relay reads the password of a client that checks nothing, and gets no further with it.
        let relay = record["arms"]
            .as_array()
            .unwrap()
            .iter()
            .find(|arm| {
                arm["scenario"] == "mutual/relay-without-certificate" && arm["arm"] == "mtls-unverified"
            })
            .unwrap();
        assert_eq!(relay["got"], serde_json::json!(["credential"]), "{server}");
    }
}

#[test]
fn a_client_without_a_certificate_proves_nothing_and_one_with_it_is_secure() {
    if !capturing() {
        return;
    }
    for (fixture, code, verdict) in
        [("shows_certificate.py", 0, "secure"), ("verifies.py", 5, "inconclusive")]
    {
        let command = client(fixture);
        let arguments =
            ["run", "mutual/session", "mutual/relay-without-certificate", "--client-cmd", &command];
        let (output, folder) = wirelab(&[arguments.as_slice(), &["--arm", "mtls"]].concat());
        assert_eq!(output.status.code(), Some(code), "{fixture}: {}", text_of(&output));
        let found = verdicts(&record(&folder), "mtls");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|(_, is, _)| is == verdict), "{fixture}: {found:?}");
    }
}

#[test]
fn an_arm_in_which_the_attacker_gets_what_it_must_not_get_is_not_as_expected() {
    if !capturing() {
        return;
    }
    let scenarios = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../scenarios/mutual/relay-without-certificate.toml");
    let path = scenarios.path().join("relay.toml");
    // The relay at a server that demands nothing gets the data too.
    std::fs::write(
        &path,
        text.replace(
            "\"tls-unverified\"\nexpect = \"compromised\"\ngot",
            "\"tls-unverified\"\nexpect = \"compromised\"\nnot_got",
        ),
    )
    .unwrap();
    let (output, _folder) = wirelab(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
}

#[test]
fn without_tls_mutual_arms_are_red_too() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "mutual/session", "--sabotage", "no-tls"]);
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
    let found = verdicts(&record(&folder), "mtls");
    assert!(found.iter().all(|(_, is, expected)| is == "compromised" && !expected), "{found:?}");
}
