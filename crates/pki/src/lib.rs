//! The lab's certificates: a fresh authority for each run, good identities, and the catalogue of
//! forged ones, each of which differs from the good one by exactly one flaw.
//!
//! No I/O and no clock: the time is an argument. This is the only crate that names rcgen.

mod catalogue;
mod client_trust;
mod der;
mod entry;
mod identity;
mod intruder;
mod kit;
mod lab;
mod list;
mod ocsp;
mod server_key;
mod template;
mod weak;

pub use catalogue::{all, find};
pub use client_trust::ClientTrust;
pub use entry::{Entry, Expectation, Shape};
pub use identity::Identity;
pub use intruder::{Intruder, intruder, intruders};
pub use lab::{Lab, PkiError};
pub use server_key::ServerKey;
