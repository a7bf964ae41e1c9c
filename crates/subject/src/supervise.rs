//! The supervisor: a small process between the lab and a program under test.
//!
//! It exists because the lab can die (SIGKILL, the out-of-memory killer), and programs start others
//! that outlive them. The supervisor adopts every descendant of the program, even one that started
//! a session of its own ([PR_SET_CHILD_SUBREAPER][1]), holds one end of a pipe whose other end only
//! the lab holds, and ends all of them when the program ends, when its time is up, or when the pipe
//! closes.
//!
//! What it cannot do: a program with the same user can kill its supervisor. The lab then finds the
//! processes by their environment; where both are killed at once, the program lives on.
//!
//! [1]: https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html

use crate::processes::{Process, descendants};
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, setsid};
use std::ffi::OsString;
use std::io::{Read, stdin, stdout};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use wirelab_model::{ClientEnd, ClientReport};

mod adapter;
mod output;
mod report;

pub use output::OUTPUT_LIMIT;
use output::Output;
pub(crate) use report::Report;

/// What a descendant gets to end by itself after its program: helpers of an interpreter notice the
/// end a moment later than the lab, and are nothing to complain of.
const SETTLING: Duration = Duration::from_millis(200);
/// What a server gets between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Longest time for killing and reaping all descendants.
const REAPING: Duration = Duration::from_secs(2);
/// Longest wait for the end of an output that a process beyond reach still holds open.
const DRAINING: Duration = Duration::from_millis(500);
/// Most processes that are named in a report.
const NAMED: usize = 100;
/// How often the list of processes is looked at, where there is no event to wait for.
const POLL: Duration = Duration::from_millis(5);

/// What starts the supervisor: `binary` is the program whose subcommand `supervise` calls
/// [`supervise`] with the arguments that follow.
pub fn launcher(binary: &Path) -> Vec<String> {
    vec![binary.display().to_string(), "supervise".to_owned()]
}

/// The body of the subcommand `supervise`:
/// `[--deadline-ms N | --server | --adapter] [--] PROGRAM [ARGUMENT]...`
///
/// Runs the program, with no standard input, until it ends, until its deadline, or until the
/// standard input of this process closes. Then every descendant of it is killed, and a report is
/// written to standard output: one line of JSON, followed by as many bytes of the program's standard
/// output and standard error as the line says. Returns the exit code: 0 when it has reported,
/// 2 where the arguments are wrong.
///
/// - The program is killed at the deadline, with its process group. Descendants outside of the
///   group, and all that outlive a program that ended by itself, are reported as left behind.
/// - With `--server` there is no deadline, and when standard input closes the program gets SIGTERM
///   and 2 s before it is killed.
/// - With `--adapter` the program has the three standard streams of the supervisor, which only looks
///   whether standard input was closed. There is no report: the exit code is that of the program.
pub fn supervise(arguments: &[OsString]) -> u8 {
    let Some(order) = Order::parse(arguments) else { return 2 };
    if order.adapter {
        return adapter::run(&order);
    }
    let report = run(&order);
    // The lab may be gone. There is nobody else to tell.
    drop(Report::write(report, &mut stdout().lock()));
    0
}

/// What to run, and how.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    deadline: Option<Duration>,
    server: bool,
    adapter: bool,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Order {
    fn parse(arguments: &[OsString]) -> Option<Self> {
        let mut arguments = arguments.iter();
        let (mut deadline, mut server, mut adapter) = (None, false, false);
        let program = loop {
            let argument = arguments.next()?;
            match argument.to_str() {
                Some("--deadline-ms") => {
                    deadline = Some(Duration::from_millis(arguments.next()?.to_str()?.parse().ok()?));
                }
                Some("--server") => server = true,
                Some("--adapter") => adapter = true,
                Some("--") => break arguments.next()?,
                _ => break argument,
            }
        };
        let (program, arguments) = (program.clone(), arguments.cloned().collect());
        Some(Self { deadline, server, adapter, program, arguments })
    }
}

/// What the supervisor waits for.
enum Event {
    /// The program ended.
    Ended(ClientEnd),
    /// The lab closed the pipe, or died.
    Closed,
}

fn run(order: &Order) -> ClientReport {
    let start = Instant::now();
    // A session of its own: Ctrl-C in the lab's terminal goes to the lab alone, which then closes
    // the pipe; and the program has no terminal that it could wait at for a password. It fails only
    // where this process leads a group already, which serves as well.
    let _ = setsid();
    let not_started = |reason: String| ClientReport {
        end: ClientEnd::NotStarted { reason },
        error: None,
        received: None,
        left_behind: Vec::new(),
        duration_ms: crate::command::millis(start.elapsed()),
        memory: None,
        stdout: Vec::new(),
        stderr: Vec::new(),
        output_cut: 0,
    };
    if let Err(error) = set_child_subreaper(true) {
        return not_started(format!("cannot adopt what the program leaves behind: {error}"));
    }
    let spawned = Command::new(&order.program)
        .args(&order.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return not_started(format!("{}: {error}", order.program.display())),
    };
    block_signals();
    let stdout = Output::copy(child.stdout.take());
    let stderr = Output::copy(child.stderr.take());
    let (sender, events) = channel();
    watch_pipe(sender.clone());
    let program = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    watch_program(program, sender);

    let (end, left_behind) = wait_and_clean(order, program, &events);
    // After all were reaped: only those are counted.
    let memory = most_memory();
    let (stdout, stdout_cut) = stdout.finish(DRAINING);
    let (stderr, stderr_cut) = stderr.finish(DRAINING);
    ClientReport {
        end,
        error: None,
        received: None,
        left_behind,
        duration_ms: crate::command::millis(start.elapsed()),
        memory,
        stdout,
        stderr,
        output_cut: stdout_cut + stderr_cut,
    }
}

