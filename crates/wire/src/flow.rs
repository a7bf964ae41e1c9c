//! One TCP connection: its two streams and what they say.

use crate::canary::{Needles, Scanner, Sighting};
use crate::credential::Ledger;
use crate::packet::Segment;
use crate::reader::{Event, Reader};
use crate::stream::{Chunk, Stream};
use crate::tls::Watch;
use std::net::SocketAddr;
use wirelab_model::{Direction, FlowKind, FlowSeen};

/// How much of each stream is kept to look at later: 256 KiB.
pub(crate) const MAX_KEPT: usize = 256 << 10;

/// A secret in a stream, and the frame that brought its last byte.
pub(crate) struct Hit {
    pub(crate) from: Direction,
    pub(crate) sighting: Sighting,
    pub(crate) frame: u64,
}

pub(crate) struct Flow<'n> {
    client: SocketAddr,
    server: SocketAddr,
    /// Sequence number of the SYN of the client, seen or as its SYN-ACK tells; none where the capture
    /// began later.
    isn: Option<u32>,
    from_client: Side<'n>,
    from_server: Side<'n>,
    facts: Facts,
    reset: bool,
}

struct Side<'n> {
    stream: Stream,
    ear: Ear<'n>,
}

/// What takes the bytes of a stream in order.
struct Ear<'n> {
    from: Direction,
    scanner: Scanner<'n>,
    reader: Reader,
    kept: Vec<u8>,
    /// There was no hole yet.
    whole: bool,
    bytes: u64,
}

struct Facts {
    ledger: Ledger,
    tls: Option<Watch>,
    commands: u64,
    replies: u64,
    gaps: u64,
}

/// Who opened the connection that a segment belongs to, going by this segment alone: the sender of
/// the SYN; else the side that does not use a known server port; else the higher port.
fn roles(segment: &Segment<'_>, server_ports: &[u16]) -> (SocketAddr, SocketAddr) {
    let (source, destination) = (segment.source, segment.destination);
    let known = |address: SocketAddr| server_ports.contains(&address.port());
    let source_is_client = if segment.syn {
        segment.ack.is_none()
    } else if known(source) != known(destination) {
        known(destination)
    } else {
        source.port() >= destination.port()
    };
    if source_is_client { (source, destination) } else { (destination, source) }
}

impl<'n> Flow<'n> {
    /// The flow whose first segment this is. The segment is still to be pushed.
    pub(crate) fn new(segment: &Segment<'_>, server_ports: &[u16], needles: &'n Needles) -> Self {
        let (client, server) = roles(segment, server_ports);
        let whole = segment.syn;
        let side = |from| Side { stream: Stream::default(), ear: Ear::new(from, needles, whole) };
        Self {
            client,
            server,
            isn: segment.syn.then(|| segment.ack.map_or(segment.seq, |ack| ack.wrapping_sub(1))),
            from_client: side(Direction::Client),
            from_server: side(Direction::Server),
            facts: Facts { ledger: Ledger::new(whole), tls: None, commands: 0, replies: 0, gaps: 0 },
            reset: false,
        }
    }

