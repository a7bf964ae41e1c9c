//! Keys, and how often each was used.

use foldhash::fast::RandomState;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// Most different keys that are counted apart.
const MOST_KEYS: usize = 4096;
/// Longest part of a key that is told apart.
const MOST_KEY: usize = 256;

/// Keys that were used.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    counts: HashMap<Key, u64, RandomState>,
    /// Uses of keys that are not told apart.
    more: u64,
}

impl Keys {
    /// One more use of a key.
    pub(crate) fn count(&mut self, key: &[u8]) {
        let key = key.get(..MOST_KEY).unwrap_or(key);
        let room = self.counts.len() < MOST_KEYS;
        match self.counts.get_mut(key) {
            Some(count) => *count += 1,
            None if room => drop(self.counts.insert(Key::new(key), 1)),
            None => self.more += 1,
        }
    }

    /// How many are told apart.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Uses of keys that are not told apart.
    pub(crate) fn more(&self) -> u64 {
        self.more
    }

    /// Each key and its uses.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.counts.iter().map(|(key, count)| (key.bytes(), *count))
    }
}

/// A key. A short one lies in the table itself: a table of pointers would be waited for twice.
#[derive(Debug)]
enum Key {
    Short(u8, [u8; Self::SHORT]),
    Long(Box<[u8]>),
}

impl Key {
    const SHORT: usize = 22;

    fn new(bytes: &[u8]) -> Self {
        let mut room = [0; Self::SHORT];
        match (room.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(bytes);
                Self::Short(length, room)
            }
            _ => Self::Long(bytes.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(length, room) => room.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}
