use thiserror::Error;
use wirelab_model::ExitCode;
use wirelab_pki::PkiError;
use wirelab_subject::ServerError;

/// Why there are no numbers.
#[derive(Debug, Error)]
pub enum BenchError {
    /// What was asked for does not go together, or is too much.
    #[error("{0}")]
    Options(String),
    /// A file for TLS cannot be used.
    #[error("cannot use {what}: {reason}")]
    Tls {
        /// Which.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The lab's own server did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Its certificate could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The target did not do what it must. Nothing is reported of it: a server that refuses is quick.
    #[error("{what} ({address}): {reason}")]
    Target {
        /// What was being done.
        what: String,
        /// With whom.
        address: String,
        /// What it did instead.
        reason: String,
    },
    /// The system does not say what must be known.
    #[error("cannot {what}: {reason}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the system says.
        reason: String,
    },
    /// Somebody wants it to end.
    #[error("interrupted: nothing is reported of a run that did not end")]
    Interrupted,
}

impl BenchError {
    /// What the process tells its caller.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Options(_) | Self::Tls { .. } => ExitCode::Usage,
            Self::Server(_) | Self::Target { .. } => ExitCode::Inconclusive,
            Self::Pki(_) | Self::System { .. } => ExitCode::Internal,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }
}
