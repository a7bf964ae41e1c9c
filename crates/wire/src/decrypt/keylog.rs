//! Secrets of TLS sessions in the format of NSS key logs (`SSLKEYLOGFILE`, RFC 9850): a line is a label,
//! the client's random and a secret.

use std::collections::HashMap;
use std::fmt;

/// Most sessions that are kept.
const MAX_SESSIONS: usize = 65_536;
/// Longest secret: a digest of SHA-512.
const MAX_SECRET: usize = 64;

/// Secrets of one session, as far as they are known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Master secret (`CLIENT_RANDOM`, before TLS 1.3), 48 bytes.
    pub master: Option<Box<[u8]>>,
    /// `CLIENT_EARLY_TRAFFIC_SECRET`, of data that is sent before the server has answered.
    pub client_early: Option<Box<[u8]>>,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`
    pub client_handshake: Option<Box<[u8]>>,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`
    pub server_handshake: Option<Box<[u8]>>,
    /// `CLIENT_TRAFFIC_SECRET_0`
    pub client: Option<Box<[u8]>>,
    /// `SERVER_TRAFFIC_SECRET_0`
    pub server: Option<Box<[u8]>>,
}

impl fmt::Debug for Secrets {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Sessions by the client's random.
#[derive(Debug, Default)]
pub struct KeyLog {
    sessions: HashMap<[u8; 32], Secrets>,
    /// Secrets, those of a session that was there already included.
    secrets: usize,
}

impl KeyLog {
    /// Adds the lines of a log. Comments, other labels and what is no line of a log are left out, and
    /// so are sessions beyond 65,536. Gives the number of secrets that were taken.
    pub fn add(&mut self, log: &[u8]) -> usize {
        let before = self.secrets;
        for line in log.split(|byte| *byte == b'\n') {
            self.secrets += usize::from(self.line(line).is_some());
        }
        self.secrets - before
    }

    /// Number of secrets. It changes whenever there is something new.
    pub fn len(&self) -> usize {
        self.secrets
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.secrets == 0
    }

    /// The secrets of a session.
    pub fn get(&self, client_random: &[u8; 32]) -> Option<&Secrets> {
        self.sessions.get(client_random)
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
        let place: fn(&mut Secrets) -> &mut Option<Box<[u8]>> = match label {
            b"CLIENT_RANDOM" => |secrets| &mut secrets.master,
            b"CLIENT_EARLY_TRAFFIC_SECRET" => |secrets| &mut secrets.client_early,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => |secrets| &mut secrets.client_handshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => |secrets| &mut secrets.server_handshake,
            b"CLIENT_TRAFFIC_SECRET_0" => |secrets| &mut secrets.client,
            b"SERVER_TRAFFIC_SECRET_0" => |secrets| &mut secrets.server,
            _ => return None,
        };
        let random: [u8; 32] = unhex(random)?.try_into().ok()?;
        let secret = unhex(secret)?;
        if words.next().is_some() || !(32..=MAX_SECRET).contains(&secret.len()) {
            return None;
        }
        if self.sessions.len() >= MAX_SESSIONS && !self.sessions.contains_key(&random) {
            return None;
        }
        *place(self.sessions.entry(random).or_default()) = Some(secret.into());
        Some(())
    }
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.len() > 2 * MAX_SECRET || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_of_a_log() {
        let random = "Ab".repeat(32);
        let secret = "0c".repeat(48);
        let log = format!(
            "# comment\r\nCLIENT_RANDOM {random} {secret}\r\nEXPORTER_SECRET {random} {secret}\n\n\
             CLIENT_RANDOM {random}\nCLIENT_RANDOM {random} {secret} x\nSERVER_TRAFFIC_SECRET_0 {random} 0c\n\
             CLIENT_RANDOM {random}0 {secret}\nCLIENT_RANDOM {random} {secret}zz\n\
             SERVER_TRAFFIC_SECRET_0  {random}\t{secret}"
        );
        let mut keys = KeyLog::default();
        assert!(keys.is_empty());
        assert_eq!(keys.add(log.as_bytes()), 2);
        assert_eq!((keys.len(), keys.sessions.len()), (2, 1));
        let secrets = keys.get(&[0xab; 32]).unwrap();
        assert_eq!(secrets.master.as_deref(), Some(&[12; 48][..]));
        assert_eq!((&secrets.server, &secrets.client), (&secrets.master, &None));
        assert!(!format!("{keys:?}").contains("12, 12"));
    }

    proptest! {
        #[test]
        fn hostile_logs_never_panic(log: Vec<u8>, words in "(CLIENT_RANDOM|[0-9a-g]{0,70}|[ \n\r\t]|\u{e9}){0,40}") {
            let mut keys = KeyLog::default();
            keys.add(&log);
            keys.add(words.as_bytes());
        }
    }
}
