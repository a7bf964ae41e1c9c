//! StackExchange.Redis as the client under test.

use crate::support::{capturing, record, text_of, wirelab};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

const ALL: [&str; 8] = [
    "eavesdrop/session",
    "mitm/corrupt-record",
    "mitm/impostor-expired",
    "mitm/impostor-self-signed",
    "mitm/impostor-untrusted-authority",
    "mitm/impostor-wrong-host",
    "mitm/relay-read",
    "mitm/relay-tamper",
];

/// Version, arguments, and what compromises it. A relay shows a self-signed certificate.
const CASES: [(&str, &str, &[&str]); 4] = [
    ("3.4.35", "", &[]),
    // `TrustIssuer` of 2.7.27 takes certificates of any issuer, but looks at name and dates.
    ("2.7.27", "", &[ALL[3], ALL[4], ALL[6], ALL[7]]),
    // Its callback returns true. A flipped bit is refused by TLS itself.
    ("3.4.35", "--accept-any", &[ALL[2], ALL[3], ALL[4], ALL[5], ALL[6], ALL[7]]),
    ("3.4.35", "--no-ssl", &ALL),
];

/// The command line of the client, built with both versions; none where there is no .NET, and says so.
fn built(version: &str, arguments: &str) -> Option<String> {
    static BUILT: LazyLock<bool> = LazyLock::new(|| {
        if Command::new("dotnet").arg("--version").output().is_err() {
            println!("skipped: no dotnet");
            return false;
        }
        for version in ["3.4.35", "2.7.27"] {
            let version = format!("-p:SerVersion={version}");
            let build =
                Command::new("dotnet").args(["build", "-v", "q", &version]).arg(project()).output().unwrap();
            assert!(build.status.success(), "{}", text_of(&build));
        }
        true
    });
    let program = project().join(format!("bin/{version}/stackexchange-redis.dll"));
    (capturing() && *BUILT).then(|| format!("dotnet '{}' {arguments}", program.display()))
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/stackexchange-redis")
}

#[test]
fn it_is_compromised_by_exactly_what_it_deserves() {
    for (version, arguments, compromised_by) in CASES {
        let Some(command) = built(version, arguments) else { return };
        let (output, folder) = wirelab(&["run", "eavesdrop", "mitm", "--client-cmd", &command]);
        let record = record(&folder);
        let arms = record["arms"].as_array().unwrap().iter().filter(|arm| arm["client"] != "builtin");
        let found: Vec<(&str, &str)> =
            arms.map(|arm| (arm["scenario"].as_str().unwrap(), arm["verdict"].as_str().unwrap())).collect();
        let deserved =
            ALL.map(|id| (id, if compromised_by.contains(&id) { "compromised" } else { "secure" }));
        let text = text_of(&output);
        assert_eq!(found, deserved, "{version} {arguments}: {text}");
        let code = if compromised_by.is_empty() { 0 } else { 10 };
        assert_eq!(output.status.code(), Some(code), "{version} {arguments}: {text}");
    }
}

