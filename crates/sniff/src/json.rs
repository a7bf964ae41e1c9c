//! One JSON object a line, each with `event`.
//!
//! A byte string is a JSON string where it is UTF-8 and `{"hex": "..."}` where it is not. A RESP value is an
//! array led by its type byte.

use crate::data::Data;
use crate::escape;
use crate::mask::{self, MASK};
use crate::summary::{Summary, most_used};
use std::collections::BTreeMap;
use std::io::{self, Write};
use wirelab_model::{Direction, FlowKind, TlsSeen};
use wirelab_wire::credential::Credential;
use wirelab_wire::resp::{Decoder, Value};
use wirelab_wire::sniff::{Command, FlowEnd, Reply, Totals};

/// What a line leaves behind for the next one: 64 KiB.
const MOST_ROOM: usize = 64 << 10;
/// Most keys that the summary names.
const MOST_KEYS: usize = 20;

pub(crate) struct Json<W> {
    pub(crate) out: W,
    reveal: bool,
    /// The line that is being written: it goes out in one piece.
    line: Vec<u8>,
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Client => "client",
        Direction::Server => "server",
    }
}

impl<W: Write> Json<W> {
    pub(crate) fn new(out: W, reveal: bool) -> Self {
        Self { out, reveal, line: Vec::new() }
    }

    /// The line is whole.
    fn end(&mut self) -> io::Result<()> {
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.line.clear();
        // A long one is rare.
        self.line.shrink_to(MOST_ROOM);
        Ok(())
    }

    /// Seconds with nine decimals, exactly.
    fn time(&mut self, time: u64) -> io::Result<()> {
        self.named(b",\"time\":", time / 1_000_000_000)?;
        // One and nine digits: the one gives its place to the point.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(1_000_000_000 + time % 1_000_000_000);
        self.line.write_all(b".")?;
        self.line.write_all(digits.as_bytes().get(1..).unwrap_or_default())
    }

    /// Text and a number: the formatter of the standard library takes longer than all the rest.
    fn named(&mut self, name: &[u8], number: u64) -> io::Result<()> {
        self.line.write_all(name)?;
        self.line.write_all(itoa::Buffer::new().format(number).as_bytes())
    }

