//! What one attacked trial shows by itself, before controls and siblings are asked.

use crate::control::left_behind;
use crate::intruder::intruder;
use crate::{Finding, wire};
use wirelab_model::{
    Attack, CanaryKind, ClientEnd, Connection, Destination, Direction, Ending, FlowKind, Got, Handshake,
    Link, Opening, PeerReport, Redirection, Trial, Verdict,
};

/// Judges one attacked trial by its own evidence. `secure` from here is not final: see
/// [`crate::verdict`].
pub fn find(attack: &Attack, trial: &Trial) -> Finding {
    let mut finding = match attack {
        _ if trial.link == Some(Link::OpenPort) => crate::link::open_port(trial),
        _ if trial.link == Some(Link::AclUser) => crate::link::thief(trial),
        Attack::Eavesdrop if crate::link::is_one_sided(trial) => crate::link::one_sided(trial),
        Attack::Eavesdrop => eavesdrop(trial),
        // A rogue master can make its replica believe something, too.
        Attack::Impostor { .. } if trial.link.is_some() => impostor_or_relay(trial, true),
        Attack::TlsPort => crate::listen::tls_port(trial),
        Attack::Overhear => crate::listen::overhear(trial),
        Attack::Impostor { .. } | Attack::RelayRead { .. } => impostor_or_relay(trial, false),
        Attack::RelayTamper { .. } => impostor_or_relay(trial, true),
        Attack::AskCertificate { .. } => crate::ask::ask(trial),
        Attack::Resume { early, .. } => crate::resume::resume(trial, *early),
        Attack::Reconnect { .. } => crate::reconnect::reconnect(trial),
        Attack::Storm { .. } => crate::storm::storm(trial),
        Attack::Tamper { how, .. } => crate::tamper::tamper(*how, trial),
        Attack::Bait { how, .. } => crate::bait::bait(*how, trial),
        Attack::Corrupt => corrupt(trial),
        Attack::HostileReply { .. } => crate::hostile::hostile(trial),
        Attack::Redirect { how: Redirection::Switch, .. } => crate::redirect::switch(trial),
        Attack::Redirect { to: Destination::SharedTickets, .. } => crate::redirect::shared_tickets(trial),
        Attack::Redirect { .. } => crate::redirect::find(trial),
        Attack::Intruder { .. } => intruder(trial),
        Attack::Misbehave { .. } => crate::misbehave::misbehave(trial),
        Attack::Stall { .. } => crate::stall::stall(trial),
        Attack::Renegotiate { .. } => crate::renegotiate::renegotiate(trial),
        Attack::OnPath { .. } => crate::path::on_path(trial),
    };
    finding.why.push_str(&crate::list::in_words(trial));
    finding.why.push_str(&left_behind(trial));
    finding
}

pub(crate) fn eavesdrop(trial: &Trial) -> Finding {
    let got = wire::leaked(&trial.wire);
    if !got.is_empty() {
        return Finding::compromised(
            got,
            format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire)),
        );
    }
    let control = crate::control(trial);
    if !control.passed {
        return Finding::inconclusive(control.why);
    }
    Finding::secure(format!(
        "the session worked; {} packets were captured and searched, and none holds a secret{}",
        trial.wire.packets,
        discovery_in_clear(trial)
    ))
}

/// Commands that anybody reads.
fn commands_in_clear(trial: &Trial) -> u64 {
    trial.wire.flows.iter().filter(|flow| flow.kind == FlowKind::Plaintext).map(|flow| flow.commands).sum()
}

/// A trial in which a Sentinel was to be asked in clear. Where nobody did, it shows nothing that nothing was lost.
pub fn asked_in_clear(trial: &Trial, found: Finding) -> Finding {
    if found.verdict == Verdict::Secure && commands_in_clear(trial) == 0 {
        return Finding::inconclusive("the client asked no Sentinel in clear, so the attack did not happen");
    }
    found
}

/// What anybody reads beside a session over TLS: what a client asks a Sentinel in clear, and where it is sent.
fn discovery_in_clear(trial: &Trial) -> String {
    let commands = commands_in_clear(trial);
    if !trial.transport.is_tls() || commands == 0 {
        return String::new();
    }
    format!(
        "; in clear go by {commands} commands and their replies: which service is asked for, and where its master is"
    )
}

