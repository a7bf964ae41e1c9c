//! The server of a run, and how it is reached in both ways.

use crate::options::{External, Subject};
use crate::{Address, BenchError, Cipher, Dial, Login, Meter, Resume, Trust};
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::ServerName;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;
use wirelab_pki::{Lab, ServerKey};
use wirelab_subject::{Pair, ServerKind};

/// A server at work. Dropping it ends one that was started for the run.
pub(crate) struct Target {
    /// Its name with its version.
    pub(crate) name: String,
    /// Kind of its key.
    pub(crate) key: String,
    pub(crate) meter: Meter,
    /// Its process, where it was started for the run and is not this one.
    pub(crate) process: Option<u32>,
    pub(crate) plain: Dial,
    /// TLS with whole handshakes.
    pub(crate) tls: Dial,
    /// TLS that offers to resume.
    pub(crate) resuming: Dial,
    own: Option<Own>,
}

/// What ends with the run: the server before its runtime, and the folder with its log last.
struct Own {
    pair: Option<Pair>,
    runtime: Option<Runtime>,
    folder: PathBuf,
}

impl Drop for Own {
    fn drop(&mut self) {
        if let (Some(pair), Some(runtime)) = (self.pair.take(), self.runtime.take()) {
            runtime.block_on(pair.stop(Duration::from_secs(1)));
            runtime.shutdown_background();
        }
        // What cannot be removed is a log of a server, readable by its owner only.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Target {
    pub(crate) fn new(
        subject: &Subject,
        cipher: Option<Cipher>,
        launcher: &[String],
    ) -> Result<Self, BenchError> {
        match subject {
            Subject::Own(kind, key) => own(*kind, *key, cipher, launcher),
            Subject::There(external) => there(external, cipher),
        }
    }
}

fn dials(
    [plain, tls]: [Address; 2],
    trust: &Trust,
    name: &str,
    login: Option<Login>,
    cipher: Option<Cipher>,
) -> Result<[Dial; 3], BenchError> {
    let server = ServerName::try_from(name.to_owned()).map_err(|error| {
        BenchError::Options(format!("`{name}` is no name that a certificate can have: {error}"))
    })?;
    let dial = |resume| {
        let config = trust.config(&[&TLS13, &TLS12], cipher, None, resume)?;
        Ok::<_, BenchError>(Dial {
            address: tls.clone(),
            tls: Some((config, server.clone())),
            login: login.clone(),
        })
    };
    let (full, resuming) = (dial(Resume::Never)?, dial(Resume::Offer)?);
    Ok([Dial { address: plain, tls: None, login }, full, resuming])
}

fn own(
    kind: ServerKind,
    key: ServerKey,
    cipher: Option<Cipher>,
    launcher: &[String],
) -> Result<Target, BenchError> {
    let name = kind.describe()?;
    let now = time::OffsetDateTime::now_utc();
    let lab = Lab::new(now)?;
    let identity = lab.good_with(key, now)?;
    let password = random()?;
    let folder = std::env::temp_dir().join(format!("wirelab-bench-{}-{}", std::process::id(), random()?));
    private_folder(&folder)?;
    let runtime = Runtime::new().map_err(|error| BenchError::System {
        what: "start the runtime of the server",
        reason: error.to_string(),
    })?;
    let mut own = Own { pair: None, runtime: Some(runtime), folder };
    let started = own
        .runtime
        .as_ref()
        .map(|runtime| runtime.block_on(Pair::start(kind, &password, &identity, &own.folder, launcher)));
    let pair = started.ok_or(BenchError::Interrupted)??;
    let addresses = [pair.plain(), pair.tls()].map(|port| Address {
        host: "localhost".into(),
        socket: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
    });
    let process = pair.process();
    own.pair = Some(pair);
    let trust = Trust { authorities: vec![lab.authority_der().clone()], client: None };
    let login = Some(Login { user: "default".into(), password });
    let [plain, tls, resuming] = dials(addresses, &trust, "localhost", login, cipher)?;
    let meter = process.map_or(Meter::Rest, Meter::Process);
    let key = key.name().to_owned();
    Ok(Target { name, key, meter, process, plain, tls, resuming, own: Some(own) })
}

fn there(external: &External, cipher: Option<Cipher>) -> Result<Target, BenchError> {
    let trust = Trust::read(&external.authority, external.client.as_ref())?;
    let name = external.name.as_ref().unwrap_or(&external.tls.host);
    let addresses = [external.plain.clone(), external.tls.clone()];
    let [plain, tls, resuming] = dials(addresses, &trust, name, external.login.clone(), cipher)?;
    let name = format!("{} and, with TLS, {}", external.plain, external.tls);
    let key = "of the target".to_owned();
    Ok(Target { name, key, meter: Meter::Unknown, process: None, plain, tls, resuming, own: None })
}

impl Target {
    /// Whether it was started for this run.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }
}

fn private_folder(path: &Path) -> Result<(), BenchError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().mode(0o700).create(path);
    made.map_err(|error| BenchError::System {
        what: "make a folder for the server",
        reason: format!("{}: {error}", path.display()),
    })
}

/// 24 hexadecimal digits.
pub(crate) fn random() -> Result<String, BenchError> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|error| BenchError::System { what: "make a random password", reason: error.to_string() })?;
    Ok(bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}
