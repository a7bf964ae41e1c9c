//! What a relay changes in a conversation of Redis that it understands: commands come out of one decoder,
//! replies out of another, and each reply is known by the command that it answers. No I/O.

use crate::resp::{bulk, command, value};
use std::collections::VecDeque;
use wirelab_model::Tampering;
use wirelab_wire::resp::{Decoder, Value};

/// Commands that wait for their replies; with more the relay only passes bytes on.
const MOST_ASKED: usize = 1024;

/// What to change, and where: the secrets of the session that is tampered with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is changed.
    pub how: Tampering,
    /// The key, and the channel, that the client uses.
    pub key: Vec<u8>,
    /// What it stores there.
    pub value: Vec<u8>,
    /// What it is to be given in its place.
    pub forged: Vec<u8>,
}

/// What becomes of the reply to a command.
enum Asked {
    Pass,
    /// The client never asked for it, or is not to get it.
    Keep,
    /// Once more before the next one: then another command waits for its reply.
    Twice,
    /// This instead.
    Instead(Vec<u8>),
    /// This instead, where it is an error.
    InsteadOfError(Vec<u8>),
    /// This before it.
    After(Vec<u8>),
}

/// What goes where after a piece of the conversation.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) to_server: Vec<u8>,
    pub(crate) to_client: Vec<u8>,
    /// What was done, in words.
    pub(crate) done: Vec<&'static str>,
    /// Commands of the client: `GET/1`.
    pub(crate) commands: Vec<String>,
}

pub(crate) struct Tamperer {
    plan: Plan,
    commands: Decoder,
    replies: Decoder,
    asked: VecDeque<Asked>,
    /// A reply that goes out once more.
    again: Vec<u8>,
    resp3: bool,
    /// It has done what is done once.
    done: bool,
    /// A word of its own has gone out that the key has changed.
    invalidated: bool,
    /// What comes is no RESP, or too much of it: bytes go on as they are.
    lost: bool,
}

