//! Which words of a command are secrets, by what carries them.

use crate::scan::MAX_WORDS;
use std::ops::Range;

/// The words of a command, where they lie.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    bytes: &'a [u8],
    places: &'a [Range<usize>],
}

impl<'a> Words<'a> {
    /// `places` lie within `bytes`.
    pub fn new(bytes: &'a [u8], places: &'a [Range<usize>]) -> Self {
        Self { bytes, places }
    }

    /// How many; at most [`MAX_WORDS`].
    pub fn len(&self) -> usize {
        self.places.len().min(MAX_WORDS)
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One of them, empty where there is none.
    pub fn get(&self, index: usize) -> &'a [u8] {
        self.places.get(index).and_then(|place| self.bytes.get(place.clone())).unwrap_or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Whether a word is this name, in either case.
    pub fn is(&self, index: usize, name: &str) -> bool {
        self.get(index).eq_ignore_ascii_case(name.as_bytes())
    }
}

/// A secret in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// What carries it: `AUTH`, `HELLO`, `ACL SETUSER`, `CONFIG SET requirepass`, ...
    pub carrier: &'static str,
    /// Whose it is, where the command says so.
    pub user: Option<Vec<u8>>,
    /// Index of its word.
    pub word: usize,
    /// Bytes of the word in front of it: the `>` of a rule.
    pub skip: usize,
}

/// Parameters of a configuration that are secrets, with their carriers when set and when read:
/// <https://redis.io/docs/latest/operate/oss_and_stack/management/config/>.
const PARAMETERS: [(&str, &str, &str); 4] = [
    ("requirepass", "CONFIG SET requirepass", "CONFIG GET requirepass"),
    ("masterauth", "CONFIG SET masterauth", "CONFIG GET masterauth"),
    ("tls-key-file-pass", "CONFIG SET tls-key-file-pass", "CONFIG GET tls-key-file-pass"),
    (
        "tls-client-key-file-pass",
        "CONFIG SET tls-client-key-file-pass",
        "CONFIG GET tls-client-key-file-pass",
    ),
];

/// The carrier under which a parameter is a secret in the reply of CONFIG GET.
pub fn read_parameter(name: &[u8]) -> Option<&'static str> {
    PARAMETERS
        .iter()
        .find(|(known, _, _)| name.eq_ignore_ascii_case(known.as_bytes()))
        .map(|(_, _, carrier)| *carrier)
}

/// The secrets of a command: <https://redis.io/docs/latest/commands/auth/>, `/hello/`, `/acl-setuser/`,
/// `/config-set/`, `/migrate/`; Sentinel's from its manual. A value that looks like a command is a value.
pub fn secrets(words: &Words<'_>) -> Vec<Carried> {
    let mut found = Vec::new();
    let mut add = |carrier, user: Option<&[u8]>, word, skip| {
        found.push(Carried { carrier, user: user.map(<[u8]>::to_vec), word, skip });
    };
    let count = words.len();
    let name = words.get(0);
    // Nearly every command is none of these: their lengths tell quickly.
    match name.len() {
        4 if words.is(0, "AUTH") && count == 2 => add("AUTH", None, 1, 0),
        4 if words.is(0, "AUTH") && count == 3 => add("AUTH", Some(words.get(1)), 2, 0),
        4 if words.is(0, "EVAL") && count > 1 && logs_in(words.get(1)) => add("EVAL", None, 1, 0),
        5 if words.is(0, "HELLO") => {
            let mut index = 2;
            while index < count {
                if words.is(index, "AUTH") && index + 2 < count {
                    add("HELLO", Some(words.get(index + 1)), index + 2, 0);
                    index += 3;
                } else if words.is(index, "SETNAME") {
                    index += 2;
                } else {
                    break;
                }
            }
        }
        3 if words.is(0, "ACL") && words.is(1, "SETUSER") => {
            for index in 3..count {
                // `>password`, `#hash`; `<` and `!` take one away, and name it.
                if matches!(words.get(index).first(), Some(b'>' | b'#' | b'<' | b'!')) {
                    add("ACL SETUSER", Some(words.get(2)), index, 1);
                }
            }
        }
        6 if words.is(0, "CONFIG") && words.is(1, "SET") => {
            for index in (2..count).step_by(2) {
                let parameter = PARAMETERS.iter().find(|(name, _, _)| words.is(index, name));
                if let Some((_, carrier, _)) = parameter
                    && index + 1 < count
                {
                    add(carrier, None, index + 1, 0);
                }
            }
        }
        7 if words.is(0, "MIGRATE") => {
            // host port key db timeout, then options.
            let mut index = 6;
            while index < count {
                if words.is(index, "AUTH") && index + 1 < count {
                    add("MIGRATE AUTH", None, index + 1, 0);
                    index += 2;
                } else if words.is(index, "AUTH2") && index + 2 < count {
                    add("MIGRATE AUTH2", Some(words.get(index + 1)), index + 2, 0);
                    index += 3;
                } else if words.is(index, "KEYS") {
                    break;
                } else {
                    index += 1;
                }
            }
        }
        8 if words.is(0, "SENTINEL") && words.is(1, "SET") => {
            for index in (3..count).step_by(2) {
                if words.is(index, "auth-pass") && index + 1 < count {
                    add("SENTINEL SET auth-pass", None, index + 1, 0);
                }
            }
        }
        8 if words.is(0, "SENTINEL") && words.is(1, "CONFIG") && words.is(2, "SET") => {
            for index in (3..count).step_by(2) {
                if words.is(index, "sentinel-pass") && index + 1 < count {
                    add("SENTINEL CONFIG SET sentinel-pass", None, index + 1, 0);
                }
            }
        }
        _ => {}
    }
    found
}

