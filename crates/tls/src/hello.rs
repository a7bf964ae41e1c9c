use crate::Ticket;
use crate::message::{Reader, extensions, handshake, vector8, vector16};
use crate::{extension_type as ext, group, message_type, version};

/// Random of a ServerHello that is a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2,
    0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// What a client offers (RFC 8446 section 4.1.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// legacy_version.
    pub legacy_version: u16,
    /// Random.
    pub random: Vec<u8>,
    /// legacy_session_id.
    pub session_id: Vec<u8>,
    /// Suites, in its order.
    pub suites: Vec<u16>,
    /// Name that it asks for.
    pub server_name: Option<String>,
    /// supported_versions; empty before TLS 1.3.
    pub versions: Vec<u16>,
    /// supported_groups.
    pub groups: Vec<u16>,
    /// signature_algorithms.
    pub schemes: Vec<u16>,
    /// Groups and public keys of its key shares.
    pub shares: Vec<(u16, Vec<u8>)>,
    /// The cookie of a HelloRetryRequest, sent back.
    pub cookie: Option<Vec<u8>>,
    /// The session that it wants to resume. Not read.
    pub resumes: Option<Ticket>,
    /// Data follows at once, before the server has answered (RFC 8446 section 4.2.10). Not read.
    pub early_data: bool,
    /// Types of all its extensions.
    pub extensions: Vec<u16>,
}

impl ClientHello {
    /// Reads the whole message with its header. None where it is no ClientHello, or cut.
    pub fn read(message: &[u8]) -> Option<Self> {
        let (message_type::CLIENT_HELLO, message) = Reader(message).handshake()? else { return None };
        let mut reader = Reader(message.get(4..)?);
        let mut hello = Self {
            legacy_version: reader.u16()?,
            random: reader.take(32)?.to_vec(),
            session_id: reader.vector8()?.to_vec(),
            suites: Reader(reader.vector16()?).numbers(),
            ..Self::default()
        };
        reader.vector8()?;
        let Some(block) = reader.vector16() else { return Some(hello) };
        for (kind, body) in Reader(block).extensions() {
            hello.extensions.push(kind);
            hello.note(kind, body);
        }
        Some(hello)
    }

    fn note(&mut self, kind: u16, body: &[u8]) -> Option<()> {
        let mut body = Reader(body);
        match kind {
            ext::SERVER_NAME => {
                let mut names = Reader(body.vector16()?);
                names.u8()?;
                self.server_name = String::from_utf8(names.vector16()?.to_vec()).ok();
            }
            ext::SUPPORTED_VERSIONS => self.versions = Reader(body.vector8()?).numbers(),
            ext::SUPPORTED_GROUPS => self.groups = Reader(body.vector16()?).numbers(),
            ext::SIGNATURE_ALGORITHMS => self.schemes = Reader(body.vector16()?).numbers(),
            ext::KEY_SHARE => {
                let shares = Reader(body.vector16()?).extensions();
                self.shares = shares.into_iter().map(|(group, key)| (group, key.to_vec())).collect();
            }
            ext::COOKIE => self.cookie = Some(body.vector16()?.to_vec()),
            _ => {}
        }
        Some(())
    }

    /// Writes the whole message with its header.
    pub fn write(&self) -> Vec<u8> {
        let numbers = |all: &[u16]| all.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
        let shares: Vec<u8> = self
            .shares
            .iter()
            .flat_map(|(group, key)| [&group.to_be_bytes()[..], &vector16(key)].concat())
            .collect();
        let mut all = vec![
            (ext::SUPPORTED_VERSIONS, vector8(&numbers(&self.versions))),
            (ext::SUPPORTED_GROUPS, vector16(&numbers(&self.groups))),
            (ext::POINT_FORMATS, vec![1, 0]),
            (ext::SIGNATURE_ALGORITHMS, vector16(&numbers(&self.schemes))),
            (ext::KEY_SHARE, vector16(&shares)),
        ];
        if let Some(name) = &self.server_name {
            let entry = [&[0][..], &vector16(name.as_bytes())].concat();
            all.insert(0, (ext::SERVER_NAME, vector16(&entry)));
        }
        if self.resumes.is_some() || self.versions.contains(&version::TLS13) {
            // psk_dhe_ke: who does not offer it gets no tickets.
            all.push((ext::PSK_MODES, vec![1, 1]));
        }
        if let Some(cookie) = &self.cookie {
            all.push((ext::COOKIE, vector16(cookie)));
        }
        if self.early_data {
            all.push((ext::EARLY_DATA, Vec::new()));
        }
        if let Some(ticket) = &self.resumes {
            // In the last place of all.
            all.push((ext::PRE_SHARED_KEY, ticket.offer(&[0; Ticket::PROOF])));
        }
        let message = self.message(&all);
        let Some(ticket) = &self.resumes else { return message };
        // The proof is over everything before it, the lengths of the proofs excluded.
        let before = message.len().saturating_sub(Ticket::PROOF + 3);
        let proof = ticket.proof(message.get(..before).unwrap_or_default());
        all.pop();
        all.push((ext::PRE_SHARED_KEY, ticket.offer(&proof)));
        self.message(&all)
    }

    fn message(&self, all: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let numbers = |all: &[u16]| all.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
        let body = [
            &self.legacy_version.to_be_bytes()[..],
            &self.random,
            &vector8(&self.session_id),
            &vector16(&numbers(&self.suites)),
            &[1, 0],
            &extensions(all),
        ]
        .concat();
        handshake(message_type::CLIENT_HELLO, &body)
    }

