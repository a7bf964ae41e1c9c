//! Clients that are weak on purpose, each in one way, against the whole catalogue: what compromises each of
//! them follows from what the scenarios say that they are about.

use crate::support::{capturing, record, text_of, wirelab};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each client, and what is weak about it. One is compared with: it has no weakness.
const WEAK: [(&str, &[&str]); 11] = [
    ("no-chain-check", &["chain", "encoding"]),
    ("no-name-check", &["name"]),
    ("no-time-check", &["time"]),
    ("no-usage-check", &["usage"]),
    ("old-tls", &["version"]),
    ("falls-back", &["fallback"]),
    ("tires", &["fallback"]),
    ("follows-blindly", &["redirect"]),
    ("trusts-lengths", &["robustness"]),
    ("accepts-any", CERTIFICATE),
    ("sends-first", CERTIFICATE),
];

/// All that one look at the certificate shows.
const CERTIFICATE: &[&str] = &["chain", "constraint", "encoding", "key", "name", "time", "usage"];

/// What compromises a client beside its own class.
const ALSO: [(&str, &[&str], &str); 3] = [
    (
        "no-chain-check accepts-any sends-first",
        &["reconnect/storm-self-signed"],
        "who takes any certificate need not be refused first",
    ),
    (
        "no-chain-check",
        &[
            "certificate/name-constraints-malformed",
            "certificate/issuer-ml-dsa",
            "certificate/authority-key-id-other",
            "certificate/duplicate-extension",
        ],
        "OpenSSL takes no such authority, and then misses one",
    ),
    (
        "falls-back",
        &[
            "handshake/record-version-unknown",
            "handshake/replies-after-hello",
            "handshake/replies-before-hello",
            "handshake/ssl2-only",
        ],
        "what such a peer says is no TLS to OpenSSL, which is what it falls back for",
    ),
];

/// What does not compromise a client although it is of its class.
const SPARED: [(&str, &[&str], &str); 7] = [
    (
        "no-chain-check accepts-any sends-first",
        &[
            "certificate/leaf-not-first",
            "handshake/other-key",
            "handshake/signature-empty",
            "handshake/signature-flipped",
            "handshake/signature-other-message",
        ],
        "the peer has no key to the certificate, which OpenSSL never forgives",
    ),
    (
        "no-chain-check accepts-any sends-first",
        &["certificate/cut-off", "certificate/empty", "certificate/garbage", "certificate/trailing-byte"],
        "OpenSSL cannot read these at all",
    ),
    (
        "falls-back",
        &["reconnect/storm-self-signed"],
        "what it falls back for is no TLS, and not a bad certificate",
    ),
    (
        "tires",
        &["cleartext/clear-alert", "cleartext/clear-error", "cleartext/clear-reset"],
        "it is refused once there, and by no certificate",
    ),
    (
        "trusts-lengths",
        &["stall/stall-drip", "stall/stall-silent", "stall/stall-unfinished"],
        "it waits for nobody for long; what it does not bound are replies",
    ),
    ("no-usage-check", &["certificate/duplicate-extension"], "OpenSSL takes it for no authority at all"),
    (
        "old-tls",
        &[
            "handshake/compression",
            "handshake/compression-tls13",
            "handshake/downgrade-mark",
            "handshake/downgrade-mark-old",
            "handshake/ssl2-only",
            "handshake/ssl3-only",
            "handshake/suite-anonymous",
            "handshake/suite-export",
            "handshake/suite-grease",
            "handshake/suite-not-offered",
            "handshake/suite-null",
            "handshake/suite-rc4",
            "handshake/suite-signalling",
            "handshake/version-extension-old",
            "handshake/version-grease",
            "handshake/version-unknown",
        ],
        "OpenSSL 3 has none of these, or breaks the handshake off itself",
    ),
];

fn listed(lists: &[(&str, &[&str], &str)], client: &str, scenario: &str) -> bool {
    lists
        .iter()
        .any(|(clients, ids, _)| clients.split(' ').any(|one| one == client) && ids.contains(&scenario))
}

/// A clients folder with the weak clients, the one that is not, and one that refuses everything. `more` is added to each entry.
fn registry(more: &str) -> tempfile::TempDir {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/adapters/weak");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("fixtures")).unwrap();
    let names = WEAK.iter().map(|(name, _)| *name).chain(["verifies", "refuses-all"]);
    let entry = |name: &str| {
        let script = fixtures.join(name.replace('-', "_") + ".py");
        format!(
            "[[client]]\nname = \"{name}\"\nlanguage = \"Python\"\nlibrary = \"none\"\nversion = \"1.0\"\n\
             configuration = \"weak on purpose\"\nfolder = \"fixtures\"\nrun = [\"python3\", \"{}\"]\n\
             needs = [\"python3\"]\nget = \"apt-get install python3\"\n{more}\n",
            script.display()
        )
    };
    std::fs::write(folder.path().join("registry.toml"), names.map(entry).collect::<String>()).unwrap();
    folder
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The verdicts of the verified arms by client and scenario.
fn verdicts(record: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for arm in record["arms"].as_array().unwrap().iter().filter(|arm| arm["arm"] == "tls") {
        all.entry(text(&arm["client"])).or_default().insert(text(&arm["scenario"]), text(&arm["verdict"]));
    }
    all
}

/// Of each scenario what it is about, and whether a good client must withstand it: as the list of attacks says,
/// whatever is expected of some client.
fn classes() -> BTreeMap<String, (String, bool)> {
    let (output, _folder) = wirelab(&["list", "--attacks"]);
    let list = text_of(&output);
    let rows = list.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (id, duty) = (words.first()?, words.get(2)?);
        let class = words.get(if *duty == "may" { 4 } else { 3 })?;
        Some(((*id).to_owned(), ((*class).to_owned(), *duty == "withstands")))
    });
    rows.collect()
}

