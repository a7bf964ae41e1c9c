use super::{Event, Order, block_signals, end_all, end_of, settle, watch_program};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::{Pid, setsid};
use std::io::{Write, stderr, stdin};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;
use wirelab_model::ClientEnd;

/// What an adapter gets to end by itself once its standard input is closed. It has nothing to save.
const GRACE: Duration = Duration::from_millis(300);
/// Exit code where the program cannot be started: as a shell has it.
const NOT_STARTED: u8 = 127;
/// What a shell adds to the number of a signal that ended a program.
const BY_SIGNAL: i32 = 128;

/// Runs the program until it ends or standard input is closed, and leaves nothing running.
pub(super) fn run(order: &Order) -> u8 {
    // As for other programs: see `super::run`.
    let _ = setsid();
    if let Err(error) = set_child_subreaper(true) {
        return not_started(&format!("cannot adopt what the adapter leaves behind: {error}"));
    }
    // What a killed library leaves there, such as sockets of .NET's or keys that it has unpacked, goes with the folder.
    let temporary = match tempfile::Builder::new().prefix("wirelab-").tempdir() {
        Ok(folder) => folder,
        Err(error) => return not_started(&format!("cannot make a folder for temporary files: {error}")),
    };
    let spawned = Command::new(&order.program)
        .args(&order.arguments)
        .env("TMPDIR", temporary.path())
        .process_group(0)
        .spawn();
    let child = match spawned {
        Ok(child) => child,
        Err(error) => return not_started(&format!("{}: {error}", order.program.display())),
    };
    block_signals();
    let (sender, events) = channel();
    watch_hang_up(sender.clone());
    watch_program(Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)), sender);
    let end = match events.recv() {
        Ok(Event::Ended(end)) => {
            settle();
            Some(end)
        }
        Ok(Event::Closed) | Err(_) => end_of(&events, GRACE),
    };
    end_all();
    drop(temporary);
    match end {
        Some(ClientEnd::Worked) => 0,
        Some(ClientEnd::Failed { code: Some(code) }) => u8::try_from(code).unwrap_or(1),
        Some(ClientEnd::Signal { number }) => u8::try_from(BY_SIGNAL + number).unwrap_or(1),
        // Killed, because it did not end.
        _ => 137,
    }
}

fn not_started(reason: &str) -> u8 {
    // The lab may be gone. There is nobody else to tell.
    drop(writeln!(stderr().lock(), "{reason}"));
    NOT_STARTED
}

/// Reports when the last writer of standard input is gone, without reading it: what comes in is for the
/// adapter. poll(2) always reports that much, whatever it is asked for.
fn watch_hang_up(sender: Sender<Event>) {
    thread::spawn(move || {
        let input = stdin();
        loop {
            let mut fds = [PollFd::new(input.as_fd(), PollFlags::empty())];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) | Err(_) => break,
            }
        }
        drop(sender.send(Event::Closed));
    });
}
