//! Credentials of a connection that wait until it is known how they were answered.

use crate::credential::{Credential, Outcome, config_reply, secret_names};
use crate::resp::{Decoder, Value};
use memchr::memmem;

/// Longest secret and user that are kept.
const MOST_SECRET: usize = 1024;
/// What a replica gives its master.
const REPLICA: &str = "masterauth";
/// Writes what was set to the file of the server.
pub(super) const REWRITE: &str = "CONFIG REWRITE";

/// A credential that waits.
#[derive(Debug)]
struct Waiting {
    /// Number of its command.
    id: u64,
    credential: Credential,
    answered: bool,
    /// The client said something after it. What that is tells whether an AUTH is one of a replica.
    followed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Credentials {
    waiting: Vec<Waiting>,
    /// What CONFIG SET set, the last of each parameter.
    set: Vec<Credential>,
}

impl Credentials {
    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        let secret = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let one = |one: &Credential| size_of::<Waiting>() + secret(&one.user) + secret(&one.secret);
        self.waiting.iter().map(|waiting| one(&waiting.credential)).chain(self.set.iter().map(one)).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// None waits, and none was set.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.set.is_empty()
    }

    /// A credential of command `id`, which has no answer yet.
    pub(super) fn add(&mut self, id: u64, credential: Credential) {
        self.waiting.push(Waiting { id, credential, answered: false, followed: false });
    }

    /// The client says something more; what a replica says, where it is `replica`.
    pub(super) fn follow(&mut self, replica: bool, out: &mut impl FnMut(&Credential)) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.credential.carrier == "AUTH") {
            waiting.followed = true;
            if replica {
                waiting.credential.carrier = REPLICA;
            }
        }
        self.tell_known(out);
    }

    /// How command `id` was answered.
    pub(super) fn answer(&mut self, id: u64, result: Outcome, out: &mut impl FnMut(&Credential)) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.id == id) {
            waiting.answered = true;
            waiting.credential.result = result;
        }
        self.tell_known(out);
    }

    /// No more answers come.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&Credential)) {
        for waiting in std::mem::take(&mut self.waiting) {
            self.tell(waiting.credential, out);
        }
    }

    fn tell_known(&mut self, out: &mut impl FnMut(&Credential)) {
        let is_known = |one: &mut Waiting| one.answered && (one.followed || one.credential.carrier != "AUTH");
        let known: Vec<Waiting> = self.waiting.extract_if(.., is_known).collect();
        for waiting in known {
            self.tell(waiting.credential, out);
        }
    }

    fn tell(&mut self, one: Credential, out: &mut impl FnMut(&Credential)) {
        if one.carrier == REWRITE {
            for set in &self.set {
                let Credential { user, secret, hashed, .. } = set.clone();
                out(&Credential { user, secret, hashed, ..one });
            }
            return;
        }
        out(&one);
        if one.carrier.starts_with("CONFIG SET ") && one.result != Outcome::Rejected {
            self.set.retain(|set| set.carrier != one.carrier);
            self.set.push(one);
        }
    }
}

/// A secret that a server gives away.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) carrier: &'static str,
    pub(super) user: Option<Vec<u8>>,
    pub(super) secret: Vec<u8>,
}

/// What is kept of a secret or a user.
pub(super) fn kept(bytes: &[u8]) -> Vec<u8> {
    bytes.get(..MOST_SECRET).unwrap_or(bytes).to_vec()
}

/// Whether a reply names a parameter that is a secret: it may be one to CONFIG GET, or a hash with such a field.
pub(super) fn names_secret(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'*' | b'%'))
        && secret_names().any(|name| memmem::find(bytes, name.as_bytes()).is_some())
}

/// Secrets in the reply to CONFIG GET: names and values in turn, as an array or a map.
pub(super) fn read_secrets(bytes: &[u8]) -> Vec<Told> {
    let mut decoder = Decoder::replies();
    decoder.push(bytes);
    let Ok(Some(Value::Array(Some(items)) | Value::Map(items))) = decoder.next_value() else {
        return Vec::new();
    };
    let words: Vec<&[u8]> = items
        .iter()
        .map(|item| match item {
            Value::Bulk(Some(word)) | Value::Simple(word) | Value::Verbatim(word) => word.as_slice(),
            _ => &[],
        })
        .collect();
    let mut told = Vec::new();
    config_reply(&words, &mut |found| {
        if let Some(place) = found.secret
            && let Some(secret) = words.get(place.word).and_then(|word| word.get(place.range))
        {
            told.push(Told { carrier: found.carrier, user: found.user.map(kept), secret: kept(secret) });
        }
    });
    told
}
