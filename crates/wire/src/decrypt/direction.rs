//! One direction: which keys are in force, and what they open.

use super::Plain;
use super::keys::{Keys, Suite};
use crate::tls::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};

/// How many lost records are tried after a hole.
const MAX_SKIPS: u64 = 256;
/// How many records in a row may stay closed before a direction is given up, once data was read.
const MAX_CLOSED: u32 = 8;
/// The same before: a client may send early data whose secret is not known.
const MAX_CLOSED_EARLY: u32 = 512;

// Types of handshake messages.
const END_OF_EARLY_DATA: u8 = 5;
const FINISHED: u8 = 20;
const KEY_UPDATE: u8 = 24;

/// What opens records.
#[derive(Debug, Default)]
enum State {
    /// There are no keys yet.
    #[default]
    Clear,
    /// TLS 1.3, until the Finished of this side.
    Handshake { keys: Option<Keys>, data: Option<(Keys, Vec<u8>)> },
    /// TLS 1.3, with the secret that the keys are of.
    Data { keys: Keys, secret: Vec<u8> },
    /// Before TLS 1.3.
    Old { keys: Keys, changed: bool },
    /// Nothing can be opened any more.
    Stopped,
}

#[derive(Debug, Default)]
pub(super) struct Decryptor {
    state: State,
    /// Keys of early data, one of each suite that it could be (RFC 8446 section 4.2.10).
    early: Vec<Keys>,
    early_begun: bool,
    messages: Messages,
    plain: Vec<u8>,
    /// Records in a row that stayed closed.
    closed: u32,
    /// Records may be missing: the number of the next one is not known.
    unsure: bool,
    pub(super) lost: u64,
    pub(super) opened: u64,
}

impl Decryptor {
    /// Keys of early data. The suite is known only when the server answers.
    pub(super) fn begin_early(&mut self, secret: &[u8]) {
        if !std::mem::replace(&mut self.early_begun, true) {
            self.early = Suite::all_of(secret).filter_map(|suite| suite.keys(secret)).collect();
        }
    }

    /// Keys of TLS 1.3, from the secrets of the handshake and of the data.
    pub(super) fn begin_new(&mut self, suite: Suite, handshake: Option<&[u8]>, data: Option<&[u8]>) {
        let keys = handshake.and_then(|secret| suite.keys(secret));
        let data = data.and_then(|secret| Some((suite.keys(secret)?, secret.to_vec())));
        self.unsure |= self.lost > 0;
        self.state =
            if keys.is_some() || data.is_some() { State::Handshake { keys, data } } else { State::Stopped };
    }

    /// Keys of a version before TLS 1.3.
    pub(super) fn begin_old(&mut self, keys: Keys) {
        let changed = self.lost > 0;
        self.unsure |= changed;
        self.state = State::Old { keys, changed };
    }

    /// Bytes are missing: how many records is not known.
    pub(super) fn gap(&mut self) {
        self.unsure = true;
        self.messages = Messages::default();
    }

    /// One record is missing or has a hole.
    pub(super) fn broken(&mut self) {
        match &mut self.state {
            State::Handshake { keys: Some(keys), .. } | State::Data { keys, .. } => keys.sequence += 1,
            State::Old { keys, changed: true } => keys.sequence += 1,
            State::Clear | State::Handshake { .. } | State::Old { .. } | State::Stopped => {}
        }
        self.lost += 1;
        self.gap();
    }

