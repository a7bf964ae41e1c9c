//! A capture while it goes by: commands, replies, credentials, TLS, gaps and flows, in bounded memory.
//!
//! Nothing is kept of a packet but what an open value needs. What any limit cuts off is counted.

mod credentials;
mod flow;
mod hears;
mod rdb;
mod side;
mod talk;
mod transaction;

use crate::credential::{Credential, Found};
use crate::decrypt::KeyLog;
use crate::defrag::Defrag;
use crate::packet::{Packet, Segment, read_bytes, reassembled};
use crate::stream::Chunk;
use crate::tls::TlsEvent;
use crate::words::Words;
use flow::{At, Flow, Shared};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use wirelab_model::{Direction, FlowKind, TlsSeen};

/// Ports that Redis and Valkey (6379), Redis with TLS by custom (6380) and Sentinel (26379) listen on.
pub const PORTS: [u16; 3] = [6379, 6380, 26379];
/// Most connections at once; beyond, one that was silent for long is ended.
const MOST_FLOWS: usize = 4096;
/// How many connections are looked at to find a silent one.
const LOOK_AT: usize = 16;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Ports of Redis: the server is the side that uses one, and inline commands are believed there.
    pub ports: Vec<u16>,
    /// Leave out connections to any other port.
    pub only_ports: bool,
    /// Give [`Event::Stream`] and [`Event::Message`] too.
    pub streams: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ports: PORTS.to_vec(), only_ports: false, streams: false }
    }
}

/// Something that went by.
#[derive(Debug)]
pub enum Event<'a> {
    /// A command.
    Command(Command<'a>),
    /// A reply, push or message.
    Reply(Reply<'a>),
    /// A credential, once it is known how it was answered, or that it never was.
    Credential(&'a Credential),
    /// What is known of a TLS connection, whenever more of it becomes known.
    Tls {
        /// Number of the flow.
        flow: u64,
        /// Number of the frame.
        frame: u64,
        /// All so far.
        seen: &'a TlsSeen,
    },
    /// Bytes that were never seen.
    Gap {
        /// Number of the flow.
        flow: u64,
        /// Who sent them.
        direction: Direction,
        /// How many.
        bytes: u64,
    },
    /// Bytes of a stream in their order, before anything is read in them.
    Stream {
        /// Number of the flow.
        flow: u64,
        /// Who sent them.
        direction: Direction,
        /// They, or that they were never seen.
        chunk: Chunk<'a>,
    },
    /// The end of a record of TLS, or a message in it.
    Message {
        /// Number of the flow.
        flow: u64,
        /// Number of the frame.
        frame: u64,
        /// Who sent it.
        direction: Direction,
        /// Itself.
        message: &'a TlsEvent,
    },
    /// A connection that ended, or was still open at the end of the capture.
    Flow(&'a FlowEnd),
}

/// A command.
#[derive(Debug)]
pub struct Command<'a> {
    /// Its number in the capture, from 1.
    pub id: u64,
    /// Number of its flow, from 1.
    pub flow: u64,
    /// Number of the frame that brought its end, from 1.
    pub frame: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// The client; or the server, where a master tells its replica what to do.
    pub from: Direction,
    /// Its name and arguments.
    pub words: &'a Words<'a>,
    /// Which of them are secrets.
    pub secrets: &'a [Found<'a>],
    /// Parts are missing.
    pub cut: bool,
    /// It was encrypted, and the keys were given.
    pub decrypted: bool,
}

/// A reply.
#[derive(Debug)]
pub struct Reply<'a> {
    /// Number of its flow.
    pub flow: u64,
    /// Number of the frame that brought its end.
    pub frame: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// Itself, in RESP.
    pub bytes: &'a [u8],
    /// Number of the command that it answers.
    pub answers: Option<u64>,
    /// The reply to EXEC: numbers of the commands that its elements answer, in their order.
    pub parts: &'a [u64],
    /// Nanoseconds since that command.
    pub latency: Option<u64>,
    /// It answers nothing: a push, a message, a line of MONITOR.
    pub push: bool,
    /// It is an error.
    pub error: bool,
    /// It holds a secret, or may do so: the answer to CONFIG GET.
    pub secret: bool,
    /// Parts are missing.
    pub cut: bool,
    /// It was encrypted, and the keys were given.
    pub decrypted: bool,
}

/// A connection at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEnd {
    /// Its number, from 1.
    pub flow: u64,
    /// Who opened it.
    pub client: SocketAddr,
    /// Who was called.
    pub server: SocketAddr,
    /// What it carried.
    pub kind: FlowKind,
    /// Plaintext RESP and TLS; `kind` is then `tls`.
    pub mixed: bool,
    /// Its packets.
    pub packets: u64,
    /// Payload bytes of the client, each once.
    pub client_bytes: u64,
    /// Payload bytes of the server, each once.
    pub server_bytes: u64,
    /// Readable commands.
    pub commands: u64,
    /// Readable replies; pushes are none.
    pub replies: u64,
    /// Commands that were encrypted, and decrypted with the keys that were given.
    pub decrypted: u64,
    /// Encrypted records that could not be opened although keys were there.
    pub sealed: u64,
    /// Bytes never seen.
    pub gaps: u64,
    /// Bytes of a readable connection that are neither RESP nor TLS.
    pub unread: u64,
    /// Values that were not kept whole.
    pub truncated: u64,
    /// Segments with other bytes than an earlier copy.
    pub conflicts: u64,
    /// Bytes that came after a reset and were not read.
    pub after_reset: u64,
    /// A side reset it.
    pub reset: bool,
    /// A replica and its master.
    pub replication: bool,
    /// Two nodes of a cluster.
    pub cluster_bus: bool,
    /// TLS facts.
    pub tls: Option<TlsSeen>,
}

