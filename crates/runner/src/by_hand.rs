//! One attacker, for whoever wants to point a client at it by hand.

use crate::certificates::Certificates;
use crate::lab::{RunError, write_file};
use crate::peer::{Met, Peer, start_rogue};
use crate::trial::random_canaries;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use wirelab_model::{Attack, Canaries, Connection, Harvest, Listener, Topology, Transport};
use wirelab_rogue::{Rogue, When};
use wirelab_subject::{Cut, Login, Server, ServerKind, ServerTls, Target, TlsFiles};
use wirelab_wire::credential::credentials;
use wirelab_wire::resp::Decoder;

/// Most credentials that are told of a connection.
const MOST_HARVESTED: usize = 64;
/// How long a client may take that is started by hand, as its environment says.
const DEADLINE: Duration = Duration::from_secs(10);

/// What to serve.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// The attack.
    pub attack: Attack,
    /// `plaintext`, or `tls`.
    pub transport: Transport,
    /// Port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// What clients must take it for.
    pub topology: Topology,
    /// The good server behind an attacker in the middle, in the same transport; none: the embedded one.
    pub upstream: Option<SocketAddr>,
    /// Folder for certificates and the environment of clients; made here, and must not exist or be empty.
    pub folder: PathBuf,
}

/// An attacker at work. Dropping it ends it.
pub struct AtWork {
    rogue: Rogue,
    connections: mpsc::Receiver<Connection>,
    /// Those to where clients are sent.
    announced: Option<mpsc::Receiver<Connection>>,
    // Held for as long as the attacker needs it.
    _server: Option<Server>,
    /// Host that clients are to be told.
    pub host: String,
    /// File that a shell can source: where to connect to, and with what. Readable by its owner only.
    pub environment: PathBuf,
    /// The authority that clients are to trust, PEM.
    pub authority: PathBuf,
    /// Whether the embedded server is behind the attacker.
    pub embedded: bool,
}

impl ByHand {
    /// Makes the certificates, starts the attacker and, where it needs one, a good server.
    ///
    /// # Errors
    /// See [`RunError`]; also where the attack is none that waits for clients.
    pub async fn start(&self) -> Result<AtWork, RunError> {
        let peer = Peer::attacking(&self.attack);
        if peer.is_server() {
            return Err(RunError::NotByHand);
        }
        let certificates = Certificates::make(&self.folder)?;
        let canaries = random_canaries()?;
        let good = certificates.identity("good")?;
        let tls = self.transport.is_tls().then_some(ServerTls::new(&good));
        let mut server = None;
        if peer.needs_server() && self.upstream.is_none() {
            let kind = ServerKind::Embedded;
            let (topology, password) = (Topology::Standalone, &canaries.password);
            server = Some(Server::start(kind, topology, 0, password, tls, &self.folder, &[]).await?);
        }
        let embedded = server.as_ref().map(|server| SocketAddr::from(([127, 0, 0, 1], server.port())));
        let upstream = self.upstream.or(embedded).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let met = Met { transport: self.transport, topology: self.topology, cut: When::Seen };
        let started = start_rogue(&certificates, self.port, &peer, met, upstream, &canaries).await?;
        let rogue = started.ok_or(RunError::NotByHand)?;
        let (connections, announced) = (rogue.watch(), rogue.watch_announced());
        let host = peer.host().to_owned();
        let mut files = certificates.files.clone();
        if let Some(anchor) = rogue.anchor() {
            files.ca = write_file(&files.ca.with_file_name("trusted.crt"), anchor.as_bytes())?;
        }
        let authority = files.ca.clone();
        let environment = self.environment(files, &host, rogue.port(), canaries)?;
        let embedded = server.is_some();
        Ok(AtWork { rogue, connections, announced, _server: server, host, environment, authority, embedded })
    }

    fn environment(
        &self,
        files: TlsFiles,
        host: &str,
        port: u16,
        canaries: Canaries,
    ) -> Result<PathBuf, RunError> {
        let target = Target {
            host: host.to_owned(),
            port,
            transport: self.transport,
            topology: self.topology,
            talk: self.attack.talk(),
            canaries,
            files,
            shows: None,
            stalled: false,
            login: Login::Password,
            cut: Cut::Never,
            hostile: false,
            deadline: DEADLINE,
        };
        let text = target.environment().into_iter().fold(String::new(), |text, (name, value)| {
            text + &format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
        });
        write_file(&self.folder.join("env"), text.as_bytes())
    }
}

