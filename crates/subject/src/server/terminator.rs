//! A `redis-server` that knows no TLS, behind stunnel, which ends it. <https://www.stunnel.org/static/stunnel.html>

use super::line::{Line, Place, connector};
use super::program::{Name, PrivateFolder, Program, log_file, resolve};
use super::redis_server::{Config, Ports, RedisServer};
use super::{ServerError, ServerTls};
use std::path::Path;
use std::time::Duration;
use wirelab_model::Demand;

/// How long it may take to answer.
const READY: Duration = Duration::from_secs(10);

const NAME: Name =
    Name { program: "stunnel", remedy: "install it (`apt-get install stunnel4`) or use --server embedded" };

/// How the decrypted bytes go on to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastHop {
    /// Over a Unix socket: they stay within the host.
    Socket,
    /// Over TCP, as to another host: whoever is on that wire reads them.
    Wire,
}

pub(super) struct Terminator {
    pub(super) port: u16,
    /// Port of the server behind it; 0 where that has none.
    pub(super) behind: u16,
    pub(super) server: RedisServer,
    stunnel: Program,
}

/// What the program says about itself: `stunnel 5.68`.
pub(super) fn version() -> Result<String, ServerError> {
    let text = NAME.says("-version")?;
    let mut words = text.split_whitespace().skip_while(|word| *word != "stunnel").skip(1);
    let version = words.next().ok_or_else(|| NAME.missing("it does not say its version"))?;
    Ok(format!("stunnel {version} before {}", super::redis_server::version(super::redis_server::NAME)?))
}

impl Terminator {
    pub(super) async fn start(
        port: u16,
        hop: LastHop,
        password: &str,
        tls: ServerTls<'_>,
        log_folder: &Path,
        launcher: &[String],
    ) -> Result<Self, ServerError> {
        let ports = Ports { plain: (hop == LastHop::Wire).then_some(0), tls: None };
        let config = Config { ports, password, log_folder, ..Config::default() };
        let server = RedisServer::start(config, launcher).await?;
        let [port] = resolve([Some(port)])?;
        let folder = PrivateFolder::make()?;
        let log = log_file(log_folder, "stunnel")?;
        let certificate = folder.write("server.crt", &tls.identity.chain_pem())?;
        let key = folder.write("server.key", &tls.identity.key_pem())?;
        let behind = server.plain();
        let connect = match hop {
            LastHop::Socket => server.socket().display().to_string(),
            LastHop::Wire => format!("127.0.0.1:{behind}"),
        };
        let mut config = format!(
            "foreground = yes\npid =\ndebug = info\noutput = {}\n[redis]\naccept = 127.0.0.1:{port}\nconnect = {connect}\ncert = {}\nkey = {}\nTIMEOUTclose = 0\n",
            log.display(),
            certificate.display(),
            key.display(),
        );
        if tls.old {
            config += "sslVersion = TLSv1.2\n";
        }
        if let Some(clients) = tls.clients {
            let authority = folder.write("clients.crt", &clients.trust.authority_pem())?;
            let revoked = folder.write("clients.crl", &clients.trust.revoked_pem())?;
            // `verifyChain` alone lets clients in that show no certificate.
            let require = if clients.demand != Demand::Optional { "yes" } else { "no" };
            config += &format!(
                "verifyChain = yes\nrequireCert = {require}\nCAfile = {}\nCRLfile = {}\n",
                authority.display(),
                revoked.display()
            );
        }
        let file = folder.write("stunnel.conf", &config)?;
        let line = Line {
            place: Place::Port(port),
            user: None,
            password: password.to_owned(),
            tls: Some(connector(&tls)?),
        };
        let arguments = [file.into_os_string()];
        let stunnel = Program::start(NAME, &arguments, line, folder, &log, launcher, READY).await?;
        Ok(Self { port, behind, server, stunnel })
    }

    pub(super) async fn stop(self, within: Duration) {
        self.stunnel.stop(within).await;
        self.server.stop(within).await;
    }
}
