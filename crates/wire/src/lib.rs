//! Bytes in, events out: links, IP, TCP streams, RESP, TLS records, canaries. No I/O and no clock.
//!
//! [`sniff`] reads a capture while it goes by, [`reading`] a whole one with the canaries of the lab in it; the other
//! modules are their steps.
//!
//! Memory: what a flow may hold is bounded where it is held (bytes behind a hole, one RESP value,
//! one TLS hello, the head of each stream), and all of it are bytes of frames that were pushed.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod canary;
pub mod classes;
pub mod credential;
pub mod decrypt;
pub mod defrag;
mod inline;
pub mod keys;
mod leaks;
pub mod packet;
pub mod reading;
pub mod resp;
pub mod scan;
pub mod sniff;
pub mod stream;
#[cfg(test)]
mod testkit;
pub mod tls;
mod view;
pub mod words;

pub use canary::{Needles, Scanner, Sighting};
pub use reading::Reading;
