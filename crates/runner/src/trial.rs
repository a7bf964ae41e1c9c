//! Runs one client once against one peer, with the capture around it.

use crate::certificates::Certificates;
use crate::group::Rogue as RogueKind;
use crate::lab::{Lab, RunError, write_error, write_file};
use crate::options::Sabotage;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use wirelab_capture::Recording;
use wirelab_model::{
    AnnouncedHost, Attack, Bait, Canaries, CanaryKind, ClientEnd, ClientReport, Demand, Destination,
    Direction, Frame, Hostility, Link, PeerReport, Redirection, Talk, Tampering, Topology, Transport, Trial,
    TrialKind, Witnessed,
};
use wirelab_pki::Shape;
use wirelab_rogue::misbehaviour::{self, Family};
use wirelab_rogue::{Lie, ListPort, Plan, Rogue, RogueError, Tamper, Upstream};
use wirelab_subject::{Client, Login, Server, ServerKind, ServerTls, Target};
use wirelab_wire::{Needles, Reading, reading};

/// How long the capture may take to show a marker packet.
pub(crate) const MARKER: Duration = Duration::from_secs(5);
/// How long a peer waits for connections to end by themselves once the client is gone.
const LINGER: Duration = Duration::from_millis(500);
/// The same where the client has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a client is given another session to resume, where it has resumed none. More would be a storm of refusals.
const MORE_CHANCES: u32 = 2;
/// How often a port that was used before is given back.
const PORT_ATTEMPTS: usize = 20;
/// How often a client is run, however often it connects each time, to see whether it gives up its checks.
const STORM: usize = 5;

/// What clients connect to, unless the catalogue wants it otherwise for a certificate.
pub(crate) const HOST: &str = "localhost";

