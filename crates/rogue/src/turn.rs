//! When somebody who was good at first stops being so: for all connections at once.

use tokio::sync::watch;

/// The moment in which the attack begins. Clients often open several connections together; all that are there before
/// it are good ones, and end with it.
#[derive(Debug, Clone)]
pub(crate) struct Turn(watch::Sender<bool>);

impl Turn {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) fn take(&self) {
        self.0.send_replace(true);
    }

    /// It is still to come.
    pub(crate) fn take_back(&self) {
        self.0.send_replace(false);
    }

    /// Waits for it.
    pub(crate) async fn taken(&self) {
        // The sender is at hand, so this ends only with the moment itself.
        drop(self.0.subscribe().wait_for(|taken| *taken).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_comes_for_all_at_once() {
        let turn = Turn::new();
        let other = turn.clone();
        assert!(!other.has_come());
        let waiting = tokio::spawn(async move { other.taken().await });
        turn.take();
        waiting.await.unwrap();
        turn.taken().await;
        assert!(turn.has_come());
        turn.take_back();
        assert!(!turn.has_come());
    }
}
