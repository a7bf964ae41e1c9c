use crate::{Expectations, Registered};
use std::path::PathBuf;
use std::time::Duration;
use wirelab_model::Transport;
use wirelab_subject::{Client, ServerKind};

/// What a run is to do, beside its scenarios.
#[derive(Debug, Clone)]
pub struct Options {
    /// The client under test, where `registered` is empty.
    pub client: Client,
    /// The clients under test.
    pub registered: Vec<Registered>,
    /// What is expected of those other than the scenarios say.
    pub expectations: Expectations,
    /// How many of those are run at the same time, at most.
    pub jobs: usize,
    /// Transports that the client under test is run in. None: all for the built-in client, `tls` for
    /// any other. Arms that only prove an attack live are run with the built-in client.
    pub arms: Option<Vec<Transport>>,
    /// The good server.
    pub server: ServerKind,
    /// How long one client may take, at most.
    pub deadline: Duration,
    /// Port on loopback that clients are told to use; 0 for any free one.
    pub port: u16,
    /// The run's folder; made here, and must not exist or be empty.
    pub folder: PathBuf,
    /// Show secrets as they are.
    pub reveal: bool,
    /// Stop at the first arm that is not as expected.
    pub fail_fast: bool,
    /// Break the lab on purpose.
    pub sabotage: Option<Sabotage>,
    /// Words that start a supervised program: `wirelab supervise`.
    pub launcher: Vec<String>,
    /// Where packets are captured, in words.
    pub place: String,
}

/// Ways to break the lab on purpose, so that people can see it go red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The TLS arms run without TLS.
    NoTls,
    /// The rogue does nothing.
    IdleRogue,
    /// The capture hears nothing.
    DeafCapture,
}

impl Sabotage {
    /// All of them, with the word of the command line.
    pub const ALL: [(&'static str, Self); 3] =
        [("no-tls", Self::NoTls), ("idle-rogue", Self::IdleRogue), ("deaf-capture", Self::DeafCapture)];

    /// The word of the command line.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, sabotage)| *sabotage == self).map_or("", |(word, _)| word)
    }
}
