use rustls::server::StoresServerSessions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most sessions that are remembered.
const MOST: usize = 256;

/// Sessions that can be resumed, by whoever shares the store, and as often as anybody likes: a good server would
/// forget a session once it was resumed (RFC 8446 section 8.1).
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    all: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
    for_any_name: bool,
}

impl Sessions {
    /// They forget the name that the client asked for. They can be resumed by who asks for none, as for an address, and a
    /// good server would refuse that (RFC 8446 section 4.6.1, RFC 6066 section 3).
    pub fn for_any_name() -> Self {
        Self { for_any_name: true, ..Self::default() }
    }
}

/// A session as rustls writes it down, without the name: a byte says whether there is one, then there are its length and it.
fn without_name(value: Vec<u8>) -> Vec<u8> {
    match value.as_slice() {
        [1, length, rest @ ..] => {
            let rest = rest.get(usize::from(*length)..).unwrap_or_default();
            [&[0], rest].concat()
        }
        _ => value,
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let value = if self.for_any_name { without_name(value) } else { value };
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let room = all.len() < MOST;
        if room {
            all.insert(key, value);
        }
        room
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.get(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_forgets_its_name_and_nothing_else() {
        assert_eq!(without_name([&[1, 9][..], b"localhost", &[3, 4, 5]].concat()), [0, 3, 4, 5]);
        assert_eq!(without_name(vec![0, 3, 4, 5]), [0, 3, 4, 5]);
        assert_eq!(without_name(vec![1, 200, 3]), [0], "what is cut is no session any more");
        let (any, one) = (Sessions::for_any_name(), Sessions::default());
        for sessions in [&any, &one] {
            assert!(sessions.put(vec![7], vec![1, 1, b'x', 9]));
        }
        assert_eq!((any.get(&[7]), one.get(&[7])), (Some(vec![0, 9]), Some(vec![1, 1, b'x', 9])));
    }
}
