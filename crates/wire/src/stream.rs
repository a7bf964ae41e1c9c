//! TCP reassembly of one direction (RFC 9293 section 3.4 and 3.10.7.4), for an onlooker: nothing can
//! be asked for again, so that what is known to be lost is skipped and counted.

use std::collections::BTreeMap;

/// Most bytes that wait behind a hole: 1 MiB.
pub const MAX_PENDING_BYTES: usize = 1 << 20;
/// Most pieces that wait behind a hole.
pub const MAX_PENDING_PIECES: usize = 1024;
/// Largest window of TCP (RFC 7323 section 2.3): what lies farther off belongs to something else.
const MAX_WINDOW: i64 = 1 << 30;

/// What comes out, in the order of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Bytes, and the number of the frame that brought them.
    Data(&'a [u8], u64),
    /// This many bytes were never seen.
    Gap(u64),
}

#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    frame: u64,
}

/// One direction of a connection.
///
/// The first copy of a byte wins. The position 0 is the byte after the SYN, or the first byte seen
/// where the capture began later. A hole is skipped as soon as the receiver acknowledged what lies
/// behind it, when too much waits behind it, or at the end.
#[derive(Debug, Default)]
pub struct Stream {
    /// Sequence number of the byte at `position`; none before the first segment.
    next: Option<u32>,
    position: u64,
    pending: BTreeMap<u64, Piece>,
    pending_bytes: usize,
    /// The receiver has everything in front of this position.
    acknowledged: u64,
    /// There was payload up to this position, captured or not.
    sent: u64,
    fin: Option<u64>,
    /// The last bytes that were delivered, to hold repeated ones against.
    recent: Vec<u8>,
    conflicts: u64,
}

/// What a piece takes beside its bytes, about.
const PIECE: usize = 96;
/// Bytes of the past that repeated ones are compared with.
const RECENT: usize = 512;

impl Stream {
    /// The SYN of this direction: the stream starts after `seq`. A repeated SYN changes nothing.
    pub fn syn(&mut self, seq: u32) {
        self.next.get_or_insert_with(|| seq.wrapping_add(1));
    }

    /// Bytes delivered and skipped so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Position of a sequence number in the stream; none where it is out of any window or in front
    /// of the start.
    pub fn position_of(&self, seq: u32) -> Option<u64> {
        u64::try_from(self.locate(seq)?).ok()
    }

