//! Packet capture for the lab: live capture between two marker packets, the pcapng file that keeps
//! a recording, and the place (host or a network namespace of its own) where capturing is allowed.
//!
//! This is the only crate that names libpcap. Everything in it blocks: an async caller runs it on a
//! thread made for blocking work. Linux only.

mod error;
mod file;
mod filter;
mod live;
mod marker;
mod pcapng;
mod place;
mod tap;
mod version;

pub use error::CaptureError;
pub use file::{Captured, FileEnd, FileError, Item, read, read_ahead};
pub use filter::Filter;
pub use live::{Live, Recording};
pub use pcapng::{Writer, write};
pub use place::{Place, PlaceError, enter};
pub use tap::tap;
pub use version::libpcap_version;