/// What a whole capture amounts to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames that cannot be read as IP.
    pub damaged: u64,
    /// IP packets of which pieces are missing.
    pub fragments: u64,
    /// Flows with readable RESP and no TLS.
    pub plaintext: u64,
    /// Flows with TLS.
    pub tls: u64,
    /// Other flows.
    pub other: u64,
    /// Flows that changed between the two; counted as TLS.
    pub mixed: u64,
    /// Commands.
    pub commands: u64,
    /// Replies.
    pub replies: u64,
    /// Commands that were decrypted.
    pub decrypted: u64,
    /// Encrypted records that could not be opened although keys were there.
    pub sealed: u64,
    /// Bytes never seen.
    pub gaps: u64,
    /// Bytes of readable connections that are neither RESP nor TLS.
    pub unread: u64,
    /// Values not kept whole.
    pub truncated: u64,
    /// Conflicting segments.
    pub conflicts: u64,
    /// Bytes after a reset.
    pub after_reset: u64,
}

/// Two addresses with their ports, in either order: quicker to hash and to compare than as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pair {
    /// Two of IPv4: address and port of one above those of the other, 48 bits each.
    Short(u128),
    /// The addresses, those of IPv4 mapped into IPv6, and the ports.
    Long([u128; 2], u32),
}

impl Pair {
    fn new(a: SocketAddr, b: SocketAddr) -> Self {
        if let (SocketAddr::V4(a), SocketAddr::V4(b)) = (a, b) {
            let [a, b] = [a, b].map(|one| u64::from(one.ip().to_bits()) << 16 | u64::from(one.port()));
            return Self::Short(u128::from(a.min(b)) << 48 | u128::from(a.max(b)));
        }
        let packed = |address: SocketAddr| match address {
            SocketAddr::V4(v4) => (v4.ip().to_ipv6_mapped().to_bits(), v4.port()),
            SocketAddr::V6(v6) => (v6.ip().to_bits(), v6.port()),
        };
        let (a, b) = (packed(a), packed(b));
        let (first, second) = (a.min(b), a.max(b));
        Self::Long([first.0, second.0], u32::from(first.1) << 16 | u32::from(second.1))
    }
}

impl Hash for Pair {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Short(both) => state.write_u128(*both),
            Self::Long([first, second], ports) => {
                state.write_u128(*first);
                state.write_u128(*second);
                state.write_u32(*ports);
            }
        }
    }
}

/// Where a frame belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the flow.
    pub flow: u64,
    /// Who sent it.
    pub from: Direction,
    /// Offset of its payload in the frame.
    pub payload: usize,
    /// Offset of its payload in the stream; none where it is out of any window or in front of the start.
    pub position: Option<u64>,
}

/// Takes frames in the order of their capture.
pub struct Sniffer {
    settings: Settings,
    flows: Vec<Option<Flow>>,
    free: Vec<usize>,
    table: HashMap<Pair, usize, RandomState>,
    defrag: Defrag,
    keys: KeyLog,
    totals: Totals,
    /// Flows so far.
    opened: u64,
    /// Commands so far.
    commands: u64,
    /// Bytes that all flows hold.
    held: usize,
    /// Where the next silent flow is looked for.
    hand: usize,
    last: At,
}

