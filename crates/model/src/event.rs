use crate::{ArmRecord, ClientRecord, ControlRecord, Transport};

/// What a run tells while it goes on. Secrets are masked already.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// A client of the registry cannot run.
    ClientSkipped(ClientRecord),
    /// The plan is made.
    Started {
        /// Trials (arms and controls) to come.
        trials: usize,
    },
    /// A trial begins.
    TrialStarted {
        /// Scenario id, or what kind of control.
        name: String,
        /// Its transport.
        arm: Transport,
        /// Its client.
        client: String,
    },
    /// A control ended.
    Control(ControlRecord),
    /// The trial of an arm ended; its verdict follows when its siblings have run.
    TrialEnded,
    /// An arm has its verdict.
    Arm(ArmRecord),
}
