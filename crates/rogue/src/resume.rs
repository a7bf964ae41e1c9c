//! A server that is good at first, and resumes its sessions when nobody should ask for that any more: its
//! certificate is no longer good, or somebody else has its sessions.

use crate::flight::{Kept, MOST_FLIGHT};
use crate::turn::{Turn, When};
use rustls::ServerConnection;
use std::collections::HashSet;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirelab_model::{Ending, Handshake, Opening, TlsFacts};
use wirelab_redis::{Access, Recorder, Session, Sessions, Store, Stream, Tls, serve};

/// Bytes that tickets allow before the handshake, where they do.
const EARLY: u32 = 4096;
/// Requests that are answered before the cut.
const MOST_REQUESTS: usize = 256;
/// What a client asks for its value with.
const READS: [&str; 4] = ["GET", "HGET", "HMGET", "HGETALL"];
/// Pieces in which a flight may arrive.
const MOST_READS: usize = 16;
/// How long a flight that is sent again may take to be read.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) struct Resumer {
    first: Tls,
    later: Tls,
    store: Store,
    early: bool,
    port: u16,
    turn: Turn,
    /// Where the rogue itself connects from.
    own: Arc<Mutex<HashSet<SocketAddr>>>,
}

impl Resumer {
    /// `first` is shown before the turn, and `later` to those who come back and do not resume.
    pub(crate) fn new(first: Tls, later: Tls, early: bool, port: u16, when: When) -> Self {
        let (sessions, most) = (Sessions::default(), if early { EARLY } else { 0 });
        Self {
            first: first.resuming(&sessions, most),
            later: later.resuming(&sessions, most),
            store: Store::default(),
            early,
            port,
            turn: Turn::new(when),
            own: Arc::default(),
        }
    }

    pub(crate) fn turn(&self) -> Turn {
        self.turn.clone()
    }

    pub(crate) async fn run(self, stream: Box<dyn Stream>, recorder: Recorder) {
        let session = Session::new(Access::Anyone, self.store.clone());
        let (mut opening, mut client) = (Opening::Silent, None);
        recorder.note(|connection| (opening, client) = (connection.opening, Some(connection.client)));
        if client.is_some_and(|client| self.is_own(client)) {
            return self.taken_again(stream, recorder, session).await;
        }
        if opening != Opening::Tls {
            return serve(stream, session, recorder).await;
        }
        if !self.turn.has_come() {
            recorder.note(|connection| connection.before_attack = true);
            let held = self.turn.hold();
            let good = async {
                if let Some(stream) = self.first.accept(stream, &recorder).await {
                    cut_off(stream, session, &recorder, &self.turn).await;
                }
            };
            tokio::select! {
                () = good => {}
                () = self.turn.taken() => recorder.ended(Ending::ServerClosed),
            }
            return drop(held);
        }
        let (stream, flight) = Kept::new(stream);
        let Some(stream) = self.later.accept(stream, &recorder).await else { return };
        let mut came_early = 0;
        recorder.note(|connection| came_early = connection.early_bytes);
        if self.early && came_early > 0 {
            self.send_again(&flight.bytes()).await;
        }
        serve(stream, session, recorder).await;
    }

    fn is_own(&self, client: SocketAddr) -> bool {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).contains(&client)
    }

    /// What somebody on the path can do who has recorded the client's first flight.
    async fn send_again(&self, flight: &[u8]) {
        let Ok(tcp) = TcpStream::connect(("127.0.0.1", self.port)).await else { return };
        if let Ok(local) = tcp.local_addr() {
            self.own.lock().unwrap_or_else(PoisonError::into_inner).insert(local);
        }
        let (mut from, mut to) = tcp.into_split();
        if to.write_all(flight).await.is_err() {
            return;
        }
        // It is answered and then ended.
        let mut sink = tokio::io::sink();
        drop(tokio::time::timeout(PATIENCE, tokio::io::copy(&mut from, &mut sink)).await);
    }

    /// A flight that was sent again, up to its early data: whoever sent it cannot finish the handshake.
    async fn taken_again(&self, mut stream: Box<dyn Stream>, recorder: Recorder, mut session: Session) {
        recorder.note(|connection| connection.replay = true);
        let ended = |reason: String| recorder.ended(Ending::Error { reason });
        let mut tls = match ServerConnection::new(self.later.config()) {
            Ok(tls) => tls,
            Err(error) => return ended(error.to_string()),
        };
        let mut buffer = vec![0; MOST_FLIGHT];
        let mut early = Vec::new();
        let mut wrong = None;
        for _ in 0..MOST_READS {
            let length = match tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await {
                Ok(Ok(length)) if length > 0 => length,
                _ => break,
            };
            let mut bytes = buffer.get(..length).unwrap_or_default();
            while !bytes.is_empty() && wrong.is_none() {
                wrong = match tls.read_tls(&mut bytes) {
                    Ok(_) => tls.process_new_packets().err().map(|error| error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
            }
            if let Some(mut reader) = tls.early_data() {
                drop(reader.read_to_end(&mut early));
            }
            if wrong.is_some() || !early.is_empty() {
                break;
            }
        }
        recorder.read(&early);
        let mut replies = Vec::new();
        session.receive(&early, &mut replies);
        recorder.note(|connection| {
            connection.early_bytes = early.len() as u64;
            connection.commands = session.commands().to_vec();
            connection.credentials = session.credentials().to_vec();
            connection.tls = Some(TlsFacts {
                certificate: "none".into(),
                sni: None,
                offered: None,
                shown: None,
                resumed: !early.is_empty(),
                certificate_sent: false,
                version: None,
                cipher: None,
                handshake: Handshake::Failed {
                    reason: "it was sent again, by somebody without a key".into(),
                },
            });
        });
        let mut out = Vec::new();
        while tls.wants_write() && tls.write_tls(&mut out).is_ok_and(|written| written > 0) {}
        drop(stream.write_all(&out).await);
        ended(wrong.unwrap_or_else(|| "it ends with what was sent early".into()));
    }
}

/// Serves until the client asks for its value, and cuts it off then: that is the turn, or that it ended by itself, unless the
/// turn is for somebody else to tell. Before
/// that, clients of several connections are still opening them, and give up instead of coming back.
async fn cut_off(mut stream: Box<dyn Stream>, mut session: Session, recorder: &Recorder, turn: &Turn) {
    let mut buffer = vec![0; 16 << 10];
    for request in 0..MOST_REQUESTS {
        let length = match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => length,
            end => {
                recorder
                    .ended(end.map_or_else(|error| wirelab_redis::ending(&error), |_| Ending::ClientClosed));
                if request > 0 {
                    turn.seen();
                }
                return;
            }
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        recorder.read(bytes);
        let mut out = Vec::new();
        session.receive(bytes, &mut out);
        recorder.note(|connection| connection.commands = session.commands().to_vec());
        if session.commands().iter().any(|command| READS.contains(&name(command))) && turn.seen() {
            break;
        }
        recorder.written(&out);
        if stream.write_all(&out).await.is_err() || stream.flush().await.is_err() {
            recorder.ended(Ending::ClientReset);
            break;
        }
    }
    recorder.ended(Ending::ServerClosed);
    turn.seen();
}

/// `GET` of `GET/1`.
fn name(command: &str) -> &str {
    command.split('/').next().unwrap_or(command)
}
