//! A run that is ended half-way leaves nothing running, and the next one works.

use crate::support::{capturing, client, text_of, wirelab};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process: its number, its words, and when it started, by which it is known from a later one of that number.
#[derive(Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: String,
    parent: String,
    started: String,
    pub(crate) words: String,
}

/// All that run now.
pub(crate) fn processes() -> Vec<Process> {
    let read = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().into_string().ok().filter(|name| name.parse::<u32>().is_ok())?;
        // proc_pid_stat(5): behind the name, which may hold anything, state is the third field.
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let (state, parent, started) = (*fields.first()?, *fields.get(1)?, *fields.get(19)?);
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let process = Process { pid, parent: parent.into(), started: started.into(), words };
        (state != "Z").then_some(process)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(read).collect()
}

/// All that descend from a process, itself among them.
pub(crate) fn family(pid: u32) -> Vec<Process> {
    let mut family: Vec<Process> = Vec::new();
    let mut rest = processes();
    loop {
        let belongs =
            |one: &Process| one.pid == pid.to_string() || family.iter().any(|known| known.pid == one.parent);
        let (found, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(belongs);
        if found.is_empty() {
            return family;
        }
        family.extend(found);
        rest = others;
    }
}

/// Waits until `done` gives something; at most half a minute.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start(out: &std::path::Path, server: &str) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_wirelab"))
        .args([
            "run",
            "eavesdrop",
            "--client-cmd",
            &client("hangs.py"),
            "--timeout",
            "60",
            "--server",
            server,
        ])
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Half-way: the client that will never end is running.
    let client = |process: &Process| process.words.contains("hangs.py") && !process.words.contains("wirelab");
    let id = child.id();
    wait_for("the client", || family(id).iter().any(client).then_some(()));
    child
}

#[test]
fn a_run_that_is_ended_leaves_nothing_running_and_the_next_works() {
    if !capturing() {
        return;
    }
    let with_redis = Command::new("redis-server").arg("--version").output().is_ok();
    if !with_redis {
        println!("skipped in part: no redis-server to be left behind");
    }
    let server = if with_redis { "redis" } else { "embedded" };
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start(&folder.path().join("run"), server);
        let running = family(child.id());
        if with_redis {
            assert!(running.iter().any(|process| process.words.starts_with("redis-server")), "{running:?}");
        }
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = child.wait().unwrap();
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        match code {
            Some(_) => {
                assert_eq!(status.code(), code, "SIG{signal}: {told}");
                assert!(told.contains("interrupted"), "SIG{signal}: {told}");
            }
            None => assert_eq!(status.signal(), Some(9)),
        }
        let alive =
            |now: &Process| running.iter().any(|one| (&one.pid, &one.started) == (&now.pid, &now.started));
        wait_for(&format!("the end of every process after SIG{signal}"), || {
            (!processes().iter().any(alive)).then_some(())
        });
    }
    let (output, _folder) = wirelab(&["run", "eavesdrop", "--server", server]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
}
