//! A client of the registry: a process that stays, and answers one case after the other.

mod kept;
mod process;

use crate::{Target, command};
use process::{Process, Wrong};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use wirelab_model::{ADAPTER_PROTOCOL, AdapterHello, AdapterOutcome, ClientEnd, ClientReport, Topology};

/// What an adapter may take from its start to its first line: a virtual machine on a busy machine is slow.
const START: Duration = Duration::from_secs(30);
/// What it gets beyond the deadline of a case before it is killed.
const ALLOWANCE: Duration = Duration::from_secs(2);

/// How to start an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterCommand {
    /// What the client is called.
    pub name: String,
    /// Version of the library that the adapter must report, or how it begins.
    pub version: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where to run it.
    pub folder: PathBuf,
    /// What it can connect to.
    pub topologies: Vec<Topology>,
}

/// A client that is run through an adapter. Clones share its process, which is started when it is needed,
/// and ends with the last of them at the latest. Cases run one after the other.
#[derive(Debug, Clone)]
pub struct Adapter {
    command: Arc<AdapterCommand>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    /// Cases so far, over all processes.
    cases: u64,
}

impl PartialEq for Adapter {
    fn eq(&self, other: &Self) -> bool {
        self.command == other.command
    }
}

impl Eq for Adapter {}

impl Adapter {
    /// Starts nothing yet.
    pub fn new(command: AdapterCommand) -> Self {
        Self { command: Arc::new(command), state: Arc::default() }
    }

    /// What the client is called.
    pub fn name(&self) -> &str {
        &self.command.name
    }

    /// Whether it can connect to that.
    pub fn knows(&self, topology: Topology) -> bool {
        self.command.topologies.contains(&topology)
    }

    /// Starts it and ends it again. Gives its first line.
    ///
    /// # Errors
    /// Why it cannot run, for people: it cannot be started, says nothing within 30 s, speaks another
    /// protocol, or has another version of its library than is wanted.
    pub async fn probe(&self, launcher: &[String]) -> Result<AdapterHello, String> {
        let (process, hello) = self.start(launcher).await?;
        process.end().await;
        Ok(hello)
    }

    /// Ends the process, if there is one.
    pub async fn end(&self) {
        if let Some(process) = self.state.lock().await.process.take() {
            process.end().await;
        }
    }

    async fn start(&self, launcher: &[String]) -> Result<(Process, AdapterHello), String> {
        let AdapterCommand { version, argv, folder, .. } = &*self.command;
        let mut process = Process::start(argv, folder, launcher)?;
        let hello = match process.receive::<AdapterHello>(START).await {
            Ok(hello) => hello,
            Err(wrong) => {
                let why = process.fail(wrong).await.reason;
                return Err(format!("{}: {why}", command::join(argv)));
            }
        };
        let wrong = if hello.protocol != ADAPTER_PROTOCOL {
            format!(
                "the adapter speaks version {} of the protocol, and this wirelab speaks {ADAPTER_PROTOCOL}",
                hello.protocol
            )
        } else if !is_version(version, &hello.version) {
            format!("it is registered with version {version}, but its adapter reports {}", hello.version)
        } else {
            return Ok((process, hello));
        };
        process.end().await;
        Err(wrong)
    }