impl Tamperer {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            commands: Decoder::commands(),
            replies: Decoder::replies(),
            asked: VecDeque::new(),
            again: Vec::new(),
            resp3: false,
            done: false,
            invalidated: false,
            lost: false,
        }
    }

    /// Takes what the client sent.
    pub(crate) fn of_client(&mut self, bytes: &[u8]) -> Out {
        let mut out = Out::default();
        if self.lost {
            out.to_server.extend_from_slice(bytes);
            return out;
        }
        self.commands.push(bytes);
        loop {
            match self.commands.next_command() {
                Ok(Some(words)) if self.asked.len() < MOST_ASKED => self.command(words, &mut out),
                Ok(None) => return out,
                _ => {
                    self.lost = true;
                    return out;
                }
            }
        }
    }

    /// Takes what the server sent.
    pub(crate) fn of_server(&mut self, bytes: &[u8]) -> Out {
        let mut out = Out::default();
        if self.lost {
            out.to_client.extend_from_slice(bytes);
            return out;
        }
        self.replies.push(bytes);
        loop {
            match self.replies.next_value() {
                Ok(Some(reply)) => self.reply(&reply, &mut out),
                Ok(None) => return out,
                Err(_) => {
                    self.lost = true;
                    return out;
                }
            }
        }
    }

    fn command(&mut self, mut words: Vec<Vec<u8>>, out: &mut Out) {
        let name = words.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
        out.commands.push(format!("{}/{}", String::from_utf8_lossy(&name), words.len().saturating_sub(1)));
        let ours = words.get(1) == Some(&self.plan.key);
        match name.as_slice() {
            b"HELLO" => self.resp3 = words.get(1).is_some_and(|version| version == b"3"),
            // Confirmed by a push in RESP3, and by an array for each channel before.
            b"SUBSCRIBE" | b"PSUBSCRIBE" => {
                let replies = if self.resp3 { 0 } else { words.len().saturating_sub(1) };
                self.asked.extend((0..replies).map(|_| Asked::Pass));
                command(&words, &mut out.to_server);
                return;
            }
            _ => {}
        }
        let asked = match (self.plan.how, name.as_slice()) {
            (Tampering::ReplyType, b"GET") if ours => {
                out.done.push("answered GET with another value, as a simple string");
                Asked::Instead([b"+", self.plan.forged.as_slice(), b"\r\n"].concat())
            }
            (Tampering::ReplyError, b"SET") if ours => {
                words.truncate(2);
                out.done.push("cut the value off SET, and said OK where the server refused it");
                Asked::InsteadOfError(b"+OK\r\n".to_vec())
            }
            (Tampering::ReplyError, b"GET") if ours => Asked::Instead(bulk(&self.plan.value)),
            (Tampering::ReplyDropped, b"SET") if ours && !self.done => {
                self.done = true;
                out.done.push("kept the reply to SET");
                Asked::Keep
            }
            (Tampering::ReplyDuplicated, b"SET") if ours && !self.done => {
                self.done = true;
                out.done.push("sent the reply to SET twice");
                Asked::Twice
            }
            (Tampering::PushForged, b"GET") if ours => {
                out.done.push("put in a message of a channel that nobody has subscribed to");
                Asked::After(self.message())
            }
            (Tampering::InvalidationForged, b"PING") if self.done && !self.invalidated => {
                self.invalidated = true;
                out.done.push("put in a word that the key has changed");
                Asked::After(
                    [b">2\r\n".as_slice(), &bulk(b"invalidate"), b"*1\r\n", &bulk(&self.plan.key)].concat(),
                )
            }
            (Tampering::InvalidationForged, b"GET") if ours && self.invalidated => {
                out.done.push("answered who then asked again");
                Asked::Instead(bulk(&self.plan.forged))
            }
            (Tampering::InvalidationForged, b"SET") if ours => {
                // The client's own change comes second: what is cached then is what it should be.
                self.done = words.get(2) == Some(&self.plan.value);
                Asked::Pass
            }
            (Tampering::KeyRewritten, b"SET" | b"GET") if ours => {
                if let Some(key) = words.get_mut(1) {
                    key.clone_from(&self.plan.forged);
                }
                out.done.push("put another key in");
                Asked::Pass
            }
            (Tampering::CommandSwapped, b"GET") if ours => {
                words = vec![b"CONFIG".to_vec(), b"GET".to_vec(), b"*".to_vec()];
                out.done.push("sent CONFIG in the place of GET");
                Asked::Instead(bulk(&self.plan.forged))
            }
            (Tampering::ScriptInjected, b"GET") if ours => {
                let script = b"return redis.call('SET', KEYS[1], ARGV[1])".to_vec();
                let eval = [
                    b"EVAL".to_vec(),
                    script,
                    b"1".to_vec(),
                    self.plan.key.clone(),
                    self.plan.forged.clone(),
                ];
                command(&eval, &mut out.to_server);
                self.asked.push_back(Asked::Keep);
                out.done.push("put in an EVAL that sets the value, and kept its reply");
                Asked::Pass
            }
            _ => Asked::Pass,
        };
        self.asked.push_back(asked);
        command(&words, &mut out.to_server);
    }

    fn reply(&mut self, reply: &Value, out: &mut Out) {
        if let Value::Push(items) = reply {
            return self.push(reply, items, out);
        }
        out.to_client.append(&mut self.again);
        // A message in RESP2 answers nothing.
        match self.asked.pop_front().unwrap_or(Asked::Pass) {
            Asked::Pass => value(reply, &mut out.to_client),
            Asked::Keep => {}
            Asked::Twice => {
                value(reply, &mut out.to_client);
                value(reply, &mut self.again);
            }
            Asked::Instead(bytes) => out.to_client.extend(bytes),
            Asked::InsteadOfError(bytes) if reply.is_error() => out.to_client.extend(bytes),
            Asked::InsteadOfError(_) => value(reply, &mut out.to_client),
            Asked::After(bytes) => {
                out.to_client.extend(bytes);
                value(reply, &mut out.to_client);
            }
        }
    }

    fn push(&self, reply: &Value, items: &[Value], out: &mut Out) {
        let kind = match items.first() {
            Some(Value::Bulk(Some(kind)) | Value::Simple(kind)) => kind.as_slice(),
            _ => b"",
        };
        match (self.plan.how, kind) {
            (Tampering::MessageDropped, b"message") => out.done.push("kept a message"),
            (Tampering::InvalidationDropped, b"invalidate") => {
                out.done.push("kept the word that the key has changed");
            }
            (Tampering::MessageForged, b"subscribe") => {
                value(reply, &mut out.to_client);
                out.to_client.extend(self.message());
                out.done.push("put in a message of the channel");
            }
            _ => value(reply, &mut out.to_client),
        }
    }

    fn message(&self) -> Vec<u8> {
        [b">3\r\n".as_slice(), &bulk(b"message"), &bulk(&self.plan.key), &bulk(&self.plan.forged)].concat()
    }
}

#[cfg(test)]
#[path = "tamper_tests.rs"]
mod tests;
