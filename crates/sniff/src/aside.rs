//! Classes of data counted on a thread of their own, where nobody waits for each finding: for a summary.

use crate::data;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use wirelab_wire::classes::{Class, Classifier};
use wirelab_wire::sniff::{Command, Reply};

/// Bytes that go over at once.
const BATCH: usize = 64 << 10;
/// Batches that wait; with them the memory is bounded.
const WAITING: usize = 4;

/// How often each class was found.
pub(crate) type Counts = BTreeMap<Class, u64>;

/// Values with the names that hold them, one behind the other.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Lengths of a name and of the value behind it.
    lengths: Vec<(usize, usize)>,
}

/// Counts aside.
#[derive(Debug)]
pub(crate) struct Aside {
    batch: Batch,
    out: SyncSender<Batch>,
    /// Batches that were looked at, to be filled again.
    back: Receiver<Batch>,
    thread: JoinHandle<Counts>,
}

impl Aside {
    /// Gives the classifier back where there is no second processor, or no thread to be had.
    pub(crate) fn new(classifier: Box<Classifier>) -> Result<Self, Box<Classifier>> {
        if thread::available_parallelism().map_or(1, usize::from) < 2 {
            return Err(classifier);
        }
        let (out, batches) = sync_channel::<Batch>(WAITING);
        let (done, back) = channel();
        let (hand_over, given) = sync_channel::<Box<Classifier>>(1);
        let work = move || {
            let mut counts = Counts::new();
            let Ok(classifier) = given.recv() else { return counts };
            for mut batch in batches {
                batch.count(&classifier, &mut counts);
                // Nobody takes the last ones back.
                drop(done.send(batch));
            }
            counts
        };
        match thread::Builder::new().name("classes".to_owned()).spawn(work) {
            Err(_) => Err(classifier),
            Ok(thread) => match hand_over.try_send(classifier) {
                Ok(()) => Ok(Self { batch: Batch::default(), out, back, thread }),
                Err(TrySendError::Full(classifier) | TrySendError::Disconnected(classifier)) => {
                    Err(classifier)
                }
            },
        }
    }

    /// What anybody can read in a command.
    #[inline]
    pub(crate) fn command(&mut self, command: &Command<'_>) {
        if !command.decrypted {
            data::each_value(command, |_, name, value| self.add(name, value));
        }
    }

    /// What anybody can read in a reply.
    #[inline]
    pub(crate) fn reply(&mut self, reply: &Reply<'_>) {
        if let (false, Some(value)) = (reply.decrypted, data::value_of(reply)) {
            self.add(b"", value);
        }
    }

    #[inline]
    fn add(&mut self, name: &[u8], value: &[u8]) {
        // There is nothing in it, and without a byte each, no number of them would fill a batch.
        if value.is_empty() {
            return;
        }
        self.batch.bytes.extend_from_slice(name);
        self.batch.bytes.extend_from_slice(value);
        self.batch.lengths.push((name.len(), value.len()));
        if self.batch.bytes.len() >= BATCH {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let next = self.back.try_recv().unwrap_or_default();
        // Where the thread is gone, `finish` says why.
        drop(self.out.send(std::mem::replace(&mut self.batch, next)));
    }

    /// Waits for all.
    pub(crate) fn finish(mut self) -> Counts {
        self.hand_over();
        drop(self.out);
        match self.thread.join() {
            Ok(counts) => counts,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Batch {
    /// Looks at all of it, and leaves it empty.
    fn count(&mut self, classifier: &Classifier, counts: &mut Counts) {
        let mut rest = self.bytes.as_slice();
        for (name, value) in self.lengths.drain(..) {
            let Some((name, after)) = rest.split_at_checked(name) else { break };
            let Some((value, later)) = after.split_at_checked(value) else { break };
            for finding in classifier.find(name, value) {
                *counts.entry(finding.class).or_default() += 1;
            }
            rest = later;
        }
        self.bytes.clear();
        self.bytes.shrink_to(2 * BATCH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_a_byte_take_no_memory() {
        let Ok(mut aside) = Aside::new(Box::new(Classifier::new(false))) else {
            println!("skipped: one processor only");
            return;
        };
        (0..1000).for_each(|_| aside.add(b"", b""));
        assert!(aside.batch.lengths.is_empty());
        assert!(aside.finish().is_empty());
    }

    #[test]
    fn counts_what_a_look_at_each_value_counts() {
        let Ok(mut aside) = Aside::new(Box::new(Classifier::new(false))) else {
            println!("skipped: one processor only");
            return;
        };
        let classifier = Classifier::new(false);
        let mut counts = Counts::new();
        let long = format!("{} ada@example.com", "x".repeat(2 * BATCH));
        for round in 0..3000 {
            for (name, value) in [
                ("card", "4111 1111 1111 1111"),
                // The name makes it none.
                ("order", "4111111111111111"),
                ("", "AKIAIOSFODNN7EXAMPLA and ada@example.com"),
                ("k", if round == 7 { &long } else { "nothing" }),
            ] {
                aside.add(name.as_bytes(), value.as_bytes());
                for finding in classifier.find(name.as_bytes(), value.as_bytes()) {
                    *counts.entry(finding.class).or_default() += 1;
                }
            }
        }
        assert_eq!(counts.values().copied().collect::<Vec<_>>(), [3000, 3001, 3000]);
        assert_eq!(aside.finish(), counts);
    }
}
