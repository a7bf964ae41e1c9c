use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use wirelab_model::{CertificateSeen, Connection, Ending, Listener, Opening, PeerReport, Witnessed};

/// Connections that are recorded.
const MOST_CONNECTIONS: usize = 64;
/// Readable bytes that are kept of each direction of a connection: 256 KiB.
const KEPT: usize = 256 << 10;

/// What is recorded of all connections of a listener.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// At most [`MOST_CONNECTIONS`], and how many there were beyond those.
    kept: Mutex<(Vec<Arc<Mutex<Connection>>>, u64)>,
    /// Who is told of each connection that has ended.
    watcher: Mutex<Option<mpsc::Sender<Connection>>>,
}

impl Records {
    pub(crate) fn begin(&self, client: SocketAddr) -> Recorder {
        let connection = Arc::new(Mutex::new(Connection {
            listener: Listener::Dialled,
            client,
            upstream: None,
            opening: Opening::Silent,
            tls: None,
            hello: None,
            commands: Vec::new(),
            credentials: Vec::new(),
            client_bytes: 0,
            early_bytes: 0,
            replay: false,
            before_attack: false,
            server_bytes: 0,
            certificate_asked: false,
            client_certificate: false,
            client_identity: None,
            tampered: Vec::new(),
            flaw_after_finished: false,
            redirected: Vec::new(),
            declined: None,
            ended: Ending::Open,
            witnessed: Witnessed::default(),
            read: Vec::new(),
            written: Vec::new(),
        }));
        let mut kept = lock(&self.kept);
        if kept.0.len() < MOST_CONNECTIONS {
            kept.0.push(Arc::clone(&connection));
        } else {
            kept.1 += 1;
        }
        Recorder(connection)
    }

    /// From now on whoever holds the receiver is told of each connection that has ended.
    pub(crate) fn watch(&self) -> mpsc::Receiver<Connection> {
        let (sender, receiver) = mpsc::channel(MOST_CONNECTIONS);
        *lock(&self.watcher) = Some(sender);
        receiver
    }

    /// The connection has ended.
    pub(crate) async fn ended(&self, recorder: &Recorder) {
        let watcher = lock(&self.watcher).clone();
        if let Some(watcher) = watcher {
            let connection = lock(&recorder.0).clone();
            // Nobody listens any more where the watcher was dropped.
            drop(watcher.send(connection).await);
        }
    }

    /// Whether all connections so far came before the attack.
    pub(crate) fn only_before_attack(&self) -> bool {
        let kept = lock(&self.kept);
        kept.0.iter().all(|connection| lock(connection).before_attack)
    }

    /// Whether any connection resumed a session, other than with the peer that was still good.
    pub(crate) fn any_resumed(&self) -> bool {
        let kept = lock(&self.kept);
        let resumed = |c: &Connection| !c.before_attack && c.tls.as_ref().is_some_and(|tls| tls.resumed);
        kept.0.iter().any(|connection| resumed(&lock(connection)))
    }

    pub(crate) fn report(&self) -> PeerReport {
        let kept = lock(&self.kept);
        PeerReport {
            connections: kept.0.iter().map(|connection| lock(connection).clone()).collect(),
            unrecorded: kept.1,
            list_fetched: None,
            key_log: Vec::new(),
        }
    }
}

/// Notes what happens on one connection.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Mutex<Connection>>);

impl Recorder {
    /// Changes the record.
    pub fn note(&self, change: impl FnOnce(&mut Connection)) {
        change(&mut lock(&self.0));
    }

    /// What the certificate says that the client has shown.
    pub fn client_identity(&self) -> Option<CertificateSeen> {
        lock(&self.0).client_identity.clone()
    }

    /// Readable bytes came from the client.
    pub fn read(&self, bytes: &[u8]) {
        self.note(|connection| {
            connection.client_bytes += bytes.len() as u64;
            keep(&mut connection.read, bytes);
        });
    }

    /// Readable bytes go to the client.
    pub fn written(&self, bytes: &[u8]) {
        self.note(|connection| {
            connection.server_bytes += bytes.len() as u64;
            keep(&mut connection.written, bytes);
        });
    }

    /// The connection ended; the first ending noted stays.
    pub fn ended(&self, ending: Ending) {
        self.note(|connection| {
            if connection.ended == Ending::Open {
                connection.ended = ending;
            }
        });
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The fatal alert inside an I/O error of a TLS stream, if that is what it is.
pub(crate) fn alert(error: &io::Error) -> Option<String> {
    match tls_error(error)? {
        rustls::Error::AlertReceived(alert) => Some(format!("{alert:?}")),
        _ => None,
    }
}

pub(crate) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| (inner as &(dyn Error + 'static)).downcast_ref())
}

/// What an error while reading from a client says about the end of its connection.
pub fn ending(error: &io::Error) -> Ending {
    if let Some(alert) = alert(error) {
        return Ending::ClientAlert { alert };
    }
    match error.kind() {
        // TLS that ends without close_notify: most clients do.
        io::ErrorKind::UnexpectedEof => Ending::ClientClosed,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ending::ClientReset,
        _ => Ending::Error { reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Handshake, TlsFacts};

    #[test]
    fn a_session_resumed_before_the_attack_is_none_that_was_resumed_in_it() {
        let records = Records::default();
        let recorder = records.begin(([127, 0, 0, 1], 50_000).into());
        recorder.note(|connection| {
            connection.before_attack = true;
            connection.tls = Some(TlsFacts {
                certificate: "good".into(),
                shown: None,
                sni: None,
                offered: None,
                resumed: true,
                certificate_sent: false,
                version: None,
                cipher: None,
                handshake: Handshake::Completed,
            });
        });
        assert!(records.only_before_attack() && !records.any_resumed());
        recorder.note(|connection| connection.before_attack = false);
        assert!(!records.only_before_attack() && records.any_resumed());
    }
}
