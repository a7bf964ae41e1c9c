use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirelab_model::{Connection, Ending, Listener, Opening, PeerReport, Witnessed};

/// Connections that are recorded.
const MOST_CONNECTIONS: usize = 64;
/// Readable bytes that are kept of each direction of a connection: 256 KiB.
const KEPT: usize = 256 << 10;

/// Notes what happens on one connection.
#[derive(Debug, Clone)]
pub struct Recorder {
    report: Arc<Mutex<PeerReport>>,
    /// None where the connection is one too many to be recorded.
    index: Option<usize>,
}

impl Recorder {
    pub(crate) fn begin(report: &Arc<Mutex<PeerReport>>, client: SocketAddr) -> Self {
        let mut all = lock(report);
        let index = all.connections.len();
        if index >= MOST_CONNECTIONS {
            all.unrecorded += 1;
            return Self { report: Arc::clone(report), index: None };
        }
        all.connections.push(Connection {
            listener: Listener::Dialled,
            client,
            upstream: None,
            opening: Opening::Silent,
            tls: None,
            commands: Vec::new(),
            credentials: Vec::new(),
            client_bytes: 0,
            server_bytes: 0,
            tampered: Vec::new(),
            redirected: Vec::new(),
            ended: Ending::Open,
            witnessed: Witnessed::default(),
            read: Vec::new(),
            written: Vec::new(),
        });
        Self { report: Arc::clone(report), index: Some(index) }
    }

    /// Changes the record.
    pub fn note(&self, change: impl FnOnce(&mut Connection)) {
        let mut all = lock(&self.report);
        if let Some(connection) = self.index.and_then(|index| all.connections.get_mut(index)) {
            change(connection);
        }
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

pub(crate) fn lock(report: &Mutex<PeerReport>) -> MutexGuard<'_, PeerReport> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
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
