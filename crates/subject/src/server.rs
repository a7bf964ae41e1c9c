//! The good server that a run needs: the embedded one, or a program of the machine.

mod garnet;
mod line;
mod links;
mod pair;
mod program;
mod redis_server;
mod terminator;

use garnet::Garnet;
pub use links::{FarEnd, LinkSetup, Linked};
pub use pair::Pair;
use redis_server::{Config, Ports, RedisServer};
use std::path::{Path, PathBuf};
use std::time::Duration;
use terminator::{LastHop, Terminator};
use thiserror::Error;
use wirelab_model::{Demand, PeerReport, Topology};
use wirelab_pki::{ClientTrust, Identity};
use wirelab_redis::{
    Accepts, Access, Address, Claims, Endpoint, EndpointError, Running, Session, Store, Tls,
    read_certificate, serve,
};

/// The host under which clients dial a good server.
const HOST: &str = "localhost";

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// The one inside wirelab.
    Embedded,
    /// `redis-server`, found through PATH.
    Redis,
    /// The program at this absolute path, which is set up as `redis-server` is: another version, or Valkey.
    Path(&'static str),
    /// `garnet-server`, found through PATH.
    Garnet,
    /// A `redis-server` that knows no TLS behind `stunnel`, which ends it; both found through PATH.
    Terminator,
}

impl ServerKind {
    /// Its name with its version.
    ///
    /// # Errors
    /// The program is not there.
    pub fn describe(self) -> Result<String, ServerError> {
        match self {
            Self::Embedded => Ok("embedded".into()),
            Self::Redis => redis_server::version(redis_server::NAME),
            Self::Path(path) => redis_server::version(redis_server::at(path)),
            Self::Garnet => garnet::version(),
            Self::Terminator => terminator::version(),
        }
    }

    /// Why it cannot be set up like this, if it cannot.
    pub async fn lacks(self, demand: Demand, launcher: &[String]) -> Option<String> {
        let why = match (self, demand) {
            (Self::Redis, Demand::Named) => {
                return redis_server::lacks_logins_by_certificate(redis_server::NAME, launcher).await;
            }
            (Self::Path(path), Demand::Named) => {
                return redis_server::lacks_logins_by_certificate(redis_server::at(path), launcher).await;
            }
            (Self::Garnet, Demand::Optional) => {
                "garnet-server has no such setting: it demands certificates, or looks at none"
            }
            (Self::Garnet, Demand::Named) => {
                "garnet-server has no such setting: whoever has shown a certificate still needs the password"
            }
            (Self::Terminator, Demand::Named) => {
                "the server behind a terminator never sees the certificate of the client"
            }
            _ => return None,
        };
        Some(why.to_owned())
    }
}

/// Why there is no good server. The fault is the machine's.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The program is not there.
    #[error("cannot run `{program}`: {reason}; {remedy}")]
    Missing {
        /// Which.
        program: &'static str,
        /// What the system says.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The embedded server has no listener.
    #[error("cannot start the embedded server: {0}")]
    Listen(EndpointError),
    /// A certificate cannot be used.
    #[error("cannot start the good server with TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// A program did not get ready.
    #[error("{program} did not answer PING: {reason}; its log is {}", log.display())]
    NotReady {
        /// Which.
        program: &'static str,
        /// What it says, or how long was waited.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
    /// A file or a connection of a program failed.
    #[error("{what}: {reason}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system says.
        reason: std::io::Error,
    },
}

/// TLS of a good server.
#[derive(Debug, Clone, Copy)]
pub struct ServerTls<'a> {
    /// What it shows.
    pub identity: &'a Identity,
    /// What it makes of the certificates of clients. None: it asks for none.
    pub clients: Option<ClientCertificates<'a>>,
    /// It gives tickets to resume sessions with. `redis-server` always does.
    pub tickets: bool,
    /// It speaks TLS 1.2 alone.
    pub old: bool,
}

impl<'a> ServerTls<'a> {
    /// TLS 1.2 and 1.3, without tickets, for clients without a certificate.
    pub fn new(identity: &'a Identity) -> Self {
        Self { identity, clients: None, tickets: false, old: false }
    }

    fn accepts(self) -> Result<Accepts, rustls::Error> {
        let tls = match self {
            Self { clients: None, old: false, .. } => Tls::new(self.identity)?,
            Self { clients: None, old: true, .. } => Tls::tls12(self.identity)?,
            Self { clients: Some(clients), old: false, .. } => {
                Tls::mutual(self.identity, clients.trust, clients.demand)?
            }
            Self { clients: Some(clients), old: true, .. } => {
                Tls::mutual_tls12(self.identity, clients.trust, clients.demand)?
            }
        };
        // As many as OpenSSL gives.
        Ok(Accepts::Tls(if self.tickets { tls.with_tickets(2)? } else { tls }))
    }
}

/// Mutual TLS of a good server.
#[derive(Debug, Clone, Copy)]
pub struct ClientCertificates<'a> {
    /// Who signs those of clients, and which were revoked.
    pub trust: &'a ClientTrust,
    /// A good one, for the lab's own questions to the server.
    pub good: &'a Identity,
    /// Whether clients must show one.
    pub demand: Demand,
}

