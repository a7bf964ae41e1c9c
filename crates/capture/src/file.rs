//! Capture files: pcap and pcapng, plain or packed by gzip or zstd, from a path or from a pipe.

mod ahead;
mod packed;
mod pcap;

use ahead::Ahead;
use pcap::{End, Pcap};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, SecretsType, create_reader};
use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::ControlFlow;

/// Room for records at first, in bytes. It grows for larger ones. More would not stay in the caches of a
/// processor.
const ROOM: usize = 64 << 10;
/// Largest record that is read: 16 MiB. Snap lengths are at most 256 KiB.
const MOST_ROOM: usize = 16 << 20;
/// Largest pcapng section header.
const MOST_HEADER: usize = 64 << 10;
/// Most interfaces of a section.
const MOST_INTERFACES: usize = 4096;

/// One item of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A packet.
    Packet(Captured<'a>),
    /// A TLS key log that the file carries (pcapng decryption secrets block, type TLSK).
    KeyLog(&'a [u8]),
    /// The file says that so many packets were dropped at capture time.
    Dropped(u64),
    /// All that is there was given, and what comes next is waited for: a pipe may bring nothing for long.
    Pause,
}

/// A packet as captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured<'a> {
    /// Nanoseconds since 1970-01-01 UTC; 0 where the file does not say.
    pub time: u64,
    /// Length on the wire in bytes.
    pub wire_len: u32,
    /// Number of the link type in the pcap registry.
    pub link_type: u16,
    /// From the link header on; shorter than `wire_len` where the capture cut it.
    pub bytes: &'a [u8],
}

/// How a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEnd {
    /// In order, or where the reader said stop.
    Whole,
    /// Damaged: what was read up to there holds. For people.
    Damaged(String),
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is something else.
    #[error(
        "{name} is no capture file: it begins with {begin}, which is neither pcap nor pcapng, nor one of the two packed by gzip or zstd"
    )]
    NoCapture {
        /// The file.
        name: String,
        /// Its first bytes, for people.
        begin: String,
    },
    /// It is a capture file, and its header is cut or makes no sense.
    #[error("{name}: the header of the capture file is damaged: {reason}")]
    Header {
        /// The file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The system does not give its bytes.
    #[error("cannot read {name}: {reason}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        reason: io::Error,
    },
}

