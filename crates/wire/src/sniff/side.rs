//! What one side of a connection says: RESP, TLS records, a replication payload, or something else.

use super::rdb::Rdb;
use crate::scan::{Scan, Walk};
use crate::tls::{TlsEvent, TlsReader, begins_record, find_record};
use memchr::{memchr, memmem};
use std::ops::Range;
use wirelab_model::Direction;

/// Longest bulk string that is kept whole: 256 KiB.
const MOST_BULK: u64 = 256 << 10;
/// Largest value that is kept: 1 MiB.
const MOST_VALUE: usize = 1 << 20;
/// What is kept of anything longer.
const HEAD: usize = 4096;
/// The same where too much waits in all connections together.
const SHORT_HEAD: usize = 256;
/// Bytes that wait in all connections together; beyond, every value is cut to its head.
pub(super) const MOST_HELD: usize = 12 << 20;
/// Longest inline command (Redis: `PROTO_INLINE_MAX_SIZE`).
const MOST_INLINE: usize = 64 << 10;
/// How often a side may change what it speaks.
const MOST_CHANGES: u8 = 16;
/// Bytes that are searched in vain for a value on a side that never said one.
const MOST_SEARCHED: u64 = 256 << 10;
/// Bytes that are looked at again when more arrive, while the start of a value is searched.
const OVERLAP: usize = 48;

/// Something whole that a side said.
pub(super) enum Said<'a> {
    /// A RESP value.
    Value {
        /// Its bytes.
        bytes: &'a [u8],
        /// The bulk strings of its outermost array.
        places: &'a [Range<usize>],
        /// It is an array of bulk strings.
        flat: bool,
        /// Parts of it were cut off or never seen.
        cut: bool,
    },
    Tls(TlsEvent),
    /// Bytes of TLS records, as they are.
    Sealed(&'a [u8]),
}

/// What the side says next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same as so far.
    Same,
    /// The payload of a full synchronisation.
    Rdb,
}

#[derive(Debug)]
enum Mode {
    /// Nothing was said yet.
    Start,
    Resp,
    Tls(Box<TlsReader>),
    Rdb(Box<Rdb>),
    /// The start of the next value is searched.
    Lost,
    /// The start of the next TLS record is searched.
    TlsLost,
    /// Neither RESP nor TLS.
    Foreign,
}

/// What a side needs to know about its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    /// A port of Redis: inline commands and lone replies are believed.
    pub(super) known_port: bool,
    /// The connection is seen from its start.
    pub(super) whole: bool,
    /// The client said a command.
    pub(super) client_talks: bool,
    /// A version of TLS before 1.3 was negotiated.
    pub(super) old_tls: bool,
    /// Too much waits in all connections together.
    pub(super) full: bool,
}

#[derive(Debug)]
pub(super) struct Side {
    from: Direction,
    mode: Mode,
    /// The beginning of a value whose end is still to come.
    tail: Vec<u8>,
    scan: Scan,
    /// Bytes of a bulk string that are left out.
    skip: u64,
    /// Something of the value in `tail` is missing.
    cut: bool,
    changes: u8,
    searched: u64,
    words: Vec<u8>,
    places: Vec<Range<usize>>,
    /// Bytes said, gaps left out.
    pub(super) bytes: u64,
    pub(super) values: u64,
    /// Values of which parts are missing.
    pub(super) truncated: u64,
    /// Bytes never seen.
    pub(super) gaps: u64,
    /// Bytes that are neither RESP nor TLS.
    pub(super) unread: u64,
    /// It began as a node of a cluster talks to another.
    pub(super) bus: bool,
}

enum Stop {
    /// More bytes are needed.
    Starved,
    /// The mode has changed.
    Changed,
}

impl Side {
    pub(super) fn new(from: Direction) -> Self {
        Self {
            from,
            mode: Mode::Start,
            tail: Vec::new(),
            scan: Scan::default(),
            skip: 0,
            cut: false,
            changes: 0,
            searched: 0,
            words: Vec::new(),
            places: Vec::new(),
            bytes: 0,
            values: 0,
            truncated: 0,
            gaps: 0,
            unread: 0,
            bus: false,
        }
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        let tls = if let Mode::Tls(reader) = &self.mode { reader.held() } else { 0 };
        self.tail.capacity() + self.scan.held() + tls
    }

