//! The payload of a full synchronisation, which is passed over: `$<length>` and that many bytes without an
//! end, or `$EOF:<40 bytes>` and bytes up to those 40 again (replication.c of Redis).

use memchr::{memchr, memmem};

/// Longest header.
const MOST_HEADER: usize = 64;
/// Length of the mark that ends a payload of unknown length.
const MARK: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Rdb {
    header: Vec<u8>,
    body: Option<Body>,
}

#[derive(Debug)]
enum Body {
    Left(u64),
    /// The mark, and the last bytes before the next piece.
    Until(Vec<u8>, Vec<u8>),
}

impl Rdb {
    /// Takes bytes; gives how many of them belonged to the payload once it has ended. What is no payload
    /// at all ends at once.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut used = 0;
        if self.body.is_none() {
            // A master that saves first sends line feeds to keep the connection.
            while self.header.is_empty() && bytes.get(used) == Some(&b'\n') {
                used += 1;
            }
            let rest = bytes.get(used..).unwrap_or_default();
            if self.header.is_empty() && rest.first().is_some_and(|byte| *byte != b'$') {
                return Some(used);
            }
            let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.header.extend_from_slice(rest.get(..end).unwrap_or_default());
            used += end;
            if self.header.len() > MOST_HEADER {
                return Some(used);
            }
            let line = self.header.strip_suffix(b"\r\n")?.get(1..).unwrap_or_default();
            self.body = Some(match line.strip_prefix(b"EOF:") {
                Some(mark) if mark.len() == MARK => Body::Until(mark.to_vec(), Vec::new()),
                _ => {
                    Body::Left(std::str::from_utf8(line).ok().and_then(|line| line.parse().ok()).unwrap_or(0))
                }
            });
        }
        let rest = bytes.get(used..).unwrap_or_default();
        match self.body.as_mut()? {
            Body::Left(left) => {
                let taken = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                *left -= taken as u64;
                (*left == 0).then_some(used + taken)
            }
            Body::Until(mark, last) => {
                let before = last.len();
                last.extend_from_slice(rest);
                if let Some(at) = memmem::find(last, mark) {
                    return Some(used + (at + MARK).saturating_sub(before));
                }
                let keep = last.len().min(MARK - 1);
                last.drain(..last.len() - keep);
                None
            }
        }
    }

    /// Bytes are missing. False where nobody can tell whether the payload has ended.
    pub(super) fn gap(&mut self, lost: u64) -> bool {
        match &mut self.body {
            Some(Body::Left(left)) if *left > lost => {
                *left -= lost;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bytes: &[u8], step: usize) -> Option<usize> {
        let mut rdb = Rdb::default();
        let mut at = 0;
        for piece in bytes.chunks(step) {
            if let Some(used) = rdb.push(piece) {
                return Some(at + used);
            }
            at += piece.len();
        }
        None
    }

    #[test]
    fn both_kinds_of_payload_in_any_segmentation() {
        let mark = b"0123456789012345678901234567890123456789";
        let known = [b"\n\n$5\r\nREDIS".as_slice(), b"*1\r\n$4\r\nPING\r\n"].concat();
        let unknown = [b"$EOF:".as_slice(), mark, b"\r\nREDIS01234", mark, b"*1\r\n"].concat();
        for step in 1..120 {
            assert_eq!(used(&known, step), Some(11), "step {step}");
            assert_eq!(used(&unknown, step), Some(unknown.len() - 4), "step {step}");
        }
        assert_eq!(used(b"*1\r\n", 9), Some(0), "no payload at all");
        let mut rdb = Rdb::default();
        assert_eq!(rdb.push(b"$10\r\nab"), None);
        assert!(rdb.gap(7));
        assert_eq!(rdb.push(b"c*"), Some(1));
        assert!(!Rdb::default().gap(1));
    }
}
