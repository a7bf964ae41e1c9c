//! The words of a command, where they lie.

use crate::credential::{self, Found};
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

    /// The credentials that they carry. Nearly every command carries none, which its name tells quickly.
    pub fn credentials(&self) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        let may = match self.get(0) {
            [first, _, last] => matches!((first, last), (b'A' | b'a', b'L' | b'l')),
            [first, _, _, _] => matches!(first, b'A' | b'a' | b'E' | b'e'),
            [first, _, _, _, _] => matches!(first, b'H' | b'h'),
            [first, _, _, _, _, _] => matches!(first, b'C' | b'c' | b'S' | b's'),
            [first, _, _, _, _, _, _] => matches!(first, b'M' | b'm' | b'E' | b'e'),
            [first, _, _, _, _, _, _, _] => matches!(first, b'S' | b's' | b'F' | b'f'),
            _ => false,
        };
        if may {
            let words: Vec<&[u8]> = self.iter().collect();
            credential::credentials(&words, &mut |one| found.push(one));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_passed_over_carries_none() {
        // Whatever the quick look passes over, the thorough one finds nothing in.
        for name in [
            "SET",
            "GET",
            "MSET",
            "ECHO",
            "LPUSH",
            "RENAME",
            "PUBLISH",
            "GETRANGE",
            "SUBSCRIBE",
            "acl",
            "Auth",
            "hello",
        ] {
            let line = format!("{name}bobpwAUTH");
            let at = name.len();
            let places = [0..at, at..at + 3, at + 3..at + 5];
            let words = Words::new(line.as_bytes(), &places);
            let mut found = 0;
            let all: Vec<&[u8]> = words.iter().collect();
            credential::credentials(&all, &mut |_| found += 1);
            assert_eq!(words.credentials().len(), found, "{name}");
        }
    }
}
