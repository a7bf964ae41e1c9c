//! Links between servers: real processes on both ends, or a real one at the near end and an attacker at the
//! far one.

mod near;
mod thief;

use super::program::resolve;
use super::redis_server::{Config, Ports, RedisServer};
use super::terminator::Terminator;
use super::{LastHop, ServerError, ServerKind, ServerTls, program};
use std::path::Path;
use std::time::Duration;
use wirelab_model::{Canaries, ClientEnd, ClientReport, Link};

/// The ends by the names of their logs.
const FAR: &str = "far";
const NEAR: &str = "near";

/// A link to set up.
pub struct LinkSetup<'a> {
    /// Which.
    pub link: Link,
    /// TLS on the link; none: plaintext.
    pub tls: Option<ServerTls<'a>>,
    /// TLS at the front of a terminator, beside an open port, and for who logs in as an ACL user.
    pub front: ServerTls<'a>,
    /// The end without TLS is left without, where the link is one of those with TLS at one end only.
    pub one_sided: bool,
    /// The secrets of the trial.
    pub canaries: &'a Canaries,
    /// Where the logs go.
    pub folder: &'a Path,
    /// What starts the supervisor.
    pub launcher: &'a [String],
    /// How long the link may take to work.
    pub deadline: Duration,
}

/// The good far end of a link.
pub struct FarEnd {
    /// Port of the far end on 127.0.0.1: what the near end is pointed at.
    pub port: u16,
    /// Port on which the link itself is seen on the wire.
    pub seen: u16,
    /// The master that is to hand over to this one.
    old_master: Option<Box<RedisServer>>,
    inner: Inner,
}

enum Inner {
    Redis(Box<RedisServer>),
    Terminator(Box<Terminator>),
}

/// What became of a link.
pub struct Linked {
    /// The near end, as if it were a client.
    pub near: ClientReport,
    /// Port of the near end that is part of the link, where it has one.
    pub near_port: Option<u16>,
    /// Whether what went over the link arrived. None where an attacker is at the far end.
    pub arrived: Option<bool>,
}

impl Linked {
    /// The near end could not be run at all, or does not say what became of the link.
    pub fn not_started(reason: String) -> Self {
        let end = ClientEnd::NotStarted { reason };
        Self { near: near::report(end, None, None, Duration::ZERO), near_port: None, arrived: None }
    }
}

