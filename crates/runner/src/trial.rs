//! Runs one client once against one peer, with the capture around it.

use crate::group::Rogue as RogueKind;
use crate::lab::{Lab, RunError};
use crate::options::Sabotage;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use wirelab_capture::Recording;
use wirelab_model::{
    Attack, Canaries, CanaryKind, Direction, Frame, PeerReport, Transport, Trial, TrialKind, Witnessed,
};
use wirelab_pki::Shape;
use wirelab_rogue::{Rogue, Tamper, Upstream};
use wirelab_subject::{Client, Server, ServerKind, Target};
use wirelab_wire::{Analysis, Needles, analyze};

/// How long the capture may take to show a marker packet.
const MARKER: Duration = Duration::from_secs(5);
/// How long a peer waits for connections to end by themselves once the client is gone.
const LINGER: Duration = Duration::from_millis(500);
/// How often a port that was used before is given back.
const PORT_ATTEMPTS: usize = 20;

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
    Corrupter {
        armed: bool,
    },
    Idle,
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
            Attack::Corrupt => Self::Corrupter { armed: true },
        }
    }

    /// The rogue with its one flaw removed.
    pub(crate) fn unarmed(rogue: RogueKind) -> Self {
        match rogue {
            RogueKind::Impostor { shape, host } => Self::Unarmed { shape, host },
            RogueKind::Relay => Self::Relay { certificate: "good".into(), tamper: false },
            RogueKind::Corrupter => Self::Corrupter { armed: false },
        }
    }

    /// What the client is told to connect to.
    fn host(&self) -> &'static str {
        match self {
            Self::Impostor { host, .. } | Self::Unarmed { host, .. } => host,
            Self::Good | Self::Relay { .. } | Self::Corrupter { .. } | Self::Idle => HOST,
        }
    }

    fn needs_server(&self) -> bool {
        !matches!(self, Self::Impostor { .. } | Self::Unarmed { .. } | Self::Idle)
    }
}

/// A trial with the frames it rests on.
pub(crate) struct Recorded {
    pub(crate) trial: Trial,
    /// The frames of the trial: those of its ports, and any that holds a secret.
    pub(crate) frames: Vec<Frame>,
    pub(crate) link_type: u16,
    pub(crate) analysis: Analysis,
    pub(crate) needles: Needles,
    /// Secrets of the TLS sessions, as far as rogue and embedded server ended them.
    pub(crate) key_log: Vec<u8>,
}