/// The host under which a certificate of the catalogue is shown.
pub(crate) fn host(certificate: &str) -> &'static str {
    wirelab_pki::find(certificate).map_or(HOST, |entry| entry.host)
}

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Spec<'a> {
    pub(crate) kind: TrialKind,
    pub(crate) transport: Transport,
    pub(crate) topology: Topology,
    pub(crate) demand: Demand,
    pub(crate) link: Option<Link>,
    pub(crate) client: &'a Client,
    pub(crate) peer: Peer,
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
    fn talk(&self) -> Talk {
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

    fn stalls(&self) -> bool {
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

    /// Whether the client's first connection is cut off, and the attack is on those after it.
    fn comes_back(&self) -> bool {
        matches!(self, Self::Comeback { .. } | Self::Resumer { .. })
    }

    /// Whether the good server is to give tickets: there are records right after the handshake then, and
    /// something that a client which comes back may try elsewhere.
    fn wants_tickets(&self) -> bool {
        match self {
            Self::Comeback { .. } | Self::Behaving(Family::Path) => true,
            Self::Misbehaving { how } => misbehaviour::find(how).is_some_and(|entry| entry.needs_tickets()),
            _ => false,
        }
    }
}

/// A trial with the frames it rests on.
pub(crate) struct Recorded {
    pub(crate) trial: Trial,
    /// The frames of the trial: those of its ports, and any that holds a secret.
    pub(crate) frames: Vec<Frame>,
    pub(crate) link_type: u16,
    pub(crate) reading: Reading,
    pub(crate) needles: Needles,
    /// Secrets of the TLS sessions, as far as rogue and embedded server ended them.
    pub(crate) key_log: Vec<u8>,
}

/// What was captured since the trial began. Where that cannot be had, nothing, which is a fault.
pub(crate) fn collect(lab: &Lab, fault: &mut Option<String>) -> Recording {
    tokio::task::block_in_place(|| lab.capture.collect(MARKER)).unwrap_or_else(|error| {
        fault.get_or_insert_with(|| error.to_string());
        Recording { frames: Vec::new(), link_type: wirelab_model::LINKTYPE_ETHERNET, dropped: 0, cut: 0 }
    })
}

/// Runs a trial. `folder` is for what the server writes.
pub(crate) async fn run(lab: &Lab, spec: &Spec<'_>, folder: &Path) -> Result<Recorded, RunError> {
    let canaries = random_canaries()?;
    // What the arm is called and what is really done differ only under sabotage.
    let no_tls = lab.options.sabotage == Some(Sabotage::NoTls) && spec.transport.is_verified();
    let transport = if no_tls { Transport::Plaintext } else { spec.transport };

    // Where the certificate is the login nobody has a password, nor where the server asks for no certificate.
    let passwordless = spec.demand == Demand::Named;

    let dialled_port = |behind_rogue: bool| if behind_rogue { 0 } else { lab.options.port };
    let server = if spec.peer.needs_server() {
        let good = lab.certificates.identity("good")?;
        let clients = transport.is_mutual().then(|| lab.certificates.of_clients(spec.demand));
        let tls = (transport.is_tls() || spec.peer == Peer::TlsPort).then_some(ServerTls {
            clients,
            tickets: spec.peer.wants_tickets(),
            old: spec.peer == Peer::OldServer,
            ..ServerTls::new(&good)
        });
        let port = dialled_port(!spec.peer.is_server());
        let launcher = &lab.options.launcher;
        let mut attempts = 0;
        loop {
            let kind = lab.options.server;
            let open = passwordless && !transport.is_mutual();
            let password = if open { "" } else { &canaries.password };
            let server = Server::start(kind, spec.topology, port, password, tls, folder, launcher).await?;
            // A redis-server has its files in the folder: it is taken as it is.
            if lab.ports.take(server.port()) || lab.options.server != ServerKind::Embedded {
                break Some(server);
            }
            server.stop(Duration::ZERO).await;
            attempts += 1;
            if attempts == PORT_ATTEMPTS {
                return Err(RunError::NoPort);
            }
        }
    } else {
        None
    };
    let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, server.as_ref().map_or(0, Server::port)));
    let met = Met { transport, topology: spec.topology };
    let mut attempts = 0;
    let rogue = loop {
        let port = lab.options.port;
        let rogue = start_rogue(&lab.certificates, port, &spec.peer, met, upstream, &canaries).await?;
        let is_new = |rogue: &Rogue| {
            let others = [rogue.announced_port(), rogue.list_port()];
            lab.ports.take(rogue.port()) && others.into_iter().flatten().all(|port| lab.ports.take(port))
        };
        if rogue.as_ref().is_none_or(is_new) {
            break rogue;
        }
        if let Some(rogue) = rogue {
            rogue.stop(Duration::ZERO).await;
        }
        attempts += 1;
        if attempts == PORT_ATTEMPTS {
            return Err(RunError::NoPort);
        }
    };
    let port =
        rogue.as_ref().map(Rogue::port).or_else(|| server.as_ref().map(Server::port)).unwrap_or_default();

    let announced_port = rogue.as_ref().and_then(Rogue::announced_port);
    let list_port = rogue.as_ref().and_then(Rogue::list_port);
    let mut fault =
        tokio::task::block_in_place(|| lab.capture.marker(MARKER)).err().map(|error| error.to_string());
    let mut files = lab.certificates.files.clone();
    if let Some(anchor) = rogue.as_ref().and_then(Rogue::anchor) {
        // Absolute, as the others are.
        let folder = std::path::absolute(folder).map_err(|error| write_error(folder, &error))?;
        files.ca = write_file(&folder.join("trusted.crt"), anchor.as_bytes())?;
    }
    let target = Target {
        host: spec.peer.host().into(),
        port,
        transport,
        topology: spec.topology,
        talk: spec.peer.talk(),
        canaries: canaries.clone(),
        shows: match &spec.peer {
            Peer::Intruded { certificate } => lab.certificates.intruder(certificate, folder)?,
            _ => transport.is_mutual().then(|| (files.client_cert.clone(), files.client_key.clone())),
        },
        files,
        deadline: lab.options.deadline,
        stalled: spec.peer.stalls(),
        login: if passwordless { Login::Nothing } else { Login::Password },
        cut_off: spec.peer.comes_back(),
        hostile: matches!(spec.peer, Peer::Hostile(_)),
    };
    let mut client = spec.client.run(&lab.options.launcher, &target).await;
    // Who ends with its good session, or gave up at the cut, has to come back all the same.
    let once = rogue.as_ref().is_some_and(Rogue::only_before_attack);
    let gave_up = |client: &ClientReport| matches!(client.end, ClientEnd::Failed { .. });
    if (once || gave_up(&client)) && spec.peer.comes_back() {
        client = spec.client.run(&lab.options.launcher, &target).await;
    }
    // Whether a client resumes is often a matter of chance: of two connections that it opens again, one has the ticket. So
    // there is another good session, another cut, and who does not come back by itself is run again.
    for _ in 0..MORE_CHANCES {
        let Some(rogue) = rogue.as_ref().filter(|rogue| !rogue.has_resumed()) else { break };
        if !matches!(spec.peer, Peer::Resumer { .. }) {
            break;
        }
        rogue.be_good_again();
        for _ in 0..2 {
            client = spec.client.run(&lab.options.launcher, &target).await;
        }
    }

    if let Peer::Storm { .. } = spec.peer {
        for _ in 1..STORM {
            if !matches!(client.end, ClientEnd::Failed { .. }) {
                break;
            }
            client = spec.client.run(&lab.options.launcher, &target).await;
        }
    }

    let rogue_report = match rogue {
        // Who says that it has turned away is waited for: a connection that stays open says the opposite.
        Some(rogue) => Some(rogue.stop(if gave_up(&client) { PATIENCE } else { LINGER }).await),
        None => None,
    };
    let recording = collect(lab, &mut fault);
    let mut stored = None;
    let mut server_report = None;
    let mut ports = vec![port];
    ports.extend(announced_port.into_iter().chain(list_port));
    if let Some(server) = server {
        ports.push(server.port());
        match server.holds(&canaries.key, &canaries.value).await {
            Ok(held) => stored = Some(held),
            Err(error) => fault = fault.or_else(|| Some(error.to_string())),
        }
        server_report = server.stop(LINGER).await;
    }

    let needles = Needles::new(&canaries);
    let key_log =
        [&rogue_report, &server_report].into_iter().flatten().flat_map(|report| report.key_log.clone());
    let key_log: Vec<u8> = key_log.collect();
    let (mut peer, mut server) =
        if spec.peer.is_server() { (server_report, None) } else { (rogue_report, server_report) };
    for report in peer.iter_mut().chain(&mut server) {
        witness(report, &needles);
    }
    let (frames, reading) = read_capture(lab, &recording, &needles, &ports);
    let mut wire = reading.report.clone();
    (wire.dropped, wire.cut) = (recording.dropped, recording.cut);
    if wire.packets == 0 {
        fault.get_or_insert_with(|| "the capture holds no packet between client and peer".into());
    }
    let legs_differ_at = peer.as_ref().and_then(|peer| legs_differ_at(peer, &reading));
    let trial = Trial {
        kind: spec.kind,
        transport: spec.transport,
        link: None,
        passwordless,
        canaries,
        port,
        announced_port,
        wire,
        peer,
        server,
        client,
        stored,
        legs_differ_at,
        fault,
    };
    Ok(Recorded { trial, frames, link_type: recording.link_type, reading, needles, key_log })
}

