//! Plain data that every crate of wirelab shares. No I/O, no clock, no logic beyond what a value
//! can say about itself.
//!
//! Words are those of the field: a *scenario* is an attack and the *arms* it is run in; an arm
//! makes *evidence*, the judge turns evidence into a *verdict*, and a verdict is held against its
//! *expectation*.

mod adapter;
mod bench;
mod bench_plan;
mod canary;
mod client;
mod clients;
mod demand;
mod event;
mod evidence;
mod exit;
mod frame;
mod hostility;
mod link;
mod matrix;
mod peer;
mod posture;
mod record;
mod redirect;
mod scenario;
mod schema;
mod tampering;
mod verdict;
mod weakness;
mod wire;

pub use adapter::{
    ADAPTER_PROTOCOL, AdapterAnswer, AdapterCase, AdapterClient, AdapterHello, AdapterLine, AdapterOutcome,
    AdapterTopology,
};
pub use bench::{
    BenchBaseline, BenchCell, BenchChange, BenchConnecting, BenchEstimate, BenchHandshakes, BenchLatency,
    BenchMemory, BenchOperation, BenchRecord, BenchSetup, BenchSide,
};
pub use bench_plan::{BenchFleet, BenchPlan, BenchPlanRow};
pub use canary::{Canaries, CanaryKind};
pub use client::{ClientEnd, ClientReport};
pub use clients::{Expectation, ExpectationFile, Names, RegistryEntry, RegistryFile};
pub use demand::Demand;
pub use event::RunEvent;
pub use evidence::{ArmEvidence, PacketView, Trial, TrialKind};
pub use exit::ExitCode;
pub use frame::{Frame, LINKTYPE_ETHERNET};
pub use hostility::{Hostility, MOST_MEMORY};
pub use link::Link;
pub use matrix::{Matrix, MatrixCell, MatrixRow};
pub use peer::{
    Connection, Ending, Handshake, Harvest, Hello, Listener, Offered, Opening, PeerReport, TlsFacts,
    Witnessed,
};
pub use posture::{Environment, EnvironmentRecord, Has, Risk};
pub use record::{
    ArmRecord, ClientRecord, ControlRecord, Exception, Outcome, RunRecord, ScenarioInfo, Setup,
};
pub use redirect::{AnnouncedHost, Destination, Redirection, Topology};
pub use scenario::{Arm, Attack, Expect, Scenario, Transport};
pub use schema::schemas;
pub use tampering::{Bait, Talk, Tampering};
pub use verdict::{Got, Verdict};
pub use weakness::{Importance, Weakness};
pub use wire::{
    CertificateSeen, Direction, Encoding, FlowKind, FlowSeen, Leak, Resumption, TlsAlertSeen, TlsSeen,
    WireReport,
};
