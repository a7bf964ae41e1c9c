//! Whom a client meets, and how that one is started.

use crate::certificates::Certificates;
use crate::group::Rogue as RogueKind;
use crate::lab::RunError;
use std::net::SocketAddr;
use wirelab_model::{
    AnnouncedHost, Attack, Bait, Canaries, Destination, Hostility, Redirection, Talk, Tampering, Topology,
    Transport,
};
use wirelab_pki::Shape;
use wirelab_rogue::misbehaviour::{self, Family};
use wirelab_rogue::{Lie, ListPort, Plan, Rogue, RogueError, Tamper, Upstream, When};

/// What clients connect to, unless the catalogue wants it otherwise for a certificate.
pub(crate) const HOST: &str = "localhost";

/// The host under which a certificate of the catalogue is shown.
pub(crate) fn host(certificate: &str) -> &'static str {
    wirelab_pki::find(certificate).map_or(HOST, |entry| entry.host)
}

/// Whom the client meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    Good,
    Impostor {
        certificate: String,
        host: &'static str,
    },
    /// The impostor with a good certificate of this shape.
    Unarmed {
        shape: Shape,
        host: &'static str,
    },
    Relay {
        certificate: String,
        tamper: bool,
    },
    /// The impostor that asks for the client's certificate.
    Asking {
        certificate: String,
    },
    /// The impostor, and the client is run again and again.
    Storm {
        certificate: String,
    },
    /// Good at first, and with this certificate when the client comes back; none: with another good one.
    Comeback {
        certificate: Option<String>,
    },
    /// Good at first; resumes sessions when the client comes back, and has this certificate for those who do not
    /// want that; none: another good one.
    Resumer {
        certificate: Option<String>,
        early: bool,
    },
    /// The good server with TLS, whatever the arm.
    TlsPort,
    /// The good server with TLS 1.2 alone.
    OldServer,
    /// A relay that understands what it passes on.
    Tamperer {
        certificate: String,
        talk: Talk,
        /// None: it changes nothing.
        how: Option<Tampering>,
    },
    Baiter {
        certificate: String,
        how: Bait,
    },
    Corrupter {
        armed: bool,
    },
    /// It answers to break its client.
    Hostile(Hostility),
    Misbehaving {
        how: String,
    },
    /// The same without its flaw.
    Behaving(Family),
    Redirector {
        how: Redirection,
        host: AnnouncedHost,
        /// None: a good server, which is the redirector without its flaw.
        to: Option<Destination>,
    },
    Idle,
    /// The good server, and the client is an intruder.
    Intruded {
        certificate: String,
    },
}

impl Peer {
    pub(crate) fn attacking(attack: &Attack) -> Self {
        match attack {
            Attack::Eavesdrop => Self::Good,
            Attack::Impostor { certificate } => {
                Self::Impostor { certificate: certificate.clone(), host: host(certificate) }
            }
            Attack::RelayRead { certificate } => {
                Self::Relay { certificate: certificate.clone(), tamper: false }
            }
            Attack::RelayTamper { certificate } => {
                Self::Relay { certificate: certificate.clone(), tamper: true }
            }
            Attack::AskCertificate { certificate } => Self::Asking { certificate: certificate.clone() },
            Attack::Storm { certificate } => Self::Storm { certificate: certificate.clone() },
            Attack::Reconnect { certificate } => Self::Comeback { certificate: Some(certificate.clone()) },
            Attack::Resume { certificate, early } => {
                Self::Resumer { certificate: Some(certificate.clone()), early: *early }
            }
            Attack::TlsPort => Self::TlsPort,
            Attack::Overhear => Self::OldServer,
            Attack::Tamper { certificate, how } => {
                Self::Tamperer { certificate: certificate.clone(), talk: how.talk(), how: Some(*how) }
            }
            Attack::Bait { certificate, how } => Self::Baiter { certificate: certificate.clone(), how: *how },
            Attack::Corrupt => Self::Corrupter { armed: true },
            Attack::HostileReply { how } => Self::Hostile(*how),
            Attack::Redirect { how, host, to } => {
                Self::Redirector { how: *how, host: *host, to: Some(to.clone()) }
            }
            Attack::Intruder { certificate } => Self::Intruded { certificate: certificate.clone() },
            Attack::Misbehave { how }
            | Attack::Stall { how }
            | Attack::Renegotiate { how }
            | Attack::OnPath { how } => Self::Misbehaving { how: how.clone() },
        }
    }

