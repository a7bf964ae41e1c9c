//! Somebody on the path who lets a client have a good session, cuts it off, and is there when it comes back.

use crate::corrupt::{APPLICATION, Records, reach};
use crate::relay::Relay;
use crate::turn::{Turn, When};
use crate::{RogueError, Upstream};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::{Ending, Opening};
use wirelab_redis::{Recorder, Stream, Tls, ending};

/// Protected records that the client sends before it is cut off: in TLS 1.3 the first carries its Finished, so
/// that who waits for replies has had one.
const LET_THROUGH: u64 = 2;

#[derive(Clone)]
pub(crate) struct Comeback {
    tls: Tls,
    relay: Relay,
    upstream: SocketAddr,
    turn: Turn,
}

impl Comeback {
    pub(crate) fn new(tls: Tls, upstream: Upstream, when: When) -> Result<Self, RogueError> {
        let address = upstream.address;
        Ok(Self { tls, relay: Relay::new(upstream, None)?, upstream: address, turn: Turn::new(when) })
    }

    pub(crate) fn turn(&self) -> Turn {
        self.turn.clone()
    }

    pub(crate) async fn run(self, stream: Box<dyn Stream>, recorder: Recorder) {
        if !self.turn.has_come() {
            recorder.note(|connection| connection.before_attack = true);
            let held = self.turn.hold();
            let_through(stream, recorder, self.upstream, &self.turn).await;
            return drop(held);
        }
        let mut opening = Opening::Silent;
        recorder.note(|connection| opening = connection.opening);
        if opening == Opening::Tls {
            if let Some(stream) = self.tls.accept(stream, &recorder).await {
                self.relay.run(stream, recorder).await;
            }
        } else {
            // Who comes back in clear is served as well.
            self.relay.run(stream, recorder).await;
        }
    }
}

/// Passes everything on until the turn: that the client has said enough on some connection, or has ended one itself.
async fn let_through(client: Box<dyn Stream>, recorder: Recorder, upstream: SocketAddr, turn: &Turn) {
    let Some((server, tls)) = reach(upstream, &recorder).await else { return };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut buffer = vec![0; 16 << 10];
        let mut records = Records::default();
        let mut said = 0;
        loop {
            let length = match from_client.read(&mut buffer).await {
                Ok(length) if length > 0 => length,
                end => {
                    recorder.ended(end.map_or_else(|error| ending(&error), |_| Ending::ClientClosed));
                    if said > 0 {
                        turn.seen();
                    }
                    return;
                }
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            said += if tls { records.begin(bytes, APPLICATION).len() as u64 } else { 1 };
            if said > LET_THROUGH && turn.seen() {
                return recorder.ended(Ending::ServerClosed);
            }
            if to_server.write_all(bytes).await.is_err() {
                return recorder.ended(Ending::ServerClosed);
            }
        }
    };
    let down = async {
        let copied = tokio::io::copy(&mut from_server, &mut to_client).await;
        recorder.ended(match copied {
            Ok(_) => Ending::ServerClosed,
            Err(error) => ending(&error),
        });
    };
    // Either end is the end of both connections.
    tokio::select! {
        () = up => {}
        () = down => {}
        () = turn.taken() => recorder.ended(Ending::ServerClosed),
    }
}
