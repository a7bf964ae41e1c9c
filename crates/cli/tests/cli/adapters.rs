//! Clients of a registry, through adapters that deserve each verdict and each error.

use crate::signals::{family, processes, wait_for};
use crate::support::{capturing, record, text_of, wirelab};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// What each adapter deserves where nothing attacks it, and where it is shown a certificate for another host.
const DESERVED: [(&str, &str, &str); 11] = [
    ("good", "secure", "secure"),
    ("leaves-child", "secure", "secure"),
    ("ignores-name", "secure", "compromised"),
    ("hangs-when-refused", "secure", "hung"),
    ("dies-when-refused", "secure", "inconclusive"),
    ("lies-when-refused", "secure", "inconclusive"),
    ("liar", "inconclusive", "inconclusive"),
    ("silent", "inconclusive", "inconclusive"),
    ("dies", "inconclusive", "inconclusive"),
    ("garbage", "inconclusive", "inconclusive"),
    ("wrong-case", "inconclusive", "inconclusive"),
];

/// A clients folder with these adapters.
fn registry(names: &[&str]) -> TempDir {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/adapters");
    let entry = |name: &&str| {
        let script = fixtures.join(name.replace('-', "_") + ".py");
        format!(
            "[[client]]\nname = \"{name}\"\nlanguage = \"Python\"\nlibrary = \"none\"\nversion = \"1.0\"\n\
             configuration = \"a fixture\"\nfolder = \"fixtures\"\nrun = [\"python3\", \"{}\"]\n\
             needs = [\"python3\"]\nget = \"apt-get install python3\"\n",
            script.display()
        )
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("fixtures")).unwrap();
    let text: String = names.iter().map(entry).collect();
    std::fs::write(folder.path().join("registry.toml"), text).unwrap();
    folder
}

fn expectation(clients: &TempDir, client: &str, expect: &str, until: &str) {
    let until = if until.is_empty() { String::new() } else { format!("until = \"{until}\"\n") };
    let text = format!(
        "[[expectation]]\nclient = \"{client}\"\nscenarios = [\"mitm/impostor-wrong-host\"]\n\
         expect = \"{expect}\"\nreason = \"it does not look at names\"\nlink = \"https://example.org\"\n{until}"
    );
    std::fs::write(clients.path().join("expectations.toml"), text).unwrap();
}

fn run(clients: &TempDir, arguments: &[&str]) -> (Output, TempDir) {
    let folder = clients.path().to_str().unwrap();
    wirelab(&[&["run", "--timeout", "3", "--clients", folder], arguments].concat())
}

