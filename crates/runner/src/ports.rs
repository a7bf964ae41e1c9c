use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

/// For how many others a port rests before it may be used again. The system has some 28000 to give, and a run of all
/// clients against everything takes more. A client answers some 300 trials and is then ended, so that with as many at the
/// same time as are useful it is long gone by then.
const REST: usize = 8192;

/// Ports that a run has used. None is used again soon: a client that comes back late, or that runs at the same time,
/// never meets the peer of another trial, and a flow is known by the port of its server.
pub(crate) struct Ports {
    /// The one that all trials are told to use; 0 for none.
    fixed: u16,
    used: Mutex<Used>,
}

/// The ports that rest, also in the order in which they were used.
#[derive(Default)]
struct Used {
    all: HashSet<u16>,
    order: VecDeque<u16>,
}

impl Ports {
    pub(crate) fn new(fixed: u16) -> Self {
        Self { fixed, used: Mutex::default() }
    }

    /// Notes a port. False: the run has used it a short while ago, and need not again.
    pub(crate) fn take(&self, port: u16) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.all.insert(port) {
            return port == self.fixed;
        }
        used.order.push_back(port);
        if used.order.len() > REST
            && let Some(rested) = used.order.pop_front()
        {
            used.all.remove(&rested);
        }
        true
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

    #[test]
    fn a_port_may_be_used_again_after_a_long_rest() {
        let ports = Ports::new(0);
        assert!((1..=8192).all(|port| ports.take(port)));
        assert!(!ports.take(1), "it rests");
        assert!(ports.take(8193) && ports.take(1));
        assert!(!ports.take(8193) && !ports.take(3), "the others rest on");
    }
}
