//! What a capture amounts to, counted while it goes by.

use crate::data::Data;
use crate::keys::Keys;
use crate::mask::MASK;
use crate::text::many;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap as StdHashMap};
use std::fmt::Write as _;
use wirelab_model::TlsSeen;
use wirelab_wire::classes::Class;
use wirelab_wire::credential::Credential;
use wirelab_wire::keys::{Places, Rule};
use wirelab_wire::sniff::{Command, Reply, Totals};
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
    /// Where it has its keys.
    rule: Rule,
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
    /// Commands, messages and the like that carry a key or a value.
    pub(crate) data: u64,
    /// What connections with TLS agreed on, and how many.
    tls: BTreeMap<String, u64>,
}

impl Summary {
    /// Says which words of the command are keys, which somebody has to count.
    #[inline]
    #[must_use]
    pub(crate) fn command(&mut self, command: &Command<'_>) -> Places {
        let words: &Words<'_> = command.words;
        let word = words.get(0);
        let word = word.get(..MOST_NAME).unwrap_or(word);
        // Many commands have the name of the one before.
        let rule = match self.names.get_mut(self.last) {
            Some(name) if name.written == word => {
                name.count += 1;
                name.rule
            }
            _ => self.name(word),
        };
        self.data += u64::from(rule != Rule::Nothing && words.len() > 1 && !command.decrypted);
        rule.places(words)
    }

    /// Values that a reply gives away whose command is not known, or that has none.
    #[inline]
    pub(crate) fn reply(&mut self, reply: &Reply<'_>) {
        if reply.answers.is_none() {
            // A line of MONITOR; a message; the answer to a command that was not seen.
            let data = reply.push
                || reply.bytes.starts_with(b"$")
                || reply.bytes.windows(2).any(|bytes| bytes == b"\n$");
            self.data += u64::from(data && !reply.bytes.starts_with(b"$-") && !reply.decrypted);
        }
    }

    /// Counts a name, and says where its keys are.
    fn name(&mut self, word: &[u8]) -> Rule {
        let mut room = [0; MOST_NAME];
        let Some(upper) = room.get_mut(..word.len()) else { return Rule::NoKey };
        upper.copy_from_slice(word);
        upper.make_ascii_uppercase();
        let known = self.places.get(upper).copied();
        if known.is_none() && self.names.len() >= MOST_NAMES {
            return Rule::of(upper);
        }
        let index = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.places.insert(upper.to_vec(), index);
            let rule = Rule::of(upper);
            self.names.push(Name { upper: upper.to_vec(), written: Vec::new(), count: 0, rule });
        }
        self.last = index;
        let Some(name) = self.names.get_mut(index) else { return Rule::NoKey };
        name.count += 1;
        name.written.clear();
        name.written.extend_from_slice(word);
        name.rule
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

    /// A connection with TLS ended.
    pub(crate) fn tls(&mut self, seen: &TlsSeen) {
        let words = [seen.version.as_deref(), seen.cipher.as_deref()];
        let mut what = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if what.is_empty() {
            "version not seen".clone_into(&mut what);
        }
        if let Some(name) = &seen.sni {
            what += &format!(", server name {}", name.escape_debug());
        }
        if let Some(count) = self.tls.get_mut(&what) {
            *count += 1;
        } else if self.tls.len() < MOST_NAMES {
            self.tls.insert(what, 1);
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
        let mixed = match totals.mixed {
            0 => String::new(),
            mixed => paint(format!(" ({mixed} of them partly in plaintext)"), "1;31"),
        };
        let kinds: Vec<String> = [
            (totals.plaintext, " in plaintext", "", "1;31"),
            (totals.tls, " with TLS", mixed.as_str(), "32"),
            (totals.other, " other", "", "0"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, more, code)| paint(format!("{count}{what}"), code) + more)
        .collect();
        let colon = if kinds.is_empty() { "" } else { ": " };
        // Writing into a `String` does not fail.
        let _ = writeln!(
            out,
            "{}, {}, {}{colon}{}",
            some(totals.packets, "packet"),
            some(totals.bytes, "byte"),
            some(flows, "connection"),
            kinds.join(", ")
        );
        let replies =
            if totals.replies == 1 { "1 reply".to_owned() } else { format!("{} replies", totals.replies) };
        let _ = writeln!(out, "{} and {replies} readable", some(totals.commands, "command"));
        if totals.decrypted > 0 {
            let _ = writeln!(
                out,
                "{} decrypted with the keys given, {} among them",
                some(totals.decrypted, "command"),
                some(self.decrypted_credentials, "credential")
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
                "  {}{more}, most used: {}",
                some(self.keys.len() as u64, "different key"),
                top(self.keys.iter(), 5)
            );
        }
        let mut told: Vec<_> = self.told.iter().collect();
        told.sort();
        let heading = some(self.credentials, "readable credential");
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
        for (what, count) in self.tls.iter().take(8) {
            let _ = writeln!(out, "{} {what}", paint(format!("TLS {count}x:"), "32"));
        }
        if self.tls.len() > 8 {
            let _ = writeln!(out, "TLS: {} more kinds", self.tls.len() - 8);
        }
        let mut missed = Vec::new();
        for (count, what, how) in [
            (dropped, "packet", "dropped by the kernel"),
            (totals.damaged, "packet", "that cannot be read"),
            (totals.fragments, "IP packet", "with pieces missing"),
            (totals.sealed, "encrypted record", "that the keys given do not open"),
            (totals.gaps, "byte", "never seen"),
            (totals.unread, "byte", "neither Redis nor TLS"),
            (totals.truncated, "value", "not kept whole"),
            (totals.conflicts, "segment", "at odds with an earlier copy"),
            (totals.after_reset, "byte", "after a reset, not read"),
        ] {
            if count > 0 {
                missed.push(format!("{} {how}", some(count, what)));
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

/// `1 packet`, `2 packets`
fn some(count: u64, what: &str) -> String {
    many(&count.to_string(), what)
}

fn top<'a>(counts: impl Iterator<Item = (&'a [u8], u64)>, most: usize) -> String {
    let shown =
        most_used(counts, most).into_iter().map(|(name, count)| format!("{} {count}x", name.escape_ascii()));
    shown.collect::<Vec<_>>().join(", ")
}

/// The most used first.
pub(crate) fn most_used<'a>(
    counts: impl Iterator<Item = (&'a [u8], u64)>,
    most: usize,
) -> Vec<(&'a [u8], u64)> {
    let mut all: Vec<_> = counts.collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(most);
    all
}
