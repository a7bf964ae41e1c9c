//! Credentials in commands, and what the server answered to them.

use crate::resp::Value;
use std::collections::VecDeque;

/// Most credentials that are kept of a flow.
const MAX_CREDENTIALS: usize = 64;
/// Most commands that wait for their reply, and most replies that wait for their command. Beyond,
/// the two are not paired any more.
const MAX_WAITING: usize = 16_384;

/// Pairs the replies of a connection with its commands, in order.
#[derive(Debug)]
pub(crate) struct Ledger {
    found: Vec<(String, Option<bool>)>,
    /// Commands without a reply yet: index into `found`, where the command carries a credential.
    asked: VecDeque<Option<usize>>,
    /// Replies whose command was not read yet: accepted or not. The capture may show a reply before
    /// its command, and a server may refuse a connection before any command.
    early: VecDeque<bool>,
    keeps_early: bool,
    paired: bool,
}

impl Ledger {
    /// `whole` says that the connection is seen from its start on. Where it is not, the first
    /// replies answer commands that were never seen.
    pub(crate) fn new(whole: bool) -> Self {
        Self {
            found: Vec::new(),
            asked: VecDeque::new(),
            early: VecDeque::new(),
            keeps_early: whole,
            paired: true,
        }
    }

    pub(crate) fn command(&mut self, words: &[Vec<u8>]) {
        let mut index = None;
        if let Some(what) = carried(words)
            && self.found.len() < MAX_CREDENTIALS
        {
            index = Some(self.found.len());
            self.found.push((what, None));
        }
        if !self.paired {
            return;
        }
        if is(words.first(), "CLIENT") && is(words.get(1), "REPLY") {
            // From here on commands may have no reply.
            self.stop();
        } else if let Some(accepted) = self.early.pop_front() {
            self.settle(index, accepted);
        } else if self.asked.len() >= MAX_WAITING {
            self.stop();
        } else {
            self.asked.push_back(index);
        }
    }

    /// Whether the value answers a command: pushes and attributes do not.
    pub(crate) fn reply(&mut self, value: &Value) -> bool {
        if matches!(value, Value::Push(_) | Value::Attribute(_)) {
            return false;
        }
        let accepted = !value.is_error();
        if !self.paired {
        } else if let Some(index) = self.asked.pop_front() {
            self.settle(index, accepted);
        } else if self.keeps_early {
            self.early.push_back(accepted);
            if self.early.len() > MAX_WAITING {
                self.stop();
            }
        }
        true
    }

    /// Commands or replies are missing from here on: what waits stays unknown.
    pub(crate) fn stop(&mut self) {
        self.paired = false;
        self.asked = VecDeque::new();
        self.early = VecDeque::new();
    }

    /// `AUTH default accepted`
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.found.iter().map(|(what, accepted)| {
            let result = match accepted {
                Some(true) => "accepted",
                Some(false) => "rejected",
                None => "unknown",
            };
            format!("{what} {result}")
        })
    }

    fn settle(&mut self, index: Option<usize>, accepted: bool) {
        if let Some((_, result)) = index.and_then(|index| self.found.get_mut(index)) {
            *result = Some(accepted);
        }
    }
}

