//! Classes of data and keys, counted on a thread of its own: for a summary, where nobody waits for each of them.

use crate::data;
use crate::keys::Keys;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};
use wirelab_wire::classes::{Class, Classifier};
use wirelab_wire::keys::Places;
use wirelab_wire::sniff::{Command, Reply};

/// Memory that goes over at once. With less, the two threads mostly wake each other.
const BATCH: usize = 256 << 10;
/// Batches that wait; with them the memory is bounded.
const WAITING: usize = 4;

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// How often each class was found.
    pub(crate) classes: BTreeMap<Class, u64>,
    /// How often each key was used.
    pub(crate) keys: Keys,
}

/// Values and the names that hold them, a zero byte behind each: a survey looks at all of them at once.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    values: Vec<Value>,
}

/// Where a value lies, and its name.
#[derive(Debug)]
struct Value {
    place: Range<usize>,
    name: Range<usize>,
    /// It is a key.
    key: bool,
    /// It is looked at.
    look: bool,
    /// Something may be in it.
    seen: bool,
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
            let mut counts = Counts::default();
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

    /// What anybody can read in a command, and the keys that it uses.
    #[inline]
    pub(crate) fn command(&mut self, command: &Command<'_>, keys: Places) {
        let Batch { bytes, values } = &mut self.batch;
        let words = command.words;
        // The first word, which names those behind it: it goes over once.
        let mut first = None;
        for index in 1..words.len() {
            let key = keys.holds(index);
            let look = !command.decrypted && data::is_looked_at(command, index);
            if !key && !look {
                continue;
            }
            let name = match index {
                1 => 0..0,
                _ => first.get_or_insert_with(|| put(bytes, words.get(1))).clone(),
            };
            let place = put(bytes, words.get(index));
            if index == 1 {
                first = Some(place.clone());
            }
            values.push(Value { place, name, key, look, seen: false });
        }
        self.hand_over_what_is_full();
    }

    /// What anybody can read in a reply.
    #[inline]
    pub(crate) fn reply(&mut self, reply: &Reply<'_>) {
        if let (false, Some(value)) = (reply.decrypted, data::value_of(reply)) {
            let place = put(&mut self.batch.bytes, value);
            self.batch.values.push(Value { place, name: 0..0, key: false, look: true, seen: false });
            self.hand_over_what_is_full();
        }
    }

    /// Small values are more memory by their places than by their bytes.
    #[inline]
    fn hand_over_what_is_full(&mut self) {
        if self.batch.bytes.len() + size_of::<Value>() * self.batch.values.len() >= BATCH {
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

/// Adds bytes, and says where they lie.
#[inline]
fn put(all: &mut Vec<u8>, bytes: &[u8]) -> Range<usize> {
    let start = all.len();
    all.extend_from_slice(bytes);
    all.push(0);
    start..start + bytes.len()
}

impl Batch {
    /// Looks at all of it, and leaves it empty.
    fn count(&mut self, classifier: &Classifier, counts: &mut Counts) {
        let Self { bytes, values } = self;
        classifier.survey(bytes, &mut |at| {
            let index = values.partition_point(|value| value.place.end <= at);
            match values.get_mut(index) {
                Some(value) if value.place.start <= at => {
                    value.seen = true;
                    value.place.end
                }
                // In a name that is no value by itself.
                Some(next) => next.place.start,
                None => bytes.len(),
            }
        });
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        for value in values.iter().filter(|value| value.seen && value.look) {
            for finding in classifier.find(part(&value.name), part(&value.place)) {
                *counts.classes.entry(finding.class).or_default() += 1;
            }
        }
        for value in values.iter().filter(|value| value.key) {
            counts.keys.count(part(&value.place));
        }
        values.clear();
        bytes.clear();
        bytes.shrink_to(2 * BATCH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Summary;
    use proptest::prelude::*;
    use wirelab_model::Direction;
    use wirelab_wire::words::Words;

    /// Gives a command of these words to `take`.
    fn with_command(words: &[&str], take: impl FnOnce(&Command<'_>)) {
        let mut places = Vec::new();
        let mut bytes = Vec::new();
        for word in words {
            places.push(bytes.len()..bytes.len() + word.len());
            bytes.extend_from_slice(word.as_bytes());
        }
        let words = Words::new(&bytes, &places);
        let secrets = words.credentials();
        let (from, cut, decrypted) = (Direction::Client, false, false);
        let (id, flow, frame, time) = (1, 1, 1, 0);
        take(&Command { id, flow, frame, time, from, words: &words, secrets: &secrets, cut, decrypted });
    }

    /// What is counted aside, and what a look at each value counts: classes, and keys.
    #[expect(clippy::type_complexity, reason = "only here")]
    fn both(commands: &[Vec<&str>]) -> Option<[(BTreeMap<Class, u64>, BTreeMap<Vec<u8>, u64>); 2]> {
        let Ok(mut aside) = Aside::new(Box::new(Classifier::new(false))) else {
            println!("skipped: one processor only");
            return None;
        };
        let classifier = Classifier::new(false);
        let mut summary = Summary::default();
        for words in commands {
            with_command(words, |command| {
                let keys = summary.command(command);
                aside.command(command, keys);
                keys.iter().for_each(|index| summary.keys.count(command.words.get(index)));
                let mut found = Vec::new();
                data::in_command(&classifier, command, &mut found);
                found.iter().for_each(|one| summary.found(one));
            });
        }
        let keys = |keys: &Keys| keys.iter().map(|(key, count)| (key.to_vec(), count)).collect();
        let counts = aside.finish();
        Some([(counts.classes, keys(&counts.keys)), (summary.classes.clone(), keys(&summary.keys))])
    }

    #[test]
    fn counts_what_a_look_at_each_value_counts() {
        let long = format!("{} ada@example.com", "x".repeat(2 * BATCH));
        let mut commands = Vec::new();
        for round in 0..3000 {
            commands.push(vec!["SET", "card", "4111 1111 1111 1111"]);
            // The name makes it none.
            commands.push(vec!["SET", "order", "4111111111111111"]);
            commands.push(vec!["HSET", "ada@example.com", "AKIAIOSFODNN7EXAMPLA", "and ada@example.com"]);
            commands.push(vec!["SET", "k", if round == 7 { &long } else { "nothing" }]);
            // A secret, told as a credential.
            commands.push(vec!["AUTH", "ada@example.com"]);
        }
        if let Some([aside, each]) = both(&commands) {
            assert_eq!(each.0.values().copied().collect::<Vec<_>>(), [3000, 6001, 3000]);
            assert_eq!(each.1.values().copied().collect::<Vec<_>>(), [3000; 4]);
            assert_eq!(aside, each);
        }
    }

    proptest! {
        #[test]
        fn a_batch_is_no_other_than_its_values(commands in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(vec![
                "SET", "AUTH", "card", "order:17", "4111111111111111", "4111 1111 1111 1111", "x", "", "1111",
                "bob@example.com", "bob@", "example.com", "DE89370400440532013000", "DE89 ", "key:000000012345",
                "Cookie: a=9f8d2a7c4b1e6f3a", "sess:4fT8kQ2zW7xR9bN3mC6v", "sess:", "4fT8kQ2zW7xR9bN3mC6v",
                "eyJhbGciOiJub25lIn0.e30.", "AKIAIOSFODNN7EXAMPLA",
            ]), 1..6), 0..40,
        )) {
            if let Some([aside, each]) = both(&commands) {
                prop_assert_eq!(aside, each);
            }
        }
    }
}
