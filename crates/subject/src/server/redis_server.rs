//! The real `redis-server`, under the supervisor, which ends it when the lab ends in any way.

use super::{ServerError, ServerTls};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use wirelab_wire::resp::{Decoder, Value};

/// How long it may take to answer.
const READY: Duration = Duration::from_secs(10);

/// What it listens on; port 0 takes any free one.
#[derive(Clone, Copy, Default)]
pub(super) struct Ports<'a> {
    pub(super) plain: Option<u16>,
    pub(super) tls: Option<(u16, ServerTls<'a>)>,
}

pub(super) struct RedisServer {
    plain: u16,
    tls: u16,
    password: String,
    socket: PathBuf,
    child: Child,
    _folder: PrivateFolder,
}

/// A folder for the configuration, which holds the password, and for the socket, whose path must be
/// short. Removed at the end.
struct PrivateFolder(PathBuf);

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // What cannot be removed is readable by its owner only.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What the program says about itself: `redis-server 7.0.15`.
pub(super) fn version() -> Result<String, ServerError> {
    let output = std::process::Command::new("redis-server")
        .arg("--version")
        .output()
        .map_err(|error| ServerError::Missing(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="));
    version
        .map(|version| format!("redis-server {version}"))
        .ok_or_else(|| ServerError::Missing(format!("it does not say its version: {}", text.trim())))
}

fn io<T>(what: &str, result: std::io::Result<T>) -> Result<T, ServerError> {
    result.map_err(|source| ServerError::Io { what: what.to_owned(), source })
}

/// Ports to listen on: a free one for each that is 0, and 0 for each that is not wanted. redis-server
/// itself takes no "any free port". Between this and its start another program could take the port; then
/// it says so and the run ends with that message.
fn resolve(wanted: [Option<u16>; 2]) -> Result<[u16; 2], ServerError> {
    let what = "cannot find a free port";
    let mut ports = [0; 2];
    // Held until both are known, or both could be the same.
    let mut held = Vec::new();
    for (port, wanted) in ports.iter_mut().zip(wanted) {
        *port = match wanted {
            Some(0) => {
                let listener = io(what, TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
                let port = io(what, listener.local_addr())?.port();
                held.push(listener);
                port
            }
            wanted => wanted.unwrap_or(0),
        };
    }
    Ok(ports)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

impl RedisServer {
    pub(super) async fn start(
        ports: Ports<'_>,
        password: &str,
        log_folder: &Path,
        launcher: &[String],
    ) -> Result<Self, ServerError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wirelab-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        io("cannot make a folder for redis-server", DirBuilder::new().mode(0o700).create(&folder))?;
        let private = PrivateFolder(folder.clone());
        let [plain, tls_port] = resolve([ports.plain, ports.tls.map(|(port, _)| port)])?;
        let socket = folder.join("redis.sock");
        let log = io("cannot name the log", std::path::absolute(log_folder))?.join("redis-server.log");
        let mut config = format!(
            "bind 127.0.0.1\nrequirepass {password}\nsave \"\"\nappendonly no\ndaemonize no\ndir \"{}\"\nunixsocket \"{}\"\nunixsocketperm 600\nlogfile \"{}\"\n",
            folder.display(),
            socket.display(),
            log.display()
        );
        // Port 0 is no port.
        config.extend(["port ", &plain.to_string(), "\n"]);
        match ports.tls {
            None => {}
            Some((_, ServerTls { identity, clients, old, .. })) => {
                let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
                io(
                    "cannot write the server's certificate",
                    write_private(&certificate, &identity.chain_pem()),
                )?;
                io("cannot write the server's key", write_private(&key, &identity.key_pem()))?;
                let demand = if clients.is_some() { "yes" } else { "no" };
                if old {
                    config.push_str("tls-protocols TLSv1.2\n");
                }
                config.extend([format!(
                    "tls-port {tls_port}\ntls-cert-file \"{}\"\ntls-key-file \"{}\"\ntls-ca-cert-file \"{}\"\ntls-auth-clients {demand}\n",
                    certificate.display(),
                    key.display(),
                    certificate.display()
                )]);
            }
        }
        let config_file = folder.join("redis.conf");
        io("cannot write the configuration of redis-server", write_private(&config_file, &config))?;
        let (program, arguments) =
            launcher.split_first().ok_or_else(|| ServerError::Missing("there is no supervisor".into()))?;
        let child = Command::new(program)
            .args(arguments)
            .args(["--server", "--", "redis-server"])
            .arg(&config_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| ServerError::Missing(error.to_string()))?;
        let mut server =
            Self { plain, tls: tls_port, password: password.to_owned(), socket, child, _folder: private };
        server.ready(&log).await?;
        Ok(server)
    }

    /// The port for plaintext; 0 where there is none.
    pub(super) fn plain(&self) -> u16 {
        self.plain
    }

    /// The port for TLS; 0 where there is none.
    pub(super) fn tls(&self) -> u16 {
        self.tls
    }

    /// Number of its process: the child is the supervisor.
    pub(super) async fn process(&self) -> Result<u32, ServerError> {
        let what = "cannot ask redis-server for the number of its process";
        let answer = io(what, self.ask(&["INFO", "server"]).await)?;
        let number = match answer {
            Value::Bulk(Some(text)) => String::from_utf8_lossy(&text)
                .lines()
                .find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok()),
            _ => None,
        };
        io(what, number.ok_or_else(|| std::io::Error::other("INFO server has no process_id")))
    }

    /// Nothing tells when a server is ready but asking it.
    async fn ready(&mut self, log: &Path) -> Result<(), ServerError> {
        let not_ready = |reason: String| ServerError::NotReady { reason, log: log.to_owned() };
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < READY {
            if self.ask(&["PING"]).await.is_ok() {
                return Ok(());
            }
            if let Ok(Some(_)) = self.child.try_wait() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(not_ready(said.lines().last().unwrap_or("it ended at once").to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(not_ready(format!("not within {} s", READY.as_secs())))
    }

    pub(super) async fn holds(&self, key: &str, value: &str) -> Result<bool, ServerError> {
        let what = "cannot ask redis-server for the value";
        let is = |held: &Value| matches!(held, Value::Bulk(Some(held)) if held == value.as_bytes());
        let held = io(what, self.ask(&["GET", key]).await)?;
        if !held.is_error() {
            return Ok(is(&held));
        }
        // It is no string.
        match io(what, self.ask(&["HVALS", key]).await)? {
            Value::Array(Some(values)) => Ok(values.iter().any(is)),
            _ => Ok(false),
        }
    }

    /// Logs in over the Unix socket and sends one command.
    async fn ask(&self, words: &[&str]) -> std::io::Result<Value> {
        let mut request = Vec::new();
        for words in [["AUTH", &self.password].as_slice(), words] {
            request.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
            }
        }
        let exchange = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            stream.write_all(&request).await?;
            let mut decoder = Decoder::replies();
            let mut buffer = vec![0; 4096];
            let mut replies = 0;
            loop {
                while let Some(value) = decoder.next_value().map_err(std::io::Error::other)? {
                    replies += 1;
                    if replies == 2 {
                        return Ok(value);
                    }
                }
                let length = stream.read(&mut buffer).await?;
                if length == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                decoder.push(buffer.get(..length).unwrap_or_default());
            }
        };
        tokio::time::timeout(Duration::from_secs(2), exchange).await?
    }

    /// Closing the supervisor's input ends the server.
    pub(super) async fn stop(mut self, within: Duration) {
        drop(self.child.stdin.take());
        // The supervisor needs up to two seconds for a server that does not listen to SIGTERM.
        drop(tokio::time::timeout(within + Duration::from_secs(3), self.child.wait()).await);
    }
}
