use crate::asking::Asking;
use crate::endpoint::Stream;
use crate::heard::Heard;
use crate::record::{Recorder, alert, tls_error};
use crate::sessions::Sessions;
use crate::weak_key::WeakKey;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{Acceptor, NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::version::TLS12;
use rustls::{
    ExtractedSecrets, HandshakeKind, KeyLog, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use wirelab_model::{CertificateSeen, Demand, Ending, Handshake, TlsFacts};
use wirelab_pki::{ClientTrust, Identity};
use wirelab_wire::tls::read_certificate;

/// The server side of TLS with one certificate, good or not: whatever is in the chain is sent as it is.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificate: String,
    shown: Option<Box<CertificateSeen>>,
    /// Clients are asked for a certificate.
    asks: bool,
    secrets: Arc<Secrets>,
}

/// The secrets of all sessions, as lines of a key log: the lab shows what is inside of its own captures.
/// <https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html>
#[derive(Debug, Default)]
pub struct Secrets(Mutex<Vec<u8>>);

impl Secrets {
    /// All lines so far.
    pub fn all(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line.as_bytes());
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with this certificate; TLS 1.2 alone where the key is one that rustls does not
    /// sign with. Clients are asked for no certificate, and sessions are never resumed: each connection
    /// must check the certificate anew.
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with.
    pub fn new(identity: &Identity) -> Result<Self, rustls::Error> {
        Self::with(identity, None, rustls::DEFAULT_VERSIONS)
    }

    /// The same with TLS 1.2 alone.
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with.
    pub fn tls12(identity: &Identity) -> Result<Self, rustls::Error> {
        Self::with(identity, None, &[&TLS12])
    }

    /// TLS 1.2 alone with AES-128-GCM, and the keys can be had once hands are shaken: [`Tls::accept_for_keys`].
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with.
    pub fn tls12_with_keys(identity: &Identity) -> Result<Self, rustls::Error> {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|suite| {
            use rustls::CipherSuite::{
                TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            };
            let wanted = [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
            wanted.contains(&suite.suite())
        });
        let mut tls = Self::with_provider(provider, identity, None, &[&TLS12])?;
        Arc::make_mut(&mut tls.config).enable_secret_extraction = true;
        Ok(tls)
    }

    /// TLS 1.2 and 1.3, and clients are asked for a certificate that the authority signed and did not revoke.
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with, or the authority is none.
    pub fn mutual(identity: &Identity, trust: &ClientTrust, demand: Demand) -> Result<Self, rustls::Error> {
        Self::with(identity, Some(asked(trust, demand)?), rustls::DEFAULT_VERSIONS)
    }

    /// The same with TLS 1.2 alone.
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with, or the authority is none.
    pub fn mutual_tls12(
        identity: &Identity,
        trust: &ClientTrust,
        demand: Demand,
    ) -> Result<Self, rustls::Error> {
        Self::with(identity, Some(asked(trust, demand)?), &[&TLS12])
    }

    /// TLS 1.2 and 1.3, and clients are asked for a certificate: any will do, and none.
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with.
    pub fn asking(identity: &Identity) -> Result<Self, rustls::Error> {
        Self::with(identity, Some(Arc::new(Asking::default())), rustls::DEFAULT_VERSIONS)
    }

    /// The same, and each session of TLS 1.3 gets this many tickets to resume it with. Whoever shakes hands
    /// with another [`Tls`] cannot resume there.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn with_tickets(mut self, count: usize) -> Result<Self, rustls::Error> {
        let config = Arc::make_mut(&mut self.config);
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = count;
        Ok(self)
    }

    /// The same, and sessions can be resumed with every [`Tls`] that has the same store, whatever certificate it
    /// shows. `early` is how many bytes a client may send before it has heard anything (0-RTT).
    #[must_use]
    pub fn resuming(mut self, sessions: &Sessions, early: u32) -> Self {
        let config = Arc::make_mut(&mut self.config);
        config.session_storage = Arc::new(sessions.clone());
        config.send_tls13_tickets = 2;
        config.max_early_data_size = early;
        self
    }

    /// How it shakes hands.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    fn with(
        identity: &Identity,
        clients: Option<Arc<dyn ClientCertVerifier>>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Self, rustls::Error> {
        Self::with_provider(aws_lc_rs::default_provider(), identity, clients, versions)
    }

    fn with_provider(
        provider: CryptoProvider,
        identity: &Identity,
        clients: Option<Arc<dyn ClientCertVerifier>>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Self, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(provider));
        let key = identity.key.clone_key().into();
        let (builder, key): (_, Arc<dyn SigningKey>) = match aws_lc_rs::sign::any_supported_type(&key) {
            Ok(key) => (builder.with_protocol_versions(versions)?, key),
            Err(error) => {
                let key = WeakKey::new(identity).ok_or(error)?;
                (builder.with_protocol_versions(&[&TLS12])?, Arc::new(key))
            }
        };
        // Not `with_single_cert`, which reads the certificate and compares its key.
        let mut certified = CertifiedKey::new(identity.chain.clone(), key);
        certified.ocsp.clone_from(&identity.staple);
        let asks = clients.is_some();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let secrets = Arc::new(Secrets::default());
        config.key_log = Arc::<Secrets>::clone(&secrets);
        let shown = identity.chain.first().and_then(|first| read_certificate(first)).map(Box::new);
        let certificate = identity.name.clone();
        Ok(Self { config: Arc::new(config), certificate, shown, asks, secrets })
    }

    /// The secrets of its sessions, as they become known.
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets)
    }

    /// The secrets of all sessions so far, in the form of a key log.
    pub(crate) fn key_log(&self) -> Vec<u8> {
        self.secrets.all()
    }

    /// Shakes hands and records how it went. None where that failed.
    pub async fn accept<S>(&self, tcp: S, recorder: &Recorder) -> Option<Box<dyn Stream>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut stream = self.shake(tcp, recorder).await?;
        let mut early = Vec::new();
        if let Some(mut reader) = stream.get_mut().1.early_data() {
            // It is bounded by what the tickets allow.
            drop(reader.read_to_end(&mut early));
        }
        if early.is_empty() {
            return Some(Box::new(stream));
        }
        recorder.note(|connection| connection.early_bytes = early.len() as u64);
        let (reader, writer) = tokio::io::split(stream);
        let reader = AsyncReadExt::chain(io::Cursor::new(early), reader);
        Some(Box::new(tokio::io::join(reader, writer)))
    }

    /// Shakes hands, records how it went, and gives the connection back without TLS, with the keys of the session.
    /// None where that failed.
    pub async fn accept_for_keys<S>(
        &self,
        tcp: S,
        recorder: &Recorder,
    ) -> Option<(Box<dyn Stream>, ExtractedSecrets)>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (tcp, session) = self.shake(tcp, recorder).await?.into_inner();
        match session.dangerous_extract_secrets() {
            Ok(secrets) => Some((Box::new(tcp), secrets)),
            Err(error) => {
                recorder.ended(Ending::Error { reason: format!("no keys of the session: {error}") });
                None
            }
        }
    }

    async fn shake<S>(&self, tcp: S, recorder: &Recorder) -> Option<TlsStream<Heard<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut facts = TlsFacts {
            certificate: self.certificate.clone(),
            sni: None,
            offered: None,
            shown: self.shown.as_deref().cloned(),
            resumed: false,
            certificate_sent: false,
            version: None,
            cipher: None,
            handshake: Handshake::Failed { reason: "it did not end".into() },
        };
        recorder.note(|connection| {
            connection.tls = Some(facts.clone());
            connection.certificate_asked = self.asks;
        });
        let (tcp, first) = Heard::new(tcp);
        let accepted = match LazyConfigAcceptor::new(Acceptor::default(), tcp).await {
            Ok(start) => {
                facts.sni = start.client_hello().server_name().map(str::to_owned);
                // The flight with the certificate goes out in one piece before the client can answer.
                facts.certificate_sent = true;
                recorder.note(|connection| connection.tls = Some(facts.clone()));
                start.into_stream(Arc::clone(&self.config)).await
            }
            Err(error) => Err(error),
        };
        let result = match accepted {
            Ok(stream) => {
                let (_, session) = stream.get_ref();
                let shown = session.peer_certificates().and_then(<[_]>::first);
                recorder.note(|connection| {
                    connection.client_certificate = shown.is_some();
                    connection.client_identity = shown.and_then(|shown| read_certificate(shown));
                });
                facts.version = session.protocol_version().map(|version| match version {
                    rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".into(),
                    rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".into(),
                    other => format!("{other:?}"),
                });
                facts.cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
                facts.resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
                facts.certificate_sent = !facts.resumed;
                facts.handshake = Handshake::Completed;
                Some(stream)
            }
            Err(error) => {
                let (handshake, ended) = failure(&error);
                // Where the lab's own side refused the hello, no certificate went out.
                facts.certificate_sent &= !matches!(handshake, Handshake::Failed { .. });
                facts.handshake = handshake;
                recorder.ended(ended);
                None
            }
        };
        facts.offered = first.offered();
        recorder.note(|connection| connection.tls = Some(facts));
        result
    }
}

/// Clients have to show a certificate that this authority signed.
/// How clients are asked for a certificate.
fn asked(trust: &ClientTrust, demand: Demand) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trust.authority.clone())?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
        .with_crls([trust.revoked.clone()]);
    let verifier = match demand {
        Demand::Required | Demand::Named => verifier,
        Demand::Optional => verifier.allow_unauthenticated(),
    };
    verifier.build().map_err(|error| rustls::Error::General(error.to_string()))
}

fn failure(error: &io::Error) -> (Handshake, Ending) {
    if let Some(alert) = alert(error) {
        return (Handshake::Refused { alert: alert.clone() }, Ending::ClientAlert { alert });
    }
    if tls_error(error).is_none() {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => return (Handshake::Closed, Ending::ClientClosed),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                return (Handshake::Closed, Ending::ClientReset);
            }
            _ => {}
        }
    }
    let reason = error.to_string();
    (Handshake::Failed { reason: reason.clone() }, Ending::Error { reason })
}