/// Reads a capture to its end, or until `each` says stop. `name` is for messages.
///
/// Memory: one record and what unpacking needs, whatever the size of the file.
///
/// # Errors
/// It is no capture file, or cannot be read. A file that is damaged further on is read to the damage.
pub fn read(
    name: &str,
    source: impl Read + Send,
    each: impl FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<FileEnd, FileError> {
    let source = unpacked(name, source)?;
    items(name, BufReader::with_capacity(ROOM, source), || true, each)
}

/// As [`read`], with a thread that fetches and unpacks what comes next, half a megabyte at most; and with
/// [`Item::Pause`] where that is not there yet.
///
/// # Errors
/// As [`read`].
pub fn read_ahead(
    name: &str,
    source: impl Read + Send + 'static,
    each: impl FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<FileEnd, FileError> {
    let source = unpacked(name, source)?;
    let source = Ahead::new(source).map_err(|reason| FileError::Read { name: name.to_owned(), reason })?;
    let there = source.there();
    items(name, source, || there.is_any(), each)
}

fn unpacked<'s>(name: &str, source: impl Read + Send + 's) -> Result<Box<dyn Read + Send + 's>, FileError> {
    let failed = |reason| FileError::Read { name: name.to_owned(), reason };
    let mut source = BufReader::with_capacity(64 << 10, source);
    Ok(match source.fill_buf().map_err(failed)? {
        [0x1f, 0x8b, ..] => Box::new(packed::gzip(source)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(packed::zstd(source).map_err(failed)?),
        _ => Box::new(source),
    })
}

fn items(
    name: &str,
    mut source: impl BufRead + Send,
    there_is_more: impl Fn() -> bool,
    mut each: impl FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<FileEnd, FileError> {
    let begin = beginning(name, &mut source)?;
    if let Some(pcap) = Pcap::new(&begin) {
        return Ok(match pcap.records(&mut source, &there_is_more, &mut each) {
            End::Whole => FileEnd::Whole,
            End::Damaged(packets, what) => damaged(name, packets, what),
        });
    }
    let header = |error: PcapError<&[u8]>| FileError::Header { name: name.to_owned(), reason: words(&error) };
    let mut reader = create_reader(ROOM, Cursor::new(begin).chain(source)).map_err(header)?;
    let mut layout = Layout::default();
    let mut room = ROOM;
    let mut packets = 0_u64;
    let mut starved = 0;
    loop {
        let damaged = |what: String| Ok(damaged(name, packets, &what));
        if layout.is_too_short(reader.data()) {
            return damaged("a block claims to be shorter than its own header".to_owned());
        }
        match reader.next() {
            Ok((length, block)) => {
                starved = 0;
                let flow = match layout.item(&block) {
                    Ok(Some(item)) => {
                        packets += u64::from(matches!(item, Item::Packet(_)));
                        each(item)
                    }
                    Ok(None) => ControlFlow::Continue(()),
                    Err(what) => return damaged(what.to_owned()),
                };
                if flow.is_break() {
                    return Ok(FileEnd::Whole);
                }
                // Without moving what follows: that is done once for each read.
                reader.consume_noshift(length);
            }
            Err(PcapError::Eof) => return Ok(FileEnd::Whole),
            Err(PcapError::Incomplete(_)) => {
                if !there_is_more() && each(Item::Pause).is_break() {
                    return Ok(FileEnd::Whole);
                }
                let before = reader.data().len();
                if let Err(error) = reader.refill() {
                    return damaged(words(&error));
                }
                // Nothing more comes, though the reader still asks for it.
                starved = if reader.data().len() == before { starved + 1 } else { 0 };
                if starved > 2 {
                    return damaged("it ends within a record".to_owned());
                }
            }
            Err(PcapError::BufferTooSmall) if room < MOST_ROOM => {
                room *= 4;
                reader.grow(room);
            }
            Err(PcapError::BufferTooSmall) => {
                return damaged("a record claims to be larger than 16 MiB".to_owned());
            }
            Err(error) => return damaged(words(&error)),
        }
    }
}

fn damaged(name: &str, packets: u64, what: &str) -> FileEnd {
    FileEnd::Damaged(format!("{name} is damaged after {packets} packets: {what}"))
}

/// The header that the first read of the parser must find whole, also where a pipe gives few bytes.
fn beginning(name: &str, source: &mut impl Read) -> Result<Vec<u8>, FileError> {
    let mut begin = Vec::new();
    let mut take = |begin: &mut Vec<u8>, upto: usize| {
        let missing = upto.saturating_sub(begin.len()) as u64;
        source
            .take(missing)
            .read_to_end(begin)
            .map_err(|reason| FileError::Read { name: name.to_owned(), reason })
    };
    take(&mut begin, 24)?;
    let known = match begin.get(..4) {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => {
            // Section header block: type, length, byte-order magic.
            if let Some([a, b, c, d, order @ ..]) = begin.get(4..12) {
                let length = [*a, *b, *c, *d];
                let little = order == [0x4d, 0x3c, 0x2b, 0x1a];
                let length = if little { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
                take(&mut begin, usize::try_from(length).unwrap_or(MOST_HEADER).min(MOST_HEADER))?;
            }
            true
        }
        Some(magic) => {
            // Microseconds, nanoseconds, and the older format with more fields; in both orders.
            let magic = u32::from_be_bytes([magic[0], magic[1], magic[2], magic[3]]);
            [0xa1b2_c3d4_u32, 0xa1b2_3c4d, 0xa1b2_cd34]
                .iter()
                .any(|known| magic == *known || magic == known.swap_bytes())
        }
        None => false,
    };
    if known {
        return Ok(begin);
    }
    let shown = begin.get(..8).unwrap_or(&begin);
    let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    let begin = if begin.is_empty() {
        "nothing: it is empty".to_owned()
    } else {
        format!("the bytes {}", hex.join(" "))
    };
    Err(FileError::NoCapture { name: name.to_owned(), begin })
}

/// What headers said about the packets that follow.
#[derive(Debug, Default)]
struct Layout {
    /// pcap: link type, and whether times are in nanoseconds.
    pcap: Option<(u16, bool)>,
    /// pcapng: the interfaces of the section.
    interfaces: Vec<Interface>,
    /// pcapng: whether the section is big-endian.
    big: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: u16,
    snap_length: u32,
    /// Units in a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
}

impl Layout {
    /// Whether the next block of a pcapng has a length below the 12 bytes that every block has: the parser
    /// takes 12 away from it unseen.
    fn is_too_short(&self, data: &[u8]) -> bool {
        let (Some(big), Some([kind @ .., a, b, c, d])) = (self.big, data.first_chunk::<8>()) else {
            return false;
        };
        let length =
            if big { u32::from_be_bytes([*a, *b, *c, *d]) } else { u32::from_le_bytes([*a, *b, *c, *d]) };
        // The byte order of a section header is its own.
        *kind != [0x0a, 0x0d, 0x0d, 0x0a] && length < 12
    }

    fn item<'a>(&mut self, block: &'a PcapBlockOwned<'_>) -> Result<Option<Item<'a>>, &'static str> {
        Ok(Some(match block {
            PcapBlockOwned::LegacyHeader(header) => {
                // The upper bits say how long a frame check sequence is.
                let link_type = u16::try_from(header.network.0 & 0xffff).unwrap_or_default();
                self.pcap = Some((link_type, header.is_nanosecond_precision()));
                return Ok(None);
            }
            PcapBlockOwned::Legacy(record) => {
                let Some((link_type, nanoseconds)) = self.pcap else {
                    return Err("a packet without a header");
                };
                let fraction = u64::from(record.ts_usec) * if nanoseconds { 1 } else { 1000 };
                let time = u64::from(record.ts_sec) * 1_000_000_000 + fraction;
                Item::Packet(Captured { time, wire_len: record.origlen, link_type, bytes: record.data })
            }
            PcapBlockOwned::NG(Block::SectionHeader(section)) => {
                self.interfaces.clear();
                self.big = Some(section.big_endian());
                return Ok(None);
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                if self.interfaces.len() >= MOST_INTERFACES {
                    return Err("too many interfaces");
                }
                self.interfaces.push(Interface {
                    link_type: u16::try_from(interface.linktype.0).unwrap_or(u16::MAX),
                    snap_length: interface.snaplen,
                    resolution: interface.ts_resolution().filter(|units| *units > 0).unwrap_or(1_000_000),
                    offset: interface.ts_offset(),
                });
                return Ok(None);
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = usize::try_from(packet.if_id).ok().and_then(|id| self.interfaces.get(id));
                let Some(interface) = interface else {
                    return Err("a packet of an interface that is not described");
                };
                Item::Packet(Captured {
                    time: interface.time(packet.ts_high, packet.ts_low),
                    wire_len: packet.origlen,
                    link_type: interface.link_type,
                    bytes: packet.packet_data(),
                })
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let Some(interface) = self.interfaces.first() else {
                    return Err("a packet before any interface is described");
                };
                // What was captured is the least of the three; the block does not say it.
                let mut length = packet.data.len().min(usize::try_from(packet.origlen).unwrap_or(usize::MAX));
                if interface.snap_length > 0 {
                    length = length.min(usize::try_from(interface.snap_length).unwrap_or(usize::MAX));
                }
                let bytes = packet.data.get(..length).unwrap_or(packet.data);
                Item::Packet(Captured {
                    time: 0,
                    wire_len: packet.origlen,
                    link_type: interface.link_type,
                    bytes,
                })
            }
            PcapBlockOwned::NG(Block::DecryptionSecrets(secrets))
                if secrets.secrets_type == SecretsType::TlsKeyLog =>
            {
                Item::KeyLog(secrets.data)
            }
            PcapBlockOwned::NG(Block::InterfaceStatistics(statistics)) => {
                let count = |value: Option<Result<u64, _>>| value.and_then(Result::ok).unwrap_or_default();
                let dropped = count(statistics.isb_ifdrop()).saturating_add(count(statistics.isb_osdrop()));
                if dropped == 0 {
                    return Ok(None);
                }
                Item::Dropped(dropped)
            }
            PcapBlockOwned::NG(_) => return Ok(None),
        }))
    }
}

impl Interface {
    fn time(&self, high: u32, low: u32) -> u64 {
        let units = u64::from(high) << 32 | u64::from(low);
        let fraction = u128::from(units % self.resolution) * 1_000_000_000 / u128::from(self.resolution);
        let seconds = (units / self.resolution).saturating_add_signed(self.offset);
        // The fraction is below a second.
        seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(fraction).unwrap_or_default())
    }
}

fn words<I: fmt::Debug>(error: &PcapError<I>) -> String {
    match error {
        PcapError::UnexpectedEof | PcapError::Eof | PcapError::Incomplete(_) => {
            "it ends within a record".into()
        }
        PcapError::ReadError => "its bytes cannot be read, or cannot be unpacked".into(),
        PcapError::HeaderNotRecognized => "the header is not recognised".into(),
        PcapError::BufferTooSmall => "a record is too large".into(),
        PcapError::NomError(..) | PcapError::OwnedNomError(..) => "a record makes no sense".into(),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
