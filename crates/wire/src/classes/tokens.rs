//! Tokens and keys, each by the word that introduces it.
//!
//! A rule asks first whether a word begins here, and reads on after that: so that a value that is made of
//! these words is not read again from each of them.

use super::{begins_word, run};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;
use std::ops::Range;

/// Longest header of a JWT that is decoded.
const MAX_HEADER: usize = 4096;
/// Longest private key.
const MAX_KEY: usize = 16 << 10;

/// Base64url with or without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn is_base64url(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Whether letters and digits take turns as they do in random text, and seldom in names: `report2024`.
fn is_random(token: &[u8]) -> bool {
    let turns = token
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() && b.is_ascii_alphabetic() || a.is_ascii_alphabetic() && b.is_ascii_digit()));
    token.len() >= 16 && turns.count() >= 4
}

/// `eyJ..`: three parts (RFC 7515), or five (RFC 7516), whose first is a JSON object with `alg`.
pub(super) fn jwt(value: &[u8], start: usize) -> Option<Range<usize>> {
    if !begins_word(value, start) || start.checked_sub(1).and_then(|at| value.get(at)) == Some(&b'.') {
        return None;
    }
    let first = run(value, start, is_base64url);
    let header = value.get(start..first).filter(|header| header.len() <= MAX_HEADER)?;
    let (mut at, mut parts, mut second) = (first, 1, 0..0);
    while parts < 6 && value.get(at) == Some(&b'.') {
        let end = run(value, at + 1, is_base64url);
        // The dot that ends a sentence.
        if parts >= 3 && end == at + 1 {
            break;
        }
        if parts == 1 {
            second = at + 1..end;
        }
        if parts == 2 && end == at + 1 && value.get(end) != Some(&b'.') {
            // A dot behind two parts: without a signature it is a token only where it says so.
            at = end;
            parts += 1;
            break;
        }
        at = end;
        parts += 1;
    }
    if !matches!(parts, 3 | 5) {
        return None;
    }
    let header: serde_json::Value = serde_json::from_slice(&BASE64URL.decode(header).ok()?).ok()?;
    let algorithm = header.get("alg")?.as_str()?;
    let signed = value.get(at - 1) != Some(&b'.') || algorithm.eq_ignore_ascii_case("none");
    // Claims are an object; the key of an encrypted token may be empty.
    let claims =
        parts == 5 && header.get("enc").is_some() || parts == 3 && signed && opens_object(value.get(second)?);
    claims.then_some(start..at)
}

/// Whether base64url begins with `{`, and a quote, white space or `}` after it.
fn opens_object(text: &[u8]) -> bool {
    text.starts_with(b"ey") || text.starts_with(b"ew") || text.starts_with(b"e30")
}

/// `Bearer token`, where the token is no JWT. The word stands from its second letter on.
pub(super) fn bearer(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let word = start.checked_sub(1)?;
    if !matches!(value.get(word), Some(b'B' | b'b')) || !begins_word(value, word) {
        return None;
    }
    let from = run(value, end, |byte| *byte == b' ');
    let to = run(value, from, |byte| is_base64(byte) || b"-._~".contains(byte));
    let to = run(value, to, |byte| *byte == b'=');
    let token = value.get(from..to)?;
    (token.len() >= 20 && is_random(token) && jwt(value, from).is_none()).then_some(from..to)
}