/// Signals meant for the lab do not end the supervisor before it has cleaned up. To be called only once the
/// program runs, since it would inherit this. (Threads inherit it too.)
fn block_signals() {
    let ignored = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE];
    let _ = SigSet::from_iter(ignored).thread_block();
}

/// Waits for the end, whichever comes first, and leaves nothing running. Returns how the program
/// ended, and what outlived it.
fn wait_and_clean(order: &Order, program: Pid, events: &Receiver<Event>) -> (ClientEnd, Vec<String>) {
    let event = match order.deadline {
        Some(deadline) => events.recv_timeout(deadline),
        None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    match event {
        Ok(Event::Ended(end)) => {
            let left = settle();
            end_all();
            (end, describe(&left))
        }
        Err(RecvTimeoutError::Timeout) => {
            let outside: Vec<Process> = descendants(own_pid())
                .into_iter()
                .filter(|process| process.pid != program.as_raw() && process.group != program.as_raw())
                .collect();
            end_all();
            let after_ms = crate::command::millis(order.deadline.unwrap_or_default());
            (ClientEnd::TimedOut { after_ms }, describe(&outside))
        }
        Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => {
            let mut ended = None;
            if order.server {
                // To it alone: a server ends its own children in the order that it needs.
                let _ = kill(program, Signal::SIGTERM);
                ended = end_of(events, GRACE);
            }
            end_all();
            let end = ended.or_else(|| end_of(events, REAPING));
            (end.unwrap_or(ClientEnd::Signal { number: Signal::SIGKILL as i32 }), Vec::new())
        }
    }
}

/// For people; the report stays small, however many there are.
fn describe(left: &[Process]) -> Vec<String> {
    let mut lines: Vec<String> = left.iter().take(NAMED).map(Process::describe).collect();
    if left.len() > NAMED {
        lines.push(format!("and {} more", left.len() - NAMED));
    }
    lines
}

/// Waits at most `patience` for the end of the program.
fn end_of(events: &Receiver<Event>, patience: Duration) -> Option<ClientEnd> {
    let until = Instant::now() + patience;
    loop {
        match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(end)) => return Some(end),
            Ok(Event::Closed) => {}
            Err(_) => return None,
        }
    }
}

/// Descendants that still live after the settling time.
fn settle() -> Vec<Process> {
    let until = Instant::now() + SETTLING;
    loop {
        reap();
        let left = descendants(own_pid());
        if left.is_empty() || Instant::now() >= until {
            return left;
        }
        thread::sleep(POLL);
    }
}

/// Kills and reaps until no descendant lives, or the time is up.
fn end_all() {
    let until = Instant::now() + REAPING;
    loop {
        let left = descendants(own_pid());
        for process in &left {
            process.kill();
        }
        reap();
        if left.is_empty() || Instant::now() >= until {
            return;
        }
        thread::sleep(POLL);
    }
}

/// Takes note of all children that have ended, adopted ones included.
fn reap() {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            break;
        }
    }
}

/// Resident memory of the largest descendant at its highest, in bytes: getrusage(2) counts in KiB.
fn most_memory() -> Option<u64> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    u64::try_from(used.max_rss()).ok().map(|kib| kib * 1024)
}

fn own_pid() -> i32 {
    Pid::this().as_raw()
}

/// Reports when standard input ends. What comes in is of no meaning.
fn watch_pipe(sender: Sender<Event>) {
    thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut pipe = stdin().lock();
        loop {
            match pipe.read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        drop(sender.send(Event::Closed));
    });
}

/// Reports when the program ends, without reaping it: its number stays taken until then.
fn watch_program(program: Pid, sender: Sender<Event>) {
    thread::spawn(move || {
        let end = loop {
            match waitid(Id::Pid(program), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
                Ok(WaitStatus::Exited(_, 0)) => break ClientEnd::Worked,
                Ok(WaitStatus::Exited(_, code)) => break ClientEnd::Failed { code: Some(code) },
                Ok(WaitStatus::Signaled(_, signal, _)) => break ClientEnd::Signal { number: signal as i32 },
                Ok(_) | Err(Errno::EINTR) => {}
                // Reaped already: only after it was killed.
                Err(_) => break ClientEnd::Signal { number: Signal::SIGKILL as i32 },
            }
        };
        drop(sender.send(Event::Ended(end)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Order> {
        Order::parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_end_at_the_program() {
        let order = parse("--deadline-ms 1500 -- app --server").expect("parses");
        assert_eq!((order.deadline, order.server), (Some(Duration::from_millis(1500)), false));
        assert_eq!((order.program, order.arguments), ("app".into(), vec!["--server".into()]));
        assert_eq!(parse("--server app").map(|order| (order.server, order.deadline)), Some((true, None)));
        assert_eq!(parse("--adapter app").map(|order| (order.server, order.adapter)), Some((false, true)));
        for wrong in ["", "--", "--server", "--deadline-ms", "--deadline-ms x app"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
