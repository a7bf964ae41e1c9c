use super::kept::Kept;
use crate::memory::Gauge;
use crate::target::USERNAME;
use crate::{Cut, Target, processes};
use serde::de::DeserializeOwned;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wirelab_model::{
    AdapterAnswer, AdapterCase, AdapterClient, AdapterOutcome, AdapterTopology, ClientReport, Topology,
    Transport,
};
use wirelab_redis::SERVICE;

/// Longest line of an adapter, in bytes.
const LINE_LIMIT: u64 = 1 << 20;
/// What is quoted of a line that makes no sense, in characters.
const QUOTED: usize = 200;
/// What the supervisor may take to end everything.
const ENDING: Duration = Duration::from_secs(5);
/// What standard error may take to end after that.
const DRAINING: Duration = Duration::from_millis(500);
/// Name of the variable by which the processes of one adapter can be told from all others.
const MARK: &str = "WIRELAB_ADAPTER";

/// A running adapter. Dropping it closes its standard input, and the supervisor then ends it.
#[derive(Debug)]
pub(super) struct Process {
    supervisor: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<()>,
    kept: Kept,
    mark: String,
}

/// What is wrong with an adapter.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It says nothing for so long.
    Silent { within: Duration },
    /// It ended.
    Ended,
    /// It says something else, in words.
    Said(String),
}

/// An adapter that was ended because something was wrong.
pub(super) struct Failure {
    /// What, for people.
    pub(super) reason: String,
    /// Processes that were beyond the supervisor's reach, and were killed: `pid name`.
    pub(super) left_behind: Vec<String>,
    /// What it wrote.
    pub(super) output: Kept,
}

