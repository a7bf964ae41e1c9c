//! Credentials in commands and replies: who carries them, for which user, and which bytes are secret.
//!
//! [`credentials`] and [`config_reply`] are pure functions of borrowed words. They look at the
//! words of a command and never inside of values, so that a value that holds an encoded `AUTH` is a value.

mod script;
mod told;

use std::ops::Range;
pub use told::{Credential, Outcome};

/// Bytes of a command or a reply that are secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Index of the word.
    pub word: usize,
    /// Bytes of that word.
    pub range: Range<usize>,
}

/// A credential in a command or a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// What carries it: `AUTH`, `HELLO`, `ACL SETUSER`, `CONFIG SET requirepass`, `MIGRATE AUTH2`,
    /// `EVAL AUTH`. One of a fixed set.
    pub carrier: &'static str,
    /// The user, where the command names one.
    pub user: Option<&'a [u8]>,
    /// The secret; none where only a user is set (`CONFIG SET masteruser`).
    pub secret: Option<Place>,
    /// The secret is a SHA-256 digest of a password (`ACL SETUSER #`, `!`).
    pub hashed: bool,
}

/// What a parameter of the server holds.
#[derive(Clone, Copy)]
enum Holds {
    Secret,
    User,
}

/// Parameters that hold secrets, and the users that go with them. Valkey calls the master primary.
/// Name, carrier in `CONFIG SET`, in the reply to `CONFIG GET`, in a script.
const PARAMETERS: [(&str, Holds, [&str; 3]); 7] = [
    (
        "requirepass",
        Holds::Secret,
        ["CONFIG SET requirepass", "CONFIG GET requirepass", "EVAL CONFIG SET requirepass"],
    ),
    (
        "masterauth",
        Holds::Secret,
        ["CONFIG SET masterauth", "CONFIG GET masterauth", "EVAL CONFIG SET masterauth"],
    ),
    (
        "masteruser",
        Holds::User,
        ["CONFIG SET masteruser", "CONFIG GET masteruser", "EVAL CONFIG SET masteruser"],
    ),
    (
        "primaryauth",
        Holds::Secret,
        ["CONFIG SET primaryauth", "CONFIG GET primaryauth", "EVAL CONFIG SET primaryauth"],
    ),
    (
        "primaryuser",
        Holds::User,
        ["CONFIG SET primaryuser", "CONFIG GET primaryuser", "EVAL CONFIG SET primaryuser"],
    ),
    (
        "tls-key-file-pass",
        Holds::Secret,
        ["CONFIG SET tls-key-file-pass", "CONFIG GET tls-key-file-pass", "EVAL CONFIG SET tls-key-file-pass"],
    ),
    (
        "tls-client-key-file-pass",
        Holds::Secret,
        [
            "CONFIG SET tls-client-key-file-pass",
            "CONFIG GET tls-client-key-file-pass",
            "EVAL CONFIG SET tls-client-key-file-pass",
        ],
    ),
];

/// Where words stand: by themselves, in a reply, or in a script.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Command = 0,
    Reply = 1,
    Script = 2,
}

/// Gives the credentials in the words of a command. Allocates nothing unless it is a script.
///
/// <https://redis.io/docs/latest/commands/auth/>, `/hello/`, `/acl-setuser/`, `/config-set/`,
/// `/migrate/`, `/eval/`, and the commands of Sentinel.
pub fn credentials<'a>(words: &[&'a [u8]], found: &mut impl FnMut(Found<'a>)) {
    let Some((name, rest)) = words.split_first() else { return };
    // By length first: nearly every command is none of these.
    match name.len() {
        7 if is(name, "MIGRATE") => migrate(words, found),
        8 if is(name, "SENTINEL") => sentinel(words, found),
        4 if is(name, "EVAL") => script::calls(words, found),
        7 if is(name, "EVAL_RO") => script::calls(words, found),
        6 if is(name, "SCRIPT") && rest.first().is_some_and(|sub| is(sub, "LOAD")) => {
            script::calls(words.get(1..).unwrap_or_default(), &mut |one| found(moved(one, 1)));
        }
        8 if is(name, "FUNCTION") && rest.first().is_some_and(|sub| is(sub, "LOAD")) => {
            // The code is the last word; it gets no ARGV.
            if let Some(code) = words.get(words.len() - 1..).filter(|_| words.len() > 2) {
                let before = words.len() - 2;
                script::calls(&[&b""[..], code.first().copied().unwrap_or_default()], &mut |one| {
                    found(moved(one, before));
                });
            }
        }
        _ => direct(words, Within::Command, found),
    }
}

/// The commands that a script may hold as well.
fn direct<'a>(words: &[&'a [u8]], within: Within, found: &mut impl FnMut(Found<'a>)) {
    let Some((name, rest)) = words.split_first() else { return };
    let by = |command, script| if within == Within::Script { script } else { command };
    match (name.len(), rest) {
        (4, _) if is(name, "AUTH") => {
            let carrier = by("AUTH", "EVAL AUTH");
            match rest {
                [user, _] => found(whole(carrier, Some(user), words, 2)),
                // More words than Redis takes are a password that was quoted wrongly.
                _ => (1..words.len()).for_each(|word| found(whole(carrier, None, words, word))),
            }
        }
        (5, [_, ..]) if is(name, "HELLO") => {
            let mut at = 2;
            while let Some(option) = words.get(at) {
                match words.get(at + 1) {
                    Some(user) if is(option, "AUTH") && words.len() > at + 2 => {
                        return found(whole(by("HELLO", "EVAL HELLO"), Some(user), words, at + 2));
                    }
                    Some(_) if is(option, "SETNAME") => at += 2,
                    _ => return,
                }
            }
        }
        (3, [sub, user, rules @ ..]) if is(name, "ACL") && is(sub, "SETUSER") => {
            for (at, rule) in rules.iter().enumerate() {
                // `<` and `!` take away a password that was good until now.
                if let Some(mark @ (b'>' | b'#' | b'<' | b'!')) = rule.first() {
                    found(Found {
                        carrier: by("ACL SETUSER", "EVAL ACL SETUSER"),
                        user: Some(user),
                        secret: Some(Place { word: at + 3, range: 1..rule.len() }),
                        hashed: matches!(mark, b'#' | b'!'),
                    });
                }
            }
        }
        (6, [sub, ..]) if is(name, "CONFIG") && is(sub, "SET") => parameters(words, 2, within, found),
        _ => {}
    }
}

