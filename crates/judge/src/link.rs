//! Links between servers: what goes over them, and the port that should not be open.

use crate::attack::leak_or_fault;
use crate::{Finding, wire};
use wirelab_model::{CanaryKind, ClientEnd, Got, Link, Trial};

/// The secrets that must be readable where there is no TLS.
pub(crate) fn carried(trial: &Trial) -> &'static [CanaryKind] {
    trial.link.map_or(&[CanaryKind::Password, CanaryKind::Value], |link| link.carries())
}

/// The secrets that a peer must have been given in a session that works. A replica gets the data, and gives
/// none.
pub(crate) fn given(trial: &Trial) -> &'static [CanaryKind] {
    match trial.link {
        None if trial.passwordless => &[CanaryKind::Value],
        None => &[CanaryKind::Password, CanaryKind::Value],
        Some(_) => &[CanaryKind::Password],
    }
}

/// Somebody with the password comes to the port without TLS: `secure` where nobody listens there.
pub(crate) fn open_port(trial: &Trial) -> Finding {
    let leaked = wire::leaked(&trial.wire);
    if !leaked.is_empty() {
        return Finding::compromised(
            leaked,
            format!(
                "a port without TLS takes the same password, and it is readable on the wire: {}",
                wire::leaks_in_words(&trial.wire)
            ),
        );
    }
    if let Some(fault) = wire::capture_fault(trial) {
        return Finding::inconclusive(fault);
    }
    // A reset in answer to the first packet (RFC 9293 section 3.5.2): no byte goes over.
    let closed = |flow: &&wirelab_model::FlowSeen| {
        flow.reset && flow.client_bytes == 0 && flow.server_bytes == 0 && flow.server.port() == trial.port
    };
    if !wire::to_peer(trial).any(|flow| closed(&flow)) {
        return Finding::inconclusive("the wire does not show that the port without TLS is closed");
    }
    match (&trial.client.end, trial.stored) {
        (ClientEnd::Failed { .. }, Some(false)) => {
            Finding::secure("nobody listens on the port without TLS: the connection was reset at once")
        }
        (end, _) => Finding::inconclusive(format!("the port without TLS was reset, but {end}")),
    }
}

/// Whether one end alone speaks TLS, so that the link is not to work.
pub(crate) fn is_one_sided(trial: &Trial) -> bool {
    matches!(trial.link, Some(Link::TlsAtMasterOnly | Link::TlsAtReplicaOnly)) && trial.transport.is_tls()
}

/// One end speaks TLS and the other one does not: `secure` where the near end tried, and gave nothing away by it.
pub(crate) fn one_sided(trial: &Trial) -> Finding {
    if let Some(finding) = leak_or_fault(trial) {
        return finding;
    }
    let sent: u64 = wire::to_peer(trial).map(|flow| flow.client_bytes).sum();
    match &trial.client.end {
        _ if sent == 0 => Finding::inconclusive("the wire does not show that the near end tried"),
        _ if trial.stored != Some(false) => {
            Finding::inconclusive("the link works, so it does not have TLS at one end only")
        }
        end @ (ClientEnd::Failed { .. } | ClientEnd::TimedOut { .. }) => {
            let own = trial.client.error.as_deref().unwrap_or("it waits");
            Finding::secure(format!(
                "the link did not come up: {end} ({own}); none of the {sent} bytes that its near end sent is a secret"
            ))
        }
        end => Finding::inconclusive(format!("the near end did not run to its end: {end}")),
    }
}