impl Process {
    /// Starts it under a supervisor.
    pub(super) fn start(argv: &[String], folder: &Path, launcher: &[String]) -> Result<Self, String> {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", std::process::id());
        let (program, arguments) = launcher.split_first().ok_or("no launcher was given")?;
        let mut supervisor = Command::new(program)
            .args(arguments)
            .args(["--adapter", "--"])
            .args(argv)
            .current_dir(folder)
            .env(MARK, &mark)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!("cannot start the supervisor {program} in {}: {error}", folder.display())
            })?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (supervisor.stdin.take(), supervisor.stdout.take(), supervisor.stderr.take())
        else {
            return Err("the supervisor has no standard streams".into());
        };
        let kept = Kept::default();
        let stderr = kept.copy_stderr(stderr);
        let stdout = BufReader::new(stdout);
        Ok(Self { supervisor, stdin, stdout, stderr, kept, mark: format!("{MARK}={mark}") })
    }

    /// Begins to measure what memory it takes.
    pub(super) fn gauge(&self) -> Gauge {
        Gauge::start(&self.mark)
    }

    /// The next line, within this time.
    pub(super) async fn receive<T: DeserializeOwned>(&mut self, within: Duration) -> Result<T, Wrong> {
        let line = timeout(within, self.line()).await.map_err(|_| Wrong::Silent { within })??;
        parse(&line)
    }

    async fn line(&mut self) -> Result<Vec<u8>, Wrong> {
        let mut line = Vec::new();
        let read = (&mut self.stdout).take(LINE_LIMIT).read_until(b'\n', &mut line).await;
        self.kept.add_stdout(&line);
        match read {
            Ok(_) if line.ends_with(b"\n") => Ok(line),
            Ok(_) if line.len() as u64 == LINE_LIMIT => {
                Err(Wrong::Said(format!("it says a line of more than {LINE_LIMIT} bytes")))
            }
            Ok(_) | Err(_) => Err(Wrong::Ended),
        }
    }

    /// Sends a case and waits for its answer.
    pub(super) async fn ask(
        &mut self,
        id: u64,
        target: &Target,
        within: Duration,
    ) -> Result<AdapterOutcome, Wrong> {
        let mut case = serde_json::to_vec(&case(id, target))
            .map_err(|error| Wrong::Said(format!("the case cannot be written: {error}")))?;
        case.push(b'\n');
        let talk = async {
            // One that is gone cannot be written to; what it said before is still there to be read.
            drop(self.stdin.write_all(&case).await);
            self.line().await
        };
        let line = timeout(within, talk).await.map_err(|_| Wrong::Silent { within })??;
        let answer: AdapterAnswer = parse(&line)?;
        if answer.id != id {
            let said = format!("it answers case {} where case {id} was asked", answer.id);
            return Err(Wrong::Said(said));
        }
        Ok(answer.outcome)
    }

    /// Moves what was written since the case before into a report.
    pub(super) fn take_output(&self, target: &Target, report: &mut ClientReport) {
        self.kept.take_into(target, report);
    }

    /// Ends it, and waits until it is gone.
    pub(super) async fn end(self) {
        drop(self.fail(Wrong::Ended).await);
    }

    /// Ends it, waits until it is gone, and says what was wrong.
    pub(super) async fn fail(self, wrong: Wrong) -> Failure {
        let Self { mut supervisor, stdin, stdout, stderr, kept, mark } = self;
        // The supervisor sees it, and ends the adapter with all that it started.
        drop((stdin, stdout));
        let status = timeout(ENDING, supervisor.wait()).await;
        let mut left_behind = Vec::new();
        let code = match status {
            Ok(Ok(status)) if status.code().is_some() => status.code(),
            // Somebody killed the supervisor, and nobody but the lab can end the adapter now.
            _ => {
                left_behind = processes::with_environment(&mark);
                None
            }
        };
        left_behind.iter().for_each(processes::Process::kill);
        drop(timeout(DRAINING, stderr).await);
        let mut reason = match wrong {
            Wrong::Silent { within } => format!("it said nothing for {} s", within.as_secs_f64()),
            Wrong::Said(what) => what,
            Wrong::Ended => match code {
                Some(127) => "it could not be started".into(),
                Some(code) if code > 128 => format!("signal {} ended it", code - 128),
                Some(code) => format!("it ended with exit code {code}"),
                None => "its supervisor was killed".into(),
            },
        };
        if let Some(line) = kept.last_line() {
            reason += &format!(" ({line})");
        }
        let left_behind = left_behind.iter().map(processes::Process::describe).collect();
        Failure { reason, left_behind, output: kept }
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(line).map_err(|error| {
        let text = String::from_utf8_lossy(line);
        let start: String =
            text.trim().chars().take(QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect();
        Wrong::Said(format!("it says `{start}`, which is not what the protocol asks for: {error}"))
    })
}

/// What an adapter is asked. It gets a certificate of its own only where the server demands one: what it does with
/// one that nobody asks for is not to blur the other arms.
fn case(id: u64, target: &Target) -> AdapterCase {
    let files = &target.files;
    let own = |path: &Path| target.transport.is_mutual().then(|| path.display().to_string());
    AdapterCase {
        id,
        host: target.host.clone(),
        port: target.port,
        tls: target.transport.is_tls(),
        verify: target.transport != Transport::TlsUnverified,
        ca: files.ca.display().to_string(),
        client_cert: own(&files.client_cert),
        client_key: own(&files.client_key),
        client_pfx: own(&files.client_pfx),
        username: USERNAME.into(),
        password: target.canaries.password.clone(),
        key: target.canaries.key.clone(),
        value: target.canaries.value.clone(),
        url: target.url(),
        stackexchange: target.stackexchange(),
        topology: match target.topology {
            Topology::Standalone => AdapterTopology::Standalone,
            Topology::Cluster => AdapterTopology::Cluster,
            Topology::Sentinel => AdapterTopology::Sentinel,
            Topology::ClearSentinel => AdapterTopology::ClearSentinel,
        },
        service: SERVICE.into(),
        client: match target.cut {
            Cut::Never | Cut::During => AdapterClient::New,
            Cut::After => AdapterClient::Keep,
            Cut::Before => AdapterClient::Kept,
        },
        deadline_ms: crate::command::millis(target.deadline),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_says_all_that_the_protocol_promises() {
        let target = |transport| crate::target::tests::target(transport, 6390, Path::new("/run"));
        let unverified = target(Transport::TlsUnverified);
        let expected = json!({
            "id": 7, "host": "localhost", "port": 6390, "tls": true, "verify": false, "ca": "/run/ca.crt",
            "client_cert": null, "client_key": null, "client_pfx": null, "username": "default",
            "password": unverified.canaries.password, "key": unverified.canaries.key,
            "value": unverified.canaries.value, "url": unverified.url(),
            "stackexchange": unverified.stackexchange(), "topology": "standalone", "service": "wirelab",
            "client": "new", "deadline_ms": 10000,
        });
        assert_eq!(serde_json::to_value(case(7, &unverified)).ok(), Some(expected));
        let verified = case(1, &target(Transport::Tls));
        assert_eq!((verified.tls, verified.verify), (true, true));
        assert!(!case(1, &target(Transport::Plaintext)).tls);
        let mutual = case(1, &target(Transport::Mtls));
        let own = [mutual.client_cert, mutual.client_key, mutual.client_pfx].map(Option::unwrap_or_default);
        assert_eq!(own, ["/run/client.crt", "/run/client.key", "/run/client.pfx"]);
    }

    #[test]
    fn a_case_says_whether_its_client_is_kept() {
        for (cut, said) in [
            (Cut::During, AdapterClient::New),
            (Cut::After, AdapterClient::Keep),
            (Cut::Before, AdapterClient::Kept),
        ] {
            let target = Target { cut, ..crate::target::tests::target(Transport::Tls, 1, Path::new("/run")) };
            assert_eq!(case(1, &target).client, said);
        }
    }

    #[test]
    fn a_case_says_what_is_behind_host_and_port() {
        for (topology, said) in [
            (Topology::Cluster, AdapterTopology::Cluster),
            (Topology::Sentinel, AdapterTopology::Sentinel),
            (Topology::ClearSentinel, AdapterTopology::ClearSentinel),
        ] {
            let target =
                Target { topology, ..crate::target::tests::target(Transport::Tls, 1, Path::new("/run")) };
            assert_eq!(case(1, &target).topology, said);
        }
    }
}
