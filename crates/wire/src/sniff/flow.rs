//! One connection while it goes by.

use super::credentials::Credentials;
use super::hears::{Hears, Inside};
use super::side::{self, Around, Side};
use super::talk::Talk;
use super::{Event, FlowEnd, Settings};
use crate::decrypt::KeyLog;
use crate::packet::Segment;
use crate::stream::{Chunk, Stream};
use crate::tls::Watch;
use std::net::SocketAddr;
use wirelab_model::{Direction, FlowKind};

/// How long bytes wait behind a hole for what is missing: 5 s of capture time.
const PATIENCE: u64 = 5_000_000_000;

/// A connection: its two streams, and what comes out of them.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: u64,
    client: SocketAddr,
    server: SocketAddr,
    isn: Option<u32>,
    client_stream: Stream,
    server_stream: Stream,
    conversation: Conversation,
    packets: u64,
    after_reset: u64,
    reset: bool,
    client_closed: bool,
    server_closed: bool,
    pub(super) last: u64,
    waits_since: Option<u64>,
    /// Bytes of memory that it held after the last packet.
    pub(super) held: usize,
}

/// What both sides say to each other.
#[derive(Debug)]
struct Conversation {
    flow: u64,
    known_port: bool,
    whole: bool,
    from_client: Side,
    from_server: Side,
    talk: Talk,
    tls: Option<Box<Watch>>,
    inside: Option<Box<Inside>>,
    /// How often TLS facts were told.
    tls_told: u64,
    credentials: Credentials,
    /// Streams and messages of TLS are wanted as they are.
    streams: bool,
    commands: u64,
    replies: u64,
}

/// What all flows share.
#[derive(Debug)]
pub(super) struct Shared<'s> {
    /// Too much waits in all connections together.
    pub(super) full: bool,
    pub(super) keys: &'s KeyLog,
    /// Commands so far.
    pub(super) commands: &'s mut u64,
}

/// Where an event comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) time: u64,
    pub(super) frame: u64,
}

impl Flow {
    pub(super) fn new(id: u64, segment: &Segment<'_>, settings: &Settings) -> Self {
        let known = |address: SocketAddr| settings.ports.contains(&address.port());
        let (source, destination) = (segment.source, segment.destination);
        let source_is_client = if segment.syn {
            segment.ack.is_none()
        } else if known(source) != known(destination) {
            known(destination)
        } else {
            // The capture began later. What is said tells more than the numbers of the ports.
            match segment.payload.first() {
                Some(b'*') if side::begins_command(segment.payload) => true,
                Some(b'+' | b'-' | b':' | b'$' | b'_' | b'%' | b'>') => false,
                _ => source.port() >= destination.port(),
            }
        };
        let (client, server) = if source_is_client { (source, destination) } else { (destination, source) };
        Self {
            id,
            client,
            server,
            isn: segment.syn.then(|| segment.ack.map_or(segment.seq, |ack| ack.wrapping_sub(1))),
            client_stream: Stream::default(),
            server_stream: Stream::default(),
            conversation: Conversation {
                flow: id,
                known_port: known(server),
                whole: segment.syn,
                from_client: Side::new(Direction::Client),
                from_server: Side::new(Direction::Server),
                talk: Talk::new(segment.syn),
                tls: None,
                inside: None,
                tls_told: 0,
                credentials: Credentials::default(),
                streams: settings.streams,
                commands: 0,
                replies: 0,
            },
            packets: 0,
            after_reset: 0,
            reset: false,
            client_closed: false,
            server_closed: false,
            last: 0,
            waits_since: None,
            held: 0,
        }
    }

