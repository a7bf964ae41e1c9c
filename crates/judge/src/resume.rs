//! A client that may resume an earlier session: does it ask again whom it talks to? Does it send what can be sent
//! a second time?

use crate::attack::{accepted, claims, impostor_or_relay, refusal_in_words};
use crate::{Finding, wire};
use wirelab_model::{Connection, Ending, Got, Handshake, PeerReport, Trial, Verdict};

/// `compromised` where the client resumed a session with a peer whose certificate it has not seen since, or, with
/// `early`, where it sent secrets before the handshake and the peer took them a second time. A client that shakes
/// hands anew is judged as any client that is shown the other certificate.
pub(crate) fn resume(trial: &Trial, early: bool) -> Finding {
    let Some(peer) = &trial.peer else {
        return Finding::inconclusive("the rogue left no report");
    };
    if peer.connections.is_empty() {
        return Finding::inconclusive(
            "the client never connected to the rogue, so the attack did not happen",
        );
    }
    let (before, later): (Vec<_>, Vec<_>) = peer.connections.iter().cloned().partition(|c| c.before_attack);
    let later = later.as_slice();
    let had_session = before.iter().any(|c| {
        c.client_bytes > 0
            && c.tls.as_ref().is_some_and(|tls| tls.handshake == Handshake::Completed && !tls.resumed)
            && wire::flow_of(trial, c).is_some_and(wire::carried_tls_data)
    });
    if !had_session {
        return Finding::inconclusive("the client had no good session that it could resume");
    }
    if early {
        return replayed(trial, later);
    }
    if let Some(connection) = later.iter().find(|c| resumed(c) && accepted(trial, c)) {
        let got = claims(connection);
        let more = if got.is_empty() { "" } else { ", and handed over its secrets" };
        if !wire_agrees(trial, connection) {
            return Finding::inconclusive(
                "the rogue says that the session was resumed, but the wire does not show that",
            );
        }
        let got = if got.is_empty() { vec![Got::Accepted] } else { got };
        return Finding::compromised(
            got,
            format!("the client resumed its session without asking for a certificate{more}"),
        );
    }
    // Of two connections one resumes, and the other one is refused: the client lets go of both before it has said anything.
    let finished = |c: &Connection| c.tls.as_ref().is_some_and(|tls| tls.handshake == Handshake::Completed);
    let silent =
        |c: &&Connection| resumed(c) && finished(c) && !matches!(c.ended, Ending::ClientAlert { .. });
    let other_refused = later.iter().any(|c| !resumed(c) && refusal_in_words(trial, c).is_some());
    if other_refused && later.iter().any(|c| silent(&c) && wire_agrees(trial, c)) {
        return Finding::compromised(
            vec![Got::Accepted],
            "the client resumed its session without asking for a certificate, and let go of it only when another of \
             its connections was refused",
        );
    }
    anew(trial, peer, later)
}

fn resumed(connection: &Connection) -> bool {
    connection.tls.as_ref().is_some_and(|tls| tls.resumed)
}

fn wire_agrees(trial: &Trial, connection: &Connection) -> bool {
    let flow = wire::flow_of(trial, connection).and_then(|flow| flow.tls.as_ref());
    flow.is_some_and(|tls| tls.resumed.is_some())
}

/// Whoever does not resume is shown the other certificate.
fn anew(trial: &Trial, peer: &PeerReport, later: &[Connection]) -> Finding {
    if later.is_empty() {
        return Finding::inconclusive(
            "the client did not connect again after its good session was cut off, also when it was run again: \
             there was nothing to resume",
        );
    }
    if !trial.transport.is_verified() {
        // This arm is there to show that a session can be resumed.
        return Finding::inconclusive("the client did not resume its session");
    }
    let peer = PeerReport { connections: later.to_vec(), ..peer.clone() };
    let mut found = impostor_or_relay(&Trial { peer: Some(peer), ..trial.clone() }, false);
    if matches!(found.verdict, Verdict::Secure | Verdict::Compromised) {
        found.why = format!("it did not resume its session: {}", found.why);
    }
    found
}

