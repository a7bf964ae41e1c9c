use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirelab_model::{Hello, Offered};
use wirelab_wire::tls::{ClientHello, MAX_HELLO, TlsEvent, TlsReader, suite, version};

/// A connection of which the first bytes are kept: what the client says in its hello.
#[derive(Debug)]
pub(crate) struct Heard<S> {
    tcp: S,
    first: First,
}

/// The first bytes of a connection, at most 64 KiB: as much as a hello may have.
#[derive(Debug, Clone, Default)]
pub(crate) struct First(Arc<Mutex<Vec<u8>>>);

impl<S> Heard<S> {
    pub(crate) fn new(tcp: S) -> (Self, First) {
        let first = First::default();
        (Self { tcp, first: first.clone() }, first)
    }
}

/// What the first hello in a client's bytes offers; none where they hold no whole hello.
pub fn offered(bytes: &[u8]) -> Option<Offered> {
    hello(bytes).map(|hello| hello.offered)
}

/// What the first hello in a client's bytes says; none where they hold no whole hello.
pub(crate) fn hello(bytes: &[u8]) -> Option<Hello> {
    let mut hello = None;
    TlsReader::default().push(bytes, false, &mut |event| {
        if let TlsEvent::ClientHello(said) = event {
            hello.get_or_insert(said);
        }
    });
    let ClientHello { versions, suites, alpn, ja3, ja4, sni, .. } = *hello?;
    let offered = Offered {
        versions: versions.into_iter().map(version).collect(),
        ciphers: suites.into_iter().map(suite).collect(),
        alpn,
        ja3,
        ja4,
    };
    Some(Hello { sni, offered })
}

impl First {
    /// What the hello in it offers; none where it is no whole hello.
    pub(crate) fn offered(&self) -> Option<Offered> {
        offered(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_HELLO - kept.len().min(MAX_HELLO);
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let done = Pin::new(&mut self.tcp).poll_read(context, buffer);
        self.first.add(buffer.filled().get(before..).unwrap_or_default());
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
