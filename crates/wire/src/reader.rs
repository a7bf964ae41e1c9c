//! One direction of a connection, read as RESP or as TLS, whichever it is at the moment.

use crate::resp::{Decoder, Value};
use crate::tls::{TlsEvent, TlsReader, begins_record};
use wirelab_model::Direction;

/// How often a direction may change between RESP and TLS before it is given up.
const MAX_CHANGES: u8 = 8;

/// Something that a side said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command with its arguments, from the client.
    Command(Vec<Vec<u8>>),
    /// A value from the server: a reply, a push or an attribute.
    Reply(Value),
    /// Something of TLS.
    Tls(TlsEvent),
}

#[derive(Debug)]
enum Mode {
    Resp(Decoder),
    Tls(TlsReader),
    /// Neither, or a hole: where the next value begins is not known.
    Lost,
}

/// Reads what one side says.
#[derive(Debug)]
pub struct Reader {
    from: Direction,
    mode: Mode,
    /// Inline commands are believed. Else any text would be one, that in the middle of a value too.
    inline: bool,
    changes: u8,
}

impl Reader {
    /// For what `from` says. `whole` says that the stream is seen from its first byte on; where it
    /// is not, a client must begin with `*` or with a TLS record to be read.
    pub fn new(from: Direction, whole: bool) -> Self {
        Self { from, mode: Mode::Resp(decoder(from)), inline: whole, changes: 0 }
    }

    /// Reads on. `old_tls` as in [`TlsReader::push`].
    pub fn push(&mut self, bytes: &[u8], old_tls: bool, out: &mut impl FnMut(Event)) {
        let mut carried = match &mut self.mode {
            Mode::Resp(decoder) => {
                decoder.push(bytes);
                self.resp(out)
            }
            Mode::Tls(reader) => reader.push(bytes, old_tls, &mut |event| out(Event::Tls(event))),
            Mode::Lost => return,
        };
        // What one protocol does not understand may be the other.
        while let Some(bytes) = carried {
            self.changes += 1;
            let next = if self.changes > MAX_CHANGES { &Mode::Lost } else { &self.mode };
            carried = match next {
                Mode::Resp(_) => {
                    let mut reader = TlsReader::default();
                    let foreign = reader.push(&bytes, old_tls, &mut |event| out(Event::Tls(event)));
                    self.mode = Mode::Tls(reader);
                    foreign
                }
                Mode::Tls(_) => {
                    let mut decoder = decoder(self.from);
                    decoder.push(&bytes);
                    self.mode = Mode::Resp(decoder);
                    self.inline = false;
                    self.resp(out)
                }
                Mode::Lost => {
                    self.mode = Mode::Lost;
                    None
                }
            };
        }
    }

    /// Bytes are missing here: nothing can be read after it.
    pub fn gap(&mut self) {
        self.mode = Mode::Lost;
    }

    /// Decodes values; gives the bytes from where a TLS record begins.
    fn resp(&mut self, out: &mut impl FnMut(Event)) -> Option<Vec<u8>> {
        let Mode::Resp(decoder) = &mut self.mode else { return None };
        loop {
            if let Some(next) = decoder.between_values() {
                match (begins_record(next), next.first()) {
                    (Some(true), _) => return Some(next.to_vec()),
                    (_, None) => return None,
                    (None, Some(_)) => return None,
                    (Some(false), Some(b'*')) => {}
                    (Some(false), Some(_)) if self.from == Direction::Server || self.inline => {}
                    (Some(false), Some(_)) => break,
                }
            }
            let decoded = match self.from {
                Direction::Client => decoder.next_command().map(|command| command.map(Event::Command)),
                Direction::Server => decoder.next_value().map(|value| value.map(Event::Reply)),
            };
            match decoded {
                Ok(Some(event)) => out(event),
                Ok(None) => return None,
                Err(_) => break,
            }
        }
        self.mode = Mode::Lost;
        None
    }
}

fn decoder(from: Direction) -> Decoder {
    match from {
        Direction::Client => Decoder::commands(),
        Direction::Server => Decoder::replies(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{client_hello, record};
    use proptest::prelude::*;

    /// One word an event.
    fn read(from: Direction, whole: bool, bytes: &[u8], step: usize) -> String {
        let mut words = Vec::new();
        let mut reader = Reader::new(from, whole);
        for piece in bytes.chunks(step) {
            reader.push(piece, false, &mut |event| {
                words.push(match event {
                    Event::Command(command) => String::from_utf8_lossy(&command[0]).into_owned(),
                    Event::Reply(value) => if value.is_error() { "error" } else { "reply" }.to_owned(),
                    Event::Tls(TlsEvent::ClientHello(_)) => "hello".to_owned(),
                    Event::Tls(TlsEvent::Record(kind)) => kind.to_string(),
                    Event::Tls(_) => "tls".to_owned(),
                });
            });
        }
        words.join(" ")
    }

    #[test]
    fn changes_between_resp_and_tls_in_every_segmentation() {
        let hello = record(22, &client_hello(None));
        let client = [b"PING\r\n*1\r\n$4\r\nQUIT\r\n", hello.as_slice(), b"*1\r\n$4\r\nPING\r\n"].concat();
        let server = [b"+PONG\r\n", record(21, &[2, 70]).as_slice(), b"-ERR no\r\n"].concat();
        for step in 1..50 {
            assert_eq!(
                read(Direction::Client, true, &client, step),
                "PING QUIT hello 22 PING",
                "step {step}"
            );
            assert_eq!(read(Direction::Server, true, &server, step), "reply 21 tls error", "step {step}");
        }
    }

    #[test]
    fn text_is_a_command_only_from_the_first_byte_on() {
        assert_eq!(read(Direction::Client, true, b"PING\r\nGET k\r\n", 3), "PING GET");
        assert_eq!(read(Direction::Client, false, b"secret\r\n*1\r\n$4\r\nPING\r\n", 3), "");
        assert_eq!(read(Direction::Client, false, b"*1\r\n$4\r\nPING\r\n", 3), "PING");
        let after_tls = [record(23, b"x").as_slice(), b"\xff\xfe\n"].concat();
        assert_eq!(read(Direction::Client, true, &after_tls, 3), "23");
    }

    #[test]
    fn nothing_is_read_after_a_hole() {
        let mut reader = Reader::new(Direction::Client, true);
        reader.gap();
        reader.push(b"*1\r\n$4\r\nPING\r\n", false, &mut |event| panic!("{event:?}"));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            parts in proptest::collection::vec((any::<Vec<u8>>(), 0_u8..4), 0..30), step in 1_usize..60, whole: bool,
        ) {
            let bytes: Vec<u8> = parts.into_iter().flat_map(|(bytes, kind)| match kind {
                0 => bytes,
                1 => record(23, &bytes),
                2 => b"PING\r\n".to_vec(),
                _ => b"+OK\r\n".to_vec(),
            }).collect();
            read(Direction::Client, whole, &bytes, step);
            read(Direction::Server, whole, &bytes, step);
        }
    }
}
