//! Which words of a command are keys. <https://redis.io/docs/latest/develop/reference/key-specs/>

use crate::words::Words;

/// Where a command has its keys, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It has none, and carries nothing that a client stores.
    Nothing,
    /// It has none, and carries what somebody stores or sends, or is answered with it: `PUBLISH`, `SCAN`.
    NoKey,
    /// So many, from this word on; most commands, and all that are not known, have one from the first on.
    Some(usize, usize),
    /// All from this word on, and so many words at the end are none.
    All(usize, usize),
    /// Each other word: `MSET`.
    EachOther,
    /// A word says how many follow it. The first word is one too, where that is not the word: `ZUNIONSTORE`.
    Counted(usize, bool),
    /// The first half of what stands behind `STREAMS`.
    Streams,
    /// The third, or those behind `KEYS`.
    Migrate,
}

/// Commands that have their keys elsewhere than the first word, or none.
const RULES: [(Rule, &[&str]); 13] = [
    (
        Rule::Nothing,
        &[
            "ACL",
            "ASKING",
            "AUTH",
            "BGREWRITEAOF",
            "BGSAVE",
            "CLIENT",
            "CLUSTER",
            "COMMAND",
            "CONFIG",
            "DBSIZE",
            "DISCARD",
            "EXEC",
            "FAILOVER",
            "FLUSHALL",
            "FLUSHDB",
            "FUNCTION",
            "HELLO",
            "INFO",
            "LASTSAVE",
            "LATENCY",
            "LOLWUT",
            "MODULE",
            "MULTI",
            "PING",
            "PSYNC",
            "QUIT",
            "READONLY",
            "READWRITE",
            "REPLCONF",
            "REPLICAOF",
            "RESET",
            "ROLE",
            "SAVE",
            "SELECT",
            "SENTINEL",
            "SHUTDOWN",
            "SLAVEOF",
            "SWAPDB",
            "SYNC",
            "TIME",
            "UNWATCH",
            "WAIT",
            "WAITAOF",
        ],
    ),
    (
        Rule::NoKey,
        &[
            "DEBUG",
            "ECHO",
            "FT.AGGREGATE",
            "FT.SEARCH",
            "KEYS",
            "MONITOR",
            "PSUBSCRIBE",
            "PUBLISH",
            "PUBSUB",
            "PUNSUBSCRIBE",
            "RANDOMKEY",
            "SCAN",
            "SCRIPT",
            "SLOWLOG",
            "SPUBLISH",
            "SSUBSCRIBE",
            "SUBSCRIBE",
            "SUNSUBSCRIBE",
            "UNSUBSCRIBE",
        ],
    ),
    (
        Rule::Some(1, 2),
        &[
            "BLMOVE",
            "BRPOPLPUSH",
            "COPY",
            "GEOSEARCHSTORE",
            "LCS",
            "LMOVE",
            "RENAME",
            "RENAMENX",
            "RPOPLPUSH",
            "SMOVE",
            "ZRANGESTORE",
        ],
    ),
    (Rule::Some(2, 1), &["MEMORY", "OBJECT", "XGROUP", "XINFO"]),
    (
        Rule::All(1, 0),
        &[
            "DEL",
            "EXISTS",
            "MGET",
            "PFCOUNT",
            "PFMERGE",
            "SDIFF",
            "SDIFFSTORE",
            "SINTER",
            "SINTERSTORE",
            "SUNION",
            "SUNIONSTORE",
            "TOUCH",
            "UNLINK",
            "WATCH",
        ],
    ),
    (Rule::All(1, 1), &["BLPOP", "BRPOP", "BZPOPMAX", "BZPOPMIN"]),
    (Rule::All(2, 0), &["BITOP"]),
    (Rule::EachOther, &["MSET", "MSETNX"]),
    (Rule::Counted(1, false), &["LMPOP", "SINTERCARD", "ZDIFF", "ZINTER", "ZINTERCARD", "ZMPOP", "ZUNION"]),
    (
        Rule::Counted(2, false),
        &["BLMPOP", "BZMPOP", "EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO"],
    ),
    (Rule::Counted(2, true), &["ZDIFFSTORE", "ZINTERSTORE", "ZUNIONSTORE"]),
    (Rule::Streams, &["XREAD", "XREADGROUP"]),
    (Rule::Migrate, &["MIGRATE"]),
];

/// Indices of words: of the first key, behind the last one, and how far they are apart; and the word that is one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    from: usize,
    to: usize,
    step: usize,
    first: bool,
}