/// Early data that came twice.
fn replayed(trial: &Trial, later: &[Connection]) -> Finding {
    if let Some(fault) = wire::capture_fault(trial) {
        return Finding::inconclusive(fault);
    }
    let clients: Vec<&Connection> = later.iter().filter(|c| !c.replay).collect();
    if clients.is_empty() {
        return Finding::inconclusive(
            "the client did not connect again after its good session was cut off, also when it was run again: \
             it had no chance to send anything early",
        );
    }
    let Some(original) = clients.iter().find(|c| c.early_bytes > 0) else {
        if !clients.iter().any(|c| wire::flow_of(trial, c).is_some_and(wire::saw_hellos)) {
            return Finding::inconclusive("the wire shows no handshake in which something could come early");
        }
        if !trial.transport.is_verified() {
            return Finding::inconclusive("the client sent nothing before the handshake");
        }
        return Finding::secure(
            "its ticket allowed data before the handshake, and the client sent none: there is nothing to send again",
        );
    };
    let again = later.iter().find(|c| {
        c.replay && c.early_bytes > 0 && wire::flow_of(trial, c).is_some_and(wire::could_carry_data)
    });
    let Some(again) = again else {
        return Finding::inconclusive("the client sent data early, but nobody took it a second time");
    };
    let mut got = claims(again);
    got.push(Got::TamperedCommand);
    Finding::compromised(
        got,
        format!(
            "the client sent {} bytes before the handshake, and the server took them again from somebody without \
             a key: {}",
            original.early_bytes,
            again.commands.join(" ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, refusal};
    use wirelab_model::{FlowSeen, Resumption, Transport};

    /// A good session before what the trial shows.
    fn after_a_good_session(mut trial: Trial) -> Trial {
        let mut before = good(Transport::Tls);
        let client = "127.0.0.1:50009".parse().unwrap();
        let first = Connection { client, before_attack: true, ..connection(&mut before).clone() };
        trial.wire.flows.push(FlowSeen { client, ..before.wire.flows[0].clone() });
        trial.peer.as_mut().unwrap().connections.insert(0, first);
        trial
    }

    fn second(trial: &mut Trial) -> &mut Connection {
        &mut trial.peer.as_mut().unwrap().connections[1]
    }

    #[test]
    fn who_resumes_is_compromised_and_who_asks_again_is_secure() {
        let asked = resume(&after_a_good_session(refusal()), false);
        assert_eq!(asked.verdict, Verdict::Secure, "{}", asked.why);
        let mut trial = after_a_good_session(good(Transport::Tls));
        second(&mut trial).tls.as_mut().unwrap().resumed = true;
        assert_eq!(resume(&trial, false).verdict, Verdict::Inconclusive, "the wire shows no resumption");
        trial.wire.flows[0].tls.as_mut().unwrap().resumed = Some(Resumption::Psk);
        let found = resume(&trial, false);
        assert_eq!(found.got, [Got::Credential, Got::Data], "{}", found.why);
    }

    /// Both are there: a session that was resumed and let go of, and another connection that was shown the certificate.
    #[test]
    fn who_resumes_and_says_nothing_is_judged_by_its_other_connection() {
        let mut trial = after_a_good_session(refusal());
        let (client, flow) = ("127.0.0.1:50011".parse().unwrap(), good(Transport::Tls).wire.flows[0].clone());
        let mut silent = connection(&mut good(Transport::Tls)).clone();
        (silent.client, silent.client_bytes, silent.ended) = (client, 0, Ending::ClientClosed);
        silent.witnessed = wirelab_model::Witnessed::default();
        silent.tls.as_mut().unwrap().resumed = true;
        trial.peer.as_mut().unwrap().connections.push(silent);
        let mut flow = FlowSeen { client, ..flow };
        flow.tls.as_mut().unwrap().resumed = Some(Resumption::Psk);
        trial.wire.flows.push(flow);
        let found = resume(&trial, false);
        assert_eq!(found.got, [Got::Accepted], "{}", found.why);
        // It says no itself.
        let last = trial.peer.as_mut().unwrap().connections.last_mut().unwrap();
        last.ended = Ending::ClientAlert { alert: "x".into() };
        assert_eq!(resume(&trial, false).verdict, Verdict::Secure);
        // Nobody was refused: it may have let go for any reason.
        let last = trial.peer.as_mut().unwrap().connections.last_mut().unwrap();
        last.ended = Ending::ClientClosed;
        trial.peer.as_mut().unwrap().connections.remove(1);
        assert_ne!(resume(&trial, false).verdict, Verdict::Compromised);
    }

    /// What a client gives away in a handshake of its own shows nothing of sessions that are resumed.
    #[test]
    fn an_arm_that_shows_the_attack_live_has_to_resume() {
        let mut trial = after_a_good_session(good(Transport::TlsUnverified));
        assert_eq!(resume(&trial, false).verdict, Verdict::Inconclusive);
        trial.transport = Transport::Tls;
        assert_eq!(resume(&trial, false).verdict, Verdict::Compromised, "it took the other certificate");
    }

    #[test]
    fn without_a_session_to_resume_nothing_is_known() {
        assert_eq!(resume(&refusal(), false).verdict, Verdict::Inconclusive);
        for early in [false, true] {
            let once = good(Transport::Tls);
            assert_eq!(resume(&once, early).verdict, Verdict::Inconclusive, "never came back");
        }
        let mut none = refusal();
        none.peer = Some(PeerReport::default());
        assert_eq!(resume(&none, true).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn early_data_is_lost_where_it_was_taken_twice() {
        let mut trial = after_a_good_session(good(Transport::Tls));
        let found = resume(&trial, true);
        assert_eq!(found.verdict, Verdict::Secure, "nothing came early: {}", found.why);
        second(&mut trial).early_bytes = 40;
        assert_eq!(resume(&trial, true).verdict, Verdict::Inconclusive, "not taken again");
        let client = "127.0.0.1:50011".parse().unwrap();
        let again = Connection { client, replay: true, ..second(&mut trial).clone() };
        trial.peer.as_mut().unwrap().connections.push(again);
        assert_eq!(resume(&trial, true).verdict, Verdict::Inconclusive, "not on the wire");
        let flow = FlowSeen { client, ..trial.wire.flows[0].clone() };
        trial.wire.flows.push(flow);
        let found = resume(&trial, true);
        assert_eq!(found.got, [Got::Credential, Got::Data, Got::TamperedCommand], "{}", found.why);
        trial.wire.dropped = 1;
        assert_eq!(resume(&trial, true).verdict, Verdict::Inconclusive, "a hole in the capture");
    }
}
