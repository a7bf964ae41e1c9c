//! A line for each command, for people.

use crate::data::Data;
use crate::mask::{self, MASK};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use wirelab_model::{Direction, TlsSeen};
use wirelab_wire::resp::{Decoder, Value};
use wirelab_wire::sniff::{Command, FlowEnd, Reply};

/// Most commands whose line waits for the reply.
const MOST_WAITING: usize = 16_384;
/// Most bytes that such lines have together: 8 MiB.
const MOST_HELD: usize = 8 << 20;
/// Most elements of a reply that are shown, how deep they may lie, and how long a reply may be to be looked into.
const MOST_ELEMENTS: usize = 6;
const DEEPEST: usize = 2;
const MOST_LOOKED_AT: usize = 64 << 10;
/// Most bytes of a word and most words of a command that are shown.
const MOST_BYTES: usize = 60;
const MOST_WORDS: usize = 12;

pub(crate) struct Text<W> {
    pub(crate) out: W,
    reveal: bool,
    color: bool,
    /// Lines that wait for the reply, by flow.
    waiting: BTreeMap<u64, VecDeque<(u64, String)>>,
    count: usize,
    /// Bytes of those lines.
    held: usize,
    /// What was said of TLS last, to say it once.
    last_tls: String,
}

impl<W: Write> Text<W> {
    pub(crate) fn new(out: W, reveal: bool, color: bool) -> Self {
        Self { out, reveal, color, waiting: BTreeMap::new(), count: 0, held: 0, last_tls: String::new() }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// What of known classes was found, each class once.
    fn classes(&self, found: &[Data]) -> String {
        let names: BTreeSet<_> = found.iter().map(|data| data.class.as_str()).collect();
        if names.is_empty() {
            return String::new();
        }
        let names: Vec<_> = names.into_iter().collect();
        format!(" {}", self.paint(&format!("[{}]", names.join(", ")), "1;31"))
    }

    pub(crate) fn command(&mut self, command: &Command<'_>, found: &[Data]) -> io::Result<()> {
        let mut line = format!("{} #{:<4}", clock(command.time), command.flow);
        if command.from == Direction::Server {
            line += " (master)";
        }
        for index in 0..command.words.len().min(MOST_WORDS) {
            let (bytes, secret) = mask::word(command.words, index, command.secrets, self.reveal);
            let shown = show(&bytes);
            line.push(' ');
            line += &match (index, secret) {
                (0, _) => self.paint(&shown.to_ascii_uppercase(), "1"),
                (_, true) => self.paint(&shown, "31"),
                (_, false) => shown,
            };
        }
        if command.decrypted {
            line += " (decrypted)";
        }
        if command.words.len() > MOST_WORDS {
            line += &format!(" … {} more", command.words.len() - MOST_WORDS);
        }
        if command.cut {
            line += " (parts are missing)";
        }
        line += &self.classes(found);
        if self.count >= MOST_WAITING || self.held >= MOST_HELD {
            self.tell_all()?;
        }
        self.count += 1;
        self.held += line.len();
        self.waiting.entry(command.flow).or_default().push_back((command.id, line));
        Ok(())
    }

    pub(crate) fn reply(&mut self, reply: &Reply<'_>, found: &[Data]) -> io::Result<()> {
        let shown = if reply.secret && !self.reveal { MASK.to_owned() } else { value(reply.bytes) };
        let mut shown = if reply.error { self.paint(&shown, "33") } else { shown };
        shown += &self.classes(found);
        if reply.push {
            return writeln!(self.out, "{} #{:<4} ← {shown}", clock(reply.time), reply.flow);
        }
        // Lines of commands that never get a reply come first.
        if let Some(waiting) = self.waiting.get_mut(&reply.flow) {
            while let Some((id, line)) = waiting.pop_front() {
                self.count -= 1;
                self.held = self.held.saturating_sub(line.len());
                if Some(id) == reply.answers {
                    let latency = reply.latency.unwrap_or_default();
                    let latency = format!("{}.{:03} ms", latency / 1_000_000, latency / 1000 % 1000);
                    let latency = self.paint(&latency, "2");
                    return writeln!(self.out, "{line} → {shown} {latency}");
                }
                if reply.answers.is_some_and(|answers| answers < id) {
                    self.held += line.len();
                    waiting.push_front((id, line));
                    self.count += 1;
                    break;
                }
                writeln!(self.out, "{line}")?;
                if reply.answers.is_none() && waiting.is_empty() {
                    break;
                }
            }
        }
        writeln!(self.out, "{} #{:<4} → {shown}", clock(reply.time), reply.flow)
    }

    pub(crate) fn tls(&mut self, flow: u64, time: u64, seen: &TlsSeen) -> io::Result<()> {
        let mut facts = vec!["TLS".to_owned()];
        facts.extend([&seen.version, &seen.cipher].into_iter().flatten().cloned());
        facts.extend(seen.resumed.map(|how| format!("resumed by {how:?}").to_lowercase()));
        facts.extend(seen.sni.iter().map(|name| format!("server name {name}")));
        facts.extend(seen.alerts.last().map(|alert| format!("alert {}", alert.description)));
        let text = format!("#{flow:<4} {}", self.paint(&facts.join(", "), "36"));
        if text == self.last_tls {
            return Ok(());
        }
        self.last_tls.clone_from(&text);
        writeln!(self.out, "{} {text}", clock(time))
    }

    pub(crate) fn gap(&mut self, flow: u64, time: u64, from: Direction, bytes: u64) -> io::Result<()> {
        let from = if from == Direction::Client { "client" } else { "server" };
        let text = self.paint(&format!("{bytes} bytes of the {from} were never seen"), "33");
        writeln!(self.out, "{} #{flow:<4} {text}", clock(time))
    }

    pub(crate) fn flow(&mut self, end: &FlowEnd) -> io::Result<()> {
        let waiting = self.waiting.remove(&end.flow).unwrap_or_default();
        self.count -= waiting.len();
        for (_, line) in waiting {
            self.held = self.held.saturating_sub(line.len());
            writeln!(self.out, "{line} (no reply seen)")?;
        }
        Ok(())
    }

    fn tell_all(&mut self) -> io::Result<()> {
        (self.count, self.held) = (0, 0);
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            for (_, line) in waiting {
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Time of day in UTC.
fn clock(time: u64) -> String {
    let seconds = time / 1_000_000_000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:06}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        time / 1000 % 1_000_000
    )
}

/// Bytes from the wire on one line, without anything that a terminal would obey.
fn show(bytes: &[u8]) -> String {
    let plain = !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'"');
    let shown = bytes.get(..MOST_BYTES).unwrap_or(bytes).escape_ascii();
    let rest = bytes.len().saturating_sub(MOST_BYTES);
    let mut text = if plain { shown.to_string() } else { format!("\"{shown}\"") };
    if rest > 0 {
        text += &format!("… ({rest} more)");
    }
    text
}

/// A reply in a few words.
fn value(bytes: &[u8]) -> String {
    let Some((kind, rest)) = bytes.split_first() else { return String::new() };
    let end = rest.iter().position(|byte| *byte == b'\r').unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    match kind {
        b'$' | b'=' | b'!' if line.starts_with(b"-") => "(nil)".to_owned(),
        b'$' | b'=' | b'!' => {
            let body = rest.get(end + 2..).unwrap_or_default();
            show(body.get(..body.len().saturating_sub(2)).unwrap_or_default())
        }
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            let mut decoder = Decoder::replies();
            decoder.push(bytes.get(..MOST_LOOKED_AT).unwrap_or(bytes));
            match decoder.next_value() {
                Ok(Some(value)) => inside(&value, 0),
                // It is long, or parts of it are missing.
                _ => many(&show(line), if matches!(kind, b'%' | b'|') { "pair" } else { "element" }),
            }
        }
        b'_' => "(nil)".to_owned(),
        _ => show(line),
    }
}

