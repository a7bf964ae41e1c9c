//! Any program as a client, through the supervisor.

use crate::supervise::{OUTPUT_LIMIT, Report};
use crate::{Target, processes};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use wirelab_model::{ClientEnd, ClientReport};

/// What the supervisor may need beyond the deadline, to end everything and to report.
const ALLOWANCE: Duration = Duration::from_secs(8);
/// Number of the signal that `abort` raises (signal(7)).
const SIGABRT: i32 = 6;
/// Longest report without the output that follows it.
const REPORT_LIMIT: u64 = 1 << 20;
/// Longest error that is taken from standard error, in bytes.
const ERROR_LIMIT: usize = 1000;

/// A command line that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SplitError {
    /// Nothing in it.
    #[error("the command line `{0}` names no program; give one, for instance `python3 app.py`")]
    Empty(String),
    /// Not to be split.
    #[error("cannot split the command line `{0}`: a quotation mark is not closed, or a backslash ends it")]
    Quoting(String),
}

/// Splits a command line into a program and its arguments as a shell does, with `'`, `"` and `\`,
/// and nothing else: no variables, no pipes.
///
/// # Errors
///
/// The line is empty, or a quotation mark is not closed.
pub fn split(line: &str) -> Result<Vec<String>, SplitError> {
    let argv = shlex::split(line).ok_or_else(|| SplitError::Quoting(line.to_owned()))?;
    if argv.first().is_none_or(String::is_empty) {
        return Err(SplitError::Empty(line.to_owned()));
    }
    Ok(argv)
}

/// Whether there is such a program: a file that may be run, at the path or in a folder of `PATH`.
pub fn is_there(program: &str) -> bool {
    let runs = |path: &Path| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return runs(Path::new(program));
    }
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| runs(&folder.join(program)))
}

/// The reverse of [`split`].
pub(crate) fn join(argv: &[String]) -> String {
    // Quoting fails on NUL alone, which no argument can hold.
    shlex::try_join(argv.iter().map(String::as_str)).unwrap_or_else(|_| argv.join(" "))
}

/// Runs `argv` with the lab's environment and the one of the target.
///
/// Where the future is dropped the supervisor notices by itself, and ends the program.
pub(crate) async fn run(argv: &[String], launcher: &[String], target: &Target) -> ClientReport {
    let start = Instant::now();
    let supervised = supervised(argv, launcher, target);
    let result = match tokio::time::timeout(target.deadline + ALLOWANCE, supervised).await {
        Ok(result) => result,
        Err(_) => Err("the supervisor of the client does not report".to_owned()),
    };
    result.unwrap_or_else(|reason| {
        // The client may have killed its supervisor, and nobody but the lab can end it now.
        let left_behind = processes::with_environment(&target.mark());
        for process in &left_behind {
            process.kill();
        }
        ClientReport {
            end: ClientEnd::NotStarted { reason },
            error: None,
            received: None,
            left_behind: left_behind.iter().map(processes::Process::describe).collect(),
            duration_ms: millis(start.elapsed()),
            memory: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_cut: 0,
        }
    })
}

async fn supervised(argv: &[String], launcher: &[String], target: &Target) -> Result<ClientReport, String> {
    let (program, arguments) = launcher.split_first().ok_or("no launcher was given")?;
    let mut supervisor = Command::new(program)
        .args(arguments)
        .args(["--deadline-ms", &millis(target.deadline).to_string(), "--"])
        .args(argv)
        .envs(target.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start the supervisor {program}: {error}"))?;
    // Held open until the report is there; once it is closed the supervisor ends the client.
    let lifeline = supervisor.stdin.take();
    let stdout = supervisor.stdout.take().ok_or("the supervisor has no standard output")?;
    let report = receive(stdout).await;
    drop(lifeline);
    let status = supervisor.wait().await;
    let report = report.map(|report| ClientReport { end: gave_up(report.end, target.hostile), ..report });
    report.map_err(|error| match status {
        Ok(status) => format!("the supervisor of the client ended without a report ({status}): {error}"),
        Err(_) => format!("the supervisor of the client ended without a report: {error}"),
    })
}

/// Programs abort over an error that nobody has caught, as those of .NET do: that is how they say that they failed. Where the
/// peer is to break them it counts as it is.
fn gave_up(end: ClientEnd, hostile: bool) -> ClientEnd {
    match end {
        // What a shell makes of it.
        ClientEnd::Signal { number } if number == SIGABRT && !hostile => {
            ClientEnd::Failed { code: Some(128 + number) }
        }
        end => end,
    }
}

/// Reads what [`Report::write`] writes.
async fn receive(stdout: impl AsyncRead + Unpin) -> Result<ClientReport, String> {
    let mut bytes = Vec::new();
    let limit = REPORT_LIMIT + 2 * OUTPUT_LIMIT as u64;
    stdout.take(limit).read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
    let mut report = Report::read(&bytes)?;
    report.error = last_line(&report.stderr);
    Ok(report)
}

/// The last line with something in it: where programs say why they failed.
pub(crate) fn last_line(stderr: &[u8]) -> Option<String> {
    let line = stderr.split(|byte| *byte == b'\n').rev().find(|line| !line.trim_ascii().is_empty())?;
    let line = line.trim_ascii();
    let text = String::from_utf8_lossy(line.get(..ERROR_LIMIT).unwrap_or(line));
    Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_without_a_shell() {
        let argv = split(r#"python3 'my app.py' "a b" $HOME | c\ d"#).expect("splits");
        assert_eq!(argv, ["python3", "my app.py", "a b", "$HOME", "|", "c d"]);
        assert_eq!(split(&join(&argv)), Ok(argv));
        assert_eq!(split("app 'x"), Err(SplitError::Quoting("app 'x".to_owned())));
        for empty in ["", "  ", "''"] {
            assert_eq!(split(empty), Err(SplitError::Empty(empty.to_owned())));
        }
    }

    #[test]
    fn the_error_is_the_last_line_that_says_something() {
        let text = b"Traceback\nssl.SSLError: \x1b[31mrefused\r\n\n  \n";
        assert_eq!(last_line(text).as_deref(), Some("ssl.SSLError:  [31mrefused"));
        assert_eq!(last_line(b" \n\n"), None);
        assert_eq!(last_line(&[b'x'; 5000]).map(|line| line.len()), Some(ERROR_LIMIT));
    }

    #[tokio::test]
    async fn a_launcher_that_is_missing_or_dumb_is_an_error_of_the_lab() {
        let target = crate::target::tests::target(wirelab_model::Transport::Tls, 1, Path::new("/nowhere"));
        for launcher in ["/nowhere/wirelab", "true"] {
            let report = run(&["true".to_owned()], &[launcher.to_owned()], &target).await;
            let ClientEnd::NotStarted { reason } = &report.end else { panic!("{report:?}") };
            assert!(reason.contains("supervisor"), "{reason}");
        }
    }
}