/// The verdicts of a run, by client and scenario.
fn verdicts(record: &Value) -> BTreeMap<(String, String), String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    record["arms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arm| ((text(&arm["client"]), text(&arm["scenario"])), text(&arm["verdict"])))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Clients that keep their connection until the lab cuts it off: fixtures that fail where nobody does.
#[test]
fn a_pool_that_was_cut_off_is_attacked_when_it_connects_again() {
    if !capturing() {
        return;
    }
    let folder = registry(&["keeps-its-pool", "trusts-its-pool"]);
    let scenarios = ["reconnect/forged-self-signed", "reconnect/expired", "reconnect/resumed-wrong-host"];
    let arguments = [&scenarios[..], &["mitm/impostor-self-signed", "--client", "all"]].concat();
    let (output, run_folder) = run(&folder, &arguments);
    let found = verdicts(&record(&run_folder));
    for (client, deserved) in [("keeps-its-pool", "secure"), ("trusts-its-pool", "compromised")] {
        let verdict = |id: &str| found[&(client.to_owned(), id.to_owned())].as_str();
        assert_eq!(verdict("mitm/impostor-self-signed"), "secure", "{client}: {}", text_of(&output));
        for id in scenarios {
            // Neither resumes: whoever checks nothing takes the certificate that is shown instead, too.
            assert_eq!(verdict(id), deserved, "{client} {id}: {}", text_of(&output));
        }
    }
}

#[test]
fn each_adapter_gets_the_verdict_that_it_deserves_also_beside_others() {
    if !capturing() {
        return;
    }
    let clients = registry(&DESERVED.map(|(name, ..)| name));
    let (output, folder) =
        run(&clients, &["eavesdrop", "mitm/impostor-wrong-host", "--client", "all", "--jobs", "3"]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(10), "{text}");
    let record = record(&folder);
    let found = verdicts(&record);
    for (name, quiet, attacked) in DESERVED {
        for (scenario, deserved) in [("eavesdrop/session", quiet), ("mitm/impostor-wrong-host", attacked)] {
            let verdict = found.get(&(name.to_owned(), scenario.to_owned())).map(String::as_str);
            assert_eq!(verdict, Some(deserved), "{name} {scenario}: {text}");
        }
    }
    for told in ["it ended with exit code 1 (out of memory)", "says `Connecting...`", "signal 6 ended it"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let run = folder.path().join("run");
    for (schema, file) in [("run", "run.json"), ("matrix", "matrix.json")] {
        let value: Value = serde_json::from_slice(&std::fs::read(run.join(file)).unwrap()).unwrap();
        follows(schema, &value);
    }
    for file in ["matrix.html", "matrix.md", "good.html", "silent.html"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    // What leaves-child says of earlier cases is masked, and what it left behind is ended.
    let mut children = Vec::new();
    for file in
        files(&run.join("evidence")).iter().filter(|file| file.extension().is_some_and(|e| e != "pcapng"))
    {
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        let secret = text.split("wirelab-password-").skip(1).any(|rest| {
            rest.bytes().take(24).filter(u8::is_ascii_hexdigit).count() == 24 && !rest.starts_with("2a2a")
        });
        assert!(!secret, "{}: {text}", file.display());
        children
            .extend(text.split("child ").nth(1).and_then(|rest| Some(rest.split_once(',')?.0.to_owned())));
    }
    assert!(!children.is_empty());
    let sleeps = |pid: &String| {
        processes().iter().any(|process| process.pid == *pid && process.words.starts_with("sleep"))
    };
    wait_for("the end of what was left behind", || (!children.iter().any(sleeps)).then_some(()));
}

/// Checks a value against a schema that the program prints.
fn follows(schema: &str, value: &Value) {
    let (output, _folder) = wirelab(&["schema", schema]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn what_the_lab_asks_follows_the_schema() {
    if !capturing() {
        return;
    }
    let clients = registry(&["echoes"]);
    let (output, folder) = run(&clients, &["eavesdrop", "--client", "echoes"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let asked = folder.path().join("run/evidence/echoes/eavesdrop-session/tls/client.err");
    let asked: Value = serde_json::from_slice(&std::fs::read(asked).unwrap()).unwrap();
    follows("adapter", &asked);
    assert_eq!(
        (&asked["host"], &asked["tls"], &asked["verify"]),
        (&"localhost".into(), &true.into(), &true.into())
    );
    assert!(folder.path().join("run/index.html").is_file(), "one client has the usual page");
}

#[test]
fn a_client_that_cannot_run_is_named_and_counts_only_where_it_was_asked_for() {
    if !capturing() {
        return;
    }
    let clients = registry(&["good", "no-hello", "protocol-2", "other-version"]);
    let told = [
        ("no-hello", "exit code 1 (ModuleNotFoundError: No module named 'redis')"),
        ("protocol-2", "speaks version 2 of the protocol"),
        ("other-version", "registered with version 1.0, but its adapter reports 0.9.0"),
    ];
    let (output, folder) = run(&clients, &["eavesdrop", "--client", "all"]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for (name, why) in told {
        assert!(text.contains(why), "{text}");
        let record = record(&folder);
        let client =
            record["clients"].as_array().unwrap().iter().find(|client| client["name"] == name).unwrap();
        assert!(client["skipped"].as_str().unwrap().contains(why), "{client}");
    }
    for arguments in [
        &["--client", "good", "--client", "no-hello"][..],
        &["--client", "all", "--client", "no-hello"],
        &["--client", "no-hello"],
    ] {
        let (output, _folder) = run(&clients, &[&["eavesdrop"], arguments].concat());
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {}", text_of(&output));
    }
    let (output, _folder) = run(&registry(&["no-hello"]), &["eavesdrop", "--client", "all"]);
    assert_eq!(output.status.code(), Some(5), "nothing was tested: {}", text_of(&output));
}

#[test]
fn what_a_client_does_not_support_is_skipped_and_no_proof() {
    if !capturing() {
        return;
    }
    let clients = registry(&["always-verifies"]);
    let arms = ["mitm/relay-read", "--arm", "tls", "--arm", "tls-unverified"];
    for (client, code) in [("always-verifies", 5), ("all", 0)] {
        let (output, folder) = run(&clients, &[&arms[..], &["--client", client]].concat());
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        let arms = record(&folder)["arms"].clone();
        let verdict = |client: &str, transport: &str| {
            let arms = arms.as_array().unwrap();
            let arm = arms.iter().find(|arm| arm["client"] == client && arm["arm"] == transport).unwrap();
            arm["verdict"].as_str().unwrap().to_owned()
        };
        assert_eq!(verdict("always-verifies", "tls-unverified"), "skipped", "{text}");
        assert_eq!(verdict("always-verifies", "tls"), "secure", "the built-in client shows it live: {text}");
        assert!(text.contains("there is no such switch"), "{text}");
    }
}

#[test]
fn expectations_are_of_a_client_and_waivers_end() {
    if !capturing() {
        return;
    }
    let clients = registry(&["good", "ignores-name"]);
    let attacked = |client: &str| run(&clients, &["mitm/impostor-wrong-host", "--client", client]);
    let (output, _folder) = attacked("ignores-name");
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
    for (client, expect, until, code, told) in [
        ("ignores-name", "compromised", "", 0, "password, data *"),
        ("ignores-name", "compromised", "2999-12-31", 0, "password, data w"),
        ("ignores-name", "compromised", "2020-12-31", 10, "the waiver ended with 2020-12-31"),
        ("ignores-name", "secure", "", 10, "expected secure of this client"),
        ("good", "compromised", "2999-12-31", 10, "the waiver can go"),
        ("good", "compromised", "2020-12-31", 10, "the waiver ended with 2020-12-31"),
        ("good", "compromised", "", 10, "expected compromised of this client"),
    ] {
        expectation(&clients, client, expect, until);
        let (output, folder) = attacked(client);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{client} {expect} {until}: {text}");
        assert!(text.contains(told), "{client} {expect} {until}: {text}");
        let record = record(&folder);
        let arm = record["arms"].as_array().unwrap().iter().find(|arm| arm["client"] == client).unwrap();
        assert_eq!(arm["exception"]["reason"], "it does not look at names");
        assert_eq!(arm["as_expected"], code == 0);
    }
    // Of another client, they change nothing.
    expectation(&clients, "good", "compromised", "");
    let (output, _folder) = attacked("ignores-name");
    assert_eq!(output.status.code(), Some(10), "{}", text_of(&output));
}

#[test]
fn wrong_names_and_files_are_told_with_their_exit_code() {
    let clients = registry(&["good"]);
    let folder = clients.path().to_str().unwrap();
    let told = |arguments: &[&str], code: i32, words: &[&str]| {
        let (output, _folder) = wirelab(arguments);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        words.iter().for_each(|word| assert!(text.contains(word), "{word}: {text}"));
    };
    told(&["run", "--client", "bad", "--clients", folder], 2, &["no client `bad`", "good"]);
    told(&["run", "--client", "good", "--clients", "/nowhere"], 2, &["/nowhere", "--clients DIR"]);
    told(&["run", "--client", "good", "--client-cmd", "x"], 2, &["cannot be used with"]);
    expectation(&clients, "goood", "compromised", "");
    let place = ["no client is called `goood`", "expectations.toml:2"];
    told(&["run", "--client", "good", "--clients", folder], 3, &place);
    expectation(&clients, "good", "inconclusive", "");
    told(&["run", "--client", "good", "--clients", folder], 3, &["cannot be expected to be `inconclusive`"]);
    let file = clients.path().join("registry.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("version", "versoin")).unwrap();
    told(&["clients", "--clients", folder], 3, &["versoin", "registry.toml"]);
}

#[test]
fn clients_are_listed_with_what_is_missing_and_set_up() {
    let clients = registry(&["good", "no-hello"]);
    let file = clients.path().join("registry.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replace("[\"python3\"]\nget", "[\"no-such-program\"]\nget");
    let other = other.replace("\"good\"", "\"needy\"").replace("no-hello\"", "needier\"");
    let with_setup = text.replace("version =", "setup = [\"touch\", \"made\"]\nversion =");
    std::fs::write(&file, with_setup + &other).unwrap();
    let folder = clients.path().to_str().unwrap();

    let (output, _folder) = wirelab(&["clients", "--clients", folder]);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for told in
        ["✓ good", "– no-hello", "clients --install no-hello", "`no-such-program` is missing", "apt-get"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(text.contains("1 of 4 can run here"), "{text}");
    let (output, _folder) = wirelab(&["clients", "good", "--json", "--clients", folder]);
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["runtime"]), (&"good".into(), &"Python".into()));

    let made = clients.path().join("fixtures/made");
    assert!(!made.exists());
    let (output, _folder) = wirelab(&["clients", "--install", "good", "--clients", folder]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    assert!(made.exists(), "{}", text_of(&output));
    let (output, _folder) = wirelab(&["clients", "--install", "needy", "--clients", folder]);
    assert_eq!(output.status.code(), Some(5), "{}", text_of(&output));
}

#[test]
fn adapters_end_with_a_lab_that_is_killed() {
    if !capturing() {
        return;
    }
    let clients = registry(&["silent"]);
    let folder = tempfile::tempdir().unwrap();
    let mut lab = Command::new(env!("CARGO_BIN_EXE_wirelab"))
        .args(["run", "eavesdrop", "--client", "silent", "--timeout", "60", "--clients"])
        .arg(clients.path())
        .arg("--out")
        .arg(folder.path().join("run"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Half-way: not while the adapter is only tried out, but when the run has its folder.
    let id = lab.id();
    let started = folder.path().join("run/evidence/silent");
    let running = wait_for("the adapter", || {
        let family = family(id);
        let silent =
            family.iter().any(|one| one.words.contains("silent.py") && !one.words.contains("supervise"));
        (silent && started.exists()).then_some(family)
    });
    lab.kill().unwrap();
    lab.wait().unwrap();
    wait_for("the end of every process", || {
        let alive = processes().into_iter().any(|now| running.contains(&now));
        (!alive).then_some(())
    });
}
