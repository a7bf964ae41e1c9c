//! Trials of links between servers: the same evidence as of a client and a server.

use crate::lab::{Lab, RunError};
use crate::options::Sabotage;
use crate::peer::{HOST, Peer};
use crate::trial::{MARKER, Recorded, Spec, collect, random_canaries, read_capture, witness};
use std::path::Path;
use std::time::Duration;
use wirelab_capture::Recording;
use wirelab_model::{
    Canaries, ClientEnd, Demand, Link, PeerReport, Talk, Topology, Transport, Trial, TrialKind,
};
use wirelab_rogue::{DataSet, Rogue};
use wirelab_subject::{Client, Cut, FarEnd, LinkSetup, Linked, Login, ServerTls, Target};
use wirelab_wire::Needles;

/// What servers get to end.
const LINGER: Duration = Duration::from_millis(500);

/// Runs a trial of a link. `folder` is for what the servers write.
pub(crate) async fn run(lab: &Lab, spec: &Spec<'_>, link: Link, folder: &Path) -> Result<Recorded, RunError> {
    let canaries = random_canaries()?;
    let no_tls = lab.options.sabotage == Some(Sabotage::NoTls);
    let protected = spec.transport.is_tls() && !no_tls;
    let good = lab.certificates.identity("good")?;
    let clients = Some(lab.certificates.of_clients(Demand::Required));
    let tls = ServerTls { clients, ..ServerTls::new(&good) };
    // Controls have it at both ends: without what is wrong, the link works.
    let one_sided = spec.kind == TrialKind::Attack;
    let front = match link {
        Link::Terminator | Link::AclUser => ServerTls { clients: None, ..tls },
        _ => tls,
    };
    let setup = LinkSetup {
        link,
        tls: protected.then_some(tls),
        front,
        one_sided,
        canaries: &canaries,
        folder,
        launcher: &lab.options.launcher,
        deadline: lab.options.deadline,
    };
    let (mut far, mut rogue) = (None, None);
    // Where the replica expects no TLS the attacker needs no certificate.
    let spoken = protected && !(one_sided && link == Link::TlsAtMasterOnly);
    match attacker(lab, &spec.peer, link, spoken, &canaries).await? {
        Some(started) => rogue = Some(started),
        None => far = Some(setup.far().await?),
    }
    let to = rogue.as_ref().map(Rogue::port).or_else(|| far.as_ref().map(|far| far.port)).unwrap_or_default();
    let mut fault = tokio::task::block_in_place(|| lab.capture.marker(MARKER)).err().map(|e| e.to_string());

    let mut seen = far.as_ref().map_or(to, |far| far.seen);
    let mut transport = spec.transport;
    let linked = match (link, &far) {
        (Link::Terminator, Some(far)) => client(lab, &canaries, far, Transport::Tls, far.port).await?,
        (Link::OpenPort, Some(far)) if spec.kind == TrialKind::Attack => {
            client(lab, &canaries, far, Transport::Plaintext, far.seen).await?
        }
        (Link::OpenPort, Some(far)) => {
            // Without an attack clients use the port with TLS, whatever else is open.
            (seen, transport) = (far.port, Transport::Mtls);
            client(lab, &canaries, far, transport, far.port).await?
        }
        (Link::AclUser, Some(far)) => {
            let used = client_as(lab, &canaries, far, transport, far.port, setup.login()).await?;
            if spec.kind == TrialKind::Attack && used.near.end == ClientEnd::Worked {
                setup.steal(far).await.unwrap_or_else(|error| Linked::not_started(error.to_string()))
            } else {
                used
            }
        }
        // What concerns this trial alone does not end the run.
        _ => {
            setup.near(to, far.as_ref()).await.unwrap_or_else(|error| Linked::not_started(error.to_string()))
        }
    };

    let peer = match rogue {
        Some(rogue) => Some(rogue.stop(LINGER).await),
        None => None,
    };
    let recording = collect(lab, &mut fault);
    let mut ports = vec![seen, to];
    ports.extend(linked.near_port);
    if let Some(far) = far {
        far.stop(LINGER).await;
    }
    let about = About { link, transport, seen, ports, fault };
    Ok(judged_by(lab, spec, about, linked, peer, canaries, &recording))
}

