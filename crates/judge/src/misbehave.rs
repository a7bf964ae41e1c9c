//! Misbehaviour in the handshake or in records: did the client break off?

use crate::attack::{claims, leaving, left, refusal_in_words, short, turned_away};
use crate::{Finding, wire};
use wirelab_model::{
    CanaryKind, ClientEnd, Connection, Direction, Ending, Got, Handshake, PeerReport, Trial,
};

/// Judges a client that met a peer which misbehaves. Whoever goes on is compromised, also where it hands
/// over nothing yet; `secure` needs the flaw on its way to the client, as rogue and wire both show, and a
/// client that broke off, sent nothing, and says that it failed.
pub(crate) fn misbehave(trial: &Trial) -> Finding {
    let Some(peer) = &trial.peer else {
        return Finding::inconclusive("the rogue left no report");
    };
    let mut got = wire::leaked(&trial.wire);
    let leaked = !got.is_empty();
    let mut words = Vec::new();
    if leaked {
        words.push(format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire)));
    }
    let mut contradiction = None;
    for connection in &peer.connections {
        match went_on(trial, connection) {
            Ok(None) => {}
            Ok(Some((more, how))) => {
                got.extend(more);
                words.push(how);
            }
            Err(why) => contradiction = Some(why),
        }
    }
    match (got.is_empty(), contradiction) {
        (false, None) => Finding::compromised(got, words.join("; ")),
        (false, Some(_)) if leaked => Finding::compromised(got, words.join("; ")),
        (_, Some(why)) => Finding::inconclusive(why),
        (true, None) => broke_off(trial, peer),
    }
}

/// What the flaw was, for people.
fn flaw(connection: &Connection) -> String {
    connection.tampered.join("; ")
}

/// Whether the client of a connection went on, what it handed over, and how; an error where the witnesses
/// disagree.
fn went_on(trial: &Trial, connection: &Connection) -> Result<Option<(Vec<Got>, String)>, &'static str> {
    let claimed = claims(connection);
    let how = connection.tls.as_ref().map(|tls| &tls.handshake);
    let went_on = match how {
        Some(Handshake::WentOn { .. }) => true,
        Some(Handshake::Completed) => !turned_away(trial, connection),
        _ => !claimed.is_empty(),
    };
    if !went_on {
        return Ok(None);
    }
    let Some(flow) = wire::flow_of(trial, connection) else {
        return Err("the rogue says that the client went on, but the wire does not show the connection");
    };
    if !claimed.is_empty() && !wire::could_carry_data(flow) {
        return Err("the rogue says that it read secrets, but the wire shows no such data");
    }
    if sent_before_it_read(connection) {
        return Ok(None);
    }
    let clear_alert =
        |from| flow.tls.iter().flat_map(|tls| &tls.alerts).any(|alert| alert.fatal && alert.from == from);
    if clear_alert(Direction::Client) {
        return Err("the rogue says that the client went on, but the wire shows that it broke off");
    }
    let flaw = flaw(connection);
    if flaw.is_empty() && claimed.is_empty() {
        return Err("the client went on before it was shown anything wrong");
    }
    let read: Vec<String> = [CanaryKind::Password, CanaryKind::Key, CanaryKind::Value]
        .into_iter()
        .filter(|kind| connection.witnessed.from_client.contains(kind))
        .map(|kind| kind.to_string())
        .collect();
    let what = match (how, read.is_empty()) {
        (_, false) => format!("handed over its {}", read.join(", ")),
        (Some(Handshake::WentOn { with }), true) => format!("went on with {with}"),
        _ => "finished the handshake and did not turn away".to_owned(),
    };
    let got = if claimed.is_empty() { vec![Got::Accepted] } else { claimed };
    let why = if flaw.is_empty() { "the client " } else { "and yet the client " };
    let flaw = if flaw.is_empty() { String::new() } else { format!("of the rogue: {flaw}; ") };
    Ok(Some((got, format!("{flaw}{why}{what}"))))
}

/// Whether all that the client sent may have been on its way before it read the flaw: a login, for keys and values come
/// in answer to the reply to that.
fn sent_before_it_read(connection: &Connection) -> bool {
    let completed = connection.tls.as_ref().is_some_and(|tls| tls.handshake == Handshake::Completed);
    connection.flaw_after_finished
        && completed
        && connection.client_bytes > 0
        && !claims(connection).contains(&Got::Data)
}

/// How the client broke off, where it did. Where the rogue itself ended the connection, as there was nothing
/// to break off, it is enough that the client did not come back in clear: that is asked before.
fn refused(trial: &Trial, connection: &Connection) -> Option<String> {
    match connection.ended {
        Ending::ServerClosed => Some("it did not come back without TLS".into()),
        _ if sent_before_it_read(connection) => left(trial, connection).then(|| leaving(connection)),
        _ => refusal_in_words(trial, connection),
    }
}

