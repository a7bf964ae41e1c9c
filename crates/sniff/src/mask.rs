//! What stands in the place of a secret.

use std::borrow::Cow;
use wirelab_wire::credential::{Found, config_reply};
use wirelab_wire::words::Words;

/// In place of a secret of any length.
pub(crate) const MASK: &str = "********";

/// A word of a command as it may be shown, and whether something in it is a secret.
pub(crate) fn word<'a>(
    words: &Words<'a>,
    index: usize,
    secrets: &[Found<'_>],
    reveal: bool,
) -> (Cow<'a, [u8]>, bool) {
    let bytes = words.get(index);
    let mut places: Vec<_> = secrets
        .iter()
        .filter_map(|found| found.secret.as_ref())
        .filter(|place| place.word == index)
        .collect();
    if places.is_empty() {
        return (Cow::Borrowed(bytes), false);
    }
    if reveal {
        return (Cow::Borrowed(bytes), true);
    }
    places.sort_by_key(|place| place.range.start);
    let mut shown = Vec::new();
    let mut at = 0;
    for place in places {
        shown.extend_from_slice(bytes.get(at..place.range.start).unwrap_or_default());
        shown.extend_from_slice(MASK.as_bytes());
        at = at.max(place.range.end);
    }
    shown.extend_from_slice(bytes.get(at..).unwrap_or_default());
    (Cow::Owned(shown), true)
}

/// Whether the value after this name in a reply to CONFIG GET is a secret.
pub(crate) fn names_secret(name: &[u8]) -> bool {
    let mut secret = false;
    config_reply(&[name, b"x"], &mut |found| secret |= found.secret.is_some());
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_wire::credential::Place;

    #[test]
    fn only_the_secret_part_of_a_word_is_masked() {
        let bytes = b"call('AUTH','pw') call('AUTH','pw2')";
        let places = vec![0..bytes.len(); 1];
        let words = Words::new(bytes, &places);
        let found = |range| Found {
            carrier: "EVAL AUTH",
            user: None,
            secret: Some(Place { word: 0, range }),
            hashed: false,
        };
        let secrets = [found(31..34), found(13..15)];
        let (shown, secret) = word(&words, 0, &secrets, false);
        assert!(secret);
        assert_eq!(String::from_utf8_lossy(&shown), format!("call('AUTH','{MASK}') call('AUTH','{MASK}')"));
        assert_eq!(&*word(&words, 0, &secrets, true).0, bytes);
        assert!(names_secret(b"RequirePass") && !names_secret(b"maxmemory"));
    }
}
