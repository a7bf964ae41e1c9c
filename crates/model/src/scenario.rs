use crate::{
    AnnouncedHost, Bait, Demand, Destination, Environment, Got, Hostility, Importance, Link, Redirection,
    Talk, Tampering, Topology, Verdict, Weakness,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the client of an arm talks to its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// No TLS at all.
    Plaintext,
    /// TLS, and the client checks nothing: the arm that proves a TLS attack is live.
    TlsUnverified,
    /// TLS, and the client trusts the lab's authority alone.
    Tls,
    /// TLS, the server demands a certificate of the client, and the client checks nothing: what that
    /// demand is worth by itself.
    MtlsUnverified,
    /// TLS, the server demands a certificate of the client, and the client trusts the lab's authority
    /// alone.
    Mtls,
}

impl Transport {
    /// Whether the peer speaks TLS.
    pub fn is_tls(self) -> bool {
        self != Self::Plaintext
    }

    /// Whether the client checks its peer, so that it may be secure.
    pub fn is_verified(self) -> bool {
        matches!(self, Self::Tls | Self::Mtls)
    }

    /// Whether the good server demands a certificate of the client.
    pub fn is_mutual(self) -> bool {
        matches!(self, Self::Mtls | Self::MtlsUnverified)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "plaintext",
            Self::TlsUnverified => "tls-unverified",
            Self::Tls => "tls",
            Self::MtlsUnverified => "mtls-unverified",
            Self::Mtls => "mtls",
        })
    }
}

/// One TOML file under `scenarios/`: an attack, and what each arm must show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Folder and file name without `.toml`, for instance `mitm/relay-read`.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What an attacker gains where it succeeds, and how clients get it wrong.
    pub description: String,
    /// Where to read on: an RFC section, a CWE, a page.
    #[serde(default)]
    pub references: Vec<String>,
    /// Words to select by: `--tag`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How much is lost where it succeeds.
    pub importance: Importance,
    /// What is weak about a client or server that it succeeds against.
    pub weakness: Weakness,
    /// What the client is told that it connects to. Clients get it as `WIRELAB_TOPOLOGY`.
    #[serde(default)]
    pub topology: Topology,
    /// The link between servers that is under test. None: a client and a server are.
    #[serde(default)]
    pub link: Option<Link>,
    /// The environment that it stands for, in the report's table of environments.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What the good server makes of clients without a certificate, in the arms with mutual TLS.
    #[serde(default)]
    pub demand: Demand,
    /// What the attacker does.
    pub attack: Attack,
    /// The arms, at least one; each transport at most once.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
}

/// What the attacker does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Attack {
    /// Listens between the client and the good server.
    Eavesdrop,
    /// Answers in the server's place.
    Impostor {
        /// Name of an entry of the certificate catalogue. Not used in the plaintext arm.
        certificate: String,
    },
    /// Sits in the middle, and reads.
    RelayRead {
        /// Name of an entry of the certificate catalogue. Not used in the plaintext arm.
        certificate: String,
    },
    /// Sits in the middle, and replaces the value in the server's reply.
    RelayTamper {
        /// Name of an entry of the certificate catalogue. Not used in the plaintext arm.
        certificate: String,
    },
    /// Sits in the middle, and changes commands, replies or messages.
    Tamper {
        /// Name of an entry of the certificate catalogue. Not used in the plaintext arm.
        certificate: String,
        /// What it changes.
        how: Tampering,
    },
    /// Answers in the server's place, and makes clients log in again and again.
    Bait {
        /// Name of an entry of the certificate catalogue. Not used in the plaintext arm.
        certificate: String,
        /// What it says to those who log in.
        how: Bait,
    },
    /// Is a server that the client trusts (one that was taken over), and answers GET with what is to break it.
    HostileReply {
        /// With what.
        how: Hostility,
    },
    /// Passes bytes on without ending TLS, and flips one bit on the way to the client.
    Corrupt,
    /// Has a server that the client trusts (a node or Sentinel that was taken over) send it elsewhere.
    Redirect {
        /// By which answer.
        how: Redirection,
        /// To which host; the port is always another.
        #[serde(default)]
        host: AnnouncedHost,
        /// What waits there. Plaintext in the plaintext arm.
        to: Destination,
    },
    /// Connects to the good server itself, with the password that it stole. The server is under test.
    Intruder {
        /// Name of the certificate that it shows as a client: `none`, or an entry of the catalogue of
        /// intruders.
        certificate: String,
    },
    /// Answers in the server's place, and asks the client for its certificate.
    AskCertificate {
        /// Name of an entry of the certificate catalogue.
        certificate: String,
    },
    /// Lets the first connection through to the good server, cuts it off, and sits in the middle of those that
    /// come after it.
    Reconnect {
        /// Name of an entry of the certificate catalogue: what is shown from the second connection on.
        certificate: String,
    },
    /// Answers in the server's place, and is there again however often the client comes: what does one do that was
    /// refused many times?
    Storm {
        /// Name of an entry of the certificate catalogue. Not used in the plaintext arm.
        certificate: String,
    },
    /// Is the good server at first, cuts the connection off, and resumes its session when the client comes back,
    /// without showing a certificate.
    Resume {
        /// Name of an entry of the certificate catalogue: what those are shown who do not resume.
        certificate: String,
        /// Its tickets allow data before the handshake (0-RTT), and what comes like that is sent a second time.
        #[serde(default)]
        early: bool,
    },
    /// Listens between the client and the good server, which speaks TLS 1.2 alone: who the client is goes by in
    /// clear there.
    Overhear,
    /// Listens while a client comes to a good server that speaks TLS alone.
    TlsPort,
    /// Answers in the server's place with the good certificate, and breaks the rules of TLS.
    Misbehave {
        /// Name of an entry of the catalogue of misbehaviour.
        how: String,
    },
    /// Answers in the server's place, and keeps the client waiting.
    Stall {
        /// Name of an entry of the catalogue of misbehaviour.
        how: String,
    },
    /// Is the good server over TLS 1.2, and asks for a new handshake within the session.
    Renegotiate {
        /// Name of an entry of the catalogue of misbehaviour.
        how: String,
    },
    /// Passes protected records on without any key, and sends one again, puts one in, or cuts them off.
    OnPath {
        /// Name of an entry of the catalogue of misbehaviour.
        how: String,
    },
}