/// `-----BEGIN .. PRIVATE KEY-----` and a key.
pub(super) fn private_key(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let mut label_end = end;
    while value.get(label_end).is_some_and(|byte| byte.is_ascii_uppercase() || *byte == b' ')
        && label_end < end + 40
    {
        label_end += 1;
    }
    let label = value.get(end..label_end)?;
    if !(label.ends_with(b"PRIVATE KEY") || label == b"PGP PRIVATE KEY BLOCK") {
        return None;
    }
    let body = label_end + value.get(label_end..)?.strip_prefix(b"-----").map(|_| 5)?;
    // Line ends may be escaped; headers may stand before the key.
    let rest = value.get(body..value.len().min(body + MAX_KEY))?;
    let (mut longest, mut here, mut dashes, mut length) = (0, 0, 0, 0);
    for byte in rest {
        dashes = if *byte == b'-' { dashes + 1 } else { 0 };
        here = if is_base64(byte) { here + 1 } else { 0 };
        let allowed = here > 0 || b"=\r\n \\:,.-()".contains(byte);
        if !allowed || dashes == 5 {
            break;
        }
        longest = longest.max(here);
        length += 1;
    }
    if longest < 32 {
        return None;
    }
    let mut stop = body + length;
    if dashes == 5 {
        stop -= 4;
        let footer = value.get(stop..)?;
        if footer.starts_with(b"-----END ") {
            stop += run(footer, 9, |byte| byte.is_ascii_uppercase() || *byte == b' ');
            stop = run(value, stop, |byte| *byte == b'-').min(stop + 5);
        }
    }
    Some(start..stop)
}

/// Whether a cookie opens something: what is random does, and what is called so and is no word or number. `theme=midnight`
/// does not.
fn is_session(name: &[u8], value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let called = ["sess", "sid", "token", "auth", "jwt", "csrf", "xsrf", "remember"]
        .iter()
        .any(|word| memmem::find(&name, word.as_bytes()).is_some());
    let mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    is_random(value) || (called && mixed && value.len() >= 8)
}

/// The values of a `Cookie:` or `Set-Cookie:` header (RFC 6265) that look like ids of sessions. The word stands from its
/// second letter on. Gives how far it read.
pub(super) fn cookies(value: &[u8], start: usize, end: usize, found: &mut impl FnMut(Range<usize>)) -> usize {
    let Some(start) = start.checked_sub(1).filter(|at| matches!(value.get(*at), Some(b'C' | b'c'))) else {
        return end;
    };
    let set = start
        .checked_sub(4)
        .and_then(|at| value.get(at..start))
        .is_some_and(|before| before.eq_ignore_ascii_case(b"set-"));
    let begin = if set { start - 4 } else { start };
    if !begins_word(value, begin) {
        return end;
    }
    let mut at = end;
    for _ in 0..32 {
        at = run(value, at, |byte| *byte == b' ');
        let name_end =
            run(value, at, |byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
        if name_end == at || value.get(name_end) != Some(&b'=') {
            return name_end;
        }
        let value_end = run(value, name_end + 1, |byte| byte.is_ascii_graphic() && !b"\";,\\".contains(byte));
        let (name, said) = (value.get(at..name_end), value.get(name_end + 1..value_end));
        if name.zip(said).is_some_and(|(name, said)| is_session(name, said)) {
            found(name_end + 1..value_end);
        }
        // What follows in `Set-Cookie` are attributes.
        if set || value.get(value_end) != Some(&b';') {
            return value_end;
        }
        at = value_end + 1;
    }
    at
}

/// `sessionid=..`, `"session_id": ".."`
pub(super) fn named_session(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if !begins_word(value, start) && !value.get(..start)?.ends_with(b"_") {
        return None;
    }
    let at = run(value, end, |byte| b"\"'\\ ".contains(byte));
    matches!(value.get(at), Some(b'=' | b':')).then_some(())?;
    let from = run(value, at + 1, |byte| b"\"'\\ ".contains(byte));
    let to = run(value, from, |byte| is_base64(byte) || b"-._~%".contains(byte));
    is_random(value.get(from..to)?).then_some(from..to)
}

/// `sess:<id>`, as stores of sessions name their keys.
pub(super) fn session_key(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if !begins_word(value, start) {
        return None;
    }
    // `spring:session:sessions:expires:<id>`
    let from = if value.get(end..)?.starts_with(b"expires:") { end + 8 } else { end };
    let to = run(value, from, is_base64url);
    let free = value.get(to).is_none_or(|byte| !b".:/+=@".contains(byte));
    (free && is_random(value.get(from..to)?)).then_some(from..to)
}

/// `AKIA` or `ASIA` and 16 letters and digits of base32.
pub(super) fn aws_id(value: &[u8], start: usize) -> Option<Range<usize>> {
    begins_word(value, start).then_some(())?;
    let to = run(value, start, |byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte));
    let free = value.get(to).is_none_or(|byte| !is_base64url(byte) && !b"+/".contains(byte));
    let before = start.checked_sub(1).and_then(|at| value.get(at));
    let free = free && before.is_none_or(|byte| !b"+/".contains(byte));
    // The documentation of AWS ends its examples so.
    let example = value.get(start..to)?.ends_with(b"EXAMPLE");
    (to - start == 20 && free && !example).then_some(start..to)
}