    /// Runs one case. `launcher` starts the supervisor of the process: see [`crate::launcher`].
    pub(crate) async fn run(&self, launcher: &[String], target: &Target) -> ClientReport {
        let start = Instant::now();
        let mut state = self.state.lock().await;
        let mut report = ClientReport {
            end: ClientEnd::Worked,
            error: None,
            received: None,
            left_behind: Vec::new(),
            duration_ms: 0,
            memory: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_cut: 0,
        };
        state.cases += 1;
        let id = state.cases;
        let kept = match state.process.take() {
            // What it still does of an earlier reply, and the memory that this takes, is not of this case.
            Some(process) if target.hostile => {
                process.end().await;
                None
            }
            kept => kept,
        };
        let mut process = match kept {
            Some(process) => process,
            None => match self.start(launcher).await {
                Ok((process, _)) => process,
                Err(reason) => {
                    report.end = ClientEnd::NotStarted { reason };
                    return report;
                }
            },
        };
        let within = target.deadline + ALLOWANCE;
        let gauge = target.hostile.then(|| process.gauge());
        match process.ask(id, target, within).await {
            Ok(outcome) => {
                judge(outcome, &target.canaries.value, &mut report);
                report.memory = gauge.and_then(|gauge| gauge.growth());
                process.take_output(target, &mut report);
                if target.hostile {
                    process.end().await;
                } else {
                    state.process = Some(process);
                }
            }
            // Whatever it still does, it must not do it in the next case.
            Err(wrong) => {
                let (timed_out, ended) =
                    (matches!(wrong, Wrong::Silent { .. }), matches!(wrong, Wrong::Ended));
                // It still is there where it only says nothing.
                report.memory = gauge.and_then(|gauge| gauge.growth());
                let failure = process.fail(wrong).await;
                report.end = if timed_out {
                    ClientEnd::TimedOut { after_ms: command::millis(within) }
                } else {
                    ClientEnd::Broken { reason: failure.reason, ended }
                };
                report.left_behind = failure.left_behind;
                failure.output.take_into(target, &mut report);
            }
        }
        report.duration_ms = command::millis(start.elapsed());
        for text in [&mut report.error, &mut report.received].into_iter().flatten() {
            *text = kept::mask_text(text, target);
        }
        if let ClientEnd::Unsupported { reason } | ClientEnd::Broken { reason, .. } = &mut report.end {
            *reason = kept::mask_text(reason, target);
        }
        report
    }
}

/// Whether a version is the one that is wanted, or begins with it: `7` stands for `7.0.15` and `7+build`, not for `70` or
/// `7-rc1`.
fn is_version(wanted: &str, version: &str) -> bool {
    version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+', '/']))
}

/// What an answer amounts to. That the value came back is for the lab to see, not for the adapter.
fn judge(outcome: AdapterOutcome, value: &str, report: &mut ClientReport) {
    match outcome {
        AdapterOutcome::Worked { received } => {
            if received != value {
                report.end = ClientEnd::Failed { code: None };
                report.error = Some("GET returned another value than the one that was SET".into());
            }
            report.received = Some(received);
        }
        AdapterOutcome::Failed { received, error } => {
            report.end = ClientEnd::Failed { code: None };
            report.error = Some(one_line(&error));
            report.received = received;
        }
        AdapterOutcome::Unsupported { error } => {
            report.end = ClientEnd::Unsupported { reason: one_line(&error) };
        }
    }
}

/// Without line breaks and other control characters, and not endless.
fn one_line(text: &str) -> String {
    const MOST: usize = 2000;
    let cut = text.char_indices().nth(MOST).map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
    cut.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(outcome: AdapterOutcome) -> ClientReport {
        let mut report = ClientReport {
            end: ClientEnd::Worked,
            error: None,
            received: None,
            left_behind: Vec::new(),
            duration_ms: 0,
            memory: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_cut: 0,
        };
        judge(outcome, "right", &mut report);
        report
    }

    #[test]
    fn only_the_value_itself_counts_as_worked() {
        let worked = |received: &str| judged(AdapterOutcome::Worked { received: received.into() });
        assert_eq!(worked("right").end, ClientEnd::Worked);
        let other = worked("forged");
        assert_eq!(other.end, ClientEnd::Failed { code: None });
        assert_eq!(other.received.as_deref(), Some("forged"));
    }

    #[test]
    fn a_version_may_be_given_by_how_it_begins() {
        assert!(is_version("7", "7.0.15") && is_version("7.0.15", "7.0.15"));
        assert!(!is_version("7", "70.1") && !is_version("7.0.15", "7.0.1") && !is_version("7.0.15", "7"));
    }

    #[test]
    fn errors_become_one_line() {
        let failed = judged(AdapterOutcome::Failed { received: None, error: "a\n\x1b[31mb".into() });
        assert_eq!(failed.error.as_deref(), Some("a  [31mb"));
        let unsupported = judged(AdapterOutcome::Unsupported { error: "no switch".into() });
        assert_eq!(unsupported.end, ClientEnd::Unsupported { reason: "no switch".into() });
        assert_eq!(one_line(&"ä".repeat(5000)).chars().count(), 2000);
    }
}