impl Attack {
    /// Name of the forged certificate, where the attack shows one.
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Self::Impostor { certificate }
            | Self::RelayRead { certificate }
            | Self::RelayTamper { certificate }
            | Self::AskCertificate { certificate }
            | Self::Reconnect { certificate }
            | Self::Storm { certificate }
            | Self::Resume { certificate, .. }
            | Self::Tamper { certificate, .. }
            | Self::Bait { certificate, .. }
            | Self::Redirect { to: Destination::Certificate(certificate), .. } => Some(certificate),
            _ => None,
        }
    }

    /// What a client must do for the attack to have something to work on.
    pub fn talk(&self) -> Talk {
        match self {
            Self::Tamper { how, .. } => how.talk(),
            Self::Redirect { how: Redirection::Switch, .. } => Talk::Failover,
            _ => Talk::Simple,
        }
    }

    /// Name of the entry of the catalogue of misbehaviour, where the attack is one of it.
    pub fn how(&self) -> Option<&str> {
        match self {
            Self::Misbehave { how }
            | Self::Stall { how }
            | Self::Renegotiate { how }
            | Self::OnPath { how } => Some(how),
            _ => None,
        }
    }
}

/// One run of a scenario in one transport, and what it must show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// How the client talks to its peer.
    pub transport: Transport,
    /// The verdict that the arm must have, or the verdicts that it may have.
    pub expect: Expect,
    /// What the attacker must have got at least, where the verdict is `compromised`.
    #[serde(default)]
    pub got: Vec<Got>,
    /// What the attacker must not have got, where the verdict is `compromised`.
    #[serde(default)]
    pub not_got: Vec<Got>,
}

/// The verdict that an arm must have, or several that it may have: then it is reported, and no verdict
/// among them fails the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a verdict such as \"secure\", or a list such as [\"secure\", \"compromised\"]"
)]
pub enum Expect {
    /// This one.
    One(Verdict),
    /// Any of these.
    Any(Vec<Verdict>),
}

impl Expect {
    /// The verdicts that are as expected.
    pub fn verdicts(&self) -> &[Verdict] {
        match self {
            Self::One(verdict) => std::slice::from_ref(verdict),
            Self::Any(verdicts) => verdicts,
        }
    }

    /// Whether this verdict is as expected.
    pub fn allows(&self, verdict: Verdict) -> bool {
        self.verdicts().contains(&verdict)
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, verdict) in self.verdicts().iter().enumerate() {
            if index > 0 {
                f.write_str(" or ")?;
            }
            verdict.fmt(f)?;
        }
        Ok(())
    }
}
