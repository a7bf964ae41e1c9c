//! Trials to judge.

use std::net::SocketAddr;
use wirelab_model::{
    Canaries, CanaryKind, ClientEnd, ClientReport, Connection, Direction, Encoding, Ending, FlowKind,
    FlowSeen, Handshake, Leak, Listener, Opening, PeerReport, TlsFacts, TlsSeen, Transport, Trial, TrialKind,
    WireReport, Witnessed,
};

pub(crate) fn leak(canary: CanaryKind, from: Direction) -> Leak {
    Leak { canary, encoding: Encoding::Raw, flow: Some(0), from: Some(from), frame: 4, offset: 0 }
}

/// A session that works, as every witness reports it.
pub(crate) fn good(transport: Transport) -> Trial {
    let client: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    let tls = transport.is_tls();
    let secrets = vec![CanaryKind::Password, CanaryKind::Key, CanaryKind::Value];
    let mut leaks = Vec::new();
    if !tls {
        leaks = secrets.iter().map(|kind| leak(*kind, Direction::Client)).collect();
        leaks.push(leak(CanaryKind::Value, Direction::Server));
    }
    Trial {
        kind: TrialKind::ControlBefore,
        transport,
        link: None,
        passwordless: false,
        canaries: Canaries::new([[1; 12], [2; 12], [3; 12], [4; 12]]),
        port: 6379,
        announced_port: None,
        wire: WireReport {
            packets: 20,
            bytes: 2000,
            flows: vec![FlowSeen {
                client,
                server: "127.0.0.1:6379".parse().unwrap(),
                kind: if tls { FlowKind::Tls } else { FlowKind::Plaintext },
                mixed: false,
                client_bytes: 500,
                server_bytes: 900,
                commands: 0,
                replies: 0,
                credentials: vec![],
                tls: tls.then(|| TlsSeen {
                    client_hello: true,
                    server_hello: true,
                    client_records: 4,
                    server_records: 5,
                    ..TlsSeen::default()
                }),
                gaps: 0,
                reset: false,
            }],
            leaks,
            ..WireReport::default()
        },
        peer: Some(PeerReport {
            key_log: Vec::new(),
            list_fetched: None,
            connections: vec![Connection {
                listener: Listener::Dialled,
                client,
                upstream: None,
                opening: if tls { Opening::Tls } else { Opening::Plaintext },
                tls: tls.then(|| TlsFacts {
                    certificate: "good".into(),
                    sni: Some("localhost".into()),
                    offered: None,
                    shown: None,
                    resumed: false,
                    certificate_sent: true,
                    version: None,
                    cipher: None,
                    handshake: Handshake::Completed,
                }),
                hello: None,
                commands: vec![],
                credentials: vec![],
                client_bytes: 200,
                early_bytes: 0,
                replay: false,
                before_attack: false,
                server_bytes: 100,
                certificate_asked: transport.is_mutual(),
                client_certificate: transport.is_mutual(),
                client_identity: None,
                tampered: vec![],
                flaw_after_finished: false,
                redirected: vec![],
                declined: None,
                ended: Ending::ClientClosed,
                witnessed: Witnessed { from_client: secrets, to_client: vec![CanaryKind::Value] },
                read: vec![],
                written: vec![],
            }],
            unrecorded: 0,
        }),
        server: None,
        client: ClientReport {
            end: ClientEnd::Worked,
            error: None,
            received: None,
            left_behind: vec![],
            duration_ms: 5,
            memory: None,
            stdout: vec![],
            stderr: vec![],
            output_cut: 0,
        },
        stored: Some(true),
        legs_differ_at: None,
        fault: None,
    }
}

/// A client that refused the rogue's certificate, as every witness reports it.
pub(crate) fn refusal() -> Trial {
    let mut trial = good(Transport::Tls);
    trial.kind = TrialKind::Attack;
    trial.stored = None;
    trial.client.end = ClientEnd::Failed { code: Some(1) };
    trial.client.error = Some("certificate verify failed".into());
    if let Some(tls) = &mut trial.wire.flows[0].tls {
        tls.client_records = 0;
    }
    let connection = connection(&mut trial);
    connection.witnessed = Witnessed::default();
    (connection.client_bytes, connection.server_bytes) = (0, 0);
    connection.ended = Ending::ClientAlert { alert: "UnknownCA".into() };
    if let Some(tls) = &mut connection.tls {
        tls.handshake = Handshake::Refused { alert: "UnknownCA".into() };
    }
    trial
}

/// The only connection of the trial's peer.
pub(crate) fn connection(trial: &mut Trial) -> &mut Connection {
    &mut trial.peer.as_mut().unwrap().connections[0]
}
