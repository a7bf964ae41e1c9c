use super::locks::Locks;
use super::{Item, Wire};
use crate::Target;
use crate::target::USERNAME;
use wirelab_model::Topology;
use wirelab_tls::{HELLO_REQUEST, Reader, Schedule, Ticket, kind};

/// Keys of a finished handshake.
pub(super) struct Channel {
    pub(super) locks: Locks,
    /// What came before there were keys: taken for the first replies.
    pub(super) replies: Vec<u8>,
    /// The handshake, for what comes of it later.
    pub(super) schedule: Schedule,
    /// What it says when it is asked to shake hands once more.
    pub(super) hello: Vec<u8>,
    /// The first that the peer gave.
    pub(super) ticket: Option<Ticket>,
    /// The peer has the AUTH already: it was sent before the peer's first word, and taken.
    pub(super) early_taken: bool,
}

/// AUTH as it is sent.
pub(super) fn login(target: &Target) -> Vec<u8> {
    command(&["AUTH", USERNAME, &target.canaries.password])
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// AUTH, SET, GET. Whatever GET gives is the value, also where it is cut. Gives back where a node of a cluster sends it, if
/// one does.
pub(super) async fn lead(
    wire: &mut Wire,
    channel: Option<&mut Channel>,
    target: &Target,
    received: &mut Option<String>,
) -> Option<(String, u16)> {
    wire.most = wire.taken + super::MOST;
    let canaries = &target.canaries;
    let replies = channel.as_ref().map(|channel| channel.replies.clone()).unwrap_or_default();
    let mut talk = Talk { wire, channel, replies };
    let sent = talk.channel.as_ref().is_some_and(|channel| channel.early_taken);
    talk.say(if sent { Vec::new() } else { login(target) }).await;
    talk.say(command(&["SET", &canaries.key, &canaries.value])).await;
    let value = talk.say(command(&["GET", &canaries.key])).await;
    let value = String::from_utf8_lossy(&value).into_owned();
    let elsewhere = (target.topology == Topology::Cluster).then(|| elsewhere(&value)).flatten();
    *received = Some(value);
    elsewhere
}

/// Host and port of `MOVED slot host:port`.
fn elsewhere(reply: &str) -> Option<(String, u16)> {
    let (host, port) = reply.strip_prefix("MOVED ")?.split_once(' ')?.1.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

struct Talk<'a> {
    wire: &'a mut Wire,
    channel: Option<&'a mut Channel>,
    replies: Vec<u8>,
}

impl Talk<'_> {
    /// Sends a command, or nothing, and waits for the next reply.
    async fn say(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some(channel) = self.channel.as_mut().filter(|_| !bytes.is_empty()) {
            bytes = channel.locks.seal(kind::APPLICATION_DATA, &bytes);
        }
        // It does not mind either that nobody is there any more.
        drop(self.wire.send(&bytes).await);
        loop {
            if let Some((value, length)) = reply(&self.replies) {
                let value = value.to_vec();
                self.replies.drain(..length);
                return value;
            }
            if !self.more().await {
                let rest = std::mem::take(&mut self.replies);
                // What was cut is still something, and so is nothing.
                let end = rest.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                return rest.get(end..).unwrap_or_default().to_vec();
            }
        }
    }

    async fn more(&mut self) -> bool {
        let Some(channel) = &mut self.channel else {
            let more = self.wire.fill().await;
            self.replies.append(&mut self.wire.buffer);
            return more;
        };
        match self.wire.next().await {
            Item::Nothing => false,
            Item::Stray(bytes) => {
                self.replies.extend(bytes);
                true
            }
            Item::Record(of, payload) => {
                match channel.locks.open(of, &payload) {
                    Some((kind::APPLICATION_DATA, content)) => self.replies.extend(content),
                    Some((kind::ALERT, _)) => return false,
                    Some((kind::HANDSHAKE, content)) if content == HELLO_REQUEST => {
                        let hello = channel.locks.seal(kind::HANDSHAKE, &channel.hello);
                        drop(self.wire.send(&hello).await);
                    }
                    Some((kind::HANDSHAKE, content))
                        if of == kind::APPLICATION_DATA && channel.ticket.is_none() =>
                    {
                        let first = Reader(&content).handshake().map(|(_, message)| message);
                        channel.ticket = first.and_then(|message| Ticket::read(message, &channel.schedule));
                    }
                    Some(_) => {}
                    // What cannot be opened may have been meant as it is.
                    None => self.replies.extend(payload),
                }
                true
            }
        }
    }
}

/// The first whole reply: what it holds, and its length. Enough for OK, errors and bulk strings.
fn reply(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    let line = bytes.get(1..end - 1)?.trim_ascii_end();
    if bytes.first() != Some(&b'$') {
        return Some((line, end));
    }
    let length: usize =
        std::str::from_utf8(line).ok()?.parse().ok().filter(|length| *length < super::MOST)?;
    Some((bytes.get(end..end + length)?, end + length + 2)).filter(|(_, whole)| *whole <= bytes.len())
}

#[cfg(test)]
mod tests {
    use super::{elsewhere, reply};

    #[test]
    fn a_node_that_sends_it_elsewhere_is_understood() {
        assert_eq!(elsewhere("MOVED 42 127.0.0.1:7000"), Some(("127.0.0.1".into(), 7000)));
        for other in ["value", "MOVED 42", "MOVED 42 host:port", "ASK 42 host:7000"] {
            assert_eq!(elsewhere(other), None, "{other}");
        }
    }

    #[test]
    fn replies_are_split_from_what_follows() {
        assert_eq!(reply(b"+OK\r\n+x\r\n"), Some((&b"OK"[..], 5)));
        assert_eq!(reply(b"$2\r\nab\r\nrest"), Some((&b"ab"[..], 8)));
        for cut in [&b""[..], b"+OK", b"$2\r\nab\r", b"$99999999999\r\nx\r\n"] {
            assert_eq!(reply(cut), None);
        }
    }
}
