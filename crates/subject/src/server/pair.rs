//! One good server with a port for plaintext and a port for TLS at once, to compare the two.

use super::redis_server::{Config, Ports, RedisServer};
use super::{ServerError, ServerKind, ServerTls};
use std::path::Path;
use std::time::Duration;
use wirelab_pki::Identity;
use wirelab_redis::{Accepts, Access, Endpoint, Running, Session, Store, Tls, serve};

/// A server that is reached in both ways and holds the same data for both. Dropping it ends it.
pub struct Pair {
    plain: u16,
    tls: u16,
    process: Option<u32>,
    inner: Inner,
}

enum Inner {
    Embedded { plain: Box<Running>, tls: Box<Running> },
    Redis(Box<RedisServer>),
}

impl Pair {
    /// Starts it on two free ports of 127.0.0.1 for the user `default` with this password.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(
        kind: ServerKind,
        password: &str,
        identity: &Identity,
        folder: &Path,
        launcher: &[String],
    ) -> Result<Self, ServerError> {
        if kind == ServerKind::Redis {
            let ports = Ports { plain: Some(0), tls: Some((0, ServerTls::new(identity))) };
            let config = Config { ports, password, log_folder: folder, ..Config::default() };
            let server = RedisServer::start(config, launcher).await?;
            let process = Some(server.process().await?);
            let (plain, tls) = (server.plain(), server.tls());
            return Ok(Self { plain, tls, process, inner: Inner::Redis(Box::new(server)) });
        }
        let store = Store::default();
        let listen = async |accepts| {
            let (store, password) = (store.clone(), password.to_owned());
            let running = Endpoint::bind(0).await.map_err(ServerError::Listen)?.serve(
                accepts,
                move |stream, recorder| {
                    serve(stream, Session::new(Access::Password(password.clone()), store.clone()), recorder)
                },
            );
            Ok::<_, ServerError>(running)
        };
        let (plain, tls) =
            (listen(Accepts::Plaintext).await?, listen(Accepts::Tls(Tls::new(identity)?)).await?);
        let (plain_port, tls_port) = (plain.port(), tls.port());
        let inner = Inner::Embedded { plain: Box::new(plain), tls: Box::new(tls) };
        Ok(Self { plain: plain_port, tls: tls_port, process: None, inner })
    }

    /// The port on 127.0.0.1 for plaintext.
    pub fn plain(&self) -> u16 {
        self.plain
    }

    /// The port on 127.0.0.1 for TLS.
    pub fn tls(&self) -> u16 {
        self.tls
    }

    /// Number of the server's process; none where it is this one.
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// Ends it.
    pub async fn stop(self, within: Duration) {
        match self.inner {
            Inner::Embedded { plain, tls } => {
                drop(plain.stop(within).await);
                drop(tls.stop(within).await);
            }
            Inner::Redis(server) => server.stop(within).await,
        }
    }
}
