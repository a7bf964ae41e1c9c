//! A client that had a good session, was cut off, and came back to somebody else: does it check anew?

use crate::attack::impostor_or_relay;
use crate::{Finding, wire};
use wirelab_model::{Opening, Trial, Verdict};

/// What a relay gets from the connections after the first one. Nothing but what it got counts where the client
/// had no good session before, or never came back.
pub(crate) fn reconnect(trial: &Trial) -> Finding {
    let mut found = impostor_or_relay(trial, false);
    let connections = || trial.peer.iter().flat_map(|peer| &peer.connections);
    if found.verdict == Verdict::Compromised {
        if had_good_session(trial) {
            found.why = format!("after a good session, {}", found.why);
        }
        return found;
    }
    if found.verdict == Verdict::Inconclusive && connections().next().is_none() {
        return found;
    }
    if !had_good_session(trial) {
        return Finding::inconclusive(
            "the client had no good session before it was shown the other certificate, so it did not come back",
        );
    }
    if !connections().any(|c| c.tls.is_some()) {
        return Finding::inconclusive(
            "the client did not connect again after its good session was cut off, also when it was run again: \
             it was never shown the other certificate",
        );
    }
    if found.verdict == Verdict::Secure {
        found.why = format!("after a good session that was cut off, {}", found.why);
    }
    found
}

/// A connection that was passed on unopened, with data in both directions.
fn had_good_session(trial: &Trial) -> bool {
    let connections = trial.peer.iter().flat_map(|peer| &peer.connections);
    connections
        .filter(|c| c.before_attack && c.opening == Opening::Tls && c.upstream.is_some())
        .any(|c| wire::flow_of(trial, c).is_some_and(wire::carried_tls_data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, refusal};
    use wirelab_model::{Connection, FlowSeen, PeerReport, Transport};

    /// A good session before what the trial shows.
    fn after_a_good_session(mut trial: Trial) -> Trial {
        let mut before = good(Transport::Tls);
        let client = "127.0.0.1:50009".parse().unwrap();
        let upstream = Some("127.0.0.1:50010".parse().unwrap());
        let first = Connection {
            client,
            upstream,
            tls: None,
            before_attack: true,
            ..connection(&mut before).clone()
        };
        trial.wire.flows.push(FlowSeen { client, ..before.wire.flows[0].clone() });
        let mut first = first;
        first.witnessed.from_client.clear();
        first.witnessed.to_client.clear();
        trial.peer.as_mut().unwrap().connections.insert(0, first);
        trial
    }

    #[test]
    fn who_checks_again_is_secure_and_who_does_not_is_compromised() {
        let refused = reconnect(&after_a_good_session(refusal()));
        assert_eq!(refused.verdict, Verdict::Secure, "{}", refused.why);
        let harvest = reconnect(&after_a_good_session(good(Transport::Tls)));
        assert_eq!(harvest.verdict, Verdict::Compromised, "{}", harvest.why);
    }

    #[test]
    fn without_a_good_session_or_without_a_second_connection_nothing_is_known() {
        assert_eq!(reconnect(&refusal()).verdict, Verdict::Inconclusive, "no session before");
        let mut once = after_a_good_session(refusal());
        once.peer.as_mut().unwrap().connections.truncate(1);
        let found = reconnect(&once);
        assert!(found.why.contains("did not connect again"), "{}", found.why);
        assert_eq!(found.verdict, Verdict::Inconclusive);
        let mut silent = after_a_good_session(refusal());
        silent.wire.flows[1].tls.as_mut().unwrap().server_records = 0;
        assert_eq!(reconnect(&silent).verdict, Verdict::Inconclusive, "no reply in the good session");
        let mut none = refusal();
        none.peer = Some(PeerReport::default());
        assert_eq!(reconnect(&none).verdict, Verdict::Inconclusive);
    }
}
