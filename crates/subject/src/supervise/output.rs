use std::io::{ErrorKind, Read};
use std::mem::take;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Most bytes that are kept of standard output, and of standard error: 1 MiB each.
pub const OUTPUT_LIMIT: usize = 1 << 20;

/// An output of the program, read to its end by a thread of its own so that the program never waits.
pub(crate) struct Output {
    kept: Arc<Mutex<Kept>>,
    ended: Receiver<()>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: u64,
}

impl Output {
    /// Starts to read.
    pub(crate) fn copy(pipe: Option<impl Read + Send + 'static>) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (sender, ended) = channel();
        let copy = Arc::clone(&kept);
        thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut buffer = [0; 16 << 10];
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => lock(&copy).add(buffer.get(..length).unwrap_or_default()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            let _ = sender.send(());
        });
        Self { kept, ended }
    }

    /// What was kept, and how many bytes were cut. Waits at most `patience` for the end.
    pub(crate) fn finish(self, patience: Duration) -> (Vec<u8>, u64) {
        // Ended, or held open by a process beyond reach: take what there is.
        let _ = self.ended.recv_timeout(patience);
        let mut kept = lock(&self.kept);
        (take(&mut kept.bytes), kept.cut)
    }
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        let room = OUTPUT_LIMIT - self.bytes.len();
        let (fits, cut) = bytes.split_at(room.min(bytes.len()));
        self.bytes.extend_from_slice(fits);
        self.cut += cut.len() as u64;
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
