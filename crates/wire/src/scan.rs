//! Walks RESP values without copying: where a value ends, and where its words lie.
//!
//! The bytes of a value may come in any pieces. What was walked is never walked again, nesting costs no
//! stack, and a declared length or count allocates nothing. For the values themselves there is
//! [`crate::resp::Decoder`]. <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use memchr::memchr;
use std::ops::Range;

/// Deepest nesting that is followed.
pub const MAX_DEPTH: usize = 32;
/// Longest line: as in Redis, 64 KiB.
pub const MAX_LINE: usize = 64 << 10;
/// Most words whose place is kept.
pub const MAX_WORDS: usize = 4096;

/// Words for which there is always room.
const FEW_WORDS: usize = 64;

/// What a walk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// The value ends in front of this offset.
    Whole(usize),
    /// More bytes are needed.
    Partial,
    /// This is not RESP.
    Foreign,
}

/// How far one value was walked.
#[derive(Debug, Default)]
pub struct Scan {
    /// Elements that are still missing, by depth.
    left: Vec<u64>,
    at: usize,
    /// Bytes after `at` that were searched for the end of a line in vain.
    searched: usize,
    /// Bytes that a bulk at `at` needs, from `at` on; 0 where that is not known.
    wanted: u64,
    words: Vec<Range<usize>>,
    /// Everything so far was bulk strings in one array.
    flat: bool,
}

impl Scan {
    /// Begins a new value.
    pub fn reset(&mut self) {
        self.left.clear();
        self.at = 0;
        self.searched = 0;
        self.wanted = 0;
        self.words.clear();
        // A command of many words is rare, and each connection has two of these.
        self.words.shrink_to(FEW_WORDS);
    }

    /// Bytes of memory that it holds.
    pub fn held(&self) -> usize {
        self.words.capacity() * size_of::<Range<usize>>()
    }

    /// Bulk strings of the outermost array, in order; those of the first [`MAX_WORDS`] elements.
    pub fn words(&self) -> &[Range<usize>] {
        &self.words
    }

    /// Whether the value is one array of bulk strings and nothing else, as commands are.
    pub fn is_flat(&self) -> bool {
        self.flat
    }

    /// How far the value was walked.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes that the bulk string at [`Self::at`] needs from there on, with its header; 0 where none was
    /// begun.
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// The walker's caller took the bulk string at [`Self::at`] for whole: `kept` bytes of it are there,
    /// from `body` on, and the next element is at `next`.
    pub fn pass(&mut self, body: Range<usize>, next: usize) -> bool {
        self.word(body);
        self.wanted = 0;
        self.at = next;
        self.close()
    }

    /// The walker's caller took `bytes` of the walked ones away, from offset `from` on.
    pub fn forget(&mut self, from: usize, bytes: usize) {
        self.words.retain(|word| word.end <= from);
        self.words.shrink_to(FEW_WORDS);
        self.at -= bytes.min(self.at);
    }

