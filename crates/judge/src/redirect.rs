//! Did the client go where a server that it trusts sent it, and what did it hand over there?
//!
//! What the lying server itself was given is no matter here: it is the one that the client was told to
//! use. What counts is what reaches the second listener, and what anybody can read.

use crate::attack::{capture_or_end, claims, short, turned_away};
use crate::control::{Control, left_behind};
use crate::{Finding, wire};
use wirelab_model::{
    CanaryKind, ClientEnd, Connection, Ending, Got, Handshake, Listener, Opening, PeerReport, Trial, Verdict,
};

/// Judges one trial in which the client was sent elsewhere.
pub(crate) fn find(trial: &Trial) -> Finding {
    let Some(peer) = &trial.peer else {
        return Finding::inconclusive("the rogue left no report");
    };
    let mut got = leaked(trial);
    let mut words = Vec::new();
    if !got.is_empty() {
        words.push(format!("readable on the wire: {}", wire::leaks_in_words(&trial.wire)));
    }
    let proven = !got.is_empty();
    let mut contradiction = None;
    for connection in followed(peer) {
        let taken = claims(connection);
        let flow = wire::flow_of(trial, connection);
        if !taken.is_empty() && !flow.is_some_and(wire::could_carry_data) {
            contradiction =
                Some("the attacker says that it was sent secrets, but the wire shows no such data");
        } else if !taken.is_empty() || entered(trial, connection) {
            got.extend(taken);
            got.push(Got::Redirected);
        }
        if shown(trial, connection) {
            got.push(Got::ClientCertificate);
        }
    }
    let facts = facts(trial, peer);
    if !proven && let Some(why) = contradiction {
        // Packets that were dropped are the likelier story.
        return Finding::inconclusive(wire::capture_fault(trial).unwrap_or_else(|| why.to_owned()));
    }
    if got.is_empty() {
        return declined(trial, peer, &facts);
    }
    words.push(facts);
    let told = peer.connections.iter().flat_map(|c| &c.redirected).next();
    if !proven && told.is_none() {
        return Finding::inconclusive("the client came to the attacker without being sent there");
    }
    Finding { followed: Some(true), ..Finding::compromised(got, words.join("; ")) }
}

/// The same where a Sentinel says it unasked. A client that does not listen is not covered: it is told nothing.
pub(crate) fn switch(trial: &Trial) -> Finding {
    let found = find(trial);
    let listens = |c: &Connection| {
        c.commands.iter().any(|word| word.starts_with("SUBSCRIBE/") || word.starts_with("PSUBSCRIBE/"))
    };
    let connections = || trial.peer.iter().flat_map(|peer| &peer.connections);
    let ended = matches!(trial.client.end, ClientEnd::Worked | ClientEnd::Failed { .. });
    if found.verdict == Verdict::Inconclusive
        && ended
        && connections().any(|c| !c.commands.is_empty())
        && !connections().any(listens)
    {
        return Finding::skipped(
            "the client does not listen to what Sentinels publish, so this does not cover it",
        );
    }
    found
}

/// The same where the attacker resumes the client's session with the first server. A client that checks nothing lets it in
/// without that too, which does not show this attack live.
pub(crate) fn shared_tickets(trial: &Trial) -> Finding {
    let found = find(trial);
    let any = trial.peer.iter().flat_map(followed).any(resumed);
    if found.verdict == Verdict::Compromised
        && !trial.transport.is_verified()
        && trial.transport.is_tls()
        && !any
    {
        return Finding::inconclusive(format!(
            "no session was resumed, so the attack did not happen: {}",
            found.why
        ));
    }
    found
}

fn resumed(connection: &Connection) -> bool {
    connection.tls.as_ref().is_some_and(|tls| tls.resumed && tls.handshake == Handshake::Completed)
}

