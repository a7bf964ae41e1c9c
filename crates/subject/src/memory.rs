//! How much memory a process that stays takes for one case.

use crate::processes;
use std::collections::HashMap;
use std::fs;

/// The processes with an entry in their environment, and what each had when the measurement began.
pub(crate) struct Gauge {
    entry: String,
    /// Bytes by process number.
    before: HashMap<i32, u64>,
}

impl Gauge {
    /// Begins: sets the highest mark of each process back to what it has now, where that is allowed
    /// (`/proc/PID/clear_refs`, proc(5)).
    pub(crate) fn start(entry: &str) -> Self {
        let base = |pid: i32| {
            let back = fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok();
            // Not set back, only what goes beyond the old mark is seen.
            status(pid, if back { "VmRSS:" } else { "VmHWM:" })
        };
        let processes = processes::with_environment(entry);
        let before = processes.iter().filter_map(|process| Some((process.pid, base(process.pid)?))).collect();
        Self { entry: entry.to_owned(), before }
    }

    /// By how much the process that grew most was above what it had, in bytes; one that was started since then
    /// had nothing. None where no process can be read.
    pub(crate) fn growth(&self) -> Option<u64> {
        if self.before.is_empty() {
            return None;
        }
        let grown = |pid: i32| {
            let before = self.before.get(&pid).copied().unwrap_or_default();
            status(pid, "VmHWM:").map(|most| most.saturating_sub(before))
        };
        processes::with_environment(&self.entry).iter().filter_map(|process| grown(process.pid)).max()
    }
}

/// A line of `/proc/PID/status` that counts KiB, in bytes.
fn status(pid: i32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    /// A child that says when it has taken and given back 64 MiB: the mark stays.
    #[test]
    fn memory_that_was_given_back_is_seen_and_what_was_taken_before_is_not() {
        let mark = format!("WIRELAB_TEST=memory-{}", std::process::id());
        let (name, value) = mark.split_once('=').expect("has one");
        let script = "for line in open(0):\n x = b'x' * (int(line) << 20)\n del x\n print(flush=True)";
        let child = Command::new("python3")
            .args(["-c", script])
            .env(name, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else { return println!("skipped: no python3") };
        let (mut stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut stdout = BufReader::new(stdout);
        let mut take = |mib: u64| {
            writeln!(stdin, "{mib}").expect("writes");
            stdout.read_line(&mut String::new()).expect("reads");
        };
        take(128);
        let gauge = Gauge::start(&mark);
        take(64);
        let grown = gauge.growth().expect("measures");
        child.kill().expect("can be killed");
        child.wait().expect("can be waited for");
        assert!((60 << 20..100 << 20).contains(&grown), "{grown}");
        assert_eq!(Gauge::start("WIRELAB_TEST=nobody").growth(), None);
    }
}