    /// Whether the segment opens another connection between the same ports.
    pub(super) fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        segment.syn && segment.ack.is_none() && self.isn != Some(segment.seq)
    }

    /// Which side sent a segment of this connection, and where in its stream the payload is.
    pub(super) fn place(&self, segment: &Segment<'_>) -> (Direction, Option<u64>) {
        let (from, stream) = match segment.source == self.client {
            true => (Direction::Client, &self.client_stream),
            false => (Direction::Server, &self.server_stream),
        };
        (from, stream.position_of(segment.seq.wrapping_add(u32::from(segment.syn))))
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.conversation.held() + self.client_stream.held() + self.server_stream.held()
    }

    /// Both sides have closed it, or one reset it.
    pub(super) fn is_over(&self) -> bool {
        self.reset || (self.client_closed && self.server_closed)
    }

    pub(super) fn push(
        &mut self,
        segment: &Segment<'_>,
        at: At,
        mut given: Shared<'_>,
        out: &mut impl FnMut(Event<'_>),
    ) {
        let shared = &mut given;
        self.packets += 1;
        self.last = at.time;
        if self.reset {
            self.after_reset += segment.payload.len() as u64;
            return;
        }
        if segment.rst {
            self.reset = true;
            return;
        }
        let (own, other) = match segment.source == self.client {
            true => (Direction::Client, Direction::Server),
            false => (Direction::Server, Direction::Client),
        };
        if let Some(ack) = segment.ack
            && self.stream(other).is_waiting()
        {
            self.chunks(other, at, shared, out, |stream, mut hear| {
                stream.acknowledge(ack, &mut hear);
            });
        } else if let Some(ack) = segment.ack {
            // Nothing waits, so nothing comes out.
            self.stream(other).acknowledge(ack, &mut |_| {});
        }
        if segment.syn {
            self.stream(own).syn(segment.seq);
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.syn));
        if !segment.payload.is_empty() || segment.cut > 0 {
            self.chunks(own, at, shared, out, |stream, mut hear| {
                stream.push(seq, segment.payload, segment.cut, at.frame, &mut hear);
            });
        }
        if segment.fin {
            let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX).wrapping_add(segment.cut);
            self.stream(own).fin(seq.wrapping_add(length));
            match own {
                Direction::Client => self.client_closed = true,
                Direction::Server => self.server_closed = true,
            }
        }
        self.do_not_wait_for_ever(at, shared, out);
    }

    fn do_not_wait_for_ever(&mut self, at: At, shared: &mut Shared<'_>, out: &mut impl FnMut(Event<'_>)) {
        if !self.client_stream.is_waiting() && !self.server_stream.is_waiting() {
            self.waits_since = None;
            return;
        }
        let since = *self.waits_since.get_or_insert(at.time);
        if shared.full || at.time.saturating_sub(since) > PATIENCE {
            for side in [Direction::Client, Direction::Server] {
                self.chunks(side, at, shared, out, |stream, mut hear| {
                    stream.release(&mut hear);
                });
            }
            self.waits_since = None;
        }
    }

    fn stream(&mut self, from: Direction) -> &mut Stream {
        match from {
            Direction::Client => &mut self.client_stream,
            Direction::Server => &mut self.server_stream,
        }
    }

    /// Runs `push` on the stream of a side, and reads what comes out of it.
    fn chunks(
        &mut self,
        which: Direction,
        at: At,
        shared: &mut Shared<'_>,
        out: &mut impl FnMut(Event<'_>),
        push: impl FnOnce(&mut Stream, &mut dyn FnMut(Chunk<'_>)),
    ) {
        let Self { client_stream, server_stream, conversation, .. } = self;
        let stream = match which {
            Direction::Client => client_stream,
            Direction::Server => server_stream,
        };
        push(stream, &mut |chunk| conversation.chunk(which, chunk, at, shared, out));
    }

    /// Reads what waits, tells what stays unknown, and the flow itself.
    pub(super) fn finish(
        mut self,
        at: At,
        mut shared: Shared<'_>,
        out: &mut impl FnMut(Event<'_>),
    ) -> FlowEnd {
        for side in [Direction::Client, Direction::Server] {
            self.chunks(side, at, &mut shared, out, |stream, mut hear| {
                stream.finish(&mut hear);
            });
        }
        self.conversation.credentials.finish(&mut |credential| out(Event::Credential(credential)));
        let Conversation { from_client: client, from_server: server, talk, tls, inside, .. } =
            self.conversation;
        let (commands, replies) = (self.conversation.commands, self.conversation.replies);
        let readable = commands + replies > 0;
        let end = FlowEnd {
            flow: self.id,
            client: self.client,
            server: self.server,
            kind: match (tls.is_some(), readable) {
                (true, _) => FlowKind::Tls,
                (false, true) => FlowKind::Plaintext,
                (false, false) => FlowKind::Other,
            },
            mixed: tls.is_some() && readable,
            packets: self.packets,
            client_bytes: client.bytes,
            server_bytes: server.bytes,
            commands,
            replies,
            decrypted: inside.as_ref().map_or(0, |inside| inside.commands),
            sealed: inside.as_ref().map_or(0, |inside| {
                inside.session.lost(Direction::Client) + inside.session.lost(Direction::Server)
            }),
            gaps: client.gaps + server.gaps,
            unread: if readable { client.unread + server.unread } else { 0 },
            truncated: client.truncated + server.truncated,
            conflicts: self.client_stream.conflicts() + self.server_stream.conflicts(),
            after_reset: self.after_reset,
            reset: self.reset,
            replication: talk.replicates,
            cluster_bus: client.bus || server.bus,
            tls: tls.map(|tls| tls.seen),
        };
        out(Event::Flow(&end));
        end
    }
}

impl Conversation {
    fn held(&self) -> usize {
        let inside =
            self.inside.as_ref().map_or(0, |inside| inside.from_client.held() + inside.from_server.held());
        self.from_client.held()
            + self.from_server.held()
            + self.talk.held()
            + self.credentials.held()
            + inside
    }

    fn chunk(
        &mut self,
        which: Direction,
        chunk: Chunk<'_>,
        at: At,
        shared: &mut Shared<'_>,
        out: &mut impl FnMut(Event<'_>),
    ) {
        if self.streams {
            out(Event::Stream { flow: self.flow, direction: which, chunk });
        }
        let frame = match chunk {
            Chunk::Data(_, frame) => frame,
            Chunk::Gap(lost) => {
                out(Event::Gap { flow: self.flow, direction: which, bytes: lost });
                at.frame
            }
        };
        let around = Around {
            known_port: self.known_port,
            whole: self.whole,
            client_talks: self.commands > 0,
            old_tls: self.tls.as_ref().is_some_and(|tls| tls.is_old()),
            full: shared.full,
        };
        let side = match which {
            Direction::Client => &mut self.from_client,
            Direction::Server => &mut self.from_server,
        };
        let mut hears = Hears {
            flow: self.flow,
            from: which,
            at: At { time: at.time, frame },
            around,
            talk: &mut self.talk,
            tls: &mut self.tls,
            inside: &mut self.inside,
            tls_told: &mut self.tls_told,
            credentials: &mut self.credentials,
            streams: self.streams,
            commands: &mut self.commands,
            replies: &mut self.replies,
            shared,
            decrypted: false,
        };
        match chunk {
            Chunk::Data(bytes, _) => side.feed(bytes, around, &mut |said| hears.said(said, out)),
            Chunk::Gap(lost) => {
                if !side.gap(lost, around, &mut |said| hears.said(said, out)) {
                    hears.talk.lose();
                }
                if let Some(inside) = hears.inside {
                    inside.session.gap(which, lost);
                    inside.side(which).lose_inside();
                }
            }
        }
    }
}
