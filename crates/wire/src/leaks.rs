//! The canaries that were found, without repeats and bounded.

use crate::canary::Sighting;
use std::collections::{BTreeMap, BTreeSet};
use wirelab_model::{CanaryKind, Direction, Encoding, Leak};

/// Most leaks that are kept. The first sighting of each secret in each encoding is kept beyond that,
/// so that many of one kind never hide another.
pub(crate) const MAX_LEAKS: usize = 1000;

type Place = (Option<usize>, Option<Direction>, CanaryKind, Encoding);

#[derive(Debug, Default)]
pub(crate) struct Leaks {
    kept: Vec<Leak>,
    seen: BTreeSet<(Place, u64)>,
    kinds: BTreeSet<(CanaryKind, Encoding)>,
    /// Found in a single frame of a flow: counts where reassembly never delivered it.
    single: BTreeMap<Place, Leak>,
}

fn place(leak: &Leak) -> Place {
    (leak.flow, leak.from, leak.canary, leak.encoding)
}

impl Leaks {
    pub(crate) fn add(&mut self, leak: Leak) {
        let first = self.kinds.insert((leak.canary, leak.encoding));
        if (first || self.kept.len() < MAX_LEAKS) && self.seen.insert((place(&leak), leak.offset)) {
            self.kept.push(leak);
        }
    }

    /// A sighting in one frame of a flow, which the stream may show too.
    pub(crate) fn add_single(&mut self, leak: Leak) {
        let kind = (leak.canary, leak.encoding);
        let room = self.single.len() < MAX_LEAKS;
        if room || !self.single.keys().any(|(_, _, canary, encoding)| (*canary, *encoding) == kind) {
            self.single.entry(place(&leak)).or_insert(leak);
        }
    }

    /// All of them, in the order of their frames.
    pub(crate) fn finish(mut self) -> Vec<Leak> {
        let delivered: BTreeSet<Place> = self.seen.iter().map(|(place, _)| *place).collect();
        for (place, leak) in std::mem::take(&mut self.single) {
            if !delivered.contains(&place) {
                self.add(leak);
            }
        }
        self.kept.sort_by_key(|leak| (leak.frame, leak.offset));
        self.kept
    }
}

/// A sighting, with what is known about its place.
pub(crate) fn leak(sighting: Sighting, at: Option<(usize, Direction)>, frame: u64, offset: u64) -> Leak {
    let Sighting { canary, encoding, .. } = sighting;
    Leak { canary, encoding, flow: at.map(|(flow, _)| flow), from: at.map(|(_, from)| from), frame, offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(canary: CanaryKind, flow: usize, frame: u64) -> Leak {
        let sighting = Sighting { canary, encoding: Encoding::Raw, start: 0, end: 1 };
        leak(sighting, Some((flow, Direction::Client)), frame, frame)
    }

    #[test]
    fn many_of_one_kind_hide_no_other() {
        let mut leaks = Leaks::default();
        for frame in 0..3000 {
            leaks.add(one(CanaryKind::Key, 0, frame));
            leaks.add(one(CanaryKind::Key, 0, frame));
            leaks.add_single(one(CanaryKind::Key, usize::try_from(frame).unwrap() + 1, frame));
        }
        leaks.add(one(CanaryKind::Password, 0, 5000));
        leaks.add_single(one(CanaryKind::Value, 0, 4000));
        let all = leaks.finish();
        assert_eq!(all.len(), MAX_LEAKS + 2);
        assert_eq!(all[MAX_LEAKS].canary, CanaryKind::Value);
        assert_eq!(all[MAX_LEAKS + 1].canary, CanaryKind::Password);
    }

    #[test]
    fn a_single_frame_counts_only_where_the_stream_shows_nothing() {
        let mut leaks = Leaks::default();
        leaks.add_single(one(CanaryKind::Key, 0, 1));
        leaks.add_single(one(CanaryKind::Value, 0, 2));
        leaks.add(one(CanaryKind::Key, 0, 7));
        let found: Vec<_> = leaks.finish().iter().map(|leak| (leak.canary, leak.frame)).collect();
        assert_eq!(found, [(CanaryKind::Value, 2), (CanaryKind::Key, 7)]);
    }
}
