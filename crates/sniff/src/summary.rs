//! What a capture amounts to, counted while it goes by.

use crate::data::Data;
use crate::keys::Keys;
use crate::mask::MASK;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap as StdHashMap};
use std::fmt::Write as _;
use wirelab_wire::classes::Class;
use wirelab_wire::credential::Credential;
use wirelab_wire::sniff::{Command, Totals};
use wirelab_wire::words::Words;

/// Most different command names and credentials that are counted apart.
const MOST_NAMES: usize = 256;
const MOST_CREDENTIALS: usize = 256;
/// Longest name that is told apart.
const MOST_NAME: usize = 24;

type HashMap<K, V> = StdHashMap<K, V, RandomState>;

/// Who sent which credential, and how it was answered.
type Told = (&'static str, Option<Vec<u8>>, &'static str);

/// The name of a command, and how often it came.
#[derive(Debug)]
struct Name {
    /// In capitals.
    upper: Vec<u8>,
    /// As it was written last.
    written: Vec<u8>,
    count: u64,
    /// Its first argument is no key.
    keyless: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Summary {
    names: Vec<Name>,
    /// Where in `names` each is.
    places: HashMap<Vec<u8>, usize>,
    /// The one that came last.
    last: usize,
    pub(crate) keys: Keys,
    told: HashMap<Told, (u64, Option<Vec<u8>>)>,
    /// Credentials that anybody on the wire can read.
    pub(crate) credentials: u64,
    decrypted_credentials: u64,
    /// Data of known classes that anybody on the wire can read.
    pub(crate) classes: BTreeMap<Class, u64>,
    /// Commands that carry a key or a value.
    pub(crate) data: u64,
}

/// Commands whose first argument is no key.
fn is_keyless(name: &[u8]) -> bool {
    matches!(
        name,
        b"AUTH"
            | b"HELLO"
            | b"PING"
            | b"ECHO"
            | b"QUIT"
            | b"RESET"
            | b"SELECT"
            | b"CLIENT"
            | b"CONFIG"
            | b"INFO"
            | b"COMMAND"
            | b"ACL"
            | b"CLUSTER"
            | b"SENTINEL"
            | b"REPLCONF"
            | b"PSYNC"
            | b"SYNC"
            | b"MULTI"
            | b"EXEC"
            | b"MONITOR"
            | b"SUBSCRIBE"
            | b"EVAL"
            | b"EVALSHA"
            | b"SCRIPT"
    )
}

impl Summary {
    /// Gives the key of the command, which somebody has to count.
    #[inline]
    #[must_use]
    pub(crate) fn command<'a>(&mut self, command: &Command<'a>) -> Option<&'a [u8]> {
        let words: &Words<'_> = command.words;
        let word = words.get(0);
        let word = word.get(..MOST_NAME).unwrap_or(word);
        // Many commands have the name of the one before.
        let keyless = match self.names.get_mut(self.last) {
            Some(name) if name.written == word => {
                name.count += 1;
                name.keyless
            }
            _ => self.name(word),
        };
        if keyless || words.len() < 2 {
            return None;
        }
        self.data += u64::from(!command.decrypted);
        Some(words.get(1))
    }

    /// Counts a name, and says whether its first argument is no key.
    fn name(&mut self, word: &[u8]) -> bool {
        let mut room = [0; MOST_NAME];
        let Some(upper) = room.get_mut(..word.len()) else { return true };
        upper.copy_from_slice(word);
        upper.make_ascii_uppercase();
        let known = self.places.get(upper).copied();
        if known.is_none() && self.names.len() >= MOST_NAMES {
            return is_keyless(upper);
        }
        let index = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.places.insert(upper.to_vec(), index);
            let keyless = is_keyless(upper);
            self.names.push(Name { upper: upper.to_vec(), written: Vec::new(), count: 0, keyless });
        }
        self.last = index;
        let Some(name) = self.names.get_mut(index) else { return true };
        name.count += 1;
        name.written.clear();
        name.written.extend_from_slice(word);
        name.keyless
    }

    pub(crate) fn credential(&mut self, credential: &Credential) {
        if credential.decrypted {
            self.decrypted_credentials += 1;
            return;
        }
        self.credentials += 1;
        let told = (credential.carrier, credential.user.clone(), credential.result.as_str());
        if let Some((count, _)) = self.told.get_mut(&told) {
            *count += 1;
        } else if self.told.len() < MOST_CREDENTIALS {
            self.told.insert(told, (1, credential.secret.clone()));
        }
    }

    pub(crate) fn found(&mut self, data: &Data) {
        if !data.decrypted {
            *self.classes.entry(data.class).or_default() += 1;
        }
    }

    /// For people. `missed` says what the capture itself lost.
    pub(crate) fn text(
        &self,
        totals: &Totals,
        dropped: u64,
        damage: Option<&str>,
        reveal: bool,
        color: bool,
    ) -> String {
        let paint =
            |text: String, code: &str| if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text };
        let mut out = String::new();
        let flows = totals.plaintext + totals.tls + totals.other;
        // Writing into a `String` does not fail.
        let _ = writeln!(
            out,
            "{} packets, {} bytes, {flows} connections: {} in plaintext, {} with TLS ({} of them partly in plaintext), {} other",
            totals.packets, totals.bytes, totals.plaintext, totals.tls, totals.mixed, totals.other
        );
        let _ = writeln!(out, "{} commands and {} replies readable", totals.commands, totals.replies);
        if totals.decrypted > 0 {
            let _ = writeln!(
                out,
                "{} commands decrypted with the keys given, {} credentials among them",
                totals.decrypted, self.decrypted_credentials
            );
        }
        if !self.names.is_empty() {
            let _ = writeln!(
                out,
                "  most used: {}",
                top(self.names.iter().map(|name| (name.upper.as_slice(), name.count)), 8)
            );
        }
        if self.keys.len() > 0 {
            let more = if self.keys.more() > 0 { " (and more that are not told apart)" } else { "" };
            let _ = writeln!(
                out,
                "  {} different keys{more}, most used: {}",
                self.keys.len(),
                top(self.keys.iter(), 5)
            );
        }
        let mut told: Vec<_> = self.told.iter().collect();
        told.sort();
        let heading = format!("{} readable credentials", self.credentials);
        let _ = writeln!(out, "{}", if self.credentials > 0 { paint(heading, "1;31") } else { heading });
        for ((carrier, user, result), (count, secret)) in told {
            let user =
                user.as_ref().map_or_else(|| "(no user)".to_owned(), |user| user.escape_ascii().to_string());
            let secret = match secret {
                None => "(a user only)".to_owned(),
                Some(secret) if reveal => secret.escape_ascii().to_string(),
                Some(_) => MASK.to_owned(),
            };
            let _ = writeln!(out, "  {carrier} {user} {secret}: {result}, {count}x");
        }
        if !self.classes.is_empty() {
            let classes: Vec<String> =
                self.classes.iter().map(|(class, count)| format!("{} {count}x", class.as_str())).collect();
            let _ = writeln!(out, "{}", paint(format!("readable data: {}", classes.join(", ")), "1;31"));
        }
        let mut missed = Vec::new();
        for (count, what) in [
            (dropped, "packets dropped by the kernel"),
            (totals.damaged, "packets that are not readable"),
            (totals.fragments, "IP packets with pieces missing"),
            (totals.sealed, "encrypted records that the keys given do not open"),
            (totals.gaps, "bytes never seen"),
            (totals.unread, "bytes that are neither Redis nor TLS"),
            (totals.truncated, "values not kept whole"),
            (totals.conflicts, "segments that contradict an earlier copy"),
            (totals.after_reset, "bytes after a reset, not read"),
        ] {
            if count > 0 {
                missed.push(format!("{count} {what}"));
            }
        }
        missed.extend(damage.map(str::to_owned));
        let text = if missed.is_empty() {
            "missed: nothing".to_owned()
        } else {
            paint(format!("missed: {}", missed.join("; ")), "33")
        };
        let _ = writeln!(out, "{text}");
        out
    }
}

fn top<'a>(counts: impl Iterator<Item = (&'a [u8], u64)>, most: usize) -> String {
    let mut all: Vec<_> = counts.collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown = all.into_iter().take(most).map(|(name, count)| format!("{} {count}x", name.escape_ascii()));
    shown.collect::<Vec<_>>().join(", ")
}
