//! What people read, word for word. `INSTA_UPDATE=always cargo test -p wirelab-cli snapshots` takes over a change.

use crate::support::{capturing, client, text_of, wirelab};

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"/\S*/run/index\.html", "RUN/index.html");
    settings.add_filter(r"python3 '?\S*/tests/clients/(\w+\.py)'?", "python3 CLIENTS/$1");
    settings.add_filter(r"/tmp/\S+/", "FOLDER/");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn help() {
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help-run", &["run", "--help"]),
        ("help-bench", &["bench", "--help"]),
        ("help-bench-plan", &["bench", "plan", "--help"]),
        ("help-explain", &["explain", "--help"]),
    ] {
        let (output, _folder) = wirelab(arguments);
        snapshot(name, &text_of(&output));
    }
}

#[test]
fn list_and_explain() {
    let (output, _folder) = wirelab(&["list"]);
    snapshot("list", &text_of(&output));
    let (output, _folder) = wirelab(&["explain", "mitm/impostor-wrong-host"]);
    snapshot("explain", &text_of(&output));
}

#[test]
fn errors() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../scenarios/mitm/relay-read.toml");
    let broken = [
        ("unknown-key", text.replace("title", "titel")),
        ("unknown-certificate", text.replace("self-signed", "self-singed")),
        ("no-arms", text.split("[[arm]]").next().unwrap().to_owned()),
        ("not-toml", "id = \"mitm/relay-read".to_owned()),
    ];
    for (name, text) in broken {
        let path = folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, text).unwrap();
        let (output, _folder) = wirelab(&["validate", path.to_str().unwrap()]);
        snapshot(&format!("error-{name}"), &text_of(&output));
    }
    for (name, arguments) in [
        ("error-no-file", &["validate", "no/such/file.toml"][..]),
        ("error-nothing-selected", &["run", "--tag", "nope"]),
        ("error-unknown-id", &["explain", "mitm/expired"]),
        ("error-bad-command", &["run", "--client-cmd", "python3 'unclosed"]),
    ] {
        let (output, _folder) = wirelab(arguments);
        snapshot(name, &text_of(&output));
    }
}

#[test]
fn tables() {
    if !capturing() {
        return;
    }
    let (output, _folder) = wirelab(&["demo"]);
    snapshot("demo", &text_of(&output));
    let client = client("ignores_name.py");
    let (output, _folder) = wirelab(&["run", "mitm/impostor-wrong-host", "--client-cmd", &client]);
    snapshot("run-unexpected", &text_of(&output));
}
