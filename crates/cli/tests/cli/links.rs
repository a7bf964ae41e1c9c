//! Links between real servers, without TLS and with it.

use crate::servers::there;
use crate::support::{capturing, record, text_of, wirelab};
use std::process::Command;

#[test]
fn links_give_everything_away_without_tls_and_take_any_name_with_it() {
    if !capturing() || !there("redis-server") || !there("stunnel") {
        return;
    }
    let (output, folder) = wirelab(&["run", "links"]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let record = record(&folder);
    let arms = record["arms"].as_array().unwrap();
    let of = |id: &str, transport: &str| {
        let id = format!("links/{id}");
        arms.iter().find(|arm| arm["scenario"] == *id && arm["arm"] == transport).unwrap()
    };
    // What somebody gets without TLS, and the verdict with it.
    let both = serde_json::json!(["credential", "data"]);
    let believed = serde_json::json!(["credential", "tampered-reply"]);
    let password = serde_json::json!(["credential"]);
    let everything = serde_json::json!(["credential", "data", "tampered-command"]);
    for (id, got, verdict) in [
        ("replication-listen", &both, "secure"),
        ("replication-rogue-self-signed", &believed, "secure"),
        // No redis-server of today looks at the name unless it is told to.
        ("replication-rogue-wrong-host", &believed, "compromised"),
        ("sentinel-listen", &password, "secure"),
        ("sentinel-rogue-wrong-host", &password, "compromised"),
        ("cluster-bus-listen", &serde_json::json!(["data"]), "secure"),
        ("migrate-listen", &both, "secure"),
        ("terminator-last-hop", &both, "secure"),
        ("open-port", &both, "secure"),
        ("tls-at-master-only-listen", &both, "secure"),
        // Whoever is in the master's place needs no certificate there.
        ("tls-at-master-only-rogue", &believed, "compromised"),
        ("tls-at-replica-only-listen", &both, "secure"),
        ("replica-of-listen", &both, "secure"),
        ("failover-listen", &both, "secure"),
        ("acl-user-stolen-password", &everything, "compromised"),
    ] {
        assert_eq!(of(id, "plaintext")["got"], *got, "{id}: {text}");
        assert_eq!(of(id, "tls")["verdict"], verdict, "{id}: {text}");
    }
    // An ACL user's password is worth that user's data, and the server says no to all else.
    let stolen = of("acl-user-stolen-password", "tls");
    assert_eq!(stolen["got"], serde_json::json!(["data"]), "{text}");
    assert!(stolen["why"].as_str().unwrap().matches("NOPERM").count() == 4, "{stolen}");
    // Each carrier of the password is seen where it is said to be, and in that direction.
    for (id, carriers) in [
        ("replica-of-listen", &["\"CONFIG SET masterauth accepted", "\"masterauth accepted"][..]),
        ("failover-listen", &["\"masterauth accepted"]),
        ("migrate-listen", &["\"AUTH (no user) accepted"]),
    ] {
        let path = format!("run/evidence/links/links-{id}/plaintext/evidence.json");
        let evidence = std::fs::read_to_string(folder.path().join(path)).unwrap();
        let evidence: serde_json::Value = serde_json::from_str(&evidence).unwrap();
        let flows = evidence["wire"]["flows"].as_array().unwrap();
        let seen =
            |carrier: &&str| flows.iter().any(|flow| flow["credentials"].to_string().contains(carrier));
        assert!(carriers.iter().all(seen), "{id}: {flows:#?}");
    }
    let evidence = folder.path().join("run/evidence/links/links-replication-listen/tls");
    for name in ["near.log", "far.log", "wire.pcapng", "evidence.json"] {
        assert!(evidence.join(name).exists(), "{name}");
    }
}

#[test]
fn a_lab_that_is_broken_is_red_for_links_too() {
    if !capturing() || !there("redis-server") {
        return;
    }
    for (sabotage, code) in [("no-tls", 10), ("deaf-capture", 5)] {
        let (output, _folder) = wirelab(&["run", "links/replication-listen", "--sabotage", sabotage]);
        assert_eq!(output.status.code(), Some(code), "{sabotage}: {}", text_of(&output));
    }
}

#[test]
fn without_redis_server_links_are_skipped_and_not_green() {
    if !capturing() {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wirelab"))
        .args(["run", "links/migrate-listen", "--out"])
        .arg(empty.path().join("run"))
        .env("PATH", empty.path())
        .output()
        .unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("skipped") && text.contains("cannot run `redis-server`"), "{text}");
}
