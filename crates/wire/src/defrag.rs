//! Puts the pieces of IP packets together. Bounded: few packets at once, each of them no larger than IP
//! allows, and the one that waits longest gives way.

use crate::packet::Fragment;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// Most packets that wait for pieces.
const MOST_PACKETS: usize = 64;
/// Most pieces of a packet.
const MOST_PIECES: usize = 1024;
/// Largest packet: 64 KiB (RFC 791 section 3.1).
const MOST_BYTES: u32 = 64 << 10;
/// Most bytes that the pieces of one have together.
const MOST_HELD: usize = 128 << 10;

type Key = (IpAddr, IpAddr, u8, u32);

#[derive(Debug, Default)]
struct Waiting {
    pieces: BTreeMap<u32, Vec<u8>>,
    /// Bytes of the pieces, those that overlap each for itself.
    held: usize,
    /// Length of the whole, once the last piece is there.
    length: Option<u32>,
}

/// Packets whose pieces are not all there yet.
#[derive(Debug, Default)]
pub struct Defrag {
    waiting: BTreeMap<Key, Waiting>,
    order: VecDeque<Key>,
    given_up: u64,
}

impl Defrag {
    /// Takes a piece; gives the whole once it is complete. Of bytes that come twice the first copy wins.
    pub fn push(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        let Fragment { source, destination, id, protocol, offset, more, bytes } = *fragment;
        let end = offset + u32::try_from(bytes.len()).ok()?;
        if end > MOST_BYTES {
            return None;
        }
        let key = (source, destination, protocol, id);
        if !self.waiting.contains_key(&key) {
            if self.order.len() >= MOST_PACKETS
                && let Some(oldest) = self.order.pop_front()
            {
                self.waiting.remove(&oldest);
                self.given_up += 1;
            }
            self.order.push_back(key);
        }
        let waiting = self.waiting.entry(key).or_default();
        if waiting.pieces.len() < MOST_PIECES && waiting.held < MOST_HELD {
            waiting.pieces.entry(offset).or_insert_with(|| {
                waiting.held += bytes.len();
                bytes.to_vec()
            });
        }
        if !more {
            waiting.length = waiting.length.or(Some(end));
        }
        let whole = waiting.whole()?;
        self.waiting.remove(&key);
        self.order.retain(|other| *other != key);
        Some(whole)
    }

    /// Packets that were never whole: those that gave way and those that wait still.
    pub fn incomplete(&self) -> u64 {
        self.given_up + self.order.len() as u64
    }
}

impl Waiting {
    fn whole(&self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.length?).ok()?;
        let mut whole = Vec::new();
        for (offset, bytes) in &self.pieces {
            let known = whole.len().checked_sub(usize::try_from(*offset).ok()?)?;
            whole.extend_from_slice(bytes.get(known..).unwrap_or_default());
        }
        (whole.len() >= length).then(|| {
            whole.truncate(length);
            whole
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{LINKTYPE_RAW, Packet, read_bytes, reassembled};
    use crate::testkit::{Side, tcp};
    use proptest::prelude::*;

    /// An IPv4 packet cut into pieces of so many bytes.
    fn pieces(payload: &[u8], step: usize) -> Vec<Vec<u8>> {
        let whole = tcp(Side::Client, 1, None, "", payload).bytes.split_off(14);
        let (header, body) = whole.split_at(20);
        let count = body.chunks(step).count();
        let cut = |(index, part): (usize, &[u8])| {
            let mut packet = [header, part].concat();
            let length = u16::try_from(packet.len()).unwrap();
            packet[2..4].copy_from_slice(&length.to_be_bytes());
            packet[4..6].copy_from_slice(&[0, 7]);
            let more = if index + 1 < count { 0x2000 } else { 0 };
            let offset = u16::try_from(index * step / 8).unwrap() | more;
            packet[6..8].copy_from_slice(&offset.to_be_bytes());
            packet
        };
        body.chunks(step).enumerate().map(cut).collect()
    }

    proptest! {
        #[test]
        fn any_order_gives_the_segment(payload in proptest::collection::vec(any::<u8>(), 30..300), order: u64, step in 1_usize..6) {
            let mut pieces = pieces(&payload, step * 8);
            let mut seed = order | 1;
            for index in (1..pieces.len()).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                pieces.swap(index, usize::try_from(seed >> 33).unwrap() % (index + 1));
            }
            // Each piece twice.
            let twice: Vec<_> = pieces.iter().flat_map(|piece| [piece, piece]).collect();
            let mut defrag = Defrag::default();
            let mut found = Vec::new();
            for bytes in twice {
                let Packet::Fragment(fragment) = read_bytes(bytes, u32::try_from(bytes.len()).unwrap(), LINKTYPE_RAW)
                    else { panic!("no fragment") };
                if let Some(whole) = defrag.push(&fragment) {
                    let segment = reassembled(fragment.source, fragment.destination, fragment.protocol, &whole).unwrap();
                    found.push(segment.payload.to_vec());
                }
            }
            prop_assert_eq!(&found[0], &payload);
        }

        #[test]
        fn hostile_pieces_stay_bounded(parts in proptest::collection::vec((0_u32..70_000, any::<bool>(), 0_u32..200, 0_usize..40), 0..300)) {
            let mut defrag = Defrag::default();
            let address = IpAddr::from([127, 0, 0, 1]);
            for (offset, more, id, length) in parts {
                let bytes = vec![1; length];
                defrag.push(&Fragment { source: address, destination: address, id, protocol: 6, offset, more, bytes: &bytes });
                prop_assert!(defrag.order.len() <= MOST_PACKETS && defrag.waiting.len() == defrag.order.len());
            }
        }
    }
}
