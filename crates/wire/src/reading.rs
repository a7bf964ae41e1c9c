//! A whole capture of the lab: flows, what they say, and the canaries in them. Read by [`crate::sniff`], like all
//! else; what is added here are the canaries, the heads of the streams, and the packets to look at.

use crate::canary::{Needles, Scanner};
use crate::credential::Credential;
use crate::leaks::{Leaks, leak};
use crate::sniff::{Event, FlowEnd, Place, Settings, Sniffer};
use crate::stream::Chunk;
use crate::view::{self, Label};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use wirelab_model::{Direction, FlowSeen, Frame, PacketView, WireReport};

/// How much of each stream is kept to look at later: 256 KiB.
const MAX_KEPT: usize = 256 << 10;
/// Most credentials that are kept of a flow.
const MAX_CREDENTIALS: usize = 64;

/// What a capture holds.
pub struct Reading {
    /// The report. `dropped` and `cut` are 0: the capture knows them, not the frames.
    pub report: WireReport,
    /// Where each frame belongs; none where it belongs to no TCP flow.
    pub(crate) places: Vec<Option<Place>>,
    /// What ended in a frame, by its number.
    pub(crate) labels: BTreeMap<u64, Label>,
    streams: Vec<[Kept; 2]>,
}

/// What is kept of a stream.
#[derive(Default)]
struct Kept {
    head: Vec<u8>,
    /// Where secrets are, in the order of their ends.
    secrets: Vec<Range<u64>>,
}

impl Reading {
    /// Index of the flow of a frame in the report; none where it belongs to no TCP flow. Both count from 0.
    pub fn flow_of(&self, frame: usize) -> Option<usize> {
        self.places.get(frame).copied().flatten().map(|place| index(place.flow))
    }

    /// The bytes of one direction of a flow in order, secrets and all: up to the first hole, and at
    /// most the first 256 KiB. Empty where there is no such flow.
    pub fn stream(&self, flow: usize, direction: Direction) -> &[u8] {
        self.kept(flow, direction).map_or(&[], |kept| &kept.head)
    }

    /// Where secrets are in a stream, in the order of their ends.
    pub(crate) fn secrets(&self, flow: usize, direction: Direction) -> &[Range<u64>] {
        self.kept(flow, direction).map_or(&[], |kept| &kept.secrets)
    }

    fn kept(&self, flow: usize, direction: Direction) -> Option<&Kept> {
        self.streams.get(flow).map(|[client, server]| match direction {
            Direction::Client => client,
            Direction::Server => server,
        })
    }

    /// The first `most` packets with payload of flows to `server_port`, to look at. `frames` and
    /// `link_type` are those that were read. With `needles`, secrets are masked, also those that
    /// go over several packets; a secret that the capture never shows whole is not.
    pub fn views(
        &self,
        frames: &[Frame],
        link_type: u16,
        server_port: u16,
        most: usize,
        needles: Option<&Needles>,
    ) -> Vec<PacketView> {
        view::views(self, frames, link_type, server_port, most, needles)
    }
}

/// Never prints what the streams hold.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("report", &self.report).finish_non_exhaustive()
    }
}

/// Reads all frames of a capture. `server_ports` tell client from server where a flow is seen without its SYN,
/// and inline commands are believed there.
pub fn read(frames: &[Frame], link_type: u16, needles: &Needles, server_ports: &[u16]) -> Reading {
    let settings = Settings { ports: server_ports.to_vec(), streams: true, ..Settings::default() };
    let mut sniffer = Sniffer::new(settings);
    let mut ears = Ears { needles, flows: Vec::new(), leaks: Leaks::default(), labels: BTreeMap::new() };
    let mut places = Vec::with_capacity(frames.len());
    for (number, frame) in (1..).zip(frames) {
        sniffer.push(&frame.bytes, frame.wire_len, link_type, frame.time, &mut |event| ears.hear(event));
        let place = sniffer.place(&frame.bytes, frame.wire_len, link_type);
        ears.search_frame(frame, number, place);
        places.push(place);
    }
    let totals = sniffer.finish(&mut |event| ears.hear(event));
    let mut report = WireReport {
        packets: totals.packets,
        bytes: totals.bytes,
        damaged: totals.damaged,
        ..WireReport::default()
    };
    let mut streams = Vec::with_capacity(ears.flows.len());
    for flow in ears.flows {
        // The sniffer tells the end of every flow.
        report.flows.extend(flow.seen);
        streams.push([flow.client.kept, flow.server.kept]);
    }
    report.leaks = ears.leaks.finish();
    Reading { report, places, labels: ears.labels, streams }
}

