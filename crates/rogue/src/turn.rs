//! When somebody who was good at first stops being so: for all connections at once.

use std::time::Duration;
use tokio::sync::watch;

/// How long good connections may take to end once they are cut off.
const ENDING: Duration = Duration::from_secs(1);

/// The moment in which the attack begins. Clients often open several connections together; all that are there before
/// it are good ones, and end with it.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    taken: watch::Sender<bool>,
    when: When,
}

/// Who says that the good session was long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The rogue, by what it sees of the session.
    Seen,
    /// Whoever runs the client, which stays connected.
    Told,
}

impl Turn {
    pub(crate) fn new(when: When) -> Self {
        Self { taken: watch::Sender::new(false), when }
    }

    pub(crate) fn has_come(&self) -> bool {
        *self.taken.borrow()
    }

    /// The rogue has seen enough. Gives whether that is for it to say.
    pub(crate) fn seen(&self) -> bool {
        let decides = self.when == When::Seen;
        if decides {
            self.take();
        }
        decides
    }

    pub(crate) fn take(&self) {
        self.taken.send_replace(true);
    }

    /// To be held by each good connection until its sockets are closed.
    pub(crate) fn hold(&self) -> watch::Receiver<bool> {
        self.taken.subscribe()
    }

    /// It is now, and waits until the good connections have ended: a quick client would have its next answer over one.
    pub(crate) async fn take_and_wait(&self) {
        self.take();
        drop(tokio::time::timeout(ENDING, self.taken.closed()).await);
    }

    /// It is still to come.
    pub(crate) fn take_back(&self) {
        self.taken.send_replace(false);
    }

    /// Waits for it.
    pub(crate) async fn taken(&self) {
        // The sender is at hand, so this ends only with the moment itself.
        drop(self.taken.subscribe().wait_for(|taken| *taken).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_comes_for_all_at_once() {
        let turn = Turn::new(When::Seen);
        let other = turn.clone();
        assert!(!other.has_come());
        let waiting = tokio::spawn(async move { other.taken().await });
        assert!(turn.seen());
        waiting.await.unwrap();
        turn.taken().await;
        assert!(turn.has_come());
        turn.take_back();
        assert!(!turn.has_come());
    }

    #[tokio::test]
    async fn who_takes_it_waits_for_the_good_connections() {
        let turn = Turn::new(When::Told);
        let held = turn.hold();
        let mut taking = std::pin::pin!(turn.take_and_wait());
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut taking).await.is_err());
        assert!(turn.has_come());
        drop(held);
        taking.await;
    }

    #[test]
    fn it_waits_for_whom_it_is_told_by() {
        let turn = Turn::new(When::Told);
        assert!(!turn.seen() && !turn.has_come());
        turn.take();
        assert!(turn.has_come());
    }
}
