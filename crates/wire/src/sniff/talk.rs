//! Which reply answers which command.

use super::credentials::Told;
use super::transaction::{QUEUED, Queued, Transaction};
use crate::words::Words;
use std::collections::VecDeque;

/// Most commands that wait for their reply.
const MOST_WAITING: usize = 16_384;

/// Most replies that wait for their command.
const MOST_EARLY: usize = 1024;

/// Commands that may wait in any case.
const FEW_WAITING: usize = 32;

/// A command that waits for its reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Number of the command in the whole capture.
    pub(super) id: u64,
    /// When it was seen, in nanoseconds.
    pub(super) time: u64,
    /// Replies that it still gets.
    replies: u32,
    kind: Kind,
}

impl Waiting {
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}

/// What a command does to the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Subscribe,
    Monitor,
    Replication,
    Reset,
    /// CONFIG GET: its reply may hold secrets.
    ConfigGet,
    Multi,
    Exec,
    Discard,
}

/// What a reply answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// This command.
    To(Waiting),
    /// This command, which waits for EXEC now.
    Queued(Waiting),
    /// This EXEC or DISCARD, or whatever else ends a transaction, and what was queued until then.
    End(Waiting, Vec<Queued>),
    /// A command that is still to be captured.
    Early,
    /// None: a push, or a message.
    Push,
    /// One that is not known.
    Unknown,
}

/// A reply that was captured before its command.
#[derive(Debug, Default)]
pub(super) struct Early {
    pub(super) error: bool,
    pub(super) queued: bool,
    /// Secrets in it, which count if the command is CONFIG GET.
    pub(super) secrets: Vec<Told>,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Talk {
    waiting: VecDeque<Waiting>,
    /// Replies that were captured before their command.
    early: VecDeque<Early>,
    transaction: Transaction,
    /// The start was seen: an early reply belongs to a command that comes.
    whole: bool,
    /// Commands and replies can be paired.
    paired: bool,
    replies_off: bool,
    skip_next: bool,
    subscribed: bool,
    monitors: bool,
    /// A replica talks to its master: the master sends commands and the replica answers none.
    pub(super) replicates: bool,
}

impl Talk {
    pub(super) fn new(whole: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            early: VecDeque::new(),
            transaction: Transaction::default(),
            whole,
            paired: true,
            replies_off: false,
            skip_next: false,
            subscribed: false,
            monitors: false,
            replicates: false,
        }
    }

    /// Bytes are missing: what waits stays without an answer, and nothing more is paired.
    pub(super) fn lose(&mut self) {
        self.paired = false;
        self.early = VecDeque::new();
        self.waiting = VecDeque::new();
        self.transaction = Transaction::default();
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
            + self.early.capacity() * size_of::<Early>()
            + self.transaction.held()
    }

    /// There is no room for many commands that wait.
    pub(super) fn let_go(&mut self) {
        if self.waiting.len().max(self.transaction.len()) > FEW_WAITING {
            self.lose();
        }
    }

    /// Takes a command. Gives its reply where that was captured before it.
    pub(super) fn command(&mut self, words: &Words<'_>, id: u64, time: u64) -> (Kind, Option<Early>) {
        let kind = kind(words);
        let expected = self.expected(words, kind);
        if expected == 0 || !self.paired || self.replicates {
            return (kind, None);
        }
        if !self.early.is_empty() && self.early.len() >= usize::try_from(expected).unwrap_or(usize::MAX) {
            let mut replies = self.early.drain(..expected as usize);
            let first = replies.next();
            drop(replies);
            if first.as_ref().is_some_and(|early| early.queued) {
                self.queue(Queued { id, kind });
            } else if matches!(kind, Kind::Exec | Kind::Discard) {
                // What it said of each command was not kept.
                self.transaction.end();
            }
            return (kind, first);
        }
        if self.waiting.len() >= MOST_WAITING {
            self.lose();
            return (kind, None);
        }
        self.waiting.push_back(Waiting { id, time, replies: expected, kind });
        (kind, None)
    }

    fn queue(&mut self, queued: Queued) {
        if !self.transaction.queue(queued) {
            self.lose();
        }
    }

