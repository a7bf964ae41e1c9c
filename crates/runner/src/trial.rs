//! Runs one client once against one peer, with the capture around it.

use crate::lab::{Lab, RunError, write_error, write_file};
use crate::options::Sabotage;
use crate::peer::{Met, Peer, start_rogue};
use crate::visits;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use wirelab_capture::Recording;
use wirelab_model::{
    Canaries, CanaryKind, Demand, Direction, FlowSeen, Frame, Link, PeerReport, Topology, Transport, Trial,
    TrialKind, Witnessed,
};
use wirelab_rogue::Rogue;
use wirelab_subject::{Client, Cut, Login, Server, ServerKind, ServerTls, Target};
use wirelab_wire::{Needles, Reading, reading};

/// How long the capture may take to show a marker packet.
pub(crate) const MARKER: Duration = Duration::from_secs(5);
/// How long a peer waits for connections to end by themselves once the client is gone.
const LINGER: Duration = Duration::from_millis(500);
/// The same where the client has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a port that was used before is given back.
const PORT_ATTEMPTS: usize = 20;

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
    let met = Met { transport, topology: spec.topology, cut: visits::when_cut(spec.client) };
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
        cut: Cut::Never,
        hostile: matches!(spec.peer, Peer::Hostile(_)),
    };
    let client = visits::run(lab, spec, rogue.as_ref(), target).await;
    let rogue_report = match rogue {
        // Who says that it has turned away is waited for: a connection that stays open says the opposite.
        Some(rogue) => Some(rogue.stop(if visits::gave_up(&client) { PATIENCE } else { LINGER }).await),
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
    let legs_differ_at = peer.as_ref().and_then(|peer| legs_differ_at(peer, port, &reading));
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

/// Where what the server sent differs from what the client got, for a peer on this port that passes bytes on.
fn legs_differ_at(peer: &PeerReport, port: u16, reading: &Reading) -> Option<u64> {
    let flows = &reading.report.flows;
    peer.connections.iter().filter(|connection| !connection.tampered.is_empty()).find_map(|connection| {
        let (to_client, from_server) = legs(flows, port, connection.client, connection.upstream?)?;
        let sent = reading.stream(from_server, Direction::Server);
        let got = reading.stream(to_client, Direction::Server);
        let differs = sent.iter().zip(got).position(|(sent, got)| sent != got);
        // Nothing may be missing at the end either.
        let shorter = sent.len().min(got.len());
        differs.or_else(|| (sent.len() != got.len()).then_some(shorter)).map(|at| at as u64)
    })
}

/// The flow from the client to the peer on this port, and the one from the peer to the server. Both may begin at the same
/// port: it is taken only together with the one that it leads to.
fn legs(flows: &[FlowSeen], port: u16, client: SocketAddr, upstream: SocketAddr) -> Option<(usize, usize)> {
    let place = |from: SocketAddr, to_peer: bool| {
        flows.iter().position(|flow| flow.client == from && (flow.server.port() == port) == to_peer)
    };
    Some((place(client, true)?, place(upstream, false)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::FlowKind;

    #[test]
    fn legs_that_begin_at_the_same_port_are_told_apart() {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let flow = |from, to| FlowSeen {
            client: address(from),
            server: address(to),
            kind: FlowKind::Tls,
            mixed: false,
            client_bytes: 0,
            server_bytes: 0,
            commands: 0,
            replies: 0,
            credentials: Vec::new(),
            tls: None,
            gaps: 0,
            reset: false,
        };
        let flows = [flow(50000, 6379), flow(50000, 6380)];
        assert_eq!(legs(&flows, 6379, address(50000), address(50000)), Some((0, 1)));
        assert_eq!(legs(&flows, 6380, address(50000), address(50000)), Some((1, 0)));
        assert_eq!(legs(&flows, 6379, address(50000), address(50001)), None);
    }
}
