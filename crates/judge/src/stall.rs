//! A peer that keeps its client waiting: does the client give up by itself?

use crate::attack::{heard, leak, short};
use crate::{Finding, wire};
use wirelab_model::{ClientEnd, Connection, Ending, Trial};

/// `secure` where the client ended the connection and says that it failed, before the lab ended the client;
/// `hung` where the lab had to.
pub(crate) fn stall(trial: &Trial) -> Finding {
    if let Some(found) = leak(trial) {
        return found;
    }
    let peer = match heard(trial) {
        Ok(peer) => peer,
        Err(found) => return found,
    };
    let met = |c: &&Connection| {
        let hello = |flow: &wirelab_model::FlowSeen| flow.tls.as_ref().is_some_and(|tls| tls.client_hello);
        !c.tampered.is_empty() && wire::flow_of(trial, c).is_some_and(hello)
    };
    let Some(connection) = peer.connections.iter().find(met) else {
        return Finding::inconclusive("rogue and wire do not both show a client that was kept waiting");
    };
    let flaw = connection.tampered.join("; ");
    let by_client =
        matches!(connection.ended, Ending::ClientClosed | Ending::ClientReset | Ending::ClientAlert { .. });
    match &trial.client.end {
        ClientEnd::TimedOut { .. } => Finding::hung(format!("of the rogue: {flaw}; {}", trial.client.end)),
        ClientEnd::Failed { .. } if by_client => {
            let own =
                trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
            Finding::secure(format!(
                "of the rogue: {flaw}; the client gave up by itself after {} ms{own}",
                trial.client.duration_ms
            ))
        }
        end => Finding::inconclusive(format!("of the rogue: {flaw}; {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, refusal};
    use wirelab_model::Verdict;

    fn gave_up() -> Trial {
        let mut trial = refusal();
        let connection = connection(&mut trial);
        connection.tampered = vec!["it says nothing".into()];
        connection.ended = Ending::ClientClosed;
        trial
    }

    #[test]
    fn who_gives_up_is_secure_and_who_has_to_be_ended_hung() {
        assert_eq!(stall(&gave_up()).verdict, Verdict::Secure);
        let mut trial = gave_up();
        trial.client.end = ClientEnd::TimedOut { after_ms: 1 };
        assert_eq!(stall(&trial).verdict, Verdict::Hung);
    }

    #[test]
    fn no_doubt_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break); 7] = [
            ("no report", |t| t.peer = None),
            ("not kept waiting", |t| connection(t).tampered.clear()),
            ("no hello on the wire", |t| t.wire.flows[0].tls = None),
            ("drops", |t| t.wire.dropped = 1),
            ("says it worked", |t| t.client.end = ClientEnd::Worked),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }),
            ("the rogue ended it", |t| connection(t).ended = Ending::Open),
        ];
        for (name, change) in breaks {
            let mut trial = gave_up();
            change(&mut trial);
            assert_eq!(stall(&trial).verdict, Verdict::Inconclusive, "{name}");
        }
    }
}
