use crate::Dial;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::{ClientConnection, HandshakeKind};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// How long the system may take to connect on loopback.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// Room for what is read, shared by all links of a thread.
pub(crate) struct Room {
    raw: Vec<u8>,
    text: Vec<u8>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { raw: vec![0; READ], text: vec![0; READ] }
    }
}

/// A connection that never blocks, with or without TLS.
pub(crate) struct Link {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Bytes at the socket so far, TLS records included.
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Nothing to do now is no error.
fn later(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
        other => other,
    }
}

impl Link {
    pub(crate) fn open(dial: &Dial) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&dial.address.socket, CONNECT)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let tls = match &dial.tls {
            None => None,
            Some((config, name)) => {
                let mut tls =
                    ClientConnection::new(config.clone(), name.clone()).map_err(io::Error::other)?;
                tls.set_buffer_limit(None);
                Some(Box::new(tls))
            }
        };
        Ok(Self { socket, tls, sent: 0, received: 0 })
    }

    /// Takes bytes to send and says how many; without TLS those that the socket has no room for are not
    /// taken.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => {
                let length = later(self.socket.write(bytes))?;
                self.sent += length as u64;
                Ok(length)
            }
            Some(tls) => {
                tls.writer().write_all(bytes)?;
                self.flush()?;
                Ok(bytes.len())
            }
        }
    }

    /// Sends what waits; whether nothing is left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        while tls.wants_write() {
            let length = later(tls.write_tls(&mut self.socket))?;
            if length == 0 {
                return Ok(false);
            }
            self.sent += length as u64;
        }
        Ok(true)
    }

    /// Reads once what is there and gives it to `take`. The end of the connection is an error.
    pub(crate) fn read(
        &mut self,
        room: &mut Room,
        mut take: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> io::Result<()> {
        let length = match self.socket.read(&mut room.raw) {
            Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "it closed the connection")),
            result => later(result)?,
        };
        self.received += length as u64;
        let mut raw = room.raw.get(..length).unwrap_or_default();
        let Some(tls) = &mut self.tls else {
            return if raw.is_empty() { Ok(()) } else { take(raw).map_err(io::Error::other) };
        };
        // rustls takes a few KiB at a time: from memory, a system call for each would be the cost.
        while !raw.is_empty() {
            tls.read_tls(&mut raw)?;
            let state = match tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // The alert tells the server why; it may be gone.
                    drop(tls.write_tls(&mut self.socket));
                    return Err(io::Error::other(error));
                }
            };
            let mut left = state.plaintext_bytes_to_read();
            while left > 0 {
                let length = tls.reader().read(&mut room.text)?;
                take(room.text.get(..length).unwrap_or_default()).map_err(io::Error::other)?;
                left = left.saturating_sub(length.max(1));
            }
            if state.peer_has_closed() {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "it closed the connection"));
            }
        }
        Ok(())
    }

    pub(crate) fn handshake(&self) -> Option<HandshakeKind> {
        self.tls.as_ref()?.handshake_kind()
    }

    /// Version, suite and group, once they are agreed on.
    pub(crate) fn agreed(&self) -> Option<[String; 3]> {
        let tls = self.tls.as_ref()?;
        let version = match tls.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => "1.3".to_owned(),
            rustls::ProtocolVersion::TLSv1_2 => "1.2".to_owned(),
            other => format!("{other:?}"),
        };
        let suite = format!("{:?}", tls.negotiated_cipher_suite()?.suite());
        let group = tls.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
        Some([version, suite, group.unwrap_or_default()])
    }

    /// Closes at once, with a reset: a closed connection would keep its port for a minute, and there are
    /// not enough ports for so many.
    pub(crate) fn abort(self) {
        let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        // Without it there are fewer free ports, which then is told.
        let _ = setsockopt(&self.socket, sockopt::Linger, &linger);
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
