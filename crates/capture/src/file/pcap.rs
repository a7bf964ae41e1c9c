//! pcap, the older of the two formats: a header, then records, which are read where they lie.
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>

use super::{Captured, Item, MOST_ROOM};
use std::io::BufRead;
use std::ops::ControlFlow;

/// Length of the header of the file.
pub(super) const HEADER: usize = 24;
/// Length of the header of a record.
const RECORD: usize = 16;

/// What the header of a file says of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pcap {
    big: bool,
    nanoseconds: bool,
    link_type: u16,
}

/// How the records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// In order, or where the reader said stop.
    Whole,
    /// Damaged after so many packets: what is wrong, for people.
    Damaged(u64, &'static str),
}

/// What stands at the beginning of some bytes.
enum Next<'a> {
    /// A record, and its length.
    Record(Captured<'a>, usize),
    /// So many bytes from the beginning on are needed to say more.
    Needs(usize),
}

impl Pcap {
    /// None where this is the header of something else, also of the older variant with more fields.
    pub(super) fn new(header: &[u8]) -> Option<Self> {
        let [m1, m2, m3, m4, .., n1, n2, n3, n4] = *header.first_chunk::<HEADER>()?;
        let (big, nanoseconds) = match u32::from_be_bytes([m1, m2, m3, m4]) {
            0xa1b2_c3d4 => (true, false),
            0xa1b2_3c4d => (true, true),
            0xd4c3_b2a1 => (false, false),
            0x4d3c_b2a1 => (false, true),
            _ => return None,
        };
        // The upper bits say how long a frame check sequence is.
        let link_type = if big { u16::from_be_bytes([n3, n4]) } else { u16::from_le_bytes([n1, n2]) };
        Some(Self { big, nanoseconds, link_type })
    }

    /// Gives each record, until `each` says stop.
    pub(super) fn records(
        self,
        source: &mut impl BufRead,
        there_is_more: &impl Fn() -> bool,
        each: &mut impl FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> End {
        let mut packets = 0;
        // A record of which a part was not there yet.
        let mut part: Vec<u8> = Vec::new();
        loop {
            if !there_is_more() && each(Item::Pause).is_break() {
                return End::Whole;
            }
            let Ok(there) = source.fill_buf() else {
                return End::Damaged(packets, "its bytes cannot be read, or cannot be unpacked");
            };
            if there.is_empty() && part.is_empty() {
                return End::Whole;
            }
            if there.is_empty() {
                return End::Damaged(packets, "it ends within a record");
            }
            let mut used = 0;
            loop {
                let rest = there.get(used..).unwrap_or_default();
                let bytes = if part.is_empty() { rest } else { &part };
                match self.next(bytes) {
                    Next::Record(packet, length) => {
                        packets += 1;
                        if each(Item::Packet(packet)).is_break() {
                            return End::Whole;
                        }
                        if part.is_empty() {
                            used += length;
                        }
                        part.clear();
                    }
                    Next::Needs(length) if length > MOST_ROOM => {
                        return End::Damaged(packets, "a record claims to be larger than 16 MiB");
                    }
                    Next::Needs(length) => {
                        let missing = length.saturating_sub(part.len()).min(rest.len());
                        if missing == 0 {
                            break;
                        }
                        part.extend_from_slice(rest.get(..missing).unwrap_or_default());
                        used += missing;
                    }
                }
            }
            source.consume(used);
        }
    }

    #[inline]
    fn next<'a>(&self, bytes: &'a [u8]) -> Next<'a> {
        let Some((header, rest)) = bytes.split_first_chunk::<RECORD>() else { return Next::Needs(RECORD) };
        let [s1, s2, s3, s4, f1, f2, f3, f4, c1, c2, c3, c4, w1, w2, w3, w4] = *header;
        let number = |bytes| if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let length = usize::try_from(number([c1, c2, c3, c4])).unwrap_or(usize::MAX);
        let Some(bytes) = rest.get(..length) else { return Next::Needs(length.saturating_add(RECORD)) };
        let fraction = u64::from(number([f1, f2, f3, f4])) * if self.nanoseconds { 1 } else { 1000 };
        let time = u64::from(number([s1, s2, s3, s4])) * 1_000_000_000 + fraction;
        let wire_len = number([w1, w2, w3, w4]);
        Next::Record(Captured { time, wire_len, link_type: self.link_type, bytes }, RECORD + length)
    }
}
