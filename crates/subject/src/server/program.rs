//! A server program under the supervisor, which ends it when the lab ends in any way.

use super::ServerError;
use super::line::Line;
use std::ffi::OsString;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How often a server is asked whether it is ready: nothing tells but asking it.
const AGAIN: Duration = Duration::from_millis(5);

/// A program to run, and how it is installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) program: &'static str,
    pub(super) remedy: &'static str,
}

impl Name {
    pub(super) fn missing(self, reason: impl ToString) -> ServerError {
        let Self { program, remedy } = self;
        ServerError::Missing { program, reason: reason.to_string(), remedy }
    }

    /// What it prints with this argument, on either output.
    pub(super) fn says(self, argument: &str) -> Result<String, ServerError> {
        let output = std::process::Command::new(self.program)
            .arg(argument)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.missing(error))?;
        let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        Ok(format!("{out}\n{err}"))
    }
}

/// A folder for configuration, which holds passwords and keys, and for sockets, whose paths must be short.
/// Removed at the end; what cannot be removed is readable by its owner only.
pub(super) struct PrivateFolder(TempDir);

impl PrivateFolder {
    pub(super) fn make() -> Result<Self, ServerError> {
        let mine = Permissions::from_mode(0o700);
        // Its name is random: a run that was killed may have left others.
        let made = tempfile::Builder::new().prefix("wirelab-").permissions(mine).tempdir();
        Ok(Self(io("cannot make a folder for a server", made)?))
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file that only its owner can read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerError> {
        let path = self.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        io(&format!("cannot write {} for a server", path.display()), written)?;
        Ok(path)
    }
}

pub(super) fn io<T>(what: &str, result: std::io::Result<T>) -> Result<T, ServerError> {
    result.map_err(|reason| ServerError::Io { what: what.to_owned(), reason })
}

/// Ports for foreign servers, which take no "any free port": below those that Linux gives away by itself (from 32768 on),
/// also with the 10000 that a bus of a cluster is above its port.
const PORTS: Range<u16> = 11_000..22_000;

/// Ports to listen on: a free one for each that is 0, and 0 for each that is not wanted. None is given twice in a
/// process. Another program could take one before its server starts: then they say so and the run ends with that message.
pub(super) fn resolve<const N: usize>(wanted: [Option<u16>; N]) -> Result<[u16; N], ServerError> {
    let mut ports = [0; N];
    for (port, wanted) in ports.iter_mut().zip(wanted) {
        *port = match wanted {
            Some(0) => free_port()?,
            wanted => wanted.unwrap_or(0),
        };
    }
    Ok(ports)
}

fn free_port() -> Result<u16, ServerError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut last = None;
    for _ in PORTS {
        // Processes that run at the same time begin at different places.
        let number = std::process::id().wrapping_mul(101).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + (number % PORTS.len() as u32) as u16;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = Some(error),
        }
    }
    io("cannot find a free port", Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into())))
}

/// Where a server writes its log: `name.log`, in the folder of the trial's evidence.
pub(super) fn log_file(folder: &Path, name: &str) -> Result<PathBuf, ServerError> {
    let folder = io("cannot name the log of a server", std::path::absolute(folder))?;
    Ok(folder.join(format!("{name}.log")))
}

pub(super) struct Program {
    name: Name,
    child: Child,
    pub(super) line: Line,
    _folder: PrivateFolder,
}

impl Program {
    /// Starts it, and waits until it answers PING, at most `within`. It owns the folder of its configuration.
    pub(super) async fn start(
        name: Name,
        arguments: &[OsString],
        line: Line,
        folder: PrivateFolder,
        log: &Path,
        launcher: &[String],
        within: Duration,
    ) -> Result<Self, ServerError> {
        let (supervisor, words) =
            launcher.split_first().ok_or_else(|| name.missing("there is no supervisor"))?;
        let child = Command::new(supervisor)
            .args(words)
            .args(["--server", "--", name.program])
            .args(arguments)
            // Whatever it writes beside its log goes with the folder.
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| name.missing(error))?;
        let mut program = Self { name, child, line, _folder: folder };
        program.ready(log, within).await?;
        Ok(program)
    }

    async fn ready(&mut self, log: &Path, within: Duration) -> Result<(), ServerError> {
        let program = self.name.program;
        let not_ready = |reason: String| ServerError::NotReady { program, reason, log: log.to_owned() };
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < within {
            if self.line.ask(&["PING"]).await.is_ok_and(|answer| !answer.is_error()) {
                return Ok(());
            }
            if let Ok(Some(_)) = self.child.try_wait() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(not_ready(said.lines().last().unwrap_or("it ended at once").to_owned()));
            }
            tokio::time::sleep(AGAIN).await;
        }
        Err(not_ready(format!("not within {} s", within.as_secs())))
    }

    /// Closing the supervisor's input ends the server.
    pub(super) async fn stop(mut self, within: Duration) {
        drop(self.child.stdin.take());
        // The supervisor needs up to two seconds for a server that does not listen to SIGTERM.
        drop(tokio::time::timeout(within + Duration::from_secs(3), self.child.wait()).await);
    }
}
