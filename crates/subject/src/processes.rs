//! The processes of this machine as Linux lists them: proc(5).

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::HashSet;
use std::fs;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: i32,
    /// Its parent.
    pub(crate) parent: i32,
    /// Its process group.
    pub(crate) group: i32,
    /// It has ended, and waits to be reaped.
    pub(crate) ended: bool,
    /// Name of the program, at most 15 bytes.
    pub(crate) name: String,
}

impl Process {
    /// For people: `123 sleep`.
    pub(crate) fn describe(&self) -> String {
        format!("{} {}", self.pid, self.name)
    }

    /// Kills it. That it is gone already is no error.
    pub(crate) fn kill(&self) {
        let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
    }
}

/// All that live below process `ancestor`, children of children included, without those that have
/// ended.
pub(crate) fn descendants(ancestor: i32) -> Vec<Process> {
    let all = all();
    let mut family = HashSet::from([ancestor]);
    // A child can be listed before its parent, since numbers start again: look until none is added.
    loop {
        let before = family.len();
        for process in &all {
            if family.contains(&process.parent) {
                family.insert(process.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    all.into_iter()
        .filter(|process| process.pid != ancestor && family.contains(&process.pid) && !process.ended)
        .collect()
}

/// All that were started with the entry `NAME=value` in their environment and can be looked at.
pub(crate) fn with_environment(entry: &str) -> Vec<Process> {
    let has_entry = |process: &Process| {
        fs::read(format!("/proc/{}/environ", process.pid))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|one| one == entry.as_bytes()))
    };
    all().into_iter().filter(has_entry).collect()
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        // One that ended since it was listed has no file any more.
        .filter_map(|pid: i32| parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads `pid (name) state parent group ...`. A program chooses its name, brackets and line breaks
/// included: the last bracket ends it.
fn parse(pid: i32, stat: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (start, rest) = text.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let name = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Some(Process { pid, parent, group, ended: matches!(state, "Z" | "X" | "x"), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let process = parse(7, b"7 (a) S 1 (\n) S 5 6 6 0 -1").expect("parses");
        assert_eq!((process.parent, process.group, process.ended), (5, 6, false));
        assert_eq!(process.name, "a) S 1 (?");
        assert_eq!(parse(7, b"7 (sleep) Z 5 6").map(|process| process.ended), Some(true));
        assert_eq!(parse(7, b"7 sleep"), None);
    }

    #[test]
    fn a_child_is_found_by_its_ancestor_and_by_its_environment() {
        let entry = format!("WIRELAB_TEST=processes-{}", std::process::id());
        let (name, value) = entry.split_once('=').expect("has one");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .env(name, value)
            .spawn()
            .expect("sleep can be started");
        let pid = i32::try_from(child.id()).expect("a process number");
        let below = descendants(i32::try_from(std::process::id()).expect("a process number"));
        let marked = with_environment(&entry);
        child.kill().expect("can be killed");
        child.wait().expect("can be waited for");
        assert!(below.iter().any(|process| process.pid == pid), "{below:?}");
        assert_eq!(marked.iter().map(Process::describe).collect::<Vec<_>>(), [format!("{pid} sleep")]);
    }
}
