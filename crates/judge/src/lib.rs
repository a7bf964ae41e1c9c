//! Evidence in, verdict out. Pure functions: no I/O, no clock, nothing random.
//!
//! The three rules:
//! 1. **A pass is never vacuous.** `secure` needs working controls before and after, a rogue that
//!    the same client accepts once its flaw is removed, and a sibling arm in which the same attack
//!    succeeds.
//! 2. **Two witnesses.** The wire and the endpoints must tell one story. A secret on the wire
//!    outranks whatever the client says about itself; for everything else a contradiction, a dropped
//!    packet or a fault of the lab makes the arm `inconclusive`.
//! 3. **Refused for the right reason.** A refusal counts only after the forged certificate was
//!    delivered, as both witnesses report.

mod ask;
mod attack;
mod bait;
mod control;
mod finding;
mod hostile;
mod intruder;
mod link;
mod list;
mod listen;
mod misbehave;
mod path;
mod posture;
mod reconnect;
mod redirect;
mod renegotiate;
mod resume;
mod stall;
mod storm;
mod support;
mod tamper;
mod wire;

#[cfg(test)]
mod testkit;

pub use attack::{asked_in_clear, find};
pub use control::{Control, control};
pub use finding::Finding;
pub use posture::{Seen, environment};
pub use support::{Support, liveness_sibling, verdict};
