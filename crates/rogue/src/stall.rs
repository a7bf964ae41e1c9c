//! A server that keeps its client waiting.

use crate::script::{GOOD, Player};
use crate::script_peer::Peer;
use std::time::Duration;
use wirelab_model::{Ending, Handshake, TlsFacts};
use wirelab_redis::{Recorder, Stream};

/// How slowly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It says nothing.
    Silent,
    /// A byte of a good answer each second.
    Drip,
    /// A good answer without its end.
    Unfinished,
}

const DRIP: Duration = Duration::from_secs(1);
/// Bytes that are dripped at most: ten minutes, longer than a run waits for a client.
const MOST_DRIPS: usize = 600;

/// Keeps a client waiting until it goes away.
pub(crate) async fn run(
    player: Player,
    pace: Pace,
    flaw: &'static str,
    stream: Box<dyn Stream>,
    recorder: Recorder,
) {
    let mut peer = Peer::new(stream, recorder.clone());
    let hello = match peer.hello().await {
        Ok(hello) => hello,
        Err(how) => {
            return recorder.ended(Ending::Error { reason: format!("there was no ClientHello: {how:?}") });
        }
    };
    let mut facts = TlsFacts {
        certificate: player.certificate().to_owned(),
        sni: hello.server_name.clone(),
        offered: peer.offered(),
        shown: player.shown(),
        resumed: false,
        certificate_sent: false,
        version: None,
        cipher: None,
        handshake: Handshake::Failed { reason: "it did not end".into() },
    };
    recorder.note(|connection| {
        connection.tls = Some(facts.clone());
        connection.tampered.push(flaw.to_owned());
    });
    let mut rest = Vec::new();
    if pace != Pace::Silent {
        if let Err(handshake) = player.queue(GOOD, &mut peer, hello, &mut facts).await {
            facts.handshake = handshake;
            return recorder.note(|connection| connection.tls = Some(facts));
        }
        rest = peer.take();
        facts.certificate_sent = false;
    }
    if pace == Pace::Unfinished {
        // Without its last bytes nothing in the last record can be read.
        rest.truncate(rest.len().saturating_sub(8));
        peer.put(&rest);
        rest.clear();
        drop(peer.flush().await);
    }
    for byte in rest.into_iter().take(MOST_DRIPS) {
        peer.put(&[byte]);
        if peer.flush().await.is_err() {
            break;
        }
        if let Ok(handshake) = tokio::time::timeout(DRIP, peer.answer()).await {
            facts.handshake = handshake;
            return recorder.note(|connection| connection.tls = Some(facts));
        }
    }
    facts.handshake = peer.answer().await;
    recorder.note(|connection| connection.tls = Some(facts));
}
