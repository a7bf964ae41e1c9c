//! The lab's own clients in a process of their own, for peers that may break them and would take the lab with
//! them: the program itself with the words `client NAME`, under the supervisor as any command.

use crate::{Cut, Login, Target, TlsFiles, builtin, command, fragile};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use wirelab_model::{Canaries, ClientEnd, ClientReport, Talk, Topology, Transport};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    Builtin,
    Fragile,
}

impl Own {
    fn word(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Fragile => "fragile",
        }
    }
}

/// Starts it, and waits for its end.
pub(crate) async fn run(own: Own, launcher: &[String], target: &Target) -> ClientReport {
    let program = launcher.first().cloned().unwrap_or_default();
    let argv = [program, "client".to_owned(), own.word().to_owned()];
    command::run(&argv, launcher, target).await
}

/// The body of the subcommand `client NAME`: runs one of the lab's own clients against what the environment
/// says, see [`Target::environment`]. It knows one server, with verified TLS or without any. Returns the exit
/// code: 0 when it has worked, 1 when it has not, 2 where it is called wrongly.
pub fn own_client(arguments: &[OsString]) -> u8 {
    let Some(target) = from_environment() else { return 2 };
    match arguments.first().and_then(|word| word.to_str()) {
        Some("builtin") => run_builtin(&target),
        Some("fragile") => fragile::run(&target),
        _ => 2,
    }
}

fn run_builtin(target: &Target) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return 2 };
    let report = runtime.block_on(builtin::run(target));
    if let Some(error) = report.error {
        complain(&error);
    }
    u8::from(report.end != ClientEnd::Worked)
}

/// The last line of standard error is what the lab takes for a client's own words.
pub(crate) fn complain(error: &str) {
    use std::io::Write;
    // The lab may be gone. There is nobody else to tell.
    drop(writeln!(std::io::stderr().lock(), "{error}"));
}

fn from_environment() -> Option<Target> {
    let text = |name: &str| std::env::var(name).ok();
    let path = |name: &str| text(name).map(PathBuf::from);
    Some(Target {
        host: text("WIRELAB_HOST")?,
        port: text("WIRELAB_PORT")?.parse().ok()?,
        transport: if text("WIRELAB_TLS")? == "1" { Transport::Tls } else { Transport::Plaintext },
        topology: Topology::Standalone,
        talk: Talk::Simple,
        canaries: Canaries {
            password: text("WIRELAB_PASSWORD")?,
            key: text("WIRELAB_KEY")?,
            value: text("WIRELAB_VALUE")?,
            forged: String::new(),
        },
        files: TlsFiles {
            ca: path("WIRELAB_CA")?,
            client_cert: path("WIRELAB_CLIENT_CERT")?,
            client_key: path("WIRELAB_CLIENT_KEY")?,
            client_pfx: path("WIRELAB_CLIENT_PFX")?,
        },
        shows: None,
        // The supervisor has the lab's.
        deadline: Duration::from_secs(3600),
        stalled: false,
        login: Login::Password,
        cut: Cut::Never,
        hostile: true,
    })
}
