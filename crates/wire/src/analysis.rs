//! A whole capture: flows, what they say, and the canaries in them.

use crate::canary::Needles;
use crate::flow::Flow;
use crate::leaks::{Leaks, leak};
use crate::packet::{Packet, Segment, read};
use crate::view;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use wirelab_model::{Direction, Frame, PacketView, WireReport};

/// Most flows of a capture. Frames of further ones are searched for canaries one by one, as if they
/// belonged to no flow.
pub const MAX_FLOWS: usize = 4096;

/// Takes frames in the order of their capture.
pub struct Analyzer<'n> {
    needles: &'n Needles,
    server_ports: Vec<u16>,
    flows: Vec<Flow<'n>>,
    /// The newest flow between two addresses, the lower one first.
    table: HashMap<(SocketAddr, SocketAddr), usize>,
    report: WireReport,
    leaks: Leaks,
    frame_flow: Vec<Option<usize>>,
}

impl<'n> Analyzer<'n> {
    /// `server_ports` tell client from server where a flow is seen without its SYN.
    pub fn new(needles: &'n Needles, server_ports: &[u16]) -> Self {
        Self {
            needles,
            server_ports: server_ports.to_vec(),
            flows: Vec::new(),
            table: HashMap::new(),
            report: WireReport::default(),
            leaks: Leaks::default(),
            frame_flow: Vec::new(),
        }
    }

    /// The next frame. `link_type` as in [`crate::packet::read`].
    pub fn push(&mut self, frame: &Frame, link_type: u16) {
        self.report.packets += 1;
        self.report.bytes += u64::from(frame.wire_len);
        let number = self.report.packets;
        let mut flow = None;
        match read(frame, link_type) {
            Packet::Tcp(segment) => {
                flow = self.flow_of(&segment);
                self.search_frame(frame, number, flow.map(|index| (index, segment)));
                if let Some(index) = flow
                    && let Some(flow) = self.flows.get_mut(index)
                {
                    let leaks = &mut self.leaks;
                    flow.push(&segment, number, &mut |hit| {
                        leaks.add(leak(hit.sighting, Some((index, hit.from)), hit.frame, hit.sighting.start));
                    });
                }
            }
            Packet::Other(_) | Packet::Fragment(_) => self.search_frame(frame, number, None),
            Packet::Damaged => {
                self.report.damaged += 1;
                self.search_frame(frame, number, None);
            }
        }
        self.frame_flow.push(flow);
    }

    /// The report on all frames.
    pub fn finish(mut self) -> Analysis {
        let mut streams = Vec::new();
        for (index, mut flow) in self.flows.into_iter().enumerate() {
            let leaks = &mut self.leaks;
            flow.flush(&mut |hit| {
                leaks.add(leak(hit.sighting, Some((index, hit.from)), hit.frame, hit.sighting.start));
            });
            let (seen, heads) = flow.into_seen(self.needles);
            self.report.flows.push(seen);
            streams.push(heads);
        }
        self.report.leaks = self.leaks.finish();
        Analysis { report: self.report, frame_flow: self.frame_flow, streams }
    }

    fn flow_of(&mut self, segment: &Segment<'_>) -> Option<usize> {
        let (a, b) = (segment.source, segment.destination);
        let key = (a.min(b), a.max(b));
        if let Some(index) = self.table.get(&key)
            && let Some(flow) = self.flows.get(*index)
            && !flow.is_followed_by(segment)
        {
            return Some(*index);
        }
        if self.flows.len() >= MAX_FLOWS {
            // What follows belongs to the new connection and must not go to the old one.
            self.table.remove(&key);
            return None;
        }
        let index = self.flows.len();
        self.flows.push(Flow::new(segment, &self.server_ports, self.needles));
        self.table.insert(key, index);
        Some(index)
    }

    /// Searches one frame by itself: reassembly leaves out what does not fit (conflicting copies,
    /// segments out of the window or after a reset), and an eavesdropper reads it all the same.
    fn search_frame(&mut self, frame: &Frame, number: u64, flow: Option<(usize, Segment<'_>)>) {
        let mut scanner = self.needles.scanner();
        let Some((index, segment)) = flow else {
            let leaks = &mut self.leaks;
            scanner.each(&frame.bytes, |found, _| leaks.add(leak(found, None, number, found.start)));
            return;
        };
        let Some(flow) = self.flows.get(index) else { return };
        let (from, payload) = (flow.direction(&segment), segment.at as u64);
        let leaks = &mut self.leaks;
        scanner.each(&frame.bytes, |found, _| {
            let position = flow.position_of(&segment).zip(found.start.checked_sub(payload));
            let offset = position.map_or(found.start, |(position, inside)| position.saturating_add(inside));
            leaks.add_single(leak(found, Some((index, from)), number, offset));
        });
    }
}

impl fmt::Debug for Analyzer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Analyzer({} frames, {} flows)", self.report.packets, self.flows.len())
    }
}

/// What a capture holds.
pub struct Analysis {
    /// The report. `dropped` and `cut` are 0: the capture knows them, not the frames.
    pub report: WireReport,
    /// Flow of each frame that was pushed; none where it belongs to no TCP flow.
    pub frame_flow: Vec<Option<usize>>,
    streams: Vec<[Vec<u8>; 2]>,
}

impl Analysis {
    /// The bytes of one direction of a flow in order, secrets and all: up to the first hole, and at
    /// most the first 256 KiB. Empty where there is no such flow.
    pub fn stream(&self, flow: usize, direction: Direction) -> &[u8] {
        self.streams.get(flow).map_or(&[], |[client, server]| match direction {
            Direction::Client => client,
            Direction::Server => server,
        })
    }

    /// The first `most` packets with payload of flows to `server_port`, to look at. `frames` and
    /// `link_type` are those that were pushed. With `needles`, secrets are masked, also those that
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
impl fmt::Debug for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analysis").field("report", &self.report).finish_non_exhaustive()
    }
}

/// Analyzes all frames of a capture. See [`Analyzer`].
pub fn analyze(frames: &[Frame], link_type: u16, needles: &Needles, server_ports: &[u16]) -> Analysis {
    let mut analyzer = Analyzer::new(needles, server_ports);
    frames.iter().for_each(|frame| analyzer.push(frame, link_type));
    analyzer.finish()
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;