/// Secrets that anybody can read. Without TLS the first server is sent them in clear in any case; then
/// only what goes to the second one shows that the redirection works.
fn leaked(trial: &Trial) -> Vec<Got> {
    if trial.transport.is_tls() {
        return wire::leaked(&trial.wire);
    }
    let announced = |flow: usize| {
        trial.wire.flows.get(flow).is_some_and(|flow| Some(flow.server.port()) == trial.announced_port)
    };
    let mut got: Vec<Got> = trial
        .wire
        .leaks
        .iter()
        .filter(|leak| leak.flow.is_some_and(announced))
        .filter_map(|leak| wire::worth(leak.canary))
        .collect();
    got.sort();
    got.dedup();
    got
}

fn followed(peer: &PeerReport) -> impl Iterator<Item = &Connection> {
    peer.connections.iter().filter(|c| c.listener == Listener::Announced)
}

/// Whether the client said anything there. One that says nothing may be gone before anybody takes its connection.
fn went(peer: &PeerReport) -> bool {
    followed(peer).any(|connection| connection.opening != Opening::Silent)
}

/// Whether the client told the attacker who it is, also where it turned away then; the wire has to show the
/// handshake. Before TLS 1.3 its certificate is readable; in TLS 1.3 it is in a record of its own.
fn shown(trial: &Trial, connection: &Connection) -> bool {
    let handshake = |flow: &wirelab_model::FlowSeen| {
        let tls = flow.tls.as_ref();
        wire::saw_hellos(flow)
            && tls.is_some_and(|tls| tls.client_certificate.is_some() || tls.client_records > 0)
    };
    connection.client_certificate && wire::flow_of(trial, connection).is_some_and(handshake)
}

/// Whether the client began to talk to the attacker, and did not turn away.
fn entered(trial: &Trial, connection: &Connection) -> bool {
    match connection.opening {
        Opening::Silent => false,
        Opening::Plaintext => true,
        Opening::Tls => {
            let finished = connection.tls.as_ref().is_some_and(|tls| tls.handshake == Handshake::Completed);
            finished && !turned_away(trial, connection) && !left_without_a_word(connection)
        }
    }
}

/// It finished the handshake, said nothing and left. In TLS 1.3 some look at the certificate after that; and a client that has
/// found what it wanted elsewhere may have left before it came to speak. Neither shows that it stayed.
fn left_without_a_word(connection: &Connection) -> bool {
    connection.client_bytes == 0 && matches!(connection.ended, Ending::ClientClosed | Ending::ClientReset)
}

/// After the redirection: TLS kept, which name, what was sent again. Equal connections once.
fn facts(trial: &Trial, peer: &PeerReport) -> String {
    let mut facts: Vec<String> = Vec::new();
    for connection in followed(peer) {
        let fact = fact(trial, connection);
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }
    facts.join("; then ")
}

