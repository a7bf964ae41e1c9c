//! An attacker by hand, and clients that meet it.

use crate::support::{text_of, wirelab};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct AtWork {
    child: Child,
    folder: tempfile::TempDir,
}

impl AtWork {
    /// Starts it for one connection, and returns once it says where to connect to.
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_wirelab"))
            .arg("rogue")
            .args(arguments)
            .args(["--limit", "1", "--out"])
            .arg(folder.path().join("rogue"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
        let said: String =
            lines.by_ref().map(Result::unwrap).take_while(|line| !line.contains("Ctrl-C")).collect();
        assert!(said.starts_with("connect to "), "{said}");
        Self { child, folder }
    }

    fn environment(&self) -> PathBuf {
        self.folder.path().join("rogue/env")
    }

    /// Runs a fixture in its environment, and gives back whether it worked and what the attacker says.
    fn met_by(mut self, fixture: &str) -> (bool, String) {
        let worked = run(fixture, &self.environment());
        let mut said = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        (worked, said)
    }
}

/// As a person would: a shell that sources the file.
fn run(fixture: &str, environment: &Path) -> bool {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(fixture);
    let script = r#". "$1"; exec python3 "$2""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(environment).arg(client).stderr(Stdio::null());
    shell.status().unwrap().success()
}

#[test]
fn a_careful_client_is_seen_to_refuse_and_a_careless_one_to_give_its_password_away() {
    let (worked, said) = AtWork::start(&["--certificate", "self-signed"]).met_by("verifies.py");
    assert!(!worked && said.contains("refused it with the alert") && said.contains("JA4 t1"), "{said}");
    assert!(!said.contains("gave away"), "{said}");
    let (worked, said) = AtWork::start(&["--certificate", "self-signed"]).met_by("accepts_any.py");
    assert!(worked && said.contains("asks for localhost") && said.contains("accepted it"), "{said}");
    assert!(said.contains("gave away: AUTH of default: ********"), "{said}");
    assert!(!said.contains("wirelab-password"), "masked: {said}");
}

/// A rogue that is written by hand tells of a client what any other does.
#[test]
fn what_a_client_offers_is_told_by_scripts_too() {
    for attack in ["handshake/signature-flipped", "stall/stall-unfinished", "cleartext/clear-error"] {
        let (worked, said) = AtWork::start(&[attack]).met_by("gives_up.py");
        assert!(!worked, "{attack}: {said}");
        assert!(said.contains("asks for localhost") && said.contains("offers TLSv1.3"), "{attack}: {said}");
        assert!(said.contains("JA4 t1"), "{attack}: {said}");
    }
}

#[test]
fn secrets_are_shown_on_demand_and_machines_get_an_object_a_line() {
    let attacker = AtWork::start(&["mitm/relay-read", "--plaintext", "--json", "--reveal"]);
    let (worked, said) = attacker.met_by("never_tls.py");
    assert!(worked, "the relay's own good server answers: {said}");
    let line: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
    assert_eq!((&line["event"], &line["number"]), (&"connection".into(), &1.into()));
    let secret = line["harvested"][0]["secret"].as_str().unwrap();
    assert!(secret.starts_with("wirelab-password-"), "{secret}");
}

#[test]
fn what_it_cannot_be_is_a_clear_error() {
    let cases = [
        (vec!["rogue"], "required"),
        (vec!["rogue", "--certificate", "nope"], "no certificate named `nope`"),
        (vec!["rogue", "mitm"], "stands for"),
        (vec!["rogue", "eavesdrop/session"], "does not wait for clients"),
        (vec!["rogue", "mitm/relay-read", "--listen", "0.0.0.0:0"], "is not 127.0.0.1"),
        (vec!["rogue", "mitm/relay-read", "--upstream", "10.0.0.1:6379"], "is not 127.0.0.1"),
    ];
    for (arguments, expected) in cases {
        let (output, _folder) = wirelab(&arguments);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}