/// A script that calls AUTH, or sets a secret parameter, with a literal.
fn logs_in(script: &[u8]) -> bool {
    let text = String::from_utf8_lossy(script.get(..8192).unwrap_or(script)).to_ascii_lowercase();
    if !text.contains("redis.call") && !text.contains("redis.pcall") {
        return false;
    }
    let quoted = |word: &str| text.contains(&format!("'{word}'")) || text.contains(&format!("\"{word}\""));
    quoted("auth") || PARAMETERS.iter().any(|(name, _, _)| quoted(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `carrier user secret` of each.
    fn found(command: &[&str]) -> Vec<String> {
        let bytes = command.concat().into_bytes();
        let mut at = 0;
        let places: Vec<_> = command
            .iter()
            .map(|word| {
                at += word.len();
                at - word.len()..at
            })
            .collect();
        let words = Words::new(&bytes, &places);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        secrets(&words)
            .iter()
            .map(|one| {
                let user = one.user.as_deref().map_or_else(|| "-".into(), text);
                format!("{} {user} {}", one.carrier, text(&words.get(one.word)[one.skip..]))
            })
            .collect()
    }

    fn split(line: &str) -> Vec<String> {
        found(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn every_carrier() {
        for (line, expected) in [
            ("auth pw", vec!["AUTH - pw"]),
            ("AUTH bob pw", vec!["AUTH bob pw"]),
            ("HELLO 3 AUTH bob pw SETNAME x", vec!["HELLO bob pw"]),
            ("HELLO 3 SETNAME auth AUTH bob pw", vec!["HELLO bob pw"]),
            ("ACL SETUSER eve on >one #two ~* +@all", vec!["ACL SETUSER eve one", "ACL SETUSER eve two"]),
            ("CONFIG SET maxmemory 1 requirepass pw", vec!["CONFIG SET requirepass - pw"]),
            (
                "CONFIG SET masterauth a tls-key-file-pass b",
                vec!["CONFIG SET masterauth - a", "CONFIG SET tls-key-file-pass - b"],
            ),
            ("MIGRATE h 1 k 0 5 COPY AUTH pw", vec!["MIGRATE AUTH - pw"]),
            ("MIGRATE h 1 k 0 5 AUTH2 bob pw KEYS AUTH x", vec!["MIGRATE AUTH2 bob pw"]),
            ("SENTINEL SET mymaster auth-pass pw", vec!["SENTINEL SET auth-pass - pw"]),
        ] {
            assert_eq!(split(line), expected, "{line}");
        }
        assert_eq!(found(&["EVAL", "redis.call('AUTH', 'pw')", "0"]), ["EVAL - redis.call('AUTH', 'pw')"]);
    }

    #[test]
    fn no_false_ones() {
        for line in [
            "AUTH",
            "SET AUTH pw",
            "GET auth",
            "HELLO 3",
            "HELLO 3 SETNAME AUTH",
            "ACL LIST",
            "ACL SETUSER eve on",
            "CONFIG GET requirepass",
            "CONFIG SET maxmemory requirepass",
            "MIGRATE h 1 k 0 5 KEYS AUTH x",
            "ECHO AUTH",
        ] {
            assert!(split(line).is_empty(), "{line}");
        }
        assert!(found(&["SET", "k", "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n"]).is_empty());
        assert!(found(&["EVAL", "return 'auth'", "0"]).is_empty());
    }
}
