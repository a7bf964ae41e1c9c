use rustls::server::StoresServerSessions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most sessions that are remembered.
const MOST: usize = 256;

/// Sessions that can be resumed, by whoever shares the store, and as often as anybody likes: a good server would
/// forget a session once it was resumed (RFC 8446 section 8.1).
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>);

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = all.len() < MOST;
        if room {
            all.insert(key, value);
        }
        room
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.get(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}
