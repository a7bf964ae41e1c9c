use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};

/// Length of a marker's UDP payload: a random token and a number.
const PAYLOAD: usize = 16 + 8;
/// No link, IPv4 and UDP header before a marker is longer than this. Frames that are longer than a
/// marker can be are not looked at.
const MAX_HEADERS: usize = 64;

/// Makes and recognises marker packets: UDP datagrams from one of our own sockets on 127.0.0.1 to
/// another one of our own.
pub(crate) struct Marker {
    from: UdpSocket,
    to: UdpSocket,
    token: Token,
}

/// What tells the markers of one capture from everything else on the wire. It is random, so that
/// nobody on the machine can end a recording early.
#[derive(Clone, Copy)]
pub(crate) struct Token([u8; 16]);

impl Marker {
    pub(crate) fn new() -> io::Result<Self> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(io::Error::other)?;
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        to.set_nonblocking(true)?;
        let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        // A full send buffer must not stall a caller that has a deadline.
        from.set_nonblocking(true)?;
        from.connect(to.local_addr()?)?;
        Ok(Self { from, to, token: Token(token) })
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// Sends marker `number` once. A send buffer that is full counts as sent: the caller resends.
    pub(crate) fn send(&self, number: u64) -> io::Result<()> {
        // Take in what earlier sends left, so that the receive buffer does not fill up. One more
        // read than there is of sends is enough; the bound is for strangers who send here too.
        let mut buffer = [0; PAYLOAD];
        for _ in 0..64 {
            if self.to.recv(&mut buffer).is_err() {
                break;
            }
        }
        match self.from.send(&self.token.payload(number)) {
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(e),
            _ => Ok(()),
        }
    }
}

impl Token {
    fn payload(self, number: u64) -> [u8; PAYLOAD] {
        let mut payload = [0; PAYLOAD];
        payload[..16].copy_from_slice(&self.0);
        payload[16..].copy_from_slice(&number.to_be_bytes());
        payload
    }

    /// The number of the marker that `frame` carries, if it carries one of ours.
    pub(crate) fn read(self, frame: &[u8]) -> Option<u64> {
        if frame.len() > MAX_HEADERS + PAYLOAD {
            return None;
        }
        let (_, payload) = frame.split_last_chunk::<PAYLOAD>()?;
        let (token, number) = payload.split_last_chunk::<8>()?;
        (token == self.0).then(|| u64::from_be_bytes(*number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payload: &[u8], headers: usize) -> Vec<u8> {
        let mut frame = vec![0; headers];
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn only_own_markers_are_recognised() {
        let (own, other) = (Token([7; 16]), Token([8; 16]));
        assert_eq!(own.read(&framed(&own.payload(300), 42)), Some(300));
        assert_eq!(own.read(&framed(&other.payload(300), 42)), None);
        assert_eq!(own.read(&framed(&own.payload(1), MAX_HEADERS + 1)), None);
        assert_eq!(own.read(&own.payload(1)[1..]), None);
        assert_eq!(own.read(&[]), None);
    }

    #[test]
    fn a_full_receive_buffer_does_not_stop_markers() {
        let marker = Marker::new().unwrap();
        for number in 0..1000 {
            marker.send(number).unwrap();
        }
        let mut buffer = [0; PAYLOAD];
        assert_eq!(marker.to.recv(&mut buffer).unwrap(), PAYLOAD);
        assert_eq!(buffer, marker.token.payload(999));
    }
}
