//! A credential that went by, and what the server answered to it.

use std::fmt;

/// What became of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it, or gave it away itself.
    Accepted,
    /// The server answered with an error, also to the EXEC of the transaction that held it.
    Rejected,
    /// The reply was not seen or cannot be told from others, or the transaction was given up.
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

/// A credential that went by.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Number of its flow, from 1.
    pub flow: u64,
    /// Number of the frame that carried it, from 1.
    pub frame: u64,
    /// What carried it, as in [`super::Found::carrier`]; also `masterauth`, where a replica gives its master's
    /// password, and `CONFIG REWRITE`, which writes what was set before to the file of the server.
    pub carrier: &'static str,
    /// Whose it is, at most 1,024 bytes; none where nobody is named.
    pub user: Option<Vec<u8>>,
    /// The secret; at most its first 1,024 bytes. None where only a user is named. To be masked.
    pub secret: Option<Vec<u8>>,
    /// The secret is a digest of a password.
    pub hashed: bool,
    /// How it was answered.
    pub result: Outcome,
    /// It was encrypted, and the keys were given: nobody else can read it.
    pub decrypted: bool,
}

/// Never prints the secret.
impl fmt::Debug for Credential {
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
        write!(f, " {}", self.result.as_str())
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