    /// The rogue with its one flaw removed.
    pub(crate) fn unarmed(rogue: RogueKind) -> Self {
        match rogue {
            RogueKind::Impostor { shape, host } => Self::Unarmed { shape, host },
            RogueKind::Relay => Self::Relay { certificate: "good".into(), tamper: false },
            RogueKind::Asking => Self::Asking { certificate: "good".into() },
            RogueKind::Comeback => Self::Comeback { certificate: None },
            RogueKind::Resumer { early } => Self::Resumer { certificate: None, early },
            RogueKind::Tamperer(talk) => Self::Tamperer { certificate: "good".into(), talk, how: None },
            RogueKind::Corrupter => Self::Corrupter { armed: false },
            RogueKind::Misbehaving(family) => Self::Behaving(family),
            RogueKind::Redirector { how, host } => Self::Redirector { how, host, to: None },
        }
    }

    /// What the client is told to connect to.
    pub(crate) fn host(&self) -> &'static str {
        match self {
            Self::Impostor { host, .. } | Self::Unarmed { host, .. } => host,
            _ => HOST,
        }
    }

    /// What the lab's own client is to do with it.
    pub(crate) fn talk(&self) -> Talk {
        match self {
            Self::Tamperer { talk, .. } => *talk,
            Self::Redirector { how: Redirection::Switch, .. } => Talk::Failover,
            _ => Talk::Simple,
        }
    }

    /// Whether the client meets the good server itself.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::Good | Self::TlsPort | Self::OldServer | Self::Intruded { .. })
    }

    pub(crate) fn stalls(&self) -> bool {
        if let Self::Baiter { how: Bait::Silent, .. } = self {
            return true;
        }
        let Self::Misbehaving { how } = self else { return false };
        let stall = Attack::Stall { how: how.clone() };
        misbehaviour::find(how).is_some_and(|entry| entry.is(&stall))
    }

    pub(crate) fn needs_server(&self) -> bool {
        match self {
            Self::Relay { .. } | Self::Tamperer { .. } | Self::Comeback { .. } | Self::Corrupter { .. } => {
                true
            }
            _ if self.is_server() => true,
            Self::Behaving(family) => *family == Family::Path,
            Self::Misbehaving { how } => {
                misbehaviour::find(how).is_some_and(|entry| entry.family() == Family::Path)
            }
            _ => false,
        }
    }

    /// Whether the good server is to give tickets: there are records right after the handshake then, and
    /// something that a client which comes back may try elsewhere.
    pub(crate) fn wants_tickets(&self) -> bool {
        match self {
            Self::Comeback { .. } | Self::Behaving(Family::Path) => true,
            Self::Misbehaving { how } => misbehaviour::find(how).is_some_and(|entry| entry.needs_tickets()),
            _ => false,
        }
    }
}

/// How clients meet a rogue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Met {
    pub(crate) transport: Transport,
    pub(crate) topology: Topology,
    /// Who ends the good time of a rogue that is good at first.
    pub(crate) cut: When,
}