impl Sniffer {
    /// Nothing seen yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            flows: Vec::new(),
            free: Vec::new(),
            table: HashMap::default(),
            defrag: Defrag::default(),
            keys: KeyLog::default(),
            totals: Totals::default(),
            opened: 0,
            commands: 0,
            held: 0,
            hand: 0,
            last: At { time: 0, frame: 0 },
        }
    }

    /// Keys of TLS sessions, as a key log file has them; they are used from here on. Gives the number of
    /// lines that were taken.
    pub fn add_keys(&mut self, log: &[u8]) -> usize {
        self.keys.add(log)
    }

    /// The next frame: see [`read_bytes`]. `time` in nanoseconds.
    pub fn push(
        &mut self,
        bytes: &[u8],
        wire_len: u32,
        link_type: u16,
        time: u64,
        out: &mut impl FnMut(Event<'_>),
    ) {
        self.totals.packets += 1;
        self.totals.bytes += u64::from(wire_len);
        self.last = At { time, frame: self.totals.packets };
        match read_bytes(bytes, wire_len, link_type) {
            Packet::Tcp(segment) => self.segment(&segment, out),
            Packet::Fragment(fragment) => {
                if let Some(whole) = self.defrag.push(&fragment)
                    && let Some(segment) =
                        reassembled(fragment.source, fragment.destination, fragment.protocol, &whole)
                {
                    self.segment(&segment, out);
                }
            }
            Packet::Other(_) => {}
            Packet::Damaged => self.totals.damaged += 1,
        }
    }

    /// Where the frame that was pushed last belongs, given once more; none where that is no flow.
    pub fn place(&self, bytes: &[u8], wire_len: u32, link_type: u16) -> Option<Place> {
        let Packet::Tcp(segment) = read_bytes(bytes, wire_len, link_type) else { return None };
        let index = self.table.get(&Pair::new(segment.source, segment.destination))?;
        let flow = self.flow(*index)?;
        let (from, position) = flow.place(&segment);
        Some(Place { flow: flow.id, from, payload: segment.at, position })
    }

    fn segment(&mut self, segment: &Segment<'_>, out: &mut impl FnMut(Event<'_>)) {
        let (a, b) = (segment.source, segment.destination);
        if self.settings.only_ports
            && ![a, b].iter().any(|address| self.settings.ports.contains(&address.port()))
        {
            return;
        }
        let key = Pair::new(a, b);
        let known = self.table.get(&key).copied();
        let at = self.last;
        let index = match known {
            Some(index) if !self.flow(index).is_some_and(|flow| flow.is_followed_by(segment)) => index,
            _ => {
                if let Some(old) = known {
                    self.end(old, out);
                }
                // The last acknowledgment of a connection that was told already opens no other.
                if segment.payload.is_empty() && !segment.syn && segment.cut == 0 {
                    return;
                }
                self.open(key, segment, out)
            }
        };
        let Some(flow) = self.flows.get_mut(index).and_then(Option::as_mut) else { return };
        let full = self.held > side::MOST_HELD;
        let before = flow.held;
        let around = Shared { full, keys: &self.keys, commands: &mut self.commands };
        flow.push(segment, at, around, out);
        flow.held = flow.held();
        self.held = (self.held + flow.held).saturating_sub(before);
    }

    fn flow(&self, index: usize) -> Option<&Flow> {
        self.flows.get(index).and_then(Option::as_ref)
    }

    fn open(&mut self, key: Pair, segment: &Segment<'_>, out: &mut impl FnMut(Event<'_>)) -> usize {
        if self.table.len() >= MOST_FLOWS {
            self.make_room(out);
        }
        self.opened += 1;
        let flow = Flow::new(self.opened, segment, &self.settings);
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.flows.push(None);
                self.flows.len() - 1
            }
        };
        if let Some(place) = self.flows.get_mut(index) {
            *place = Some(flow);
        }
        self.table.insert(key, index);
        index
    }

    /// Ends a flow: of the next few one that is over, else the one that was silent for longest.
    fn make_room(&mut self, out: &mut impl FnMut(Event<'_>)) {
        let count = self.flows.len().max(1);
        let places = (0..LOOK_AT).map(|step| (self.hand + step) % count);
        let chosen = places
            .filter_map(|index| Some((index, self.flow(index)?)))
            .min_by_key(|(_, flow)| (!flow.is_over(), flow.last))
            .map(|(index, _)| index);
        self.hand = (self.hand + LOOK_AT) % count;
        if let Some(index) = chosen {
            self.end(index, out);
        }
    }

    fn end(&mut self, index: usize, out: &mut impl FnMut(Event<'_>)) {
        let Some(flow) = self.flows.get_mut(index).and_then(Option::take) else { return };
        self.held = self.held.saturating_sub(flow.held);
        let around = Shared { full: false, keys: &self.keys, commands: &mut self.commands };
        let end = flow.finish(self.last, around, out);
        self.table.remove(&Pair::new(end.client, end.server));
        self.free.push(index);
        self.totals.add(&end);
    }

    /// Ends all flows that are still open, in the order in which they began.
    pub fn finish(mut self, out: &mut impl FnMut(Event<'_>)) -> Totals {
        let mut open: Vec<(u64, usize)> = self
            .flows
            .iter()
            .enumerate()
            .filter_map(|(index, flow)| Some((flow.as_ref()?.id, index)))
            .collect();
        open.sort_unstable();
        for (_, index) in open {
            self.end(index, out);
        }
        self.totals.fragments = self.defrag.incomplete();
        self.totals
    }
}

impl Totals {
    fn add(&mut self, end: &FlowEnd) {
        match end.kind {
            FlowKind::Plaintext => self.plaintext += 1,
            FlowKind::Tls => self.tls += 1,
            FlowKind::Other => self.other += 1,
        }
        self.mixed += u64::from(end.mixed);
        self.commands += end.commands;
        self.replies += end.replies;
        self.decrypted += end.decrypted;
        self.sealed += end.sealed;
        self.gaps += end.gaps;
        self.unread += end.unread;
        self.truncated += end.truncated;
        self.conflicts += end.conflicts;
        self.after_reset += end.after_reset;
    }
}

#[cfg(test)]
mod tests;
