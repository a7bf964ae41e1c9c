//! The whole program, from outside.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and says aloud what it skips"
)]

mod adapters;
mod bad_input;
mod bench;
mod certificates;
mod clients;
mod documents;
mod foreign;
mod handshake;
mod hostile;
mod hostile_replies;
mod lab;
mod links;
mod lookalikes;
mod mutual;
mod posture;
mod privilege;
mod reconnect;
mod redis_attacks;
mod rogue;
mod servers;
mod signals;
mod snapshots;
mod sniff;
mod stackexchange;
mod support;
mod tampering;
mod weak_clients;
