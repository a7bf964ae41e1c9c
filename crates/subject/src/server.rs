//! The good server that a run needs: the embedded one, or the `redis-server` of the machine.

mod pair;
mod redis_server;

pub use pair::Pair;
use redis_server::{Ports, RedisServer};
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use wirelab_model::{PeerReport, Topology};
use wirelab_pki::Identity;
use wirelab_redis::{
    Accepts, Access, Address, Claims, Endpoint, EndpointError, Running, Session, Store, Tls, serve,
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
}

impl ServerKind {
    /// Its name with its version.
    ///
    /// # Errors
    /// The program is not there.
    pub fn describe(self) -> Result<String, ServerError> {
        match self {
            Self::Embedded => Ok("embedded".into()),
            Self::Redis => redis_server::version(),
        }
    }
}

/// Why there is no good server. The fault is the machine's.
#[derive(Debug, Error)]
pub enum ServerError {
    /// No `redis-server`.
    #[error(
        "cannot run `redis-server`: {0}; install it (`apt-get install redis-server`) or use --server embedded"
    )]
    Missing(String),
    /// The embedded server has no listener.
    #[error("cannot start the embedded server: {0}")]
    Listen(#[from] EndpointError),
    /// The embedded server's certificate cannot be used.
    #[error("cannot start the embedded server with TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// `redis-server` did not get ready.
    #[error("redis-server did not answer on its socket: {reason}; its log is {}", log.display())]
    NotReady {
        /// What it says, or how long was waited.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
    /// A file or a connection of `redis-server` failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// TLS of a good server.
#[derive(Debug, Clone, Copy)]
pub struct ServerTls<'a> {
    /// What it shows.
    pub identity: &'a Identity,
    /// The authority that must have signed the certificates of clients. None: clients need no
    /// certificate.
    pub clients: Option<&'a CertificateDer<'static>>,
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
            Self { clients: Some(authority), old: false, .. } => Tls::mutual(self.identity, authority)?,
            Self { clients: Some(authority), old: true, .. } => Tls::mutual_tls12(self.identity, authority)?,
        };
        // As many as OpenSSL gives.
        Ok(Accepts::Tls(if self.tickets { tls.with_tickets(2)? } else { tls }))
    }
}

/// A good server at work. Dropping it ends it.
pub struct Server {
    port: u16,
    inner: Inner,
}

enum Inner {
    Embedded { running: Running, store: Store },
    Redis(Box<RedisServer>),
}

impl Server {
    /// Starts a server on 127.0.0.1 for the user `default` with this password: TLS only where there is
    /// an identity, plaintext only where there is none. Port 0 takes any free one. As a cluster or behind a
    /// Sentinel it is always the embedded one, which is its own only node, or its own Sentinel.
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
        if kind == ServerKind::Redis && topology == Topology::Standalone {
            let ports = match tls {
                None => Ports { plain: Some(port), tls: None },
                Some(tls) => Ports { plain: None, tls: Some((port, tls)) },
            };
            let server = RedisServer::start(ports, password, folder, launcher).await?;
            let port = if tls.is_some() { server.tls() } else { server.plain() };
            return Ok(Self { port, inner: Inner::Redis(Box::new(server)) });
        }
        let accepts = match tls {
            None => Accepts::Plaintext,
            Some(tls) => tls.accepts()?,
        };
        let store = Store::default();
        let (shared, password) = (store.clone(), password.to_owned());
        let endpoint = Endpoint::bind(port).await?;
        let itself = Address { host: HOST.to_owned(), port: endpoint.port() };
        let claims = Claims::honest(topology, itself);
        let running = endpoint.serve(accepts, move |stream, recorder| {
            let session = Session::new(Access::Password(password.clone()), shared.clone());
            serve(stream, session.claiming(claims.clone()), recorder)
        });
        Ok(Self { port: running.port(), inner: Inner::Embedded { running, store } })
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
        match &self.inner {
            Inner::Embedded { store, .. } => Ok(store.holds(key.as_bytes(), value.as_bytes())),
            Inner::Redis(server) => server.holds(key, value).await,
        }
    }

    /// Ends it. The embedded server reports its connections.
    pub async fn stop(self, within: Duration) -> Option<PeerReport> {
        match self.inner {
            Inner::Embedded { running, .. } => Some(running.stop(within).await),
            Inner::Redis(server) => {
                server.stop(within).await;
                None
            }
        }
    }
}
