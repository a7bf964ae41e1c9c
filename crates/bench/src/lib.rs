//! What TLS costs: the same load without and with TLS, in turn, with statistics that say how sure they are.
//!
//! The load generator is one thread around epoll with prebuilt requests, as `redis-benchmark` is; every
//! byte of every reply is compared with what it must be. It keeps all connections busy all the time (a
//! closed loop), so its latencies are those of a server under full load.

mod address;
mod clock;
mod compare;
mod connect;
mod dial;
mod error;
mod exchange;
#[cfg(test)]
mod fixture;
mod grid;
mod latency;
mod link;
mod load;
mod options;
mod place;
mod plan;
mod rounds;
mod run;
mod statistics;
mod target;
mod warn;

pub use address::{Address, AddressError};
pub use clock::Meter;
pub use compare::{Judged, compare, judge};
pub use connect::Storm;
pub use dial::{Cipher, Dial, Login, Resume, Trust};
pub use error::BenchError;
pub use exchange::Exchange;
pub use load::{Load, Sample};
pub use options::{External, Grid, Options, Subject, Until};
pub use place::Place;
pub use plan::{PlanError, plan};
pub use run::{Progress, run};
