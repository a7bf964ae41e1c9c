use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the evidence of an arm amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The attack was live, and the attacker got nothing.
    Secure,
    /// The attacker got something: see [`Got`].
    Compromised,
    /// Nothing leaked, but the client never came back from the attack.
    Hung,
    /// The lab cannot tell. Never green.
    Inconclusive,
    /// Not run, with a reason.
    Skipped,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "secure",
            Self::Compromised => "compromised",
            Self::Hung => "hung",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        })
    }
}

/// What an attacker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Got {
    /// The password.
    Credential,
    /// A key or a value.
    Data,
    /// The client received a reply that the server never sent.
    TamperedReply,
    /// The server received a command that the client never sent.
    TamperedCommand,
    /// The client accepted the forged certificate, or went on with a handshake that it had to break off,
    /// and had not sent anything yet.
    Accepted,
    /// The client's certificate.
    ClientCertificate,
    /// The client went to the host that the attacker named.
    Redirected,
    /// The client crashed, or took more memory than the lab grants it.
    Denial,
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "credential",
            Self::Data => "data",
            Self::TamperedReply => "tampered-reply",
            Self::TamperedCommand => "tampered-command",
            Self::Accepted => "accepted",
            Self::ClientCertificate => "client-certificate",
            Self::Redirected => "redirected",
            Self::Denial => "denial",
        })
    }
}
