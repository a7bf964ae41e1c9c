use crate::record::{Recorder, Records};
use crate::tls::Tls;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use wirelab_model::{Connection, Ending, Opening, PeerReport};

/// Connections that are served at once; more wait in the kernel's queue.
const MOST_AT_ONCE: usize = 256;
/// Bytes of a first flight that are looked at: more than any hello has that is common.
const MOST_HELLO: usize = 16 << 10;
/// Plaintext that is read from a client on a port for TLS, in bytes.
const MOST_ASTRAY: usize = 4096;

/// A connection, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What a listener takes.
#[derive(Debug, Clone)]
pub enum Accepts {
    /// RESP in plaintext.
    Plaintext,
    /// TLS, as a server that is set up well.
    Tls(Tls),
    /// TLS, and plaintext from whoever offers it: an attacker is not picky.
    Both(Tls),
    /// Bytes as they are.
    Raw,
}

/// Why there is no listener. The fault is the machine's or the port's that was asked for.
#[derive(Debug, Error)]
#[error("cannot listen on 127.0.0.1:{port}: {reason}; name another port, or none (0) to take any free one")]
pub struct EndpointError {
    port: u16,
    reason: std::io::Error,
}

/// A listener on 127.0.0.1.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    port: u16,
}

impl Endpoint {
    /// Listens on a port of 127.0.0.1, and nowhere else; 0 takes any free one.
    ///
    /// # Errors
    /// The port is in use or not allowed.
    pub async fn bind(port: u16) -> Result<Self, EndpointError> {
        let failed = |reason| EndpointError { port, reason };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves each connection with `handler`, and records them all.
    pub fn serve<H, F>(self, accepts: Accepts, handler: H) -> Running
    where
        H: Fn(Box<dyn Stream>, Recorder) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let records = Arc::new(Records::default());
        let (stop, stopped) = oneshot::channel();
        let port = self.port;
        let tls = match &accepts {
            Accepts::Tls(tls) | Accepts::Both(tls) => Some(tls.clone()),
            Accepts::Plaintext | Accepts::Raw => None,
        };
        let task =
            tokio::spawn(accept(self.listener, accepts, Arc::new(handler), Arc::clone(&records), stopped));
        Running { port, records, tls, stop: Some(stop), task }
    }
}

/// A listener at work. Dropping it ends it and all its connections.
#[derive(Debug)]
pub struct Running {
    port: u16,
    records: Arc<Records>,
    tls: Option<Tls>,
    stop: Option<oneshot::Sender<Duration>>,
    task: JoinHandle<()>,
}

impl Running {
    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on tells of each connection once it has ended. It waits for whoever listens.
    pub fn watch(&self) -> mpsc::Receiver<Connection> {
        self.records.watch()
    }

    /// Whether any connection so far resumed a session.
    pub fn any_resumed(&self) -> bool {
        self.records.any_resumed()
    }

    /// Whether all connections so far came before the attack.
    pub fn only_before_attack(&self) -> bool {
        self.records.only_before_attack()
    }

    /// Takes no more connections, gives those that are open `within` to end by themselves, ends the
    /// rest, and reports.
    pub async fn stop(mut self, within: Duration) -> PeerReport {
        if let Some(stop) = self.stop.take() {
            // The task is gone only if it panicked; the report is there all the same.
            let _ = stop.send(within);
        }
        drop((&mut self.task).await);
        let mut report = self.records.report();
        report.key_log = self.tls.as_ref().map(Tls::key_log).unwrap_or_default();
        report
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<H, F>(
    listener: TcpListener,
    accepts: Accepts,
    handler: Arc<H>,
    records: Arc<Records>,
    mut stopped: oneshot::Receiver<Duration>,
) where
    H: Fn(Box<dyn Stream>, Recorder) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let within = loop {
        tokio::select! {
            within = &mut stopped => break within.unwrap_or_default(),
            accepted = listener.accept(), if connections.len() < MOST_AT_ONCE => {
                if let Ok((tcp, client)) = accepted {
                    let recorder = records.begin(client);
                    let (accepts, handler, records) = (accepts.clone(), Arc::clone(&handler), Arc::clone(&records));
                    connections.spawn(async move {
                        connection(tcp, accepts, handler, recorder.clone()).await;
                        records.ended(&recorder).await;
                    });
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    };
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(within, all).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection<H, F>(mut tcp: TcpStream, accepts: Accepts, handler: Arc<H>, recorder: Recorder)
where
    H: Fn(Box<dyn Stream>, Recorder) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    // Replies are small and must not wait for each other; without the option they are only slower.
    drop(tcp.set_nodelay(true));
    let mut first = [0];
    match tcp.peek(&mut first).await {
        Ok(0) => return recorder.ended(Ending::ClientClosed),
        Ok(_) => {}
        Err(error) => return recorder.ended(crate::ending(&error)),
    }
    // A TLS connection begins with a record of type 22 (RFC 8446 section 5.1).
    let opening = if first == [22] { Opening::Tls } else { Opening::Plaintext };
    recorder.note(|connection| connection.opening = opening);
    if matches!((opening, &accepts), (Opening::Tls, Accepts::Raw)) {
        // What is there already, for who takes bytes as they are may never look at them.
        let mut bytes = vec![0; MOST_HELLO];
        let length = tcp.peek(&mut bytes).await.unwrap_or_default();
        let hello = crate::heard::hello(bytes.get(..length).unwrap_or_default());
        recorder.note(|connection| connection.hello = hello);
    }
    match (opening, accepts) {
        (_, Accepts::Raw) | (Opening::Plaintext, Accepts::Plaintext | Accepts::Both(_)) => {
            handler(Box::new(tcp), recorder.clone()).await;
            // Who opened it has told that itself.
            recorder.note(|connection| {
                connection.hello = connection.hello.take().filter(|_| connection.tls.is_none());
            });
        }
        (Opening::Tls, Accepts::Tls(tls) | Accepts::Both(tls)) => {
            if let Some(stream) = tls.accept(tcp, &recorder).await {
                handler(stream, recorder).await;
            }
        }
        _ => {
            // Wrong kind of port. What the client gave away is noted before it is turned off.
            let mut bytes = vec![0; MOST_ASTRAY];
            if let Ok(length) = tcp.read(&mut bytes).await
                && opening == Opening::Plaintext
            {
                recorder.read(bytes.get(..length).unwrap_or_default());
            }
            recorder
                .ended(Ending::Error { reason: "the client speaks another protocol than this port".into() });
        }
    }
}