fn fact(trial: &Trial, connection: &Connection) -> String {
    let how = match connection.opening {
        Opening::Silent => return "it connected to the attacker and sent nothing".into(),
        Opening::Plaintext if trial.transport.is_tls() => "it gave up TLS for the attacker".to_owned(),
        Opening::Plaintext => "it connected to the attacker".to_owned(),
        Opening::Tls => {
            let sni = connection.tls.as_ref().and_then(|tls| tls.sni.clone());
            // A listener without TLS does not read the hello: the wire does.
            let seen = || wire::flow_of(trial, connection)?.tls.as_ref()?.sni.clone();
            let name = match sni.or_else(seen) {
                Some(name) => format!("asked for the name {name}"),
                None => "asked for no name".to_owned(),
            };
            let end = match connection.tls.as_ref().map(|tls| (&tls.certificate, &tls.handshake)) {
                None => "found no TLS there".to_owned(),
                Some((_, Handshake::Completed)) if resumed(connection) => {
                    "resumed there its session with the other server, without a certificate".to_owned()
                }
                Some((certificate, Handshake::Completed)) if entered(trial, connection) => {
                    format!("accepted the certificate `{certificate}`")
                }
                Some((certificate, Handshake::Refused { alert })) => {
                    format!("refused the certificate `{certificate}` (alert {alert})")
                }
                Some((certificate, Handshake::WentOn { with: reason } | Handshake::Failed { reason })) => {
                    format!("did not agree with the listener of `{certificate}` ({reason})")
                }
                Some((certificate, Handshake::Closed | Handshake::Completed)) => {
                    format!("turned away from the certificate `{certificate}`")
                }
            };
            format!("it kept TLS for the attacker, {name}, {end}")
        }
    };
    let sent: Vec<String> = [CanaryKind::Password, CanaryKind::Key, CanaryKind::Value]
        .into_iter()
        .filter(|kind| connection.witnessed.from_client.contains(kind))
        .map(|kind| kind.to_string())
        .collect();
    let certificate = match connection.certificate_asked {
        false => "",
        true if connection.client_certificate => ", showed its certificate again",
        true => ", showed no certificate of its own",
    };
    if sent.is_empty() {
        format!("{how}{certificate}, and sent no secret")
    } else {
        format!("{how}{certificate}, and sent its {}", sent.join(", "))
    }
}

/// The attacker got nothing. Did the client turn the offer down, or was there none?
fn declined(trial: &Trial, peer: &PeerReport, facts: &str) -> Finding {
    if let Some(finding) = capture_or_end(trial) {
        return finding;
    }
    let told = peer
        .connections
        .iter()
        .filter(|c| wire::flow_of(trial, c).is_some_and(|flow| flow.server_bytes > 0))
        .flat_map(|c| &c.redirected)
        .next();
    let Some(told) = told else {
        return Finding::inconclusive(
            "the client never asked for anything that would have sent it elsewhere, so the attack did not happen",
        );
    };
    let unseen = followed(peer).any(|c| {
        c.opening == Opening::Tls
            && !wire::flow_of(trial, c).and_then(|flow| flow.tls.as_ref()).is_some_and(|tls| tls.client_hello)
    });
    if unseen {
        return Finding::inconclusive("the attacker saw a hello that the wire does not show");
    }
    let went = went(peer);
    let what = if went {
        format!("the client was told `{told}`: {facts}")
    } else {
        format!("the client was told `{told}` and did not go there")
    };
    let finding = match &trial.client.end {
        ClientEnd::Failed { .. } => {
            let own =
                trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
            Finding::secure(format!("{what}{own}"))
        }
        ClientEnd::TimedOut { .. } => Finding::hung(format!("{what}, but {}", trial.client.end)),
        end => Finding::inconclusive(format!("{what}, but {end}")),
    };
    Finding { followed: Some(went), ..finding }
}

