use crate::{Tamper, Upstream, trusting};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wirelab_model::Ending;
use wirelab_redis::{Recorder, Stream, ending};

/// How long a relay that the server turned away waits for what the client says first.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct Relay {
    upstream: Upstream,
    connector: TlsConnector,
    tamper: Option<Tamper>,
}

impl Relay {
    pub(crate) fn new(upstream: Upstream, tamper: Option<Tamper>) -> Result<Self, rustls::Error> {
        let config = trusting::config(upstream.shows.as_ref())?;
        Ok(Self { upstream, connector: TlsConnector::from(Arc::new(config)), tamper })
    }

    pub(crate) async fn run(self, mut client: Box<dyn Stream>, recorder: Recorder) {
        match self.connect(&recorder).await {
            Ok(server) => self.pass(client, server, &recorder).await,
            Err(error) => {
                listen(&mut client, &recorder).await;
                recorder.ended(Ending::Error { reason: format!("cannot reach the good server: {error}") });
            }
        }
    }

    pub(crate) async fn connect(&self, recorder: &Recorder) -> std::io::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect(self.upstream.address).await?;
        tcp.set_nodelay(true)?;
        let local = tcp.local_addr()?;
        recorder.note(|connection| connection.upstream = Some(local));
        if !self.upstream.tls {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::from(self.upstream.address.ip());
        Ok(Box::new(self.connector.connect(name, tcp).await?))
    }

    async fn pass(self, client: Box<dyn Stream>, server: Box<dyn Stream>, recorder: &Recorder) {
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = tokio::io::split(server);
        let mut swap = self.tamper.map(Swap::new);
        let heard = AtomicBool::new(false);
        let up = async {
            let mut buffer = vec![0; 16 << 10];
            loop {
                match from_client.read(&mut buffer).await {
                    Ok(0) => return recorder.ended(Ending::ClientClosed),
                    Err(error) => return recorder.ended(ending(&error)),
                    Ok(length) => {
                        let bytes = buffer.get(..length).unwrap_or_default();
                        recorder.read(bytes);
                        heard.store(true, Ordering::Relaxed);
                        if to_server.write_all(bytes).await.is_err() || to_server.flush().await.is_err() {
                            return recorder.ended(Ending::ServerClosed);
                        }
                    }
                }
            }
        };
        let down = async {
            let mut buffer = vec![0; 16 << 10];
            let mut out = Vec::new();
            loop {
                out.clear();
                let length = from_server.read(&mut buffer).await.unwrap_or(0);
                let bytes = buffer.get(..length).unwrap_or_default();
                match &mut swap {
                    None => out.extend_from_slice(bytes),
                    Some(swap) => {
                        if swap.push(bytes, &mut out) {
                            recorder.note(|c| c.tampered.push("replaced the value in a reply".into()));
                        }
                    }
                }
                recorder.written(&out);
                if let Err(error) = to_client.write_all(&out).await {
                    return recorder.ended(ending(&error));
                }
                if let Err(error) = to_client.flush().await {
                    return recorder.ended(ending(&error));
                }
                if length == 0 {
                    return recorder.ended(Ending::ServerClosed);
                }
            }
        };
        // Either side's end is the end: dropping both halves closes both connections.
        tokio::select! { () = up => {}, () = down => {} }
        if !heard.load(Ordering::Relaxed) {
            listen(&mut from_client, recorder).await;
        }
    }
}

/// Takes what a client says first, although the server has turned the relay away: there is a password in it, or the
/// client turns away by itself. Some look at the certificate only once the handshake is through, and a relay that is gone
/// by then would call that accepted.
pub(crate) async fn listen(client: &mut (impl AsyncRead + Unpin), recorder: &Recorder) {
    let mut buffer = vec![0; 16 << 10];
    match tokio::time::timeout(PATIENCE, client.read(&mut buffer)).await {
        Ok(Ok(0)) => recorder.note(|connection| connection.ended = Ending::ClientClosed),
        Ok(Ok(length)) => recorder.read(buffer.get(..length).unwrap_or_default()),
        Ok(Err(error)) => recorder.note(|connection| connection.ended = ending(&error)),
        Err(_) => {}
    }
}

/// Replaces bytes in a stream, also where they come in pieces.
struct Swap {
    tamper: Tamper,
    /// Bytes at the end that may become a match.
    held: Vec<u8>,
}

impl Swap {
    fn new(tamper: Tamper) -> Self {
        Self { tamper, held: Vec::new() }
    }

    /// Adds to `out` what can go on; no bytes at all mean the end. True where something was replaced.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let find = self.tamper.find.as_slice();
        let mut changed = false;
        let mut rest = all.as_slice();
        while let Some(first) = rest.first() {
            if !find.is_empty() && rest.starts_with(find) {
                out.extend_from_slice(&self.tamper.replace);
                rest = rest.get(find.len()..).unwrap_or_default();
                changed = true;
            } else if !bytes.is_empty() && find.starts_with(rest) {
                self.held = rest.to_vec();
                break;
            } else {
                out.push(*first);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_however_it_is_cut() {
        let text = b"$6\r\nsecret\r\n+secre\r\nsesecret";
        for step in 1..text.len() {
            let mut swap = Swap::new(Tamper { find: b"secret".to_vec(), replace: b"forged".to_vec() });
            let mut out = Vec::new();
            for piece in text.chunks(step) {
                swap.push(piece, &mut out);
            }
            swap.push(b"", &mut out);
            assert_eq!(out, b"$6\r\nforged\r\n+secre\r\nseforged", "step {step}");
        }
    }
}
