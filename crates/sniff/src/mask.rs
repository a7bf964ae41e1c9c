//! What stands in the place of a secret.

use wirelab_wire::secrets::{Carried, Words, read_parameter};

/// In place of a secret of any length.
pub(crate) const MASK: &str = "********";

/// A word of a command as it may be shown: what stays of it, and whether a mask follows.
pub(crate) fn word<'a>(
    words: &Words<'a>,
    index: usize,
    secrets: &[Carried],
    reveal: bool,
) -> (&'a [u8], bool) {
    let bytes = words.get(index);
    match secrets.iter().find(|carried| carried.word == index) {
        Some(carried) if !reveal => (bytes.get(..carried.skip).unwrap_or_default(), true),
        _ => (bytes, false),
    }
}

/// Whether the value after this name in a reply to CONFIG GET is a secret.
pub(crate) fn names_secret(name: &[u8]) -> bool {
    read_parameter(name).is_some()
}
