//! Credentials of one connection, and what the server answered to them.

use super::{Found, asks_config, config_reply, credentials, is};
use crate::resp::Value;
use std::collections::VecDeque;
use std::fmt;

/// Most credentials that are kept of a flow.
const MAX_CREDENTIALS: usize = 64;
/// Longest secret and longest user name that are kept, in bytes.
const MAX_SECRET: usize = 1024;
/// Most commands that wait for their reply, and most replies that wait for their command. Beyond,
/// the two are not paired any more.
const MAX_WAITING: usize = 16_384;

/// What became of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it, or gave it away itself.
    Accepted,
    /// The server answered with an error.
    Rejected,
    /// The reply was not seen, or cannot be told from others.
    Unknown,
}

impl Outcome {
    /// As it is written in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// A credential that went over the wire in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// As in [`Found::carrier`]; also `replication AUTH`, where a replica follows, and
    /// `CONFIG REWRITE`, which writes what was set before to the file of the server.
    pub carrier: &'static str,
    /// The user, at most 1024 bytes; none where the command names none.
    pub user: Option<Vec<u8>>,
    /// The secret, at most 1024 bytes. To be masked.
    pub secret: Option<Vec<u8>>,
    /// The secret is a digest of a password.
    pub hashed: bool,
    /// What the paired reply says.
    pub outcome: Outcome,
}

impl fmt::Debug for Credential {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({self})")
    }
}

impl fmt::Display for Credential {
    /// `AUTH default accepted`, without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.carrier)?;
        match &self.user {
            Some(user) => write!(f, " {}", readable(user))?,
            None if self.carrier.ends_with("AUTH") => f.write_str(" (no user)")?,
            None => {}
        }
        write!(f, " {}", self.outcome.as_str())
    }
}

impl Credential {
    /// A credential that was found in these words, with its result still unknown.
    pub fn new(words: &[&[u8]], found: &Found<'_>) -> Self {
        let kept = |bytes: &[u8]| bytes.get(..MAX_SECRET).unwrap_or(bytes).to_vec();
        let secret = found.secret.as_ref().and_then(|place| words.get(place.word)?.get(place.range.clone()));
        Self {
            carrier: found.carrier,
            user: found.user.map(kept),
            secret: secret.map(kept),
            hashed: found.hashed,
            outcome: Outcome::Unknown,
        }
    }
}

/// A command without a reply yet.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Its credentials: how many, from which index on.
    first: usize,
    count: usize,
    /// Its reply may hold secrets.
    config: bool,
}

/// Pairs the replies of a connection with its commands, in order.
#[derive(Debug)]
pub(crate) struct Ledger {
    found: Vec<Credential>,
    asked: VecDeque<Asked>,
    /// Replies whose command was not read yet: what they say, and the credentials in them, which
    /// count if the command is `CONFIG GET`. The capture may show a reply before its command, and a
    /// server may refuse a connection before any command.
    early: VecDeque<(Outcome, Vec<Credential>)>,
    /// Credentials in `early`.
    early_found: usize,
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
            early_found: 0,
            keeps_early: whole,
            paired: true,
        }
    }

    pub(crate) fn command<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        let Some(name) = words.first().map(AsRef::as_ref) else { return };
        let mut asked = Asked { first: self.found.len(), count: 0, config: false };
        if may_matter(name) {
            let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
            credentials(&words, &mut |one| self.add(&words, &one, Outcome::Unknown));
            self.follow_up(name, &words);
            asked.count = self.found.len() - asked.first;
            asked.config = asks_config(&words);
            if is(name, "CLIENT") && words.get(1).is_some_and(|sub| is(sub, "REPLY")) {
                // From here on commands may have no reply.
                self.stop();
            }
        }
        if !self.paired {
        } else if let Some((outcome, found)) = self.early.pop_front() {
            self.early_found -= found.len();
            self.settle(asked, outcome);
            if asked.config {
                let room = MAX_CREDENTIALS.saturating_sub(self.found.len());
                self.found.extend(found.into_iter().take(room));
            }
        } else if self.asked.len() >= MAX_WAITING {
            self.stop();
        } else {
            self.asked.push_back(asked);
        }
    }

    /// Whether the value answers a command: pushes and attributes do not.
    pub(crate) fn reply(&mut self, value: &Value) -> bool {
        let outcome = match value {
            Value::Push(_) | Value::Attribute(_) => return false,
            // Inside of MULTI, EXEC tells what became of it.
            Value::Simple(text) if text == b"QUEUED" => Outcome::Unknown,
            value if value.is_error() => Outcome::Rejected,
            _ => Outcome::Accepted,
        };
        if !self.paired {
        } else if let Some(asked) = self.asked.pop_front() {
            self.settle(asked, outcome);
            if asked.config {
                let words = strings(value);
                config_reply(&words, &mut |one| self.add(&words, &one, Outcome::Accepted));
            }
        } else if self.keeps_early {
            let words = strings(value);
            let mut found = Vec::new();
            config_reply(&words, &mut |one| {
                if self.early_found < MAX_CREDENTIALS {
                    self.early_found += 1;
                    found.push(Credential { outcome: Outcome::Accepted, ..Credential::new(&words, &one) });
                }
            });
            self.early.push_back((outcome, found));
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
        self.early_found = 0;
    }

    /// What was found, in order.
    pub(crate) fn found(&self) -> &[Credential] {
        &self.found
    }

    /// `AUTH default accepted`
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.found().iter().map(Credential::to_string)
    }

    fn add(&mut self, words: &[&[u8]], one: &Found<'_>, outcome: Outcome) {
        if self.found.len() < MAX_CREDENTIALS {
            self.found.push(Credential { outcome, ..Credential::new(words, one) });
        }
    }

    /// What a command says about the credentials before it.
    fn follow_up(&mut self, name: &[u8], words: &[&[u8]]) {
        if is(name, "REPLCONF") || is(name, "PSYNC") || is(name, "SYNC") {
            for credential in self.found.iter_mut().filter(|credential| credential.carrier == "AUTH") {
                credential.carrier = "replication AUTH";
            }
        } else if is(name, "CONFIG")
            && words.get(1).is_some_and(|sub| is(sub, "REWRITE"))
            && let Some(set) = self.found.iter().rfind(|set| set.carrier.starts_with("CONFIG SET"))
            && self.found.len() < MAX_CREDENTIALS
        {
            let Credential { user, secret, hashed, .. } = set.clone();
            let outcome = Outcome::Unknown;
            self.found.push(Credential { carrier: "CONFIG REWRITE", user, secret, hashed, outcome });
        }
    }

    fn settle(&mut self, asked: Asked, outcome: Outcome) {
        for credential in self.found.iter_mut().skip(asked.first).take(asked.count) {
            credential.outcome = outcome;
        }
    }
}

/// Whether a command can matter here, by the first letter of its name alone.
fn may_matter(name: &[u8]) -> bool {
    name.first().is_some_and(|first| b"ACEFHMPRS".contains(&first.to_ascii_uppercase()))
        && !is(name, "SET")
        && !is(name, "PING")
}

/// The strings of a flat array or map.
fn strings(value: &Value) -> Vec<&[u8]> {
    let (Value::Array(Some(items)) | Value::Map(items)) = value else { return Vec::new() };
    let strings = items.iter().map(|item| match item {
        Value::Bulk(Some(bytes)) | Value::Simple(bytes) | Value::Verbatim(bytes) => bytes.as_slice(),
        _ => b"",
    });
    strings.collect()
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
