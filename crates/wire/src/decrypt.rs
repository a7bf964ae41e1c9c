//! Decryption of TLS 1.3 and of the AEAD suites of TLS 1.2, where the secrets of the session are known.
//!
//! A flow makes one [`Session`] and pushes every TLS byte of both directions into it, from the first
//! hello on, in the order of the wire; it gets the plaintext back, to be read by a RESP reader:
//!
//! ```
//! # use wirelab_wire::decrypt::{KeyLog, Plain, Session};
//! # use wirelab_model::Direction;
//! # let (file, segment, mut read) = (b"", b"", |_: &[u8]| {});
//! let mut keys = KeyLog::default();
//! keys.add(file); // a key log file, or the data of a decryption secrets block (type TLSK)
//! let mut session = Session::default();
//! session.push(Direction::Client, segment, &keys, &mut |plain| {
//!     if let Plain::Data(bytes) = plain { read(bytes) }
//! });
//! session.gap(Direction::Server, 1460); // bytes that were never seen
//! let unread = session.lost(Direction::Server);
//! ```
//!
//! Nothing is guessed: a record is given only where its tag is right.

mod direction;
mod keylog;
mod keys;
mod records;

use crate::tls::{ServerHello, TLS_1_3, TlsEvent, TlsReader};
use direction::Decryptor;
pub use keylog::{KeyLog, Secrets};
use keys::Suite;
use wirelab_model::Direction;

/// What was in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain<'a> {
    /// Application data.
    Data(&'a [u8]),
    /// Bytes of handshake messages.
    Handshake(&'a [u8]),
    /// An alert.
    Alert {
        /// Code of RFC 8446 section 6.
        code: u8,
        /// Level 2.
        fatal: bool,
    },
    /// A record that was not opened, or was not seen whole.
    Lost,
}

/// How far the hellos are.
#[derive(Debug, Default)]
enum Hellos {
    #[default]
    None,
    /// The random of the client.
    Client([u8; 32]),
    /// What keys are made of; the number of sessions in the log when it was asked last.
    Both { client_random: [u8; 32], server: Box<ServerHello>, asked: usize },
    /// The keys are made, or never will be.
    Done,
}

/// One connection.
#[derive(Debug, Default)]
pub struct Session {
    hellos: Hellos,
    client: Side,
    server: Side,
}

#[derive(Debug, Default)]
struct Side {
    records: records::Records,
    reader: TlsReader,
    decryptor: Decryptor,
}

impl Session {
    /// Reads on. A log that got the secrets only now is used from here on.
    pub fn push(&mut self, from: Direction, bytes: &[u8], keys: &KeyLog, out: &mut impl FnMut(Plain<'_>)) {
        self.make_keys(keys);
        let Self { hellos, client, server } = self;
        let (own, other) = match from {
            Direction::Client => (client, server),
            Direction::Server => (server, client),
        };
        let Side { records, reader, decryptor } = own;
        records.push(bytes, &mut |record| {
            let Some(record) = record else {
                decryptor.broken();
                return out(Plain::Lost);
            };
            if matches!(hellos, Hellos::None | Hellos::Client(_)) {
                drop(reader.push(record, false, &mut |event| hellos.note(event)));
                let (client, server) = match from {
                    Direction::Client => (&mut *decryptor, &mut other.decryptor),
                    Direction::Server => (&mut other.decryptor, &mut *decryptor),
                };
                hellos.make_keys(keys, client, server);
                // The hello itself is no record to decrypt.
                if !matches!(hellos, Hellos::None | Hellos::Client(_)) {
                    return;
                }
                // Early data may follow the first hello.
            }
            decryptor.record(record, out);
        });
    }

    /// Bytes were never seen.
    pub fn gap(&mut self, from: Direction, lost: u64) {
        let side = match from {
            Direction::Client => &mut self.client,
            Direction::Server => &mut self.server,
        };
        if !side.records.gap(lost) {
            side.decryptor.gap();
        }
    }

    /// Encrypted records that could not be opened, as far as they were seen.
    pub fn lost(&self, from: Direction) -> u64 {
        self.side(from).decryptor.lost
    }

    /// Records that were opened.
    pub fn opened(&self, from: Direction) -> u64 {
        self.side(from).decryptor.opened
    }

    fn side(&self, from: Direction) -> &Side {
        match from {
            Direction::Client => &self.client,
            Direction::Server => &self.server,
        }
    }

    fn make_keys(&mut self, keys: &KeyLog) {
        let Self { hellos, client, server } = self;
        hellos.make_keys(keys, &mut client.decryptor, &mut server.decryptor);
    }
}

impl Hellos {
    fn note(&mut self, event: TlsEvent) {
        match (event, &*self) {
            (TlsEvent::ClientHello(hello), Self::None | Self::Client(_)) => {
                *self = Self::Client(hello.random);
            }
            (TlsEvent::ServerHello(server), Self::Client(client_random)) => {
                *self = Self::Both { client_random: *client_random, server, asked: 0 };
            }
            _ => {}
        }
    }

    /// Makes the keys of both directions, once hellos and secrets are there.
    fn make_keys(&mut self, keys: &KeyLog, client: &mut Decryptor, server: &mut Decryptor) {
        if let Self::Client(random) = self
            && let Some(secret) = keys.get(random).and_then(|secrets| secrets.client_early.as_ref())
        {
            client.begin_early(secret);
        }
        let Self::Both { client_random, server: hello, asked } = self else { return };
        if *asked == keys.len() {
            return;
        }
        *asked = keys.len();
        let Some(secrets) = keys.get(client_random) else { return };
        if let Some(suite) = Suite::new(&hello.cipher) {
            if hello.version == TLS_1_3 {
                client.begin_new(suite, secrets.client_handshake.as_deref(), secrets.client.as_deref());
                server.begin_new(suite, secrets.server_handshake.as_deref(), secrets.server.as_deref());
            } else if let Some(master) = &secrets.master
                && let Some([client_keys, server_keys]) = suite.old_keys(master, client_random, &hello.random)
            {
                client.begin_old(client_keys);
                server.begin_old(server_keys);
            }
        }
        *self = Self::Done;
    }
}

#[cfg(test)]
#[path = "decrypt_tests.rs"]
mod tests;
