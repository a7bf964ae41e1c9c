//! One connection while it goes by.

use super::side::{self, Around, Next, Said, Side};
use super::talk::{Answer, Kind, Talk};
use super::{Command, Credential, Event, FlowEnd, Reply, Settings};
use crate::credential::{Outcome, config_reply};
use crate::decrypt::{KeyLog, Plain, Session};
use crate::packet::Segment;
use crate::resp::{Decoder, Value};
use crate::stream::{Chunk, Stream};
use crate::tls::{TlsEvent, Watch};
use crate::words::Words;
use std::net::SocketAddr;
use wirelab_model::{Direction, FlowKind};

/// How long bytes wait behind a hole for what is missing: 5 s of capture time.
const PATIENCE: u64 = 5_000_000_000;
/// Most credentials of a connection that wait for the answer.
const MOST_UNANSWERED: usize = 64;
/// Longest secret and user that are kept.
const MOST_SECRET: usize = 1024;

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
    unanswered: Vec<(u64, Credential)>,
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

/// The inside of a TLS connection whose keys are known.
#[derive(Debug)]
struct Inside {
    session: Session,
    from_client: Side,
    from_server: Side,
    commands: u64,
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
                unanswered: Vec::new(),
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
        }
    }

    /// Whether the segment opens another connection between the same ports.
    pub(super) fn is_followed_by(&self, segment: &Segment<'_>) -> bool {
        segment.syn && segment.ack.is_none() && self.isn != Some(segment.seq)
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
        let Conversation { from_client: client, from_server: server, talk, tls, inside, .. } =
            self.conversation;
        for (_, credential) in self.conversation.unanswered {
            out(Event::Credential(&credential));
        }
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
        let secret = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let unanswered = self
            .unanswered
            .iter()
            .map(|(_, one)| size_of::<Credential>() + secret(&one.user) + secret(&one.secret));
        let inside =
            self.inside.as_ref().map_or(0, |inside| inside.from_client.held() + inside.from_server.held());
        self.from_client.held()
            + self.from_server.held()
            + self.talk.held()
            + unanswered.sum::<usize>()
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
            unanswered: &mut self.unanswered,
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
                }
            }
        }
    }
}

/// Takes what a side says, for the whole connection.
struct Hears<'f, 's> {
    flow: u64,
    from: Direction,
    at: At,
    around: Around,
    talk: &'f mut Talk,
    tls: &'f mut Option<Box<Watch>>,
    inside: &'f mut Option<Box<Inside>>,
    tls_told: &'f mut u64,
    unanswered: &'f mut Vec<(u64, Credential)>,
    commands: &'f mut u64,
    replies: &'f mut u64,
    shared: &'f mut Shared<'s>,
    /// What is said now came out of TLS.
    decrypted: bool,
}

