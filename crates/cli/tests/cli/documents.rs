//! What is committed beside the program is what the program says.

use crate::support::wirelab;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wirelab_model::{Canaries, ExitCode, Topology, Transport};
use wirelab_subject::{Cut, Login, Target, TlsFiles};

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap()
}

/// Names of the dependencies in a section of a Cargo.toml.
fn dependencies(toml: &str, section: &str) -> BTreeSet<String> {
    let lines =
        toml.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
    let name = |line: &str| {
        let name: String =
            line.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        (!name.is_empty()).then_some(name)
    };
    lines.filter_map(name).collect()
}

fn crates() -> BTreeSet<String> {
    let folders = std::fs::read_dir(top().join("crates")).unwrap();
    folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// First cells of the rows of the tables in a text.
fn first_cells(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    rows.map(|(cell, _)| cell.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_committed_schemas_are_those_of_the_program() {
    for (name, _) in wirelab_model::schemas() {
        let (output, _folder) = wirelab(&["schema", name]);
        let same = read(&format!("schemas/{name}.json")).as_bytes() == output.stdout;
        assert!(same, "{name}.json is not what the program says; `just schemas` writes it anew");
    }
}

#[test]
fn readme_has_every_exit_code() {
    let readme = read("README.md");
    for code in ExitCode::ALL {
        let row = format!("| {} | {} |", code as u8, code.meaning());
        assert!(readme.contains(&row), "README lacks the row {row}");
    }
}

#[test]
fn readme_shows_the_table_of_the_demo() {
    let (readme, demo) = (read("README.md"), include_str!("snapshots/demo.snap"));
    let table = demo.split_once("What the attacker got").unwrap().1.split_once("\n\n").unwrap().0;
    assert!(readme.contains(table), "README lacks the table that `wirelab demo` prints");
}

/// How many scenarios there are in some folders of the repository.
fn scenarios_in(folders: &[&str]) -> usize {
    let count = |folder: &&str| std::fs::read_dir(top().join("scenarios").join(folder)).unwrap().count();
    folders.iter().map(count).sum()
}

#[test]
fn readme_says_how_many_certificates_and_misbehaviours_there_are() {
    let readme = read("README.md");
    let certificates = format!("shows the client {} more certificates", scenarios_in(&["certificate"]));
    assert!(readme.contains(&certificates), "README does not say: {certificates}");
    // The port for TLS is the good server's.
    let peers = scenarios_in(&["handshake", "stall", "path", "cleartext"]) - 1;
    let peers = format!("plays {peers} peers that break the rules of TLS");
    assert!(readme.contains(&peers), "README does not say: {peers}");
}

#[test]
fn readme_has_every_variable_of_the_environment_and_no_other() {
    let path = PathBuf::from("/x");
    let target = Target {
        host: "localhost".into(),
        port: 1,
        transport: Transport::Tls,
        topology: Topology::Standalone,
        talk: wirelab_model::Talk::Simple,
        canaries: Canaries::new([[0; 12]; 4]),
        files: TlsFiles {
            ca: path.clone(),
            client_cert: path.clone(),
            client_key: path.clone(),
            client_pfx: path,
        },
        shows: None,
        deadline: std::time::Duration::from_secs(1),
        stalled: false,
        login: Login::Password,
        cut: Cut::Never,
        hostile: false,
    };
    let real: BTreeSet<String> = target.environment().into_iter().map(|(name, _)| name).collect();
    let readme = read("README.md");
    let named: BTreeSet<String> = readme
        .split('`')
        .filter(|word| word.starts_with("WIRELAB_") || *word == "REDIS_URL")
        .map(str::to_owned)
        .collect();
    assert_eq!(named, real);
}

#[test]
fn architecture_has_every_crate_and_every_dependency() {
    let architecture = read("ARCHITECTURE.md");
    let mut named = first_cells(&architecture);
    named.remove("crate");
    assert_eq!(named, crates());
    let why = architecture.split_once("## Dependencies").unwrap().1;
    let words: BTreeSet<&str> = why.split([',', ';', ':', ' ', '\n', '.', '(', ')']).collect();
    for dependency in dependencies(&read("Cargo.toml"), "[workspace.dependencies]") {
        let told = dependency.starts_with("wirelab-") || words.contains(dependency.as_str());
        assert!(told, "ARCHITECTURE.md does not say why `{dependency}` is there");
    }
}

#[test]
fn crates_depend_on_each_other_in_one_direction_only() {
    // What each may name. Only the runner sees both the wire and the attacker; only `capture` names
    // libpcap and only `pki` names rcgen.
    let allowed: [(&str, &[&str]); 14] = [
        ("model", &[]),
        ("wire", &["model"]),
        ("capture", &["model", "wire"]),
        ("pki", &["model"]),
        ("tls", &[]),
        ("judge", &["model"]),
        ("redis", &["model", "pki", "wire"]),
        ("rogue", &["model", "pki", "redis", "tls", "wire"]),
        ("subject", &["model", "pki", "redis", "tls", "wire"]),
        ("report", &["model"]),
        ("sniff", &["capture", "model", "wire"]),
        ("runner", &["capture", "judge", "model", "pki", "rogue", "subject", "wire"]),
        ("bench", &["model", "pki", "subject"]),
        ("cli", &["bench", "capture", "model", "report", "runner", "sniff", "subject"]),
    ];
    assert_eq!(allowed.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), crates());
    for (name, may) in allowed {
        let named = dependencies(&read(&format!("crates/{name}/Cargo.toml")), "[dependencies]");
        for dependency in &named {
            if let Some(other) = dependency.strip_prefix("wirelab-") {
                assert!(may.contains(&other), "`{name}` must not name `{other}`");
            }
        }
        assert!(!named.contains("pcap") || name == "capture", "`{name}` names libpcap");
        assert!(!named.contains("rcgen") || name == "pki", "`{name}` names rcgen");
        for io in ["tokio", "nix"] {
            assert!(
                !(named.contains(io) && ["model", "wire", "pki", "tls", "judge"].contains(&name)),
                "`{name}` does I/O"
            );
        }
    }
}

#[test]
fn every_file_that_a_document_links_to_is_there() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/adapters.md",
        "clients/stackexchange-redis/README.md",
    ] {
        let text = read(document);
        let folder = top().join(document).parent().map(Path::to_owned).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let there = link.starts_with("http") || link.starts_with('#') || folder.join(link).exists();
            assert!(there, "{document} links to {link}");
        }
    }
}