pub(crate) fn impostor_or_relay(trial: &Trial, tamper: bool) -> Finding {
    let Some(peer) = &trial.peer else {
        return Finding::inconclusive("the rogue left no report");
    };
    let mut got = wire::leaked(&trial.wire);
    let mut words = Vec::new();
    if !got.is_empty() {
        words.push(format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire)));
    }
    // Two witnesses: what the rogue says it read must have had a way to it on the wire.
    let mut contradiction = None;
    for connection in &peer.connections {
        let claims = claims(connection);
        if claims.is_empty() {
            continue;
        }
        if wire::flow_of(trial, connection).is_some_and(wire::could_carry_data) {
            got.extend(claims);
        } else {
            contradiction = Some("the rogue says that it read secrets, but the wire shows no such data");
        }
    }
    let read: Vec<String> = [CanaryKind::Password, CanaryKind::Key, CanaryKind::Value]
        .into_iter()
        .filter(|kind| peer.connections.iter().any(|c| c.witnessed.from_client.contains(kind)))
        .map(|kind| kind.to_string())
        .collect();
    if !read.is_empty() && contradiction.is_none() {
        words.push(format!("the client handed the rogue its {}", read.join(", ")));
    }
    if tamper {
        match tampered(trial, peer) {
            Ok(true) => {
                got.push(Got::TamperedReply);
                words.push("the client was given a value that the server never sent".into());
            }
            Ok(false) => {}
            Err(why) => contradiction = contradiction.or(Some(why)),
        }
    }
    if got.is_empty() && peer.connections.iter().any(|c| accepted(trial, c)) {
        got.push(Got::Accepted);
        words.push("the client finished the handshake and did not turn away".into());
    }
    match (got.is_empty(), contradiction) {
        // A secret that is readable in the capture is proof by itself.
        (false, _) if !wire::leaked(&trial.wire).is_empty() => Finding::compromised(got, words.join("; ")),
        (_, Some(why)) => Finding::inconclusive(why),
        (false, None) => Finding::compromised(got, words.join("; ")),
        (true, None) => refused(trial, peer),
    }
}

/// What the rogue says it read on a connection.
pub(crate) fn claims(connection: &Connection) -> Vec<Got> {
    // What a relay saw come back from the server counts as well.
    connection
        .witnessed
        .from_client
        .iter()
        .chain(&connection.witnessed.to_client)
        .filter_map(|k| wire::worth(*k))
        .collect()
}

/// Whether the client received the forged value; an error where the witnesses disagree.
fn tampered(trial: &Trial, peer: &PeerReport) -> Result<bool, &'static str> {
    let Some(connection) = peer
        .connections
        .iter()
        .find(|c| !c.tampered.is_empty() && c.witnessed.to_client.contains(&CanaryKind::Forged))
    else {
        return Ok(false);
    };
    let on_wire = if connection.opening == Opening::Plaintext {
        wire::readable(trial, CanaryKind::Forged, Direction::Server)
    } else {
        wire::flow_of(trial, connection).is_some_and(wire::carried_tls_data)
    };
    if !on_wire {
        return Err("the rogue says that it changed a reply, but the wire does not show it");
    }
    match &trial.client.received {
        Some(value) if *value != trial.canaries.forged => {
            Err("the rogue says that it changed a reply, but the client received something else")
        }
        _ => Ok(true),
    }
}

/// Handshake finished, and no sign that the client turned away. Some stacks finish first and check
/// the certificate then; their refusal is an alert or a close, and a client that reports failure.
pub(crate) fn accepted(trial: &Trial, connection: &Connection) -> bool {
    let finished = connection.tls.as_ref().is_some_and(|tls| tls.handshake == Handshake::Completed);
    finished
        && !turned_away(trial, connection)
        && wire::flow_of(trial, connection).is_some_and(wire::saw_hellos)
}

pub(crate) fn turned_away(trial: &Trial, connection: &Connection) -> bool {
    connection.client_bytes == 0 && left(trial, connection)
}

/// The client ended the connection with an alert, or without a word and says that it failed.
pub(crate) fn left(trial: &Trial, connection: &Connection) -> bool {
    match connection.ended {
        Ending::ClientAlert { .. } => true,
        Ending::ClientClosed | Ending::ClientReset => matches!(trial.client.end, ClientEnd::Failed { .. }),
        _ => false,
    }
}

