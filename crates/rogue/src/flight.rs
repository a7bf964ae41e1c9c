//! The first flight of a client, kept as it came.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirelab_redis::Stream;

/// Most bytes of a client's first flight that are kept.
pub(crate) const MOST_FLIGHT: usize = 16 << 10;

/// A connection of which everything that comes before the first answer is kept.
pub(crate) struct Kept {
    stream: Box<dyn Stream>,
    flight: Flight,
}

/// The bytes, and whether there was an answer.
#[derive(Clone, Default)]
pub(crate) struct Flight(Arc<Mutex<(Vec<u8>, bool)>>);

impl Flight {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

impl Kept {
    pub(crate) fn new(stream: Box<dyn Stream>) -> (Self, Flight) {
        let flight = Flight::default();
        (Self { stream, flight: flight.clone() }, flight)
    }
}

impl AsyncRead for Kept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(context, buffer);
        let came = buffer.filled().get(before..).unwrap_or_default();
        let mut kept = self.flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.1 && kept.0.len() + came.len() <= MOST_FLIGHT {
            kept.0.extend_from_slice(came);
        }
        drop(kept);
        done
    }
}

impl AsyncWrite for Kept {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.flight.0.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
