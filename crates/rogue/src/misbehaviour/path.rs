//! What somebody on the path does to protected records, without any key.

use super::Entry;
use super::Recipe::Path;
use crate::path::Prank;
use wirelab_model::Importance::High;
use wirelab_pki::Expectation::MustRefuse;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "record-replayed",
        title: "record that is sent twice",
        flaw: "it sends a protected reply of the server a second time",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-294",
        importance: High,
        expectation: MustRefuse,
        fix: "break off at the first record that cannot be opened in its turn",
        recipe: Path(Prank::Replay),
    },
    Entry {
        id: "record-dropped",
        title: "record that never arrives",
        flaw: "it drops the first protected record that the server sends after the handshake",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-354",
        importance: High,
        expectation: MustRefuse,
        fix: "break off at the first record that cannot be opened in its turn",
        recipe: Path(Prank::Drop),
    },
    Entry {
        id: "records-swapped",
        title: "records in the wrong order",
        flaw: "it swaps the first two protected records that the server sends after the handshake",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-354",
        importance: High,
        expectation: MustRefuse,
        fix: "break off at the first record that cannot be opened in its turn",
        recipe: Path(Prank::Swap),
    },
    Entry {
        id: "record-put-in",
        title: "record that the server never sent",
        flaw: "it puts three replies of Redis into a record of its own in front of the first reply",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-354",
        importance: High,
        expectation: MustRefuse,
        fix: "break off at the first record that cannot be opened in its turn",
        recipe: Path(Prank::PutIn(b"\x17\x03\x03\x00\x16+OK\r\n+OK\r\n$6\r\nforged\r\n")),
    },
    Entry {
        id: "alert-put-in",
        title: "end that the server never announced",
        flaw: "it puts a close_notify in clear in front of the first reply",
        reference: "RFC 8446 section 6.1",
        cwe: "CWE-354",
        importance: High,
        expectation: MustRefuse,
        fix: "break off at the first record that cannot be opened in its turn",
        recipe: Path(Prank::PutIn(b"\x15\x03\x03\x00\x02\x01\x00")),
    },
    Entry {
        id: "reply-cut-off",
        title: "end without an announcement",
        flaw: "it ends the connection in order before the first reply, without close_notify",
        reference: "RFC 8446 section 6.1",
        cwe: "CWE-354",
        importance: High,
        expectation: MustRefuse,
        fix: "take an end without close_notify for an error, and no reply for whole that is not",
        recipe: Path(Prank::CutOff),
    },
];