pub(crate) fn random_canaries() -> Result<Canaries, RunError> {
    let mut random = [[0; 12]; 4];
    getrandom::fill(random.as_flattened_mut()).map_err(|error| RunError::Random(error.to_string()))?;
    Ok(Canaries::new(random))
}

/// How clients meet a rogue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Met {
    pub(crate) transport: Transport,
    pub(crate) topology: Topology,
}

/// Starts the rogue that the peer is, if it is one. `upstream` is the good server, for those that need one.
pub(crate) async fn start_rogue(
    lab: &Certificates,
    port: u16,
    peer: &Peer,
    Met { transport, topology }: Met,
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
            Rogue::resumer(port, &lab.identity("good")?, &later, *early).await
        }
        Peer::Comeback { certificate } => {
            let shown = lab.identity_or_renewed(certificate.as_deref())?;
            let upstream = Upstream { address: upstream, tls: transport.is_tls(), shows: None };
            Rogue::comeback(port, &shown, upstream).await
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

/// Notes which secrets the peer read and wrote.
pub(crate) fn witness(peer: &mut PeerReport, needles: &Needles) {
    let kinds = |bytes: &[u8]| {
        let mut kinds: Vec<CanaryKind> = needles.find(bytes).iter().map(|sighting| sighting.canary).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    for connection in &mut peer.connections {
        connection.witnessed =
            Witnessed { from_client: kinds(&connection.read), to_client: kinds(&connection.written) };
    }
}

/// Reads the recording twice: once whole, for secrets in any packet of the interface, and once more
/// for the packets that belong to the trial, which are what its capture file holds.
pub(crate) fn read_capture(
    lab: &Lab,
    recording: &Recording,
    needles: &Needles,
    ports: &[u16],
) -> (Vec<Frame>, Reading) {
    let deaf = lab.options.sabotage == Some(Sabotage::DeafCapture);
    let all: &[Frame] = if deaf { &[] } else { &recording.frames };
    let whole = reading::read(all, recording.link_type, needles, ports);
    let ours = |flow: usize| {
        whole.report.flows.get(flow).is_some_and(|seen| ports.contains(&seen.server.port()))
            || whole.report.leaks.iter().any(|leak| leak.flow == Some(flow))
    };
    let frames: Vec<Frame> = all
        .iter()
        .enumerate()
        .filter(|(index, _)| match whole.flow_of(*index) {
            Some(flow) => ours(flow),
            None => whole.report.leaks.iter().any(|leak| leak.frame == *index as u64 + 1),
        })
        .map(|(_, frame)| frame.clone())
        .collect();
    let reading = reading::read(&frames, recording.link_type, needles, ports);
    (frames, reading)
}

/// Where what the server sent differs from what the client got, for a peer that passes bytes on.
fn legs_differ_at(peer: &PeerReport, reading: &Reading) -> Option<u64> {
    let flows = &reading.report.flows;
    peer.connections.iter().filter(|connection| !connection.tampered.is_empty()).find_map(|connection| {
        let to_client = flows.iter().position(|flow| flow.client == connection.client)?;
        let from_server = flows.iter().position(|flow| Some(flow.client) == connection.upstream)?;
        let sent = reading.stream(from_server, Direction::Server);
        let got = reading.stream(to_client, Direction::Server);
        let differs = sent.iter().zip(got).position(|(sent, got)| sent != got);
        // Nothing may be missing at the end either.
        let shorter = sent.len().min(got.len());
        differs.or_else(|| (sent.len() != got.len()).then_some(shorter)).map(|at| at as u64)
    })
}