/// Judges the same rogue with nothing wrong at the place that it sends the client to. A client that goes there must work, or log
/// in at least; one that does not is to fail, and is then one that follows nobody.
pub(crate) fn unarmed(trial: &Trial) -> Control {
    let refuse = |why: String| Control { passed: false, leaked: Vec::new(), followed: None, why };
    let Some(peer) = &trial.peer else { return refuse("the rogue left no report".into()) };
    let leaked = leaked(trial);
    if trial.transport.is_tls() && !leaked.is_empty() {
        let why = format!(
            "although the arm has TLS, the wire shows in clear: {}",
            wire::leaks_in_words(&trial.wire)
        );
        return Control { leaked, ..refuse(why) };
    }
    if let Some(fault) = wire::capture_fault(trial) {
        return refuse(fault);
    }
    let Some(told) = peer.connections.iter().flat_map(|c| &c.redirected).next() else {
        return refuse(format!("the client was not sent elsewhere: {}", trial.client.end));
    };
    if !went(peer) {
        return match &trial.client.end {
            ClientEnd::Failed { .. } => Control {
                passed: true,
                leaked: Vec::new(),
                followed: Some(false),
                why: format!("the client was told `{told}` and did not go there{}", left_behind(trial)),
            },
            end => refuse(format!("the client was told `{told}` and did not go there, but {end}")),
        };
    }
    let arrived = |kind| {
        followed(peer).any(|c| {
            let carried = wire::flow_of(trial, c).is_some_and(if trial.transport.is_tls() {
                wire::carried_tls_data
            } else {
                wire::could_carry_data
            });
            carried && c.witnessed.from_client.contains(&kind)
        })
    };
    let pass = |how: String| Control {
        passed: true,
        leaked: Vec::new(),
        followed: Some(true),
        why: format!("the client was told `{told}`, went there, and {how}{}", left_behind(trial)),
    };
    if trial.client.end == ClientEnd::Worked {
        return match [CanaryKind::Password, CanaryKind::Value].into_iter().find(|kind| !arrived(*kind)) {
            None => pass("worked".into()),
            Some(kind) => refuse(format!(
                "the client says that it worked, but the {kind} did not arrive where it was sent"
            )),
        };
    }
    let own = trial.client.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
    // Some do not get along with the answer, and hand over their password there all the same: that is what is at stake.
    if matches!(trial.client.end, ClientEnd::Failed { .. }) && arrived(CanaryKind::Password) {
        return pass(format!("logged in there, although {}{own}", trial.client.end));
    }
    refuse(format!("{}{own}", trial.client.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{good, leak, refusal};
    use wirelab_model::{FlowKind, Transport};

    const THERE: u16 = 7000;

    /// The client was told to go elsewhere; `second` is what it did there, as the other trial tells it.
    fn sent(mut second: Trial) -> Trial {
        let mut first = good(second.transport);
        first.announced_port = Some(THERE);
        let told = &mut first.peer.as_mut().unwrap().connections[0];
        told.redirected = vec!["MOVED 1 localhost:7000".into()];
        let (mut connection, mut flow) =
            (second.peer.take().unwrap().connections.remove(0), second.wire.flows.remove(0));
        connection.listener = Listener::Announced;
        connection.client.set_port(50001);
        flow.client.set_port(50001);
        flow.server.set_port(THERE);
        first.peer.as_mut().unwrap().connections.push(connection);
        first.wire.flows.push(flow);
        first.client = second.client;
        first
    }

    fn second(trial: &mut Trial) -> &mut Connection {
        &mut trial.peer.as_mut().unwrap().connections[1]
    }

    fn not_followed() -> Trial {
        let mut trial = sent(refusal());
        trial.peer.as_mut().unwrap().connections.truncate(1);
        trial.wire.flows.truncate(1);
        trial
    }

    #[test]
    fn a_refusal_at_the_second_server_is_secure_whatever_the_first_one_got() {
        let found = find(&sent(refusal()));
        assert_eq!((found.verdict, found.followed), (Verdict::Secure, Some(true)), "{}", found.why);
        assert!(
            found.why.contains("kept TLS for the attacker, asked for the name localhost"),
            "{}",
            found.why
        );
    }

    /// A client that checks nothing is let in without a ticket too, which shows another attack live.
    #[test]
    fn shared_tickets_are_live_only_where_a_session_is_resumed() {
        let mut trial = sent(good(Transport::TlsUnverified));
        assert_eq!(shared_tickets(&trial).verdict, Verdict::Inconclusive);
        second(&mut trial).tls.as_mut().unwrap().resumed = true;
        let found = shared_tickets(&trial);
        assert_eq!(found.verdict, Verdict::Compromised, "{}", found.why);
        assert!(found.why.contains("resumed there its session"), "{}", found.why);
        // What a client hands over is lost in any case.
        assert_eq!(shared_tickets(&sent(good(Transport::Tls))).verdict, Verdict::Compromised);
        assert_eq!(shared_tickets(&sent(refusal())).verdict, Verdict::Secure);
    }

    #[test]
    fn what_reaches_the_second_server_counts() {
        let found = find(&sent(good(Transport::Tls)));
        assert_eq!(found.got, [Got::Credential, Got::Data, Got::Redirected], "{}", found.why);
        let mut only_entered = sent(good(Transport::Tls));
        second(&mut only_entered).witnessed.from_client.clear();
        second(&mut only_entered).witnessed.to_client.clear();
        assert_eq!(find(&only_entered).got, [Got::Redirected]);
        let mut plaintext = sent(good(Transport::Tls));
        second(&mut plaintext).opening = Opening::Plaintext;
        plaintext.wire.flows[1].kind = FlowKind::Plaintext;
        let mut clear = leak(CanaryKind::Password, wirelab_model::Direction::Client);
        clear.flow = Some(1);
        plaintext.wire.leaks.push(clear);
        assert!(find(&plaintext).why.contains("gave up TLS"), "{}", find(&plaintext).why);
    }

    /// It may have refused, or have been through before it came to speak: nobody knows.
    #[test]
    fn who_works_and_leaves_the_second_server_without_a_word_shows_nothing() {
        let mut trial = sent(good(Transport::Tls));
        let connection = second(&mut trial);
        connection.client_bytes = 0;
        connection.witnessed.from_client.clear();
        connection.witnessed.to_client.clear();
        connection.ended = Ending::ClientClosed;
        assert_eq!(find(&trial).verdict, Verdict::Inconclusive, "{}", find(&trial).why);
        trial.client.end = ClientEnd::Failed { code: Some(1) };
        assert_eq!(find(&trial).verdict, Verdict::Secure, "{}", find(&trial).why);
    }

    /// Without TLS the first server's connection is readable in any case; that shows nothing.
    #[test]
    fn a_leak_to_the_first_server_does_not_show_that_the_attack_is_live() {
        let mut trial = not_followed();
        trial.transport = Transport::Plaintext;
        trial.wire.leaks = vec![leak(CanaryKind::Password, wirelab_model::Direction::Client)];
        assert_ne!(find(&trial).verdict, Verdict::Compromised);
        trial.transport = Transport::Tls;
        assert_eq!(find(&trial).verdict, Verdict::Compromised, "with TLS it is one");
    }

    /// Whether it is a secret or not: who the client is was told to the attacker.
    #[test]
    fn a_certificate_that_is_shown_again_counts_and_is_told_of() {
        let again = find(&sent(good(Transport::Mtls)));
        let all = [Got::Credential, Got::Data, Got::ClientCertificate, Got::Redirected];
        assert_eq!(again.got, all, "{}", again.why);
        assert!(again.why.contains("showed its certificate again"), "{}", again.why);
        let mut not_shown = sent(good(Transport::Mtls));
        second(&mut not_shown).client_certificate = false;
        let found = find(&not_shown);
        assert!(found.why.contains("showed no certificate of its own"), "{}", found.why);
        assert!(!found.got.contains(&Got::ClientCertificate));
        // A rogue alone is no witness of it.
        let mut silent_wire = sent(good(Transport::Mtls));
        silent_wire.wire.flows[1].tls = None;
        assert!(!find(&silent_wire).got.contains(&Got::ClientCertificate));
    }

    /// Not covered is neither secure nor the lab's fault; who listens and is told nothing is the latter.
    #[test]
    fn who_does_not_listen_to_a_sentinel_is_skipped() {
        let mut trial = sent(refusal());
        let peer = trial.peer.as_mut().unwrap();
        peer.connections.truncate(1);
        peer.connections[0].redirected.clear();
        peer.connections[0].commands = vec!["SENTINEL/2".into()];
        trial.client.end = ClientEnd::Worked;
        assert_eq!(switch(&trial).verdict, Verdict::Skipped);
        trial.peer.as_mut().unwrap().connections[0].commands = vec!["SUBSCRIBE/1".into()];
        assert_eq!(switch(&trial).verdict, Verdict::Inconclusive);
        assert_eq!(switch(&sent(good(Transport::Tls))).verdict, Verdict::Compromised);
        assert_eq!(switch(&sent(refusal())).verdict, Verdict::Secure);
    }

    #[test]
    fn a_client_that_stays_is_secure_only_if_it_was_told_to_go() {
        let found = find(&not_followed());
        assert_eq!((found.verdict, found.followed), (Verdict::Secure, Some(false)));
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break, Verdict); 7] = [
            (
                "not told",
                |t| t.peer.as_mut().unwrap().connections[0].redirected.clear(),
                Verdict::Inconclusive,
            ),
            ("told, but nothing went out", |t| t.wire.flows[0].server_bytes = 0, Verdict::Inconclusive),
            ("no report", |t| t.peer = None, Verdict::Inconclusive),
            ("drops", |t| t.wire.dropped = 1, Verdict::Inconclusive),
            ("says it worked", |t| t.client.end = ClientEnd::Worked, Verdict::Inconclusive),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }, Verdict::Inconclusive),
            ("hung", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1 }, Verdict::Hung),
        ];
        for (name, change, expected) in breaks {
            let mut trial = not_followed();
            change(&mut trial);
            assert_eq!(find(&trial).verdict, expected, "{name}");
        }
    }

    #[test]
    fn witnesses_that_contradict_each_other_are_inconclusive() {
        let mut silent_wire = sent(good(Transport::Tls));
        silent_wire.wire.flows[1].tls.as_mut().unwrap().client_records = 0;
        assert_eq!(find(&silent_wire).verdict, Verdict::Inconclusive);
        // The client may have the same port of its own before both servers.
        let own = silent_wire.wire.flows[0].client;
        second(&mut silent_wire).client = own;
        silent_wire.wire.flows[1].client = own;
        assert_eq!(find(&silent_wire).verdict, Verdict::Inconclusive);
        let mut no_hello = sent(refusal());
        no_hello.wire.flows[1].tls = None;
        assert_eq!(find(&no_hello).verdict, Verdict::Inconclusive);
    }

    /// Whether its connection was taken is chance.
    #[test]
    fn who_connects_and_says_nothing_has_not_gone_there() {
        let mut silent = sent(refusal());
        second(&mut silent).opening = Opening::Silent;
        second(&mut silent).tls = None;
        assert_eq!((find(&silent).verdict, find(&silent).followed), (Verdict::Secure, Some(false)));
        assert_eq!(unarmed(&silent).followed, Some(false));
        assert!(unarmed(&silent).passed);
    }

    #[test]
    fn the_control_passes_for_who_works_there_and_for_who_follows_nobody() {
        let followed = unarmed(&sent(good(Transport::Tls)));
        assert_eq!((followed.passed, followed.followed), (true, Some(true)), "{}", followed.why);
        let stayed = unarmed(&not_followed());
        assert_eq!((stayed.passed, stayed.followed), (true, Some(false)), "{}", stayed.why);
        assert!(!unarmed(&sent(refusal())).passed, "refuses a good one");
        let mut logged_in = sent(good(Transport::Tls));
        logged_in.client = refusal().client;
        assert!(unarmed(&logged_in).passed, "its password is what counts");
        second(&mut logged_in).witnessed.from_client.clear();
        assert!(!unarmed(&logged_in).passed, "nothing arrived");
        let mut nothing = sent(good(Transport::Tls));
        second(&mut nothing).witnessed.from_client = vec![CanaryKind::Password];
        assert!(!unarmed(&nothing).passed, "the value never arrived");
        let mut worked = not_followed();
        worked.client.end = ClientEnd::Worked;
        assert!(!unarmed(&worked).passed, "cannot have worked");
        let mut dropped = sent(good(Transport::Tls));
        dropped.wire.dropped = 1;
        assert!(!unarmed(&dropped).passed);
    }
}
