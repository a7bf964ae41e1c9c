//! A server that asks for a new handshake within the session: what does the client do?

use crate::attack::{heard, leak, short};
use crate::{Finding, wire};
use wirelab_model::{ClientEnd, Connection, Ending, Got, Handshake, Trial};

/// `compromised` where the client began a new handshake; `secure` where it declined, took no notice, or ended the
/// connection. The server is the good one, so that what it is told is no loot.
pub(crate) fn renegotiate(trial: &Trial) -> Finding {
    if let Some(found) = leak(trial) {
        return found;
    }
    let peer = match heard(trial) {
        Ok(peer) => peer,
        Err(found) => return found,
    };
    let asked: Vec<&Connection> = peer.connections.iter().filter(|c| !c.tampered.is_empty()).collect();
    let Some(first) = asked.first() else {
        return Finding::inconclusive("no client came so far that it could be asked for a new handshake");
    };
    if !asked.iter().all(|c| wire::flow_of(trial, c).is_some_and(wire::carried_tls_data)) {
        return Finding::inconclusive("the rogue says that it led a session, but the wire does not show it");
    }
    let flaw = first.tampered.join("; ");
    let how = |c: &Connection| c.tls.as_ref().map(|tls| tls.handshake.clone());
    let began = asked.iter().find_map(|c| match how(c) {
        Some(Handshake::WentOn { with }) => Some(with),
        _ => None,
    });
    if let Some(with) = began {
        let why = format!("of the rogue: {flaw}; and the client began anew, with {with}");
        return Finding::compromised(vec![Got::Accepted], why);
    }
    if let Some(alert) = asked.iter().find_map(|c| c.declined.as_ref()) {
        return Finding::secure(format!(
            "of the rogue: {flaw}; the client declined with the warning {alert}: {}",
            trial.client.end
        ));
    }
    let own = trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
    match (&trial.client.end, &first.ended) {
        // It has read the reply behind the request.
        (ClientEnd::Worked, _) => Finding::secure(format!(
            "of the rogue: {flaw}; the client took no notice, and the session went on"
        )),
        (ClientEnd::Failed { .. }, Ending::ClientAlert { alert }) => {
            Finding::secure(format!("of the rogue: {flaw}; the client broke off with {alert}{own}"))
        }
        (ClientEnd::Failed { .. }, Ending::ClientClosed | Ending::ClientReset) => {
            Finding::secure(format!("of the rogue: {flaw}; the client ended the connection{own}"))
        }
        (ClientEnd::TimedOut { .. }, _) => {
            Finding::hung(format!("of the rogue: {flaw}; {}", trial.client.end))
        }
        (end, _) => Finding::inconclusive(format!("of the rogue: {flaw}; but {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good};
    use wirelab_model::{PeerReport, Transport, Verdict};

    fn asked() -> Trial {
        let mut trial = good(Transport::Tls);
        connection(&mut trial).tampered = vec!["it sends a HelloRequest".into()];
        trial
    }

    #[test]
    fn who_begins_anew_is_told_of_and_who_does_not_is_secure() {
        let ignored = renegotiate(&asked());
        assert_eq!(ignored.verdict, Verdict::Secure, "{}", ignored.why);
        assert!(ignored.why.contains("took no notice"), "{}", ignored.why);
        let mut trial = asked();
        connection(&mut trial).declined = Some("NoRenegotiation".into());
        assert!(renegotiate(&trial).why.contains("declined with the warning NoRenegotiation"));
        let mut trial = asked();
        trial.client.end = ClientEnd::Failed { code: Some(1) };
        connection(&mut trial).ended = Ending::ClientAlert { alert: "NoRenegotiation".into() };
        assert_eq!(renegotiate(&trial).verdict, Verdict::Secure);
        let mut trial = asked();
        connection(&mut trial).tls.as_mut().unwrap().handshake = Handshake::WentOn { with: "x".into() };
        let found = renegotiate(&trial);
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::Accepted]));
    }

    #[test]
    fn no_doubt_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 8] = [
            ("no report", |t| t.peer = None, Verdict::Inconclusive),
            ("no connection", |t| t.peer = Some(PeerReport::default()), Verdict::Inconclusive),
            ("never asked", |t| connection(t).tampered.clear(), Verdict::Inconclusive),
            ("not on the wire", |t| t.wire.flows.clear(), Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 1, Verdict::Inconclusive),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }, Verdict::Inconclusive),
            (
                "failed for a fault of the rogue's",
                |t| {
                    t.client.end = ClientEnd::Failed { code: Some(1) };
                    connection(t).ended = Ending::Error { reason: "x".into() };
                },
                Verdict::Inconclusive,
            ),
            ("hung", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1 }, Verdict::Hung),
        ];
        for (name, change, expected) in breaks {
            let mut trial = asked();
            change(&mut trial);
            assert_eq!(renegotiate(&trial).verdict, expected, "{name}");
        }
    }
}
