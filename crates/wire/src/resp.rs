//! Streaming decoder for RESP2 and RESP3: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
//!
//! Iterative and bounded: nesting costs no stack, a declared length or count allocates nothing, and
//! no byte is looked at more than a constant number of times.

use std::fmt;

/// Deepest nesting of aggregates.
pub const MAX_DEPTH: usize = 32;
/// Most elements in one value, nested ones included.
pub const MAX_ELEMENTS: usize = 65_536;
/// Most bytes in one value, all its elements together: 8 MiB.
pub const MAX_BYTES: usize = 8 << 20;
/// Longest line (header, simple string, inline command): 64 KiB, as in Redis.
pub const MAX_LINE: usize = 64 << 10;

/// One RESP value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR ...`
    Error(Vec<u8>),
    /// `:1`
    Integer(i64),
    /// `$3 abc`; none for `$-1`.
    Bulk(Option<Vec<u8>>),
    /// `*2 ...`; none for `*-1`.
    Array(Option<Vec<Self>>),
    /// `_`
    Null,
    /// `#t`
    Boolean(bool),
    /// `,3.14`, as it was written.
    Double(Vec<u8>),
    /// `(123`, as it was written.
    BigNumber(Vec<u8>),
    /// `!5 ERR x`
    BulkError(Vec<u8>),
    /// `=8 txt:body`, with the three letters and the colon.
    Verbatim(Vec<u8>),
    /// `%1 k v`: keys and values in turn.
    Map(Vec<Self>),
    /// `~1 v`
    Set(Vec<Self>),
    /// `>2 ...`: out of band, answers no command.
    Push(Vec<Self>),
    /// `|1 k v`: keys and values in turn; says something about the value after it.
    Attribute(Vec<Self>),
}

impl Value {
    /// Whether it is an error reply.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_) | Self::BulkError(_))
    }
}

/// Bytes that are not RESP, or that break a limit. The stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RespError {
    /// No type byte.
    Type(u8),
    /// A header that is not a number, or a line or bulk without its end.
    Syntax(&'static str),
    /// A limit of this module, by name.
    Limit(&'static str),
}

impl fmt::Display for RespError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(byte) => write!(f, "byte 0x{byte:02x} does not begin a RESP value"),
            Self::Syntax(what) => write!(f, "malformed RESP: {what}"),
            Self::Limit(what) => write!(f, "RESP value over the limit: {what}"),
        }
    }
}

impl std::error::Error for RespError {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Array,
    Map,
    Set,
    Push,
    Attribute,
}

#[derive(Debug)]
struct Open {
    kind: Aggregate,
    left: usize,
    items: Vec<Value>,
}

/// What one step over the buffer gave.
enum Step {
    Leaf(Value),
    Opened,
    NeedMore,
}

/// Takes bytes in any segmentation and gives values.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Start of what is not decoded yet.
    at: usize,
    /// How far the line that starts at `at` was searched for its end.
    searched: usize,
    open: Vec<Open>,
    elements: usize,
    bytes: usize,
    inline: bool,
    failed: Option<RespError>,
}

impl Decoder {
    /// For what a server sends.
    pub fn replies() -> Self {
        Self::default()
    }

    /// For what a client sends: inline commands (`PING\r\n`) come out as an array of bulks.
    pub fn commands() -> Self {
        Self { inline: true, ..Self::default() }
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their value.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.at + self.bytes
    }

    /// Bytes that are not decoded yet, where no aggregate is open: what the next value begins with.
    pub fn between_values(&self) -> Option<&[u8]> {
        self.open.is_empty().then(|| self.buffer.get(self.at..).unwrap_or_default())
    }

