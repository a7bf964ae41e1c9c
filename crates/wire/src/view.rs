//! Packets to look at: what each one is, in a few words, and its first bytes.

use crate::analysis::Analysis;
use crate::canary::{Needles, Scanner, cover};
use crate::packet::{Packet, Segment, read};
use crate::reader::{Event, Reader};
use crate::resp::Value;
use crate::stream::{Chunk, Stream};
use crate::tls::{APPLICATION_DATA, TLS_1_3, TlsEvent, alert_text};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use wirelab_model::{Direction, Frame, PacketView};

/// Most payload bytes of a packet that are shown.
const MAX_SHOWN: usize = 256;
/// Most names of commands in a summary.
const MAX_NAMES: usize = 6;

/// What ended in a packet.
#[derive(Debug, Default)]
struct Label {
    /// Hellos and alerts.
    named: Vec<String>,
    records: u64,
    only_data: bool,
    commands: Vec<String>,
    more_commands: u64,
    replies: u64,
    pushes: u64,
}

struct Shown {
    view: PacketView,
    payload: Vec<u8>,
    /// Flow, direction and offset in the stream.
    place: ((usize, Direction), Option<u64>),
}

/// One direction of a flow.
struct Side<'n> {
    stream: Stream,
    reader: Reader,
    scanner: Option<Scanner<'n>>,
    secrets: Vec<Range<u64>>,
}

pub(crate) fn views(
    analysis: &Analysis,
    frames: &[Frame],
    link_type: u16,
    server_port: u16,
    most: usize,
    needles: Option<&Needles>,
) -> Vec<PacketView> {
    let started = frames.first().map_or(0, |frame| frame.time);
    let mut shown: Vec<Shown> = Vec::new();
    let mut labels: BTreeMap<u64, Label> = BTreeMap::new();
    let mut sides: BTreeMap<(usize, Direction), Side<'_>> = BTreeMap::new();
    let mut old_tls: BTreeMap<usize, bool> = BTreeMap::new();
    for (number, (frame, flow)) in (1..).zip(frames.iter().zip(&analysis.frame_flow)) {
        let Some(flow) = *flow else { continue };
        let Some(seen) = analysis.report.flows.get(flow) else { continue };
        if seen.server.port() != server_port {
            continue;
        }
        let Packet::Tcp(segment) = read(frame, link_type) else { continue };
        let from = if segment.source == seen.client { Direction::Client } else { Direction::Server };
        let side = sides.entry((flow, from)).or_insert_with(|| Side::new(from, segment.syn, needles));
        // Later packets are read on only for secrets that began in one that is shown.
        let full = shown.len() >= most;
        if full && needles.is_none() {
            break;
        }
        if !full && !segment.payload.is_empty() {
            shown.push(Shown {
                view: PacketView {
                    frame: number,
                    time_us: frame.time.saturating_sub(started) / 1000,
                    from,
                    length: u32::try_from(segment.payload.len()).unwrap_or(u32::MAX),
                    summary: String::new(),
                    hex: String::new(),
                },
                payload: segment.payload.to_vec(),
                place: ((flow, from), None),
            });
        }
        let old = old_tls.entry(flow).or_default();
        let last = shown.last().map_or(0, |shown| shown.view.frame);
        side.push(&segment, number, *old, &mut |event, number| {
            if let Event::Tls(TlsEvent::ServerHello(hello)) = &event {
                *old = hello.version != TLS_1_3;
            }
            if number <= last {
                labels.entry(number).or_default().add(event);
            }
        });
        if last == number
            && let Some(shown) = shown.last_mut()
        {
            shown.place.1 = side.stream.position_of(segment.seq.wrapping_add(u32::from(segment.syn)));
        }
    }
    for side in sides.values_mut() {
        side.finish();
    }
    shown
        .into_iter()
        .map(|Shown { mut view, mut payload, place: (key, position) }| {
            view.summary = labels.get(&view.frame).map_or_else(|| "data".to_owned(), Label::text);
            if let Some(needles) = needles {
                // By itself: what did not make it into the stream. By the stream: what spans packets.
                payload = needles.mask(&payload);
                if let Some((side, at)) = sides.get(&key).zip(position) {
                    side.cover(&mut payload, at, needles.longest() as u64);
                }
            }
            view.hex = hex(payload.get(..MAX_SHOWN).unwrap_or(&payload));
            view
        })
        .collect()
}

