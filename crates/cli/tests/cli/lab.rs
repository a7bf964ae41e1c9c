//! The lab itself: broken on purpose, with the real server, and what it writes.

use crate::support::{capturing, record, text_of, wirelab};
use std::process::Command;

#[test]
fn a_broken_lab_is_red() {
    if !capturing() {
        return;
    }
    // With an idle rogue it depends on timing whether the client still gets a password out in clear.
    for (sabotage, codes) in [("no-tls", &[10][..]), ("idle-rogue", &[5, 10]), ("deaf-capture", &[5])] {
        let (output, _folder) = wirelab(&["run", "mitm/impostor-self-signed", "--sabotage", sabotage]);
        let code = output.status.code().unwrap();
        assert!(codes.contains(&code), "{sabotage}: {code} {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Trials run side by side, and yet each arm lies between the two controls of its client and transport.
#[test]
fn controls_stand_before_and_after_all_arms() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "mitm", "reconnect"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record = record(&folder);
    let written = |place: &serde_json::Value, file: &str| {
        let path = folder.path().join("run").join(place.as_str().unwrap()).join(file);
        std::fs::metadata(path).unwrap().modified().unwrap()
    };
    let controls = record["controls"].as_array().unwrap();
    let arms = record["arms"].as_array().unwrap();
    assert!(arms.len() > 30, "{}", arms.len());
    for arm in arms {
        let of = |kind: &str| {
            let same = |control: &&serde_json::Value| {
                control["kind"] == kind && control["arm"] == arm["arm"] && control["client"] == arm["client"]
            };
            &controls.iter().find(same).unwrap()["evidence"]
        };
        let (before, after) = (of("control-before"), of("control-after"));
        // The capture is the first file that is written once a trial is over, and the evidence one of the last.
        assert!(written(before, "evidence.json") <= written(&arm["evidence"], "wire.pcapng"), "{arm}");
        assert!(written(&arm["evidence"], "evidence.json") <= written(after, "wire.pcapng"), "{arm}");
    }
}

#[test]
fn the_real_redis_server_serves_as_well() {
    if !capturing() {
        return;
    }
    if Command::new("redis-server").arg("--version").output().is_err() {
        println!("skipped: no redis-server");
        return;
    }
    let (output, _folder) = wirelab(&["run", "eavesdrop", "mitm/relay-tamper", "--server", "redis"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn secrets_are_masked_unless_revealed() {
    if !capturing() {
        return;
    }
    let secrets = |arguments: &[&str]| {
        let (output, folder) = wirelab(arguments);
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut folders = vec![folder.path().to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_none_or(|extension| extension != "pcapng") {
                    text.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
                }
            }
        }
        // Raw, and as the hexadecimal digits of the packet view.
        ["wirelab-password-", "776972656c61622d70617373776f72642d"].iter().any(|prefix| {
            text.match_indices(prefix)
                .filter_map(|(at, _)| text.get(at + prefix.len()..at + prefix.len() + 8))
                .any(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest != "2a2a2a2a")
        })
    };
    assert!(!secrets(&["run", "mitm/relay-tamper"]), "masked");
    if Command::new("redis-server").arg("--version").output().is_ok() {
        assert!(!secrets(&["run", "mitm/relay-tamper", "--server", "redis"]), "masked, its log too");
    } else {
        println!("skipped in part: no redis-server");
    }
    assert!(secrets(&["run", "mitm/relay-tamper", "--reveal"]), "revealed");
}

#[test]
fn run_json_follows_its_schema_and_every_capture_is_readable() {
    if !capturing() {
        return;
    }
    let (_output, folder) = wirelab(&["demo"]);
    let run = folder.path().join("run");
    let record: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    let (schema, _folder) = wirelab(&["schema", "run"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    let problems: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&record)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(record["outcome"], "as-expected");

    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: no tshark");
        return;
    }
    for arm in record["arms"].as_array().unwrap() {
        let capture = run.join(arm["evidence"].as_str().unwrap()).join("wire.pcapng");
        let tshark = Command::new("tshark").arg("-r").arg(&capture).output().unwrap();
        assert!(tshark.status.success() && !tshark.stdout.is_empty(), "{}", capture.display());
    }
}

/// The secrets of the lab's own TLS sessions lie in its captures, so that people can look inside.
#[test]
fn what_is_inside_of_tls_can_be_looked_at() {
    if !capturing() {
        return;
    }
    let (_output, folder) = wirelab(&["run", "mitm/relay-read"]);
    let capture = folder.path().join("run/evidence/builtin/mitm-relay-read/tls-unverified/wire.pcapng");
    let (output, _folder) = wirelab(&["sniff", "-r", capture.to_str().unwrap(), "--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    // Both legs: the client to the relay, and the relay to the server.
    let decrypted =
        |line: &&str| line.contains("\"decrypted\":true") && line.contains("\"carrier\":\"AUTH\"");
    assert_eq!(text.lines().filter(decrypted).count(), 2, "{text}");
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: no tshark");
        return;
    }
    let server = text.split("\"server\":\"127.0.0.1:").nth(1).unwrap().split('"').next().unwrap();
    let tshark = Command::new("tshark")
        .arg("-r")
        .arg(&capture)
        .args(["-d", &format!("tcp.port=={server},tls"), "-q", "-z", "follow,tls,ascii,0"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&tshark.stdout);
    assert!(shown.contains("wirelab-password-"), "{shown}");
}