    /// Secrets in the reply that was captured before its command just now.
    pub(super) fn early_secrets(&mut self, secrets: Vec<Told>) {
        if let Some(last) = self.early.back_mut() {
            last.secrets = secrets;
        }
    }

    /// Replies that a command gets.
    fn expected(&mut self, words: &Words<'_>, kind: Kind) -> u32 {
        if kind == Kind::Reset {
            self.replies_off = false;
            self.skip_next = false;
            return 1;
        }
        if words.get(0).len() == 6 && words.is(0, "CLIENT") && words.is(1, "REPLY") {
            // <https://redis.io/docs/latest/commands/client-reply/>
            if words.is(2, "OFF") {
                self.replies_off = true;
                return 0;
            }
            if words.is(2, "SKIP") {
                self.skip_next = true;
                return 0;
            }
            self.replies_off = false;
            self.skip_next = false;
            return 1;
        }
        if std::mem::take(&mut self.skip_next) || self.replies_off {
            return 0;
        }
        if words.get(0).len() == 8 && words.is(0, "REPLCONF") && words.is(1, "ACK") {
            return 0;
        }
        match kind {
            // One for each that is left, and nobody can count those.
            Kind::Subscribe if words.len() == 1 => {
                self.lose();
                0
            }
            Kind::Subscribe => u32::try_from(words.len() - 1).unwrap_or(1),
            _ => 1,
        }
    }

    /// Takes a reply: its bytes, and the first words of an array.
    pub(super) fn reply(&mut self, bytes: &[u8], words: &Words<'_>) -> Answer {
        match bytes.first() {
            Some(b'>') => {
                // RESP3 confirms subscriptions by pushes.
                if confirms(words.get(0))
                    && self.waiting.front().is_some_and(|first| first.kind == Kind::Subscribe)
                {
                    return self.settle(false);
                }
                return Answer::Push;
            }
            Some(b'|') => return Answer::Push,
            Some(b'*') if self.subscribed && is_message(words.get(0)) => return Answer::Push,
            Some(b'+') if self.monitors && is_monitored(bytes) => return Answer::Push,
            _ => {}
        }
        if !self.paired {
            return Answer::Unknown;
        }
        if self.waiting.is_empty() {
            if self.whole && self.early.len() < MOST_EARLY {
                let error = matches!(bytes.first(), Some(b'-' | b'!'));
                self.early.push_back(Early { error, queued: bytes == QUEUED, secrets: Vec::new() });
                return Answer::Early;
            }
            return Answer::Unknown;
        }
        if bytes == QUEUED
            && let Some(waiting) = self.waiting.pop_front()
        {
            self.queue(Queued { id: waiting.id, kind: waiting.kind });
            return Answer::Queued(waiting);
        }
        self.settle(matches!(bytes.first(), Some(b'-' | b'!')))
    }

    fn settle(&mut self, error: bool) -> Answer {
        let Some(first) = self.waiting.front_mut() else { return Answer::Unknown };
        first.replies -= 1;
        let answered = *first;
        if first.replies == 0 {
            self.waiting.pop_front();
        }
        match answered.kind {
            Kind::Subscribe => self.subscribed = true,
            Kind::Monitor => self.monitors = true,
            Kind::Reset => {
                (self.subscribed, self.monitors) = (false, false);
                return Answer::End(answered, self.transaction.end());
            }
            // MULTI within MULTI is refused, and changes nothing.
            Kind::Multi if error => {}
            Kind::Multi | Kind::Discard => return Answer::End(answered, self.transaction.end()),
            Kind::Exec => {
                let queued = self.transaction.end();
                self.subscribed |= queued.iter().any(|one| one.kind == Kind::Subscribe);
                return Answer::End(answered, queued);
            }
            Kind::Plain | Kind::Replication | Kind::ConfigGet => {}
        }
        Answer::To(answered)
    }
}