impl<'n> Side<'n> {
    fn new(from: Direction, whole: bool, needles: Option<&'n Needles>) -> Self {
        Self {
            stream: Stream::default(),
            reader: Reader::new(from, whole),
            scanner: needles.map(Needles::scanner),
            secrets: Vec::new(),
        }
    }

    fn push(&mut self, segment: &Segment<'_>, frame: u64, old_tls: bool, out: &mut impl FnMut(Event, u64)) {
        let Self { stream, reader, scanner, secrets } = self;
        if segment.syn {
            stream.syn(segment.seq);
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.syn));
        stream.push(seq, segment.payload, segment.cut, frame, &mut |chunk| {
            hear(chunk, scanner, secrets);
            match chunk {
                Chunk::Data(bytes, frame) => reader.push(bytes, old_tls, &mut |event| out(event, frame)),
                Chunk::Gap(_) => reader.gap(),
            }
        });
    }

    fn finish(&mut self) {
        let Self { stream, scanner, secrets, .. } = self;
        stream.finish(&mut |chunk| hear(chunk, scanner, secrets));
    }

    /// Masks what lies in `payload`, which starts at `at`. Secrets are in the order of their ends.
    fn cover(&self, payload: &mut [u8], at: u64, longest: u64) {
        let first = self.secrets.partition_point(|secret| secret.end <= at);
        let end = at + payload.len() as u64;
        let near = self.secrets.iter().skip(first).take_while(|secret| secret.end < end + longest);
        near.for_each(|secret| cover(payload, at, secret));
    }
}

fn hear(chunk: Chunk<'_>, scanner: &mut Option<Scanner<'_>>, secrets: &mut Vec<Range<u64>>) {
    let Some(scanner) = scanner else { return };
    match chunk {
        Chunk::Data(bytes, _) => scanner.each(bytes, |_, secret| secrets.push(secret)),
        Chunk::Gap(lost) => scanner.skip(lost),
    }
}

impl Label {
    fn add(&mut self, event: Event) {
        match event {
            Event::Command(words) => {
                if self.commands.len() < MAX_NAMES {
                    self.commands.push(command_name(words.first().map_or(&[], Vec::as_slice)));
                } else {
                    self.more_commands += 1;
                }
            }
            Event::Reply(Value::Push(_)) => self.pushes += 1,
            Event::Reply(Value::Attribute(_)) => {}
            Event::Reply(_) => self.replies += 1,
            Event::Tls(TlsEvent::Record(kind)) => {
                self.only_data = kind == APPLICATION_DATA && (self.records == 0 || self.only_data);
                self.records += 1;
            }
            Event::Tls(event) => self.named.push(match event {
                TlsEvent::ClientHello(_) => "ClientHello".to_owned(),
                TlsEvent::HelloRetryRequest => "HelloRetryRequest".to_owned(),
                TlsEvent::ServerHello(_) => "ServerHello".to_owned(),
                TlsEvent::Alert { code, .. } => format!("alert {}", alert_text(code)),
                TlsEvent::Certificate(_) => "Certificate".to_owned(),
                TlsEvent::CertificateRequest => "CertificateRequest".to_owned(),
                TlsEvent::KeyExchange(_) => "ServerKeyExchange".to_owned(),
                TlsEvent::Alpn(_) => "EncryptedExtensions".to_owned(),
                TlsEvent::Record(_) => return,
            }),
        }
    }

    fn text(&self) -> String {
        let count = |number: u64, one: &str, many: &str| match number {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{number} {many}")),
        };
        let mut parts = self.named.clone();
        parts.truncate(MAX_NAMES);
        if self.named.is_empty() && self.only_data {
            parts.push("TLS application data".to_owned());
        } else if self.named.is_empty() {
            parts.extend(count(self.records, "TLS record", "TLS records"));
        } else {
            // Each hello and each alert is taken to fill a record of its own.
            parts.extend(count(self.records.saturating_sub(self.named.len() as u64), "record", "records"));
        }
        parts.extend(self.commands.iter().cloned());
        parts.extend(count(self.more_commands, "more command", "more commands"));
        parts.extend(count(self.replies, "reply", "replies"));
        parts.extend(count(self.pushes, "push", "pushes"));
        if parts.is_empty() { "data".to_owned() } else { parts.join(", ") }
    }
}

/// The name of a command as people write it. Only letters: a secret in its place never shows.
fn command_name(word: &[u8]) -> String {
    let is_name = !word.is_empty()
        && word.len() <= 24
        && word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'.');
    if is_name { String::from_utf8_lossy(word).to_ascii_uppercase() } else { "unknown command".to_owned() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a `String` does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
