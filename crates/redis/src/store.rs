use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes of keys and values together: 16 MiB.
const MAX_BYTES: usize = 16 << 20;

#[derive(Debug, Default)]
struct Content {
    values: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

/// Keys and values, shared by all connections of a server.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<Content>>);

impl Store {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.content().values.get(key).cloned()
    }

    /// Sets a key; false where the store is full.
    pub fn set(&self, key: &[u8], value: &[u8]) -> bool {
        let mut content = self.content();
        let old = content.values.get(key).map_or(0, |old| old.len() + key.len());
        let bytes = content.bytes - old + key.len() + value.len();
        if bytes > MAX_BYTES {
            return false;
        }
        content.bytes = bytes;
        content.values.insert(key.to_vec(), value.to_vec());
        true
    }

    /// Removes a key; true where it was there.
    pub fn remove(&self, key: &[u8]) -> bool {
        let mut content = self.content();
        let removed = content.values.remove(key);
        content.bytes -= removed.as_ref().map_or(0, |value| value.len() + key.len());
        removed.is_some()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.content().values.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_and_counts_what_is_replaced() {
        let store = Store::default();
        let half = vec![0; MAX_BYTES / 2];
        for _ in 0..5 {
            assert!(store.set(b"a", &half), "replacing does not add up");
        }
        assert!(!store.set(b"b", &half));
        assert!(store.remove(b"a") && !store.remove(b"a"));
        assert!(store.set(b"b", &half));
    }
}
