//! A client that minds nothing: it goes on with whatever a peer does to the handshake, and hands over the
//! password. It is here to prove that a misbehaving rogue is live, and that the lab would notice a client
//! which falls for it. It still works with a good server, over TLS 1.3, and over TLS 1.2 where that has X25519.

mod handshake;
mod locks;
mod session;

use crate::Target;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirelab_model::{ClientEnd, ClientReport, Transport};
use wirelab_tls::{Keys, split_record};

/// How long it waits for more where a good peer would have said something already.
const PATIENCE: Duration = Duration::from_millis(200);
/// The same for the first byte, and in the midst of much: a peer may have sixteen megabytes to make and to hash, on a machine
/// that does more.
const MORE_PATIENCE: Duration = Duration::from_secs(2);
/// Bytes from which on it is much.
const MUCH: usize = 1 << 20;
/// How long it is left with a peer that says nothing: twice as long as the other client of the lab waits.
const HELD: Duration = Duration::from_secs(1);
/// Most bytes from the peer that it takes in a handshake: the longest message that there can be, and some.
const MOST_HANDSHAKE: usize = 17 << 20;
/// Most bytes from the peer that it takes after it.
const MOST: usize = 1 << 20;

/// Why it cannot go on, for people.
type Stuck = String;

/// What is next in the stream.
enum Item {
    /// A record: its type and its payload.
    Record(u8, Vec<u8>),
    /// What is no record.
    Stray(Vec<u8>),
    /// The peer closed or reset, or says nothing any more.
    Nothing,
}

/// One connection.
struct Wire {
    tcp: TcpStream,
    buffer: Vec<u8>,
    taken: usize,
    /// Most bytes that it takes.
    most: usize,
    /// None: waits until the deadline of the trial.
    patience: Option<Duration>,
}

impl Wire {
    async fn connect(target: &Target) -> Result<Self, Stuck> {
        let failed = |error: std::io::Error| format!("cannot connect: {error}");
        let tcp = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        Ok(Self {
            tcp,
            buffer: Vec::new(),
            taken: 0,
            most: MOST_HANDSHAKE,
            patience: (!target.stalled).then_some(PATIENCE),
        })
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Stuck> {
        self.tcp.write_all(bytes).await.map_err(|error| format!("cannot send: {error}"))
    }

    /// Reads more. False where nothing comes any more.
    async fn fill(&mut self) -> bool {
        let mut bytes = vec![0; 16 << 10];
        let read = self.tcp.read(&mut bytes);
        let busy = self.taken == 0 || self.taken > MUCH;
        let length = match self.patience.map(|patience| if busy { MORE_PATIENCE } else { patience }) {
            None => read.await,
            Some(patience) => tokio::time::timeout(patience, read).await.unwrap_or(Ok(0)),
        };
        let length = length.unwrap_or(0);
        self.taken += length;
        self.buffer.extend_from_slice(bytes.get(..length).unwrap_or_default());
        length > 0 && self.taken <= self.most
    }

    async fn next(&mut self) -> Item {
        loop {
            if let Some(stray) = stray(&self.buffer) {
                return Item::Stray(self.buffer.drain(..stray).collect());
            }
            if let Some((kind, payload, end)) = split_record(&self.buffer) {
                let payload = payload.to_vec();
                self.buffer.drain(..end);
                return Item::Record(kind, payload);
            }
            if !self.fill().await {
                let rest = std::mem::take(&mut self.buffer);
                return if rest.is_empty() { Item::Nothing } else { Item::Stray(rest) };
            }
        }
    }
}

/// How many bytes at the front are no record. What has a type or a version of TLS is taken for one.
fn stray(bytes: &[u8]) -> Option<usize> {
    let like_record = |at: &[u8]| match *at {
        [kind, ..] if (20..=24).contains(&kind) => true,
        [_, 3, ..] => true,
        _ => false,
    };
    if bytes.len() < 2 || like_record(bytes) {
        return None;
    }
    let next =
        (1..bytes.len()).find(|at| bytes.get(*at..).is_some_and(|rest| rest.len() > 1 && like_record(rest)));
    Some(next.unwrap_or(bytes.len()))
}

/// Opens a record, also one that is not in its turn.
fn open(keys: &mut Keys, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
    let next = keys.sequence;
    let nearby = (next..next + 4).chain(next.saturating_sub(4)..next);
    let (sequence, inner) = nearby.into_iter().find_map(|at| Some((at, keys.open_as(at, payload)?)))?;
    keys.sequence = next.max(sequence + 1);
    wirelab_tls::unpad(inner)
}

/// SETs the value and GETs it, and takes for it whatever comes.
pub(crate) async fn run(target: &Target) -> ClientReport {
    let start = Instant::now();
    let mut received = None;
    let deadline = if target.stalled { target.deadline.min(HELD) } else { target.deadline };
    let result = tokio::time::timeout(deadline, attempt(target, &mut received)).await;
    let (end, error) = match result {
        Ok(Ok(())) => (ClientEnd::Worked, None),
        Ok(Err(stuck)) => (ClientEnd::Failed { code: None }, Some(stuck)),
        Err(_) => (ClientEnd::TimedOut { after_ms: crate::command::millis(deadline) }, None),
    };
    ClientReport {
        end,
        error,
        received,
        left_behind: Vec::new(),
        duration_ms: crate::command::millis(start.elapsed()),
        memory: None,
        stdout: Vec::new(),
        stderr: Vec::new(),
        output_cut: 0,
    }
}

async fn attempt(target: &Target, received: &mut Option<String>) -> Result<(), Stuck> {
    if target.transport != Transport::Plaintext {
        let mut ticket = None;
        let mut target = target.clone();
        // Once more where a session was cut off that can be resumed, or it is sent elsewhere: it minds no names.
        for _ in 0..2 {
            let mut wire = Wire::connect(&target).await?;
            let early = session::login(&target);
            match handshake::shake(&mut wire, &target, ticket.take(), &early).await? {
                handshake::Outcome::Secured(mut channel) => {
                    let elsewhere = session::lead(&mut wire, Some(&mut channel), &target, received).await;
                    let again = elsewhere.is_some() || received.as_deref() == Some("");
                    ticket = channel.ticket.filter(|_| again);
                    if let Some((host, port)) = elsewhere {
                        (target.host, target.port) = (host, port);
                    }
                    if ticket.is_none() {
                        return Ok(());
                    }
                }
                handshake::Outcome::NoTls => break,
            }
        }
        if ticket.is_some() {
            return Ok(());
        }
    }
    let mut wire = Wire::connect(target).await?;
    session::lead(&mut wire, None, target, received).await;
    Ok(())
}