impl Hears<'_, '_> {
    #[inline]
    fn said(&mut self, said: Said<'_>, out: &mut impl FnMut(Event<'_>)) -> Next {
        match (said, self.from) {
            (Said::Tls(event), _) => {
                self.tls(event, out);
                Next::Same
            }
            (Said::Sealed(bytes), _) => {
                self.sealed(bytes, out);
                Next::Same
            }
            (Said::Value { bytes, places, flat: true, cut }, Direction::Client) if !places.is_empty() => {
                self.command(&Words::new(bytes, places), cut, out);
                Next::Same
            }
            // A client says commands and nothing else.
            (Said::Value { .. }, Direction::Client) => Next::Same,
            (Said::Value { bytes, places, flat: true, cut }, Direction::Server)
                if self.talk.replicates && !places.is_empty() =>
            {
                self.command(&Words::new(bytes, places), cut, out);
                Next::Same
            }
            (Said::Value { bytes, places, cut, .. }, Direction::Server) => {
                self.reply(bytes, &Words::new(bytes, places), cut, out)
            }
        }
    }

    /// Opens what is encrypted, where keys were given, and reads it like what is not.
    fn sealed(&mut self, bytes: &[u8], out: &mut impl FnMut(Event<'_>)) {
        if self.shared.keys.is_empty() || self.decrypted {
            return;
        }
        let mut inside = self.inside.take().unwrap_or_else(|| {
            Box::new(Inside {
                session: Session::default(),
                from_client: Side::new(Direction::Client),
                from_server: Side::new(Direction::Server),
                commands: 0,
            })
        });
        let mut opened = Vec::new();
        inside.session.push(self.from, bytes, self.shared.keys, &mut |plain| {
            if let Plain::Data(bytes) = plain {
                opened.extend_from_slice(bytes);
            }
        });
        if !opened.is_empty() {
            let side = match self.from {
                Direction::Client => &mut inside.from_client,
                Direction::Server => &mut inside.from_server,
            };
            // Who gives keys for a connection knows what it is.
            let around = Around { known_port: true, ..self.around };
            self.decrypted = true;
            let before = *self.commands;
            side.read_inside(&opened, around, &mut |said| self.said(said, out));
            // They are counted apart: nobody else can read them.
            inside.commands += *self.commands - before;
            *self.commands = before;
            self.decrypted = false;
        }
        *self.inside = Some(inside);
    }

    fn command(&mut self, words: &Words<'_>, cut: bool, out: &mut impl FnMut(Event<'_>)) {
        *self.commands += 1;
        *self.shared.commands += 1;
        let id = *self.shared.commands;
        if self.around.full {
            self.talk.let_go();
        }
        let kind = match self.from {
            Direction::Client => self.talk.command(words, id, self.at.time),
            Direction::Server => Kind::Plain,
        };
        let secrets = words.credentials();
        out(Event::Command(Command {
            id,
            flow: self.flow,
            frame: self.at.frame,
            time: self.at.time,
            from: self.from,
            words,
            secrets: &secrets,
            cut,
            decrypted: self.decrypted,
        }));
        for found in secrets {
            let keep = |bytes: &[u8]| bytes.get(..MOST_SECRET).unwrap_or(bytes).to_vec();
            let secret =
                found.secret.as_ref().and_then(|place| words.get(place.word).get(place.range.clone()));
            let credential = Credential {
                flow: self.flow,
                frame: self.at.frame,
                carrier: found.carrier,
                user: found.user.map(keep),
                secret: secret.map(keep),
                hashed: found.hashed,
                result: Outcome::Unknown,
                decrypted: self.decrypted,
            };
            let most = if self.around.full { 0 } else { MOST_UNANSWERED };
            if self.unanswered.len() < most && self.from == Direction::Client {
                self.unanswered.push((id, credential));
            } else {
                out(Event::Credential(&credential));
            }
        }
        if kind == Kind::Replication && words.is(0, "SYNC") {
            // The payload comes without a reply in front of it.
            self.talk.replicates = true;
        }
    }

    fn reply(&mut self, bytes: &[u8], words: &Words<'_>, cut: bool, out: &mut impl FnMut(Event<'_>)) -> Next {
        let answer = self.talk.reply(bytes, words);
        let error = matches!(bytes.first(), Some(b'-' | b'!'));
        let (answers, latency, secret) = match answer {
            Answer::To(waiting) => (
                Some(waiting.id),
                Some(self.at.time.saturating_sub(waiting.time)),
                waiting.kind() == Kind::ConfigGet,
            ),
            Answer::Push | Answer::Unknown => (None, None, false),
        };
        let push = matches!(answer, Answer::Push);
        *self.replies += u64::from(!push && !self.decrypted);
        let told = if secret { read_secrets(bytes) } else { Vec::new() };
        out(Event::Reply(Reply {
            flow: self.flow,
            frame: self.at.frame,
            time: self.at.time,
            bytes,
            answers,
            latency,
            push,
            error,
            secret: !told.is_empty(),
            cut,
            decrypted: self.decrypted,
        }));
        for (carrier, secret) in told {
            let credential = Credential {
                flow: self.flow,
                frame: self.at.frame,
                carrier,
                user: None,
                secret: Some(secret),
                hashed: false,
                result: Outcome::Accepted,
                decrypted: self.decrypted,
            };
            out(Event::Credential(&credential));
        }
        if let Some(id) = answers
            && !self.unanswered.is_empty()
        {
            let mut index = 0;
            while let Some((of, credential)) = self.unanswered.get_mut(index) {
                if *of == id {
                    credential.result = if error { Outcome::Rejected } else { Outcome::Accepted };
                    out(Event::Credential(credential));
                    self.unanswered.remove(index);
                } else {
                    index += 1;
                }
            }
        }
        let replication = matches!(answer, Answer::To(waiting) if waiting.kind() == Kind::Replication);
        if replication && bytes.starts_with(b"+CONTINUE") {
            self.talk.replicates = true;
        }
        if replication && bytes.starts_with(b"+FULLRESYNC") {
            self.talk.replicates = true;
            return Next::Rdb;
        }
        Next::Same
    }

    fn tls(&mut self, event: TlsEvent, out: &mut impl FnMut(Event<'_>)) {
        let news = !matches!(event, TlsEvent::Record(_) | TlsEvent::HelloRetryRequest);
        let watch = self.tls.get_or_insert_default();
        watch.note(self.from, event);
        if news && *self.tls_told < 64 {
            *self.tls_told += 1;
            out(Event::Tls { flow: self.flow, frame: self.at.frame, seen: &watch.seen });
        }
    }
}

/// Secrets in the reply to CONFIG GET: names and values in turn, as an array or a map.
fn read_secrets(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut decoder = Decoder::replies();
    decoder.push(bytes);
    let Ok(Some(Value::Array(Some(items)) | Value::Map(items))) = decoder.next_value() else {
        return Vec::new();
    };
    let words: Vec<&[u8]> = items
        .iter()
        .map(|item| if let Value::Bulk(Some(word)) = item { word.as_slice() } else { &[] })
        .collect();
    let mut told = Vec::new();
    config_reply(&words, &mut |found| {
        if let Some(place) = found.secret
            && let Some(secret) = words.get(place.word).and_then(|word| word.get(place.range))
        {
            told.push((found.carrier, secret.get(..MOST_SECRET).unwrap_or(secret).to_vec()));
        }
    });
    told
}
