//! An intruder with the password at the good server: the server is under test.

use crate::attack::leak_or_fault;
use crate::{Finding, wire};
use wirelab_model::{ClientEnd, Got, Handshake, Trial};

/// Judges what the server did about the intruder, who is the client of this trial.
pub(crate) fn intruder(trial: &Trial) -> Finding {
    if let Some(finding) = leak_or_fault(trial) {
        return finding;
    }
    let flows: Vec<_> = wire::to_peer(trial).collect();
    let Some(stored) = trial.stored else {
        return Finding::inconclusive("nobody says whether the server obeyed the intruder");
    };
    match (&trial.client.end, stored) {
        (ClientEnd::Worked, true) if flows.iter().any(|flow| wire::carried_tls_data(flow)) => {
            Finding::compromised(
                vec![Got::Data],
                if trial.passwordless {
                    "the server let the intruder in, who wrote and read without a password"
                } else {
                    "the server let the intruder in, who wrote and read with the password alone"
                },
            )
        }
        (ClientEnd::Worked, _) => {
            Finding::inconclusive("the intruder says that it got in, but server and wire do not show it")
        }
        (ClientEnd::Failed { .. }, false) => refused(trial),
        (ClientEnd::Failed { .. }, true) => Finding::compromised(
            vec![Got::TamperedCommand],
            "the server obeyed the intruder before it turned it away",
        ),
        (ClientEnd::TimedOut { .. }, false) => {
            Finding::hung(format!("the intruder got nothing, but {}", trial.client.end))
        }
        (end, _) => Finding::inconclusive(format!("the intruder did not run to its end: {end}")),
    }
}

/// The server turned the intruder away. Was that for the certificate?
fn refused(trial: &Trial) -> Finding {
    if !wire::to_peer(trial).any(wire::saw_hellos) {
        return Finding::inconclusive("the wire does not show a handshake between intruder and server");
    }
    // The embedded server says why. Of `redis-server` there is its alert, as the intruder reports it.
    let by_server = trial.peer.iter().flat_map(|peer| &peer.connections).find_map(|connection| {
        match connection.tls.as_ref().map(|tls| &tls.handshake) {
            Some(Handshake::Failed { reason }) => Some(reason.clone()),
            _ => None,
        }
    });
    // Where the certificate is the login, it may be good and still nobody's.
    if let Some(finding) = no_login(trial) {
        return finding;
    }
    if trial.peer.is_some() && by_server.is_none() {
        return Finding::inconclusive(
            "the intruder failed, but not because the server refused its handshake",
        );
    }
    let own = trial.client.error.clone().unwrap_or_default();
    if by_server.is_none() && !REFUSALS.iter().any(|word| own.to_lowercase().contains(word)) {
        return Finding::inconclusive(format!("the intruder failed for another reason: {own}"));
    }
    let why = by_server.unwrap_or(own);
    Finding::secure(format!("the server turned the intruder away: {why}"))
}

/// Hands were shaken, and every command was declined for want of a login. The embedded server says so itself.
fn no_login(trial: &Trial) -> Option<Finding> {
    let declined = |text: &[u8]| text.windows(NO_LOGIN.len()).any(|found| found == NO_LOGIN);
    let own = trial.client.error.clone().unwrap_or_default();
    let by_server = trial.peer.as_ref().map(|peer| peer.connections.iter().any(|c| declined(&c.written)));
    let spoke = wire::to_peer(trial).any(wire::carried_tls_data);
    (trial.passwordless && spoke && declined(own.as_bytes()) && by_server != Some(false)).then(|| {
        Finding::secure(format!(
            "the server took the intruder's certificate and logged nobody in by it: {own}"
        ))
    })
}

/// What servers say to whoever has not logged in.
const NO_LOGIN: &[u8] = b"NOAUTH";

/// How the built-in client says that the server broke the handshake off: by an alert, or, where that is
/// lost in a race with the client's first command (RFC 8446 section 6.2), by a closed connection.
const REFUSALS: [&str; 6] =
    ["alert", "unexpected end of file", "eof", "reset by peer", "broken pipe", "closed"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good};
    use wirelab_model::{Transport, Verdict};

    fn turned_away() -> Trial {
        let mut trial = good(Transport::Mtls);
        trial.stored = Some(false);
        trial.client.end = ClientEnd::Failed { code: None };
        trial.client.error = Some("received fatal alert: CertificateRequired".into());
        connection(&mut trial).tls.as_mut().unwrap().handshake =
            Handshake::Failed { reason: "peer sent no certificates".into() };
        trial
    }

    #[test]
    fn who_gets_in_compromises_the_server_and_who_is_turned_away_does_not() {
        let mut inside = good(Transport::Tls);
        inside.stored = Some(true);
        let found = intruder(&inside);
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::Data]));
        let found = intruder(&turned_away());
        assert_eq!(found.verdict, Verdict::Secure, "{}", found.why);
        assert!(found.why.contains("no certificates"), "{}", found.why);
        let mut without_report = turned_away();
        without_report.peer = None;
        assert_eq!(intruder(&without_report).verdict, Verdict::Secure);
    }

    /// Not for its certificate, but for its name: a login that nobody had.
    #[test]
    fn whoever_is_logged_in_as_nobody_is_turned_away_where_certificates_are_logins() {
        let mut trial = good(Transport::Mtls);
        (trial.stored, trial.passwordless) = (Some(false), true);
        trial.client.end = ClientEnd::Failed { code: None };
        trial.client.error = Some("NOAUTH: Authentication required.".into());
        connection(&mut trial).written = b"-NOAUTH Authentication required.\r\n".to_vec();
        assert_eq!(intruder(&trial).verdict, Verdict::Secure);
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break); 4] = [
            ("it had a password", |t| t.passwordless = false),
            ("the server says nothing of it", |t| connection(t).written.clear()),
            ("the client says nothing of it", |t| t.client.error = Some("EOF".into())),
            ("nothing went over", |t| t.wire.flows[0].tls.as_mut().unwrap().server_records = 0),
        ];
        for (name, change) in breaks {
            let mut doubtful = trial.clone();
            change(&mut doubtful);
            assert_ne!(intruder(&doubtful).verdict, Verdict::Secure, "{name}");
        }
        trial.stored = Some(true);
        assert_eq!(intruder(&trial).verdict, Verdict::Compromised);
    }

    #[test]
    fn no_doubtful_refusal_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 8] = [
            ("obeyed", |t| t.stored = Some(true), Verdict::Compromised),
            ("nobody says", |t| t.stored = None, Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 1, Verdict::Inconclusive),
            ("no hellos", |t| t.wire.flows[0].tls = None, Verdict::Inconclusive),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }, Verdict::Inconclusive),
            ("says it worked", |t| t.client.end = ClientEnd::Worked, Verdict::Inconclusive),
            (
                "handshake completed",
                |t| connection(t).tls.as_mut().unwrap().handshake = Handshake::Completed,
                Verdict::Inconclusive,
            ),
            (
                "wrong password",
                |t| (t.peer, t.client.error) = (None, Some("WRONGPASS".into())),
                Verdict::Inconclusive,
            ),
        ];
        for (name, change, expected) in breaks {
            let mut trial = turned_away();
            change(&mut trial);
            assert_eq!(intruder(&trial).verdict, expected, "{name}");
        }
    }
}