    /// The next whole value; none where bytes are missing.
    ///
    /// # Errors
    /// The bytes are not RESP or break a limit. Every later call gives the same error.
    pub fn next_value(&mut self) -> Result<Option<Value>, RespError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.advance().inspect_err(|error| {
            self.failed = Some(*error);
            self.buffer = Vec::new();
            self.open = Vec::new();
            self.at = 0;
        })
    }

    /// The next whole command with its arguments; none where bytes are missing. Empty commands are
    /// skipped, as Redis does.
    ///
    /// # Errors
    /// As [`Self::next_value`]; also for an array of anything but bulk strings.
    pub fn next_command(&mut self) -> Result<Option<Vec<Vec<u8>>>, RespError> {
        loop {
            let Some(value) = self.next_value()? else { return Ok(None) };
            let Value::Array(items) = value else { return Err(RespError::Syntax("a command is an array")) };
            let words: Option<Vec<_>> = items
                .unwrap_or_default()
                .into_iter()
                .map(|item| if let Value::Bulk(word) = item { word } else { None })
                .collect();
            match words {
                None => return Err(RespError::Syntax("a command holds bulk strings only")),
                Some(words) if words.is_empty() => {}
                Some(words) => return Ok(Some(words)),
            }
        }
    }

    fn advance(&mut self) -> Result<Option<Value>, RespError> {
        loop {
            let mut value = match self.step()? {
                Step::NeedMore => return Ok(None),
                Step::Opened => match self.close_if_full() {
                    Some(value) => value,
                    None => continue,
                },
                Step::Leaf(value) => value,
            };
            // A whole value: hand it to the aggregates around it, from the inside out.
            loop {
                let Some(outer) = self.open.last_mut() else {
                    self.elements = 0;
                    self.bytes = 0;
                    return Ok(Some(value));
                };
                if matches!(value, Value::Attribute(_)) {
                    // It says something of the element behind it, and is none itself. Among pairs it has no place.
                    if !matches!(outer.kind, Aggregate::Map | Aggregate::Attribute) {
                        outer.items.push(value);
                    }
                    break;
                }
                outer.items.push(value);
                outer.left -= 1;
                match self.close_if_full() {
                    Some(closed) => value = closed,
                    None => break,
                }
            }
        }
    }

    fn close_if_full(&mut self) -> Option<Value> {
        let open = self.open.pop_if(|open| open.left == 0)?;
        Some(match open.kind {
            Aggregate::Array => Value::Array(Some(open.items)),
            Aggregate::Map => Value::Map(open.items),
            Aggregate::Set => Value::Set(open.items),
            Aggregate::Push => Value::Push(open.items),
            Aggregate::Attribute => Value::Attribute(open.items),
        })
    }

    fn step(&mut self) -> Result<Step, RespError> {
        let Some(&kind) = self.buffer.get(self.at) else { return Ok(Step::NeedMore) };
        if self.inline && self.open.is_empty() && kind != b'*' {
            return self.inline_command();
        }
        if !b"+-:$*_#,(!=%~>|".contains(&kind) {
            return Err(RespError::Type(kind));
        }
        let Some((line_end, next)) = self.find_line()? else { return Ok(Step::NeedMore) };
        let line = self.buffer.get(self.at + 1..line_end).unwrap_or_default();
        let line_only = |value: Value| Ok((Step::Leaf(value), next));
        let (step, end) = match kind {
            b'+' => line_only(Value::Simple(line.to_vec()))?,
            b'-' => line_only(Value::Error(line.to_vec()))?,
            b':' => line_only(Value::Integer(number(line)?))?,
            b'_' => line_only(Value::Null)?,
            b'#' => line_only(Value::Boolean(match line {
                b"t" => true,
                b"f" => false,
                _ => return Err(RespError::Syntax("a boolean is t or f")),
            }))?,
            b',' => line_only(Value::Double(line.to_vec()))?,
            b'(' => line_only(Value::BigNumber(line.to_vec()))?,
            b'$' | b'!' | b'=' => {
                let length = length(line)?;
                if length == -1 && kind == b'$' {
                    line_only(Value::Bulk(None))?
                } else {
                    let length = usize::try_from(length).map_err(|_| RespError::Syntax("negative length"))?;
                    if length > MAX_BYTES {
                        return Err(RespError::Limit("bytes in a value"));
                    }
                    let end = next + length;
                    let Some(tail) = self.buffer.get(end..end + 2) else { return Ok(Step::NeedMore) };
                    if tail != b"\r\n" {
                        return Err(RespError::Syntax("a bulk does not end where its length says"));
                    }
                    let body = self.buffer.get(next..end).unwrap_or_default().to_vec();
                    let value = match kind {
                        b'$' => Value::Bulk(Some(body)),
                        b'!' => Value::BulkError(body),
                        _ => Value::Verbatim(body),
                    };
                    (Step::Leaf(value), end + 2)
                }
            }
            _ => {
                let count = length(line)?;
                if count == -1 && kind == b'*' {
                    line_only(Value::Array(None))?
                } else {
                    self.open_aggregate(kind, count)?;
                    (Step::Opened, next)
                }
            }
        };
        self.consume(end)?;
        Ok(step)
    }

    fn open_aggregate(&mut self, kind: u8, count: i64) -> Result<(), RespError> {
        let count = usize::try_from(count).map_err(|_| RespError::Syntax("negative count"))?;
        let (kind, left) = match kind {
            b'*' => (Aggregate::Array, count),
            b'%' => (Aggregate::Map, count.saturating_mul(2)),
            b'~' => (Aggregate::Set, count),
            b'>' => (Aggregate::Push, count),
            _ => (Aggregate::Attribute, count.saturating_mul(2)),
        };
        if left > MAX_ELEMENTS {
            return Err(RespError::Limit("elements in a value"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(RespError::Limit("depth of a value"));
        }
        self.open.push(Open { kind, left, items: Vec::new() });
        Ok(())
    }

    fn inline_command(&mut self) -> Result<Step, RespError> {
        let Some((line_end, next)) = self.find_line()? else { return Ok(Step::NeedMore) };
        let line = self.buffer.get(self.at..line_end).unwrap_or_default();
        if line.iter().any(|byte| *byte < 0x20 && *byte != b'\t') {
            return Err(RespError::Syntax("control bytes in an inline command"));
        }
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        if !crate::inline::split(line, &mut bytes, &mut places) {
            return Err(RespError::Syntax("a quote in an inline command is not closed"));
        }
        let words = places
            .into_iter()
            .map(|place| Value::Bulk(Some(bytes.get(place).unwrap_or_default().to_vec())))
            .collect();
        self.consume(next)?;
        Ok(Step::Leaf(Value::Array(Some(words))))
    }

    /// End of the line that starts at `at`, and start of the one after it. Inline commands may end
    /// with a bare line feed.
    fn find_line(&mut self) -> Result<Option<(usize, usize)>, RespError> {
        let from = self.at + self.searched;
        let rest = self.buffer.get(from..).unwrap_or_default();
        let Some(found) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched += rest.len();
            return if self.searched > MAX_LINE {
                Err(RespError::Limit("length of a line"))
            } else {
                Ok(None)
            };
        };
        let feed = from + found;
        if feed - self.at > MAX_LINE {
            return Err(RespError::Limit("length of a line"));
        }
        // Kept: a bulk that is not whole yet comes back here for its header.
        self.searched = feed - self.at;
        if feed > self.at && self.buffer.get(feed - 1) == Some(&b'\r') {
            return Ok(Some((feed - 1, feed + 1)));
        }
        if self.inline && self.open.is_empty() && self.buffer.get(self.at) != Some(&b'*') {
            return Ok(Some((feed, feed + 1)));
        }
        Err(RespError::Syntax("a line ends without a carriage return"))
    }

    fn consume(&mut self, end: usize) -> Result<(), RespError> {
        self.bytes += end - self.at;
        self.elements += 1;
        self.at = end;
        self.searched = 0;
        if self.elements > MAX_ELEMENTS {
            return Err(RespError::Limit("elements in a value"));
        }
        if self.bytes > 2 * MAX_BYTES {
            return Err(RespError::Limit("bytes in a value"));
        }
        Ok(())
    }
}

