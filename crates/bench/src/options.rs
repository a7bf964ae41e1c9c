use crate::{Address, BenchError, Cipher, Login};
use std::path::PathBuf;
use std::time::Duration;
use wirelab_model::BenchOperation;
use wirelab_pki::ServerKey;
use wirelab_subject::ServerKind;

/// Most bytes of a pipeline, and of its replies: 64 MiB.
const MOST_IN_FLIGHT: usize = 64 << 20;
/// The embedded server serves 256 connections at once.
const MOST_EMBEDDED: usize = 200;
/// And holds 16 MiB in all.
const MOST_EMBEDDED_PAYLOAD: usize = 8 << 20;

/// What is measured.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A server that is started for it, with a certificate made for it.
    Own(ServerKind, ServerKey),
    /// A server that is there.
    There(Box<External>),
}

/// A server that is there, with both ports.
#[derive(Debug, Clone)]
pub struct External {
    /// Port for plaintext.
    pub plain: Address,
    /// Port for TLS.
    pub tls: Address,
    /// Name that its certificate must have, where that is not the host.
    pub name: Option<String>,
    /// PEM file with the authority of its certificate.
    pub authority: PathBuf,
    /// PEM files with certificate and key of the client, where it asks for them.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Who logs in.
    pub login: Option<Login>,
}

/// Loads: each combination is a cell.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Commands.
    pub operations: Vec<BenchOperation>,
    /// Lengths of the value, in bytes.
    pub payloads: Vec<usize>,
    /// Commands that are sent before the first reply is read.
    pub pipelines: Vec<usize>,
    /// Connections.
    pub connections: Vec<usize>,
}

/// When there are enough rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Until {
    /// So many.
    Rounds(usize),
    /// The interval of each load is as narrow as that, or the time is over.
    Precise {
        /// Width of an interval, in percent of the ratio.
        percent: f64,
        /// Of the whole run, new connections included.
        time: Duration,
    },
}

impl Until {
    pub(crate) fn percent(self) -> Option<f64> {
        match self {
            Self::Rounds(_) => None,
            Self::Precise { percent, .. } => Some(percent),
        }
    }

    pub(crate) fn time(self) -> Option<Duration> {
        match self {
            Self::Rounds(_) => None,
            Self::Precise { time, .. } => Some(time),
        }
    }
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is measured.
    pub subject: Subject,
    /// With which loads.
    pub grid: Grid,
    /// How many rounds.
    pub until: Until,
    /// What is measured in each of the four parts of a round, at least: plain, TLS, TLS, plain.
    pub slot: Duration,
    /// What is not measured before each of them, at least.
    pub warmup: Duration,
    /// Only this cipher.
    pub cipher: Option<Cipher>,
    /// Whether new connections and memory are measured too.
    pub handshakes: bool,
    /// How the supervisor is started: see [`wirelab_subject::launcher`].
    pub launcher: Vec<String>,
}

impl Options {
    /// Whether it goes together.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        let wrong = |reason: String| Err(BenchError::Options(reason));
        let Grid { operations, payloads, pipelines, connections } = &self.grid;
        if [operations.len(), payloads.len(), pipelines.len(), connections.len()].contains(&0) {
            return wrong(
                "there is nothing to measure: name an operation, payload, pipeline and number of connections"
                    .into(),
            );
        }
        let most = |values: &[usize]| values.iter().copied().max().unwrap_or_default();
        if [payloads, pipelines, connections].iter().any(|values| values.contains(&0))
            || self.until == Until::Rounds(0)
        {
            return wrong("payload, pipeline, connections and rounds are at least 1".into());
        }
        let (payload, pipeline) = (most(payloads), most(pipelines));
        if payload.saturating_add(64).saturating_mul(pipeline) > MOST_IN_FLIGHT {
            return wrong(format!(
                "a pipeline of {pipeline} with values of {payload} bytes is more than 64 MiB for each connection; measure large values with a smaller --pipeline"
            ));
        }
        if matches!(self.subject, Subject::Own(ServerKind::Embedded, _)) {
            if most(connections) > MOST_EMBEDDED {
                return wrong(format!(
                    "the embedded server takes {MOST_EMBEDDED} connections at most; use --server redis for more"
                ));
            }
            if payload > MOST_EMBEDDED_PAYLOAD {
                return wrong(
                    "the embedded server takes values of 8 MiB at most; use --server redis for larger ones"
                        .into(),
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(change: impl Fn(&mut Grid)) -> Result<(), String> {
        let mut grid = Grid {
            operations: vec![BenchOperation::Set],
            payloads: vec![256],
            pipelines: vec![1, 16],
            connections: vec![50],
        };
        change(&mut grid);
        let options = Options {
            subject: Subject::Own(ServerKind::Embedded, ServerKey::P256),
            grid,
            until: Until::Rounds(1),
            slot: Duration::from_millis(1),
            warmup: Duration::ZERO,
            cipher: None,
            handshakes: false,
            launcher: Vec::new(),
        };
        options.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_too_much_is_told_before_it_is_tried() {
        assert_eq!(options(|_| {}), Ok(()));
        let told = |change: fn(&mut Grid)| options(change).unwrap_err();
        assert!(told(|grid| grid.operations.clear()).contains("nothing to measure"));
        assert!(told(|grid| grid.connections.push(0)).contains("at least 1"));
        assert!(told(|grid| grid.payloads.push(5 << 20)).contains("64 MiB"));
        assert!(told(|grid| grid.payloads.push(usize::MAX)).contains("64 MiB"));
        assert!(told(|grid| grid.connections.push(201)).contains("--server redis"));
        assert!(told(|grid| (grid.payloads, grid.pipelines) = (vec![9 << 20], vec![1])).contains("8 MiB"));
    }
}