impl ClientCertificates<'_> {
    /// Whom the good one names.
    fn subject(self) -> String {
        let first = self.good.chain.first();
        first.and_then(|first| read_certificate(first)).map(|seen| seen.subject).unwrap_or_default()
    }
}

/// A good server at work. Dropping it ends it.
pub struct Server {
    port: u16,
    inner: Inner,
}

enum Inner {
    Embedded { running: Box<Running>, store: Store },
    Redis(Box<RedisServer>),
    Garnet(Box<Garnet>),
    Terminator(Box<Terminator>),
}

impl Server {
    /// Starts a server on 127.0.0.1 for the user `default` with this password, empty where it has none: TLS only where
    /// there is an identity, plaintext only where there is none, and both where a Sentinel is asked without TLS. Port 0
    /// takes any free one. As a cluster or behind a
    /// Sentinel it is always the embedded one, which is its own only node, or its own Sentinel. Without TLS
    /// there is nothing for a terminator to do: then its `redis-server` stands alone.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(
        kind: ServerKind,
        topology: Topology,
        port: u16,
        password: &str,
        tls: Option<ServerTls<'_>>,
        folder: &Path,
        launcher: &[String],
    ) -> Result<Self, ServerError> {
        match (kind, tls) {
            _ if topology != Topology::Standalone => {}
            (ServerKind::Embedded, _) => {}
            (ServerKind::Garnet, tls) => {
                let server = Garnet::start(port, password, tls, folder, launcher).await?;
                return Ok(Self { port: server.port, inner: Inner::Garnet(Box::new(server)) });
            }
            (ServerKind::Terminator, Some(tls)) => {
                let hop = LastHop::Socket;
                let server = Terminator::start(port, hop, password, tls, folder, launcher).await?;
                return Ok(Self { port: server.port, inner: Inner::Terminator(Box::new(server)) });
            }
            (ServerKind::Redis | ServerKind::Path(_) | ServerKind::Terminator, tls) => {
                let ports = match tls {
                    None => Ports { plain: Some(port), tls: None },
                    Some(tls) => Ports { plain: None, tls: Some((port, tls)) },
                };
                let program = match kind {
                    ServerKind::Path(path) => redis_server::at(path),
                    _ => redis_server::NAME,
                };
                let config = Config { program, ports, password, log_folder: folder, ..Config::default() };
                let server = RedisServer::start(config, launcher).await?;
                let port = if tls.is_some() { server.tls() } else { server.plain() };
                return Ok(Self { port, inner: Inner::Redis(Box::new(server)) });
            }
        }
        let accepts = match tls {
            None => Accepts::Plaintext,
            Some(tls) => match tls.accepts()? {
                // Whoever does more there than ask is overheard.
                Accepts::Tls(tls) if !topology.asks_over_tls() => Accepts::Both(tls),
                accepts => accepts,
            },
        };
        let store = Store::default();
        let named = tls.and_then(|tls| tls.clients).filter(|clients| clients.demand == Demand::Named);
        let access = match named {
            Some(clients) => Access::Certificate(clients.subject()),
            None if password.is_empty() => Access::Open,
            None => Access::Password(password.to_owned()),
        };
        let shared = store.clone();
        let endpoint = Endpoint::bind(port).await.map_err(ServerError::Listen)?;
        let itself = Address { host: HOST.to_owned(), port: endpoint.port() };
        let claims = Claims::honest(topology.role(), itself);
        let running = endpoint.serve(accepts, move |stream, recorder| {
            let shown = recorder.client_identity();
            let session = Session::new(access.clone(), shared.clone()).shown(shown.as_ref());
            serve(stream, session.claiming(claims.clone()), recorder)
        });
        let (port, running) = (running.port(), Box::new(running));
        Ok(Self { port, inner: Inner::Embedded { running, store } })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether a key, or a field of the hash under it, has this value; asked without a packet on the
    /// loopback interface.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn holds(&self, key: &str, value: &str) -> Result<bool, ServerError> {
        let line = match &self.inner {
            Inner::Embedded { store, .. } => return Ok(store.holds(key.as_bytes(), value.as_bytes())),
            Inner::Redis(server) => server.line(),
            Inner::Garnet(server) => &server.program.line,
            Inner::Terminator(server) => server.server.line(),
        };
        program::io("cannot ask the good server for the value", line.holds(key, value).await)
    }

    /// Ends it. The embedded server reports its connections.
    pub async fn stop(self, within: Duration) -> Option<PeerReport> {
        match self.inner {
            Inner::Embedded { running, .. } => Some(running.stop(within).await),
            Inner::Redis(server) => {
                server.stop(within).await;
                None
            }
            Inner::Garnet(server) => {
                server.program.stop(within).await;
                None
            }
            Inner::Terminator(server) => {
                server.stop(within).await;
                None
            }
        }
    }
}
