use std::fmt::Write as _;
use std::ops::Range;
use wirelab_model::{CanaryKind, Direction, PacketView};

/// Random part of a canary: 12 bytes as hexadecimal digits.
const RANDOM: usize = 24;

/// One packet as HTML: a line that says what it is, and its first bytes.
pub(crate) struct Packet {
    pub(crate) head: String,
    /// HTML: offset, hexadecimal digits, text; secrets in `mark`.
    pub(crate) dump: String,
}

impl Packet {
    pub(crate) fn new(packet: &PacketView) -> Self {
        let arrow = if packet.from == Direction::Client { "client →" } else { "← server" };
        let head = format!(
            "#{} +{} µs {arrow} {} bytes: {}",
            packet.frame, packet.time_us, packet.length, packet.summary
        );
        Self { head, dump: dump(&bytes(&packet.hex)) }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Where canaries lie, masked or not: what they start with stays readable.
fn secrets(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for kind in CanaryKind::ALL {
        let prefix = kind.prefix().as_bytes();
        let places = bytes.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix);
        found.extend(places.map(|(at, _)| at..at + prefix.len() + RANDOM));
    }
    found
}

fn dump(bytes: &[u8]) -> String {
    let secrets = secrets(bytes);
    let mut out = String::new();
    for (row, line) in bytes.chunks(16).enumerate() {
        let marked = |column: usize| secrets.iter().any(|secret| secret.contains(&(row * 16 + column)));
        // Writing into a `String` does not fail.
        write!(out, "{:04x}  ", row * 16).unwrap_or_default();
        let hex = cells(line, marked, " ", |byte| format!("{byte:02x}"));
        let text = cells(line, marked, "", |byte| match byte {
            b'<' => "&lt;".into(),
            b'>' => "&gt;".into(),
            b'&' => "&amp;".into(),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => "·".into(),
        });
        let padding = " ".repeat((16 - line.len()) * 3 + 2);
        out.extend([hex.as_str(), &padding, &text, "\n"]);
    }
    out
}

/// The bytes of a line one after the other, with the marked ones in `mark`.
fn cells(line: &[u8], marked: impl Fn(usize) -> bool, between: &str, show: impl Fn(u8) -> String) -> String {
    let mut out = String::new();
    let mut open = false;
    for (column, byte) in line.iter().enumerate() {
        let mark = marked(column);
        if open && !mark {
            out += "</mark>";
        }
        if column > 0 {
            out += between;
        }
        if mark && !open {
            out += "<mark>";
        }
        open = mark;
        out += &show(*byte);
    }
    if open {
        out += "</mark>";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_offset_digits_and_text_and_hostile_text_stays_text() {
        let shown = dump(b"<script>&\r\n\xff0123456789");
        assert_eq!(
            shown,
            "0000  3c 73 63 72 69 70 74 3e 26 0d 0a ff 30 31 32 33  &lt;script&gt;&amp;···0123\n\
             0010  34 35 36 37 38 39                                456789\n"
        );
    }

    #[test]
    fn a_secret_is_marked_over_several_rows_and_nothing_else_is() {
        let text = format!("GET {}{} x", CanaryKind::Key.prefix(), "*".repeat(RANDOM));
        let shown = dump(text.as_bytes());
        let marked: String = shown
            .lines()
            .filter_map(|line| line.rsplit_once("<mark>"))
            .filter_map(|(_, text)| text.split_once("</mark>"))
            .map(|(text, _)| text)
            .collect();
        assert_eq!(marked, format!("wirelab-key-{}", "*".repeat(RANDOM)));
        assert!(!dump(b"wirelab-nothing").contains("mark"));
    }
}
