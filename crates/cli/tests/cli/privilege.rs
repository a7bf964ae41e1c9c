//! Without root: a namespace of its own where that is allowed, else one message that names the remedies.

use crate::support::text_of;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// `nobody` of Debian.
const NOBODY: u32 = 65534;

/// A copy of the program in a folder that an ordinary user can reach and write to.
fn copied(folder: &Path) -> PathBuf {
    let program = folder.join("wirelab");
    std::fs::copy(env!("CARGO_BIN_EXE_wirelab"), &program).unwrap();
    program
}

fn root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

#[test]
fn an_ordinary_user_runs_it_in_a_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let program = copied(folder.path());
    let mut command = if root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let id = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
        command.args(["--inh-caps=-all", "--bounding-set=-all"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let out = folder.path().join("run");
    let output = command.args(["run", "eavesdrop", "--out"]).arg(&out).output().unwrap();
    let text = text_of(&output);
    if output.status.code() == Some(5) && text.contains("setcap") {
        println!("skipped: this system allows no user namespaces to ordinary users");
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{text}");
    let record = std::fs::read_to_string(out.join("run.json")).unwrap();
    assert!(record.contains("lo of a network namespace of its own"), "{record}");
}

#[test]
fn where_nothing_is_allowed_one_message_names_the_remedies() {
    // A user namespace that may have no others below it: no capture on the host, no namespace of its own.
    let folder = tempfile::tempdir().unwrap();
    let program = copied(folder.path());
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c"])
        .arg("echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" run eavesdrop --out \"$1\"")
        .arg(&program)
        .arg(folder.path().join("run"))
        .output()
        .unwrap();
    let text = text_of(&output);
    if text.starts_with("unshare:") || text.contains("max_user_namespaces:") {
        println!("skipped: cannot make a place where nothing is allowed: {text}");
        return;
    }
    assert_eq!(output.status.code(), Some(5), "{text}");
    for remedy in ["setcap cap_net_raw", "sudo", "user namespaces", "--cap-add NET_RAW"] {
        assert!(text.contains(remedy), "{remedy} is not in {text}");
    }
    assert!(!folder.path().join("run").exists(), "nothing is left of it");
}

#[test]
fn keys_and_evidence_are_for_their_owner_only() {
    if !crate::support::capturing() {
        return;
    }
    let (_output, folder) = crate::support::wirelab(&["run", "eavesdrop"]);
    let mut folders = vec![folder.path().join("run")];
    let mut seen = 0;
    while let Some(next) = folders.pop() {
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&next), 0o700, "{}", next.display());
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                seen += 1;
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert!(seen > 10, "{seen} files");
}
