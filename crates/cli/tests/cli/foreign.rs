//! What the lab says that it sent, against what programs of others read in its captures and from its clients:
//! tshark and openssl.

use crate::support::{capturing, client, record, text_of, wirelab};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

/// What tshark reads in a capture: the values of each field in the order of the wire. The secrets of TLS are in
/// the capture, so that it reads what is encrypted too.
fn tshark(arm: &Arm, filter: &str, fields: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut command = Command::new("tshark");
    // Whatever else that port is known for.
    command
        .arg("-r")
        .arg(arm.folder.join("wire.pcapng"))
        .args(["-d", &format!("tcp.port=={},tls", arm.port)]);
    command.args(["-2", "-R", filter, "-T", "fields", "-E", "separator=|"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        for (field, values) in fields.iter().zip(line.split('|')) {
            let values = values.split(',').filter(|value| !value.is_empty()).map(str::to_owned);
            found.entry((*field).to_owned()).or_default().extend(values);
        }
    }
    found
}

struct Arm {
    scenario: String,
    folder: PathBuf,
    /// The first connection at the peer, as it says itself.
    connection: Value,
    port: String,
}

/// Arms over verified TLS of a client that checks nothing.
fn arms(scenarios: &[&str], command: &str) -> (tempfile::TempDir, Vec<Arm>) {
    let mut arguments = vec!["run"];
    arguments.extend(scenarios);
    arguments.extend(["--client-cmd", command, "--timeout", "5"]);
    let (output, folder) = wirelab(&arguments);
    let record = record(&folder);
    let all = record["arms"].as_array().unwrap().iter();
    let arms: Vec<Arm> = all
        .filter(|arm| arm["arm"] == "tls")
        .map(|arm| {
            let folder = folder.path().join("run").join(arm["evidence"].as_str().unwrap());
            let text = std::fs::read_to_string(folder.join("evidence.json")).unwrap();
            let evidence: Value = serde_json::from_str(&text).unwrap();
            let server = evidence["wire"]["flows"][0]["server"].as_str().unwrap();
            Arm {
                scenario: arm["scenario"].as_str().unwrap().to_owned(),
                folder,
                connection: evidence["peer"]["connections"][0].clone(),
                port: server.rsplit(':').next().unwrap().to_owned(),
            }
        })
        .collect();
    assert_eq!(arms.len(), scenarios.len(), "{}", text_of(&output));
    (folder, arms)
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The number of a version as it stands in a hello.
fn number(version: &str) -> &'static str {
    match version {
        "TLSv1.3" => "0x0304",
        "TLSv1.2" => "0x0303",
        other => panic!("{other}"),
    }
}

/// One of each class. Each client keeps what it was shown, which openssl reads.
#[test]
fn certificates_are_what_the_lab_says_to_tshark_and_to_openssl() {
    if !capturing() || !has("tshark") || !has("openssl") {
        return;
    }
    let classes = [
        "certificate/chain-shuffled",
        "certificate/anchor-name-not-permitted",
        "certificate/name-not-permitted",
        "certificate/wildcard-twice",
        "certificate/expired-1963",
        "certificate/usage-client",
        "certificate/signature-flipped",
        "certificate/own-curve",
        "certificate/staple-revoked",
        "certificate/serial-long",
    ];
    let kept = tempfile::tempdir().unwrap();
    let command = format!("{} '{}'", client("keeps_certificate.py"), kept.path().display());
    let (_folder, arms) = arms(&classes, &command);
    for arm in arms {
        let name = &arm.scenario;
        let lab = &arm.connection["tls"]["shown"];
        let serial = lab["serial"].as_str().unwrap_or_else(|| panic!("{name}: {}", arm.connection));
        let der = kept.path().join(format!("{}.der", arm.port));
        let openssl = Command::new("openssl")
            .args(["x509", "-inform", "DER", "-noout", "-serial", "-subject", "-in"])
            .arg(&der)
            .output()
            .unwrap();
        let openssl = String::from_utf8_lossy(&openssl.stdout).to_lowercase();
        assert!(openssl.contains(&format!("serial={serial}\n")), "{name}: {serial}: {openssl}");
        let subject = lab["subject"].as_str().unwrap().to_lowercase().replace('=', " = ");
        assert!(openssl.contains(&format!("subject={subject}")), "{name}: {subject}: {openssl}");

        let fields = ["x509af.serialNumber", "x509ce.dNSName", "tls.handshake.ciphersuite"];
        let seen = tshark(&arm, "tls.handshake.type == 11", &fields);
        let first = seen["x509af.serialNumber"].first().map(|hex| hex.replace(':', ""));
        let same = first.as_deref().map(|hex| hex.trim_start_matches("00"));
        assert_eq!(same, Some(serial.trim_start_matches("00")), "{name}: {seen:?}");
        for host in strings(&lab["names"]).iter().filter(|name| name.parse::<std::net::IpAddr>().is_err()) {
            assert!(seen["x509ce.dNSName"].contains(host), "{name}: {host}: {seen:?}");
        }
    }
}

/// By hand, good and flawed, in TLS 1.3 and before.
#[test]
fn hellos_by_hand_are_what_the_lab_says_to_tshark() {
    if !capturing() || !has("tshark") {
        return;
    }
    let scripts = [
        "handshake/extensions-twice",
        "handshake/record-empty-sealed",
        "handshake/tls12-renegotiation-insecure",
        "handshake/tls12-signature-flipped",
        "handshake/finished-flipped",
    ];
    let (_folder, arms) = arms(&scripts, &client("accepts_any.py"));
    for arm in arms {
        let (name, tls) = (&arm.scenario, &arm.connection["tls"]);
        let old = name.contains("tls12");
        let hello = [
            "tls.handshake.version",
            "tls.handshake.ciphersuite",
            "tls.handshake.extension.type",
            "tls.handshake.extensions.supported_version",
        ];
        let server = tshark(&arm, "tls.handshake.type == 2", &hello);
        assert_eq!(server["tls.handshake.version"].first().unwrap(), "0x0303", "{name}: {server:?}");
        let version = server["tls.handshake.extensions.supported_version"].first();
        if old {
            assert_eq!(version, None, "{name}: {server:?}");
            let protected = server["tls.handshake.extension.type"].contains(&"65281".to_owned());
            assert_eq!(protected, !name.contains("renegotiation"), "{name}: {server:?}");
        } else {
            assert_eq!(tls["version"], "TLSv1.3", "{name}");
            assert_eq!(version.map(String::as_str), Some("0x0304"), "{name}: {server:?}");
            // TLS_AES_128_GCM_SHA256.
            assert_eq!(tls["cipher"], "TLS13_AES_128_GCM_SHA256", "{name}");
            assert_eq!(server["tls.handshake.ciphersuite"][0], "0x1301", "{name}: {server:?}");
        }

        let fields = [&hello[..], &["tls.handshake.extensions_server_name", "tls.handshake.ja3"]].concat();
        let client = tshark(&arm, "tls.handshake.type == 1", &fields);
        assert_eq!(client["tls.handshake.extensions_server_name"], [tls["sni"].as_str().unwrap()], "{name}");
        let offered = &tls["offered"];
        assert_eq!(client["tls.handshake.ja3"], [offered["ja3"].as_str().unwrap()], "{name}");
        let versions: Vec<&str> = strings(&offered["versions"]).iter().map(|text| number(text)).collect();
        assert_eq!(client["tls.handshake.extensions.supported_version"], versions, "{name}");
        let suites = strings(&offered["ciphers"]).len();
        assert_eq!(client["tls.handshake.ciphersuite"].len(), suites, "{name}: {client:?}");

        // The certificate by hand, decrypted where it has to be.
        let seen = tshark(&arm, "tls.handshake.type == 11", &["x509af.serialNumber", "x509ce.dNSName"]);
        let first = seen["x509af.serialNumber"].first().map(|hex| hex.replace(':', ""));
        let serial = tls["shown"]["serial"].as_str().unwrap();
        let same = first.as_deref().map(|hex| hex.trim_start_matches("00"));
        assert_eq!(same, Some(serial.trim_start_matches("00")), "{name}: {seen:?}");
        assert!(seen["x509ce.dNSName"].contains(&"localhost".to_owned()), "{name}: {seen:?}");
    }
}

/// The lab's own server of TLS 1.3, by hand from the first byte, is one that OpenSSL verifies and finishes with.
#[test]
fn openssl_finishes_with_the_server_by_hand() {
    if !capturing() || !has("openssl") {
        return;
    }
    // The rogue without its flaw is a control of each run.
    let (output, folder) =
        wirelab(&["run", "handshake/finished-flipped", "--client-cmd", &client("verifies.py")]);
    let record = record(&folder);
    let controls = record["controls"].as_array().unwrap();
    let by_hand = controls.iter().find(|control| control["rogue"] == "by-hand" && control["arm"] == "tls");
    assert_eq!(by_hand.unwrap()["passed"], true, "{}", text_of(&output));
}
