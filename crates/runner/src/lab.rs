//! What all trials of a run share: certificates, the capture, the folder.

use crate::certificates::Certificates;
use crate::options::Options;
use crate::ports::Ports;
use miette::Diagnostic;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use wirelab_capture::{CaptureError, Live};
use wirelab_model::ExitCode;
use wirelab_pki::PkiError;
use wirelab_subject::ServerError;

/// Why a run could not go on. What concerns a single trial is no error: it makes the trial
/// `inconclusive`.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// No scenario has the arms that were asked for.
    #[error("nothing selected: no selected scenario has an arm {wanted}")]
    #[diagnostic(code(wirelab::select), help("`wirelab list` shows the arms of each scenario"))]
    NoArm {
        /// What was asked for.
        wanted: String,
    },
    /// The folder is in use.
    #[error("the folder {} is not empty", folder.display())]
    #[diagnostic(
        code(wirelab::folder),
        help("name another one with --out, or remove it: a run never overwrites anything")
    )]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder of the run cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    #[diagnostic(
        code(wirelab::folder),
        help("name a folder on a disk with room, with --out, in which you may write")
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The certificates could not be made.
    #[error(transparent)]
    #[diagnostic(code(wirelab::certificates))]
    Certificates(#[from] PkiError),
    /// The capture could not be opened.
    #[error(transparent)]
    #[diagnostic(code(wirelab::capture))]
    Capture(#[from] CaptureError),
    /// The good server could not be started.
    #[error(transparent)]
    #[diagnostic(code(wirelab::server))]
    Server(#[from] ServerError),
    /// The rogue could not be started.
    #[error("cannot start the rogue: {reason}")]
    #[diagnostic(code(wirelab::rogue), help("is the port in use? Without --port the lab takes any free one"))]
    Rogue {
        /// Why.
        reason: String,
    },
    /// No client under test can run.
    #[error("no client can run here:\n{reasons}")]
    #[diagnostic(
        code(wirelab::clients),
        help("`wirelab clients` lists all clients, and what each of them lacks")
    )]
    NoClient {
        /// A line for each.
        reasons: String,
    },
    /// The system gives the same ports again and again.
    #[error("cannot find a port on 127.0.0.1 that the run has not used yet")]
    #[diagnostic(
        code(wirelab::port),
        help("widen net.ipv4.ip_local_port_range, or run fewer clients at once")
    )]
    NoPort,
    /// Something in the lab failed that should not.
    #[error("a part of the run failed: {0}")]
    #[diagnostic(code(wirelab::internal), help("please report it"))]
    Internal(String),
    /// An attack that waits for nobody.
    #[error("this attacker does not wait for clients: it listens on the wire, or is a client itself")]
    #[diagnostic(
        code(wirelab::rogue),
        help("`wirelab run` runs it; `wirelab sniff` listens on the wire by hand")
    )]
    NotByHand,
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    #[diagnostic(code(wirelab::random))]
    Random(String),
}

impl RunError {
    /// What the process returns.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoArm { .. } => ExitCode::NothingSelected,
            Self::FolderInUse { .. } | Self::Write { .. } | Self::NotByHand => ExitCode::Usage,
            Self::Certificates(_) | Self::Internal(_) => ExitCode::Internal,
            Self::Capture(_)
            | Self::Server(_)
            | Self::Rogue { .. }
            | Self::NoClient { .. }
            | Self::NoPort
            | Self::Random(_) => ExitCode::Inconclusive,
        }
    }
}

/// What a trial needs: what all trials of the run share, and a capture that trials which run at the same
/// time do not share.
pub(crate) struct Lab {
    pub(crate) capture: Live,
    common: Arc<Common>,
}

impl Deref for Lab {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// What all trials of a run share.
pub(crate) struct Common {
    pub(crate) options: Options,
    pub(crate) certificates: Certificates,
    pub(crate) ports: Ports,
}

impl Lab {
    /// Makes the folder and the certificates and opens the capture.
    pub(crate) fn open(options: Options) -> Result<Self, RunError> {
        let certificates = Certificates::make(&options.folder)?;
        let ports = Ports::new(options.port);
        let common = Arc::new(Common { options, certificates, ports });
        Self::share(common)
    }

    /// The same lab with a capture of its own.
    pub(crate) fn share(common: Arc<Common>) -> Result<Self, RunError> {
        Ok(Self { capture: Live::open("lo")?, common })
    }

    /// What all trials share.
    pub(crate) fn common(&self) -> Arc<Common> {
        Arc::clone(&self.common)
    }
}

/// Makes a folder that only its owner can read; it may exist.
pub(crate) fn make_folder(folder: &Path) -> Result<(), RunError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| write_error(folder, &error))
}

/// Writes a new file that only its owner can read, and gives its path back.
///
/// # Errors
/// [`RunError::Write`], also where there is a file already.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<PathBuf, RunError> {
    let written: std::io::Result<File> =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
            file.write_all(bytes)?;
            Ok(file)
        });
    written.map(|_| path.to_owned()).map_err(|error| write_error(path, &error))
}

pub(crate) fn write_error(path: &Path, error: &std::io::Error) -> RunError {
    RunError::Write { path: path.to_owned(), reason: error.to_string() }
}
