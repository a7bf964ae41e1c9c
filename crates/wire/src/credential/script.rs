//! Credentials in the Lua code of `EVAL`: `redis.call('CONFIG', 'SET', 'requirepass', ARGV[1])`.

use super::{Found, Place, Within, direct};
use std::ops::Range;

/// Most arguments of a call that are looked at.
const MAX_ARGUMENTS: usize = 16;

/// An argument of a call.
enum Argument {
    /// A literal: its bytes in the code, escapes as they are written.
    Literal(Range<usize>),
    /// `KEYS[n]`, `ARGV[n]`, n from 1.
    Key(usize),
    Arg(usize),
    Other,
}

/// Reads calls in `EVAL code numkeys key .. arg ..`. Places are words of this command: a literal in
/// the code is a part of word 1.
pub(super) fn calls<'a>(words: &[&'a [u8]], found: &mut impl FnMut(Found<'a>)) {
    let Some(code) = words.get(1).copied() else { return };
    let keys = words
        .get(2)
        .and_then(|count| std::str::from_utf8(count).ok()?.parse::<usize>().ok())
        .filter(|count| *count <= words.len());
    let mut at = 0;
    while let Some(next) = find_call(code, at) {
        let mut arguments: [&[u8]; MAX_ARGUMENTS] = [b""; MAX_ARGUMENTS];
        let mut places: [Option<Place>; MAX_ARGUMENTS] = [const { None }; MAX_ARGUMENTS];
        let mut count = 0;
        at = each_argument(code, next, |argument| {
            let place = match (argument, keys) {
                (Argument::Literal(range), _) => Some(Place { word: 1, range }),
                (Argument::Key(number), Some(keys)) if (1..=keys).contains(&number) => {
                    whole(words, 2 + number)
                }
                (Argument::Arg(number), Some(keys)) if number > 0 => {
                    number.checked_add(2 + keys).and_then(|word| whole(words, word))
                }
                _ => None,
            };
            if let (Some(argument), Some(kept)) = (arguments.get_mut(count), places.get_mut(count)) {
                if let Some(Place { word, range }) = &place {
                    *argument = words.get(*word).and_then(|word| word.get(range.clone())).unwrap_or_default();
                }
                *kept = place;
                count += 1;
            }
        });
        direct(arguments.get(..count).unwrap_or_default(), Within::Script, &mut |mut one| {
            // A secret that the script computes is not in the command.
            let inner = one.secret.take();
            one.secret = inner.and_then(|inner| {
                let outer = places.get(inner.word)?.as_ref()?;
                let start = outer.range.start;
                Some(Place { word: outer.word, range: start + inner.range.start..start + inner.range.end })
            });
            if one.secret.is_some() {
                found(one);
            }
        });
    }
}

fn whole(words: &[&[u8]], word: usize) -> Option<Place> {
    words.get(word).map(|bytes| Place { word, range: 0..bytes.len() })
}

/// Where the arguments of the next `call` or `pcall` begin.
fn find_call(code: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memmem::find(code.get(at..)?, b"call")? + 4;
        let after = skip_space(code, at);
        match code.get(after) {
            Some(b'(') => return Some(after + 1),
            // Lua lets a single literal stand without parentheses; no credential has one word.
            _ => at = after,
        }
    }
}

/// Gives the arguments from `at` on. Returns where it ended. What is not an argument that can be
/// told ends the call.
fn each_argument(code: &[u8], mut at: usize, mut give: impl FnMut(Argument)) -> usize {
    loop {
        at = skip_space(code, at);
        let argument = match code.get(at) {
            Some(quote @ (b'\'' | b'"')) => {
                let Some(end) = end_of_string(code, at + 1, *quote) else { return at + 1 };
                let range = at + 1..end;
                at = end + 1;
                Argument::Literal(range)
            }
            Some(b'[') if code.get(at + 1) == Some(&b'[') => {
                let Some(length) = code.get(at + 2..).and_then(|rest| memchr::memmem::find(rest, b"]]"))
                else {
                    // All the rest is in this literal. To look on would read it once for each of many.
                    return code.len();
                };
                let range = at + 2..at + 2 + length;
                at += length + 4;
                Argument::Literal(range)
            }
            Some(_) => {
                let start = at;
                while code.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_.[]".contains(byte))
                {
                    at += 1;
                }
                let word = code.get(start..at).unwrap_or_default();
                index(word, b"KEYS[")
                    .map(Argument::Key)
                    .or_else(|| index(word, b"ARGV[").map(Argument::Arg))
                    .unwrap_or(Argument::Other)
            }
            None => return at,
        };
        let after = skip_space(code, at);
        match code.get(after) {
            Some(b',') => give(argument),
            Some(b')') => {
                give(argument);
                return after;
            }
            // Something is computed here, for instance a concatenation.
            _ => {
                give(Argument::Other);
                return after;
            }
        }
        at = after + 1;
    }
}

fn index(word: &[u8], array: &[u8]) -> Option<usize> {
    let digits = word.strip_prefix(array)?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn end_of_string(code: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        match *code.get(at)? {
            b'\\' => at += 2,
            b'\n' => return None,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}

fn skip_space(code: &[u8], mut at: usize) -> usize {
    while code.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}