/// A length or a count: unlike an integer it has no plus sign, and no more digits than anybody needs.
fn length(line: &[u8]) -> Result<i64, RespError> {
    if line.first() == Some(&b'+') || line.len() > 18 {
        return Err(RespError::Syntax("a length is a number"));
    }
    number(line)
}

fn number(line: &[u8]) -> Result<i64, RespError> {
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(RespError::Syntax("a number was expected"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(mut decoder: Decoder, bytes: &[u8], step: usize) -> Result<Vec<Value>, RespError> {
        let mut values = Vec::new();
        for chunk in bytes.chunks(step) {
            decoder.push(chunk);
            while let Some(value) = decoder.next_value()? {
                values.push(value);
            }
        }
        Ok(values)
    }

    const EVERY_TYPE: &[u8] = b"+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,3.14\r\n(123\r\n\
        !5\r\nERR x\r\n=8\r\ntxt:body\r\n%1\r\n+k\r\n*2\r\n:1\r\n:2\r\n~1\r\n+v\r\n>2\r\n+message\r\n$0\r\n\r\n|1\r\n+a\r\n+b\r\n*0\r\n";

    #[test]
    fn every_type_in_every_segmentation() {
        let whole = decode(Decoder::replies(), EVERY_TYPE, EVERY_TYPE.len()).unwrap();
        assert_eq!(whole.len(), 17);
        assert_eq!(whole[3], Value::Bulk(Some(b"a\r\n".to_vec())));
        assert_eq!(whole[16], Value::Array(Some(vec![])));
        for step in 1..20 {
            assert_eq!(decode(Decoder::replies(), EVERY_TYPE, step).unwrap(), whole, "step {step}");
        }
    }

    #[test]
    fn commands_inline_and_not() {
        let mut decoder = Decoder::commands();
        decoder.push(b"PING\r\n\r\n*0\r\n*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\nGET  k\n");
        let words = |decoder: &mut Decoder| decoder.next_command().unwrap();
        assert_eq!(words(&mut decoder), Some(vec![b"PING".to_vec()]));
        assert_eq!(words(&mut decoder), Some(vec![b"AUTH".to_vec(), b"pw".to_vec()]));
        assert_eq!(words(&mut decoder), Some(vec![b"GET".to_vec(), b"k".to_vec()]));
        assert_eq!(words(&mut decoder), None);
        assert_eq!(decoder.pending(), 0);
        decoder.push(b"AUTH \"a \\x41\" 'p w'\r\n");
        assert_eq!(words(&mut decoder), Some(vec![b"AUTH".to_vec(), b"a A".to_vec(), b"p w".to_vec()]));
        decoder.push(b"AUTH \"pw\r\n");
        assert!(decoder.next_command().is_err());
    }

    #[test]
    fn lengths_are_numbers_without_a_plus_and_integers_may_have_one() {
        for (bytes, right) in
            [(&b":+1\r\n"[..], true), (b"$+1\r\na\r\n", false), (b"*0000000000000000000\r\n", false)]
        {
            let mut decoder = Decoder::replies();
            decoder.push(bytes);
            assert_eq!(decoder.next_value().is_ok(), right, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn limits_hold_and_stay() {
        let mut deep = Decoder::replies();
        deep.push(&b"*1\r\n".repeat(MAX_DEPTH + 1));
        assert_eq!(deep.next_value(), Err(RespError::Limit("depth of a value")));
        assert_eq!(deep.next_value(), Err(RespError::Limit("depth of a value")));
        for bytes in [
            &b"*1000000000\r\n"[..],
            b"$99999999999\r\n",
            b"%9223372036854775807\r\n",
            b"*-2\r\n",
            b"$-2\r\n",
        ] {
            assert!(decode(Decoder::replies(), bytes, 3).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(decode(Decoder::commands(), &vec![b'x'; MAX_LINE + 2], 1000).is_err());
        assert!(decode(Decoder::replies(), b"\x16\x03\x01", 1).is_err());
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>, step in 1_usize..64) {
            drop(decode(Decoder::replies(), &bytes, step));
            drop(decode(Decoder::commands(), &bytes, step));
        }

        #[test]
        fn segmentation_does_not_matter(words in proptest::collection::vec(any::<Vec<u8>>(), 1..8), step in 1_usize..16) {
            let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
            for word in &words {
                bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
            let values = decode(Decoder::commands(), &bytes, step).unwrap();
            let expected = Value::Array(Some(words.into_iter().map(|word| Value::Bulk(Some(word))).collect()));
            prop_assert_eq!(values, vec![expected]);
        }
    }
}