fn is(word: Option<&Vec<u8>>, name: &str) -> bool {
    word.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// Carrier and user of the credential in a command:
/// <https://redis.io/docs/latest/commands/auth/>, `/hello/`, `/acl-setuser/`, `/config-set/`.
fn carried(words: &[Vec<u8>]) -> Option<String> {
    let (command, rest) = words.split_first()?;
    let name = command.to_ascii_uppercase();
    match (name.as_slice(), rest) {
        (b"AUTH", [_]) => Some("AUTH (no user)".to_owned()),
        (b"AUTH", [user, _]) => Some(format!("AUTH {}", readable(user))),
        (b"HELLO", [_, options @ ..]) => {
            let mut options = options;
            while let [option, after @ ..] = options {
                match after {
                    [user, _, ..] if is(Some(option), "AUTH") => {
                        return Some(format!("HELLO {}", readable(user)));
                    }
                    [_, later @ ..] if is(Some(option), "SETNAME") => options = later,
                    _ => return None,
                }
            }
            None
        }
        (b"ACL", [sub, user, rules @ ..])
            if is(Some(sub), "SETUSER")
                && rules.iter().any(|rule| matches!(rule.first(), Some(b'>' | b'#'))) =>
        {
            Some(format!("ACL SETUSER {}", readable(user)))
        }
        (b"CONFIG", [sub, pairs @ ..]) if is(Some(sub), "SET") => {
            let secret = ["requirepass", "masterauth"];
            let found = secret.into_iter().find(|name| pairs.chunks(2).any(|pair| is(pair.first(), name)))?;
            Some(format!("CONFIG SET {found}"))
        }
        _ => None,
    }
}

/// A name from the wire, for people: printable ASCII, at most 64 characters.
fn readable(word: &[u8]) -> String {
    let text: String = word
        .iter()
        .take(64)
        .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' })
        .collect();
    if text.is_empty() { "(empty user)".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(ledger: &mut Ledger, command: &str) {
        let words: Vec<_> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        ledger.command(&words);
    }

    fn ok() -> Value {
        Value::Simple(b"OK".to_vec())
    }

    fn no() -> Value {
        Value::Error(b"WRONGPASS".to_vec())
    }

    #[test]
    fn names_carrier_and_user_and_pairs_in_order() {
        let mut ledger = Ledger::new(true);
        for command in [
            "auth hunter2",
            "PING",
            "AUTH default hunter2",
            "HELLO 3",
            "HELLO 3 SETNAME auth AUTH bob hunter2",
            "CONFIG SET maxmemory 1 requirepass hunter2",
            "ACL SETUSER eve on >hunter2",
            "ACL SETUSER eve off",
            "AUTH default hunter2",
        ] {
            say(&mut ledger, command);
        }
        assert!(ledger.reply(&no()));
        assert!(ledger.reply(&ok()));
        assert!(!ledger.reply(&Value::Push(vec![])));
        assert!(!ledger.reply(&Value::Attribute(vec![])));
        for _ in 0..5 {
            ledger.reply(&ok());
        }
        let texts: Vec<_> = ledger.texts().collect();
        assert_eq!(
            texts,
            [
                "AUTH (no user) rejected",
                "AUTH default accepted",
                "HELLO bob accepted",
                "CONFIG SET requirepass accepted",
                "ACL SETUSER eve accepted",
                "AUTH default unknown"
            ]
        );
        assert!(!texts.concat().contains("hunter2"));
    }

    #[test]
    fn a_reply_that_was_captured_first_is_kept_only_where_the_start_was_seen() {
        for (whole, result) in [(true, "AUTH (no user) rejected"), (false, "AUTH (no user) unknown")] {
            let mut ledger = Ledger::new(whole);
            ledger.reply(&no());
            say(&mut ledger, "AUTH x");
            assert_eq!(ledger.texts().collect::<Vec<_>>(), [result]);
        }
    }

    #[test]
    fn nothing_is_paired_where_replies_are_off_or_too_many_wait() {
        let mut ledger = Ledger::new(true);
        say(&mut ledger, "CLIENT REPLY OFF");
        say(&mut ledger, "AUTH x");
        ledger.reply(&ok());
        assert_eq!(ledger.texts().collect::<Vec<_>>(), ["AUTH (no user) unknown"]);
        let mut ledger = Ledger::new(true);
        for _ in 0..=MAX_WAITING {
            say(&mut ledger, "AUTH x");
        }
        ledger.reply(&ok());
        assert!(ledger.asked.is_empty());
        assert_eq!(ledger.texts().count(), MAX_CREDENTIALS);
        assert!(ledger.texts().all(|text| text.ends_with("unknown")));
    }
}
