//! Links between servers: real processes on both ends, or a real one at the near end and an attacker at the
//! far one.

mod near;

use super::program::resolve;
use super::redis_server::{Config, Ports, RedisServer};
use super::terminator::Terminator;
use super::{LastHop, ServerError, ServerKind, ServerTls, program};
use std::path::Path;
use std::time::Duration;
use wirelab_model::{Canaries, ClientEnd, ClientReport, Link};

/// A link to set up.
pub struct LinkSetup<'a> {
    /// Which.
    pub link: Link,
    /// TLS on the link; none: plaintext.
    pub tls: Option<ServerTls<'a>>,
    /// TLS at the front of a terminator, and beside an open port.
    pub front: ServerTls<'a>,
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

    fn config(&self, ports: Option<u16>, log: &'static str) -> Config<'_> {
        let ports = match (ports, self.tls) {
            (None, _) => Ports::default(),
            (Some(port), None) => Ports { plain: Some(port), tls: None },
            (Some(port), Some(tls)) => Ports { plain: None, tls: Some((port, tls)) },
        };
        let links = self.tls;
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
            // Not to wait for more replicas, and as readable as the stream that follows.
            Link::Replication => vec!["repl-diskless-sync-delay 0".into(), "rdbcompression no".into()],
            Link::ClusterBus => {
                let [bus] = resolve([Some(0)])?;
                let server = RedisServer::start(
                    Config { lines: &self.cluster_lines(bus), ..self.config(Some(0), "far") },
                    self.launcher,
                )
                .await?;
                return Ok(FarEnd { port: port(&server), seen: bus, inner: Inner::Redis(Box::new(server)) });
            }
            Link::Terminator => {
                let hop = if self.tls.is_some() { LastHop::Socket } else { LastHop::Wire };
                let front = self.front;
                let server = Terminator::start(0, hop, password, front, self.folder, self.launcher).await?;
                let seen = if hop == LastHop::Wire { server.behind } else { server.port };
                return Ok(FarEnd { port: server.port, seen, inner: Inner::Terminator(Box::new(server)) });
            }
            Link::OpenPort => {
                // The same number either way: with `port 0` nobody listens there.
                let [plain] = resolve([Some(0)])?;
                let open = self.tls.is_none().then_some(plain);
                let ports = Ports { plain: open, tls: Some((0, self.front)) };
                let config = Config { ports, ..self.config(None, "far") };
                let server = RedisServer::start(config, self.launcher).await?;
                let port = server.tls();
                return Ok(FarEnd { port, seen: plain, inner: Inner::Redis(Box::new(server)) });
            }
            Link::Sentinel | Link::Migrate => Vec::new(),
        };
        let config = Config { lines: &lines, ..self.config(Some(0), "far") };
        let server = RedisServer::start(config, self.launcher).await?;
        if self.link == Link::Replication {
            let set = server.line().ask(&["SET", key, value]).await;
            program::io("cannot give the master its data", set)?;
        }
        let port = port(&server);
        Ok(FarEnd { port, seen: port, inner: Inner::Redis(Box::new(server)) })
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

/// The port of a server that has one, with TLS or without.
fn port(server: &RedisServer) -> u16 {
    if server.tls() != 0 { server.tls() } else { server.plain() }
}

impl FarEnd {
    /// Ends it.
    pub async fn stop(self, within: Duration) {
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