/// Names of parameters that hold secrets, as replies have them.
pub(crate) fn secret_names() -> impl Iterator<Item = &'static str> {
    PARAMETERS.iter().filter(|(_, holds, _)| matches!(holds, Holds::Secret)).map(|(name, ..)| *name)
}

/// Gives the credentials in the reply to `CONFIG GET`: its strings, names and values in turn, which
/// is the same for the array of RESP2 and the map of RESP3.
pub fn config_reply<'a>(words: &[&'a [u8]], found: &mut impl FnMut(Found<'a>)) {
    parameters(words, 0, Within::Reply, found);
}

/// Pairs of names and values from index `first` on.
fn parameters<'a>(words: &[&'a [u8]], first: usize, within: Within, found: &mut impl FnMut(Found<'a>)) {
    let pairs = || words.get(first..).unwrap_or_default().chunks_exact(2).enumerate();
    let user_of = |secret: &str| {
        let name = match secret {
            "masterauth" => "masteruser",
            "primaryauth" => "primaryuser",
            _ => return None,
        };
        pairs().find_map(|(_, pair)| match pair {
            [key, user] if is(key, name) && !user.is_empty() => Some(*user),
            _ => None,
        })
    };
    let mut secrets = 0;
    for (index, pair) in pairs() {
        let [key, value] = pair else { continue };
        // An empty value takes the password away.
        let known = PARAMETERS.iter().find(|(name, ..)| is(key, name)).filter(|_| !value.is_empty());
        let Some((name, Holds::Secret, carriers)) = known else { continue };
        let [set, get, script] = carriers;
        let carrier = match within {
            Within::Command => set,
            Within::Reply => get,
            Within::Script => script,
        };
        // More than these names repeat themselves; then who the user is does not matter.
        let user = if secrets < PARAMETERS.len() { user_of(name) } else { None };
        secrets += 1;
        found(whole(carrier, user, words, first + 2 * index + 1));
    }
    if secrets > 0 {
        return;
    }
    for (_, pair) in pairs().take(PARAMETERS.len()) {
        let [key, value] = pair else { continue };
        if let Some((_, Holds::User, carriers)) = PARAMETERS.iter().find(|(name, ..)| is(key, name))
            && !value.is_empty()
            && let Some(carrier) = carriers.get(within as usize)
        {
            found(Found { carrier, user: Some(value), secret: None, hashed: false });
        }
    }
}

/// `MIGRATE host port key db timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password] [KEYS ..]`
fn migrate<'a>(words: &[&'a [u8]], found: &mut impl FnMut(Found<'a>)) {
    let mut at = 6;
    while let Some(option) = words.get(at) {
        if is(option, "AUTH") && words.len() > at + 1 {
            return found(whole("MIGRATE AUTH", None, words, at + 1));
        } else if is(option, "AUTH2") && words.len() > at + 2 {
            return found(whole("MIGRATE AUTH2", words.get(at + 1).copied(), words, at + 2));
        } else if !is(option, "COPY") && !is(option, "REPLACE") {
            return;
        }
        at += 1;
    }
}

/// `SENTINEL SET master option value ..`, `SENTINEL CONFIG SET name value ..`
fn sentinel<'a>(words: &[&'a [u8]], found: &mut impl FnMut(Found<'a>)) {
    let [_, sub, ..] = words else { return };
    let (names, carriers) = if is(sub, "SET") {
        (["auth-pass", "auth-user"], ["SENTINEL SET auth-pass", "SENTINEL SET auth-user"])
    } else if is(sub, "CONFIG") {
        (
            ["sentinel-pass", "sentinel-user"],
            ["SENTINEL CONFIG SET sentinel-pass", "SENTINEL CONFIG SET sentinel-user"],
        )
    } else {
        return;
    };
    let ([pass, user_option], [pass_carrier, user_carrier]) = (names, carriers);
    let mut user = None;
    let mut secret = None;
    let mut at = 3;
    while let Some([option, value]) = words.get(at..at + 2) {
        if is(option, user_option) {
            user = Some(*value);
        } else if is(option, pass) && !value.is_empty() {
            secret = Some(at + 1);
        }
        // The one option of two values.
        at += if is(option, "rename-command") { 3 } else { 2 };
    }
    match (secret, user) {
        (Some(word), user) => found(whole(pass_carrier, user, words, word)),
        (None, Some(user)) => {
            found(Found { carrier: user_carrier, user: Some(user), secret: None, hashed: false });
        }
        (None, None) => {}
    }
}

/// A credential whose secret is a whole word.
fn whole<'a>(carrier: &'static str, user: Option<&'a [u8]>, words: &[&[u8]], word: usize) -> Found<'a> {
    let length = words.get(word).map_or(0, |word| word.len());
    Found { carrier, user, secret: Some(Place { word, range: 0..length }), hashed: false }
}

/// The same, where the words began `by` words later.
fn moved(mut found: Found<'_>, by: usize) -> Found<'_> {
    if let Some(place) = &mut found.secret {
        place.word += by;
    }
    found
}

fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
#[path = "credential_tests.rs"]
mod tests;
