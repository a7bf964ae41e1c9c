//! What a client caches, and when it is told that this has changed:
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>. Only what the connection itself
//! changes is told of; a client with one connection sees the same as with Redis.

use crate::encode::Encoder;
use std::collections::BTreeSet;

/// Most keys that are remembered of a connection.
const MOST_TRACKED: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct Tracking {
    on: bool,
    /// The connection is not to be told of its own changes.
    noloop: bool,
    keys: BTreeSet<Vec<u8>>,
}

impl Tracking {
    /// CLIENT TRACKING with its options. It needs RESP3 here.
    pub(crate) fn switch(&mut self, on: bool, options: &[&[u8]]) {
        self.on = on;
        self.noloop = options.iter().any(|option| option.eq_ignore_ascii_case(b"NOLOOP"));
        self.keys.clear();
    }

    /// Notes what was read, and tells of what was changed. The word comes behind the reply, as in Redis.
    pub(crate) fn after(&mut self, reply: &mut Encoder<'_>, name: &str, arguments: &[&[u8]]) {
        if !self.on {
            return;
        }
        match (name, arguments) {
            ("GET", [key]) if self.keys.len() < MOST_TRACKED => {
                self.keys.insert(key.to_vec());
            }
            ("SET" | "SETEX" | "PSETEX", [key, ..]) => self.changed(reply, key),
            ("DEL" | "UNLINK", keys) => keys.iter().for_each(|key| self.changed(reply, key)),
            _ => {}
        }
    }

    fn changed(&mut self, reply: &mut Encoder<'_>, key: &[u8]) {
        if self.keys.remove(key) && !self.noloop {
            reply.push(2);
            reply.bulk(b"invalidate");
            reply.array(1);
            reply.bulk(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Access, Session, Store};

    fn talk(lines: &str) -> String {
        let mut session = Session::new(Access::Anyone, Store::default());
        let mut out = Vec::new();
        session.receive(lines.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_key_that_was_read_is_told_of_once_when_it_changes() {
        let word = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
        let told = |lines: &str| talk(&format!("HELLO 3 AUTH a b\r\n{lines}")).matches(word).count();
        assert_eq!(told("CLIENT TRACKING ON\r\nGET k\r\nSET k 1\r\nSET k 2\r\n"), 1);
        assert_eq!(told("CLIENT TRACKING ON\r\nGET k\r\nDEL k\r\n"), 1);
        assert_eq!(told("CLIENT TRACKING ON\r\nSET k 1\r\nGET other\r\n"), 0, "it was not read");
        assert_eq!(told("CLIENT TRACKING ON NOLOOP\r\nGET k\r\nSET k 1\r\n"), 0);
        assert_eq!(told("GET k\r\nSET k 1\r\n"), 0, "nobody asked for it");
        assert_eq!(told("CLIENT TRACKING ON\r\nCLIENT TRACKING OFF\r\nGET k\r\nSET k 1\r\n"), 0);
    }

    #[test]
    fn a_message_goes_to_who_has_subscribed() {
        let out = talk("HELLO 3 AUTH a b\r\nSUBSCRIBE c\r\nPUBLISH c hello\r\nPUBLISH d hello\r\n");
        assert!(out.ends_with(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n:1\r\n:0\r\n"), "{out}");
    }
}
