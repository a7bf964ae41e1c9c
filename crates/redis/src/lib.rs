//! The small in-memory Redis that the embedded server and the rogue both speak, and the listener
//! that both use: it records what a client does from its first byte to its last.

mod asking;
mod commands;
mod data;
mod encode;
mod endpoint;
mod heard;
mod master;
mod record;
mod serve;
mod session;
mod sessions;
mod store;
mod tls;
mod topology;
mod tracking;
mod weak_key;

pub use endpoint::{Accepts, Endpoint, EndpointError, Running, Stream};
pub use heard::offered;
pub use master::{DataSet, serve_replica};
pub use record::{Recorder, ending};
pub use serve::serve;
pub use session::{Access, Next, Session};
pub use sessions::Sessions;
pub use store::Store;
pub use tls::{Secrets, Tls};
pub use topology::{Address, Claims, SERVICE, SWITCH_MASTER};
pub use wirelab_wire::tls::read_certificate;
