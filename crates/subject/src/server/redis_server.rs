//! The real `redis-server`.

use super::line::{Line, Place};
use super::program::{Name, PrivateFolder, Program, io, log_file, resolve};
use super::{ServerError, ServerTls};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wirelab_model::Demand;
use wirelab_wire::resp::Value;

/// How long it may take to answer.
const READY: Duration = Duration::from_secs(10);

pub(super) const NAME: Name = Name {
    program: "redis-server",
    remedy: "install it (`apt-get install redis-server`) or use --server embedded",
};

/// Another program that is set up in the same way.
pub(super) fn at(path: &'static str) -> Name {
    Name { program: path, remedy: "name a redis-server, of any version, or a valkey-server, that may be run" }
}

/// What it listens on; port 0 takes any free one.
#[derive(Clone, Copy, Default)]
pub(super) struct Ports<'a> {
    pub(super) plain: Option<u16>,
    pub(super) tls: Option<(u16, ServerTls<'a>)>,
}

/// How one is set up.
pub(super) struct Config<'a> {
    pub(super) program: Name,
    pub(super) ports: Ports<'a>,
    /// For links to other servers, where it has no port for TLS.
    pub(super) links: Option<ServerTls<'a>>,
    pub(super) password: &'a str,
    /// More lines of its configuration.
    pub(super) lines: &'a [String],
    /// It is a Sentinel.
    pub(super) sentinel: bool,
    /// Where its log goes, and under which name.
    pub(super) log_folder: &'a Path,
    pub(super) log: &'a str,
}

impl Default for Config<'_> {
    fn default() -> Self {
        Self {
            program: NAME,
            ports: Ports::default(),
            links: None,
            password: "",
            lines: &[],
            sentinel: false,
            log_folder: Path::new(""),
            log: "redis-server",
        }
    }
}

pub(super) struct RedisServer {
    plain: u16,
    tls: u16,
    socket: PathBuf,
    program: Program,
}

/// The setting by which a certificate is a login, of Redis 8.6 and Valkey 9 on.
const BY_CERTIFICATE: &str = "tls-auth-clients-user";

/// Why certificates cannot be logins, if they cannot: it is asked whether it knows the setting.
pub(super) async fn lacks_logins_by_certificate(program: Name, launcher: &[String]) -> Option<String> {
    let asked = async {
        let folder = PrivateFolder::make()?;
        let config = Config { program, log_folder: folder.path(), ..Config::default() };
        let server = RedisServer::start(config, launcher).await?;
        let answer = server.line().ask(&["CONFIG", "GET", BY_CERTIFICATE]).await;
        server.stop(Duration::from_secs(1)).await;
        io("cannot ask redis-server for its settings", answer)
    };
    match asked.await {
        Ok(Value::Array(Some(found))) if !found.is_empty() => None,
        Ok(_) => {
            let version = version(program).unwrap_or_else(|error| error.to_string());
            Some(format!(
                "{version} does not know `{BY_CERTIFICATE}` (CONFIG GET finds nothing), which Redis 8.6 and Valkey 9 have"
            ))
        }
        Err(error) => Some(error.to_string()),
    }
}

/// What the program says about itself: `redis-server 7.0.15`.
pub(super) fn version(name: Name) -> Result<String, ServerError> {
    let text = name.says("--version")?;
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="));
    let program = name.program.rsplit('/').next().unwrap_or(name.program);
    version
        .map(|version| format!("{program} {version}"))
        .ok_or_else(|| name.missing(format!("it does not say its version: {}", text.trim())))
}

