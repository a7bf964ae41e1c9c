//! A client that was refused its server many times: does it go on without its checks, or without TLS?

use crate::Finding;
use crate::attack::{impostor_or_relay, refusal_in_words};
use wirelab_model::{Trial, Verdict};

/// How often a client must have refused before it may be said that it always does.
const OFTEN: usize = 3;

/// As for any impostor; a client that refuses must have done so often enough.
pub(crate) fn storm(trial: &Trial) -> Finding {
    let mut found = impostor_or_relay(trial, false);
    let connections = trial.peer.iter().flat_map(|peer| &peer.connections);
    let refused = connections.filter(|c| refusal_in_words(trial, c).is_some()).count();
    match found.verdict {
        Verdict::Compromised if refused > 0 => {
            found.why = format!("after it had refused {refused} times, {}", found.why);
            found
        }
        Verdict::Secure if refused < OFTEN => Finding::inconclusive(format!(
            "the client refused the certificate {refused} times, and was to be asked at least {OFTEN} times"
        )),
        Verdict::Secure => {
            found.why = format!("{} ({refused} times)", found.why);
            found
        }
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{good, refusal};
    use wirelab_model::Transport;

    /// A client that refuses so often, and then does what the other trial shows.
    fn times(count: u16, mut last: Trial) -> Trial {
        for number in 0..count {
            let mut one = refusal();
            let (mut connection, mut flow) =
                (one.peer.take().unwrap().connections.remove(0), one.wire.flows.remove(0));
            connection.client.set_port(50_100 + number);
            flow.client.set_port(50_100 + number);
            last.peer.as_mut().unwrap().connections.insert(0, connection);
            last.wire.flows.push(flow);
        }
        last
    }

    #[test]
    fn who_refuses_often_is_secure_and_who_gives_in_is_not() {
        let secure = storm(&times(4, refusal()));
        assert_eq!(secure.verdict, Verdict::Secure, "{}", secure.why);
        assert!(secure.why.contains("(5 times)"), "{}", secure.why);
        let seldom = storm(&times(1, refusal()));
        assert_eq!(seldom.verdict, Verdict::Inconclusive, "{}", seldom.why);
        let gave_in = storm(&times(3, good(Transport::Tls)));
        assert_eq!(gave_in.verdict, Verdict::Compromised);
        assert!(gave_in.why.starts_with("after it had refused 3 times, "), "{}", gave_in.why);
    }
}
