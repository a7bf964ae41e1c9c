//! A port for TLS on which nobody answers with TLS, and a Redis for who then comes in clear.

use crate::script_peer::Peer;
use wirelab_model::{Ending, Handshake, Opening, TlsFacts};
use wirelab_redis::{Recorder, Session, Stream, serve};

/// What a client gets for its ClientHello.
#[derive(Clone, Copy)]
pub(crate) enum Greeting {
    /// These bytes, and the end.
    Bytes(&'static [u8]),
    /// A reset.
    Reset,
}

pub(crate) async fn run(
    greeting: Greeting,
    flaw: &'static str,
    stream: Box<dyn Stream>,
    recorder: Recorder,
    session: Session,
) {
    let mut opening = Opening::Silent;
    recorder.note(|connection| opening = connection.opening);
    if opening == Opening::Plaintext {
        return serve(stream, session, recorder).await;
    }
    recorder.note(|connection| connection.tampered.push(flaw.to_owned()));
    if let Greeting::Bytes(bytes) = greeting {
        let mut peer = Peer::new(stream, recorder.clone());
        if let Ok(hello) = peer.hello().await {
            let facts = TlsFacts {
                certificate: "none".into(),
                sni: hello.server_name,
                offered: peer.offered(),
                shown: None,
                resumed: false,
                certificate_sent: false,
                version: None,
                cipher: None,
                handshake: Handshake::Failed { reason: "it is not answered with TLS".into() },
            };
            recorder.note(|connection| connection.tls = Some(facts));
        }
        peer.put(bytes);
        drop(peer.flush().await);
    }
    // With the hello unread the system answers with a reset, and with an orderly end otherwise.
    recorder.ended(Ending::ServerClosed);
}