    fn string(&mut self, text: &str) -> io::Result<()> {
        escape::string(text, &mut self.line);
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.string(text);
        }
        self.line.write_all(b"{\"hex\":\"")?;
        for byte in bytes {
            self.line.extend_from_slice(&escape::hex(*byte));
        }
        self.line.write_all(b"\"}")
    }

    pub(crate) fn command(&mut self, command: &Command<'_>) -> io::Result<()> {
        let Command { flow, frame, id, .. } = command;
        self.named(b"{\"event\":\"command\",\"flow\":", *flow)?;
        self.named(b",\"frame\":", *frame)?;
        self.named(b",\"id\":", *id)?;
        self.time(command.time)?;
        if command.from == Direction::Server {
            self.line.write_all(b",\"from\":\"server\"")?;
        }
        if command.decrypted {
            self.line.write_all(b",\"decrypted\":true")?;
        }
        if command.cut {
            self.line.write_all(b",\"cut\":true")?;
        }
        self.line.write_all(b",\"argv\":[")?;
        for index in 0..command.words.len() {
            if index > 0 {
                self.line.write_all(b",")?;
            }
            self.bytes(&mask::word(command.words, index, command.secrets, self.reveal).0)?;
        }
        self.line.write_all(b"]}")?;
        self.end()
    }

    pub(crate) fn reply(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        let Reply { flow, frame, .. } = reply;
        self.named(b"{\"event\":\"reply\",\"flow\":", *flow)?;
        self.named(b",\"frame\":", *frame)?;
        self.time(reply.time)?;
        if let Some(id) = reply.answers {
            self.named(b",\"answers\":", id)?;
        }
        if !reply.parts.is_empty() {
            self.line.write_all(b",\"parts\":")?;
            serde_json::to_writer(&mut self.line, reply.parts)?;
        }
        if let Some(latency) = reply.latency {
            self.named(b",\"latency_ns\":", latency)?;
        }
        if reply.push {
            self.line.write_all(b",\"push\":true")?;
        }
        if reply.decrypted {
            self.line.write_all(b",\"decrypted\":true")?;
        }
        if reply.cut {
            self.line.write_all(b",\"cut\":true")?;
        }
        self.line.write_all(b",\"value\":")?;
        self.value_of(reply)?;
        self.line.write_all(b"}")?;
        self.end()
    }

    /// The value of a reply. What most replies are is read where it lies.
    fn value_of(&mut self, reply: &Reply<'_>) -> io::Result<()> {
        let line = |bytes: &'_ [u8]| bytes.len().saturating_sub(2);
        match reply.bytes {
            [b'+' | b'-', rest @ ..] if !reply.cut => {
                let plus = reply.bytes.first() == Some(&b'+');
                self.line.write_all(if plus { b"[\"+\"," } else { b"[\"-\"," })?;
                self.bytes(rest.get(..line(rest)).unwrap_or_default())?;
                return self.line.write_all(b"]");
            }
            [b'$', rest @ ..] if !reply.cut && rest.first() != Some(&b'-') => {
                let body = rest.iter().position(|byte| *byte == b'\n').and_then(|at| rest.get(at + 1..));
                let body = body.unwrap_or_default();
                self.line.write_all(b"[\"$\",")?;
                self.bytes(body.get(..line(body)).unwrap_or_default())?;
                return self.line.write_all(b"]");
            }
            _ => {}
        }
        let mut decoder = Decoder::replies();
        decoder.push(reply.bytes);
        match decoder.next_value() {
            Ok(Some(value)) => self.value(&value, reply.secret && !self.reveal),
            // Parts of it were cut off, or it is larger than the decoder takes.
            _ => {
                let kind = char::from(reply.bytes.first().copied().unwrap_or(b'?'));
                write!(self.line, "[\"{kind}\"]")
            }
        }
    }

    fn value(&mut self, value: &Value, secret: bool) -> io::Result<()> {
        let text = |this: &mut Self, kind: char, bytes: &[u8]| {
            write!(this.line, "[\"{kind}\",")?;
            this.bytes(bytes)?;
            this.line.write_all(b"]")
        };
        match value {
            Value::Simple(bytes) => text(self, '+', bytes),
            Value::Error(bytes) => text(self, '-', bytes),
            Value::Integer(number) => write!(self.line, "[\":\",{number}]"),
            Value::Bulk(None) => self.line.write_all(b"[\"$\",null]"),
            Value::Bulk(Some(bytes)) => text(self, '$', bytes),
            Value::Array(None) => self.line.write_all(b"[\"*\",null]"),
            Value::Array(Some(items)) => self.list('*', items, secret),
            Value::Null => self.line.write_all(b"[\"_\"]"),
            Value::Boolean(truth) => write!(self.line, "[\"#\",{truth}]"),
            Value::Double(bytes) => text(self, ',', bytes),
            Value::BigNumber(bytes) => text(self, '(', bytes),
            Value::BulkError(bytes) => text(self, '!', bytes),
            Value::Verbatim(bytes) => {
                let (kind, body) = bytes.split_at(bytes.len().min(3));
                self.line.write_all(b"[\"=\",")?;
                self.bytes(kind)?;
                self.line.write_all(b",")?;
                self.bytes(body.get(1..).unwrap_or_default())?;
                self.line.write_all(b"]")
            }
            Value::Map(items) => self.pairs('%', items, secret),
            Value::Set(items) => self.list('~', items, false),
            Value::Push(items) => self.list('>', items, false),
            Value::Attribute(items) => self.pairs('|', items, false),
        }
    }

    fn list(&mut self, kind: char, items: &[Value], secret: bool) -> io::Result<()> {
        write!(self.line, "[\"{kind}\",[")?;
        let mut named = false;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.line.write_all(b",")?;
            }
            self.masked(item, secret && named, secret)?;
            named = index % 2 == 0 && matches!(item, Value::Bulk(Some(name)) if mask::names_secret(name));
        }
        self.line.write_all(b"]]")
    }

    fn pairs(&mut self, kind: char, items: &[Value], secret: bool) -> io::Result<()> {
        write!(self.line, "[\"{kind}\",[")?;
        for (index, pair) in items.chunks(2).enumerate() {
            let [key, value] = pair else { continue };
            self.line.write_all(if index > 0 { b",[" } else { b"[" })?;
            self.value(key, false)?;
            self.line.write_all(b",")?;
            let names = matches!(key, Value::Bulk(Some(name)) if mask::names_secret(name));
            self.masked(value, secret && names, secret)?;
            self.line.write_all(b"]")?;
        }
        self.line.write_all(b"]]")
    }

    fn masked(&mut self, value: &Value, secret: bool, within: bool) -> io::Result<()> {
        // EXEC may bring the reply to CONFIG GET as one of several.
        if secret { write!(self.line, "[\"$\",\"{MASK}\"]") } else { self.value(value, within) }
    }

    pub(crate) fn credential(&mut self, credential: &Credential) -> io::Result<()> {
        let Credential { flow, frame, carrier, .. } = credential;
        write!(
            self.line,
            "{{\"event\":\"credential\",\"flow\":{flow},\"frame\":{frame},\"carrier\":\"{carrier}\",\"user\":"
        )?;
        match &credential.user {
            Some(user) => self.bytes(user)?,
            None => self.line.write_all(b"null")?,
        }
        self.line.write_all(b",\"secret\":")?;
        match &credential.secret {
            None => self.line.write_all(b"null")?,
            Some(secret) if self.reveal => self.bytes(secret)?,
            Some(_) => self.string(MASK)?,
        }
        if credential.hashed {
            self.line.write_all(b",\"hashed\":true")?;
        }
        if credential.decrypted {
            self.line.write_all(b",\"decrypted\":true")?;
        }
        write!(self.line, ",\"result\":\"{}\"}}", credential.result.as_str())?;
        self.end()
    }

    pub(crate) fn data(&mut self, data: &Data) -> io::Result<()> {
        let Data { flow, frame, class, word, range, decrypted } = data;
        let (class, offset, length) = (class.as_str(), range.start, range.len());
        write!(self.line, "{{\"event\":\"data\",\"flow\":{flow},\"frame\":{frame},\"class\":\"{class}\"")?;
        match word {
            Some(word) => write!(self.line, ",\"word\":{word}")?,
            None => self.line.write_all(b",\"reply\":true")?,
        }
        if *decrypted {
            self.line.write_all(b",\"decrypted\":true")?;
        }
        write!(self.line, ",\"offset\":{offset},\"length\":{length}}}")?;
        self.end()
    }

    pub(crate) fn tls(&mut self, flow: u64, frame: u64, seen: &TlsSeen) -> io::Result<()> {
        write!(self.line, "{{\"event\":\"tls\",\"flow\":{flow},\"frame\":{frame}")?;
        let resumed = seen.resumed.map(|how| format!("{how:?}").to_lowercase());
        for (name, value) in [
            ("version", &seen.version),
            ("cipher", &seen.cipher),
            ("group", &seen.group),
            ("sni", &seen.sni),
            ("alpn", &seen.alpn),
            ("resumed", &resumed),
            ("ja3", &seen.ja3),
            ("ja4", &seen.ja4),
        ] {
            if let Some(value) = value {
                write!(self.line, ",\"{name}\":")?;
                self.string(value)?;
            }
        }
        if !seen.alpn_offered.is_empty() {
            self.line.write_all(b",\"alpn_offered\":")?;
            serde_json::to_writer(&mut self.line, &seen.alpn_offered)?;
        }
        if seen.client_certificate_asked {
            self.line.write_all(b",\"client_certificate_asked\":true")?;
        }
        let certificates = [("server", &seen.server_certificate), ("client", &seen.client_certificate)];
        let known: BTreeMap<_, _> =
            certificates.into_iter().filter_map(|(whose, one)| Some((whose, one.as_ref()?))).collect();
        if !known.is_empty() {
            self.line.write_all(b",\"certificates\":")?;
            serde_json::to_writer(&mut self.line, &known)?;
        }
        if let Some(alert) = seen.alerts.last() {
            write!(
                self.line,
                ",\"alert\":\"{}\",\"alert_from\":\"{}\"",
                alert.description,
                direction(alert.from)
            )?;
        }
        self.line.write_all(b"}")?;
        self.end()
    }

    pub(crate) fn gap(&mut self, flow: u64, from: Direction, bytes: u64) -> io::Result<()> {
        let direction = direction(from);
        write!(
            self.line,
            "{{\"event\":\"gap\",\"flow\":{flow},\"direction\":\"{direction}\",\"bytes\":{bytes}}}"
        )?;
        self.end()
    }

    pub(crate) fn flow(&mut self, end: &FlowEnd) -> io::Result<()> {
        let kind = match end.kind {
            FlowKind::Plaintext => "plaintext",
            FlowKind::Tls => "tls",
            FlowKind::Other => "other",
        };
        let FlowEnd {
            flow,
            client,
            server,
            mixed,
            packets,
            client_bytes,
            server_bytes,
            commands,
            replies,
            ..
        } = end;
        let FlowEnd {
            decrypted,
            sealed,
            gaps,
            unread,
            truncated,
            conflicts,
            after_reset,
            reset,
            replication,
            cluster_bus,
            ..
        } = end;
        write!(
            self.line,
            "{{\"event\":\"flow\",\"flow\":{flow},\"client\":\"{client}\",\"server\":\"{server}\",\"kind\":\"{kind}\",\
             \"mixed\":{mixed},\"packets\":{packets},\"client_bytes\":{client_bytes},\"server_bytes\":{server_bytes},\
             \"commands\":{commands},\"replies\":{replies},\"decrypted\":{decrypted},\"sealed\":{sealed},\"gaps\":{gaps},\"unread\":{unread},\"truncated\":{truncated},\
             \"conflicts\":{conflicts},\"after_reset\":{after_reset},\"reset\":{reset},\"replication\":{replication},\
             \"cluster_bus\":{cluster_bus}}}"
        )?;
        self.end()
    }

    pub(crate) fn summary(
        &mut self,
        totals: &Totals,
        dropped: u64,
        damage: Option<&str>,
        summary: &Summary,
    ) -> io::Result<()> {
        let credentials = summary.credentials;
        let Totals { packets, bytes, damaged, fragments, plaintext, tls, other, mixed, .. } = totals;
        let Totals {
            commands,
            replies,
            decrypted,
            sealed,
            gaps,
            unread,
            truncated,
            conflicts,
            after_reset,
            ..
        } = totals;
        write!(
            self.line,
            "{{\"event\":\"summary\",\"flows\":{{\"plaintext\":{plaintext},\"tls\":{tls},\"other\":{other}}},\
             \"mixed\":{mixed},\"packets\":{packets},\"bytes\":{bytes},\"dropped\":{dropped},\"damaged\":{damaged},\
             \"fragments\":{fragments},\"commands\":{commands},\"replies\":{replies},\"credentials\":{credentials},\
             \"decrypted\":{decrypted},\"sealed\":{sealed},\"gaps\":{gaps},\"unread\":{unread},\"truncated\":{truncated},\"conflicts\":{conflicts},\"after_reset\":{after_reset}"
        )?;
        if !summary.classes.is_empty() {
            let classes: BTreeMap<_, _> =
                summary.classes.iter().map(|(class, count)| (class.as_str(), *count)).collect();
            self.line.write_all(b",\"data\":")?;
            serde_json::to_writer(&mut self.line, &classes)?;
        }
        if summary.keys.len() > 0 {
            self.named(b",\"keys\":{\"different\":", summary.keys.len() as u64)?;
            if summary.keys.more() > 0 {
                self.named(b",\"uses_of_others\":", summary.keys.more())?;
            }
            self.line.write_all(b",\"most_used\":[")?;
            for (index, (key, count)) in most_used(summary.keys.iter(), MOST_KEYS).into_iter().enumerate() {
                self.line.write_all(if index > 0 { b",[" } else { b"[" })?;
                self.bytes(key)?;
                self.named(b",", count)?;
                self.line.write_all(b"]")?;
            }
            self.line.write_all(b"]}")?;
        }
        if let Some(damage) = damage {
            self.line.write_all(b",\"file_damage\":")?;
            self.string(damage)?;
        }
        self.line.write_all(b"}")?;
        self.end()
    }
}
