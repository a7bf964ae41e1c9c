//! The near end of a link: what calls the other one.

use super::{FarEnd, LinkSetup, Linked, NEAR, port};
use crate::server::ServerError;
use crate::server::line::{Line, Place, connector};
use crate::server::program::{io, resolve};
use crate::server::redis_server::{Config, RedisServer};
use std::path::Path;
use std::time::{Duration, Instant};
use wirelab_model::{Canaries, ClientEnd, ClientReport, Link};
use wirelab_wire::resp::Value;

/// How often the near end is asked what became of the link: nothing tells but asking it.
pub(super) const AGAIN: Duration = Duration::from_millis(20);
/// What a server gets to end.
const ENDING: Duration = Duration::from_secs(2);
/// What redis-server writes into its log where a link fails for good.
const FAILURES: [&str; 6] = [
    "Error condition on socket",
    "Unable to AUTH to MASTER",
    "Unable to connect to MASTER",
    "I/O error reading bulk count from MASTER",
    "Master did not respond to command during SYNC handshake",
    "Timeout connecting to the MASTER",
];
/// Name under which Sentinel watches the master.
const WATCHED: &str = "wirelab";

impl LinkSetup<'_> {
    /// Has a real server lead the link to `port`, where the far end or an attacker is. Not for links that
    /// clients make: a terminator's, or to an open port.
    ///
    /// # Errors
    /// The near end does not start, or does not answer.
    pub async fn near(&self, to: u16, far: Option<&FarEnd>) -> Result<Linked, ServerError> {
        let begun = Instant::now();
        let secrets = self.canaries;
        if self.link == Link::Failover {
            let Outcome { end, error, received } = self.failed_over(far).await?;
            let arrived = Some(end == ClientEnd::Worked);
            return Ok(Linked {
                near: report(end, error, received, begun.elapsed()),
                near_port: None,
                arrived,
            });
        }
        let tls = self.near_tls();
        let mut lines = vec![format!("tls-replication {tls}")];
        let mut listens = None;
        let mut sentinel = false;
        match self.link {
            Link::Replication => {
                lines.push(format!("replicaof 127.0.0.1 {to}"));
                lines.push(format!("masterauth {}", secrets.password));
            }
            Link::TlsAtMasterOnly | Link::TlsAtReplicaOnly => {
                // It is a server for clients, too: that port has TLS, where anything has.
                listens = Some(0);
                lines.push(format!("replicaof 127.0.0.1 {to}"));
                lines.push(format!("masterauth {}", secrets.password));
                // Who waits for the other end's part of a handshake waits for a minute otherwise.
                lines.push("repl-timeout 1".into());
            }
            Link::ReplicaOf => listens = Some(0),
            Link::Sentinel => {
                sentinel = true;
                lines.push(format!("sentinel monitor {WATCHED} 127.0.0.1 {to} 1"));
                lines.push(format!("sentinel auth-pass {WATCHED} {}", secrets.password));
            }
            Link::ClusterBus => {
                listens = Some(0);
                let [bus] = resolve([Some(0)])?;
                lines = self.cluster_lines(bus);
            }
            Link::Migrate => lines.push(format!("tls-cluster {tls}")),
            Link::Failover | Link::Terminator | Link::OpenPort | Link::AclUser => {}
        }
        let config = Config { lines: &lines, sentinel, ..self.config(listens, NEAR) };
        let server = RedisServer::start(config, self.launcher).await?;
        let log = self.folder.join("near.log");
        let result = match self.link {
            Link::ReplicaOf => match self.made_replica(&server, to).await? {
                Some(failed) => Ok(failed),
                None => self.until(&server, &secrets.key, &log).await,
            },
            Link::Replication | Link::TlsAtMasterOnly | Link::TlsAtReplicaOnly | Link::Sentinel => {
                // An attacker's data set has a key of its own.
                let key = if far.is_some() { &secrets.key } else { &secrets.forged };
                self.until(&server, key, &log).await
            }
            Link::ClusterBus => self.published(&server, to, far).await,
            Link::Migrate => self.migrated(&server, to).await,
            Link::Failover | Link::Terminator | Link::OpenPort | Link::AclUser => {
                Ok(Outcome::failed("no server leads this link"))
            }
        };
        let near_port = listens.map(|_| port(&server));
        server.stop(ENDING).await;
        let Outcome { end, error, received } = result?;
        let worked = end == ClientEnd::Worked;
        let arrived = match (self.link, far) {
            (_, None) => None,
            (Link::Migrate, Some(far)) => Some(far.holds(&secrets.key, &secrets.value).await?),
            _ => Some(worked),
        };
        let near = report(end, error, received, begun.elapsed());
        Ok(Linked { near, near_port, arrived })
    }

    /// Whether the Sentinel had an answer to INFO, which needs the password.
    async fn watched(&self, sentinel: &RedisServer) -> Result<bool, ServerError> {
        let master = sentinel.line().ask(&["SENTINEL", "MASTER", WATCHED]).await;
        let Value::Array(Some(fields)) = io("cannot ask the Sentinel", master)? else { return Ok(false) };
        let text = |value: &Value| match value {
            Value::Bulk(Some(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let age = fields.chunks_exact(2).find_map(|pair| {
            let [field, value] = pair else { return None };
            (text(field) == "info-refresh").then(|| text(value).parse::<u64>().ok()).flatten()
        });
        // Milliseconds; before the first answer it counts from 1970.
        Ok(age.is_some_and(|age| age < 3_600_000))
    }

    /// Brings both nodes together, and publishes a message on this one until the other one has it.
    async fn published(
        &self,
        node: &RedisServer,
        to: u16,
        far: Option<&FarEnd>,
    ) -> Result<Outcome, ServerError> {
        let Some(far) = far else { return Ok(Outcome::failed("the other node is not one of the lab's")) };
        let what = "cannot ask a node of the cluster";
        let (to, bus) = (to.to_string(), far.seen.to_string());
        let met = io(what, node.line().ask(&["CLUSTER", "MEET", "127.0.0.1", &to, &bus]).await)?;
        if met.is_error() {
            return Ok(Outcome::failed(&format!("CLUSTER MEET: {}", error_text(&met))));
        }
        let (channel, message) = (&self.canaries.key, &self.canaries.value);
        let mut subscriber = io(what, far.server().line().subscribe(channel).await)?;
        let begun = Instant::now();
        while begun.elapsed() < self.deadline {
            io(what, node.line().ask(&["PUBLISH", channel, message]).await)?;
            if let Some(received) = io(what, subscriber.message(AGAIN).await)? {
                return Ok(Outcome { end: ClientEnd::Worked, error: None, received: Some(received) });
            }
        }
        Ok(self.too_late())
    }

    async fn migrated(&self, from: &RedisServer, to: u16) -> Result<Outcome, ServerError> {
        let what = "cannot ask the server that is to send the key";
        let secrets = self.canaries;
        let (key, password, to) = (&secrets.key, &secrets.password, to.to_string());
        io(what, from.line().ask(&["SET", key, &secrets.value]).await)?;
        let migrate = ["MIGRATE", "127.0.0.1", &to, key, "0", "4000", "AUTH", password];
        let answer = io(what, from.line().ask(&migrate).await)?;
        if answer.is_error() {
            return Ok(Outcome::failed(&format!("MIGRATE: {}", error_text(&answer))));
        }
        Ok(Outcome { end: ClientEnd::Worked, error: None, received: None })
    }

    /// What an operator says to a server, over its port for clients. None where it obeys.
    async fn made_replica(&self, server: &RedisServer, to: u16) -> Result<Option<Outcome>, ServerError> {
        let tls = self.tls.as_ref().map(connector).transpose()?;
        let password = self.canaries.password.clone();
        let operator = Line { place: Place::Port(port(server)), user: None, password, tls };
        let to = to.to_string();
        let commands: [&[&str]; 2] =
            [&["CONFIG", "SET", "masterauth", &self.canaries.password], &["REPLICAOF", "127.0.0.1", &to]];
        for command in commands {
            let answer = io("cannot tell a server to be a replica", operator.ask(command).await)?;
            if answer.is_error() {
                return Ok(Some(Outcome::failed(&error_text(&answer))));
            }
        }
        Ok(None)
    }

    /// Has the master hand over to its replica, and waits until it has what is then written there.
    async fn failed_over(&self, far: Option<&FarEnd>) -> Result<Outcome, ServerError> {
        let Some((far, old)) = far.and_then(|far| Some((far, far.old_master.as_ref()?))) else {
            return Ok(Outcome::failed("there is no master to hand over"));
        };
        let Canaries { key, value, .. } = self.canaries;
        let to = far.port.to_string();
        let (mut told, mut written, mut last) = (false, false, None);
        let begun = Instant::now();
        while begun.elapsed() < self.deadline {
            // It is declined until the replica is known to be there.
            let next = if told {
                far.server().line().ask(&["SET", key, value]).await
            } else {
                old.line().ask(&["FAILOVER", "TO", "127.0.0.1", &to]).await
            };
            let answer = io("cannot have a master hand over", next)?;
            if answer.is_error() {
                last = Some(error_text(&answer));
            } else if told {
                written = true;
            } else {
                told = true;
            }
            let held = replicated(old, key).await?;
            if written && held.as_ref() == Some(value) {
                return Ok(Outcome { end: ClientEnd::Worked, error: None, received: held });
            }
            tokio::time::sleep(AGAIN).await;
        }
        Ok(Outcome { error: last, ..self.too_late() })
    }

    /// Asks until the link works, the log says that it failed, or the time is up.
    async fn until(&self, server: &RedisServer, key: &str, log: &Path) -> Result<Outcome, ServerError> {
        let begun = Instant::now();
        while begun.elapsed() < self.deadline {
            let (worked, received) = if self.link == Link::Sentinel {
                (self.watched(server).await?, None)
            } else {
                let received = replicated(server, key).await?;
                (received.is_some(), received)
            };
            if worked {
                return Ok(Outcome { end: ClientEnd::Worked, error: None, received });
            }
            let said = std::fs::read_to_string(log).unwrap_or_default();
            let failure = said.lines().find(|line| FAILURES.iter().any(|failure| line.contains(failure)));
            if let Some(line) = failure {
                return Ok(Outcome::failed(line));
            }
            tokio::time::sleep(AGAIN).await;
        }
        Ok(self.too_late())
    }

    fn too_late(&self) -> Outcome {
        let after_ms = crate::command::millis(self.deadline);
        Outcome { end: ClientEnd::TimedOut { after_ms }, error: None, received: None }
    }
}

/// The value that a replica has under the key, whatever it is.
pub(super) async fn replicated(replica: &RedisServer, key: &str) -> Result<Option<String>, ServerError> {
    let held = io("cannot ask the replica", replica.line().ask(&["GET", key]).await)?;
    Ok(match held {
        Value::Bulk(Some(value)) => Some(String::from_utf8_lossy(&value).into_owned()),
        _ => None,
    })
}

pub(super) fn error_text(value: &Value) -> String {
    match value {
        Value::Error(text) | Value::BulkError(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// The near end, as if it were a client.
pub(super) fn report(
    end: ClientEnd,
    error: Option<String>,
    received: Option<String>,
    took: Duration,
) -> ClientReport {
    ClientReport {
        end,
        error,
        received,
        left_behind: Vec::new(),
        duration_ms: crate::command::millis(took),
        memory: None,
        stdout: Vec::new(),
        stderr: Vec::new(),
        output_cut: 0,
    }
}

/// What became of a link, as its near end says.
struct Outcome {
    end: ClientEnd,
    error: Option<String>,
    received: Option<String>,
}

impl Outcome {
    fn failed(why: &str) -> Self {
        Self { end: ClientEnd::Failed { code: None }, error: Some(why.to_owned()), received: None }
    }
}
