use crate::message::{Reader, vector8, vector16};
use crate::message_type;
use crate::schedule::{Schedule, binder};

/// What a client needs to resume a session of TLS 1.3 (RFC 8446 section 4.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What the server gave.
    identity: Vec<u8>,
    /// What it is to be added to the age, so that nobody tells sessions by it.
    age_add: u32,
    /// The key that both sides know.
    pub psk: Vec<u8>,
    /// Bytes that may be sent before the server answers (RFC 8446 section 4.2.10).
    pub most_early: u32,
}

impl Ticket {
    /// Bytes of a proof: a hash.
    pub(crate) const PROOF: usize = 32;

    /// Reads a whole NewSessionTicket with its header. `schedule` is that of the session, client's Finished
    /// included. None where it is something else, or cut.
    pub fn read(message: &[u8], schedule: &Schedule) -> Option<Self> {
        const EARLY_DATA: u16 = crate::extension_type::EARLY_DATA;
        let (message_type::NEW_SESSION_TICKET, message) = Reader(message).handshake()? else { return None };
        let mut reader = Reader(message.get(4..)?);
        let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.try_into().ok()?));
        reader.take(4)?;
        let age_add = number(reader.take(4)?)?;
        let nonce = reader.vector8()?;
        let identity = reader.vector16()?.to_vec();
        let all = Reader(reader.vector16()?).extensions();
        let early = all.into_iter().find(|(kind, _)| *kind == EARLY_DATA);
        let most_early = early.and_then(|(_, body)| number(body)).unwrap_or_default();
        Some(Self { identity, age_add, psk: schedule.resumption(nonce), most_early })
    }

    /// The content of pre_shared_key (RFC 8446 section 4.2.11), with an age of nothing.
    pub(crate) fn offer(&self, proof: &[u8]) -> Vec<u8> {
        let identity = [&vector16(&self.identity)[..], &self.age_add.to_be_bytes()].concat();
        [vector16(&identity), vector16(&vector8(proof))].concat()
    }

    /// The proof over a hello without its proofs.
    pub(crate) fn proof(&self, hello: &[u8]) -> Vec<u8> {
        binder(&self.psk, hello)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientHello, extensions, handshake};

    fn message() -> Vec<u8> {
        let early = extensions(&[(crate::extension_type::EARLY_DATA, 9_u32.to_be_bytes().to_vec())]);
        let body = [&[0, 0, 1, 0][..], &[0, 0, 0, 7], &vector8(b"n"), &vector16(b"ticket"), &early].concat();
        handshake(message_type::NEW_SESSION_TICKET, &body)
    }

    #[test]
    fn a_ticket_is_read_and_a_cut_one_is_none() {
        let whole = message();
        let ticket = Ticket::read(&whole, &Schedule::default()).unwrap();
        assert_eq!((ticket.identity.as_slice(), ticket.age_add, ticket.most_early), (&b"ticket"[..], 7, 9));
        for length in 0..whole.len() {
            assert_eq!(Ticket::read(&whole[..length], &Schedule::default()), None, "{length}");
        }
    }

    /// The proof is the last thing in the hello, and covers all that is before it.
    #[test]
    fn a_hello_that_resumes_ends_with_its_proof() {
        let ticket = Ticket::read(&message(), &Schedule::default()).unwrap();
        let hello =
            ClientHello { random: vec![7; 32], resumes: Some(ticket.clone()), ..ClientHello::default() };
        let bytes = hello.write();
        let (before, proofs) = bytes.split_at(bytes.len() - Ticket::PROOF - 3);
        assert_eq!(proofs, [&[0, 33, 32][..], &ticket.proof(before)].concat());
        assert!(ClientHello::read(&bytes).unwrap().extensions.ends_with(&[45, 41]));
    }
}