    /// Whether the segment opens another connection between the same ports: a connection never
    /// changes the sequence number it began with.
    pub(crate) fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        segment.syn && segment.ack.is_none() && self.isn != Some(segment.seq)
    }

    pub(crate) fn direction(&self, segment: &Segment<'_>) -> Direction {
        if segment.source == self.client { Direction::Client } else { Direction::Server }
    }

    /// Position in its stream of the first payload byte of a segment.
    pub(crate) fn position_of(&self, segment: &Segment<'_>) -> Option<u64> {
        let side = match self.direction(segment) {
            Direction::Client => &self.from_client,
            Direction::Server => &self.from_server,
        };
        side.stream.position_of(segment.seq.wrapping_add(u32::from(segment.syn)))
    }

    /// Takes a segment of this connection. What comes after a reset is not read.
    pub(crate) fn push(&mut self, segment: &Segment<'_>, frame: u64, hits: &mut impl FnMut(Hit)) {
        if self.reset {
            return;
        }
        if segment.rst {
            self.reset = true;
            return;
        }
        let facts = &mut self.facts;
        let (own, other) = match segment.source == self.client {
            true => (&mut self.from_client, &mut self.from_server),
            false => (&mut self.from_server, &mut self.from_client),
        };
        // First: what the other side said was heard before this was said.
        if let Some(ack) = segment.ack {
            other.stream.acknowledge(ack, &mut |chunk| other.ear.hear(chunk, facts, hits));
        }
        if segment.syn {
            own.stream.syn(segment.seq);
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.syn));
        own.stream
            .push(seq, segment.payload, segment.cut, frame, &mut |chunk| own.ear.hear(chunk, facts, hits));
        if segment.fin {
            let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX).wrapping_add(segment.cut);
            own.stream.fin(seq.wrapping_add(length));
        }
    }

    /// Reads what still waits behind holes.
    pub(crate) fn flush(&mut self, hits: &mut impl FnMut(Hit)) {
        for Side { stream, ear } in [&mut self.from_client, &mut self.from_server] {
            stream.finish(&mut |chunk| ear.hear(chunk, &mut self.facts, hits));
        }
    }

    /// What was seen, and the heads of the two streams, client first.
    pub(crate) fn into_seen(self, needles: &Needles) -> (FlowSeen, [Vec<u8>; 2]) {
        let Facts { ledger, tls, commands, replies, gaps } = self.facts;
        let mut tls = tls.map(|watch| watch.seen);
        let readable = commands + replies > 0;
        if let Some(tls) = &mut tls {
            tls.sni = tls.sni.take().map(|name| needles.mask_text(&name));
        }
        let seen = FlowSeen {
            client: self.client,
            server: self.server,
            kind: match (tls.is_some(), readable) {
                (true, _) => FlowKind::Tls,
                (false, true) => FlowKind::Plaintext,
                (false, false) => FlowKind::Other,
            },
            mixed: tls.is_some() && readable,
            client_bytes: self.from_client.ear.bytes,
            server_bytes: self.from_server.ear.bytes,
            commands,
            replies,
            // A client that is set up wrongly may send a secret as its user name.
            credentials: ledger.texts().map(|text| needles.mask_text(&text)).collect(),
            tls,
            gaps,
            reset: self.reset,
        };
        (seen, [self.from_client.ear.kept, self.from_server.ear.kept])
    }
}

impl<'n> Ear<'n> {
    fn new(from: Direction, needles: &'n Needles, whole: bool) -> Self {
        Self {
            from,
            scanner: needles.scanner(),
            reader: Reader::new(from, whole),
            kept: Vec::new(),
            whole: true,
            bytes: 0,
        }
    }

    fn hear(&mut self, chunk: Chunk<'_>, facts: &mut Facts, hits: &mut impl FnMut(Hit)) {
        let from = self.from;
        match chunk {
            Chunk::Data(bytes, frame) => {
                self.bytes += bytes.len() as u64;
                if self.whole {
                    let room = MAX_KEPT - self.kept.len();
                    self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                }
                self.scanner.each(bytes, |sighting, _| hits(Hit { from, sighting, frame }));
                let old_tls = facts.old_tls();
                self.reader.push(bytes, old_tls, &mut |event| facts.note(from, event));
            }
            Chunk::Gap(lost) => {
                facts.gaps += lost;
                facts.ledger.stop();
                self.whole = false;
                self.scanner.skip(lost);
                self.reader.gap();
            }
        }
    }
}

impl Facts {
    fn old_tls(&self) -> bool {
        self.tls.as_ref().is_some_and(Watch::is_old)
    }

    fn note(&mut self, from: Direction, event: Event) {
        match event {
            Event::Command(words) => {
                self.commands += 1;
                self.ledger.command(&words);
            }
            Event::Reply(value) => self.replies += u64::from(self.ledger.reply(&value)),
            Event::Tls(event) => self.tls.get_or_insert_default().note(from, event),
        }
    }
}
