//! E-mail addresses (RFC 5321 section 4.1.2, as they are used).

use super::run;
use memchr::memchr_iter;
use std::ops::Range;

/// Longest part before the `@`, and longest domain.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 253;

/// Endings of names of hosts that have more than two letters, the common ones. Those of two letters
/// are countries; which of these exist is not asked.
const ENDINGS: [&str; 33] = [
    "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "aero", "coop", "museum",
    "jobs", "mobi", "travel", "cat", "tel", "app", "dev", "online", "site", "shop", "store", "tech", "cloud",
    "email", "xyz", "club", "example", "test", "local",
];

/// Two letters that end names of files rather than of hosts: `icon@2x.js`.
const FILES: [&str; 6] = ["js", "ts", "gz", "xz", "py", "rb"];

fn is_local(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte)
}

fn is_domain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// Gives each `@` that has a dot near enough behind it to end the first label of a domain. Dots are looked for first:
/// many values have none.
#[inline]
pub(super) fn each(value: &[u8], give: &mut impl FnMut(usize)) {
    let mut from = 0;
    for dot in memchr_iter(b'.', value) {
        let near = from.max(dot.saturating_sub(MAX_DOMAIN + 1));
        for at in memchr_iter(b'@', value.get(near..dot).unwrap_or_default()) {
            give(near + at);
        }
        from = dot + 1;
    }
}

/// The end of what may be a domain behind the `@` at `at`. None where what nearly every `@` lacks that is in no address
/// is not there: letters or digits around it, and a dot behind it.
#[inline]
pub(super) fn may_be(value: &[u8], at: usize) -> Option<usize> {
    let around = [at.checked_sub(1)?, at + 1].map(|near| value.get(near));
    if !around.iter().all(|byte| byte.is_some_and(u8::is_ascii_alphanumeric)) {
        return None;
    }
    let limit = value.len().min(at + 2 + MAX_DOMAIN);
    let end = run(value.get(..limit)?, at + 1, is_domain);
    value.get(at + 1..end)?.contains(&b'.').then_some(end)
}

/// The address around the `@` at `at`.
#[inline(never)]
pub(super) fn address(value: &[u8], at: usize) -> Option<Range<usize>> {
    let mut end = may_be(value, at)?;
    let before = value.get(at.saturating_sub(MAX_LOCAL + 1)..at)?;
    let length = before.iter().rev().take_while(|byte| is_local(byte)).count();
    let mut start = at - length;
    // A quote is more often around an address than in it.
    while value.get(start) == Some(&b'\'') {
        start += 1;
    }
    if !(2..=MAX_LOCAL).contains(&at.checked_sub(start)?) {
        return None;
    }
    let local = value.get(start..at)?;
    if !ends_alphanumeric(local) || local.windows(2).any(|pair| pair == b"..") {
        return None;
    }
    match start.checked_sub(1).and_then(|before| value.get(before)) {
        None => {}
        // `redis://user:password@host` holds no address; `mailto:` does.
        Some(b'/') => return None,
        Some(b':') if is_userinfo(value, start) => return None,
        Some(byte) if b" \t\r\n\"<:=,;([>|\0{".contains(byte) || *byte == b'\'' => {}
        Some(_) => return None,
    }
    // The dot that ends a sentence.
    while value.get(end - 1) == Some(&b'.') {
        end -= 1;
    }
    let domain = value.get(at + 1..end).filter(|domain| domain.len() <= MAX_DOMAIN)?;
    let mut labels = domain.rsplit(|byte| *byte == b'.');
    let last = labels.next()?;
    let mut count = 0;
    for label in labels {
        count += 1;
        if label.len() > 63 || !ends_alphanumeric(label) || (count == 1 && label.len() < 2) {
            return None;
        }
        // `icon@2x.png`, `package@1.2.x`
        if count == 1 && !label.iter().any(u8::is_ascii_alphabetic) {
            return None;
        }
    }
    if count == 0 || !is_ending(last) {
        return None;
    }
    match value.get(end) {
        None => {}
        Some(b':') if value.get(end + 1).is_some_and(|byte| !byte.is_ascii_whitespace()) => return None,
        Some(byte) if b" \t\r\n\">,;:)]|&?}.!\0\\".contains(byte) || *byte == b'\'' => {}
        Some(_) => return None,
    }
    Some(start..end)
}

/// Whether a `:` before `start` stands in `scheme://user:`.
fn is_userinfo(value: &[u8], start: usize) -> bool {
    let before = value.get(start.saturating_sub(MAX_LOCAL + 3)..start).unwrap_or_default();
    let word = before.iter().rev().take_while(|byte| !b" \t\r\n\"<>,;'".contains(byte)).count();
    let word = before.get(before.len() - word..).unwrap_or_default();
    word.windows(3).any(|part| part == b"://")
}

fn ends_alphanumeric(text: &[u8]) -> bool {
    [text.first(), text.last()].iter().all(|byte| byte.is_some_and(u8::is_ascii_alphanumeric))
}

fn is_ending(label: &[u8]) -> bool {
    let lower = label.to_ascii_lowercase();
    if lower != label && !label.iter().all(u8::is_ascii_uppercase) {
        return false;
    }
    let is = |word: &&str| word.as_bytes() == lower;
    lower.len() == 2 && lower.iter().all(u8::is_ascii_lowercase) && !FILES.iter().any(&is)
        || ENDINGS.iter().any(is)
}