#[test]
fn without_ssl_its_password_and_data_are_on_the_wire() {
    let Some(command) = built("3.4.35", "") else { return };
    let (output, folder) = wirelab(&["run", "eavesdrop", "--arm", "plaintext", "--client-cmd", &command]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let arm = &record(&folder)["arms"][0];
    assert_eq!(
        (&arm["verdict"], &arm["got"]),
        (&"compromised".into(), &serde_json::json!(["credential", "data"]))
    );
}

/// What is in circulation. What throws or finds no host hands nothing over, and what it amounts to is not for the lab to say.
#[test]
fn each_string_is_what_it_is_and_not_what_it_looks_like() {
    for (argument, code, verdict, told) in [
        ("--capitals", 0, "secure", "none holds a secret"),
        ("--ssl-host", 10, "compromised", "although the arm has TLS"),
        ("--ssl-twice", 10, "compromised", "although the arm has TLS"),
        ("--rediss", 5, "inconclusive", "not possible to connect to the redis server"),
        ("--ssl-maybe", 5, "inconclusive", "Keyword 'ssl' requires a boolean value"),
    ] {
        let Some(command) = built("3.4.35", argument) else { return };
        let (output, folder) = wirelab(&["run", "eavesdrop/session", "--client-cmd", &command]);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{argument}: {text}");
        let record = record(&folder);
        let arm = record["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == "tls").unwrap();
        assert_eq!(arm["verdict"], verdict, "{argument}: {text}");
        assert!(arm["why"].as_str().unwrap().contains(told), "{argument}: {arm}");
    }
}

/// The keys `sslcert=` and `sslkey=` are in circulation, and StackExchange.Redis has none such. Against a server that demands
/// a certificate of its clients, the string throws before any packet; with `ignoreUnknown` it connects without a
/// certificate and is turned away. The adapter does what the string means, as the API's own ways do.
#[test]
fn a_string_with_sslcert_shows_no_certificate_unless_somebody_else_sets_it() {
    let mutual = ["run", "mutual/session", "--arm", "mtls"];
    for (argument, connects, told) in [
        ("--sslcert", false, "Keyword 'sslcert' is not supported"),
        ("--ignore-unknown", true, "not possible to connect to the redis server"),
    ] {
        let Some(command) = built("3.4.35", argument) else { return };
        let (output, folder) = wirelab(&[&mutual[..], &["--client-cmd", &command]].concat());
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(5), "{argument}: {text}");
        let record = record(&folder);
        let arm = record["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == "mtls").unwrap();
        assert_eq!(arm["verdict"], "inconclusive", "{argument}: {text}");
        assert!(arm["why"].as_str().unwrap().contains(told), "{argument}: {arm}");
        let evidence = folder.path().join("run").join(control(&record, "control-before"));
        let evidence: serde_json::Value =
            serde_json::from_slice(&std::fs::read(evidence.join("evidence.json")).unwrap()).unwrap();
        let connections = evidence["peer"]["connections"].as_array().unwrap();
        assert_eq!(!connections.is_empty(), connects, "{argument}: {connections:?}");
        for connection in connections {
            assert_eq!(connection["client_certificate"], false, "{argument}: {connection}");
            assert_eq!(connection["witnessed"]["from_client"], serde_json::json!([]), "{argument}");
        }
    }
}

/// Folder of a control's evidence.
fn control(record: &serde_json::Value, kind: &str) -> String {
    let mut controls = record["controls"].as_array().unwrap().iter();
    let found = controls.find(|control| control["kind"] == kind && control["arm"] == "mtls").unwrap();
    found["evidence"].as_str().unwrap().to_owned()
}

#[test]
fn each_way_to_give_it_a_client_certificate_works_and_is_secure() {
    if built("3.4.35", "").is_none() {
        return;
    }
    let clients = project().join("..");
    let names =
        ["3.4.35", "3.4.35-pfx", "3.4.35-environment", "3.4.35-sslcert", "3.4.35-chain-policy", "2.7.27"]
            .map(|name| format!("stackexchange-redis-{name}"));
    let mut arguments = vec!["run", "mutual/session", "mutual/relay-without-certificate", "--arm", "mtls"];
    arguments.extend(["--clients", clients.to_str().unwrap()]);
    arguments.extend(names.iter().flat_map(|name| ["--client", name]));
    let (output, folder) = wirelab(&arguments);
    let record = record(&folder);
    let found = |name: &str, scenario: &str| {
        let mut arms = record["arms"].as_array().unwrap().iter();
        let arm = arms.find(|arm| arm["client"] == name && arm["scenario"] == scenario).unwrap();
        arm["verdict"].as_str().unwrap().to_owned()
    };
    for name in &names {
        assert_eq!(found(name, "mutual/session"), "secure", "{name}: {}", text_of(&output));
        // `TrustIssuer` of 2.7.27 takes the relay's certificate, and hands over its password.
        let relay = if name.ends_with("2.7.27") { "compromised" } else { "secure" };
        assert_eq!(found(name, "mutual/relay-without-certificate"), relay, "{name}: {}", text_of(&output));
    }
    let said =
        folder.path().join("run/evidence/stackexchange-redis-3.4.35-sslcert/mutual-session/mtls/client.err");
    let said = std::fs::read_to_string(said).unwrap();
    assert!(said.contains("knows no sslcert= and sslkey="), "it says what it does: {said}");
}

/// The only client of the registry that fetches lists: it refuses who is on one, and goes on with a good server that
/// names none.
#[test]
fn who_fetches_lists_of_revoked_certificates_refuses_what_is_on_them() {
    if built("3.4.35", "").is_none() {
        return;
    }
    let clients = project().join("..");
    let id = "certificate/list-revoked";
    for (name, verdict, fetched) in [
        ("3.4.35-chain-policy", "compromised", "nobody fetched"),
        ("3.4.35-revocation", "secure", "was fetched"),
    ] {
        let name = format!("stackexchange-redis-{name}");
        let arguments = ["run", id, "--client", &name, "--clients", clients.to_str().unwrap()];
        let (output, folder) = wirelab(&arguments);
        let record = record(&folder);
        let mut arms = record["arms"].as_array().unwrap().iter();
        let arm = arms.find(|arm| arm["client"] == name && arm["arm"] == "tls").unwrap();
        assert_eq!(arm["verdict"], verdict, "{name}: {arm:#}\n{}", text_of(&output));
        assert!(arm["why"].as_str().unwrap().contains(fetched), "{name}: {arm:#}");
    }
}

/// While it has a connection the certificate is changed: for another good one, for one that has expired, for forged ones. Cut off,
/// it comes back, and looks at the certificate as it did the first time.
#[test]
fn it_decides_anew_when_it_comes_back() {
    let scenarios =
        ["reconnect/expired", "reconnect/forged-untrusted-authority", "reconnect/forged-wrong-host"];
    for (version, compromised_by) in [("3.4.35", &[][..]), ("2.7.27", &scenarios[1..2])] {
        let Some(command) = built(version, "") else { return };
        let (output, folder) =
            wirelab(&[&["run"], &scenarios[..], &["--client-cmd", &command, "--timeout", "20"]].concat());
        let text = text_of(&output);
        let record = record(&folder);
        let arms = record["arms"].as_array().unwrap().iter().filter(|arm| arm["arm"] == "tls");
        let arms: Vec<_> = arms.collect();
        assert_eq!(arms.len(), 3, "{text}");
        for arm in arms {
            let id = arm["scenario"].as_str().unwrap();
            let deserved = if compromised_by.contains(&id) { "compromised" } else { "secure" };
            assert_eq!(arm["verdict"], deserved, "{version} {id}: {text}");
            assert!(arm["why"].as_str().unwrap().contains("after a good session"), "{version} {id}: {arm}");
        }
        // Another good one is taken.
        let control =
            record["controls"].as_array().unwrap().iter().find(|c| c["rogue"] == "comeback").unwrap();
        assert_eq!(control["passed"], true, "{version}: {control}");
    }
}

/// The same with a multiplexer that stays: it connects again by itself, and says so where it is refused nothing but that.
#[test]
fn a_multiplexer_that_was_cut_off_decides_anew() {
    if built("3.4.35", "").is_none() {
        return;
    }
    let (clients, id) = (project().join(".."), "reconnect/forged-untrusted-authority");
    let names = ["stackexchange-redis-3.4.35", "stackexchange-redis-2.7.27"];
    let chosen = ["--client", names[0], "--client", names[1], "--clients", clients.to_str().unwrap()];
    let (output, folder) = wirelab(&[&["run", id][..], &chosen].concat());
    let record = record(&folder);
    let arm = |name: &str| {
        let mut arms = record["arms"].as_array().unwrap().iter();
        arms.find(|arm| arm["client"] == name && arm["arm"] == "tls").unwrap().clone()
    };
    for (name, verdict) in names.into_iter().zip(["secure", "compromised"]) {
        let arm = arm(name);
        assert_eq!(arm["verdict"], verdict, "{name}: {arm:#}\n{}", text_of(&output));
        assert!(arm["why"].as_str().unwrap().contains("after a good session"), "{name}: {arm:#}");
    }
    // A new one would not have a backlog.
    let why = arm(names[0])["why"].to_string();
    assert!(why.contains("in the backlog") && why.contains("no connection became available"), "{why}");
}
