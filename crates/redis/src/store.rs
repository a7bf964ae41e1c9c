use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes of keys and values together: 16 MiB.
const MAX_BYTES: usize = 16 << 20;

#[derive(Debug, Default)]
struct Content {
    values: HashMap<Vec<u8>, Vec<u8>>,
    /// Fields of hashes with their values, by key.
    hashes: HashMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>,
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

    /// Sets a field of a hash; true where it is new, none where the store is full.
    pub fn set_field(&self, key: &[u8], field: &[u8], value: &[u8]) -> Option<bool> {
        let mut content = self.content();
        let size = key.len() + field.len() + value.len();
        let hash = content.hashes.get(key);
        let old = hash.and_then(|hash| hash.get(field)).map(|old| key.len() + field.len() + old.len());
        let bytes = content.bytes - old.unwrap_or(0) + size;
        if bytes > MAX_BYTES {
            return None;
        }
        content.bytes = bytes;
        content.hashes.entry(key.to_vec()).or_default().insert(field.to_vec(), value.to_vec());
        Some(old.is_none())
    }

    /// The fields of a hash with their values; none where there is no such hash.
    pub fn fields(&self, key: &[u8]) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
        self.content().hashes.get(key).cloned()
    }

    /// Whether a key, or a field of the hash under it, has this value.
    pub fn holds(&self, key: &[u8], value: &[u8]) -> bool {
        let content = self.content();
        let hash = content.hashes.get(key);
        content.values.get(key).is_some_and(|held| held == value)
            || hash.is_some_and(|hash| hash.values().any(|held| held == value))
    }

    /// Whether there is a key.
    pub fn has(&self, key: &[u8]) -> bool {
        let content = self.content();
        content.values.contains_key(key) || content.hashes.contains_key(key)
    }

    /// Removes a key; true where it was there.
    pub fn remove(&self, key: &[u8]) -> bool {
        let mut content = self.content();
        if let Some(hash) = content.hashes.remove(key) {
            let size = |(field, value): (&Vec<u8>, &Vec<u8>)| key.len() + field.len() + value.len();
            content.bytes -= hash.iter().map(size).sum::<usize>();
            return true;
        }
        let removed = content.values.remove(key);
        content.bytes -= removed.as_ref().map_or(0, |value| value.len() + key.len());
        removed.is_some()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        let content = self.content();
        content.values.len() + content.hashes.len()
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
        for _ in 0..5 {
            assert!(store.remove(b"b") | store.remove(b"h") | store.is_empty());
            assert!(store.set_field(b"h", b"f", &half).is_some(), "nor do fields");
        }
        assert_eq!(
            (store.set_field(b"h", b"g", &half), store.set_field(b"h", b"f", b"v")),
            (None, Some(false))
        );
        assert!(store.holds(b"h", b"v") && !store.holds(b"h", b"w") && store.has(b"h"));
    }
}