/// A value within a reply.
fn inside(value: &Value, depth: usize) -> String {
    match value {
        Value::Bulk(None) | Value::Array(None) | Value::Null => "(nil)".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Verbatim(bytes) => show(bytes.get(4..).unwrap_or_default()),
        Value::Simple(bytes)
        | Value::Error(bytes)
        | Value::Bulk(Some(bytes))
        | Value::Double(bytes)
        | Value::BigNumber(bytes)
        | Value::BulkError(bytes) => show(bytes),
        Value::Array(Some(items)) | Value::Set(items) | Value::Push(items) if depth < DEEPEST => {
            let items = items.iter().map(|item| inside(item, depth + 1));
            format!("[{}]", some(items, MOST_ELEMENTS))
        }
        Value::Map(items) | Value::Attribute(items) if depth < DEEPEST => {
            let pairs = items.chunks(2).map(|pair| {
                let pair: Vec<_> = pair.iter().map(|item| inside(item, depth + 1)).collect();
                pair.join(": ")
            });
            format!("{{{}}}", some(pairs, MOST_ELEMENTS))
        }
        Value::Array(Some(items)) | Value::Set(items) | Value::Push(items) => {
            many(&items.len().to_string(), "element")
        }
        Value::Map(items) | Value::Attribute(items) => many(&(items.len() / 2).to_string(), "pair"),
    }
}

/// The first of them, and how many more there are.
fn some(mut items: impl Iterator<Item = String>, most: usize) -> String {
    let mut shown: Vec<_> = items.by_ref().take(most).collect();
    let more = items.count();
    if more > 0 {
        shown.push(format!("… {more} more"));
    }
    shown.join(", ")
}

/// `1 element`, `2 elements`
pub(crate) fn many(count: &str, what: &str) -> String {
    format!("{count} {what}{}", if count == "1" { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_from_the_wire() {
        assert_eq!(show(b"a\x1b[31m\n"), "\"a\\x1b[31m\\n\"");
        assert_eq!(show(b""), "\"\"");
        assert_eq!(show(&[b'x'; 100]), format!("{}… (40 more)", "x".repeat(60)));
        for (bytes, text) in [
            (&b"+OK\r\n"[..], "OK"),
            (b"$-1\r\n", "(nil)"),
            (b"$2\r\nab\r\n", "ab"),
            (b"*2\r\n:1\r\n:2\r\n", "[1, 2]"),
            (b"*0\r\n", "[]"),
            (b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\na b\r\n", "[message, news, \"a b\"]"),
            (b"%1\r\n+proto\r\n*2\r\n#t\r\n*1\r\n_\r\n", "{proto: [true, 1 element]}"),
            (b"*8\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n", "[1, 2, 3, 4, 5, 6, … 2 more]"),
            // Parts are missing.
            (b"*1\r\n$5\r\nab", "1 element"),
            (b"%3\r\n+a\r\n", "3 pairs"),
            (b":7\r\n", "7"),
        ] {
            assert_eq!(value(bytes), text);
        }
    }

    #[test]
    fn the_clock_is_utc() {
        assert_eq!(clock(1_700_000_000_123_456_789), "22:13:20.123456");
    }
}
