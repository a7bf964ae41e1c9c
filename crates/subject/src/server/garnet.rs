//! Microsoft Garnet, another server that speaks RESP and TLS. <https://microsoft.github.io/garnet/docs>

use super::line::{Line, Place, connector};
use super::program::{Name, PrivateFolder, Program, log_file, resolve};
use super::{ServerError, ServerTls};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// How long it may take to answer: it starts a virtual machine, which takes seconds where others compute too.
const READY: Duration = Duration::from_secs(60);

const NAME: Name = Name {
    program: "garnet-server",
    remedy: "install it (`dotnet tool install -g garnet-server`) or use --server embedded",
};

pub(super) struct Garnet {
    pub(super) port: u16,
    pub(super) program: Program,
}

/// What the program says about itself: `garnet-server 2.2.8`.
pub(super) fn version() -> Result<String, ServerError> {
    let text = NAME.says("--version")?;
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    // What follows a plus sign is the commit.
    let version = version.and_then(|version| version.split('+').next());
    version
        .map(|version| format!("garnet-server {version}"))
        .ok_or_else(|| NAME.missing(format!("it does not say its version: {}", text.trim())))
}

impl Garnet {
    pub(super) async fn start(
        port: u16,
        password: &str,
        tls: Option<ServerTls<'_>>,
        log_folder: &Path,
        launcher: &[String],
    ) -> Result<Self, ServerError> {
        let folder = PrivateFolder::make()?;
        let [port] = resolve([Some(port)])?;
        let log = log_file(log_folder, "garnet-server")?;
        let socket = folder.join("garnet.sock");
        let mut config = json!({
            "Port": port,
            "Address": "127.0.0.1",
            "UnixSocketPath": socket,
            "AuthenticationMode": "Password",
            "Password": password,
            "FileLogger": log,
            "EnableTLS": tls.is_some(),
        });
        if let (Some(tls), Some(config)) = (&tls, config.as_object_mut()) {
            let certificate = folder.write("server.crt", &tls.identity.chain_pem())?;
            // With a certificate in PEM this is the path of its key.
            let key = folder.write("server.key", &tls.identity.key_pem())?;
            config.insert("CertFileName".into(), json!(certificate));
            config.insert("CertPassword".into(), json!(key));
            config.insert("ClientCertificateRequired".into(), json!(tls.clients.is_some()));
            if let Some(clients) = tls.clients {
                let authority = folder.write("clients.crt", &clients.trust.authority_pem())?;
                config.insert("IssuerCertificatePath".into(), json!(authority));
                // It takes no list of revoked certificates; this is as far as it goes without a network.
                config.insert("CertificateRevocationCheckMode".into(), json!("Offline"));
            }
        }
        let file = folder.write("garnet.conf", &config.to_string())?;
        let arguments = [
            "--config-import-path".into(),
            file.into_os_string(),
            // The defaults are for a machine of its own.
            "--memory".into(),
            "64m".into(),
            "--index".into(),
            "1m".into(),
            "--page".into(),
            "1m".into(),
            "--logger-level".into(),
            "Information".into(),
        ];
        let line = Line {
            place: Place::Socket(socket),
            user: None,
            password: password.to_owned(),
            tls: tls.as_ref().map(connector).transpose()?,
        };
        let program = Program::start(NAME, &arguments, line, folder, &log, launcher, READY).await?;
        Ok(Self { port, program })
    }
}
