use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a client under test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum ClientEnd {
    /// It says that it worked: exit code 0.
    Worked,
    /// It says that it failed.
    Failed {
        /// Exit code; none for the built-in client and for adapters.
        code: Option<i32>,
    },
    /// A signal ended it.
    Signal {
        /// Number of the signal.
        number: i32,
    },
    /// It was still running at its deadline, and was killed.
    TimedOut {
        /// The deadline in milliseconds.
        after_ms: u64,
    },
    /// An adapter says that its library cannot do what the case asks for.
    Unsupported {
        /// Why, as it says.
        reason: String,
    },
    /// An adapter did not keep to the protocol, or ended without an answer.
    Broken {
        /// How, for people.
        reason: String,
        /// It ended without an answer, whatever ended it.
        #[serde(default)]
        ended: bool,
    },
    /// It could not be started.
    NotStarted {
        /// Why, for people.
        reason: String,
    },
}

impl fmt::Display for ClientEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worked => f.write_str("the client says that it worked"),
            // As shells have it: a program of .NET, for one, that nobody caught an error in.
            Self::Failed { code: Some(code @ 129..=192) } => {
                write!(f, "the client ended with exit code {code}, which is signal {}", code - 128)
            }
            Self::Failed { code: Some(code) } => write!(f, "the client ended with exit code {code}"),
            Self::Failed { code: None } => f.write_str("the client reported an error"),
            Self::Signal { number } => write!(f, "signal {number} ended the client"),
            Self::TimedOut { after_ms } => {
                write!(f, "the client was still running after {} s and was killed", *after_ms as f64 / 1000.0)
            }
            Self::Unsupported { reason } => write!(f, "the client does not support it: {reason}"),
            Self::Broken { reason, .. } => write!(f, "the adapter is broken: {reason}"),
            Self::NotStarted { reason } => write!(f, "the client could not be started: {reason}"),
        }
    }
}

/// What a client under test left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientReport {
    /// How it ended.
    pub end: ClientEnd,
    /// The client's own error, where it has one: the last line of its standard error, or the error
    /// of the built-in client or of an adapter.
    pub error: Option<String>,
    /// Value that GET returned; only the built-in client and adapters can say.
    pub received: Option<String>,
    /// Processes that the client left running, which were then killed: `pid name`.
    pub left_behind: Vec<String>,
    /// From start to end in milliseconds.
    pub duration_ms: u64,
    /// Resident memory at its highest, in bytes: of a program that was started for the trial, all of it (its
    /// largest process); of an adapter, what it grew by. None where that was not measured.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Standard output, cut at 1 MiB.
    #[serde(skip)]
    pub stdout: Vec<u8>,
    /// Standard error, cut at 1 MiB.
    #[serde(skip)]
    pub stderr: Vec<u8>,
    /// Bytes of the two that were cut.
    pub output_cut: u64,
}
