//! Somebody on the path between client and good server, who has no key: records are sent again, put in, or
//! cut off.

use crate::corrupt::{APPLICATION, CLIENT_RECORDS, Records};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirelab_model::Ending;
use wirelab_redis::{Recorder, Stream, ending};

/// What is done at the first reply or ticket of the server's, once for each connection.
#[derive(Clone, Copy)]
pub(crate) enum Prank {
    /// The record is sent twice.
    Replay,
    /// The connection ends in order before the record.
    CutOff,
    /// These bytes come before the record.
    PutIn(&'static [u8]),
    /// The record is left out.
    Drop,
    /// The record comes after the next one.
    Swap,
}

impl Prank {
    /// Protected records that the client must have sent before a record of the server's is the one. What is
    /// left out or late has to be followed by another one at once, or the client would wait for it: in TLS 1.3
    /// that is the first ticket, which comes after the client's Finished.
    fn after(self) -> u64 {
        match self {
            Self::Drop | Self::Swap => 1,
            Self::Replay | Self::CutOff | Self::PutIn(_) => CLIENT_RECORDS,
        }
    }
}

/// Passes bytes on; with a prank, plays it.
pub(crate) async fn run(
    client: Box<dyn Stream>,
    recorder: Recorder,
    upstream: SocketAddr,
    prank: Option<(Prank, &'static str)>,
) {
    let server = match TcpStream::connect(upstream).await {
        Ok(server) => server,
        Err(error) => {
            return recorder
                .ended(Ending::Error { reason: format!("cannot reach the good server: {error}") });
        }
    };
    drop(server.set_nodelay(true));
    recorder.note(|connection| connection.upstream = server.local_addr().ok());
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let client_records = std::sync::atomic::AtomicU64::new(0);
    let order = std::sync::atomic::Ordering::Relaxed;
    let up = async {
        let mut buffer = vec![0; 16 << 10];
        let mut records = Records::default();
        loop {
            match from_client.read(&mut buffer).await {
                Ok(0) => return recorder.ended(Ending::ClientClosed),
                Err(error) => return recorder.ended(ending(&error)),
                Ok(length) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    client_records.fetch_add(records.begin(bytes, APPLICATION).len() as u64, order);
                    if to_server.write_all(bytes).await.is_err() {
                        return recorder.ended(Ending::ServerClosed);
                    }
                }
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 16 << 10];
        let mut cutter = Cutter::default();
        let mut prank = prank;
        let after = prank.map_or(0, |(prank, _)| prank.after());
        let mut late = Vec::new();
        loop {
            let length = match from_server.read(&mut buffer).await {
                Ok(0) | Err(_) => return recorder.ended(Ending::ServerClosed),
                Ok(length) => length,
            };
            let reply = client_records.load(order) >= after;
            for record in cutter.push(buffer.get(..length).unwrap_or_default()) {
                let due = reply && record.first() == Some(&APPLICATION);
                let mut out = Vec::new();
                match prank.take_if(|_| due) {
                    None => {
                        out.extend_from_slice(&record);
                        out.append(&mut late);
                    }
                    Some((what, flaw)) => {
                        recorder.note(|connection| connection.tampered.push(flaw.to_owned()));
                        match what {
                            Prank::Replay => out = [&record[..], &record].concat(),
                            Prank::CutOff => {
                                drop(to_client.shutdown().await);
                                // It ends when the client does, or at once: nothing more is passed on.
                                return recorder.ended(Ending::ServerClosed);
                            }
                            Prank::PutIn(bytes) => out = [bytes, &record].concat(),
                            Prank::Drop => {}
                            Prank::Swap => late = record,
                        }
                    }
                }
                if let Err(error) = to_client.write_all(&out).await {
                    return recorder.ended(ending(&error));
                }
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}

/// Cuts a stream of TLS into its records.
#[derive(Default)]
struct Cutter {
    held: Vec<u8>,
}

impl Cutter {
    /// The records that are whole now, each with its header. A record has at most 65540 bytes, so no more
    /// than that is held.
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.held.extend_from_slice(bytes);
        let mut whole = Vec::new();
        while let Some((_, _, end)) = wirelab_tls::split_record(&self.held) {
            whole.push(self.held.drain(..end).collect());
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_whole_however_they_come() {
        let stream = b"\x16\x03\x03\x00\x02ab\x17\x03\x03\x00\x00\x17\x03\x03\x00\x01c";
        for step in 1..stream.len() {
            let mut cutter = Cutter::default();
            let records: Vec<Vec<u8>> = stream.chunks(step).flat_map(|piece| cutter.push(piece)).collect();
            assert_eq!(records, [&stream[..7], &stream[7..12], &stream[12..]], "step {step}");
        }
    }
}