/// `aws_secret_access_key = ..`
pub(super) fn aws_secret(value: &[u8], end: usize) -> Option<Range<usize>> {
    let at = run(value, end, |byte| b"\"'\\ ".contains(byte));
    matches!(value.get(at), Some(b'=' | b':')).then_some(())?;
    let from = run(value, at + 1, |byte| b"\"'\\ ".contains(byte));
    let to = run(value, from, is_base64);
    let secret = value.get(from..to)?;
    (secret.len() == 40 && is_random(secret) && !secret.ends_with(b"EXAMPLEKEY")).then_some(from..to)
}

/// `"type": "service_account"`, with a key in the same value.
pub(super) fn service_account(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let quoted = value.get(..start)?.ends_with(b"\"") && matches!(value.get(end), Some(b'"' | b'\\'));
    let key =
        ["private_key", "client_email"].iter().all(|name| memmem::find(value, name.as_bytes()).is_some());
    (quoted && key).then_some(start..end)
}

/// `AccountKey=` and a key of so many letters of base64, padding included.
pub(super) fn azure_key(value: &[u8], end: usize, length: usize) -> Option<Range<usize>> {
    let to = run(value, run(value, end, is_base64), |byte| *byte == b'=');
    let key = value.get(end..to)?;
    (key.len() == length && key.ends_with(b"=") && is_random(key)).then_some(end..to)
}

/// `ghp_` and 36 or more letters and digits.
pub(super) fn github(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    begins_word(value, start).then_some(())?;
    let to = run(value, end, u8::is_ascii_alphanumeric);
    let token = value.get(end..to)?;
    let free = !matches!(value.get(to), Some(b'_' | b'-'));
    ((36..=255).contains(&token.len()) && free && is_random(token)).then_some(start..to)
}

/// `github_pat_`, 22 letters and digits, `_`, and 59 more.
pub(super) fn github_fine(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    begins_word(value, start).then_some(())?;
    let first = run(value, end, u8::is_ascii_alphanumeric);
    (value.get(first) == Some(&b'_')).then_some(())?;
    let to = run(value, first + 1, u8::is_ascii_alphanumeric);
    (first - end == 22 && to - first - 1 == 59).then_some(start..to)
}

/// `xoxb-` and numbers and a secret; `xapp-1-..`.
pub(super) fn slack(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    begins_word(value, start).then_some(())?;
    let to = run(value, end, |byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let token = value.get(end..to)?;
    let last = token.rsplit(|byte| *byte == b'-').next()?;
    let fits = token.first().is_some_and(u8::is_ascii_digit) && token.contains(&b'-') && is_random(last);
    fits.then_some(start..to)
}

/// `sk_live_`, `rk_test_`, `whsec_` and a key. The first two stand from their second letter on.
pub(super) fn stripe(value: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let start = match value.get(start) {
        Some(b'k') => start.checked_sub(1).filter(|at| matches!(value.get(*at), Some(b's' | b'r')))?,
        _ => start,
    };
    begins_word(value, start).then_some(())?;
    let to = run(value, end, |byte| byte.is_ascii_alphanumeric());
    let free = !matches!(value.get(to), Some(b'_' | b'-'));
    (free && is_random(value.get(end..to)?)).then_some(start..to)
}
