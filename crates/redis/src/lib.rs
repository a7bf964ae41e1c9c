//! The small in-memory Redis that the embedded server and the rogue both speak, and the listener
//! that both use: it records what a client does from its first byte to its last.

mod encode;
mod endpoint;
mod heard;
mod record;
mod serve;
mod session;
mod store;
mod tls;
mod topology;
mod tracking;
mod weak_key;

pub use endpoint::{Accepts, Endpoint, EndpointError, Running, Stream};
pub use record::{Recorder, ending};
pub use serve::serve;
pub use session::{Access, Next, Session};
pub use store::Store;
pub use tls::Tls;
pub use topology::{Address, Claims, SERVICE};
