//! Clients and servers under test.
//!
//! A client is the built-in one, any command that follows the contract of the environment (see
//! [`Target::environment`]), or an adapter that answers one case after the other. Commands and adapters
//! run under a supervisor process, which leaves nothing running, even where the lab itself is killed.

mod adapter;
mod builtin;
mod client;
mod command;
mod fragile;
mod gullible;
mod memory;
mod own;
mod processes;
mod server;
mod supervise;
mod target;

pub use adapter::{Adapter, AdapterCommand};
pub use client::Client;
pub use command::{SplitError, is_there, split};
pub use own::own_client;
pub use server::{
    ClientCertificates, FarEnd, LinkSetup, Linked, Pair, Server, ServerError, ServerKind, ServerTls,
};
pub use supervise::{OUTPUT_LIMIT, launcher, supervise};
pub use target::{Cut, Login, Target, TlsFiles};
pub use wirelab_pki::ServerKey;
