use crate::{Address, BenchError};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cipher that is offered, in TLS 1.3 and 1.2 alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// AES of 128 bits in GCM.
    Aes128Gcm,
    /// AES of 256 bits in GCM.
    Aes256Gcm,
    /// ChaCha20 with Poly1305.
    ChaCha20Poly1305,
}

impl Cipher {
    /// As it is called within the names of suites.
    fn part(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "AES_128_GCM",
            Self::Aes256Gcm => "AES_256_GCM",
            Self::ChaCha20Poly1305 => "CHACHA20_POLY1305",
        }
    }
}

/// Whether later connections may use the session of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// Each handshake is a whole one.
    Never,
    /// Where the server agrees.
    Offer,
}

/// What the client checks the server with, and what it shows.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Authorities.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Certificate chain and key of the client, for servers that ask for one.
    pub client: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
}

impl Trust {
    /// Reads PEM files: authorities, and certificate and key of the client.
    ///
    /// # Errors
    /// A file cannot be read, or has nothing of the kind in it.
    pub fn read(authorities: &Path, client: Option<&(PathBuf, PathBuf)>) -> Result<Self, BenchError> {
        let client = match client {
            None => None,
            Some((chain, key)) => {
                let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
                Some((certificates(chain)?, Arc::new(private)))
            }
        };
        Ok(Self { authorities: certificates(authorities)?, client })
    }

    /// The client's side of TLS.
    ///
    /// # Errors
    /// A certificate is none, or the client's key does not fit.
    pub fn config(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        cipher: Option<Cipher>,
        group: Option<&'static dyn SupportedKxGroup>,
        resume: Resume,
    ) -> Result<Arc<ClientConfig>, BenchError> {
        let failed = |error: rustls::Error| BenchError::Tls {
            what: "the settings for TLS".into(),
            reason: error.to_string(),
        };
        let mut provider: CryptoProvider = aws_lc_rs::default_provider();
        if let Some(cipher) = cipher {
            provider.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).contains(cipher.part()));
        }
        if let Some(group) = group {
            provider.kx_groups = vec![group];
        }
        let mut roots = RootCertStore::empty();
        for authority in &self.authorities {
            roots.add(authority.clone()).map_err(failed)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .map_err(failed)?
            .with_root_certificates(roots);
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(failed)?
            }
        };
        config.resumption = match resume {
            Resume::Never => Resumption::disabled(),
            Resume::Offer => Resumption::in_memory_sessions(64),
        };
        Ok(Arc::new(config))
    }
}

fn unusable(path: &Path, error: rustls_pki_types::pem::Error) -> BenchError {
    BenchError::Tls { what: path.display().to_string(), reason: error.to_string() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BenchError> {
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| unusable(path, error))?;
    if all.is_empty() {
        return Err(BenchError::Tls {
            what: path.display().to_string(),
            reason: "there is no certificate in it (PEM is expected)".into(),
        });
    }
    Ok(all)
}

/// Who logs in. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Where it is.
    pub address: Address,
    /// TLS, and the name that the certificate must have. Plaintext without.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Who logs in, where anybody must.
    pub login: Option<Login>,
}

impl Dial {
    /// `plaintext` or `TLS`.
    pub(crate) fn transport(&self) -> &'static str {
        if self.tls.is_some() { "TLS" } else { "plaintext" }
    }

    /// What went wrong with the target. Servers repeat what they are sent: the password is masked.
    pub(crate) fn fault(&self, what: &str, reason: impl fmt::Display) -> BenchError {
        let mut reason = reason.to_string();
        if let Some(login) = self.login.as_ref().filter(|login| !login.password.is_empty()) {
            reason = reason.replace(&login.password, "********");
        }
        BenchError::Target {
            what: format!("{what} over {}", self.transport()),
            address: self.address.to_string(),
            reason,
        }
    }
}
