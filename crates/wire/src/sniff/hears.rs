//! What both sides of a connection say, put together: which reply answers which command, credentials and how they
//! were answered, what is inside of TLS.

use super::credentials::{Credentials, REWRITE, Told, kept, names_secret, read_secrets};
use super::flow::{At, Shared};
use super::side::{Around, Next, Said, Side};
use super::talk::{Answer, Kind, Talk};
use super::transaction::elements;
use super::{Command, Event, Reply};
use crate::credential::{Credential, Outcome};
use crate::decrypt::{Plain, Session};
use crate::tls::{TlsEvent, Watch};
use crate::words::Words;
use wirelab_model::Direction;

/// Most credentials of a connection that wait for the answer.
const MOST_UNANSWERED: usize = 64;

/// The inside of a TLS connection whose keys are known.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) session: Session,
    pub(super) from_client: Side,
    pub(super) from_server: Side,
    pub(super) commands: u64,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            session: Session::default(),
            from_client: Side::new(Direction::Client),
            from_server: Side::new(Direction::Server),
            commands: 0,
        }
    }
}

impl Inside {
    pub(super) fn side(&mut self, which: Direction) -> &mut Side {
        match which {
            Direction::Client => &mut self.from_client,
            Direction::Server => &mut self.from_server,
        }
    }
}

/// Takes what a side says, for the whole connection.
pub(super) struct Hears<'f, 's> {
    pub(super) flow: u64,
    pub(super) from: Direction,
    pub(super) at: At,
    pub(super) around: Around,
    pub(super) talk: &'f mut Talk,
    pub(super) tls: &'f mut Option<Box<Watch>>,
    pub(super) inside: &'f mut Option<Box<Inside>>,
    pub(super) tls_told: &'f mut u64,
    pub(super) credentials: &'f mut Credentials,
    pub(super) commands: &'f mut u64,
    pub(super) replies: &'f mut u64,
    pub(super) shared: &'f mut Shared<'s>,
    /// What is said now came out of TLS.
    pub(super) decrypted: bool,
    /// Messages of TLS are wanted as they are.
    pub(super) streams: bool,
}