/// Runs a trial. `folder` is for what the server writes.
pub(crate) async fn run(lab: &Lab, spec: &Spec<'_>, folder: &Path) -> Result<Recorded, RunError> {
    let canaries = random_canaries()?;
    // What the arm is called and what is really done differ only under sabotage.
    let no_tls = lab.options.sabotage == Some(Sabotage::NoTls) && spec.transport == Transport::Tls;
    let transport = if no_tls { Transport::Plaintext } else { spec.transport };

    let dialled_port = |behind_rogue: bool| if behind_rogue { 0 } else { lab.options.port };
    let server = if spec.peer.needs_server() {
        let good = if transport.is_tls() { Some(lab.identity("good")?) } else { None };
        let port = dialled_port(spec.peer != Peer::Good);
        let launcher = &lab.options.launcher;
        let mut attempts = 0;
        loop {
            let server =
                Server::start(lab.options.server, port, &canaries.password, good.as_ref(), folder, launcher)
                    .await?;
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
    let mut attempts = 0;
    let rogue = loop {
        let rogue = start_rogue(lab, &spec.peer, transport, server.as_ref(), &canaries).await?;
        if rogue.as_ref().is_none_or(|rogue| lab.ports.take(rogue.port())) {
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

    let mut fault =
        tokio::task::block_in_place(|| lab.capture.marker(MARKER)).err().map(|error| error.to_string());
    let target = Target {
        host: spec.peer.host().into(),
        port,
        transport,
        canaries: canaries.clone(),
        files: lab.files.clone(),
        deadline: lab.options.deadline,
    };
    let client = spec.client.run(&lab.options.launcher, &target).await;

    let rogue_report = match rogue {
        Some(rogue) => Some(rogue.stop(LINGER).await),
        None => None,
    };
    let recording = match tokio::task::block_in_place(|| lab.capture.collect(MARKER)) {
        Ok(recording) => recording,
        Err(error) => {
            fault.get_or_insert_with(|| error.to_string());
            Recording { frames: Vec::new(), link_type: wirelab_model::LINKTYPE_ETHERNET, dropped: 0, cut: 0 }
        }
    };
    let mut stored = None;
    let mut server_report = None;
    let mut ports = vec![port];
    if let Some(server) = server {
        ports.push(server.port());
        match server.stored(&canaries.key).await {
            Ok(value) => stored = Some(value.as_deref() == Some(canaries.value.as_bytes())),
            Err(error) => fault = fault.or_else(|| Some(error.to_string())),
        }
        server_report = server.stop(LINGER).await;
    }

    let needles = Needles::new(&canaries);
    let key_log =
        [&rogue_report, &server_report].into_iter().flatten().flat_map(|report| report.key_log.clone());
    let key_log: Vec<u8> = key_log.collect();
    let mut peer = if spec.peer == Peer::Good { server_report } else { rogue_report };
    if let Some(peer) = &mut peer {
        witness(peer, &needles);
    }
    let (frames, analysis) = read_capture(lab, &recording, &needles, &ports);
    let mut wire = analysis.report.clone();
    (wire.dropped, wire.cut) = (recording.dropped, recording.cut);
    if wire.packets == 0 {
        fault.get_or_insert_with(|| "the capture holds no packet between client and peer".into());
    }
    let legs_differ_at = peer.as_ref().and_then(|peer| legs_differ_at(peer, &analysis));
    let trial = Trial {
        kind: spec.kind,
        transport: spec.transport,
        canaries,
        port,
        wire,
        peer,
        client,
        stored,
        legs_differ_at,
        fault,
    };
    Ok(Recorded { trial, frames, link_type: recording.link_type, analysis, needles, key_log })
}

fn random_canaries() -> Result<Canaries, RunError> {
    let mut random = [[0; 12]; 4];
    getrandom::fill(random.as_flattened_mut()).map_err(|error| RunError::Random(error.to_string()))?;
    Ok(Canaries::new(random))
}

async fn start_rogue(
    lab: &Lab,
    peer: &Peer,
    transport: Transport,
    server: Option<&Server>,
    canaries: &Canaries,
) -> Result<Option<Rogue>, RunError> {
    let port = lab.options.port;
    let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, server.map(Server::port).unwrap_or_default()));
    let identity = |name: &str| if transport.is_tls() { lab.identity(name).map(Some) } else { Ok(None) };
    let started = match peer {
        Peer::Good => return Ok(None),
        Peer::Idle => Rogue::idle(port).await,
        Peer::Impostor { certificate, .. } => Rogue::impostor(port, identity(certificate)?.as_ref()).await,
        Peer::Unarmed { shape, .. } => {
            let good = if transport.is_tls() { Some(lab.good(*shape)?) } else { None };
            Rogue::impostor(port, good.as_ref()).await
        }
        Peer::Relay { certificate, tamper } => {
            let tamper = tamper.then(|| Tamper {
                find: canaries.value.clone().into(),
                replace: canaries.forged.clone().into(),
            });
            let upstream = Upstream { address: upstream, tls: transport.is_tls() };
            Rogue::relay(port, identity(certificate)?.as_ref(), upstream, tamper).await
        }
        Peer::Corrupter { armed } => {
            Rogue::corrupter(port, upstream, *armed, canaries.value.clone().into()).await
        }
    };
    started.map(Some).map_err(|error| RunError::Rogue { reason: error.to_string() })
}

/// Notes which secrets the peer read and wrote.
fn witness(peer: &mut PeerReport, needles: &Needles) {
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
fn read_capture(
    lab: &Lab,
    recording: &Recording,
    needles: &Needles,
    ports: &[u16],
) -> (Vec<Frame>, Analysis) {
    let deaf = lab.options.sabotage == Some(Sabotage::DeafCapture);
    let all: &[Frame] = if deaf { &[] } else { &recording.frames };
    let whole = analyze(all, recording.link_type, needles, ports);
    let ours = |flow: usize| {
        whole.report.flows.get(flow).is_some_and(|seen| ports.contains(&seen.server.port()))
            || whole.report.leaks.iter().any(|leak| leak.flow == Some(flow))
    };
    let frames: Vec<Frame> = all
        .iter()
        .enumerate()
        .filter(|(index, _)| match whole.frame_flow.get(*index).copied().flatten() {
            Some(flow) => ours(flow),
            None => whole.report.leaks.iter().any(|leak| leak.frame == *index as u64 + 1),
        })
        .map(|(_, frame)| frame.clone())
        .collect();
    let analysis = analyze(&frames, recording.link_type, needles, ports);
    (frames, analysis)
}

/// Where what the server sent differs from what the client got, for a peer that passes bytes on.
fn legs_differ_at(peer: &PeerReport, analysis: &Analysis) -> Option<u64> {
    let flows = &analysis.report.flows;
    peer.connections.iter().filter(|connection| !connection.tampered.is_empty()).find_map(|connection| {
        let to_client = flows.iter().position(|flow| flow.client == connection.client)?;
        let from_server = flows.iter().position(|flow| Some(flow.client) == connection.upstream)?;
        let sent = analysis.stream(from_server, Direction::Server);
        let got = analysis.stream(to_client, Direction::Server);
        sent.iter().zip(got).position(|(sent, got)| sent != got).map(|at| at as u64)
    })
}