/// The attacker got nothing. Was that because the client refused the certificate?
fn refused(trial: &Trial, peer: &PeerReport) -> Finding {
    if let Some(finding) = capture_or_end(trial) {
        return finding;
    }
    if peer.connections.is_empty() {
        return Finding::inconclusive(
            "the client never connected to the rogue, so the attack did not happen",
        );
    }
    if peer.connections.iter().any(|c| c.opening == Opening::Plaintext) {
        return Finding::inconclusive("the client talked to the rogue in plaintext, but sent no secret");
    }
    let delivered: Vec<&Connection> = peer
        .connections
        .iter()
        .filter(|c| c.tls.as_ref().is_some_and(|tls| tls.certificate_sent))
        .filter(|c| wire::flow_of(trial, c).is_some_and(wire::saw_hellos))
        .collect();
    if delivered.is_empty() {
        return Finding::inconclusive(
            "rogue and wire do not both show that the forged certificate reached the client",
        );
    }
    let Some(how) = delivered.iter().find_map(|c| refusal_in_words(trial, c)) else {
        let why = delivered.iter().find_map(|c| match c.tls.as_ref().map(|tls| &tls.handshake) {
            Some(Handshake::Failed { reason }) => Some(reason.as_str()),
            _ => None,
        });
        return match (&trial.client.end, why) {
            (ClientEnd::TimedOut { .. }, _) => {
                Finding::hung(format!("nothing leaked, but {}", trial.client.end))
            }
            (_, Some(why)) => {
                Finding::inconclusive(format!("the handshake failed for another reason: {why}"))
            }
            _ => {
                Finding::inconclusive("the client did not refuse the certificate, and did not use it either")
            }
        };
    };
    match &trial.client.end {
        ClientEnd::Failed { .. } => {
            let own =
                trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
            Finding::secure(format!("the client refused the certificate ({how}) and sent nothing{own}"))
        }
        ClientEnd::TimedOut { .. } => {
            Finding::hung(format!("the client refused the certificate ({how}), but {}", trial.client.end))
        }
        ClientEnd::Worked => Finding::inconclusive(format!(
            "the client refused the certificate ({how}), and yet says that it worked"
        )),
        end => Finding::inconclusive(format!("the client refused the certificate ({how}), but {end}")),
    }
}

/// Why nothing can be said about what did not happen: the client was not started, or the capture has holes.
pub(crate) fn capture_or_end(trial: &Trial) -> Option<Finding> {
    if let ClientEnd::NotStarted { .. } = trial.client.end {
        return Some(Finding::inconclusive(trial.client.end.to_string()));
    }
    wire::capture_fault(trial).map(Finding::inconclusive)
}

/// What anybody on the wire could read, where there is something.
pub(crate) fn leak(trial: &Trial) -> Option<Finding> {
    let leaked = wire::leaked(&trial.wire);
    let why = || format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire));
    (!leaked.is_empty()).then(|| Finding::compromised(leaked, why()))
}

/// What decides before anybody is asked: what anybody could read, or holes in the capture.
pub(crate) fn leak_or_fault(trial: &Trial) -> Option<Finding> {
    leak(trial).or_else(|| wire::capture_fault(trial).map(Finding::inconclusive))
}

/// What the rogue reports, where both it and the wire can be heard.
pub(crate) fn heard(trial: &Trial) -> Result<&PeerReport, Finding> {
    let Some(peer) = &trial.peer else {
        return Err(Finding::inconclusive("the rogue left no report"));
    };
    match wire::capture_fault(trial) {
        Some(fault) => Err(Finding::inconclusive(fault)),
        None => Ok(peer),
    }
}

/// The beginning of what a client says; all of it is in the evidence.
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 160;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => text.get(..end).unwrap_or(text).to_owned() + "…",
        None => text.to_owned(),
    }
}

pub(crate) fn refusal_in_words(trial: &Trial, connection: &Connection) -> Option<String> {
    match &connection.tls.as_ref()?.handshake {
        Handshake::Refused { alert } => Some(format!("alert {alert}")),
        Handshake::Closed => Some("closed during the handshake".into()),
        Handshake::Completed if turned_away(trial, connection) => Some(leaving(connection)),
        Handshake::Completed | Handshake::WentOn { .. } | Handshake::Failed { .. } => None,
    }
}

/// How a client left that had finished the handshake.
pub(crate) fn leaving(connection: &Connection) -> String {
    match &connection.ended {
        Ending::ClientAlert { alert } => format!("alert {alert} right after the handshake"),
        _ => "closed right after the handshake".into(),
    }
}