    /// Walks on. `bytes` are those of the value from its first one on, with more at the end than last
    /// time.
    #[inline]
    pub fn walk(&mut self, bytes: &[u8]) -> Walk {
        loop {
            let Some(rest) = bytes.get(self.at..) else { return Walk::Partial };
            let Some(kind) = rest.first() else { return Walk::Partial };
            match kind {
                b'$' | b'=' | b'!' => match header(rest) {
                    Header::Number(length, body) => {
                        if length < 0 {
                            if length != -1 || *kind != b'$' {
                                return Walk::Foreign;
                            }
                            self.flat = false;
                            self.at += body;
                        } else {
                            let length = length.unsigned_abs();
                            let need = body as u64 + length + 2;
                            if need > rest.len() as u64 {
                                self.wanted = need;
                                return Walk::Partial;
                            }
                            // It fits into the slice, so it fits into a usize.
                            let end = body + usize::try_from(length).unwrap_or(usize::MAX);
                            if rest.get(end..end + 2) != Some(b"\r\n") {
                                return Walk::Foreign;
                            }
                            self.word(self.at + body..self.at + end);
                            self.wanted = 0;
                            self.at += end + 2;
                        }
                    }
                    Header::Partial => return Walk::Partial,
                    Header::Foreign => return Walk::Foreign,
                },
                b'*' | b'%' | b'~' | b'>' | b'|' => match header(rest) {
                    Header::Number(count, body) => {
                        if count < -1 || (count == -1 && *kind != b'*') {
                            return Walk::Foreign;
                        }
                        let outermost = self.left.is_empty();
                        self.flat = outermost && *kind == b'*' && count >= 0;
                        self.at += body;
                        if *kind == b'|'
                            && let Some(left) = self.left.last_mut()
                        {
                            // An attribute is no element of what it stands in.
                            *left += 1;
                        }
                        let count = count.max(0).unsigned_abs();
                        let count = if matches!(kind, b'%' | b'|') { count * 2 } else { count };
                        if count > 0 {
                            if self.left.len() >= MAX_DEPTH {
                                return Walk::Foreign;
                            }
                            self.left.push(count);
                            continue;
                        }
                    }
                    Header::Partial => return Walk::Partial,
                    Header::Foreign => return Walk::Foreign,
                },
                b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {
                    let Some(end) = self.line(rest) else {
                        return if self.searched > MAX_LINE { Walk::Foreign } else { Walk::Partial };
                    };
                    // A line of RESP ends with CRLF.
                    if end < 2 || rest.get(end - 2) != Some(&b'\r') {
                        return Walk::Foreign;
                    }
                    self.flat = false;
                    self.at += end;
                }
                _ => return Walk::Foreign,
            }
            if self.close() {
                return Walk::Whole(self.at);
            }
        }
    }

    fn word(&mut self, place: Range<usize>) {
        if self.left.len() == 1 && self.words.len() < MAX_WORDS {
            self.words.push(place);
        }
        // A bulk string by itself is no command.
        self.flat &= self.left.len() == 1;
    }

    /// An element ended; says whether the value did.
    fn close(&mut self) -> bool {
        while let Some(left) = self.left.last_mut() {
            *left -= 1;
            if *left > 0 {
                return false;
            }
            self.left.pop();
        }
        true
    }

    /// Length of the line that `rest` begins with, with its line feed.
    fn line(&mut self, rest: &[u8]) -> Option<usize> {
        let unsearched = rest.get(self.searched..)?;
        let Some(found) = memchr(b'\n', unsearched) else {
            self.searched = rest.len();
            return None;
        };
        let end = self.searched + found + 1;
        self.searched = 0;
        Some(end)
    }
}

enum Header {
    /// The number, and the length of the header with its CRLF.
    Number(i64, usize),
    Partial,
    Foreign,
}

/// `$12\r\n` and the like: a type byte, a number of at most 18 digits, CRLF.
#[inline]
fn header(bytes: &[u8]) -> Header {
    // What most are: one, two or three digits.
    let digit = |byte: u8| byte.wrapping_sub(b'0');
    match *bytes {
        [_, a, b'\r', b'\n', ..] if digit(a) < 10 => return Header::Number(i64::from(digit(a)), 4),
        [_, a, b, b'\r', b'\n', ..] if digit(a) < 10 && digit(b) < 10 => {
            return Header::Number(10 * i64::from(digit(a)) + i64::from(digit(b)), 5);
        }
        [_, a, b, c, b'\r', b'\n', ..] if digit(a) < 10 && digit(b) < 10 && digit(c) < 10 => {
            let number = 100 * i64::from(digit(a)) + 10 * i64::from(digit(b)) + i64::from(digit(c));
            return Header::Number(number, 6);
        }
        _ => {}
    }
    any_header(bytes)
}