/// Whoever has stolen a client's password: it reads what that client reads, and the question is what else.
pub(crate) fn thief(trial: &Trial) -> Finding {
    let mut got = wire::leaked(&trial.wire);
    let mut words = Vec::new();
    if !got.is_empty() {
        words.push(format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire)));
    }
    if let Some(fault) = wire::capture_fault(trial) {
        return Finding::inconclusive(fault);
    }
    if trial.client.end != ClientEnd::Worked || trial.client.received.as_ref() != Some(&trial.canaries.value)
    {
        return Finding::inconclusive(format!(
            "the thief of the password did not get in: {}",
            trial.client.end
        ));
    }
    got.push(Got::Data);
    words.push("whoever has stolen the password reads the data of its owner".to_owned());
    let refusals = trial.client.error.as_deref().unwrap_or_default();
    match trial.stored {
        Some(true) => {
            got.push(Got::TamperedCommand);
            words.push("and writes elsewhere, too".to_owned());
        }
        Some(false) if refusals.contains("NOPERM") => {
            words.push(format!("and may do nothing else: {refusals}"));
        }
        _ => return Finding::inconclusive("nobody says what else the thief of the password tried"),
    }
    Finding::compromised(got, words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{good, leak};
    use wirelab_model::{Attack, Direction, Ending, FlowKind, Transport, Verdict};

    fn closed() -> Trial {
        let mut trial = good(Transport::Tls);
        trial.link = Some(Link::OpenPort);
        (trial.peer, trial.stored) = (None, Some(false));
        trial.client.end = ClientEnd::Failed { code: None };
        let flow = &mut trial.wire.flows[0];
        (flow.kind, flow.tls, flow.reset) = (FlowKind::Other, None, true);
        (flow.client_bytes, flow.server_bytes) = (0, 0);
        trial
    }

    #[test]
    fn only_a_port_that_is_seen_to_be_closed_is_secure() {
        assert_eq!(open_port(&closed()).verdict, Verdict::Secure);
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 6] = [
            ("no reset", |t| t.wire.flows[0].reset = false, Verdict::Inconclusive),
            ("bytes", |t| t.wire.flows[0].client_bytes = 1, Verdict::Inconclusive),
            ("another port", |t| t.port = 1, Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 1, Verdict::Inconclusive),
            ("says it worked", |t| t.client.end = ClientEnd::Worked, Verdict::Inconclusive),
            (
                "leak",
                |t| t.wire.leaks = vec![leak(CanaryKind::Password, Direction::Client)],
                Verdict::Compromised,
            ),
        ];
        for (name, change, expected) in breaks {
            let mut trial = closed();
            change(&mut trial);
            assert_eq!(open_port(&trial).verdict, expected, "{name}");
        }
    }

    #[test]
    fn what_a_thief_may_do_is_what_the_server_obeyed() {
        let mut trial = good(Transport::Tls);
        (trial.link, trial.peer, trial.stored) = (Some(Link::AclUser), None, Some(false));
        trial.client.received = Some(trial.canaries.value.clone());
        trial.client.error = Some("NOPERM this user has no permissions".into());
        let found = thief(&trial);
        assert_eq!(found.got, [Got::Data], "{}", found.why);
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break); 5] = [
            ("nothing was refused", |t| t.client.error = None),
            ("nobody looked", |t| t.stored = None),
            ("not in", |t| t.client.end = ClientEnd::Failed { code: None }),
            ("another value", |t| t.client.received = None),
            ("drops", |t| t.wire.dropped = 1),
        ];
        for (name, change) in breaks {
            let mut doubtful = trial.clone();
            change(&mut doubtful);
            assert_eq!(thief(&doubtful).verdict, Verdict::Inconclusive, "{name}");
        }
        trial.stored = Some(true);
        assert_eq!(thief(&trial).got, [Got::Data, Got::TamperedCommand]);
    }

    #[test]
    fn a_link_with_tls_at_one_end_is_secure_only_where_it_was_tried_and_failed() {
        let mut trial = good(Transport::Tls);
        (trial.link, trial.peer, trial.stored) = (Some(Link::TlsAtMasterOnly), None, Some(false));
        trial.client.end = ClientEnd::Failed { code: None };
        assert!(is_one_sided(&trial));
        assert_eq!(one_sided(&trial).verdict, Verdict::Secure);
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 5] = [
            ("not tried", |t| t.wire.flows.clear(), Verdict::Inconclusive),
            ("works", |t| t.stored = Some(true), Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 1, Verdict::Inconclusive),
            ("ended", |t| t.client.end = ClientEnd::Signal { number: 9 }, Verdict::Inconclusive),
            (
                "leak",
                |t| t.wire.leaks = vec![leak(CanaryKind::Password, Direction::Client)],
                Verdict::Compromised,
            ),
        ];
        for (name, change, expected) in breaks {
            let mut doubtful = trial.clone();
            change(&mut doubtful);
            assert_eq!(one_sided(&doubtful).verdict, expected, "{name}");
        }
    }

    /// A rogue master: what a replica gives, and what it believes.
    #[test]
    fn a_replica_that_believes_a_rogue_is_compromised() {
        let mut trial = good(Transport::Tls);
        (trial.link, trial.stored) = (Some(Link::Replication), None);
        trial.client.received = Some(trial.canaries.forged.clone());
        let connection = crate::testkit::connection(&mut trial);
        connection.tampered = vec!["x".into()];
        connection.witnessed.from_client = vec![CanaryKind::Password];
        connection.witnessed.to_client = vec![CanaryKind::Forged];
        let attack = Attack::Impostor { certificate: "wrong-host".into() };
        let found = crate::find(&attack, &trial);
        assert_eq!(found.got, [Got::Credential, Got::TamperedReply], "{}", found.why);
        // It says that it holds something else than the rogue handed out.
        trial.client.received = Some(trial.canaries.value.clone());
        assert_eq!(crate::find(&attack, &trial).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_link_works_where_its_secrets_are_seen_to_go_over_it() {
        let mut trial = good(Transport::Plaintext);
        (trial.link, trial.peer) = (Some(Link::Replication), None);
        trial.wire.leaks =
            vec![leak(CanaryKind::Password, Direction::Client), leak(CanaryKind::Value, Direction::Server)];
        assert!(crate::control(&trial).passed);
        let mut deaf = trial.clone();
        deaf.wire.leaks.pop();
        assert!(!crate::control(&deaf).passed);
        trial.stored = Some(false);
        assert!(!crate::control(&trial).passed);
    }

    #[test]
    fn the_rogue_without_its_flaw_needs_the_password_only() {
        let mut trial = good(Transport::Tls);
        (trial.link, trial.stored) = (Some(Link::Replication), None);
        trial.kind = wirelab_model::TrialKind::ControlUnarmed;
        let connection = crate::testkit::connection(&mut trial);
        connection.witnessed.from_client = vec![CanaryKind::Password];
        connection.ended = Ending::ClientClosed;
        assert!(crate::control(&trial).passed, "{}", crate::control(&trial).why);
        crate::testkit::connection(&mut trial).witnessed.from_client.clear();
        assert!(!crate::control(&trial).passed);
    }
}
