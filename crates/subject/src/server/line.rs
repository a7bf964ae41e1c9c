//! Questions of the lab to a server: over a Unix socket where it has one, so that they put no packet on the
//! loopback interface.

use super::ServerTls;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use wirelab_wire::resp::{Decoder, Value};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer in bytes.
const MOST: usize = 1 << 20;

/// Where a server is asked.
pub(super) enum Place {
    Socket(PathBuf),
    /// A port on 127.0.0.1, for a server that has no socket: only before and after the recording.
    Port(u16),
}

/// How a server is asked.
pub(super) struct Line {
    pub(super) place: Place,
    /// None: `default`.
    pub(super) user: Option<&'static str>,
    /// Empty: nobody has to log in.
    pub(super) password: String,
    /// For a server that speaks nothing but TLS.
    pub(super) tls: Option<TlsConnector>,
}

/// TLS towards a good server, which is checked, with a good certificate where the server asks for one.
pub(super) fn connector(tls: &ServerTls<'_>) -> Result<TlsConnector, rustls::Error> {
    let mut roots = RootCertStore::empty();
    if let Some(authority) = tls.identity.chain.last() {
        roots.add(authority.clone())?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match tls.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let good = clients.good;
            builder.with_client_auth_cert(good.chain.clone(), good.key.clone_key().into())?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Line {
    /// Logs in and sends one command.
    pub(super) async fn ask(&self, words: &[&str]) -> io::Result<Value> {
        tokio::time::timeout(PATIENCE, self.connect_and_ask(words)).await?
    }

    async fn connect_and_ask(&self, words: &[&str]) -> io::Result<Value> {
        match &self.place {
            Place::Socket(socket) => self.ask_over(UnixStream::connect(socket).await?, words).await,
            Place::Port(port) => {
                self.ask_over(TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?, words).await
            }
        }
    }

    async fn ask_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        words: &[&str],
    ) -> io::Result<Value> {
        let Some(tls) = &self.tls else { return self.exchange(stream, words).await };
        let name = ServerName::try_from(super::HOST).map_err(io::Error::other)?;
        self.exchange(tls.connect(name, stream).await?, words).await
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        words: &[&str],
    ) -> io::Result<Value> {
        let login: Vec<&str> = match self.user {
            _ if self.password.is_empty() => Vec::new(),
            None => vec!["AUTH", &self.password],
            Some(user) => vec!["AUTH", user, &self.password],
        };
        let commands: Vec<&[&str]> = [&login, words].into_iter().filter(|words| !words.is_empty()).collect();
        let mut request = Vec::new();
        for words in &commands {
            request.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in *words {
                request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
            }
        }
        stream.write_all(&request).await?;
        stream.flush().await?;
        let mut decoder = Decoder::replies();
        let mut buffer = vec![0; 4096];
        let (mut replies, mut bytes) = (0, 0);
        loop {
            while let Some(value) = decoder.next_value().map_err(io::Error::other)? {
                replies += 1;
                if replies == commands.len() {
                    return Ok(value);
                }
            }
            let length = stream.read(&mut buffer).await?;
            bytes += length;
            if length == 0 || bytes > MOST {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            decoder.push(buffer.get(..length).unwrap_or_default());
        }
    }

    /// Whether a key, or a field of the hash under it, has this value.
    pub(super) async fn holds(&self, key: &str, value: &str) -> io::Result<bool> {
        let is = |held: &Value| matches!(held, Value::Bulk(Some(held)) if held == value.as_bytes());
        let held = self.ask(&["GET", key]).await?;
        if !held.is_error() {
            return Ok(is(&held));
        }
        // It is no string.
        match self.ask(&["HVALS", key]).await? {
            Value::Array(Some(values)) => Ok(values.iter().any(is)),
            _ => Ok(false),
        }
    }
}

/// Somebody who waits for messages of one channel.
pub(super) struct Subscriber {
    stream: UnixStream,
    decoder: Decoder,
}

impl Line {
    /// Subscribes over the Unix socket.
    pub(super) async fn subscribe(&self, channel: &str) -> io::Result<Subscriber> {
        let Place::Socket(socket) = &self.place else {
            return Err(io::Error::other("this server has no socket"));
        };
        let mut stream = UnixStream::connect(socket).await?;
        for words in [["AUTH", &self.password], ["SUBSCRIBE", channel]] {
            let [name, argument] = words;
            let (long, longer) = (name.len(), argument.len());
            let request = format!("*2\r\n${long}\r\n{name}\r\n${longer}\r\n{argument}\r\n");
            stream.write_all(request.as_bytes()).await?;
        }
        Ok(Subscriber { stream, decoder: Decoder::replies() })
    }
}

impl Subscriber {
    /// The next message, if there is one soon.
    pub(super) async fn message(&mut self, within: Duration) -> io::Result<Option<String>> {
        let mut buffer = vec![0; 4096];
        loop {
            while let Some(value) = self.decoder.next_value().map_err(io::Error::other)? {
                if let Value::Array(Some(parts)) = value
                    && let [Value::Bulk(Some(kind)), _, Value::Bulk(Some(message))] = parts.as_slice()
                    && kind.as_slice() == b"message"
                {
                    return Ok(Some(String::from_utf8_lossy(message).into_owned()));
                }
            }
            let Ok(read) = tokio::time::timeout(within, self.stream.read(&mut buffer)).await else {
                return Ok(None);
            };
            let length = read?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.decoder.push(buffer.get(..length).unwrap_or_default());
        }
    }
}