fn any_header(bytes: &[u8]) -> Header {
    let mut number: i64 = 0;
    let mut negative = false;
    for (index, byte) in bytes.iter().enumerate().skip(1).take(21) {
        match byte {
            b'0'..=b'9' if index < 19 => number = number * 10 + i64::from(byte - b'0'),
            b'-' if index == 1 => negative = true,
            b'\r' if index > 1 + usize::from(negative) => {
                return match bytes.get(index + 1) {
                    Some(b'\n') => Header::Number(if negative { -number } else { number }, index + 2),
                    Some(_) => Header::Foreign,
                    None => Header::Partial,
                };
            }
            _ => return Header::Foreign,
        }
    }
    if bytes.len() > 21 { Header::Foreign } else { Header::Partial }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Decoder;
    use proptest::prelude::*;

    /// Ends of the values in `bytes`, given in pieces; and whether it ended with foreign bytes.
    fn ends(bytes: &[u8], step: usize) -> (Vec<usize>, bool) {
        let (mut ends, mut start, mut scan) = (Vec::new(), 0, Scan::default());
        let mut there = 0;
        while there < bytes.len() {
            there = (there + step).min(bytes.len());
            loop {
                match scan.walk(&bytes[start..there]) {
                    Walk::Whole(end) => {
                        start += end;
                        ends.push(start);
                        scan.reset();
                    }
                    Walk::Partial => break,
                    Walk::Foreign => return (ends, true),
                }
            }
        }
        (ends, false)
    }

    #[test]
    fn finds_words_without_copying() {
        let bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n+OK\r\n";
        let mut scan = Scan::default();
        assert_eq!(scan.walk(bytes), Walk::Whole(26));
        let words: Vec<_> = scan.words().iter().map(|word| &bytes[word.clone()]).collect();
        assert_eq!(words, [&b"SET"[..], b"k", b""]);
        assert!(scan.is_flat());
        scan.reset();
        assert_eq!(scan.walk(&bytes[26..]), Walk::Whole(5));
        assert!(!scan.is_flat());
    }

    #[test]
    fn nested_values_are_not_commands_and_their_words_are_left_out() {
        let bytes = b"*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n";
        let mut scan = Scan::default();
        assert_eq!(scan.walk(bytes), Walk::Whole(bytes.len()));
        assert_eq!(scan.words().len(), 1);
        assert!(!scan.is_flat());
    }

    #[test]
    fn hostile_lengths_cost_nothing() {
        let mut scan = Scan::default();
        assert_eq!(scan.walk(b"*1000000000\r\n$3\r\nabc\r\n"), Walk::Partial);
        scan.reset();
        assert_eq!(scan.walk(b"$999999999999999999\r\nabc"), Walk::Partial);
        assert!(scan.wanted() > 999_999_999_999_999_999);
        scan.reset();
        assert_eq!(scan.walk("*1\r\n".repeat(20_000).as_bytes()), Walk::Foreign);
        for foreign in [
            "$-2\r\n",
            "*1x\r\n",
            "$1\r\nabc",
            "GET / HTTP/1.1\r\n",
            "+no carriage return\n",
            "$\r\n",
            "$-\r\n",
        ] {
            scan.reset();
            assert_eq!(scan.walk(foreign.as_bytes()), Walk::Foreign, "{foreign:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_decoder_in_any_segmentation(
            parts in proptest::collection::vec(0_usize..13, 0..40), step in 1_usize..30, cut in 0_usize..40,
        ) {
            let pieces: [&[u8]; 13] = [
                b"+OK\r\n", b"-ERR x\r\n", b":-12\r\n", b"$3\r\na\r\n\r\n", b"$-1\r\n", b"*-1\r\n",
                b"*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n+k\r\n*0\r\n", b"_\r\n#t\r\n", b">1\r\n$1\r\nx\r\n",
                b"=5\r\ntxt:a\r\n", b"|1\r\n+a\r\n,1.5\r\n*1\r\n~1\r\n(12\r\n",
                b"*2\r\n:1\r\n|1\r\n+ttl\r\n:9\r\n:2\r\n%1\r\n|0\r\n+k\r\n|1\r\n+a\r\n:1\r\n+v\r\n",
            ];
            let mut bytes: Vec<u8> = parts.iter().flat_map(|part| pieces[*part].to_vec()).collect();
            bytes.truncate(bytes.len().saturating_sub(cut));
            let mut decoder = Decoder::replies();
            decoder.push(&bytes);
            let mut expected = Vec::new();
            while let Ok(Some(_)) = decoder.next_value() {
                expected.push(bytes.len() - decoder.between_values().unwrap().len());
            }
            prop_assert_eq!(ends(&bytes, step), (expected.clone(), false));
            prop_assert_eq!(ends(&bytes, usize::MAX >> 1), (expected, false));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>, step in 1_usize..9) {
            ends(&bytes, step);
        }
    }
}
