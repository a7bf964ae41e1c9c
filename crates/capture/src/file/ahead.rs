//! Reading ahead: the next bytes of a file are fetched, and unpacked, while those before are looked at.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

/// Bytes that are fetched at once. More would not stay in the caches of a processor: twice as slow.
const BLOCK: usize = 64 << 10;
/// Blocks that wait to be looked at.
const WAITING: usize = 2;

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
    used: Sender<Block>,
    block: Block,
    /// How much of the block was taken.
    taken: usize,
    ended: bool,
}

impl Ahead {
    /// The thread ends with the source, or when this is dropped: at once, or where it waits for bytes that
    /// do not come, with the process.
    pub(super) fn new(mut source: impl Read + Send + 'static) -> io::Result<Self> {
        let (give, filled) = sync_channel(WAITING);
        let (used, take) = channel();
        let work = move || fetch(&mut source, &give, &take);
        thread::Builder::new().name("reading".into()).spawn(work)?;
        Ok(Self { filled, used, block: Block::default(), taken: 0, ended: false })
    }
}

fn fetch(source: &mut impl Read, give: &SyncSender<io::Result<Block>>, used: &Receiver<Block>) {
    loop {
        let mut block = used
            .try_recv()
            .ok()
            .filter(|block| !block.bytes.is_empty())
            .unwrap_or_else(|| Block { bytes: vec![0; BLOCK].into(), length: 0 });
        // What is there is given at once: a pipe may bring no more for long.
        let read = source.read(&mut block.bytes);
        let read = match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(length) => {
                block.length = length;
                Ok(block)
            }
            Err(error) => Err(error),
        };
        let over = read.as_ref().map_or(true, |block| block.length == 0);
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
            // Nobody takes it where the thread has ended.
            drop(self.used.send(old));
            let next = self.filled.recv();
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
