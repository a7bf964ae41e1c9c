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
    ] {
        assert_eq!(of(id, "plaintext")["got"], *got, "{id}: {text}");
        assert_eq!(of(id, "tls")["verdict"], verdict, "{id}: {text}");
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
