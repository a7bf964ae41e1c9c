//! Whether any of the words that introduce a token can be in a value.
//!
//! Four bytes out of each word are looked for, all at once. Most values hold none, and that is told much
//! faster so than by looking for the words themselves.

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, Input, Span};
use memchr::memmem::Finder;

/// Four bytes out of each word, the rarer ones. Not more than 32 of them: that many are looked for in steps
/// of 32 bytes, more in steps of 16. Those below each other are alike: the searcher puts every eighth into the same
/// of its eight sets, and stops wherever each of four bytes is like one of some set.
#[rustfmt::skip]
const PARTS: [&str; 32] = [
    "xoxa", "SESS", "gho_", "et_a", "e_ac", "BEGI", "arer", "kie:",
    "xoxb", "ghp_", "ghr_", "ntKe", "k_li", "t.si", "AKIA", "hsec",
    "xoxp", "ghu_", "hub_", "ssKe", "k_te", "tAcc", "ASIA", "xoxr",
    "xoxs", "ghs_", "xapp", "ET_A", "sess", "Sess", "KIE:", "ARER",
];
/// A word of three bytes only, looked for by itself.
const SHORT: &str = "eyJ";
/// The shortest value in which a word introduces something: `Cookie:a=12345678`.
const SHORTEST: usize = 17;

#[derive(Debug)]
pub(super) struct Sieve {
    /// None where the processor cannot do it.
    parts: Option<Searcher>,
    short: Finder<'static>,
}

impl Sieve {
    pub(super) fn new() -> Self {
        Self { parts: Searcher::new(PARTS), short: Finder::new(SHORT) }
    }

    /// The next place from `from` on where a word of more than three bytes may be; `words` are all of them.
    pub(super) fn part(&self, bytes: &[u8], from: usize, words: &AhoCorasick) -> Option<usize> {
        if from >= bytes.len() {
            return None;
        }
        match &self.parts {
            Some(parts) => Some(parts.find_in(bytes, Span::from(from..bytes.len()))?.start()),
            None => Some(words.find(Input::new(bytes).range(from..))?.start()),
        }
    }

    /// The next place from `from` on of the word of three bytes.
    pub(super) fn short(&self, bytes: &[u8], from: usize) -> Option<usize> {
        Some(from + self.short.find(bytes.get(from..)?)?)
    }

    /// False where no word can be in it; true says little.
    pub(super) fn may_hold(&self, value: &[u8]) -> bool {
        value.len() >= SHORTEST
            && (self.parts.as_ref().is_none_or(|parts| parts.find(value).is_some())
                || self.short.find(value).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_falls_through() {
        let sieve = Sieve::new();
        let slow = Sieve { parts: None, short: Finder::new(SHORT) };
        let words = super::super::Classifier::new(false).anchors;
        for (word, _) in super::super::ANCHORS {
            assert!(word == SHORT || PARTS.iter().any(|part| word.contains(part)), "{word}");
            for around in 0..80 {
                let around = "-".repeat(around);
                let value = format!("{around}{word}{around}");
                assert!(sieve.may_hold(value.as_bytes()) || value.len() < SHORTEST, "{value}");
                for sieve in [&sieve, &slow] {
                    let bytes = format!("{}\0{value}", "xoxb-".repeat(9)).into_bytes();
                    let from = bytes.len() - value.len();
                    let found = sieve.part(&bytes, from, &words).or_else(|| sieve.short(&bytes, from));
                    assert!(found.is_some_and(|at| at >= from), "{value}");
                }
            }
        }
        let plain = "the quick brown fox jumps over the lazy dog, and over a session of dogs";
        assert!(!sieve.may_hold(&plain.as_bytes()[..44]) && sieve.may_hold(plain.as_bytes()));
    }
}
