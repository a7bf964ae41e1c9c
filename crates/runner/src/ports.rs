use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Ports that a run has used. None is used twice: a client that comes back late, or that runs at the same
/// time, never meets the peer of another trial, and a flow is known by the port of its server.
pub(crate) struct Ports {
    /// The one that all trials are told to use; 0 for none.
    fixed: u16,
    used: Mutex<HashSet<u16>>,
}

impl Ports {
    pub(crate) fn new(fixed: u16) -> Self {
        Self { fixed, used: Mutex::default() }
    }

    /// Notes a port. False: the run has used it before, and need not again.
    pub(crate) fn take(&self, port: u16) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(port) || port == self.fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_once_unless_it_is_the_one_for_all() {
        let ports = Ports::new(0);
        assert!(ports.take(4000) && ports.take(4001));
        assert!(!ports.take(4000));
        let fixed = Ports::new(6390);
        assert!(fixed.take(6390) && fixed.take(6390) && fixed.take(4000));
        assert!(!fixed.take(4000), "a server behind a rogue has any port");
    }
}
