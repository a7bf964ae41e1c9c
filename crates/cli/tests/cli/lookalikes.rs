//! Real clients with settings that look like TLS and are not: `clients/lookalikes`.

use crate::support::{capturing, record, text_of, wirelab};
use std::path::{Path, PathBuf};

/// Command, and a file that is there once its client is set up. Run in `clients`.
const ALL: [(&str, &str); 8] = [
    (
        "dotnet stackexchange-redis/bin/3.4.35/stackexchange-redis.dll --ssl-host",
        "stackexchange-redis/bin/3.4.35/stackexchange-redis.dll",
    ),
    ("redis-py/.venv-8.1.0/bin/python lookalikes/redis-py.py", "redis-py/.venv-8.1.0/bin/python"),
    ("node lookalikes/node-redis.mjs node-redis/6.3.1", "node-redis/6.3.1/node_modules"),
    ("node lookalikes/ioredis.mjs ioredis/6.0.0", "ioredis/6.0.0/node_modules"),
    ("node lookalikes/ioredis-cluster.mjs ioredis/6.0.0", "ioredis/6.0.0/node_modules"),
    ("lookalikes/redis-cli.sh", "/usr/bin/redis-cli"),
    ("ruby lookalikes/redis-rb.rb", "/usr/bin/ruby"),
    ("php lookalikes/predis.php", "/usr/share/php/Predis"),
];

fn clients() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients").canonicalize().unwrap()
}

/// The command with absolute paths.
fn absolute(command: &str) -> String {
    let folder = clients();
    let word = |word: &str| {
        if word.contains('/') { format!("'{}'", folder.join(word).display()) } else { word.to_owned() }
    };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn settings_that_look_like_tls_are_compromised_before_any_attack() {
    if !capturing() {
        return;
    }
    for (command, set_up) in ALL {
        if !clients().join(Path::new(set_up)).exists() {
            println!("skipped: {command}: {set_up} is not there");
            continue;
        }
        let (output, folder) = wirelab(&["run", "eavesdrop/session", "--client-cmd", &absolute(command)]);
        let text = text_of(&output);
        if text.contains("there is no program") {
            println!("skipped: {command}: its program is not on the PATH");
            continue;
        }
        assert_eq!(output.status.code(), Some(10), "{command}: {text}");
        let record = record(&folder);
        let mut arms = record["arms"].as_array().unwrap().iter();
        let arm = arms.find(|arm| arm["arm"] == "tls").unwrap();
        assert_eq!(arm["verdict"], "compromised", "{command}: {text}");
        assert_eq!(arm["got"], serde_json::json!(["credential"]), "{command}: {text}");
        assert!(arm["why"].as_str().unwrap().contains("although the arm has TLS"), "{command}: {arm:#}");
    }
}

#[test]
fn each_of_them_is_tested() {
    for entry in std::fs::read_dir(clients().join("lookalikes")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(ALL.iter().any(|(command, _)| command.contains(&format!("lookalikes/{name}"))), "{name}");
    }
}