impl Rule {
    /// That of a command; its name is given in capitals.
    pub fn of(name: &[u8]) -> Self {
        let known = RULES.iter().find(|(_, names)| names.iter().any(|known| known.as_bytes() == name));
        known.map_or(Self::Some(1, 1), |(rule, _)| *rule)
    }

    /// Which words of this command are keys.
    #[inline]
    pub fn places(self, words: &Words<'_>) -> Places {
        let all = words.len();
        let places = |from: usize, to: usize, step| Places { from, to: to.min(all), step, first: false };
        match self {
            Self::Nothing | Self::NoKey => places(0, 0, 1),
            Self::Some(from, count) => places(from, from + count, 1),
            Self::All(from, behind) => places(from, all.saturating_sub(behind), 1),
            Self::EachOther => places(1, all, 2),
            Self::Counted(at, first) => {
                let count = std::str::from_utf8(words.get(at)).ok().and_then(|count| count.parse().ok());
                let to = (at + 1).saturating_add(count.unwrap_or(0));
                Places { first: first && all > 1, ..places(at + 1, to, 1) }
            }
            Self::Streams => {
                let streams = (1..all).find(|at| words.is(*at, "STREAMS")).map_or(all, |at| at + 1);
                places(streams, streams + all.saturating_sub(streams) / 2, 1)
            }
            Self::Migrate if words.get(3).is_empty() => {
                places((4..all).find(|at| words.is(*at, "KEYS")).map_or(all, |at| at + 1), all, 1)
            }
            Self::Migrate => places(3, 4, 1),
        }
    }
}

impl Places {
    /// Whether a word is one.
    #[inline]
    pub fn holds(&self, index: usize) -> bool {
        (index >= self.from && index < self.to && (index - self.from).is_multiple_of(self.step))
            || (self.first && index == 1)
    }

    /// Indices of all, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        self.first.then_some(1).into_iter().chain((self.from..self.to).step_by(self.step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of a command that is written with a space between its words; `_` is an empty one.
    fn keys(line: &str) -> Vec<String> {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for word in line.split(' ').map(|word| if word == "_" { "" } else { word }) {
            places.push(bytes.len()..bytes.len() + word.len());
            bytes.extend_from_slice(word.as_bytes());
        }
        let words = Words::new(&bytes, &places);
        let places = Rule::of(words.get(0)).places(&words);
        let held: Vec<_> = (0..words.len()).filter(|index| places.holds(*index)).collect();
        assert_eq!(places.iter().collect::<Vec<_>>(), held, "{line}");
        held.into_iter().map(|index| String::from_utf8_lossy(words.get(index)).into_owned()).collect()
    }

    #[test]
    fn keys_are_where_redis_has_them() {
        for (line, expected) in [
            ("SET k v EX 5", "k"),
            ("JSON.SET doc $ 1", "doc"),
            ("MSET a 1 b 2", "a b"),
            ("MSET a 1 b", "a b"),
            ("DEL a b c", "a b c"),
            ("BLPOP a b 0", "a b"),
            ("BLPOP", ""),
            ("RENAME a b", "a b"),
            ("BITOP AND d a b", "d a b"),
            ("OBJECT ENCODING k", "k"),
            ("MEMORY DOCTOR", ""),
            ("EVAL return 2 a b c", "a b"),
            ("EVAL return 99 a", "a"),
            ("EVAL return x a", ""),
            ("EVAL return 18446744073709551615 a", "a"),
            ("FCALL f 0 a", ""),
            ("LMPOP 2 a b LEFT", "a b"),
            ("BZMPOP 0 1 a MIN", "a"),
            ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d a b"),
            ("XREAD COUNT 2 STREAMS a b 0 0", "a b"),
            ("XREADGROUP GROUP g c STREAMS a >", "a"),
            ("XREAD COUNT 2", ""),
            ("XADD a * f v", "a"),
            ("MIGRATE h 1 k 0 5 AUTH p", "k"),
            ("MIGRATE h 1 _ 0 5 AUTH2 u p KEYS a b", "a b"),
            ("PUBLISH channel text", ""),
            ("PING", ""),
            ("SET", ""),
        ] {
            assert_eq!(keys(line).join(" "), expected, "{line}");
        }
    }

    #[test]
    fn each_name_is_known_once() {
        let mut names: Vec<_> = RULES.iter().flat_map(|(_, names)| names.iter()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| **name == name.to_ascii_uppercase()));
    }
}
