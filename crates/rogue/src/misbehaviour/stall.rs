//! Peers that say nothing, or too slowly.

use super::Entry;
use super::Recipe::Stall;
use crate::stall::Pace;
use wirelab_model::Importance::Medium;
use wirelab_pki::Expectation::MustRefuse;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "stall-silent",
        title: "server that says nothing",
        flaw: "it takes the ClientHello and says nothing",
        reference: "RFC 9325 section 7",
        cwe: "CWE-1088",
        importance: Medium,
        expectation: MustRefuse,
        fix: "set a timeout for the whole of connecting, handshake and AUTH included, and not only for each read",
        recipe: Stall(Pace::Silent),
    },
    Entry {
        id: "stall-drip",
        title: "server that sends a byte a second",
        flaw: "it sends a good answer, one byte each second",
        reference: "RFC 9325 section 7",
        cwe: "CWE-1088",
        importance: Medium,
        expectation: MustRefuse,
        fix: "set a timeout for the whole of connecting, handshake and AUTH included, and not only for each read",
        recipe: Stall(Pace::Drip),
    },
    Entry {
        id: "stall-unfinished",
        title: "server that never finishes",
        flaw: "it sends a good answer up to the last bytes of Finished",
        reference: "RFC 9325 section 7",
        cwe: "CWE-1088",
        importance: Medium,
        expectation: MustRefuse,
        fix: "set a timeout for the whole of connecting, handshake and AUTH included, and not only for each read",
        recipe: Stall(Pace::Unfinished),
    },
];
