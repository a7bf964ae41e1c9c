//! What is read inside of TLS behind a hole, on a side by itself: records as the decryption gives them.

use super::command;
use crate::sniff::side::{Around, Next, Said, Side};
use wirelab_model::Direction;

const AROUND: Around =
    Around { known_port: true, whole: true, client_talks: false, old_tls: false, full: false };

/// Commands in these records of a client; an empty one was never seen.
fn read(records: &[&[u8]]) -> Vec<String> {
    let mut side = Side::new(Direction::Client);
    let mut seen = Vec::new();
    for record in records {
        if record.is_empty() {
            side.lose_inside();
            continue;
        }
        side.read_inside(record, AROUND, &mut |said| {
            if let Said::Value { bytes, places, .. } = said {
                let words: Vec<_> =
                    places.iter().map(|place| bytes[place.clone()].escape_ascii().to_string()).collect();
                seen.push(words.join(" "));
            }
            Next::Same
        });
    }
    seen
}

#[test]
fn lines_are_commands_again_at_the_start_of_a_record() {
    let set = command(&["SET", "k", "value"]);
    assert_eq!(read(&[b"PING\r\n", b"", b"auth bob pw\r\nGET k\r\n"]), ["PING", "auth bob pw", "GET k"]);
    // Parts of two values are no value.
    assert_eq!(read(&[&set[..25], b"", &set[25..], b"AUTH pw\n"]), ["AUTH pw"]);
    assert_eq!(read(&[&set[..25], b"", &set]), ["SET k value"]);
    // The rest of a value that was begun in the lost record: no line of it is a command.
    for rest in [&b"a line of text\r\n"[..], b"AUTH\x01 pw\r\n", b"AUTHOR me\r\n", b"GET k", b"xAUTH pw\r\n"]
    {
        assert_eq!(read(&[b"", rest, &set]), ["SET k value"], "{}", rest.escape_ascii());
    }
}
