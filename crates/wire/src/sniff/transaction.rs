//! Commands that are queued between MULTI and EXEC, and the replies that EXEC brings for each of them.
//! <https://redis.io/docs/latest/develop/using-commands/transactions/>

use super::talk::Kind;
use crate::scan::{Scan, Walk};
use memchr::memchr;

/// How a server says that it will run a command later.
pub(super) const QUEUED: &[u8] = b"+QUEUED\r\n";
/// Most commands of a transaction that are kept: as many as a reply has elements that are told apart.
const MOST_QUEUED: usize = 4096;

/// A command that waits for EXEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queued {
    /// Number of the command in the whole capture.
    pub(super) id: u64,
    pub(super) kind: Kind,
}

#[derive(Debug, Default)]
pub(super) struct Transaction {
    queued: Vec<Queued>,
}

impl Transaction {
    /// False where there is no room.
    pub(super) fn queue(&mut self, one: Queued) -> bool {
        let room = self.queued.len() < MOST_QUEUED;
        if room {
            self.queued.push(one);
        }
        room
    }

    /// Gives what was queued, in order, and begins anew.
    pub(super) fn end(&mut self) -> Vec<Queued> {
        std::mem::take(&mut self.queued)
    }

    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.queued.capacity() * size_of::<Queued>()
    }
}

/// The elements of an array, where it has just so many; an attribute in front of an element is none.
pub(super) fn elements(bytes: &[u8], count: usize) -> Option<Vec<&[u8]>> {
    let end = memchr(b'\n', bytes)?;
    let declared = std::str::from_utf8(bytes.get(..end)?.strip_prefix(b"*")?.strip_suffix(b"\r")?).ok()?;
    if declared.parse() != Ok(count) || count > MOST_QUEUED {
        return None;
    }
    let mut rest = bytes.get(end + 1..)?;
    let mut elements = Vec::with_capacity(count);
    while elements.len() < count {
        let Walk::Whole(end) = Scan::default().walk(rest) else { return None };
        let (element, later) = rest.split_at_checked(end)?;
        if element.first() != Some(&b'|') {
            elements.push(element);
        }
        rest = later;
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_an_array_of_the_right_length() {
        let reply = b"*3\r\n+OK\r\n|1\r\n+a\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n-ERR x\r\n";
        let expected: [&[u8]; 3] = [b"+OK\r\n", b"*2\r\n$1\r\na\r\n:1\r\n", b"-ERR x\r\n"];
        assert_eq!(elements(reply, 3).unwrap(), expected);
        for (bytes, count) in [
            (reply.as_slice(), 2),
            (b"*-1\r\n", 0),
            (b"*1\r\n+cut", 1),
            (b"_\r\n", 0),
            (b"-EXECABORT x\r\n", 1),
            (b"*1000000000\r\n", 1_000_000_000),
        ] {
            assert_eq!(elements(bytes, count), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(elements(b"*0\r\n", 0), Some(vec![]));
    }
}