/// Lines for TLS, with the files that they name.
fn tls_lines(folder: &PrivateFolder, tls: &ServerTls<'_>) -> Result<String, ServerError> {
    let certificate = folder.write("server.crt", &tls.identity.chain_pem())?;
    let key = folder.write("server.key", &tls.identity.key_pem())?;
    let mut more = if tls.old { "tls-protocols TLSv1.2\n".to_owned() } else { String::new() };
    let (authority, demand) = match tls.clients {
        None => (certificate.clone(), "no"),
        Some(clients) => {
            // OpenSSL reads the list of revoked certificates from the same file. redis-server has no other
            // place for it, and never tells OpenSSL to look at it.
            let text = clients.trust.authority_pem() + &clients.trust.revoked_pem();
            // What it shows to other servers: its own certificate is for servers only.
            let certificate = folder.write("client.crt", &clients.good.chain_pem())?;
            let key = folder.write("client.key", &clients.good.key_pem())?;
            more += &format!(
                "tls-client-cert-file \"{}\"\ntls-client-key-file \"{}\"\n",
                certificate.display(),
                key.display()
            );
            let demand = match clients.demand {
                Demand::Required | Demand::Named => "yes",
                Demand::Optional => "optional",
            };
            (folder.write("clients.crt", &text)?, demand)
        }
    };
    Ok(format!(
        "tls-cert-file \"{}\"\ntls-key-file \"{}\"\ntls-ca-cert-file \"{}\"\ntls-auth-clients {demand}\n{more}",
        certificate.display(),
        key.display(),
        authority.display()
    ))
}

impl RedisServer {
    pub(super) async fn start(config: Config<'_>, launcher: &[String]) -> Result<Self, ServerError> {
        let Config { program, ports, links, password, lines, sentinel, log_folder, log } = config;
        let folder = PrivateFolder::make()?;
        let [plain, tls_port] = resolve([ports.plain, ports.tls.map(|(port, _)| port)])?;
        let socket = folder.join("redis.sock");
        let log = log_file(log_folder, log)?;
        // Port 0 is no port.
        let mut text = format!(
            "bind 127.0.0.1\nport {plain}\ntls-port {tls_port}\nrequirepass \"{password}\"\ndaemonize no\ndir \"{}\"\nunixsocket \"{}\"\nunixsocketperm 600\nlogfile \"{}\"\n",
            folder.path().display(),
            socket.display(),
            log.display()
        );
        if !sentinel {
            text += "save \"\"\nappendonly no\n";
        }
        if let Some(tls) = ports.tls.map(|(_, tls)| tls).or(links) {
            text += &tls_lines(&folder, &tls)?;
            if let Some(clients) = tls.clients.filter(|clients| clients.demand == Demand::Named) {
                // The user of that name has no other way in: whoever comes without the certificate is `default`.
                let subject = clients.subject();
                let name = subject.strip_prefix("CN=").unwrap_or(&subject);
                text += &format!("{BY_CERTIFICATE} CN\nuser {name} on ~* &* +@all\n");
            }
        }
        for line in lines {
            text.extend([line, "\n"]);
        }
        let mut arguments = vec![folder.write("redis.conf", &text)?.into_os_string()];
        if sentinel {
            arguments.push("--sentinel".into());
        }
        let place = Place::Socket(socket.clone());
        let line = Line { place, user: None, password: password.to_owned(), tls: None };
        let program = Program::start(program, &arguments, line, folder, &log, launcher, READY).await?;
        Ok(Self { plain, tls: tls_port, socket, program })
    }

    /// The port for plaintext; 0 where there is none.
    pub(super) fn plain(&self) -> u16 {
        self.plain
    }

    /// The port for TLS; 0 where there is none.
    pub(super) fn tls(&self) -> u16 {
        self.tls
    }

    /// Its Unix socket.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// How it is asked.
    pub(super) fn line(&self) -> &Line {
        &self.program.line
    }

    /// Number of its process: the child is the supervisor.
    pub(super) async fn process(&self) -> Result<u32, ServerError> {
        let what = "cannot ask redis-server for the number of its process";
        let answer = io(what, self.line().ask(&["INFO", "server"]).await)?;
        let number = match answer {
            Value::Bulk(Some(text)) => String::from_utf8_lossy(&text)
                .lines()
                .find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok()),
            _ => None,
        };
        io(what, number.ok_or_else(|| std::io::Error::other("INFO server has no process_id")))
    }

    /// Ends it.
    pub(super) async fn stop(self, within: Duration) {
        self.program.stop(within).await;
    }
}