/// Nobody got anything. Was that because the client broke off?
fn broke_off(trial: &Trial, peer: &PeerReport) -> Finding {
    if let ClientEnd::NotStarted { .. } = trial.client.end {
        return Finding::inconclusive(trial.client.end.to_string());
    }
    if let Some(fault) = wire::capture_fault(trial) {
        return Finding::inconclusive(fault);
    }
    if peer.connections.is_empty() {
        return Finding::inconclusive(
            "the client never connected to the rogue, so the attack did not happen",
        );
    }
    let shown = |c: &&Connection| {
        !c.tampered.is_empty()
            && wire::flow_of(trial, c)
                .is_some_and(|flow| flow.client_bytes > 0 && (flow.server_bytes > 0 || flow.reset))
    };
    let Some(connection) = peer.connections.iter().find(shown) else {
        let why = peer.connections.iter().find_map(|c| match c.tls.as_ref().map(|tls| &tls.handshake) {
            Some(Handshake::Failed { reason }) => Some(format!(": {reason}")),
            _ => None,
        });
        return Finding::inconclusive(format!(
            "rogue and wire do not both show that the flaw reached the client{}",
            why.unwrap_or_default()
        ));
    };
    let flaw = flaw(connection);
    let Some(how) = peer.connections.iter().filter(shown).find_map(|c| refused(trial, c)) else {
        return match (&trial.client.end, connection.tls.as_ref().map(|tls| &tls.handshake)) {
            (ClientEnd::TimedOut { .. }, _) => {
                Finding::hung(format!("of the rogue: {flaw}; nothing leaked, but {}", trial.client.end))
            }
            (_, Some(Handshake::Failed { reason })) => {
                Finding::inconclusive(format!("of the rogue: {flaw}; it failed for another reason: {reason}"))
            }
            _ => Finding::inconclusive(format!(
                "of the rogue: {flaw}; the client did neither break off nor go on"
            )),
        };
    };
    match &trial.client.end {
        ClientEnd::Failed { .. } => {
            let own =
                trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
            let early = peer.connections.iter().any(sent_before_it_read);
            let sent = if early { "nothing but what was on its way before it read that" } else { "nothing" };
            Finding::secure(format!(
                "of the rogue: {flaw}; the client broke off ({how}) and sent {sent}{own}"
            ))
        }
        ClientEnd::TimedOut { .. } => Finding::hung(format!(
            "of the rogue: {flaw}; the client broke off ({how}), but {}",
            trial.client.end
        )),
        ClientEnd::Worked => Finding::inconclusive(format!(
            "of the rogue: {flaw}; the client broke off ({how}), and yet says that it worked"
        )),
        end => {
            Finding::inconclusive(format!("of the rogue: {flaw}; the client broke off ({how}), but {end}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, refusal};
    use wirelab_model::{TlsAlertSeen, Transport, Verdict};

    fn broken_off() -> Trial {
        let mut trial = refusal();
        connection(&mut trial).tampered = vec!["it sends no Certificate".into()];
        trial
    }

    /// A client that answered in an old version, in which the rogue has no keys.
    fn gone_on() -> Trial {
        let mut trial = broken_off();
        let connection = connection(&mut trial);
        connection.ended = Ending::ClientClosed;
        connection.tls.as_mut().unwrap().handshake = Handshake::WentOn { with: "ClientKeyExchange".into() };
        trial
    }

    #[test]
    fn whoever_breaks_off_is_secure_and_whoever_goes_on_is_not() {
        assert_eq!(misbehave(&broken_off()).verdict, Verdict::Secure);
        let mut trial = good(Transport::TlsUnverified);
        connection(&mut trial).tampered = vec!["x".into()];
        let found = misbehave(&trial);
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::Credential, Got::Data]));
        let found = misbehave(&gone_on());
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::Accepted]));
        // A handshake that was finished, and nothing sent so far.
        let mut trial = gone_on();
        connection(&mut trial).tls.as_mut().unwrap().handshake = Handshake::Completed;
        trial.client.end = ClientEnd::TimedOut { after_ms: 1 };
        assert_eq!(misbehave(&trial).got, [Got::Accepted]);
    }

    /// A login may be on its way before the client can have read what came after Finished.
    #[test]
    fn who_logs_in_before_it_can_have_read_the_flaw_has_not_gone_on() {
        let mut trial = broken_off();
        let first = connection(&mut trial);
        (first.flaw_after_finished, first.client_bytes) = (true, 40);
        first.witnessed.from_client = vec![CanaryKind::Password];
        first.tls.as_mut().unwrap().handshake = Handshake::Completed;
        let found = misbehave(&trial);
        assert_eq!(found.verdict, Verdict::Inconclusive, "the login is not on the wire");
        trial.wire.flows[0].tls.as_mut().unwrap().client_records = 3;
        let found = misbehave(&trial);
        assert_eq!(found.verdict, Verdict::Secure);
        assert!(
            found.why.contains("sent nothing but what was on its way before it read that"),
            "{}",
            found.why
        );

        type Change = fn(&mut Trial);
        let changes: [(&str, Change, Verdict); 5] = [
            ("it worked", |t| t.client.end = ClientEnd::Worked, Verdict::Inconclusive),
            ("it waits", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1 }, Verdict::Hung),
            ("it stays", |t| connection(t).ended = Ending::Open, Verdict::Inconclusive),
            (
                "its key came",
                |t| connection(t).witnessed.from_client.push(CanaryKind::Key),
                Verdict::Compromised,
            ),
            ("it was shown before", |t| connection(t).flaw_after_finished = false, Verdict::Compromised),
        ];
        for (name, change, expected) in changes {
            let mut changed = trial.clone();
            change(&mut changed);
            assert_eq!(misbehave(&changed).verdict, expected, "{name}");
        }
    }

    /// Everything that makes it doubtful that a client broke off, one at a time.
    #[test]
    fn no_doubtful_refusal_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 12] = [
            ("no connection", |t| t.peer = Some(PeerReport::default()), Verdict::Inconclusive),
            ("no report", |t| t.peer = None, Verdict::Inconclusive),
            ("flaw not sent", |t| connection(t).tampered.clear(), Verdict::Inconclusive),
            ("wire saw nothing from the rogue", |t| t.wire.flows[0].server_bytes = 0, Verdict::Inconclusive),
            ("wire saw no flow", |t| t.wire.flows.clear(), Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 3, Verdict::Inconclusive),
            ("gap", |t| t.wire.flows[0].gaps = 3, Verdict::Inconclusive),
            ("fault", |t| t.fault = Some("x".into()), Verdict::Inconclusive),
            ("says it worked", |t| t.client.end = ClientEnd::Worked, Verdict::Inconclusive),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }, Verdict::Inconclusive),
            ("hung", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1 }, Verdict::Hung),
            (
                "no common suite",
                |t| connection(t).tls.as_mut().unwrap().handshake = Handshake::Failed { reason: "x".into() },
                Verdict::Inconclusive,
            ),
        ];
        for (name, change, expected) in breaks {
            let mut trial = broken_off();
            change(&mut trial);
            assert_eq!(misbehave(&trial).verdict, expected, "{name}");
        }
    }

    /// A port without TLS: nothing to break off, and nothing that may come after it.
    #[test]
    fn who_does_not_come_back_in_clear_is_secure() {
        let mut trial = broken_off();
        let first = connection(&mut trial);
        (first.tls, first.ended) = (None, Ending::ServerClosed);
        assert_eq!(misbehave(&trial).verdict, Verdict::Secure);
        trial.wire.flows[0].server_bytes = 0;
        assert_eq!(misbehave(&trial).verdict, Verdict::Inconclusive, "neither an answer nor a reset");
        trial.wire.flows[0].reset = true;
        assert_eq!(misbehave(&trial).verdict, Verdict::Secure);
        let mut back = connection(&mut good(Transport::Plaintext)).clone();
        back.client = "127.0.0.1:50001".parse().unwrap();
        let flow = wirelab_model::FlowSeen {
            client: back.client,
            ..good(Transport::Plaintext).wire.flows[0].clone()
        };
        trial.wire.flows.push(flow);
        trial.peer.as_mut().unwrap().connections.push(back);
        let found = misbehave(&trial);
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::Credential, Got::Data]));
    }

    #[test]
    fn a_rogue_that_the_wire_contradicts_is_not_believed() {
        let mut trial = gone_on();
        let alert = TlsAlertSeen { from: Direction::Client, description: "x".into(), fatal: true };
        trial.wire.flows[0].tls.as_mut().unwrap().alerts.push(alert);
        assert_eq!(misbehave(&trial).verdict, Verdict::Inconclusive, "the client broke off");
        let mut trial = gone_on();
        connection(&mut trial).tampered.clear();
        assert_eq!(misbehave(&trial).verdict, Verdict::Inconclusive, "nothing was wrong yet");
        let mut trial = good(Transport::Tls);
        trial.wire.flows[0].tls.as_mut().unwrap().client_records = 0;
        assert_eq!(misbehave(&trial).verdict, Verdict::Inconclusive, "no data on the wire");
    }
}
