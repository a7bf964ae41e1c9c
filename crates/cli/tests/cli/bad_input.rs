//! Bad input is told: the place, the value, what to do, and the exit code.

use crate::support::{capturing, wirelab};

#[test]
fn bad_input_is_told_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../scenarios/mitm/relay-read.toml");
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