    /// The public key that it sent for a group.
    pub fn share(&self, group: u16) -> Option<&[u8]> {
        self.shares.iter().find(|(of, _)| *of == group).map(|(_, key)| key.as_slice())
    }
}

/// What a server chose (RFC 8446 section 4.1.3); before TLS 1.3 without `selected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// legacy_version.
    pub legacy_version: u16,
    /// Random.
    pub random: [u8; 32],
    /// Session id; in TLS 1.3 the client's.
    pub session_id: Vec<u8>,
    /// The suite.
    pub suite: u16,
    /// The method of compression; 0 is none.
    pub compression: u8,
    /// Extensions in their order.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl ServerHello {
    /// A good one of TLS 1.3.
    pub fn tls13(client: &ClientHello, random: [u8; 32], suite: u16, share: &[u8]) -> Self {
        let share = [&group::X25519.to_be_bytes()[..], &vector16(share)].concat();
        Self {
            legacy_version: version::TLS12,
            random,
            session_id: client.session_id.clone(),
            suite,
            compression: 0,
            extensions: vec![
                (ext::SUPPORTED_VERSIONS, version::TLS13.to_be_bytes().to_vec()),
                (ext::KEY_SHARE, share),
            ],
        }
    }

    /// A HelloRetryRequest that asks for a key of this group.
    pub fn retry(client: &ClientHello, suite: u16, group: u16) -> Self {
        let mut hello = Self::tls13(client, RETRY, suite, &[]);
        hello.set(ext::KEY_SHARE, group.to_be_bytes().to_vec());
        hello
    }

    /// Puts an extension in the place of the one of its type, or at the end.
    pub fn set(&mut self, kind: u16, body: Vec<u8>) {
        match self.extensions.iter_mut().find(|(of, _)| *of == kind) {
            Some((_, old)) => *old = body,
            None => self.extensions.push((kind, body)),
        }
    }

    /// Reads the whole message with its header. None where it is no ServerHello, or cut.
    pub fn read(message: &[u8]) -> Option<Self> {
        let (message_type::SERVER_HELLO, message) = Reader(message).handshake()? else { return None };
        let mut reader = Reader(message.get(4..)?);
        Some(Self {
            legacy_version: reader.u16()?,
            random: reader.take(32)?.try_into().ok()?,
            session_id: reader.vector8()?.to_vec(),
            suite: reader.u16()?,
            compression: reader.u8()?,
            extensions: Reader(reader.vector16().unwrap_or_default())
                .extensions()
                .into_iter()
                .map(|(kind, body)| (kind, body.to_vec()))
                .collect(),
        })
    }

    /// Writes the whole message with its header.
    pub fn write(&self) -> Vec<u8> {
        let mut body = [
            &self.legacy_version.to_be_bytes()[..],
            &self.random,
            &vector8(&self.session_id),
            &self.suite.to_be_bytes(),
            &[self.compression],
        ]
        .concat();
        // SSL 3.0 has no place for them, and an empty block is not the same as none.
        if !self.extensions.is_empty() {
            body.extend(extensions(&self.extensions));
        }
        handshake(message_type::SERVER_HELLO, &body)
    }

    /// Whether it asks for another ClientHello.
    pub fn is_retry(&self) -> bool {
        self.random == RETRY
    }

    /// The first extension of a type.
    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(of, _)| *of == kind).map(|(_, body)| body.as_slice())
    }

    /// Whether it is one of TLS 1.3, which says so by the extension alone.
    pub fn is_tls13(&self) -> bool {
        self.extension(ext::KEY_SHARE).is_some()
    }

    /// Whether the session that the client wants is resumed.
    pub fn resumes(&self) -> bool {
        self.extension(ext::PRE_SHARED_KEY).is_some()
    }

    /// The server's public key.
    pub fn share(&self) -> Option<&[u8]> {
        let mut reader = Reader(self.extension(ext::KEY_SHARE)?);
        reader.u16()?;
        reader.vector16()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> ClientHello {
        ClientHello {
            legacy_version: version::TLS12,
            random: vec![7; 32],
            session_id: vec![9; 32],
            suites: vec![crate::AES_128_GCM_SHA256, 0x002F],
            server_name: Some("localhost".into()),
            versions: vec![version::TLS13],
            groups: vec![group::X25519],
            schemes: vec![0x0403],
            shares: vec![(group::X25519, vec![1; 32])],
            cookie: Some(b"c".to_vec()),
            resumes: None,
            early_data: false,
            extensions: vec![0, 43, 10, 11, 13, 51, 45, 44],
        }
    }

    #[test]
    fn hellos_are_read_as_they_were_written_and_no_cut_one_panics() {
        let hello = client();
        let bytes = hello.write();
        assert_eq!(ClientHello::read(&bytes), Some(hello.clone()));
        let answer = ServerHello::tls13(&hello, [3; 32], 0x1301, &[5; 32]);
        let written = answer.write();
        assert_eq!(ServerHello::read(&written), Some(answer.clone()));
        assert_eq!(answer.share(), Some(&[5; 32][..]));
        assert!(ServerHello::retry(&hello, 0x1301, group::X25519).is_retry() && !answer.is_retry());
        for (bytes, client) in [(&bytes, true), (&written, false)] {
            for length in 0..bytes.len() {
                let cut = &bytes[..length];
                let none =
                    if client { ClientHello::read(cut).is_none() } else { ServerHello::read(cut).is_none() };
                assert!(none, "{length}");
            }
        }
    }
}
