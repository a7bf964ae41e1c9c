//! Inline commands, split as Redis does (`sdssplitargs`): words in quotes may hold spaces, and in double
//! quotes `\n`, `\xff` and the like.

use std::ops::Range;

/// Commands that people and health checks type.
const TYPED: [&str; 24] = [
    "PING", "AUTH", "HELLO", "GET", "SET", "DEL", "EXISTS", "INCR", "INFO", "KEYS", "SCAN", "TTL", "TYPE",
    "SELECT", "DBSIZE", "CONFIG", "CLIENT", "COMMAND", "MONITOR", "ROLE", "ECHO", "QUIT", "HGETALL",
    "LRANGE",
];

/// Whether these bytes are whole lines of text that begin with a command, as written by hand.
pub(crate) fn is_command(bytes: &[u8]) -> bool {
    let name = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, after) = bytes.split_at(name);
    TYPED.iter().any(|typed| name.eq_ignore_ascii_case(typed.as_bytes()))
        && matches!(after.first(), Some(b' ' | b'\r' | b'\n'))
        && bytes.ends_with(b"\n")
        && bytes.iter().all(|byte| byte.is_ascii_graphic() || b" \t\r\n".contains(byte))
}

/// Splits a line into words. False where a quote is not closed, or text follows a closing quote.
pub(crate) fn split(line: &[u8], words: &mut Vec<u8>, places: &mut Vec<Range<usize>>) -> bool {
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let start = words.len();
        loop {
            match rest {
                [] => break,
                [b'"', ..] => match double(rest.get(1..).unwrap_or_default(), words) {
                    Some(after) => rest = after,
                    None => return false,
                },
                [b'\'', ..] => match single(rest.get(1..).unwrap_or_default(), words) {
                    Some(after) => rest = after,
                    None => return false,
                },
                [byte, after @ ..] => {
                    if byte.is_ascii_whitespace() {
                        break;
                    }
                    words.push(*byte);
                    rest = after;
                }
            }
        }
        places.push(start..words.len());
        rest = rest.trim_ascii_start();
    }
    true
}

/// After the closing quote must come a space or the end.
fn closed(after: &[u8]) -> Option<&[u8]> {
    after.first().is_none_or(u8::is_ascii_whitespace).then_some(after)
}

fn double<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'"', after @ ..] => return closed(after),
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                words.push(digit(*high)? << 4 | digit(*low)?);
                rest = after;
            }
            [b'\\', byte, after @ ..] => {
                words.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                words.push(*byte);
                rest = after;
            }
        }
    }
}

fn single<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'\'', after @ ..] => return closed(after),
            [b'\\', b'\'', after @ ..] => {
                words.push(b'\'');
                rest = after;
            }
            [byte, after @ ..] => {
                words.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Option<Vec<String>> {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        split(line.as_bytes(), &mut bytes, &mut places).then(|| {
            places.iter().map(|place| String::from_utf8_lossy(&bytes[place.clone()]).into_owned()).collect()
        })
    }

    #[test]
    fn quotes_and_escapes() {
        let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("  SET k  \"a b\\x41\\n\" "), some(&["SET", "k", "a bA\n"]));
        assert_eq!(words("AUTH 'it\\'s \"x\"'"), some(&["AUTH", "it's \"x\""]));
        assert_eq!(words("SET k \"\""), some(&["SET", "k", ""]));
        assert_eq!(words(""), some(&[]));
        assert_eq!(words("SET \"open"), None);
        assert_eq!(words("SET \"a\"b"), None);
    }

    proptest! {
        #[test]
        fn hostile_lines_never_panic(line: Vec<u8>) {
            split(&line, &mut Vec::new(), &mut Vec::new());
        }
    }
}
