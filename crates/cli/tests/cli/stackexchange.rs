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