/// What a trial was of.
struct About {
    link: Link,
    transport: Transport,
    seen: u16,
    ports: Vec<u16>,
    fault: Option<String>,
}

fn judged_by(
    lab: &Lab,
    spec: &Spec<'_>,
    about: About,
    linked: Linked,
    mut peer: Option<PeerReport>,
    canaries: Canaries,
    recording: &Recording,
) -> Recorded {
    let About { link, transport, seen, ports, mut fault } = about;
    let needles = Needles::new(&canaries);
    let key_log = peer.as_ref().map(|peer| peer.key_log.clone()).unwrap_or_default();
    if let Some(peer) = &mut peer {
        witness(peer, &needles);
    }
    let (frames, reading) = read_capture(lab, recording, &needles, &ports);
    let mut wire = reading.report.clone();
    (wire.dropped, wire.cut) = (recording.dropped, recording.cut);
    if wire.packets == 0 {
        fault.get_or_insert_with(|| "the capture holds no packet of the link".into());
    }
    let trial = Trial {
        kind: spec.kind,
        transport,
        link: Some(link),
        passwordless: false,
        canaries,
        port: seen,
        announced_port: None,
        wire,
        peer,
        server: None,
        client: linked.near,
        stored: linked.arrived,
        legs_differ_at: None,
        fault,
    };
    Recorded { trial, frames, link_type: recording.link_type, reading, needles, key_log }
}

/// Starts the attacker at the far end, if there is one.
async fn attacker(
    lab: &Lab,
    peer: &Peer,
    link: Link,
    tls: bool,
    canaries: &Canaries,
) -> Result<Option<Rogue>, RunError> {
    let (identity, forged) = match peer {
        Peer::Impostor { certificate, .. } => (lab.certificates.identity(certificate)?, true),
        Peer::Unarmed { shape, .. } => (lab.certificates.good(*shape)?, false),
        Peer::Idle => {
            let idle = Rogue::idle(0).await;
            return idle.map(Some).map_err(|error| RunError::Rogue { reason: error.to_string() });
        }
        // Whoever listens, or comes as a client, leaves both ends as they are.
        _ => return Ok(None),
    };
    let identity = tls.then_some(&identity);
    let started = match link {
        Link::Replication | Link::TlsAtMasterOnly => {
            let value = if forged { &canaries.forged } else { &canaries.value };
            let how = "it handed out a data set that the master never had";
            // Not the key of the good master: an attacker does not know it.
            let key = canaries.forged.clone();
            let data = DataSet { key, value: value.clone(), forged: forged.then_some(how) };
            Rogue::master(0, identity, data).await
        }
        _ => Rogue::impostor(0, identity).await,
    };
    started.map(Some).map_err(|error| RunError::Rogue { reason: error.to_string() })
}

/// Has the built-in client use the far end.
async fn client(
    lab: &Lab,
    canaries: &Canaries,
    far: &FarEnd,
    transport: Transport,
    port: u16,
) -> Result<Linked, RunError> {
    client_as(lab, canaries, far, transport, port, Login::Password).await
}

async fn client_as(
    lab: &Lab,
    canaries: &Canaries,
    far: &FarEnd,
    transport: Transport,
    port: u16,
    login: Login,
) -> Result<Linked, RunError> {
    let files = &lab.certificates.files;
    let target = Target {
        host: HOST.into(),
        port,
        transport,
        topology: Topology::Standalone,
        talk: Talk::Simple,
        canaries: canaries.clone(),
        files: files.clone(),
        shows: transport.is_mutual().then(|| (files.client_cert.clone(), files.client_key.clone())),
        deadline: lab.options.deadline,
        stalled: false,
        login,
        cut: Cut::Never,
        hostile: false,
    };
    let near = Client::Builtin.run(&lab.options.launcher, &target).await;
    let arrived = far.holds(&canaries.key, &canaries.value).await?;
    Ok(Linked { near, near_port: None, arrived: Some(arrived) })
}
