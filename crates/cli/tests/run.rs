//! The whole program against clients that deserve each verdict.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and says aloud what it skips"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

fn wirelab(arguments: &[&str]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelab"));
    command.args(arguments);
    if matches!(arguments.first(), Some(&("run" | "demo"))) {
        command.arg("--out").arg(folder.path().join("run"));
    }
    (command.output().unwrap(), folder)
}

/// Whether the lab can capture here; says so aloud where it cannot.
fn capturing() -> bool {
    static CAN: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CAN.get_or_init(|| {
        let (output, _folder) = wirelab(&["run", "eavesdrop"]);
        let refused = String::from_utf8_lossy(&output.stderr).contains("setcap");
        if refused {
            println!("skipped: no permission to capture, and no user namespaces");
        }
        !refused
    })
}

fn client(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    format!("python3 '{}'", folder.join(name).display())
}

/// Runs a fixture against the scenarios and holds the exit code against what it deserves.
fn expect(fixture: &str, scenarios: &[&str], code: i32) {
    if !capturing() {
        return;
    }
    let command = client(fixture);
    let mut arguments = vec!["run"];
    arguments.extend(scenarios);
    arguments.extend(["--client-cmd", &command, "--timeout", "3"]);
    let (output, _folder) = wirelab(&arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{fixture}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_client_that_verifies_is_secure_against_everything() {
    expect("verifies.py", &[], 0);
}

#[test]
fn a_client_that_accepts_any_certificate_is_compromised() {
    expect("accepts_any.py", &["mitm/impostor-self-signed"], 10);
}

#[test]
fn a_client_that_ignores_the_name_is_compromised_by_the_wrong_host_only() {
    expect("ignores_name.py", &["mitm/impostor-wrong-host"], 10);
    expect("ignores_name.py", &["mitm/impostor-self-signed", "mitm/impostor-expired"], 0);
}

#[test]
fn the_built_in_client_is_as_the_catalogue_of_certificates_asks() {
    if !capturing() {
        return;
    }
    let (output, _folder) = wirelab(&["run", "certificate"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn flawed_names_compromise_whoever_ignores_names_and_nobody_else() {
    for certificate in ["nul-in-name", "name-with-suffix", "address-without-address", "wildcard-alone"] {
        expect("ignores_name.py", &[&format!("certificate/{certificate}")], 10);
    }
    let others = ["signature-flipped", "issuer-not-ca", "own-curve", "usage-client", "rsa-512", "garbage"]
        .map(|certificate| format!("certificate/{certificate}"));
    expect("ignores_name.py", &others.each_ref().map(String::as_str), 0);
}

/// OpenSSL at level 0 verifies the weak signatures, so they are what they claim to be.
#[test]
fn weak_keys_and_hashes_compromise_whoever_takes_them_and_nobody_else() {
    for certificate in ["rsa-512", "issuer-rsa-512", "md5", "issuer-md5"] {
        expect("low_security.py", &[&format!("certificate/{certificate}")], 10);
    }
    let others = ["signature-zero", "signature-hash-lie", "own-curve", "nul-in-name", "issuer-expired"]
        .map(|certificate| format!("certificate/{certificate}"));
    expect("low_security.py", &others.each_ref().map(String::as_str), 0);
}

#[test]
fn flawed_dates_compromise_whoever_ignores_dates() {
    expect("ignores_time.py", &["certificate/issuer-expired"], 10);
    expect("ignores_time.py", &["certificate/wildcard-alone", "certificate/rsa-512"], 0);
}

#[test]
fn the_wire_outranks_the_exit_code() {
    expect("sends_first.py", &["mitm/impostor-self-signed"], 10);
    expect("falls_back.py", &["mitm/impostor-self-signed"], 10);
    expect("never_tls.py", &["eavesdrop"], 10);
}

#[test]
fn a_client_that_proves_nothing_is_inconclusive() {
    for fixture in ["connects_nowhere.py", "hangs.py", "refuses_but_says_ok.py", "no_such_file.py"] {
        expect(fixture, &["mitm/impostor-self-signed"], 5);
    }
}

/// What refuses every chain with an authority in between refuses them not for their flaws.
#[test]
fn a_client_that_accepts_no_good_certificate_of_the_shape_proves_nothing() {
    expect("no_intermediates.py", &["certificate/issuer-not-ca"], 5);
    expect(
        "no_intermediates.py",
        &["certificate/signature-flipped", "certificate/self-signed-wrong-host"],
        0,
    );
}

#[test]
fn a_client_that_hangs_on_refusal_is_not_green() {
    expect("hangs_on_refusal.py", &["mitm/impostor-self-signed"], 10);
}

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
    assert!(secrets(&["run", "mitm/relay-tamper", "--reveal"]), "revealed");
}

#[test]
fn bad_input_is_told_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../scenarios/mitm/relay-read.toml");
    let unknown_key = folder.path().join("key.toml");
    std::fs::write(&unknown_key, text.replace("title", "titel")).unwrap();
    let unknown_certificate = folder.path().join("certificate.toml");
    std::fs::write(&unknown_certificate, text.replace("self-signed", "self-singed")).unwrap();
    for (arguments, code, told) in [
        (vec!["run", unknown_key.to_str().unwrap()], 3, "titel"),
        (vec!["validate", unknown_certificate.to_str().unwrap()], 3, "self-singed"),
        (vec!["run", "no/such/file.toml"], 2, "no/such/file.toml"),
        (vec!["run", "--tag", "nope"], 4, "nope"),
        (vec!["explain", "mitm/expired"], 2, "impostor-expired"),
        (vec!["schema", "nope"], 2, "nope"),
    ] {
        let (output, _folder) = wirelab(&arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(told), "{arguments:?}: {text}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    if !capturing() {
        return;
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (output, _folder) = wirelab(&["run", "eavesdrop", "--port", &port]);
    let text = String::from_utf8_lossy(&output.stderr);
    // In a namespace of its own the lab has the port for itself.
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert!(text.contains(&port), "{text}");
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_program() {
    for name in ["scenario", "run", "evidence"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../schemas/{name}.json"));
        let (output, _folder) = wirelab(&["schema", name]);
        let committed = std::fs::read_to_string(&path).unwrap();
        assert_eq!(committed, String::from_utf8_lossy(&output.stdout), "`just schemas` writes them anew");
    }
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

/// StackExchange.Redis with `TrustIssuer`: 2.7.27 takes certificates of any authority, 3.4.35 does not.
#[test]
fn stackexchange_redis_is_secure_and_its_old_version_is_not() {
    if !capturing() {
        return;
    }
    if Command::new("dotnet").arg("--version").output().is_err() {
        println!("skipped: no dotnet");
        return;
    }
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/stackexchange-redis");
    for (version, scenarios, code) in [
        ("3.4.35", &["eavesdrop", "mitm"][..], 0),
        ("2.7.27", &["mitm/impostor-self-signed"], 10),
        ("2.7.27", &["mitm/impostor-untrusted-authority"], 10),
        ("2.7.27", &["mitm/impostor-wrong-host", "mitm/impostor-expired"], 0),
    ] {
        let build = Command::new("dotnet")
            .args(["build", "-v", "q", &format!("-p:SerVersion={version}")])
            .arg(&project)
            .output()
            .unwrap();
        assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stdout));
        let program = project.join(format!("bin/{version}/stackexchange-redis.dll"));
        let command = format!("dotnet '{}'", program.display());
        let mut arguments = vec!["run"];
        arguments.extend(scenarios);
        arguments.extend(["--client-cmd", &command]);
        let (output, _folder) = wirelab(&arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{version} {scenarios:?}: {text}");
    }
}
