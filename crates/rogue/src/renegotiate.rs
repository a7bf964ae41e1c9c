//! The good server over TLS 1.2, which asks for a new handshake in the midst of the session.

use rustls::{ConnectionTrafficSecrets, ExtractedSecrets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::{Ending, Handshake, Opening};
use wirelab_redis::{Next, Recorder, Session, Stream, Tls, ending, serve};
use wirelab_tls::{
    HELLO_REQUEST, MOST_CIPHERTEXT, NO_RENEGOTIATION, OldKeys, alert_name, kind, message_type, split_record,
};

/// Most content of a record, in bytes.
const MOST_CONTENT: usize = 1 << 14;
/// Fatal handshake_failure: this server cannot do what it asks for.
const FAILURE: &[u8] = &[2, 40];

pub(crate) async fn run(
    tls: Tls,
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
    let Some((stream, secrets)) = tls.accept_for_keys(stream, &recorder).await else { return };
    let Some((open, seal)) = keys(secrets) else {
        return recorder.ended(Ending::Error { reason: "the suite is not AES-128-GCM".into() });
    };
    let mut asking = Asking { stream, recorder: recorder.clone(), open, seal, flaw: Some(flaw) };
    let ended = asking.lead(session).await;
    recorder.ended(ended);
}

fn keys(secrets: ExtractedSecrets) -> Option<(OldKeys, OldKeys)> {
    let keys = |(sequence, secret): (u64, ConnectionTrafficSecrets)| match secret {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => {
            Some(OldKeys::new(key.as_ref(), iv.as_ref(), sequence))
        }
        _ => None,
    };
    Some((keys(secrets.rx)?, keys(secrets.tx)?))
}

struct Asking {
    stream: Box<dyn Stream>,
    recorder: Recorder,
    open: OldKeys,
    seal: OldKeys,
    /// Until it has asked.
    flaw: Option<&'static str>,
}

impl Asking {
    /// Leads the session until either side ends it.
    async fn lead(&mut self, mut session: Session) -> Ending {
        let mut buffer = Vec::new();
        // Why nothing can be sent any more. What the client sent before it left is read all the same: it may have begun anew.
        let mut gone = None;
        loop {
            let (of, content) = match self.next(&mut buffer).await {
                Ok(record) => record,
                Err(ended) => return gone.unwrap_or(ended),
            };
            match (of, &*content) {
                (kind::APPLICATION_DATA, bytes) => {
                    self.recorder.read(bytes);
                    let mut out = Vec::new();
                    let next = session.receive(bytes, &mut out);
                    self.recorder.note(|connection| {
                        connection.commands = session.commands().to_vec();
                        connection.credentials = session.credentials().to_vec();
                    });
                    if gone.is_none() {
                        gone = self.reply(&out).await.err();
                    }
                    if next == Next::Close {
                        return Ending::ClientClosed;
                    }
                }
                (kind::ALERT, [1, NO_RENEGOTIATION]) => self.recorder.note(|connection| {
                    connection.declined = Some(alert_name(NO_RENEGOTIATION));
                }),
                (kind::ALERT, [2, code]) => {
                    let alert = alert_name(*code);
                    self.recorder.note(|connection| {
                        if let Some(tls) = &mut connection.tls {
                            tls.handshake = Handshake::Refused { alert: alert.clone() };
                        }
                    });
                    return Ending::ClientAlert { alert };
                }
                (kind::ALERT, [_, 0]) => return Ending::ClientClosed,
                (kind::HANDSHAKE, [message_type::CLIENT_HELLO, ..]) if self.flaw.is_none() => {
                    let with = String::from("a ClientHello within the session");
                    self.recorder.note(|connection| {
                        if let Some(tls) = &mut connection.tls {
                            tls.handshake = Handshake::WentOn { with };
                        }
                    });
                    let failure = self.seal.seal(kind::ALERT, FAILURE);
                    drop(self.stream.write_all(&failure).await);
                    return Ending::ServerClosed;
                }
                // Other warnings.
                (kind::ALERT, _) => {}
                (of, _) => {
                    let reason = format!("the client sent a record of type {of} within the session");
                    return Ending::Error { reason };
                }
            }
        }
    }

    /// Sends replies; in front of the first of them it asks.
    async fn reply(&mut self, replies: &[u8]) -> Result<(), Ending> {
        if replies.is_empty() {
            return Ok(());
        }
        let mut out = Vec::new();
        if let Some(flaw) = self.flaw.take() {
            out.extend(self.seal.seal(kind::HANDSHAKE, HELLO_REQUEST));
            self.recorder.note(|connection| connection.tampered.push(flaw.to_owned()));
        }
        self.recorder.written(replies);
        for part in replies.chunks(MOST_CONTENT) {
            out.extend(self.seal.seal(kind::APPLICATION_DATA, part));
        }
        let sent = self.stream.write_all(&out).await;
        sent.map_err(|error| ending(&error))
    }

    /// The next record, opened.
    async fn next(&mut self, buffer: &mut Vec<u8>) -> Result<(u8, Vec<u8>), Ending> {
        loop {
            if let Some((of, payload, end)) = split_record(buffer) {
                let content = self.open.open(of, payload);
                buffer.drain(..end);
                let reason = || "a record of the client cannot be opened".to_owned();
                return content
                    .map(|content| (of, content))
                    .ok_or_else(|| Ending::Error { reason: reason() });
            }
            if buffer.len() > MOST_CIPHERTEXT + 5 {
                let reason = String::from("the client sent a record that is too long");
                return Err(Ending::Error { reason });
            }
            let mut bytes = vec![0; 4096];
            match self.stream.read(&mut bytes).await {
                Ok(0) => return Err(Ending::ClientClosed),
                Ok(length) => buffer.extend_from_slice(bytes.get(..length).unwrap_or_default()),
                Err(error) => return Err(ending(&error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::net::TcpStream;
    use wirelab_model::TlsFacts;
    use wirelab_redis::{Accepts, Access, Endpoint, Store};

    fn keys() -> OldKeys {
        OldKeys::new(&[7; 16], &[1, 2, 3, 4], 0)
    }

    #[tokio::test]
    async fn what_a_client_sent_before_it_left_is_read_all_the_same() {
        let endpoint = Endpoint::bind(0).await.unwrap();
        let port = endpoint.port();
        let running = endpoint.serve(Accepts::Raw, |outside, recorder| async move {
            let (mut client, stream) = tokio::io::duplex(1 << 16);
            let mut seal = keys();
            let hello = [message_type::CLIENT_HELLO, 0, 0, 0];
            for (of, content) in [(kind::APPLICATION_DATA, &b"PING\r\n"[..]), (kind::HANDSHAKE, &hello)] {
                client.write_all(&seal.seal(of, content)).await.unwrap();
            }
            drop(client);
            recorder.note(|connection| {
                connection.tls = Some(TlsFacts {
                    certificate: "good".into(),
                    sni: None,
                    offered: None,
                    shown: None,
                    resumed: false,
                    certificate_sent: true,
                    version: None,
                    cipher: None,
                    handshake: Handshake::Completed,
                });
            });
            let (stream, flaw) = (Box::new(stream), Some("it asks"));
            let mut asking = Asking { stream, recorder: recorder.clone(), open: keys(), seal: keys(), flaw };
            recorder.ended(asking.lead(Session::new(Access::Anyone, Store::default())).await);
            drop(outside);
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(b"x").await.unwrap();
        // Its end, in whatever way.
        drop(client.read_to_end(&mut Vec::new()).await);
        let report = running.stop(Duration::from_secs(1)).await;
        let tls = report.connections[0].tls.as_ref().unwrap();
        assert!(matches!(tls.handshake, Handshake::WentOn { .. }), "{tls:?}");
    }
}