fn corrupt(trial: &Trial) -> Finding {
    let Some(peer) = &trial.peer else {
        return Finding::inconclusive("the corrupter left no report");
    };
    let mut got = wire::leaked(&trial.wire);
    let leaked = !got.is_empty();
    let flipped = peer.connections.iter().find_map(|c| c.tampered.first().map(|what| (c, what)));
    if let Some((connection, what)) = flipped {
        let Some(at) = trial.legs_differ_at else {
            return Finding::inconclusive(format!(
                "the corrupter says that it {what}, but on the wire both legs are the same"
            ));
        };
        if connection.opening == Opening::Plaintext {
            if trial.client.received.as_ref().is_some_and(|value| *value == trial.canaries.value) {
                return Finding::inconclusive(
                    "a bit was flipped on the wire, but the client received the value unchanged",
                );
            }
            got.push(Got::TamperedReply);
            return Finding::compromised(
                got,
                format!(
                    "one flipped bit at byte {at} reached the client's application unnoticed by the transport"
                ),
            );
        }
    }
    if leaked {
        return Finding::compromised(
            got,
            format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire)),
        );
    }
    if let Some(fault) = wire::capture_fault(trial) {
        return Finding::inconclusive(fault);
    }
    let Some((_, what)) = flipped else {
        return Finding::inconclusive("no record was corrupted, so the attack did not happen");
    };
    match &trial.client.end {
        ClientEnd::Failed { .. } => {
            let own =
                trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
            Finding::secure(format!("the corrupter {what}, and the client broke the connection off{own}"))
        }
        ClientEnd::TimedOut { .. } => {
            Finding::hung(format!("the corrupter {what}, and {}", trial.client.end))
        }
        ClientEnd::Worked => {
            Finding::inconclusive(format!("the corrupter {what}, and yet the client says that it worked"))
        }
        end => Finding::inconclusive(format!("the corrupter {what}, but {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, leak, refusal};
    use wirelab_model::Transport;

    fn impostor() -> Attack {
        Attack::Impostor { certificate: "self-signed".into() }
    }

    /// Beside the session there is a Sentinel, and either somebody asks it or nobody does.
    #[test]
    fn a_sentinel_that_nobody_asks_in_clear_shows_nothing() {
        let mut trial = good(Transport::Tls);
        let judged = |trial: &Trial| asked_in_clear(trial, find(&Attack::Eavesdrop, trial));
        assert_eq!(judged(&trial).verdict, Verdict::Inconclusive);
        let mut asked = trial.wire.flows[0].clone();
        (asked.kind, asked.tls, asked.commands) = (FlowKind::Plaintext, None, 2);
        trial.wire.flows.push(asked);
        let found = judged(&trial);
        assert_eq!(found.verdict, Verdict::Secure);
        assert!(found.why.contains("in clear go by 2 commands"), "{}", found.why);
    }

    #[test]
    fn a_listener_gets_everything_in_plaintext_and_nothing_from_tls() {
        let plain = find(&Attack::Eavesdrop, &good(Transport::Plaintext));
        assert_eq!((plain.verdict, plain.got), (Verdict::Compromised, vec![Got::Credential, Got::Data]));
        assert_eq!(find(&Attack::Eavesdrop, &good(Transport::Tls)).verdict, Verdict::Secure);
    }

    #[test]
    fn a_refusal_is_secure_and_a_harvest_is_not() {
        assert_eq!(find(&impostor(), &refusal()).verdict, Verdict::Secure);
        let harvest = find(&impostor(), &good(Transport::Tls));
        assert_eq!((harvest.verdict, harvest.got), (Verdict::Compromised, vec![Got::Credential, Got::Data]));
    }

    /// Everything that makes a refusal doubtful, one at a time.
    #[test]
    fn no_doubtful_refusal_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 16] = [
            ("no connection", |t| t.peer = Some(PeerReport::default()), Verdict::Inconclusive),
            ("no report", |t| t.peer = None, Verdict::Inconclusive),
            ("wire saw no hello", |t| t.wire.flows[0].tls = None, Verdict::Inconclusive),
            ("wire saw no flow", |t| t.wire.flows.clear(), Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 3, Verdict::Inconclusive),
            ("gap", |t| t.wire.flows[0].gaps = 3, Verdict::Inconclusive),
            ("fault", |t| t.fault = Some("x".into()), Verdict::Inconclusive),
            ("says it worked", |t| t.client.end = ClientEnd::Worked, Verdict::Inconclusive),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }, Verdict::Inconclusive),
            (
                "not started",
                |t| t.client.end = ClientEnd::NotStarted { reason: "x".into() },
                Verdict::Inconclusive,
            ),
            (
                "broken adapter",
                |t| t.client.end = ClientEnd::Broken { reason: "x".into(), ended: true },
                Verdict::Inconclusive,
            ),
            (
                "not supported",
                |t| t.client.end = ClientEnd::Unsupported { reason: "x".into() },
                Verdict::Inconclusive,
            ),
            ("hung", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1 }, Verdict::Hung),
            (
                "certificate not sent",
                |t| connection(t).tls.as_mut().unwrap().certificate_sent = false,
                Verdict::Inconclusive,
            ),
            (
                "no common suite",
                |t| connection(t).tls.as_mut().unwrap().handshake = Handshake::Failed { reason: "x".into() },
                Verdict::Inconclusive,
            ),
            ("plaintext", |t| connection(t).opening = Opening::Plaintext, Verdict::Inconclusive),
        ];
        for (name, change, expected) in breaks {
            let mut trial = refusal();
            change(&mut trial);
            assert_eq!(find(&impostor(), &trial).verdict, expected, "{name}");
        }
    }

    #[test]
    fn the_wire_outranks_the_exit_code_and_a_lost_packet() {
        let mut trial = refusal();
        trial.wire.dropped = 1;
        trial.wire.leaks = vec![leak(CanaryKind::Password, Direction::Client)];
        let found = find(&impostor(), &trial);
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::Credential]));
    }

    #[test]
    fn witnesses_that_contradict_each_other_are_inconclusive() {
        let mut trial = good(Transport::Tls);
        trial.wire.flows[0].tls.as_mut().unwrap().client_records = 0;
        assert_eq!(find(&impostor(), &trial).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn finishing_the_handshake_is_acceptance_unless_the_client_turns_away() {
        let mut trial = refusal();
        connection(&mut trial).tls.as_mut().unwrap().handshake = Handshake::Completed;
        connection(&mut trial).ended = Ending::ClientClosed;
        assert_eq!(find(&impostor(), &trial).verdict, Verdict::Secure, "closed at once and failed");
        connection(&mut trial).ended = Ending::Open;
        trial.client.end = ClientEnd::TimedOut { after_ms: 1 };
        assert_eq!(find(&impostor(), &trial).got, [Got::Accepted]);
    }

    #[test]
    fn tampering_needs_rogue_wire_and_client() {
        let attack = Attack::RelayTamper { certificate: "self-signed".into() };
        let forged = |transport| {
            let mut trial = good(transport);
            connection(&mut trial).tampered = vec!["replaced the value".into()];
            connection(&mut trial).witnessed.to_client = vec![CanaryKind::Forged];
            trial.client.received = Some(trial.canaries.forged.clone());
            trial.client.end = ClientEnd::Failed { code: None };
            if transport == Transport::Plaintext {
                trial.wire.leaks.push(leak(CanaryKind::Forged, Direction::Server));
            }
            trial
        };
        for transport in [Transport::Plaintext, Transport::TlsUnverified] {
            assert!(find(&attack, &forged(transport)).got.contains(&Got::TamperedReply), "{transport}");
        }
        let mut other = forged(Transport::TlsUnverified);
        other.client.received = Some(other.canaries.value.clone());
        assert_eq!(find(&attack, &other).verdict, Verdict::Inconclusive);
        let mut unseen = forged(Transport::Plaintext);
        unseen.wire.leaks.retain(|leak| leak.canary != CanaryKind::Forged);
        assert!(!find(&attack, &unseen).got.contains(&Got::TamperedReply));
    }

    #[test]
    fn a_flipped_bit_is_noticed_by_tls_only() {
        let flip = |transport| {
            let mut trial = good(transport);
            trial.legs_differ_at = Some(700);
            trial.client.end = ClientEnd::Failed { code: None };
            connection(&mut trial).tampered = vec!["flipped bit 0 of byte 700 from the server".into()];
            trial
        };
        assert!(find(&Attack::Corrupt, &flip(Transport::Plaintext)).got.contains(&Got::TamperedReply));
        assert_eq!(find(&Attack::Corrupt, &flip(Transport::Tls)).verdict, Verdict::Secure);

        let mut idle = flip(Transport::Tls);
        connection(&mut idle).tampered.clear();
        assert_eq!(find(&Attack::Corrupt, &idle).verdict, Verdict::Inconclusive, "nothing flipped");
        let mut same = flip(Transport::Tls);
        same.legs_differ_at = None;
        assert_eq!(find(&Attack::Corrupt, &same).verdict, Verdict::Inconclusive, "wire disagrees");
        let mut worked = flip(Transport::Tls);
        worked.client.end = ClientEnd::Worked;
        assert_eq!(find(&Attack::Corrupt, &worked).verdict, Verdict::Inconclusive, "unnoticed");
    }
}