/// Most of their time is waiting, so there may be more of them than processors.
const WAITING: &[&str] = &["run", "--timeout", "4", "--jobs", "6"];

fn run(clients: &Path, arguments: &[&str]) -> (Value, String) {
    let clients = clients.to_str().unwrap();
    let (output, folder) = wirelab(&[WAITING, &["--clients", clients], arguments].concat());
    (record(&folder), text_of(&output))
}

/// Holds the clients of a run against the table. What a good client is compromised by is not weak: policy, and
/// certificates that must be accepted.
fn hold_against_the_table(record: &Value, said: &str, clients: &[&str]) {
    let (verdicts, classes) = (verdicts(record), classes());
    let good = &verdicts["verifies"];
    for scenario in good.keys() {
        let (class, must_refuse) = &classes[scenario];
        assert!(
            !must_refuse || good[scenario] != "compromised",
            "{scenario} compromises a good client\n{said}"
        );
        for (client, own) in WEAK.iter().filter(|(client, _)| clients.contains(client)) {
            let verdict = &verdicts[*client][scenario];
            let compromised = verdict == "compromised";
            let of_class = own.contains(&class.as_str());
            let what =
                format!("{client}, weak about {own:?}, is {verdict} by {scenario}, which is about {class}");
            if listed(&ALSO, client, scenario)
                || (of_class && *must_refuse && !listed(&SPARED, client, scenario))
            {
                assert!(compromised, "{what}");
            } else if !must_refuse && class == "handshake" {
                // What a peer says late, and a client may take: it depends on which of the two is quicker.
            } else if !of_class || listed(&SPARED, client, scenario) {
                assert!(!compromised || good[scenario] == "compromised", "{what}");
                assert_ne!(verdict, "inconclusive", "{what}");
            }
        }
    }
}

#[test]
fn each_weak_client_is_compromised_by_exactly_its_class() {
    if !capturing() {
        return;
    }
    let folder = registry("");
    let (record, said) = run(folder.path(), &["--client", "all"]);
    let all: Vec<&str> = WEAK.iter().map(|(client, _)| *client).collect();
    hold_against_the_table(&record, &said, &all);
    let refuses = &verdicts(&record)["refuses-all"];
    assert!(refuses.len() > 200, "{said}");
    for (scenario, verdict) in refuses {
        assert_eq!(verdict, "inconclusive", "{scenario}: to refuse everything shows nothing");
    }
}

#[test]
fn who_follows_blindly_is_compromised_wherever_it_is_sent() {
    if !capturing() {
        return;
    }
    let folder = registry("topologies = ['cluster', 'sentinel', 'clear-sentinel']");
    let clients = ["--client", "follows-blindly", "--client", "verifies"];
    let (record, said) = run(folder.path(), &[&["--tag", "redirect"][..], &clients].concat());
    assert!(verdicts(&record)["verifies"].len() > 15, "{said}");
    hold_against_the_table(&record, &said, &["follows-blindly"]);
}

/// The lists above are no place to hide in: each entry of them is a scenario that there is.
#[test]
fn the_exceptions_are_scenarios() {
    let (output, _folder) = wirelab(&["list"]);
    let list = text_of(&output);
    for (_, ids, _) in ALSO.iter().chain(&SPARED) {
        for id in *ids {
            assert!(list.lines().any(|line| line.split_whitespace().any(|word| word == *id)), "{id}");
        }
    }
}

/// The clients of the repository, where they can run here.
fn of_the_registry(client: &str) -> Option<BTreeMap<String, (String, String, bool)>> {
    let clients = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients");
    let ids = ["certificate", "mitm"];
    let (output, folder) = wirelab(
        &[
            &["run"],
            &ids[..],
            &["--timeout", "5", "--client", client, "--clients", clients.to_str().unwrap()],
        ]
        .concat(),
    );
    let said = text_of(&output);
    if said.contains("no client can run here") {
        println!("skipped: {client} cannot run here: {said}");
        return None;
    }
    let record = record(&folder);
    let (verdicts, classes) = (verdicts(&record), classes());
    let own = verdicts.get(client)?;
    let all = own.iter().map(|(scenario, verdict)| {
        let (class, must_refuse) = classes[scenario].clone();
        (scenario.clone(), (class, verdict.clone(), must_refuse))
    });
    Some(all.collect())
}

/// redis-cli looks at no name, and redis-py does.
#[test]
fn redis_cli_is_compromised_by_wrong_hosts_and_redis_py_is_not() {
    if !capturing() {
        return;
    }
    for (client, compromised) in [("redis-cli", true), ("redis-py-8.1.0", false)] {
        let Some(verdicts) = of_the_registry(client) else { continue };
        let mut names = 0;
        for (scenario, (class, verdict, must_refuse)) in verdicts {
            if class == "name" && must_refuse {
                names += 1;
                assert_eq!(verdict == "compromised", compromised, "{client} {scenario}: {verdict}");
            }
        }
        assert!(names > 20, "{client}");
    }
}
