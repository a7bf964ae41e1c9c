//! Data of known classes in what goes by: tokens, keys, addresses, card numbers and the like.

use std::ops::Range;
use wirelab_wire::classes::{Class, Classifier, Finding};
use wirelab_wire::credential::Found;
use wirelab_wire::sniff::{Command, Reply};

/// Shorter values hold nothing that is looked for.
const SHORTEST: usize = 8;

/// A piece of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) flow: u64,
    pub(crate) frame: u64,
    pub(crate) class: Class,
    /// The word of the command; none for a reply.
    pub(crate) word: Option<usize>,
    /// Which bytes of the word, or of the reply.
    pub(crate) range: Range<usize>,
    /// Nobody else can read it.
    pub(crate) decrypted: bool,
}

/// In the arguments of a command.
#[inline]
pub(crate) fn in_command(classifier: &Classifier, command: &Command<'_>, found: &mut Vec<Data>) {
    let words = command.words;
    for index in (1..words.len()).filter(|index| is_looked_at(command, *index)) {
        // The key says something of the values behind it.
        let name = if index > 1 { words.get(1) } else { b"" };
        for Finding { class, range } in classifier.find(name, words.get(index)) {
            let (flow, frame, decrypted) = (command.flow, command.frame, command.decrypted);
            found.push(Data { flow, frame, class, word: Some(index), range, decrypted });
        }
    }
}

/// In a reply.
#[inline]
pub(crate) fn in_reply(classifier: &Classifier, reply: &Reply<'_>, found: &mut Vec<Data>) {
    for Finding { class, range } in
        value_of(reply).map(|value| classifier.find(b"", value)).unwrap_or_default()
    {
        let (flow, frame, decrypted) = (reply.flow, reply.frame, reply.decrypted);
        found.push(Data { flow, frame, class, word: None, range, decrypted });
    }
}

/// Whether a word is looked at. Credentials are told by themselves.
#[inline]
pub(crate) fn is_looked_at(command: &Command<'_>, index: usize) -> bool {
    let is_secret = |one: &Found<'_>| one.secret.as_ref().is_some_and(|place| place.word == index);
    command.words.get(index).len() >= SHORTEST && !command.secrets.iter().any(is_secret)
}

/// What is looked at of a reply; the shortest is a line. Secrets that the server gives away are told as credentials.
#[inline]
pub(crate) fn value_of<'a>(reply: &Reply<'a>) -> Option<&'a [u8]> {
    (!reply.secret && reply.bytes.len() >= SHORTEST + 3).then_some(reply.bytes)
}