/// Index of a flow by its number.
fn index(flow: u64) -> usize {
    usize::try_from(flow.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// Listens to all flows.
struct Ears<'n> {
    needles: &'n Needles,
    flows: Vec<Flow<'n>>,
    leaks: Leaks,
    labels: BTreeMap<u64, Label>,
}

struct Flow<'n> {
    client: Ear<'n>,
    server: Ear<'n>,
    credentials: Vec<Credential>,
    seen: Option<FlowSeen>,
}

/// One stream.
struct Ear<'n> {
    scanner: Scanner<'n>,
    kept: Kept,
    /// There was a hole.
    holed: bool,
}

impl<'n> Ears<'n> {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Stream { flow, direction, chunk } => self.stream(index(flow), direction, chunk),
            Event::Command(command) => {
                self.labels.entry(command.frame).or_default().command(command.words.get(0));
            }
            Event::Reply(reply) => self.labels.entry(reply.frame).or_default().reply(&reply),
            Event::Message { frame, message, .. } => self.labels.entry(frame).or_default().message(message),
            Event::Credential(credential) => {
                if let Some(flow) = self.flow(index(credential.flow))
                    && flow.credentials.len() < MAX_CREDENTIALS
                {
                    flow.credentials.push(credential.clone());
                }
            }
            Event::Flow(end) => {
                let needles = self.needles;
                if let Some(flow) = self.flow(index(end.flow)) {
                    flow.seen = Some(seen(end, &mut flow.credentials, needles));
                }
            }
            Event::Tls { .. } | Event::Gap { .. } => {}
        }
    }

    /// Flows are numbered in the order in which they begin.
    fn flow(&mut self, index: usize) -> Option<&mut Flow<'n>> {
        let needles = self.needles;
        let ear = || Ear { scanner: needles.scanner(), kept: Kept::default(), holed: false };
        // A flow says nothing until it has something to say.
        while self.flows.len() <= index {
            self.flows.push(Flow { client: ear(), server: ear(), credentials: Vec::new(), seen: None });
        }
        self.flows.get_mut(index)
    }

    fn stream(&mut self, flow: usize, from: Direction, chunk: Chunk<'_>) {
        let Some(entry) = self.flow(flow) else { return };
        let mut leaks = Vec::new();
        let Ear { scanner, kept, holed } = match from {
            Direction::Client => &mut entry.client,
            Direction::Server => &mut entry.server,
        };
        match chunk {
            Chunk::Data(bytes, frame) => {
                if !*holed {
                    let room = MAX_KEPT - kept.head.len();
                    kept.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                }
                scanner.each(bytes, |sighting, secret| {
                    leaks.push(leak(sighting, Some((flow, from)), frame, sighting.start));
                    kept.secrets.push(secret);
                });
            }
            Chunk::Gap(lost) => {
                *holed = true;
                scanner.skip(lost);
            }
        }
        leaks.into_iter().for_each(|leak| self.leaks.add(leak));
    }

    /// Searches one frame by itself: reassembly leaves out what does not fit (conflicting copies,
    /// segments out of the window or after a reset), and an eavesdropper reads it all the same.
    fn search_frame(&mut self, frame: &Frame, number: u64, place: Option<Place>) {
        let leaks = &mut self.leaks;
        self.needles.scanner().each(&frame.bytes, |found, _| match place {
            None => leaks.add(leak(found, None, number, found.start)),
            Some(place) => {
                let at = place.position.zip(found.start.checked_sub(place.payload as u64));
                let offset = at.map_or(found.start, |(position, inside)| position.saturating_add(inside));
                leaks.add_single(leak(found, Some((index(place.flow), place.from)), number, offset));
            }
        });
    }
}

/// What was seen of a flow, with the credentials in the order of their frames.
fn seen(end: &FlowEnd, credentials: &mut Vec<Credential>, needles: &Needles) -> FlowSeen {
    credentials.sort_by_key(|credential| credential.frame);
    let mut tls = end.tls.clone();
    if let Some(tls) = &mut tls {
        tls.sni = tls.sni.take().map(|name| needles.mask_text(&name));
    }
    FlowSeen {
        client: end.client,
        server: end.server,
        kind: end.kind,
        mixed: end.mixed,
        client_bytes: end.client_bytes,
        server_bytes: end.server_bytes,
        commands: end.commands,
        replies: end.replies,
        // A client that is set up wrongly may send a secret as its user name.
        credentials: credentials
            .iter()
            .map(|credential| needles.mask_text(&credential.to_string()))
            .collect(),
        tls,
        gaps: end.gaps,
        reset: end.reset,
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
