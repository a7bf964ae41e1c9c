//! Data of known classes in what goes by: tokens, keys, addresses, card numbers and the like.

use std::ops::Range;
use wirelab_wire::classes::{Class, Classifier, Finding};
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
    each_value(command, |index, name, value| {
        for Finding { class, range } in classifier.find(name, value) {
            let (flow, frame, decrypted) = (command.flow, command.frame, command.decrypted);
            found.push(Data { flow, frame, class, word: Some(index), range, decrypted });
        }
    });
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

/// Gives each word that is looked at, with its index and the name that says something of it. Credentials are told by
/// themselves.
#[inline]
pub(crate) fn each_value(command: &Command<'_>, mut give: impl FnMut(usize, &[u8], &[u8])) {
    let words = command.words;
    for index in 1..words.len() {
        let value = words.get(index);
        let is_secret =
            command.secrets.iter().any(|one| one.secret.as_ref().is_some_and(|place| place.word == index));
        if value.len() >= SHORTEST && !is_secret {
            // The key says something of the values behind it.
            give(index, if index > 1 { words.get(1) } else { b"" }, value);
        }
    }
}

/// What is looked at of a reply; the shortest is a line. Secrets that the server gives away are told as credentials.
#[inline]
pub(crate) fn value_of<'a>(reply: &Reply<'a>) -> Option<&'a [u8]> {
    (!reply.secret && reply.bytes.len() >= SHORTEST + 3).then_some(reply.bytes)
}
