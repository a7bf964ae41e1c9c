use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much is lost where a client is wrong about something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Importance {
    /// Anybody on the path can read along or play the server.
    Critical,
    /// Somebody who has some other certificate or key can.
    High,
    /// It takes a further fault, of the authority for instance.
    Medium,
    /// Nothing by itself.
    Low,
}

impl fmt::Display for Importance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        })
    }
}

/// What is weak about a client or a server that an attack succeeds against. Remedies go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// It talks without TLS.
    NoTls,
    /// It does not check who signed the certificate.
    Chain,
    /// It does not check the limits that an authority is under.
    Constraint,
    /// It does not check the name in the certificate.
    Name,
    /// It does not check dates.
    Time,
    /// It does not check what the certificate is for.
    Usage,
    /// It takes keys that are too weak.
    Key,
    /// It takes certificates that are damaged or not signed well.
    Encoding,
    /// It does not ask whether the certificate was revoked.
    Revocation,
    /// It does not notice that bytes were changed on the way.
    Integrity,
    /// It takes old versions or weak suites of TLS.
    Version,
    /// It goes on with a handshake that it has to break off.
    Handshake,
    /// It goes on without TLS where TLS fails.
    Fallback,
    /// It follows to another server without the same protection.
    Redirect,
    /// It does not bound what a peer may do to it.
    Robustness,
    /// It lets in whoever has no certificate, or shows its own to anybody.
    ClientCertificate,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoTls => "no-tls",
            Self::Chain => "chain",
            Self::Constraint => "constraint",
            Self::Name => "name",
            Self::Time => "time",
            Self::Usage => "usage",
            Self::Key => "key",
            Self::Encoding => "encoding",
            Self::Revocation => "revocation",
            Self::Integrity => "integrity",
            Self::Version => "version",
            Self::Handshake => "handshake",
            Self::Fallback => "fallback",
            Self::Redirect => "redirect",
            Self::Robustness => "robustness",
            Self::ClientCertificate => "client-certificate",
        })
    }
}
