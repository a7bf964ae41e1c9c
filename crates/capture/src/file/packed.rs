//! Unpacking, within bounds: a small file may unpack to more than anybody can look at.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that any file may unpack to: 64 MiB.
const FREE: u64 = 64 << 20;
/// Beyond, how many times its own size. Captures of the same packet over and over reach about 50.
const MOST_TIMES: u64 = 200;
/// Largest window of zstd, as a power of two: 32 MiB. `zstd -19` takes 8 MiB.
const WINDOW: u32 = 25;

/// Counts the bytes that are taken from a source.
struct Counted<R> {
    source: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(room)?;
        self.taken.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.fetch_add(amount as u64, Ordering::Relaxed);
        self.source.consume(amount);
    }
}

/// What comes out of an unpacker.
struct Bounded<R> {
    unpacker: R,
    taken: Arc<AtomicU64>,
    given: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.given > FREE && self.given / MOST_TIMES > self.taken.load(Ordering::Relaxed) {
            return Err(io::Error::other("it unpacks to more than 200 times its size"));
        }
        let length = self.unpacker.read(room)?;
        self.given += length as u64;
        Ok(length)
    }
}

fn counted<R>(source: R) -> (Counted<R>, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    (Counted { source, taken: Arc::clone(&taken) }, taken)
}

pub(super) fn gzip(source: impl BufRead) -> impl Read {
    let (source, taken) = counted(source);
    Bounded { unpacker: flate2::bufread::MultiGzDecoder::new(source), taken, given: 0 }
}

pub(super) fn zstd(source: impl BufRead) -> io::Result<impl Read> {
    let (source, taken) = counted(source);
    let mut unpacker = zstd::Decoder::with_buffer(source)?;
    unpacker.window_log_max(WINDOW)?;
    Ok(Bounded { unpacker, taken, given: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_goes_off_harmlessly() {
        let zeros = io::repeat(0).take(4 * FREE);
        let packed = zstd::encode_all(zeros, 1).unwrap();
        let given = io::copy(&mut zstd(packed.as_slice()).unwrap(), &mut io::sink());
        assert!(given.is_err_and(|error| error.to_string().contains("200 times")));
        let packed = zstd::encode_all(io::repeat(0).take(FREE / 2), 1).unwrap();
        assert_eq!(io::copy(&mut zstd(packed.as_slice()).unwrap(), &mut io::sink()).unwrap(), FREE / 2);
    }
}