impl AtWork {
    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.rogue.port()
    }

    /// The next connection that has ended. None never comes while the attacker is at work.
    pub async fn next(&mut self) -> Option<Connection> {
        let Some(announced) = &mut self.announced else { return self.connections.recv().await };
        tokio::select! {
            connection = self.connections.recv() => connection,
            connection = announced.recv() => {
                connection.map(|connection| Connection { listener: Listener::Announced, ..connection })
            }
        }
    }
}

/// The credentials in what a client sent. Secrets are masked unless `reveal`.
pub fn harvest(connection: &Connection, reveal: bool) -> Vec<Harvest> {
    let mut decoder = Decoder::commands();
    decoder.push(&connection.read);
    let mut harvested = Vec::new();
    // What is no RESP holds no command, and is told as bytes.
    while let Ok(Some(words)) = decoder.next_command() {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        credentials(&words, &mut |found| {
            if harvested.len() == MOST_HARVESTED {
                return;
            }
            let secret = found.secret.as_ref().and_then(|at| words.get(at.word)?.get(at.range.clone()));
            harvested.push(Harvest {
                carrier: found.carrier.to_owned(),
                user: found.user.map(text),
                secret: secret.map(|secret| if reveal { text(secret) } else { "********".to_owned() }),
            });
        });
    }
    harvested
}

/// Text for people, without anything that a terminal obeys.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use wirelab_model::{AnnouncedHost, Destination, Redirection};

    async fn at_work(attack: Attack) -> (tempfile::TempDir, AtWork) {
        let folder = tempfile::tempdir().unwrap();
        let by_hand = ByHand {
            attack,
            transport: Transport::Plaintext,
            port: 0,
            topology: Topology::Standalone,
            upstream: None,
            folder: folder.path().join("rogue"),
        };
        let at_work = by_hand.start().await.unwrap();
        (folder, at_work)
    }

    #[tokio::test]
    async fn a_password_is_harvested_and_masked() {
        let (_folder, mut at_work) = at_work(Attack::Impostor { certificate: "self-signed".into() }).await;
        let mut client = tokio::net::TcpStream::connect(("127.0.0.1", at_work.port())).await.unwrap();
        client.write_all(b"*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$7\r\ns3cr\x1bet\r\n").await.unwrap();
        let mut reply = [0; 5];
        client.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"+OK\r\n");
        drop(client);
        let connection = at_work.next().await.unwrap();
        let masked = harvest(&connection, false);
        let expected =
            Harvest { carrier: "AUTH".into(), user: Some("bob".into()), secret: Some("********".into()) };
        assert_eq!(masked, [expected]);
        assert_eq!(harvest(&connection, true)[0].secret.as_deref(), Some("s3cr\u{fffd}et"));
        let mode = std::fs::metadata(&at_work.environment).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// What is handed over where clients are sent is told as well.
    #[tokio::test]
    async fn who_is_sent_elsewhere_is_told_of_there() {
        let attack = Attack::Redirect {
            how: Redirection::Master,
            host: AnnouncedHost::Same,
            to: Destination::Plaintext,
        };
        let (_folder, mut at_work) = at_work(attack).await;
        let ask = b"*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$7\r\nwirelab\r\n";
        let mut sentinel = tokio::net::TcpStream::connect(("127.0.0.1", at_work.port())).await.unwrap();
        sentinel.write_all(ask).await.unwrap();
        let mut reply = vec![0; 64];
        let length = sentinel.read(&mut reply).await.unwrap();
        let text = String::from_utf8_lossy(&reply[..length]).into_owned();
        let port: u16 = text.lines().nth(4).unwrap().parse().unwrap();
        drop(sentinel);
        assert_eq!(at_work.next().await.unwrap().listener, Listener::Dialled);
        let mut master = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        master.write_all(b"*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n").await.unwrap();
        master.read_exact(&mut [0; 5]).await.unwrap();
        drop(master);
        let there = at_work.next().await.unwrap();
        assert_eq!(there.listener, Listener::Announced);
        assert_eq!(harvest(&there, true)[0].secret.as_deref(), Some("pw"));
    }

    #[tokio::test]
    async fn a_relay_brings_its_own_good_server() {
        let (_folder, at_work) = at_work(Attack::RelayRead { certificate: "self-signed".into() }).await;
        assert!(at_work.embedded);
        let mut client = tokio::net::TcpStream::connect(("127.0.0.1", at_work.port())).await.unwrap();
        client.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
        let mut reply = [0; 7];
        client.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"-NOAUTH");
    }

    #[tokio::test]
    async fn who_only_listens_serves_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let by_hand = ByHand {
            attack: Attack::Eavesdrop,
            transport: Transport::Tls,
            port: 0,
            topology: Topology::Standalone,
            upstream: None,
            folder: folder.path().join("rogue"),
        };
        assert!(matches!(by_hand.start().await, Err(RunError::NotByHand)));
    }
}
