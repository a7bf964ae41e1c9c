use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use wirelab_model::ExitCode;

const RUN_EXAMPLES: &str = "\
Examples:
  wirelab run --client-cmd 'python3 my_app.py'       your application against everything, over TLS
  wirelab run eavesdrop --client-cmd 'my_app' --arm plaintext    what it gives away without TLS
  wirelab run mitm/relay-tamper --server redis       the machine's redis-server as the good server
  wirelab run my-scenarios/ --fail-fast              scenario files of your own";

fn exit_codes() -> String {
    ExitCode::ALL.into_iter().fold("Exit codes:".to_owned(), |text, code| {
        text + &format!("\n{:>5}  {}", code as u8, code.meaning())
    })
}

/// If somebody sits on the wire between an application and its Redis, what do they get?
#[derive(Debug, Parser)]
#[command(
    name = "wirelab",
    version,
    after_help = exit_codes()
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the headline scenarios and write a report
    Demo(RunOptions),
    /// Run scenarios: files, folders or ids; all without any
    #[command(after_help = RUN_EXAMPLES)]
    Run {
        /// Files, folders or ids
        scenarios: Vec<String>,
        /// Only scenarios with this tag
        #[arg(long)]
        tag: Vec<String>,
        #[command(flatten)]
        options: RunOptions,
    },
    /// List the scenarios that the program carries
    List,
    /// Explain a scenario
    Explain {
        /// Its id
        id: String,
        /// Print its file
        #[arg(long)]
        toml: bool,
    },
    /// Check scenario files
    Validate {
        /// Files or folders
        #[arg(required = true)]
        paths: Vec<String>,
    },
    /// Print a JSON Schema, or the names of all
    Schema {
        /// Its name
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Test this program (no shell) instead of the built-in client
    #[arg(long, value_name = "CMD")]
    pub(crate) client_cmd: Option<String>,
    /// The good server
    #[arg(long, default_value = "embedded")]
    pub(crate) server: ServerName,
    /// Transports that the client under test is run in
    #[arg(long)]
    pub(crate) arm: Vec<ArmName>,
    /// Seconds that one client may take
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// Folder for the run; it must not exist or be empty
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Port on 127.0.0.1 that clients are told to use; any free one if not given
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Show secrets as they are
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Stop at the first arm that is not as expected
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Break the lab on purpose, to see it go red
    #[arg(long)]
    pub(crate) sabotage: Option<SabotageName>,
    /// Colour
    #[arg(long, default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ServerName {
    Embedded,
    Redis,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ArmName {
    Plaintext,
    TlsUnverified,
    Tls,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SabotageName {
    NoTls,
    IdleRogue,
    DeafCapture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}
