//! Plain data that every crate of wirelab shares. No I/O, no clock, no logic beyond what a value
//! can say about itself.
//!
//! Words are those of the field: a *scenario* is an attack and the *arms* it is run in; an arm
//! makes *evidence*, the judge turns evidence into a *verdict*, and a verdict is held against its
//! *expectation*.

mod canary;
mod client;
mod event;
mod evidence;
mod exit;
mod frame;
mod peer;
mod record;
mod redirect;
mod scenario;
mod schema;
mod verdict;
mod weakness;
mod wire;

pub use canary::{Canaries, CanaryKind};
pub use client::{ClientEnd, ClientReport};
pub use event::RunEvent;
pub use evidence::{ArmEvidence, PacketView, Trial, TrialKind};
pub use exit::ExitCode;
pub use frame::{Frame, LINKTYPE_ETHERNET};
pub use peer::{Connection, Ending, Handshake, Listener, Opening, PeerReport, TlsFacts, Witnessed};
pub use record::{ArmRecord, ControlRecord, Outcome, RunRecord, ScenarioInfo, Setup};
pub use redirect::{AnnouncedHost, Destination, Redirection, Topology};
pub use scenario::{Arm, Attack, Expect, Scenario, Transport};
pub use schema::schemas;
pub use verdict::{Got, Verdict};
pub use weakness::{Importance, Weakness};
pub use wire::{
    CertificateSeen, Direction, Encoding, FlowKind, FlowSeen, Leak, Resumption, TlsAlertSeen, TlsSeen,
    WireReport,
};
