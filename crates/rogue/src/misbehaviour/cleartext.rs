//! No TLS where TLS was asked for.

use super::Entry;
use super::Recipe::Greet;
use crate::greeting::Greeting;
use wirelab_model::Importance::Critical;
use wirelab_pki::Expectation::MustRefuse;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "clear-error",
        title: "error of Redis for a ClientHello",
        flaw: "it answers the ClientHello with an error of Redis, and takes who then comes in clear",
        reference: "RFC 9325 section 3.2",
        cwe: "CWE-636",
        importance: Critical,
        expectation: MustRefuse,
        fix: "never fall back to plaintext: where TLS was asked for and is not there, fail",
        recipe: Greet(Greeting::Bytes(b"-ERR unknown command\r\n")),
    },
    Entry {
        id: "clear-alert",
        title: "alert for a ClientHello",
        flaw: "it answers the ClientHello with the alert handshake_failure, and takes who then comes in clear",
        reference: "RFC 9325 section 3.2",
        cwe: "CWE-636",
        importance: Critical,
        expectation: MustRefuse,
        fix: "never fall back to plaintext: where TLS was asked for and is not there, fail",
        recipe: Greet(Greeting::Bytes(b"\x15\x03\x03\x00\x02\x02\x28")),
    },
    Entry {
        id: "clear-reset",
        title: "reset for a ClientHello",
        flaw: "it answers the ClientHello with a reset, and takes who then comes in clear",
        reference: "RFC 9325 section 3.2",
        cwe: "CWE-636",
        importance: Critical,
        expectation: MustRefuse,
        fix: "never fall back to plaintext: where TLS was asked for and is not there, fail",
        recipe: Greet(Greeting::Reset),
    },
];
