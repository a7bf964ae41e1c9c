use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirelab_model::{Ending, Opening};
use wirelab_redis::{Recorder, Stream, ending};

/// Record header: type, version, length (RFC 8446 section 5.1).
const HEADER: usize = 5;
/// Record type application_data.
pub(crate) const APPLICATION: u8 = 23;
/// Records of that type that a client sends before the server's next one is certainly one of the
/// application: in TLS 1.3 the first carries its Finished.
pub(crate) const CLIENT_RECORDS: u64 = 2;

/// A connection to the good server for one that passes bytes on unopened, and whether the client opened with TLS.
/// None: there is no server, which is noted.
pub(crate) async fn reach(upstream: SocketAddr, recorder: &Recorder) -> Option<(TcpStream, bool)> {
    let server = match TcpStream::connect(upstream).await {
        Ok(server) => server,
        Err(error) => {
            recorder.ended(Ending::Error { reason: format!("cannot reach the good server: {error}") });
            return None;
        }
    };
    drop(server.set_nodelay(true));
    let mut tls = false;
    recorder.note(|connection| {
        connection.upstream = server.local_addr().ok();
        tls = connection.opening == Opening::Tls;
    });
    Some((server, tls))
}

/// Passes bytes on; with a value, flips one bit of what the server sends.
pub(crate) async fn run(
    client: Box<dyn Stream>,
    recorder: Recorder,
    upstream: SocketAddr,
    value: Option<Vec<u8>>,
) {
    let Some((server, tls)) = reach(upstream, &recorder).await else { return };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let client_records = AtomicU64::new(0);
    let up = async {
        let mut buffer = vec![0; 16 << 10];
        let mut records = Records::default();
        loop {
            match from_client.read(&mut buffer).await {
                Ok(0) => return recorder.ended(Ending::ClientClosed),
                Err(error) => return recorder.ended(ending(&error)),
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    if tls {
                        let begun = records.begin(bytes, APPLICATION).len() as u64;
                        client_records.fetch_add(begun, Ordering::Relaxed);
                    } else {
                        recorder.read(bytes);
                    }
                    if to_server.write_all(bytes).await.is_err() {
                        return recorder.ended(Ending::ServerClosed);
                    }
                }
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 16 << 10];
        let mut flip = Flip::new(tls, value);
        loop {
            let length = match from_server.read(&mut buffer).await {
                Ok(0) | Err(_) => return recorder.ended(Ending::ServerClosed),
                Ok(length) => length,
            };
            let bytes = buffer.get_mut(..length).unwrap_or_default();
            let application = client_records.load(Ordering::Relaxed) >= CLIENT_RECORDS;
            if let Some(at) = flip.push(bytes, application) {
                recorder.note(|c| c.tampered.push(format!("flipped bit 0 of byte {at} from the server")));
            }
            if !tls {
                recorder.written(bytes);
            }
            if let Err(error) = to_client.write_all(bytes).await {
                return recorder.ended(ending(&error));
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}

/// Follows TLS records through a stream in any segmentation.
#[derive(Default)]
pub(crate) struct Records {
    header: Vec<u8>,
    /// Bytes of the current record that are still to come.
    left: usize,
}

impl Records {
    /// Offsets in `bytes` at which the payload of a record of this type begins.
    pub(crate) fn begin(&mut self, bytes: &[u8], kind: u8) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len() - at);
                self.left -= skipped;
                at += skipped;
                continue;
            }
            self.header.push(bytes.get(at).copied().unwrap_or_default());
            at += 1;
            if let [record, _, _, high, low] = *self.header.as_slice() {
                self.left = usize::from(u16::from_be_bytes([high, low]));
                if record == kind {
                    found.push(at);
                }
                self.header.clear();
            }
            debug_assert!(self.header.len() < HEADER);
        }
        found
    }
}

/// Flips one bit, once.
struct Flip {
    tls: bool,
    value: Option<Vec<u8>>,
    records: Records,
    /// How many bytes of the value the stream ended with so far.
    matched: usize,
    position: u64,
}

impl Flip {
    fn new(tls: bool, value: Option<Vec<u8>>) -> Self {
        Self { tls, value, records: Records::default(), matched: 0, position: 0 }
    }

    /// Changes `bytes` where it is time to; gives the offset in the stream of the changed byte.
    fn push(&mut self, bytes: &mut [u8], application: bool) -> Option<u64> {
        let begun = if self.tls { self.records.begin(bytes, APPLICATION) } else { Vec::new() };
        let start = self.position;
        self.position += bytes.len() as u64;
        let value = self.value.as_ref()?;
        let at = if self.tls {
            // A payload that begins in a later segment waits for the next record.
            begun.into_iter().find(|at| application && *at < bytes.len())?
        } else {
            let mut end = None;
            for (at, byte) in bytes.iter().enumerate() {
                self.matched = advance(value, self.matched, *byte);
                if self.matched == value.len() {
                    end = Some(at);
                    break;
                }
            }
            end?
        };
        *bytes.get_mut(at)? ^= 1;
        self.value = None;
        Some(start + at as u64)
    }
}

/// How many bytes of `value` match after one more byte. A canary begins with a letter sequence that
/// does not occur in it again, so a mismatch can only start over.
fn advance(value: &[u8], matched: usize, byte: u8) -> usize {
    if value.get(matched) == Some(&byte) { matched + 1 } else { usize::from(value.first() == Some(&byte)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_the_last_byte_of_the_value_once_however_it_is_cut() {
        let text = b"$9\r\nwirelab-1\r\n$9\r\nwirelab-1\r\n";
        for step in 1..text.len() {
            let mut flip = Flip::new(false, Some(b"wirelab-1".to_vec()));
            let mut out = text.to_vec();
            let flips: Vec<u64> = out.chunks_mut(step).filter_map(|piece| flip.push(piece, true)).collect();
            assert_eq!(flips, [12], "step {step}");
            assert_eq!(out, b"$9\r\nwirelab-0\r\n$9\r\nwirelab-1\r\n");
        }
    }

    #[test]
    fn flips_the_payload_of_an_application_record_and_no_header() {
        let mut out = b"\x16\x03\x03\x00\x02ab\x17\x03\x03\x00\x01c\x17\x03\x03\x00\x02de".to_vec();
        let before = out.clone();
        let mut flip = Flip::new(true, Some(vec![]));
        assert_eq!(flip.push(&mut out[..13], false), None, "too early");
        assert_eq!(flip.push(&mut out[13..], true), Some(18));
        assert_eq!(out[18], before[18] ^ 1);
        assert_eq!((&out[..18], &out[19..]), (&before[..18], &before[19..]));
    }
}