/// By the length of the name first: nearly every command is plain.
fn kind(words: &Words<'_>) -> Kind {
    let name = words.get(0);
    match name.len() {
        4 if words.is(0, "SYNC") => Kind::Replication,
        4 if words.is(0, "EXEC") => Kind::Exec,
        5 if words.is(0, "PSYNC") => Kind::Replication,
        5 if words.is(0, "MULTI") => Kind::Multi,
        5 if words.is(0, "RESET") => Kind::Reset,
        6 if words.is(0, "CONFIG") && words.is(1, "GET") => Kind::ConfigGet,
        7 if words.is(0, "MONITOR") => Kind::Monitor,
        7 if words.is(0, "DISCARD") => Kind::Discard,
        9 if words.is(0, "SUBSCRIBE") => Kind::Subscribe,
        10 if words.is(0, "PSUBSCRIBE") || words.is(0, "SSUBSCRIBE") => Kind::Subscribe,
        11 if words.is(0, "UNSUBSCRIBE") => Kind::Subscribe,
        12 if words.is(0, "PUNSUBSCRIBE") || words.is(0, "SUNSUBSCRIBE") => Kind::Subscribe,
        _ => Kind::Plain,
    }
}

fn confirms(word: &[u8]) -> bool {
    word.ends_with(b"subscribe")
}

fn is_message(word: &[u8]) -> bool {
    matches!(word, b"message" | b"pmessage" | b"smessage")
}

/// `+1700000000.123456 [0 127.0.0.1:1] "GET" "k"`
fn is_monitored(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(u8::is_ascii_digit) && bytes.windows(2).take(40).any(|pair| pair == b" [")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(talk: &mut Talk, id: u64, line: &str) {
        let mut at = 0;
        let places: Vec<_> = line
            .split(' ')
            .map(|word| {
                at += word.len() + 1;
                at - word.len() - 1..at - 1
            })
            .collect();
        talk.command(&Words::new(line.as_bytes(), &places), id, 0);
    }

    /// Number of the command that a reply answers; `>` for a push, `?` where that is not known.
    fn hear(talk: &mut Talk, bytes: &str, first: &str) -> String {
        let word = vec![0..first.len(); 1];
        match talk.reply(bytes.as_bytes(), &Words::new(first.as_bytes(), &word)) {
            Answer::To(waiting) | Answer::Queued(waiting) | Answer::End(waiting, _) => waiting.id.to_string(),
            Answer::Push => ">".into(),
            Answer::Early | Answer::Unknown => "?".into(),
        }
    }

    #[test]
    fn pipelines_pushes_and_commands_without_replies() {
        let mut talk = Talk::new(true);
        for (id, line) in (1..).zip([
            "PING",
            "CLIENT REPLY SKIP",
            "SET a b",
            "GET a",
            "CLIENT REPLY OFF",
            "SET a c",
            "CLIENT REPLY ON",
            "GET a",
        ]) {
            say(&mut talk, id, line);
        }
        let heard: Vec<_> =
            ["+PONG", ">", "$1", "+OK", "$1", "+more"].map(|bytes| hear(&mut talk, bytes, "x")).into();
        assert_eq!(heard, ["1", ">", "4", "7", "8", "?"]);
    }

    #[test]
    fn subscriptions_messages_and_monitor() {
        let mut talk = Talk::new(true);
        say(&mut talk, 1, "SUBSCRIBE a b");
        say(&mut talk, 2, "PING");
        let heard: Vec<_> =
            ["subscribe", "subscribe", "message", "pong"].map(|first| hear(&mut talk, "*3", first)).into();
        assert_eq!(heard, ["1", "1", ">", "2"]);
        say(&mut talk, 3, "SUBSCRIBE c");
        assert_eq!(hear(&mut talk, ">3", "message"), ">");
        assert_eq!(hear(&mut talk, ">3", "subscribe"), "3");
        say(&mut talk, 4, "MONITOR");
        assert_eq!(hear(&mut talk, "+OK", ""), "4");
        assert_eq!(hear(&mut talk, "+1700000000.1 [0 127.0.0.1:1] \"GET\"", ""), ">");
        say(&mut talk, 5, "RESET");
        assert_eq!(hear(&mut talk, "+RESET", ""), "5");
    }

    #[test]
    fn nothing_is_guessed_after_a_loss() {
        let mut talk = Talk::new(true);
        say(&mut talk, 1, "AUTH x");
        talk.lose();
        assert_eq!(hear(&mut talk, "+OK", ""), "?");
        say(&mut talk, 2, "GET x");
        assert_eq!(hear(&mut talk, "+OK", ""), "?");
    }
}