#[test]
fn the_clients_and_what_is_expected_of_them_are_of_each_other() {
    let clients = top().join("clients");
    if !clients.join("registry.toml").exists() {
        println!("skipped: there is no registry of clients");
        return;
    }
    let (output, _folder) = wirelab(&["run", "--client", "nobody", "--clients", clients.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("no client `nobody`"), "{told}");
}

/// The text of each block of a document in this language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    text.split(start.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_examples_of_the_adapter_protocol_are_of_it() {
    let text = read("docs/adapters.md");
    let schema: serde_json::Value = serde_json::from_str(&read("schemas/adapter.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines: Vec<&str> = blocks(&text, "json").iter().flat_map(|block| block.lines()).collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert!(validator.is_valid(&serde_json::from_str(line).unwrap()), "{line}");
    }
    serde_json::from_str::<wirelab_model::AdapterHello>(lines[0]).unwrap();
    serde_json::from_str::<wirelab_model::AdapterCase>(lines[1]).unwrap();
    for line in &lines[2..] {
        serde_json::from_str::<wirelab_model::AdapterAnswer>(line).unwrap();
    }
}

#[test]
fn the_examples_of_the_files_of_clients_are_read() {
    let text = read("docs/adapters.md");
    let [registry, expectations] = blocks(&text, "toml")[..] else { panic!("two examples") };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("redis-py")).unwrap();
    std::fs::write(folder.path().join("registry.toml"), registry).unwrap();
    std::fs::write(folder.path().join("expectations.toml"), expectations.replace("# until", "until"))
        .unwrap();
    let clients = folder.path().to_str().unwrap();
    let (output, _folder) = wirelab(&["clients", "--json", "--clients", clients]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    // Expectations are read before it is looked which client is meant.
    let (output, _folder) = wirelab(&["run", "--client", "nobody", "--clients", clients]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("no client `nobody`"), "{told}");
}
