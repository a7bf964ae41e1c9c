//! Packets to look at: what each one is, in a few words, and its first bytes.

use crate::canary::{Needles, cover};
use crate::packet::{Packet, read};
use crate::reading::Reading;
use crate::sniff::Reply;
use crate::tls::{APPLICATION_DATA, TlsEvent, alert_text};
use std::fmt::Write as _;
use std::ops::Range;
use wirelab_model::{Frame, PacketView};

/// Most payload bytes of a packet that are shown.
const MAX_SHOWN: usize = 256;
/// Most names of commands in a summary.
const MAX_NAMES: usize = 6;

/// What ended in a packet.
#[derive(Debug, Default)]
pub(crate) struct Label {
    /// Hellos and alerts.
    named: Vec<String>,
    records: u64,
    only_data: bool,
    commands: Vec<String>,
    more_commands: u64,
    replies: u64,
    pushes: u64,
}

/// The packets of flows to a port: see [`Reading::views`].
pub(crate) fn views(
    reading: &Reading,
    frames: &[Frame],
    link_type: u16,
    server_port: u16,
    most: usize,
    needles: Option<&Needles>,
) -> Vec<PacketView> {
    let started = frames.first().map_or(0, |frame| frame.time);
    let mut views = Vec::new();
    for (index, (frame, place)) in frames.iter().zip(&reading.places).enumerate() {
        if views.len() >= most {
            break;
        }
        let (Some(place), Some(flow)) = (place, reading.flow_of(index)) else { continue };
        let Packet::Tcp(segment) = read(frame, link_type) else { continue };
        let seen = reading.report.flows.get(flow);
        if segment.payload.is_empty() || seen.is_none_or(|seen| seen.server.port() != server_port) {
            continue;
        }
        let number = index as u64 + 1;
        let mut payload = segment.payload.to_vec();
        if let Some(needles) = needles {
            // By itself: what did not make it into the stream. By the stream: what spans packets.
            payload = needles.mask(&payload);
            if let Some(at) = place.position {
                let secrets = reading.secrets(flow, place.from);
                cover_all(&mut payload, at, secrets, needles.longest() as u64);
            }
        }
        views.push(PacketView {
            frame: number,
            time_us: frame.time.saturating_sub(started) / 1000,
            from: place.from,
            length: u32::try_from(segment.payload.len()).unwrap_or(u32::MAX),
            summary: reading.labels.get(&number).map_or_else(|| "data".to_owned(), Label::text),
            hex: hex(payload.get(..MAX_SHOWN).unwrap_or(&payload)),
        });
    }
    views
}

/// Masks what lies in `payload`, which starts at `at`. Secrets are in the order of their ends.
fn cover_all(payload: &mut [u8], at: u64, secrets: &[Range<u64>], longest: u64) {
    let first = secrets.partition_point(|secret| secret.end <= at);
    let end = at + payload.len() as u64;
    let near = secrets.iter().skip(first).take_while(|secret| secret.end < end + longest);
    near.for_each(|secret| cover(payload, at, secret));
}

impl Label {
    pub(crate) fn command(&mut self, name: &[u8]) {
        if self.commands.len() < MAX_NAMES {
            self.commands.push(command_name(name));
        } else {
            self.more_commands += 1;
        }
    }

    pub(crate) fn reply(&mut self, reply: &Reply<'_>) {
        match (reply.push, reply.bytes.first()) {
            (true, Some(b'|')) => {}
            (true, _) => self.pushes += 1,
            (false, _) => self.replies += 1,
        }
    }

    pub(crate) fn message(&mut self, message: &TlsEvent) {
        let name = match message {
            TlsEvent::Record(kind) => {
                self.only_data = *kind == APPLICATION_DATA && (self.records == 0 || self.only_data);
                self.records += 1;
                return;
            }
            TlsEvent::ClientHello(_) => "ClientHello".to_owned(),
            TlsEvent::HelloRetryRequest => "HelloRetryRequest".to_owned(),
            TlsEvent::ServerHello(_) => "ServerHello".to_owned(),
            TlsEvent::Alert { code, .. } => format!("alert {}", alert_text(*code)),
            TlsEvent::Certificate(_) => "Certificate".to_owned(),
            TlsEvent::CertificateRequest => "CertificateRequest".to_owned(),
            TlsEvent::KeyExchange(_) => "ServerKeyExchange".to_owned(),
            TlsEvent::Alpn(_) => "EncryptedExtensions".to_owned(),
        };
        // One more tells that there are more.
        if self.named.len() <= MAX_NAMES {
            self.named.push(name);
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
