//! Reading ahead: the next bytes of a file are fetched, and unpacked, while those before are looked at.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Bytes that are fetched at once. More would not stay in the caches of a processor: twice as slow.
const BLOCK: usize = 64 << 10;
/// Blocks that go round: with them the memory is bounded.
const BLOCKS: usize = 8;
/// Blocks that go back at once. The thread sleeps until so many are free: to wake it for each of them takes a
/// tenth of all the time.
const BACK: usize = 4;

#[derive(Debug, Default)]
struct Block {
    bytes: Box<[u8]>,
    /// How much of it is filled.
    length: usize,
}

/// A source that a thread of its own reads.
#[derive(Debug)]
pub(super) struct Ahead {
    filled: Receiver<io::Result<Block>>,
    back: Sender<Vec<Block>>,
    /// Blocks that were looked at, fewer than [`BACK`].
    used: Vec<Block>,
    block: Block,
    /// How much of the block was taken.
    taken: usize,
    ended: bool,
    there: There,
}

/// How many blocks are there to be looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct There(Arc<AtomicUsize>);

impl There {
    /// Whether the next ones need not be waited for.
    pub(super) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Ahead {
    /// The thread ends with the source, or when this is dropped: at once, or where it waits for bytes that
    /// do not come, with the process.
    pub(super) fn new(mut source: impl Read + Send + 'static) -> io::Result<Self> {
        let (give, filled) = channel();
        let (back, take) = channel();
        let there = There::default();
        let given = there.clone();
        let work = move || fetch(&mut source, &give, &take, &given);
        thread::Builder::new().name("reading".into()).spawn(work)?;
        Ok(Self { filled, back, used: Vec::new(), block: Block::default(), taken: 0, ended: false, there })
    }

    pub(super) fn there(&self) -> There {
        self.there.clone()
    }
}

fn fetch(
    source: &mut impl Read,
    give: &Sender<io::Result<Block>>,
    back: &Receiver<Vec<Block>>,
    there: &There,
) {
    let mut free: Vec<_> = (0..BLOCKS).map(|_| Block { bytes: vec![0; BLOCK].into(), length: 0 }).collect();
    loop {
        let Some(mut block) = free.pop() else {
            match back.recv() {
                Ok(used) => free = used,
                Err(_) => return,
            }
            continue;
        };
        // What is there is given at once: a pipe may bring no more for long.
        let read = loop {
            match source.read(&mut block.bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(length) => {
                    block.length = length;
                    break Ok(block);
                }
                Err(error) => break Err(error),
            }
        };
        let over = read.as_ref().map_or(true, |block| block.length == 0);
        there.0.fetch_add(1, Ordering::Relaxed);
        if give.send(read).is_err() || over {
            return;
        }
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.block.length && !self.ended {
            let old = std::mem::take(&mut self.block);
            self.taken = 0;
            if !old.bytes.is_empty() {
                self.used.push(old);
            }
            if self.used.len() == BACK {
                // Nobody takes them where the thread has ended.
                drop(self.back.send(std::mem::take(&mut self.used)));
            }
            let next = self.filled.recv();
            if next.is_ok() {
                self.there.0.fetch_sub(1, Ordering::Relaxed);
            }
            // A closed channel is the end too.
            self.block = next.unwrap_or_else(|_| Ok(Block::default())).inspect_err(|_| self.ended = true)?;
            self.ended = self.block.length == 0;
        }
        Ok(self.block.bytes.get(self.taken..self.block.length).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.block.length);
    }
}

impl Read for Ahead {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut there = self.fill_buf()?;
        let length = there.read(room)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_all_and_then_the_end_or_the_error() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 17).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut read = Vec::new();
        Ahead::new(io::Cursor::new(bytes.clone())).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let mut broken = Ahead::new(io::Cursor::new(b"abc").chain(Broken)).unwrap();
        assert_eq!(broken.fill_buf().unwrap(), b"abc");
        broken.consume(3);
        assert!(broken.fill_buf().is_err());
        assert!(broken.fill_buf().unwrap().is_empty());
    }
}