    /// Takes bytes in order.
    pub(super) fn feed(&mut self, bytes: &[u8], around: Around, out: &mut impl FnMut(Said<'_>) -> Next) {
        self.bytes += bytes.len() as u64;
        self.read(bytes, around, out);
    }

    /// Takes the bytes of a record of TLS.
    pub(super) fn read_inside(
        &mut self,
        bytes: &[u8],
        around: Around,
        out: &mut impl FnMut(Said<'_>) -> Next,
    ) {
        // A client seldom begins a record within a value: a line that begins one may be a command again.
        if matches!(self.mode, Mode::Lost)
            && self.from == Direction::Client
            && crate::inline::is_command(bytes)
        {
            self.unread += self.tail.len() as u64;
            self.tail = Vec::new();
            self.mode = Mode::Resp;
        }
        // Through a pointer: what is inside is read by the same code, and a type cannot hold itself.
        let out: &mut dyn FnMut(Said<'_>) -> Next = out;
        self.read(bytes, around, &mut |said| out(said));
    }

    fn read(&mut self, bytes: &[u8], around: Around, out: &mut impl FnMut(Said<'_>) -> Next) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skip > 0 {
                let (_, later) =
                    rest.split_at(usize::try_from(self.skip).map_or(rest.len(), |skip| skip.min(rest.len())));
                self.skip -= (rest.len() - later.len()) as u64;
                rest = later;
                continue;
            }
            match &mut self.mode {
                Mode::Foreign => return,
                Mode::Tls(reader) => {
                    let foreign = reader.push(rest, around.old_tls, &mut |event| {
                        out(Said::Tls(event));
                    });
                    if around.full {
                        reader.let_go();
                    }
                    let left = foreign.as_ref().map_or(0, Vec::len);
                    out(Said::Sealed(rest.get(..rest.len().saturating_sub(left)).unwrap_or_default()));
                    let Some(foreign) = foreign else { return };
                    self.change(Mode::Resp);
                    return self.read(&foreign, around, out);
                }
                Mode::TlsLost => {
                    // Decryption finds its own way: it knows a record by its tag.
                    out(Said::Sealed(rest));
                    self.tail.extend_from_slice(rest);
                    match find_record(&self.tail) {
                        Ok(at) => {
                            let mut reader = Box::<TlsReader>::default();
                            let records = self.tail.get(at..).unwrap_or_default();
                            drop(reader.push(records, around.old_tls, &mut |event| {
                                out(Said::Tls(event));
                            }));
                            self.unread += at as u64;
                            self.change(Mode::Tls(reader));
                        }
                        Err(useless) => {
                            self.unread += useless as u64;
                            self.tail.drain(..useless.min(self.tail.len()));
                        }
                    }
                    return;
                }
                Mode::Rdb(rdb) => match rdb.push(rest) {
                    Some(used) => {
                        rest = rest.get(used..).unwrap_or_default();
                        self.change(Mode::Resp);
                    }
                    None => return,
                },
                Mode::Start | Mode::Resp | Mode::Lost if self.tail.is_empty() => {
                    let (used, stop) = self.values(rest, around, out);
                    rest = rest.get(used..).unwrap_or_default();
                    if matches!(stop, Stop::Starved) {
                        if !rest.is_empty() {
                            self.tail.extend_from_slice(rest);
                            self.trim(around, out);
                        }
                        return;
                    }
                }
                Mode::Start | Mode::Resp | Mode::Lost => {
                    let mut all = std::mem::take(&mut self.tail);
                    all.extend_from_slice(rest);
                    let (used, stop) = self.values(&all, around, out);
                    if matches!(stop, Stop::Changed) {
                        return self.read(all.get(used..).unwrap_or_default(), around, out);
                    }
                    all.drain(..used);
                    // A tail that was large once need not stay so.
                    if all.is_empty() && all.capacity() > 16 << 10 {
                        all = Vec::new();
                    }
                    self.tail = all;
                    if !self.tail.is_empty() {
                        self.trim(around, out);
                    }
                    return;
                }
            }
        }
    }

    /// Bytes are missing. Where they lie within one bulk string, its length tells where it ends. False
    /// where the side is out of step now.
    pub(super) fn gap(&mut self, lost: u64, around: Around, out: &mut impl FnMut(Said<'_>) -> Next) -> bool {
        self.gaps += lost;
        if self.skip >= lost {
            self.skip -= lost;
            return true;
        }
        match &mut self.mode {
            Mode::Resp if self.skip == 0 && self.scan.wanted() > 0 => {
                let there = self.tail.len().saturating_sub(self.scan.at()) as u64;
                let wanted = self.scan.wanted();
                if there + lost <= wanted && lost <= MOST_BULK {
                    let mut filler = vec![b'?'; usize::try_from(lost).unwrap_or(0)];
                    // The end of the bulk string, as far as it was lost.
                    for (back, byte) in [(1, b'\n'), (2, b'\r')] {
                        let at = (wanted - back).checked_sub(there).and_then(|at| usize::try_from(at).ok());
                        if let Some(place) = at.and_then(|at| filler.get_mut(at)) {
                            *place = byte;
                        }
                    }
                    self.cut = true;
                    self.read(&filler, around, out);
                    return true;
                }
                self.lose();
            }
            Mode::Foreign => {}
            Mode::Tls(_) | Mode::TlsLost => {
                self.lose();
                self.mode = Mode::TlsLost;
            }
            Mode::Rdb(rdb) => {
                if rdb.gap(lost) {
                    return true;
                }
                self.lose();
            }
            _ => self.lose(),
        }
        false
    }

    /// A record of TLS was not read.
    pub(super) fn lose_inside(&mut self) {
        if !matches!(self.mode, Mode::Foreign) {
            self.lose();
        }
    }

    fn lose(&mut self) {
        self.tail = Vec::new();
        self.scan.reset();
        self.skip = 0;
        self.cut = false;
        self.mode = Mode::Lost;
    }

    fn change(&mut self, mode: Mode) {
        self.changes += 1;
        self.mode = if self.changes > MOST_CHANGES { Mode::Foreign } else { mode };
        self.scan.reset();
        self.tail = Vec::new();
        self.cut = false;
    }

    /// Takes values out of `bytes`, and says up to where it came and why no farther.
    fn values(
        &mut self,
        bytes: &[u8],
        around: Around,
        out: &mut impl FnMut(Said<'_>) -> Next,
    ) -> (usize, Stop) {
        let mut start = 0;
        loop {
            let rest = bytes.get(start..).unwrap_or_default();
            let Some(first) = rest.first() else { return (start, Stop::Starved) };
            if matches!(self.mode, Mode::Lost) {
                match self.find(rest) {
                    Some(at) => {
                        start += at;
                        self.unread += at as u64;
                        self.mode = Mode::Resp;
                    }
                    None => {
                        let keep = rest.len().min(OVERLAP);
                        self.unread += (rest.len() - keep) as u64;
                        self.searched += (rest.len() - keep) as u64;
                        if self.values == 0 && self.searched > MOST_SEARCHED {
                            self.mode = Mode::Foreign;
                            return (bytes.len(), Stop::Changed);
                        }
                        return (bytes.len() - keep, Stop::Starved);
                    }
                }
                continue;
            }
            if self.scan.at() == 0 && self.scan.wanted() == 0 {
                if (20..=23).contains(first) {
                    match begins_record(rest) {
                        Some(true) => {
                            self.change(Mode::Tls(Box::default()));
                            return (start, Stop::Changed);
                        }
                        None => return (start, Stop::Starved),
                        Some(false) => {}
                    }
                }
                if let Some(stop) = self.begin(rest, around) {
                    return (if matches!(stop, Stop::Changed) { bytes.len() } else { start }, stop);
                }
                if matches!(self.mode, Mode::Lost) {
                    continue;
                }
                if self.from == Direction::Client && *first != b'*' {
                    let Some(used) = self.inline(rest, out) else {
                        if matches!(self.mode, Mode::Lost) {
                            continue;
                        }
                        return (start, Stop::Starved);
                    };
                    start += used;
                    continue;
                }
            }
            match self.scan.walk(rest) {
                Walk::Whole(end) => {
                    self.values += 1;
                    self.truncated += u64::from(self.cut);
                    let next = out(Said::Value {
                        bytes: rest.get(..end).unwrap_or_default(),
                        places: self.scan.words(),
                        flat: self.scan.is_flat(),
                        cut: self.cut,
                    });
                    self.scan.reset();
                    self.cut = false;
                    start += end;
                    if next == Next::Rdb {
                        self.change(Mode::Rdb(Box::default()));
                        return (start, Stop::Changed);
                    }
                }
                Walk::Partial => return (start, Stop::Starved),
                Walk::Foreign => {
                    // What was walked is not searched again: that would be quadratic.
                    let walked = self.scan.at().max(1).min(rest.len());
                    start += walked;
                    self.unread += walked as u64;
                    self.scan.reset();
                    self.cut = false;
                    if self.values == 0 && around.whole {
                        self.mode = Mode::Foreign;
                        return (bytes.len(), Stop::Changed);
                    }
                    self.mode = Mode::Lost;
                }
            }
        }
    }

    /// Whether a value can begin here. Decides what the side speaks, from its first bytes.
    fn begin(&mut self, rest: &[u8], around: Around) -> Option<Stop> {
        if !matches!(self.mode, Mode::Start) {
            return None;
        }
        let first = *rest.first()?;
        if first == b'R' && !around.known_port {
            // <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>: the bus.
            if rest.starts_with(b"RCmb") {
                self.bus = true;
                self.mode = Mode::Foreign;
                return Some(Stop::Changed);
            }
            if b"RCmb".starts_with(rest) {
                return Some(Stop::Starved);
            }
        }
        let speaks = match self.from {
            Direction::Client if first == b'*' => true,
            Direction::Client => around.known_port && around.whole,
            Direction::Server => {
                let kind = b"+-:$*_#,(!=%~>|".contains(&first);
                if kind && !around.known_port && !around.client_talks {
                    // A greeting of another protocol may look like a reply. Nothing is lost: no command was said.
                    return Some(Stop::Changed);
                }
                kind
            }
        };
        self.mode = match (speaks, around.whole) {
            (true, _) => Mode::Resp,
            (false, true) => Mode::Foreign,
            (false, false) => Mode::Lost,
        };
        matches!(self.mode, Mode::Foreign).then_some(Stop::Changed)
    }

    /// An inline command: one line. Gives its length; none where it is not whole, or is no command.
    fn inline(&mut self, rest: &[u8], out: &mut impl FnMut(Said<'_>) -> Next) -> Option<usize> {
        let Some(end) = memchr(b'\n', rest) else {
            if rest.len() > MOST_INLINE || rest.iter().take(64).any(|byte| *byte < 9) {
                self.mode = Mode::Lost;
            }
            return None;
        };
        let line = rest.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.words.clear();
        self.places.clear();
        self.words.shrink_to(HEAD);
        self.places.shrink_to(SHORT_HEAD);
        if line.len() > MOST_INLINE
            || line.iter().any(|byte| *byte < 9)
            || !crate::inline::split(line, &mut self.words, &mut self.places)
        {
            self.mode = Mode::Lost;
            return None;
        }
        // An empty line is no command.
        if !self.places.is_empty() {
            self.values += 1;
            out(Said::Value { bytes: &self.words, places: &self.places, flat: true, cut: false });
        }
        Some(end + 1)
    }

    /// Where a value may begin.
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self.from {
            Direction::Client => {
                memmem::find_iter(bytes, b"*").find(|at| begins_command(bytes.get(*at..).unwrap_or_default()))
            }
            Direction::Server => {
                let plausible = |at: usize| {
                    let rest = bytes.get(at..).unwrap_or_default();
                    b"+-:$*_#,(!=%~>|".contains(rest.first().unwrap_or(&0))
                        && Scan::default().walk(rest) != Walk::Foreign
                };
                // A reply often begins a segment.
                if plausible(0) {
                    return Some(0);
                }
                memmem::find_iter(bytes, b"\r\n")
                    .map(|at| at + 2)
                    .find(|at| *at < bytes.len() && plausible(*at))
            }
        }
    }

    /// Keeps what waits within its limits, by leaving out what is in the middle of long values.
    fn trim(&mut self, around: Around, out: &mut impl FnMut(Said<'_>) -> Next) {
        if !matches!(self.mode, Mode::Resp) {
            self.tail.truncate(MOST_INLINE + 1);
            return;
        }
        let (head, most_bulk, most_value) = if around.full {
            (SHORT_HEAD, SHORT_HEAD as u64, SHORT_HEAD * 4)
        } else {
            (HEAD, MOST_BULK, MOST_VALUE)
        };
        let at = self.scan.at();
        let wanted = self.scan.wanted();
        if wanted > most_bulk {
            let there = self.tail.len() - at.min(self.tail.len());
            let header = self.tail.get(at..).and_then(|rest| memchr(b'\n', rest)).map_or(0, |end| end + 1);
            self.skip = wanted - there as u64;
            self.tail.truncate(at + header + head.min(there.saturating_sub(header)));
            self.cut = true;
            let end = self.tail.len();
            if self.scan.pass(at + header..end, end) {
                let value = std::mem::take(&mut self.tail);
                self.values += 1;
                self.truncated += 1;
                // The rest of the value is only skipped, so nothing else can follow it yet.
                out(Said::Value {
                    bytes: &value,
                    places: self.scan.words(),
                    flat: self.scan.is_flat(),
                    cut: true,
                });
                self.scan.reset();
                self.cut = false;
            }
        }
        let walked = self.scan.at();
        if self.tail.len() > most_value && walked > head {
            self.tail.drain(head..walked);
            self.scan.forget(head, walked - head);
            self.cut = true;
        }
        if around.full || self.tail.capacity() > 2 * self.tail.len() + (64 << 10) {
            self.tail.shrink_to_fit();
        }
    }
}

/// `*2\r\n$3\r\n`: an array of bulk strings.
pub(super) fn begins_command(bytes: &[u8]) -> bool {
    let number = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (1..8).contains(&digits) && bytes.get(digits..digits + 2) == Some(b"\r\n")
    };
    let Some(rest) = bytes.get(1..) else { return false };
    let Some(end) = memchr(b'\n', rest.get(..10).unwrap_or(rest)) else { return false };
    number(rest) && rest.get(end + 1) == Some(&b'$') && rest.get(end + 2..).is_some_and(number)
}
