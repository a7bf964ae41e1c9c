//! Scenario files in, a run and its evidence out. The only crate that sees both the capture and the
//! rogue.

mod by_hand;
mod certificates;
mod client_files;
mod evidence;
mod expectations;
mod group;
mod lab;
mod lane;
mod links;
mod near;
mod options;
mod peer;
mod ports;
mod posture;
mod probe;
mod registry;
mod run;
mod scenario;
mod scenario_link;
mod select;
mod trial;
mod visits;
mod worker;

pub use by_hand::{AtWork, ByHand, harvest};
pub use client_files::{ClientsError, FileError};
pub use expectations::Expectations;
pub use group::{Group, Planned};
pub use lab::{RunError, write_file};
pub use near::did_you_mean;
pub use options::{Options, Sabotage};
pub use probe::probe;
pub use registry::{Registered, choose, registry};
pub use run::{Finished, run};
pub use scenario::{ScenarioError, parse};
pub use select::{Filter, SelectError, Source, common, embedded, select, suited};