impl LinkSetup<'_> {
    /// The program that is under test: its name with its version.
    ///
    /// # Errors
    /// It is not there.
    pub fn program(link: Link) -> Result<String, ServerError> {
        let kind = if link == Link::Terminator { ServerKind::Terminator } else { ServerKind::Redis };
        kind.describe()
    }

    /// TLS at the far end.
    fn far_tls(&self) -> Option<ServerTls<'_>> {
        self.tls.filter(|_| !(self.one_sided && self.link == Link::TlsAtReplicaOnly))
    }

    /// `tls-replication` and `tls-cluster` of the near end.
    fn near_tls(&self) -> &'static str {
        let without = self.one_sided && self.link == Link::TlsAtMasterOnly;
        if self.tls.is_some() && !without { "yes" } else { "no" }
    }

    /// Of the end that this log is of.
    fn config(&self, ports: Option<u16>, log: &'static str) -> Config<'_> {
        let tls = if log == FAR { self.far_tls() } else { self.tls };
        let ports = match (ports, tls) {
            (None, _) => Ports::default(),
            (Some(port), None) => Ports { plain: Some(port), tls: None },
            (Some(port), Some(tls)) => Ports { plain: None, tls: Some((port, tls)) },
        };
        let links = tls;
        let password = &self.canaries.password;
        Config { ports, links, password, log_folder: self.folder, log, ..Config::default() }
    }

    /// Starts the good far end.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn far(&self) -> Result<FarEnd, ServerError> {
        let Canaries { password, key, value, .. } = self.canaries;
        let lines = match self.link {
            Link::Replication | Link::TlsAtMasterOnly | Link::TlsAtReplicaOnly | Link::ReplicaOf => {
                replication_lines()
            }
            Link::Failover => return self.to_hand_over().await,
            Link::AclUser => return self.with_users().await,
            Link::ClusterBus => {
                let [bus] = resolve([Some(0)])?;
                let server = RedisServer::start(
                    Config { lines: &self.cluster_lines(bus), ..self.config(Some(0), FAR) },
                    self.launcher,
                )
                .await?;
                return Ok(FarEnd::of(server, bus));
            }
            Link::Terminator => {
                let hop = if self.tls.is_some() { LastHop::Socket } else { LastHop::Wire };
                let front = self.front;
                let server = Terminator::start(0, hop, password, front, self.folder, self.launcher).await?;
                let seen = if hop == LastHop::Wire { server.behind } else { server.port };
                let (port, inner) = (server.port, Inner::Terminator(Box::new(server)));
                return Ok(FarEnd { port, seen, old_master: None, inner });
            }
            Link::OpenPort => {
                // The same number either way: with `port 0` nobody listens there.
                let [plain] = resolve([Some(0)])?;
                let open = self.tls.is_none().then_some(plain);
                let ports = Ports { plain: open, tls: Some((0, self.front)) };
                let config = Config { ports, ..self.config(None, FAR) };
                let server = RedisServer::start(config, self.launcher).await?;
                return Ok(FarEnd::of(server, plain));
            }
            Link::Sentinel | Link::Migrate => Vec::new(),
        };
        let config = Config { lines: &lines, ..self.config(Some(0), FAR) };
        let server = RedisServer::start(config, self.launcher).await?;
        if !lines.is_empty() {
            let set = server.line().ask(&["SET", key, value]).await;
            program::io("cannot give the master its data", set)?;
        }
        let seen = port(&server);
        Ok(FarEnd::of(server, seen))
    }

    /// A master with a replica, which is the far end: the master will log in there.
    async fn to_hand_over(&self) -> Result<FarEnd, ServerError> {
        let Canaries { password, key, .. } = self.canaries;
        let mut lines = replication_lines();
        lines.push(format!("tls-replication {}", self.near_tls()));
        lines.push(format!("masterauth {password}"));
        let config = Config { lines: &lines, ..self.config(Some(0), NEAR) };
        let master = RedisServer::start(config, self.launcher).await?;
        // What it has at the end is what comes over the link.
        let set = master.line().ask(&["SET", key, "nothing yet"]).await;
        program::io("cannot give the master its data", set)?;
        lines.push(format!("replicaof 127.0.0.1 {}", port(&master)));
        let config = Config { lines: &lines, ..self.config(Some(0), FAR) };
        let replica = RedisServer::start(config, self.launcher).await?;
        let begun = tokio::time::Instant::now();
        while near::replicated(&replica, key).await?.is_none() && begun.elapsed() < self.deadline {
            tokio::time::sleep(near::AGAIN).await;
        }
        let seen = port(&replica);
        Ok(FarEnd { old_master: Some(Box::new(master)), ..FarEnd::of(replica, seen) })
    }

    fn cluster_lines(&self, bus: u16) -> Vec<String> {
        let tls = if self.tls.is_some() { "yes" } else { "no" };
        // A node takes 2 s to find out that nobody else is there.
        vec![
            "cluster-enabled yes".into(),
            format!("cluster-port {bus}"),
            format!("tls-cluster {tls}"),
            "cluster-require-full-coverage no".into(),
        ]
    }
}

/// Lines of a master and of replicas that are to get its data soon.
fn replication_lines() -> Vec<String> {
    // Not to wait for more replicas, and as readable as the stream that follows.
    vec!["repl-diskless-sync-delay 0".into(), "rdbcompression no".into()]
}

/// The port of a server that has one, with TLS or without.
fn port(server: &RedisServer) -> u16 {
    if server.tls() != 0 { server.tls() } else { server.plain() }
}

impl FarEnd {
    fn of(server: RedisServer, seen: u16) -> Self {
        Self { port: port(&server), seen, old_master: None, inner: Inner::Redis(Box::new(server)) }
    }

    /// Ends it.
    pub async fn stop(self, within: Duration) {
        if let Some(old) = self.old_master {
            old.stop(within).await;
        }
        match self.inner {
            Inner::Redis(server) => server.stop(within).await,
            Inner::Terminator(server) => server.stop(within).await,
        }
    }

    fn server(&self) -> &RedisServer {
        match &self.inner {
            Inner::Redis(server) => server,
            Inner::Terminator(server) => &server.server,
        }
    }

    /// Whether the server at the far end has the value.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn holds(&self, key: &str, value: &str) -> Result<bool, ServerError> {
        let held = self.server().line().holds(key, value).await;
        program::io("cannot ask the far end for the value", held)
    }
}
