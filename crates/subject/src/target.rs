use std::path::{Path, PathBuf};
use std::time::Duration;
use wirelab_model::{Canaries, Talk, Topology, Transport};
use wirelab_redis::SERVICE;

/// The user that every client authenticates as, unless a trial is about another.
pub(crate) const USERNAME: &str = "default";

/// What a client is pointed at in one trial.
#[derive(Debug, Clone)]
pub struct Target {
    /// Host name, which the certificate must hold: `localhost`.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the client is to talk.
    pub transport: Transport,
    /// What it is told that it connects to.
    pub topology: Topology,
    /// What the lab's own client does once it is connected.
    pub talk: Talk,
    /// The secrets of the trial.
    pub canaries: Canaries,
    /// Certificates and keys.
    pub files: TlsFiles,
    /// The certificate and key that the built-in client shows to a server that asks, PEM; none: it shows
    /// nothing. Commands are given those of `files`, and show them or not.
    pub shows: Option<(PathBuf, PathBuf)>,
    /// How long the client may take, from its start to its end.
    pub deadline: Duration,
    /// The peer will keep its client waiting: the lab's own clients then show sooner what they do.
    pub stalled: bool,
    /// What the built-in client logs in with.
    pub login: Login,
    /// Whether and when somebody cuts its connections off.
    pub cut: Cut,
    /// The peer will answer to break its client: the lab's own runs in a process of its own then, and the
    /// memory of every client is measured.
    pub hostile: bool,
}

/// When the connections of a client are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Never,
    /// The first one while it is in use: the built-in client then connects again.
    During,
    /// After this run: an adapter keeps its client.
    After,
    /// Since the run before this: an adapter goes on with the client that it kept.
    Before,
}

/// What a client logs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// The password of the trial, as `default`.
    Password,
    /// The same as this user.
    User(&'static str),
    /// Nothing but the certificate that it shows, if any.
    Nothing,
}

/// Files that a client needs for TLS.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The only authority to trust, PEM.
    pub ca: PathBuf,
    /// The client's own certificate, PEM.
    pub client_cert: PathBuf,
    /// The key to it, PEM.
    pub client_key: PathBuf,
    /// Both in one file, PKCS#12.
    pub client_pfx: PathBuf,
}

impl Target {
    /// The environment that a command gets: the contract between the lab and applications under
    /// test. An application exits 0 when it has written `WIRELAB_VALUE` under `WIRELAB_KEY` and has
    /// read the same back.
    pub fn environment(&self) -> Vec<(String, String)> {
        let Self { host, port, canaries, files, .. } = self;
        let password = &canaries.password;
        let tls = self.transport.is_tls();
        let path = |path: &Path| path.display().to_string();
        let variables = [
            ("WIRELAB_TOPOLOGY", self.topology.to_string()),
            ("WIRELAB_SERVICE", SERVICE.to_owned()),
            ("WIRELAB_HOST", host.clone()),
            ("WIRELAB_PORT", port.to_string()),
            ("WIRELAB_TLS", u8::from(tls).to_string()),
            ("WIRELAB_CA", path(&files.ca)),
            ("WIRELAB_USERNAME", USERNAME.to_owned()),
            ("WIRELAB_PASSWORD", password.clone()),
            ("WIRELAB_CLIENT_CERT", path(&files.client_cert)),
            ("WIRELAB_CLIENT_KEY", path(&files.client_key)),
            ("WIRELAB_CLIENT_PFX", path(&files.client_pfx)),
            ("WIRELAB_KEY", canaries.key.clone()),
            ("WIRELAB_VALUE", canaries.value.clone()),
            ("REDIS_URL", self.url()),
            ("WIRELAB_STACKEXCHANGE", self.stackexchange()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// `redis://` or `rediss://`.
    pub(crate) fn url(&self) -> String {
        let Self { host, port, canaries, .. } = self;
        let scheme = if self.transport.is_tls() { "rediss" } else { "redis" };
        format!("{scheme}://{USERNAME}:{}@{host}:{port}/0", canaries.password)
    }

    /// A StackExchange.Redis configuration string. One attempt with short timeouts: a client that tries for
    /// minutes tells nothing more.
    pub(crate) fn stackexchange(&self) -> String {
        let Self { host, port, canaries, .. } = self;
        format!(
            "{host}:{port},user={USERNAME},password={},ssl={},abortConnect=true,connectRetry=1,\
             connectTimeout=3000,syncTimeout=3000,asyncTimeout=3000",
            canaries.password,
            self.transport.is_tls()
        )
    }

    /// An entry of the environment that no other trial has: by it the processes of a trial can be
    /// told from all others.
    pub(crate) fn mark(&self) -> String {
        format!("WIRELAB_KEY={}", self.canaries.key)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A target on localhost whose files lie in `folder`.
    pub(crate) fn target(transport: Transport, port: u16, folder: &Path) -> Target {
        Target {
            host: "localhost".to_owned(),
            port,
            transport,
            topology: Topology::Standalone,
            talk: Talk::Simple,
            canaries: Canaries::new([[1; 12], [2; 12], [3; 12], [4; 12]]),
            files: TlsFiles {
                ca: folder.join("ca.crt"),
                client_cert: folder.join("client.crt"),
                client_key: folder.join("client.key"),
                client_pfx: folder.join("client.pfx"),
            },
            shows: None,
            deadline: Duration::from_secs(10),
            stalled: false,
            login: Login::Password,
            cut: Cut::Never,
            hostile: false,
        }
    }

    fn lines(transport: Transport) -> String {
        target(transport, 6390, Path::new("/run"))
            .environment()
            .iter()
            .fold(String::new(), |text, (name, value)| text + name + "=" + value + "\n")
    }

    #[test]
    fn the_contract_over_tls() {
        let expected = "\
WIRELAB_TOPOLOGY=standalone
WIRELAB_SERVICE=wirelab
WIRELAB_HOST=localhost
WIRELAB_PORT=6390
WIRELAB_TLS=1
WIRELAB_CA=/run/ca.crt
WIRELAB_USERNAME=default
WIRELAB_PASSWORD=wirelab-password-010101010101010101010101
WIRELAB_CLIENT_CERT=/run/client.crt
WIRELAB_CLIENT_KEY=/run/client.key
WIRELAB_CLIENT_PFX=/run/client.pfx
WIRELAB_KEY=wirelab-key-020202020202020202020202
WIRELAB_VALUE=wirelab-value-030303030303030303030303
REDIS_URL=rediss://default:wirelab-password-010101010101010101010101@localhost:6390/0
WIRELAB_STACKEXCHANGE=localhost:6390,user=default,password=wirelab-password-010101010101010101010101,\
ssl=true,abortConnect=true,connectRetry=1,connectTimeout=3000,syncTimeout=3000,asyncTimeout=3000
";
        assert_eq!(lines(Transport::Tls), expected);
        assert_eq!(lines(Transport::TlsUnverified), expected);
    }

    #[test]
    fn the_contract_in_plaintext_differs_in_three_places() {
        let plaintext = lines(Transport::Plaintext);
        let expected = lines(Transport::Tls)
            .replace("WIRELAB_TLS=1", "WIRELAB_TLS=0")
            .replace("rediss://", "redis://")
            .replace("ssl=true", "ssl=false");
        assert_eq!(plaintext, expected);
    }
}