    /// Takes a record with its header.
    pub(super) fn record(&mut self, record: &[u8], out: &mut impl FnMut(Plain<'_>)) {
        let Some(kind) = record.first().copied() else { return };
        let skips = if self.unsure { MAX_SKIPS } else { 0 };
        if kind == APPLICATION_DATA && !self.early.is_empty() && self.early_record(record, out) {
            return;
        }
        let plain = &mut self.plain;
        let (opened, most) = match &mut self.state {
            State::Clear | State::Stopped => {
                self.lost += u64::from(kind == APPLICATION_DATA);
                return;
            }
            State::Old { keys, changed } => {
                if kind == CHANGE_CIPHER_SPEC {
                    // The second time it is a renegotiation, whose secrets are others.
                    if std::mem::replace(changed, true) {
                        self.state = State::Stopped;
                    }
                    return;
                }
                let skips = match (*changed, kind) {
                    (true, _) => skips,
                    // Data without that record: it fell into a hole, or the keys came late.
                    (false, APPLICATION_DATA) => MAX_SKIPS,
                    (false, _) => return,
                };
                *changed = true;
                (keys.open_old(record, skips, plain), MAX_CLOSED)
            }
            // All else is in clear, and for show.
            _ if kind != APPLICATION_DATA => return,
            State::Handshake { keys, data } => {
                let opened = keys.as_mut().and_then(|keys| keys.open_new(record, skips, plain));
                if opened.is_some() {
                    (opened, MAX_CLOSED_EARLY)
                } else {
                    let later = data.as_mut().and_then(|(keys, _)| keys.open_new(record, skips, plain));
                    if later.is_some() {
                        self.finished();
                    }
                    (later, MAX_CLOSED_EARLY)
                }
            }
            State::Data { keys, secret } => {
                let mut opened = keys.open_new(record, skips, plain);
                // The KeyUpdate itself may be what is missing.
                if opened.is_none()
                    && self.unsure
                    && let Some(next) = keys.suite.next_secret(secret)
                    && let Some(mut next_keys) = keys.suite.keys(&next)
                {
                    opened = next_keys.open_new(record, skips, plain);
                    if opened.is_some() {
                        (*keys, *secret) = (next_keys, next);
                    }
                }
                (opened, MAX_CLOSED)
            }
        };
        let Some(kind) = opened else {
            self.lost += 1;
            // Before the first data it may have been one of the handshake, whose secret is not known.
            if most == MAX_CLOSED {
                out(Plain::Lost);
            }
            self.closed += 1;
            // What does not open is damaged or not the next one.
            self.unsure |= most == MAX_CLOSED;
            if self.closed >= most {
                self.state = State::Stopped;
            }
            return;
        };
        (self.closed, self.unsure) = (0, false);
        self.early.clear();
        self.opened += 1;
        self.give(kind, out);
    }

    /// Whether it is a record of early data.
    fn early_record(&mut self, record: &[u8], out: &mut impl FnMut(Plain<'_>)) -> bool {
        let plain = &mut self.plain;
        let mut kind = None;
        let opens = |keys: &mut Keys| {
            kind = keys.open_new(record, 0, plain);
            kind.is_some()
        };
        let Some(index) = self.early.iter_mut().position(opens) else { return false };
        self.early.swap(0, index);
        self.early.truncate(1);
        self.opened += 1;
        if let Some(kind) = kind {
            self.give(kind, out);
        }
        true
    }

    fn give(&mut self, kind: u8, out: &mut impl FnMut(Plain<'_>)) {
        match (kind, self.plain.as_slice()) {
            (APPLICATION_DATA, data) => out(Plain::Data(data)),
            (ALERT, [level, code]) => out(Plain::Alert { code: *code, fatal: *level == 2 }),
            (HANDSHAKE, bytes) => {
                out(Plain::Handshake(bytes));
                let mut last = None;
                self.messages.push(bytes, &mut |kind| last = Some(kind));
                // Both of these end their record (RFC 8446 section 5.1).
                match (last, &self.state) {
                    (Some(END_OF_EARLY_DATA), _) => self.early.clear(),
                    (Some(FINISHED), State::Handshake { .. }) => self.finished(),
                    (Some(KEY_UPDATE), State::Data { .. }) => self.updated(),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn finished(&mut self) {
        if let State::Handshake { data, .. } = &mut self.state {
            self.state = match data.take() {
                Some((keys, secret)) => State::Data { keys, secret },
                None => State::Stopped,
            };
            self.messages = Messages::default();
        }
    }

    fn updated(&mut self) {
        let State::Data { keys, secret } = &mut self.state else { return };
        let next = keys.suite.next_secret(secret).and_then(|next| Some((keys.suite.keys(&next)?, next)));
        if let Some((next_keys, next)) = next {
            (*keys, *secret) = (next_keys, next);
        }
    }
}

/// Tells handshake messages apart, over records.
#[derive(Debug, Default)]
struct Messages {
    head: Vec<u8>,
    left: usize,
}

impl Messages {
    /// Gives the type of each message that ends here.
    fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(u8)) {
        while !bytes.is_empty() {
            if self.head.len() < 4 {
                let (part, later) = bytes.split_at(bytes.len().min(4 - self.head.len()));
                self.head.extend_from_slice(part);
                bytes = later;
                let [_, a, b, c] = self.head.as_slice() else { return };
                self.left = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap_or(usize::MAX);
            }
            let (_, later) = bytes.split_at(bytes.len().min(self.left));
            self.left -= bytes.len() - later.len();
            bytes = later;
            if self.left == 0 {
                if let Some(kind) = self.head.first() {
                    out(*kind);
                }
                self.head.clear();
            }
        }
    }
}
