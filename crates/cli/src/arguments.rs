use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use wirelab_model::ExitCode;
use wirelab_subject::ServerKind;

const RUN_EXAMPLES: &str = "\
Examples:
  wirelab run --client-cmd 'python3 my_app.py'       your application against everything, over TLS
  wirelab run eavesdrop --client-cmd 'my_app' --arm plaintext    what it gives away without TLS
  wirelab run mitm/relay-tamper --server redis       the machine's redis-server as the good server
  wirelab run my-scenarios/ --fail-fast              scenario files of your own
  wirelab run eavesdrop mitm --client all            every client of the registry, and their matrix";

const SNIFF_EXAMPLES: &str = "\
Examples:
  wirelab sniff -r traffic.pcapng --summary          what a capture gives away (pcap, pcapng, .gz, .zst)
  wirelab sniff -r traffic.pcap --json | jq .        one JSON object a line
  sudo wirelab sniff -i any --port 6379              a line for each command, live; Ctrl-C ends it
  sudo tcpdump -U -w - | wirelab sniff -r -          from another program
  wirelab sniff -r tls.pcap --keylog keys.txt        what is inside of TLS, for whoever has the keys
  wirelab sniff -r traffic.pcap --fail-on credential exit code 10 where a password can be read";

const ROGUE_EXAMPLES: &str = "\
Examples:
  wirelab rogue --certificate self-signed            a Redis with that certificate, which takes any password
  wirelab rogue mitm/relay-tamper                    any attack that `wirelab list` shows
  wirelab rogue --certificate wrong-host --upstream 127.0.0.1:6380    in front of a Redis of yours, with TLS
  wirelab rogue mitm/relay-read --plaintext          the same attack against clients without TLS
  . wirelab-rogue-*/env                              in another shell: where to connect to, and with what";

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
    /// Run scenarios: files, folders or ids; all but `posture` without any
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
    /// Read Redis off the wire: from an interface, or from a capture file
    #[command(after_help = SNIFF_EXAMPLES)]
    Sniff(SniffOptions),
    /// Be one attacker, and wait for clients that you start by hand
    #[command(after_help = ROGUE_EXAMPLES)]
    Rogue(RogueOptions),
    /// List the clients of the registry, and what can run here
    Clients(ClientsOptions),
    /// What TLS costs: plain and TLS in turn, with how sure the figures are
    #[command(after_help = crate::bench_arguments::EXAMPLES, args_conflicts_with_subcommands = true)]
    Bench(Box<crate::bench_arguments::BenchArguments>),
    /// List the scenarios that the program carries
    List {
        /// With importance, what a good client does, weakness and reference
        #[arg(long)]
        attacks: bool,
    },
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
pub(crate) struct SniffOptions {
    /// Network interface, may be given several times; or `any`, which is the default
    #[arg(short, long, conflicts_with = "read")]
    pub(crate) interface: Vec<String>,
    /// Capture file, or `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) read: Option<PathBuf>,
    /// Only connections to these ports of Redis [default: all that look like Redis; inline commands on 6379, 6380, 26379]
    #[arg(short, long)]
    pub(crate) port: Vec<u16>,
    /// Only packets that this BPF expression takes
    #[arg(long, value_name = "BPF")]
    pub(crate) filter: Option<String>,
    /// Only this connection, by its number
    #[arg(long, value_name = "FLOW")]
    pub(crate) follow: Option<u64>,
    /// Stop after so many commands
    #[arg(long, value_name = "COMMANDS")]
    pub(crate) limit: Option<u64>,
    /// Do not look for tokens, addresses, card numbers and the like in values: quicker on large captures
    #[arg(long, conflicts_with = "national_ids")]
    pub(crate) no_data: bool,
    /// Look for numbers like those of persons too (United States, United Kingdom)
    #[arg(long)]
    pub(crate) national_ids: bool,
    /// Key log of TLS sessions to decrypt (SSLKEYLOGFILE); keys within a pcapng are used as well
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Vec<PathBuf>,
    /// Write the packets to this new file (pcapng, readable by its owner only; secrets are not masked there)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Only the summary
    #[arg(long)]
    pub(crate) summary: bool,
    /// Exit code 10 where this is readable; 5 where it cannot be told: something was missed, or no Redis was seen
    #[arg(long, value_name = "WHAT")]
    pub(crate) fail_on: Option<FailOnName>,
    /// Show secrets as they are
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Colour
    #[arg(long, default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, Args)]
pub(crate) struct RogueOptions {
    /// Id of the scenario whose attacker it is
    #[arg(required_unless_present = "certificate", conflicts_with = "certificate")]
    pub(crate) id: Option<String>,
    /// Show this forged certificate: an entry of the catalogue, as in `certificate/...`
    #[arg(long, value_name = "NAME")]
    pub(crate) certificate: Option<String>,
    /// Where to listen, on loopback; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The good server behind it, on loopback; the embedded one where an attack needs one and none is given
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) upstream: Option<SocketAddr>,
    /// For clients without TLS
    #[arg(long)]
    pub(crate) plaintext: bool,
    /// End after so many connections
    #[arg(long, value_name = "CONNECTIONS")]
    pub(crate) limit: Option<u64>,
    /// Folder for certificates and the environment of clients; it must not exist or be empty
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// One JSON object a connection
    #[arg(long)]
    pub(crate) json: bool,
    /// Show secrets as they are
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FailOnName {
    /// A connection
    Plaintext,
    /// A password
    Credential,
    /// A password, key or value
    Leak,
}

#[derive(Debug, Args)]
pub(crate) struct ClientsOptions {
    /// Only these
    pub(crate) name: Vec<String>,
    /// Set up this client, or `all`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["name", "json"])]
    pub(crate) install: Vec<String>,
    /// One JSON array
    #[arg(long)]
    pub(crate) json: bool,
    /// The clients folder [default: $WIRELAB_CLIENTS, or `clients`]
    #[arg(long, value_name = "DIR")]
    pub(crate) clients: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Test this client of the registry, may be given several times; or `all`
    #[arg(long, value_name = "NAME", conflicts_with = "client_cmd")]
    pub(crate) client: Vec<String>,
    /// The clients folder [default: $WIRELAB_CLIENTS, or `clients`]
    #[arg(long, value_name = "DIR", requires = "client")]
    pub(crate) clients: Option<PathBuf>,
    /// Clients of the registry that are run at the same time, at most [default: one for each processor]
    #[arg(long, requires = "client", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,
    /// Test this program (no shell) instead of the built-in client
    #[arg(long, value_name = "CMD")]
    pub(crate) client_cmd: Option<String>,
    /// What this program can connect to: it is told by WIRELAB_TOPOLOGY [default: standalone; the built-in client: all; a
    /// client of the registry: what that says]
    #[arg(long)]
    pub(crate) topology: Vec<TopologyName>,
    /// The good server: `embedded`; `redis`, `garnet` or `terminator` (stunnel before redis-server) of this machine; or
    /// the path of another redis-server or valkey-server
    #[arg(long, default_value = "embedded", value_name = "NAME|PATH", value_parser = server)]
    pub(crate) server: ServerKind,
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

/// A name, or the path of a program.
fn server(given: &str) -> Result<ServerKind, String> {
    match given {
        "embedded" => Ok(ServerKind::Embedded),
        "redis" => Ok(ServerKind::Redis),
        "garnet" => Ok(ServerKind::Garnet),
        "terminator" => Ok(ServerKind::Terminator),
        path if path.contains('/') => {
            let found = std::fs::canonicalize(path).map_err(|error| format!("no such program: {error}"))?;
            let path = found.to_str().ok_or("the path is no UTF-8")?;
            // It lives as long as the process.
            Ok(ServerKind::Path(String::leak(path.to_owned())))
        }
        _ => {
            Err("say embedded, redis, garnet, terminator, or the path of a program, with a `/` in it".into())
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopologyName {
    Standalone,
    Cluster,
    Sentinel,
    ClearSentinel,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ArmName {
    Plaintext,
    TlsUnverified,
    Tls,
    MtlsUnverified,
    Mtls,
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

impl Color {
    /// Whether to use it, on something that is a terminal or not.
    pub(crate) fn wanted(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
        }
    }
}
