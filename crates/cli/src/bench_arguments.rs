use crate::arguments::Color;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use wirelab_bench::Address;

pub(crate) const EXAMPLES: &str = "\
Examples:
  wirelab bench                                      this machine's redis-server, SET and GET of 256 bytes
  wirelab bench --time 10                            a first look
  wirelab bench --payload 16,1024,65536 --html tls.html    a page with plots
  wirelab bench --save today.json --fail-over 35     exit code 10 where TLS costs more than 35 % of throughput
  wirelab bench --baseline today.json --fail-over 5  and where it costs 5 % more than it did
  REDISCLI_AUTH=... wirelab bench --target 127.0.0.1:6379 --tls-target localhost:6380 --cacert ca.crt
  wirelab bench plan --from today.json --connections 20000 --reconnects-per-second 500 --operations-per-second 200000";

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    pub(crate) command: Option<BenchCommand>,
    #[command(flatten)]
    pub(crate) options: BenchOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// What a fleet needs, computed from a saved run
    Plan(PlanOptions),
}

#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// Server that is started for it
    #[arg(long, default_value = "redis", conflicts_with = "target")]
    pub(crate) server: BenchServer,
    /// A server that is there, in plaintext; loopback only
    #[arg(long, value_name = "HOST:PORT", requires = "tls_target")]
    pub(crate) target: Option<Address>,
    /// The same server with TLS; loopback only
    #[arg(long, value_name = "HOST:PORT", requires_all = ["target", "cacert"])]
    pub(crate) tls_target: Option<Address>,
    /// PEM file with the authority of its certificate
    #[arg(long, value_name = "FILE", requires = "tls_target")]
    pub(crate) cacert: Option<PathBuf>,
    /// Name that its certificate must have [default: the host of --tls-target]
    #[arg(long, value_name = "NAME", requires = "tls_target")]
    pub(crate) sni: Option<String>,
    /// PEM file with the client's certificate, for a server that asks for one
    #[arg(long, value_name = "FILE", requires_all = ["tls_target", "client_key"])]
    pub(crate) client_cert: Option<PathBuf>,
    /// PEM file with its key
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// User to log in as; the password comes from the variable REDISCLI_AUTH, as for redis-cli
    #[arg(long, default_value = "default", requires = "target")]
    pub(crate) user: String,
    /// Commands
    #[arg(long, value_delimiter = ',', default_value = "set,get")]
    pub(crate) operation: Vec<OperationName>,
    /// Bytes of the value
    #[arg(long, value_delimiter = ',', default_value = "256")]
    pub(crate) payload: Vec<usize>,
    /// Commands that are sent before the first reply is read
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    pub(crate) pipeline: Vec<usize>,
    /// Connections
    #[arg(long, value_delimiter = ',', default_value = "50")]
    pub(crate) connections: Vec<usize>,
    /// Measure until the interval of each load is no wider than this share of its ratio [default: 2]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) precision: Option<f64>,
    /// Seconds that all of it may take; what is not precise then is said [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) time: Option<u32>,
    /// Exactly so many rounds instead, each plain, TLS, TLS, plain
    #[arg(long, value_name = "N", conflicts_with_all = ["precision", "time"], value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) rounds: Option<u16>,
    /// Milliseconds that each part of a round measures, at least
    #[arg(long, value_name = "MS", default_value = "25", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    pub(crate) duration: u32,
    /// Milliseconds before it that are not measured [default: a fifth of it]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(0..=600_000))]
    pub(crate) warmup: Option<u32>,
    /// Only this cipher
    #[arg(long)]
    pub(crate) cipher: Option<CipherName>,
    /// Key of the server that is started
    #[arg(long, default_value = "p256", conflicts_with = "target")]
    pub(crate) key: KeyName,
    /// Neither new connections nor memory
    #[arg(long)]
    pub(crate) no_handshakes: bool,
    /// One JSON object (`wirelab schema bench`)
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Write a page with plots to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Keep the run in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Compare with a run that was kept
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Exit code 10 where TLS takes more than this share of throughput, or with --baseline this share more
    /// than then; 5 where the interval is too wide to tell
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) fail_over: Option<f64>,
    /// Colour of the progress bar
    #[arg(long, default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// A run that was kept with --save
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// Connections that are open
    #[arg(long, value_parser = amount)]
    pub(crate) connections: f64,
    /// Connections that are opened anew
    #[arg(long, value_parser = amount)]
    pub(crate) reconnects_per_second: f64,
    /// Commands
    #[arg(long, value_parser = amount)]
    pub(crate) operations_per_second: f64,
    /// Cores that there are [default: as many as are enough where every reconnection resumes]
    #[arg(long, value_parser = amount)]
    pub(crate) cores: Option<f64>,
    /// Percent of each core that may be used
    #[arg(long, default_value = "70", value_parser = percent)]
    pub(crate) utilisation: f64,
    /// One JSON object (`wirelab schema bench-plan`)
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "a number of percent is expected".to_owned())?;
    if value > 0.0 && value <= 100.0 { Ok(value) } else { Err("it is more than 0 and at most 100".into()) }
}

fn amount(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "a number is expected".to_owned())?;
    if (0.0..=1e12).contains(&value) { Ok(value) } else { Err("it is at least 0".into()) }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum BenchServer {
    Embedded,
    Redis,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OperationName {
    Set,
    Get,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CipherName {
    #[value(name = "aes128-gcm")]
    Aes128Gcm,
    #[value(name = "aes256-gcm")]
    Aes256Gcm,
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyName {
    P256,
    Rsa2048,
    Rsa3072,
    Ed25519,
}
