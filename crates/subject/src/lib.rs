//! Clients and servers under test.
//!
//! A client is the built-in one, or any command that follows the contract of the environment: see
//! [`Target::environment`]. Commands run under a supervisor process, which keeps their deadline and
//! leaves nothing running, even where the lab itself is killed.

mod builtin;
mod client;
mod command;
mod processes;
mod server;
mod supervise;
mod target;

pub use client::Client;
pub use command::{SplitError, split};
pub use server::{Pair, Server, ServerError, ServerKind};
pub use supervise::{OUTPUT_LIMIT, launcher, supervise};
pub use target::{Target, TlsFiles};
pub use wirelab_pki::ServerKey;