    /// A segment: `payload` at `seq`, after which the capture cut `cut` more bytes; `frame` comes
    /// back with the bytes. Out of the window, it is ignored. A keep-alive probe (RFC 9293 section
    /// 3.8.4) lies in front of the window and gives nothing.
    pub fn push(&mut self, seq: u32, payload: &[u8], cut: u32, frame: u64, out: &mut impl FnMut(Chunk<'_>)) {
        if payload.is_empty() && cut == 0 {
            return;
        }
        self.next.get_or_insert(seq);
        let Some(start) = self.locate(seq) else { return };
        let end = start.saturating_add_unsigned(payload.len() as u64);
        self.sent = self.sent.max(u64::try_from(end).unwrap_or(0) + u64::from(cut));
        // What lies in front of the position was delivered or skipped already.
        let old = i64::try_from(self.position).unwrap_or(i64::MAX).saturating_sub(start).max(0);
        // A keep-alive probe repeats one byte, and not the right one.
        if old > 0 && !(old == 1 && payload.len() == 1) {
            self.compare(start, payload);
        }
        let fresh = usize::try_from(old).ok().and_then(|old| payload.get(old..)).unwrap_or_default();
        if fresh.is_empty() && (cut == 0 || u64::try_from(end) != Ok(self.position)) {
            return;
        }
        let start = u64::try_from(start).unwrap_or(0).max(self.position);
        if start == self.position && self.pending.is_empty() {
            self.advance(fresh.len() as u64);
            self.remember(fresh);
            if !fresh.is_empty() {
                out(Chunk::Data(fresh, frame));
            }
            if cut > 0 {
                // No other copy of this will come: the capture cuts all alike.
                self.lose(u64::from(cut), out);
            }
            return;
        }
        self.keep(start, fresh, frame);
        self.deliver(out);
    }

    /// Bytes of memory that hold what waits behind holes.
    pub fn held(&self) -> usize {
        self.pending_bytes + self.pending.len() * PIECE
    }

    /// Whether anything waits behind a hole.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Segments that held other bytes than an earlier copy of the same place.
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Does not wait any longer: delivers what waits, with its holes.
    pub fn release(&mut self, out: &mut impl FnMut(Chunk<'_>)) {
        while self.skip_to_first(out) {}
    }

    /// The other side acknowledged everything in front of `ack`.
    pub fn acknowledge(&mut self, ack: u32, out: &mut impl FnMut(Chunk<'_>)) {
        let Some(position) = self.position_of(ack) else { return };
        if position > self.acknowledged {
            self.acknowledged = position;
            if !self.pending.is_empty() {
                self.deliver(out);
            }
        }
    }

    /// The FIN of this direction, after the last byte at `seq`.
    pub fn fin(&mut self, seq: u32) {
        self.next.get_or_insert(seq);
        self.fin = self.fin.or_else(|| self.position_of(seq));
    }

    /// Delivers what waits, with its holes, and the hole at the end.
    pub fn finish(&mut self, out: &mut impl FnMut(Chunk<'_>)) {
        while self.skip_to_first(out) {}
        // A FIN takes a sequence number and is no byte.
        let end = self.sent.max(self.fin.unwrap_or(self.acknowledged));
        if end > self.position {
            let lost = end - self.position;
            self.advance(lost);
            out(Chunk::Gap(lost));
        }
    }

    fn locate(&self, seq: u32) -> Option<i64> {
        let distance = i64::from(seq.wrapping_sub(self.next?).cast_signed());
        (distance.abs() <= MAX_WINDOW)
            .then(|| i64::try_from(self.position).unwrap_or(i64::MAX).saturating_add(distance))
    }

    /// The sequence number goes along modulo 2^32.
    fn advance(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
        let step = u32::try_from(bytes & u64::from(u32::MAX)).unwrap_or_default();
        self.next = self.next.map(|next| next.wrapping_add(step));
    }

    /// Keeps those parts of `bytes`, which start at `start`, that no piece holds yet.
    fn keep(&mut self, start: u64, bytes: &[u8], frame: u64) {
        let end = start + bytes.len() as u64;
        let differs = self
            .pending
            .range(..end)
            .rev()
            .take_while(|(held, piece)| *held + piece.bytes.len() as u64 > start)
            .any(|(held, piece)| {
                let common = (*held).max(start);
                let part = |from: u64| usize::try_from(common - from).unwrap_or(usize::MAX);
                let here = bytes.get(part(start)..).unwrap_or_default();
                let there = piece.bytes.get(part(*held)..).unwrap_or_default();
                here.iter().zip(there).any(|(here, there)| here != there)
            });
        self.conflicts += u64::from(differs);
        let before = self.pending.range(..=start).next_back();
        let mut at = before.map_or(start, |(held, piece)| start.max(held + piece.bytes.len() as u64));
        let mut free = Vec::new();
        for (held, piece) in self.pending.range(start + 1..) {
            if *held >= end {
                break;
            }
            if *held > at {
                free.push(at..*held);
            }
            at = at.max(held + piece.bytes.len() as u64);
        }
        if at < end {
            free.push(at..end);
        }
        for range in free {
            let part = |position: u64| usize::try_from(position - start).unwrap_or(usize::MAX);
            let bytes = bytes.get(part(range.start)..part(range.end)).unwrap_or_default().to_vec();
            self.pending_bytes += bytes.len();
            self.pending.insert(range.start, Piece { bytes, frame });
        }
    }

    /// Delivers all that is in order or whose hole in front is known to stay.
    fn deliver(&mut self, out: &mut impl FnMut(Chunk<'_>)) {
        while let Some((start, _)) = self.pending.first_key_value() {
            let lost = *start <= self.acknowledged
                || self.pending_bytes > MAX_PENDING_BYTES
                || self.pending.len() > MAX_PENDING_PIECES;
            if *start > self.position && !lost {
                return;
            }
            self.skip_to_first(out);
        }
    }

    fn skip_to_first(&mut self, out: &mut impl FnMut(Chunk<'_>)) -> bool {
        let Some((start, piece)) = self.pending.pop_first() else { return false };
        self.pending_bytes -= piece.bytes.len();
        if start > self.position {
            self.lose(start - self.position, out);
        }
        self.advance(piece.bytes.len() as u64);
        self.remember(&piece.bytes);
        out(Chunk::Data(&piece.bytes, piece.frame));
        true
    }

    fn lose(&mut self, lost: u64, out: &mut impl FnMut(Chunk<'_>)) {
        self.advance(lost);
        self.recent.clear();
        out(Chunk::Gap(lost));
    }

    /// Counts a segment whose bytes differ from those that were delivered for the same place, as far as
    /// they are remembered. Which of the two the receiver took, nobody on the wire knows.
    fn compare(&mut self, start: i64, payload: &[u8]) {
        let first =
            i64::try_from(self.position).unwrap_or(i64::MAX) - i64::try_from(self.recent.len()).unwrap_or(0);
        let (here, there) = match usize::try_from(first - start) {
            // The segment begins before what is remembered.
            Ok(unknown) => (payload.get(unknown..).unwrap_or_default(), self.recent.as_slice()),
            Err(_) => {
                let inside = usize::try_from(start - first).unwrap_or(usize::MAX);
                (payload, self.recent.get(inside..).unwrap_or_default())
            }
        };
        if here.iter().zip(there).any(|(here, there)| here != there) {
            self.conflicts += 1;
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let last = bytes.get(bytes.len().saturating_sub(RECENT)..).unwrap_or_default();
        if last.len() + self.recent.len() > 2 * RECENT {
            let keep = RECENT.saturating_sub(last.len());
            self.recent.drain(..self.recent.len() - keep);
        }
        self.recent.extend_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Delivered bytes with `?` for each lost one, and the frame of each chunk.
    #[derive(Default)]
    struct Seen {
        text: Vec<u8>,
        frames: Vec<u64>,
        gaps: u64,
    }

    impl Seen {
        fn add(&mut self, chunk: Chunk<'_>) {
            match chunk {
                Chunk::Data(bytes, frame) => {
                    self.text.extend_from_slice(bytes);
                    self.frames.push(frame);
                }
                Chunk::Gap(lost) => {
                    self.gaps += lost;
                    self.text.extend(std::iter::repeat_n(b'?', usize::try_from(lost).unwrap().min(100)));
                }
            }
        }
    }

    fn run(isn: u32, segments: &[(u32, &[u8])]) -> Seen {
        let mut seen = Seen::default();
        let mut stream = Stream::default();
        stream.syn(isn);
        for (frame, (offset, bytes)) in segments.iter().enumerate() {
            let seq = isn.wrapping_add(1).wrapping_add(*offset);
            stream.push(seq, bytes, 0, frame as u64, &mut |chunk| seen.add(chunk));
        }
        stream.finish(&mut |chunk| seen.add(chunk));
        seen
    }

    #[test]
    fn out_of_order_over_the_wrap_of_the_sequence() {
        let seen = run(u32::MAX - 4, &[(6, b"ghi"), (0, b"abc"), (3, b"def")]);
        assert_eq!(seen.text, b"abcdefghi");
        assert_eq!(seen.frames, [1, 2, 0]);
        assert_eq!(seen.gaps, 0);
    }

    #[test]
    fn the_first_copy_wins() {
        let seen = run(9, &[(0, b"abc"), (0, b"XXXd"), (6, b"gh"), (4, b"efXXi"), (5, b"Z")]);
        assert_eq!(seen.text, b"abcdefghi");
        let covered = run(9, &[(2, b"c"), (6, b"g"), (0, b"abXdefXh")]);
        assert_eq!(covered.text, b"abcdefgh");
    }

    #[test]
    fn other_bytes_for_the_same_place_are_counted() {
        for (segments, conflicts) in [
            (vec![(0, &b"abc"[..]), (0, b"abc"), (1, b"bcd"), (3, b"\0")], 0),
            (vec![(0, b"abc"), (0, b"abX")], 1),
            (vec![(0, b"abc"), (2, b"Xd")], 1),
            (vec![(0, b"abc"), (6, b"gh"), (5, b"fgX"), (3, b"def")], 1),
            (vec![(0, b"abc"), (6, b"gh"), (5, b"fgh"), (7, b"h")], 0),
        ] {
            let mut stream = Stream::default();
            for (seq, bytes) in segments {
                stream.push(seq, bytes, 0, 0, &mut |_| {});
            }
            assert_eq!(stream.conflicts(), conflicts);
        }
    }

    #[test]
    fn keep_alive_probes_and_foreign_segments_are_no_data() {
        let seen =
            run(1000, &[(0, b"abc"), (2, b"\0"), (u32::MAX, b"\0"), (0x7000_0000, b"far"), (3, b"def")]);
        assert_eq!(seen.text, b"abcdef");
        assert_eq!(seen.gaps, 0);
    }

    #[test]
    fn a_hole_is_skipped_at_the_end_or_on_an_acknowledgment() {
        assert_eq!(run(5, &[(0, b"ab"), (5, b"f")]).text, b"ab???f");
        let mut seen = Seen::default();
        let mut stream = Stream::default();
        stream.syn(u32::MAX);
        stream.push(0, b"ab", 0, 0, &mut |chunk| seen.add(chunk));
        stream.push(5, b"f", 0, 0, &mut |chunk| seen.add(chunk));
        stream.acknowledge(4, &mut |chunk| seen.add(chunk));
        assert_eq!(seen.text, b"ab", "the hole may still be filled");
        stream.acknowledge(6, &mut |chunk| seen.add(chunk));
        assert_eq!(seen.text, b"ab???f");
        // The acknowledgment came before the bytes: they are late, not lost.
        stream.acknowledge(8, &mut |chunk| seen.add(chunk));
        stream.push(6, b"gh", 0, 0, &mut |chunk| seen.add(chunk));
        // FIN, acknowledged: no byte is missing.
        stream.fin(8);
        stream.acknowledge(9, &mut |chunk| seen.add(chunk));
        stream.finish(&mut |chunk| seen.add(chunk));
        assert_eq!((seen.text.as_slice(), seen.gaps), (&b"ab???fgh"[..], 3));
    }

    #[test]
    fn what_the_capture_cut_is_a_gap_also_at_the_end() {
        let mut seen = Seen::default();
        let mut stream = Stream::default();
        stream.push(100, b"ab", 3, 0, &mut |chunk| seen.add(chunk));
        stream.push(105, b"cd", 4, 0, &mut |chunk| seen.add(chunk));
        stream.finish(&mut |chunk| seen.add(chunk));
        assert_eq!(seen.text, b"ab???cd????");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut seen = Seen::default();
        let mut stream = Stream::default();
        stream.syn(0);
        for index in 0..5000_u32 {
            stream.push(2 + index * 2, b"x", 0, 0, &mut |chunk| seen.add(chunk));
            assert!(stream.pending.len() <= MAX_PENDING_PIECES);
        }
        assert!(seen.gaps > 3000);
        let big = vec![0; 60_000];
        for index in 0..50_u32 {
            stream.push(20_000 + index * 60_001, &big, 0, 0, &mut |_| {});
            assert!(stream.pending_bytes <= MAX_PENDING_BYTES);
        }
    }

    proptest! {
        #[test]
        fn order_segmentation_and_copies_do_not_matter(
            bytes in proptest::collection::vec(any::<u8>(), 1..300),
            isn: u32,
            extra in proptest::collection::vec((0_usize..300, 1_usize..80), 0..20),
            order in proptest::collection::vec(any::<u32>(), 60),
            step in 5_usize..40,
        ) {
            let mut ranges: Vec<_> = (0..bytes.len()).step_by(step).map(|at| (at, step)).chain(extra).collect();
            ranges.retain(|(at, _)| *at < bytes.len());
            let mut keyed: Vec<_> = ranges.into_iter().zip(order.iter().cycle()).collect();
            keyed.sort_by_key(|(_, key)| **key);
            let segments: Vec<_> = keyed.iter()
                .map(|((at, length), _)| (u32::try_from(*at).unwrap(), &bytes[*at..(at + length).min(bytes.len())]))
                .collect();
            let seen = run(isn, &segments);
            prop_assert_eq!(seen.gaps, 0);
            prop_assert_eq!(seen.text, bytes);
        }

        #[test]
        fn hostile_segments_never_panic(
            segments in proptest::collection::vec((any::<u32>(), 0_usize..50, any::<u32>(), any::<bool>()), 0..60),
        ) {
            let mut total: u64 = 0;
            let mut add = |chunk: Chunk<'_>| total += match chunk {
                Chunk::Data(bytes, _) => bytes.len() as u64,
                Chunk::Gap(lost) => lost,
            };
            let mut stream = Stream::default();
            for (seq, length, ack, fin) in segments {
                stream.push(seq, &vec![1; length], ack % 100, 0, &mut add);
                stream.acknowledge(ack, &mut add);
                if fin {
                    stream.fin(seq);
                }
            }
            stream.finish(&mut add);
            prop_assert_eq!(total, stream.position());
        }
    }
}
