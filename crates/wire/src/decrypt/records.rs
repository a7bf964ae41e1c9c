//! Whole records of one direction, from segments.

use crate::tls::{find_record, record_length};

/// Cuts a stream into records. It holds at most two records.
#[derive(Debug, Default)]
pub(super) struct Records {
    buffer: Vec<u8>,
    /// Bytes that are left of a record that has a hole.
    discard: usize,
    /// Where the next record begins is not known.
    searching: bool,
    /// No TLS any more.
    foreign: bool,
}

impl Records {
    /// Gives each record with its header; none for one that has a hole.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Option<&[u8]>)) {
        if self.searching {
            self.buffer.extend_from_slice(bytes);
            let found = find_record(&self.buffer);
            let (Ok(drop) | Err(drop)) = found;
            self.buffer.drain(..drop.min(self.buffer.len()));
            if found.is_ok() {
                self.searching = false;
                let buffer = std::mem::take(&mut self.buffer);
                self.push(&buffer, out);
            }
            return;
        }
        while !bytes.is_empty() && !self.foreign {
            if self.discard > 0 {
                let (_, later) = bytes.split_at(self.discard.min(bytes.len()));
                self.discard -= bytes.len() - later.len();
                bytes = later;
                if self.discard == 0 {
                    out(None);
                }
            } else if self.buffer.is_empty()
                && let Some(length) = record_length(bytes)
                && let Some((record, later)) = bytes.split_at_checked(5 + length)
            {
                out(Some(record));
                bytes = later;
            } else {
                let wanted = record_length(&self.buffer).map_or(5, |length| 5 + length);
                let (part, later) = bytes.split_at(bytes.len().min(wanted - self.buffer.len()));
                self.buffer.extend_from_slice(part);
                bytes = later;
                if self.buffer.len() < wanted {
                    continue;
                }
                match record_length(&self.buffer) {
                    None => self.foreign = true,
                    Some(length) if self.buffer.len() == 5 + length => {
                        out(Some(&self.buffer));
                        self.buffer.clear();
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// Bytes were never seen. Says whether they all belong to the record that is being read, so that
    /// it is known where the next one begins.
    pub(super) fn gap(&mut self, lost: u64) -> bool {
        let left = match record_length(&self.buffer) {
            _ if self.searching => None,
            _ if self.discard > 0 => Some(self.discard),
            Some(length) => Some(5 + length - self.buffer.len()),
            None => None,
        };
        self.buffer.clear();
        let left = left.zip(usize::try_from(lost).ok()).and_then(|(left, lost)| left.checked_sub(lost));
        // Nothing left would leave nobody to say that the record is broken.
        match left.filter(|left| *left > 0) {
            Some(left) => {
                self.discard = left;
                true
            }
            None => {
                self.discard = 0;
                self.searching = true;
                false
            }
        }
    }
}
