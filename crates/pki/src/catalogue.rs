//! The catalogue of forged certificates, by what is wrong with them.

mod anchor;
mod constraint;
mod encoding;
mod key;
pub(crate) mod name;
mod revocation;
mod time;
mod trust;
mod usage;

use std::sync::LazyLock;

use crate::Entry;

static ENTRIES: LazyLock<Vec<&'static Entry>> = LazyLock::new(|| {
    let parts = [
        trust::ENTRIES,
        anchor::ENTRIES,
        constraint::ENTRIES,
        name::ENTRIES,
        time::ENTRIES,
        usage::ENTRIES,
        encoding::ENTRIES,
        key::ENTRIES,
        revocation::ENTRIES,
    ];
    parts.into_iter().flatten().collect()
});

/// Every forged certificate the lab knows.
#[must_use]
pub fn all() -> &'static [&'static Entry] {
    &ENTRIES
}

/// The entry of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.id == id).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_found() {
        let ids: HashSet<_> = all().iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), all().len());
        for id in ids {
            assert_eq!(find(id).unwrap().id, id);
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{id}");
        }
        assert!(find("good").is_none(), "the good certificate is no attack");
    }

    #[test]
    fn every_entry_says_what_it_is() {
        for entry in all() {
            for text in [entry.title, entry.flaw, entry.reference, entry.fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", entry.id);
            }
            assert!(entry.cwe.starts_with("CWE-"), "{}", entry.id);
            assert!(["localhost", "127.0.0.1"].contains(&entry.host), "{}", entry.id);
        }
    }
}
