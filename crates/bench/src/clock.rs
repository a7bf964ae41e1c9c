//! Processor time and memory, as Linux counts them.

use crate::BenchError;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use std::time::Duration;

/// Whose processor time is the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meter {
    /// The process with this number.
    Process(u32),
    /// All of this process but the thread that asks: the embedded server.
    Rest,
    /// Nobody knows.
    Unknown,
}

/// Processor time so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// Of the thread that asks, which is the client.
    pub(crate) client: Duration,
    /// Of the server.
    pub(crate) server: Option<Duration>,
    /// Of the whole machine, in steps of 10 ms.
    pub(crate) machine: Duration,
}

fn read(clock: ClockId) -> Result<Duration, BenchError> {
    let failed = |error: nix::Error| BenchError::System {
        what: "read the processor time of client and server",
        reason: error.to_string(),
    };
    clock_gettime(clock).map(Duration::from).map_err(failed)
}

/// Processor time of this thread.
pub(crate) fn thread() -> Result<Duration, BenchError> {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

impl Meter {
    /// Reads all clocks. Those of threads and processes count nanoseconds (clock_getcpuclockid(3)). That of another
    /// process that runs is brought up to date by its ticks only, every few milliseconds: sums over many slots are right,
    /// single ones are rough.
    pub(crate) fn read(self) -> Result<Cpu, BenchError> {
        let client = thread()?;
        let server = match self {
            Self::Process(number) => {
                let pid = Pid::from_raw(i32::try_from(number).unwrap_or(i32::MAX));
                let clock = ClockId::pid_cpu_clock_id(pid).map_err(|error| BenchError::System {
                    what: "read the processor time of the server",
                    reason: error.to_string(),
                })?;
                Some(read(clock)?)
            }
            Self::Rest => Some(read(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.saturating_sub(client)),
            Self::Unknown => None,
        };
        let machine = std::fs::read_to_string("/proc/stat").ok().and_then(|text| busy(&text));
        Ok(Cpu { client, server, machine: machine.unwrap_or_default() })
    }
}

/// Time that the processors were busy: the first line of /proc/stat without idle and iowait, proc(5).
fn busy(stat: &str) -> Option<Duration> {
    let fields: Vec<u64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        // user nice system idle iowait irq softirq steal; what follows is part of user and nice
        .take(8)
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    let idle: u64 = fields.get(3..5)?.iter().sum();
    // USER_HZ is 100 on every Linux that Rust runs on.
    Some(Duration::from_millis(10 * (fields.iter().sum::<u64>() - idle)))
}

/// Resident memory of a process in bytes: VmRSS of /proc/PID/status.
pub(crate) fn resident(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_are_not_busy() {
        let text = "cpu  100 1 50 9999 777 2 3 4 5 6\ncpu0 1 1 1 1\n";
        assert_eq!(busy(text), Some(Duration::from_millis(1600)));
        for wrong in ["", "cpu  1 2", "intr 1", "cpu  a b c d e f g h"] {
            assert_eq!(busy(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn work_of_this_thread_is_the_clients_and_that_of_another_the_servers() {
        let spin = || {
            let begun = thread().unwrap();
            while thread().unwrap() - begun < Duration::from_millis(20) {}
        };
        let before = Meter::Rest.read().unwrap();
        spin();
        std::thread::spawn(spin).join().unwrap();
        let after = Meter::Rest.read().unwrap();
        assert!(after.client - before.client >= Duration::from_millis(20));
        assert!(after.server.unwrap() - before.server.unwrap() >= Duration::from_millis(20));
        assert!(Meter::Unknown.read().unwrap().server.is_none());
        assert!(resident(std::process::id()).is_some_and(|bytes| bytes > 100_000));
    }
}
