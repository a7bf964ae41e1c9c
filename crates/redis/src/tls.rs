use crate::heard::Heard;
use crate::record::{Recorder, alert, tls_error};
use crate::weak_key::WeakKey;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{Acceptor, NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::version::TLS12;
use rustls::{KeyLog, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use wirelab_model::{Demand, Ending, Handshake, TlsFacts};
use wirelab_pki::{ClientTrust, Identity};

/// The server side of TLS with one certificate, good or not: whatever is in the chain is sent as it is.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificate: String,
    secrets: Arc<Secrets>,
}

/// The secrets of all sessions, as lines of a key log: the lab shows what is inside of its own captures.
/// <https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html>
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<u8>>);

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

    /// TLS 1.2 and 1.3, and clients are asked for a certificate that the authority signed and did not revoke.
    ///
    /// # Errors
    /// The key is of a kind that nobody here signs with, or the authority is none.
    pub fn mutual(identity: &Identity, trust: &ClientTrust, demand: Demand) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(trust.authority.clone())?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
            .with_crls([trust.revoked.clone()]);
        let verifier = match demand {
            Demand::Required => verifier,
            Demand::Optional => verifier.allow_unauthenticated(),
        };
        let verifier = verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?;
        Self::with(identity, Some(verifier), rustls::DEFAULT_VERSIONS)
    }

    fn with(
        identity: &Identity,
        clients: Option<Arc<dyn ClientCertVerifier>>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Self, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
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
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let secrets = Arc::new(Secrets::default());
        config.key_log = Arc::<Secrets>::clone(&secrets);
        Ok(Self { config: Arc::new(config), certificate: identity.name.clone(), secrets })
    }

    /// The secrets of all sessions so far, in the form of a key log.
    pub(crate) fn key_log(&self) -> Vec<u8> {
        self.secrets.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shakes hands and records how it went. None where that failed.
    pub(crate) async fn accept(&self, tcp: TcpStream, recorder: &Recorder) -> Option<TlsStream<Heard>> {
        let mut facts = TlsFacts {
            certificate: self.certificate.clone(),
            sni: None,
            offered: None,
            certificate_sent: false,
            version: None,
            cipher: None,
            handshake: Handshake::Failed { reason: "it did not end".into() },
        };
        recorder.note(|connection| connection.tls = Some(facts.clone()));
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
                let shown = session.peer_certificates().is_some();
                recorder.note(|connection| connection.client_certificate = shown);
                facts.version = session.protocol_version().map(|version| match version {
                    rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".into(),
                    rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".into(),
                    other => format!("{other:?}"),
                });
                facts.cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
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
