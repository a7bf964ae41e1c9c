//! Scenario files in, a run and its evidence out. The only crate that sees both the capture and the
//! rogue.

mod evidence;
mod group;
mod lab;
mod options;
mod run;
mod scenario;
mod select;
mod trial;

pub use group::{Group, Planned};
pub use lab::{RunError, write_file};
pub use options::{Options, Sabotage};
pub use run::{Finished, run};
pub use scenario::{ScenarioError, parse};
pub use select::{Filter, SelectError, Source, embedded, select, suited};