impl Hears<'_, '_> {
    #[inline]
    pub(super) fn said(&mut self, said: Said<'_>, out: &mut impl FnMut(Event<'_>)) -> Next {
        match (said, self.from) {
            (Said::Tls(event), _) => {
                self.tls(event, out);
                Next::Same
            }
            (Said::Sealed(bytes), _) => {
                self.sealed(bytes, out);
                Next::Same
            }
            (Said::Value { bytes, places, flat: true, cut }, Direction::Client) if !places.is_empty() => {
                self.command(&Words::new(bytes, places), cut, out);
                Next::Same
            }
            // A client says commands and nothing else.
            (Said::Value { .. }, Direction::Client) => Next::Same,
            (Said::Value { bytes, places, flat: true, cut }, Direction::Server)
                if self.talk.replicates && !places.is_empty() =>
            {
                self.command(&Words::new(bytes, places), cut, out);
                Next::Same
            }
            (Said::Value { bytes, places, cut, .. }, Direction::Server) => {
                self.reply(bytes, &Words::new(bytes, places), cut, out)
            }
        }
    }

    /// Opens what is encrypted, where keys were given, and reads it like what is not.
    fn sealed(&mut self, bytes: &[u8], out: &mut impl FnMut(Event<'_>)) {
        if self.shared.keys.is_empty() || self.decrypted {
            return;
        }
        let mut inside = self.inside.take().unwrap_or_default();
        // The plaintext, where each record of it ends, and whether one that stayed closed came after it.
        let (mut opened, mut ends) = (Vec::new(), Vec::new());
        inside.session.push(self.from, bytes, self.shared.keys, &mut |plain| match plain {
            Plain::Data(bytes) => {
                opened.extend_from_slice(bytes);
                ends.push((opened.len(), false));
            }
            Plain::Lost => ends.push((opened.len(), true)),
            Plain::Handshake(_) | Plain::Alert { .. } => {}
        });
        // Who gives keys for a connection knows what it is.
        let around = Around { known_port: true, ..self.around };
        let before = *self.commands;
        self.decrypted = true;
        let mut at = 0;
        for (end, lost) in ends {
            let side = inside.side(self.from);
            if lost {
                side.lose_inside();
                self.talk.lose();
            } else {
                let record = opened.get(at..end).unwrap_or_default();
                side.read_inside(record, around, &mut |said| self.said(said, out));
            }
            at = end;
        }
        self.decrypted = false;
        // They are counted apart: nobody else can read them.
        inside.commands += *self.commands - before;
        *self.commands = before;
        *self.inside = Some(inside);
    }

    fn command(&mut self, words: &Words<'_>, cut: bool, out: &mut impl FnMut(Event<'_>)) {
        *self.commands += 1;
        *self.shared.commands += 1;
        let id = *self.shared.commands;
        if self.around.full {
            self.talk.let_go();
        }
        let client = self.from == Direction::Client;
        if client && self.credentials.waiting() > 0 {
            let replica = ["REPLCONF", "PSYNC", "SYNC"].iter().any(|name| words.is(0, name));
            self.credentials.follow(replica, &mut |one| out(Event::Credential(one)));
        }
        let (kind, early) =
            if client { self.talk.command(words, id, self.at.time) } else { (Kind::Plain, None) };
        let secrets = words.credentials();
        out(Event::Command(Command {
            id,
            flow: self.flow,
            frame: self.at.frame,
            time: self.at.time,
            from: self.from,
            words,
            secrets: &secrets,
            cut,
            decrypted: self.decrypted,
        }));
        for found in secrets {
            let secret =
                found.secret.as_ref().and_then(|place| words.get(place.word).get(place.range.clone()));
            let one = Credential {
                user: found.user.map(kept),
                secret: secret.map(kept),
                hashed: found.hashed,
                ..self.credential(found.carrier)
            };
            self.waits(id, one, out);
        }
        if client && !self.credentials.is_empty() && words.is(0, "CONFIG") && words.is(1, "REWRITE") {
            self.waits(id, self.credential(REWRITE), out);
        }
        if let Some(early) = early {
            if kind == Kind::ConfigGet {
                self.given_away(early.secrets, out);
            }
            if !early.queued {
                let result = if early.error { Outcome::Rejected } else { Outcome::Accepted };
                self.credentials.answer(id, result, &mut |one| out(Event::Credential(one)));
            }
        }
        if kind == Kind::Replication && words.is(0, "SYNC") {
            // The payload comes without a reply in front of it.
            self.talk.replicates = true;
        }
    }

    /// A credential that goes by now, without an answer.
    fn credential(&self, carrier: &'static str) -> Credential {
        Credential {
            flow: self.flow,
            frame: self.at.frame,
            carrier,
            user: None,
            secret: None,
            hashed: false,
            result: Outcome::Unknown,
            decrypted: self.decrypted,
        }
    }

    /// A credential of command `id`. A master expects no answer.
    fn waits(&mut self, id: u64, one: Credential, out: &mut impl FnMut(Event<'_>)) {
        let most = if self.around.full { 0 } else { MOST_UNANSWERED };
        if self.from == Direction::Client && self.credentials.waiting() < most {
            self.credentials.add(id, one);
        } else if one.carrier != REWRITE {
            out(Event::Credential(&one));
        }
    }

    /// Secrets that the server itself said.
    fn given_away(&self, told: Vec<Told>, out: &mut impl FnMut(Event<'_>)) {
        for Told { carrier, user, secret } in told {
            let (secret, result) = (Some(secret), Outcome::Accepted);
            out(Event::Credential(&Credential { user, secret, result, ..self.credential(carrier) }));
        }
    }

    fn reply(&mut self, bytes: &[u8], words: &Words<'_>, cut: bool, out: &mut impl FnMut(Event<'_>)) -> Next {
        let answer = self.talk.reply(bytes, words);
        let error = matches!(bytes.first(), Some(b'-' | b'!'));
        let waiting = match &answer {
            Answer::To(waiting) | Answer::Queued(waiting) | Answer::End(waiting, _) => Some(*waiting),
            Answer::Push | Answer::Early | Answer::Unknown => None,
        };
        let push = matches!(answer, Answer::Push);
        *self.replies += u64::from(!push && !self.decrypted);
        // What EXEC brings for each command that was queued.
        let parts = match &answer {
            Answer::End(exec, queued) if exec.kind() == Kind::Exec && !queued.is_empty() => {
                elements(bytes, queued.len()).map(|elements| (elements, queued))
            }
            _ => None,
        };
        let told = match (&answer, &parts) {
            (Answer::To(waiting), _) if waiting.kind() == Kind::ConfigGet => read_secrets(bytes),
            (Answer::Early, _) if names_secret(bytes) => read_secrets(bytes),
            (_, Some((elements, queued))) => elements
                .iter()
                .zip(*queued)
                .filter(|(_, one)| one.kind == Kind::ConfigGet)
                .flat_map(|(element, _)| read_secrets(element))
                .collect(),
            _ => Vec::new(),
        };
        // What cannot be told from a reply to CONFIG GET is masked like one.
        let doubtful = matches!(answer, Answer::Early | Answer::Unknown | Answer::End(..));
        let ids = match &parts {
            Some((_, queued)) => queued.iter().map(|one| one.id).collect(),
            None => Vec::new(),
        };
        out(Event::Reply(Reply {
            flow: self.flow,
            frame: self.at.frame,
            time: self.at.time,
            bytes,
            answers: waiting.map(|waiting| waiting.id),
            parts: &ids,
            latency: waiting.map(|waiting| self.at.time.saturating_sub(waiting.time)),
            push,
            error,
            secret: !told.is_empty() || (doubtful && names_secret(bytes)),
            cut,
            decrypted: self.decrypted,
        }));
        if matches!(answer, Answer::Early) {
            self.talk.early_secrets(told);
        } else {
            self.given_away(told, out);
        }
        if self.credentials.waiting() > 0 {
            self.settle(&answer, error, parts.as_ref().map(|(elements, _)| elements.as_slice()), out);
        }
        let replication = matches!(&answer, Answer::To(waiting) if waiting.kind() == Kind::Replication);
        if replication && bytes.starts_with(b"+CONTINUE") {
            self.talk.replicates = true;
        }
        if replication && bytes.starts_with(b"+FULLRESYNC") {
            self.talk.replicates = true;
            return Next::Rdb;
        }
        Next::Same
    }

    /// Tells the credentials that this reply answers.
    fn settle(
        &mut self,
        answer: &Answer,
        error: bool,
        elements: Option<&[&[u8]]>,
        out: &mut impl FnMut(Event<'_>),
    ) {
        let mut tell = |one: &Credential| out(Event::Credential(one));
        let result = |error: bool| if error { Outcome::Rejected } else { Outcome::Accepted };
        match answer {
            Answer::To(waiting) => self.credentials.answer(waiting.id, result(error), &mut tell),
            Answer::End(end, queued) => {
                for (index, one) in queued.iter().enumerate() {
                    let element = elements.and_then(|elements| elements.get(index));
                    let result = match element.and_then(|element| element.first()) {
                        Some(first) => result(matches!(first, b'-' | b'!')),
                        None if error && end.kind() == Kind::Exec => Outcome::Rejected,
                        // Given up, or nobody can tell which element is whose.
                        None => Outcome::Unknown,
                    };
                    self.credentials.answer(one.id, result, &mut tell);
                }
            }
            Answer::Queued(_) | Answer::Push | Answer::Early | Answer::Unknown => {}
        }
    }

    fn tls(&mut self, event: TlsEvent, out: &mut impl FnMut(Event<'_>)) {
        let news = !matches!(event, TlsEvent::Record(_) | TlsEvent::HelloRetryRequest);
        if self.streams {
            let (flow, frame, direction) = (self.flow, self.at.frame, self.from);
            out(Event::Message { flow, frame, direction, message: &event });
        }
        let watch = self.tls.get_or_insert_default();
        watch.note(self.from, event);
        if news && *self.tls_told < 64 {
            *self.tls_told += 1;
            out(Event::Tls { flow: self.flow, frame: self.at.frame, seen: &watch.seen });
        }
    }
}
