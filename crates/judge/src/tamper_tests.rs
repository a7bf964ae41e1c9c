use super::*;
use crate::testkit::{connection, good, refusal};
use wirelab_model::{CanaryKind, Got, PeerReport, Transport};

/// A session that the relay tampered with, and that the client says this about.
fn tampered(transport: Transport, received: Option<&str>, stored: bool) -> Trial {
    let mut trial = good(transport);
    let mut server =
        PeerReport { connections: vec![connection(&mut trial).clone()], ..PeerReport::default() };
    server.connections[0].commands = ["AUTH/2", "SET/2", "GET/1"].map(str::to_owned).to_vec();
    connection(&mut trial).commands.clone_from(&server.connections[0].commands);
    connection(&mut trial).tampered = vec!["did it".into()];
    trial.server = Some(server);
    trial.client.received = received.map(str::to_owned);
    if received.is_none_or(|received| received != trial.canaries.value) {
        trial.client.end = ClientEnd::Failed { code: None };
    }
    trial.stored = Some(stored);
    trial
}

fn command(trial: &mut Trial, command: &str) {
    trial.server.as_mut().unwrap().connections[0].commands.push(command.into());
}

/// Each kind with what proves it, over TLS too; and without that, only what was read.
#[test]
fn each_change_needs_its_proof() {
    let canaries = good(Transport::Tls).canaries;
    let (value, forged, key) =
        (Some(canaries.value.as_str()), Some(canaries.forged.as_str()), Some(canaries.key.as_str()));
    let cases: [(Tampering, Option<&str>, bool, Option<&str>); 12] = [
        (Tampering::ReplyType, forged, true, value),
        (Tampering::ReplyDropped, Some("PONG"), true, value),
        (Tampering::ReplyDuplicated, Some("OK"), true, value),
        (Tampering::PushForged, forged, true, value),
        (Tampering::InvalidationForged, forged, true, value),
        (Tampering::InvalidationDropped, key, true, value),
        (Tampering::MessageForged, forged, true, value),
        (Tampering::MessageDropped, None, true, value),
        (Tampering::ReplyError, value, false, None),
        (Tampering::KeyRewritten, value, false, None),
        (Tampering::CommandSwapped, forged, true, value),
        (Tampering::ScriptInjected, value, true, value),
    ];
    for transport in [Transport::Plaintext, Transport::TlsUnverified] {
        for (how, proven, stored, unproven) in cases {
            let mut trial = tampered(transport, proven, stored);
            command(
                &mut trial,
                match how {
                    Tampering::CommandSwapped => "CONFIG/2",
                    Tampering::ScriptInjected => "EVAL/4",
                    _ => "PING/0",
                },
            );
            let found = tamper(how, &trial);
            assert!(found.got.contains(&how.worth()), "{how:?}: {}", found.why);
            let doubtful = tamper(how, &tampered(transport, unproven, stored));
            assert!(!doubtful.got.contains(&how.worth()), "{how:?}: {}", doubtful.why);
            assert!(doubtful.got.contains(&Got::Data), "what was read stays read");
        }
    }
}

#[test]
fn what_speaks_against_it_is_heard() {
    let forged = good(Transport::Tls).canaries.forged;
    type Break = fn(&mut Trial);
    let breaks: [(&str, Tampering, Break); 6] = [
        ("nothing was done", Tampering::ReplyType, |t| connection(t).tampered.clear()),
        ("no session on the wire", Tampering::ReplyType, |t| {
            t.wire.flows[0].tls.as_mut().unwrap().server_records = 0;
        }),
        ("the value is there", Tampering::KeyRewritten, |t| {
            (t.client.end, t.stored) = (ClientEnd::Worked, Some(true));
        }),
        ("nobody knows", Tampering::KeyRewritten, |t| {
            (t.client.end, t.stored) = (ClientEnd::Worked, None);
        }),
        ("the client sends it itself", Tampering::CommandSwapped, |t| {
            command(t, "CONFIG/2");
            connection(t).commands.push("CONFIG/2".into());
        }),
        ("the server sent nothing", Tampering::MessageDropped, |t| {
            t.client.received = None;
            t.server.as_mut().unwrap().connections[0].witnessed.to_client.clear();
        }),
    ];
    for (name, how, change) in breaks {
        let mut trial = tampered(Transport::TlsUnverified, Some(&forged), false);
        change(&mut trial);
        let found = tamper(how, &trial);
        assert!(!found.got.contains(&how.worth()), "{name}: {}", found.why);
    }
}

/// Whoever refuses the relay is not tampered with; whoever is read but shows nothing else is read.
#[test]
fn a_refusal_is_secure() {
    assert_eq!(tamper(Tampering::ReplyType, &refusal()).verdict, Verdict::Secure);
    let mut trial = refusal();
    trial.wire.dropped = 1;
    assert_eq!(tamper(Tampering::ReplyType, &trial).verdict, Verdict::Inconclusive);
    let mut foreign = tampered(Transport::TlsUnverified, None, false);
    foreign.server = None;
    foreign.client.received = Some(foreign.canaries.forged.clone());
    assert!(tamper(Tampering::ScriptInjected, &foreign).got.contains(&Got::TamperedCommand));
    assert!(foreign.peer.unwrap().connections[0].witnessed.from_client.contains(&CanaryKind::Value));
}
