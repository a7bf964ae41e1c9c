//! A server that answers to break its client: did the client crash, take more memory than it may have, or hang?

use crate::attack::{heard, leak, short};
use crate::{Finding, wire};
use wirelab_model::{ClientEnd, Connection, Got, MOST_MEMORY, Opening, Trial};

/// `compromised` where it broke, `hung` where the lab had to end it, and `secure` where it ended by itself, however
/// it did, with its memory within bounds. What the server is told is no matter: it is the one that the client
/// trusts, or that it talks to in clear.
pub(crate) fn hostile(trial: &Trial) -> Finding {
    if let Some(found) = leak(trial).filter(|_| trial.transport.is_tls()) {
        return found;
    }
    let peer = match heard(trial) {
        Ok(peer) => peer,
        Err(found) => return found,
    };
    let Some(connection) = peer.connections.iter().find(|c| !c.tampered.is_empty() && was_answered(trial, c))
    else {
        return Finding::inconclusive(
            "rogue and wire do not both show a client that was answered, so the attack did not happen",
        );
    };
    let what = format!("of the server: {}", connection.tampered.join("; "));
    let took = trial.client.memory.map(|bytes| format!("{} MiB of memory", bytes >> 20));
    let crashed = match &trial.client.end {
        ClientEnd::Signal { .. } => true,
        ClientEnd::Broken { ended, .. } => *ended,
        _ => false,
    };
    if crashed {
        return Finding::compromised(vec![Got::Denial], format!("{what}; {}", trial.client.end));
    }
    let timed_out = matches!(trial.client.end, ClientEnd::TimedOut { .. });
    let Some(took) = took.or_else(|| timed_out.then(String::new)) else {
        return Finding::inconclusive(format!("{what}; nobody says what memory the client took"));
    };
    if trial.client.memory.is_some_and(|bytes| bytes > MOST_MEMORY) {
        let most = MOST_MEMORY >> 20;
        let why = format!("{what}; the client took {took}, and may take {most} MiB");
        return Finding::compromised(vec![Got::Denial], why);
    }
    let own = trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
    match &trial.client.end {
        ClientEnd::Failed { .. } | ClientEnd::Worked => Finding::secure(format!(
            "{what}; the client ended by itself after {} ms and took {took}{own}",
            trial.client.duration_ms
        )),
        ClientEnd::TimedOut { .. } => Finding::hung(format!("{what}; {}", trial.client.end)),
        end => Finding::inconclusive(format!("{what}; {end}")),
    }
}

/// The wire shows a session on it, in both directions.
fn was_answered(trial: &Trial, connection: &Connection) -> bool {
    let Some(flow) = wire::flow_of(trial, connection) else { return false };
    match connection.opening {
        Opening::Tls => wire::carried_tls_data(flow),
        _ => wire::could_carry_data(flow) && flow.server_bytes > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, leak};
    use wirelab_model::{CanaryKind, Direction, Transport, Verdict};

    fn withstood(transport: Transport) -> Trial {
        let mut trial = good(transport);
        connection(&mut trial).tampered = vec!["it answers GET with x".into()];
        trial.client.end = ClientEnd::Failed { code: Some(1) };
        trial.client.memory = Some(MOST_MEMORY);
        trial
    }

    #[test]
    fn who_ends_by_itself_is_secure_and_who_breaks_is_not() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 6] = [
            ("ends", |_| {}, Verdict::Secure),
            ("noticed nothing", |t| t.client.end = ClientEnd::Worked, Verdict::Secure),
            ("signal", |t| t.client.end = ClientEnd::Signal { number: 11 }, Verdict::Compromised),
            (
                "an adapter that died",
                |t| t.client.end = ClientEnd::Broken { reason: "x".into(), ended: true },
                Verdict::Compromised,
            ),
            ("memory", |t| t.client.memory = Some(MOST_MEMORY + 1), Verdict::Compromised),
            ("hangs", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1 }, Verdict::Hung),
        ];
        for transport in [Transport::Plaintext, Transport::Tls] {
            for (name, change, expected) in breaks {
                let mut trial = withstood(transport);
                change(&mut trial);
                let found = hostile(&trial);
                assert_eq!(found.verdict, expected, "{transport} {name}: {}", found.why);
                let got: &[Got] = if expected == Verdict::Compromised { &[Got::Denial] } else { &[] };
                assert_eq!(found.got, got, "{transport} {name}");
            }
        }
    }

    #[test]
    fn no_doubt_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break); 8] = [
            ("no report", |t| t.peer = None),
            ("never answered", |t| connection(t).tampered.clear()),
            ("not on the wire", |t| t.wire.flows[0].tls.as_mut().unwrap().server_records = 0),
            ("drops", |t| t.wire.dropped = 1),
            ("nobody measured", |t| t.client.memory = None),
            ("not started", |t| t.client.end = ClientEnd::NotStarted { reason: "x".into() }),
            ("no protocol", |t| t.client.end = ClientEnd::Broken { reason: "x".into(), ended: false }),
            ("fault", |t| t.fault = Some("x".into())),
        ];
        for (name, change) in breaks {
            let mut trial = withstood(Transport::Tls);
            change(&mut trial);
            assert_eq!(hostile(&trial).verdict, Verdict::Inconclusive, "{name}");
        }
        let mut leaky = withstood(Transport::Tls);
        leaky.wire.leaks = vec![leak(CanaryKind::Password, Direction::Client)];
        assert_eq!(hostile(&leaky).got, [Got::Credential]);
    }
}