/// Starts the rogue that the peer is, if it is one. `upstream` is the good server, for those that need one.
pub(crate) async fn start_rogue(
    lab: &Certificates,
    port: u16,
    peer: &Peer,
    Met { transport, topology, cut }: Met,
    upstream: SocketAddr,
    canaries: &Canaries,
) -> Result<Option<Rogue>, RunError> {
    let identity = |name: &str| if transport.is_tls() { lab.identity(name).map(Some) } else { Ok(None) };
    let started = match peer {
        Peer::Good | Peer::TlsPort | Peer::OldServer | Peer::Intruded { .. } => return Ok(None),
        Peer::Idle => Rogue::idle(port).await,
        Peer::Impostor { certificate, .. } if transport.is_tls() && names_list(certificate) => {
            return listed(lab, port, Some(certificate)).await.map(Some);
        }
        Peer::Unarmed { shape: Shape::Listed, .. } if transport.is_tls() => {
            return listed(lab, port, None).await.map(Some);
        }
        Peer::Impostor { certificate, .. } | Peer::Storm { certificate } => {
            Rogue::impostor(port, identity(certificate)?.as_ref()).await
        }
        Peer::Unarmed { shape, .. } => {
            let good = if transport.is_tls() { Some(lab.good(*shape)?) } else { None };
            Rogue::impostor(port, good.as_ref()).await
        }
        Peer::Relay { certificate, tamper } => {
            let tamper = tamper.then(|| Tamper {
                find: canaries.value.clone().into(),
                replace: canaries.forged.clone().into(),
            });
            // Without its flaw it has a good certificate as a client too.
            let shows = (certificate == "good" && transport.is_mutual()).then(|| lab.client());
            let upstream = Upstream { address: upstream, tls: transport.is_tls(), shows: shows.cloned() };
            Rogue::relay(port, identity(certificate)?.as_ref(), upstream, tamper).await
        }
        Peer::Asking { certificate } => Rogue::asking(port, &lab.identity(certificate)?).await,
        Peer::Resumer { certificate, early } => {
            let later = lab.identity_or_renewed(certificate.as_deref())?;
            Rogue::resumer(port, &lab.identity("good")?, &later, *early, cut).await
        }
        Peer::Comeback { certificate } => {
            let shown = lab.identity_or_renewed(certificate.as_deref())?;
            let upstream = Upstream { address: upstream, tls: transport.is_tls(), shows: None };
            Rogue::comeback(port, &shown, upstream, cut).await
        }
        Peer::Tamperer { certificate, how, .. } => {
            let shows = (certificate == "good" && transport.is_mutual()).then(|| lab.client());
            let upstream = Upstream { address: upstream, tls: transport.is_tls(), shows: shows.cloned() };
            let plan = how.map(|how| Plan {
                how,
                key: canaries.key.clone().into(),
                value: canaries.value.clone().into(),
                forged: canaries.forged.clone().into(),
            });
            Rogue::tamperer(port, identity(certificate)?.as_ref(), upstream, plan).await
        }
        Peer::Baiter { certificate, how } => Rogue::baiter(port, identity(certificate)?.as_ref(), *how).await,
        Peer::Redirector { how, host, to } => {
            let first = identity("good")?;
            let second = match to {
                _ if !transport.is_tls() => None,
                Some(Destination::Plaintext) => None,
                Some(Destination::Certificate(name)) => Some(lab.identity(name)?),
                Some(Destination::AnnouncedName) => Some(lab.for_address(None)?),
                Some(Destination::SharedTickets) => Some(lab.identity("wrong-host")?),
                // Good under either name: some clients check the one, some the other.
                None => Some(lab.for_address(Some(HOST))?),
            };
            let lie = Lie {
                how: *how,
                dialled: HOST,
                host: host.text(HOST),
                asks: transport.is_mutual(),
                in_clear: !topology.asks_over_tls(),
                shares_tickets: *to == Some(Destination::SharedTickets),
            };
            Rogue::redirector(port, lie, first.as_ref(), second.as_ref()).await
        }
        Peer::Hostile(how) => Rogue::hostile(port, identity("good")?.as_ref(), *how).await,
        Peer::Corrupter { armed } => {
            Rogue::corrupter(port, upstream, *armed, canaries.value.clone().into()).await
        }
        Peer::Misbehaving { how } => {
            let entry = misbehaviour::find(how)
                .ok_or_else(|| RunError::Rogue { reason: format!("there is no misbehaviour `{how}`") })?;
            let good = match entry.names() {
                Some(names) => lab.named_often(names)?,
                None => lab.good(entry.family().shape())?,
            };
            Rogue::misbehaving(port, &good, upstream, entry).await
        }
        Peer::Behaving(family) => Rogue::behaving(port, &lab.good(family.shape())?, upstream, *family).await,
    };
    started.map(Some).map_err(|error| RunError::Rogue { reason: error.to_string() })
}

fn names_list(certificate: &str) -> bool {
    wirelab_pki::find(certificate).is_some_and(|entry| entry.shape() == Shape::Listed)
}

/// An impostor whose certificate names a list of revoked certificates, which it serves as well.
async fn listed(lab: &Certificates, port: u16, certificate: Option<&str>) -> Result<Rogue, RunError> {
    let failed = |error: RogueError| RunError::Rogue { reason: error.to_string() };
    let list = ListPort::bind().await.map_err(failed)?;
    let identity = lab.listed(certificate, &list.url())?;
    Rogue::listed(port, &identity, list).await.map_err(failed)
}
