//! Bytes in, events out: links, IP, TCP streams, RESP, TLS records, canaries. No I/O and no clock.
//!
//! [`analysis::analyze`] does all of it for a capture; the other modules are its steps.
//!
//! Memory: what a flow may hold is bounded where it is held (bytes behind a hole, one RESP value,
//! one TLS hello, the head of each stream), and all of it are bytes of frames that were pushed.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod analysis;
pub mod canary;
pub mod classes;
pub mod credential;
pub mod decrypt;
pub mod defrag;
mod flow;
mod inline;
mod leaks;
pub mod packet;
pub mod reader;
pub mod resp;
pub mod scan;
pub mod sniff;
pub mod stream;
#[cfg(test)]
mod testkit;
pub mod tls;
mod view;
pub mod words;

pub use analysis::{Analysis, Analyzer, analyze};
pub use canary::{Needles, Scanner, Sighting};
