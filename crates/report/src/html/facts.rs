//! What the witnesses of an arm say, in lines for people.

use wirelab_model::{
    ArmEvidence, CanaryKind, Connection, Ending, FlowKind, FlowSeen, Handshake, Offered, Opening, WireReport,
};

/// One line: who says it, and what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) who: &'static str,
    pub(crate) what: String,
}

pub(crate) fn facts(evidence: &ArmEvidence) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut say = |who, what: String| {
        if !what.is_empty() {
            facts.push(Fact { who, what });
        }
    };
    let wire = &evidence.wire;
    say("Wire", format!("{} packets. {}", wire.packets, tally(wire.flows.iter().map(flow), ". ")));
    say("Secrets in clear", secrets(wire));
    let carried = tally(wire.flows.iter().flat_map(|flow| flow.credentials.iter().cloned()), ", ");
    say("Credentials in clear", carried);
    if let Some(peer) = &evidence.peer {
        say("Peer", tally(peer.connections.iter().map(connection), ". "));
        say("Peer read", tally(peer.connections.iter().flat_map(|one| one.commands.iter().cloned()), ", "));
        let tampered = peer.connections.iter().flat_map(|one| one.tampered.iter().cloned());
        say("Peer changed", tally(tampered, ", "));
        let fetched = peer.list_fetched.map(|times| format!("fetched {times}x"));
        say("List of revoked certificates", fetched.unwrap_or_default());
    }
    let error = evidence.client.error.iter().fold(String::new(), |_, error| format!(": {error}"));
    say("Client", format!("{}{error}", evidence.client.end));
    say("Left running", evidence.client.left_behind.join(", "));
    say("Lab", evidence.fault.clone().unwrap_or_default());
    if wire.dropped + wire.cut > 0 {
        say("Lab", format!("{} packets were dropped, {} not kept", wire.dropped, wire.cut));
    }
    facts
}

/// Equal texts once, with their number: `refused (4x)`.
fn tally(texts: impl Iterator<Item = String>, between: &str) -> String {
    let mut counted: Vec<(String, u64)> = Vec::new();
    for text in texts {
        match counted.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => counted.push((text, 1)),
        }
    }
    let words: Vec<String> = counted
        .into_iter()
        .map(|(text, count)| if count > 1 { format!("{text} ({count}x)") } else { text })
        .collect();
    words.join(between)
}

fn flow(flow: &FlowSeen) -> String {
    let mut words = match (flow.kind, flow.mixed) {
        (FlowKind::Plaintext, _) => "connection in clear".to_owned(),
        (FlowKind::Tls, false) => "TLS connection".to_owned(),
        (FlowKind::Tls, true) => "connection partly in clear, partly TLS".to_owned(),
        (FlowKind::Other, _) => "connection without readable bytes".to_owned(),
    };
    if flow.commands + flow.replies > 0 {
        words += &format!(", {} commands and {} replies readable", flow.commands, flow.replies);
    }
    if let Some(tls) = &flow.tls {
        let known = [&tls.version, &tls.cipher].into_iter().flatten().cloned();
        let sni = tls.sni.iter().map(|name| format!("server name {name}"));
        let alerts = tls.alerts.iter().map(|alert| format!("alert {}", alert.description));
        for fact in known.chain(sni).chain(alerts) {
            words = words + ", " + &fact;
        }
    }
    if flow.gaps > 0 {
        words += &format!(", {} bytes never seen", flow.gaps);
    }
    if flow.reset {
        words += ", reset";
    }
    words
}

fn secrets(wire: &WireReport) -> String {
    let found = CanaryKind::ALL.iter().filter_map(|kind| {
        let leaks: Vec<_> = wire.leaks.iter().filter(|leak| leak.canary == *kind).collect();
        let first = leaks.first()?;
        Some(format!("{kind} {}x, first in packet #{}", leaks.len(), first.frame))
    });
    found.collect::<Vec<_>>().join("; ")
}

fn offers(sni: Option<&str>, offered: &Offered) -> String {
    let name = sni.unwrap_or("no name");
    let (versions, suites) = (offered.versions.join(" and "), offered.ciphers.len());
    format!(", asked for {name}, offered {versions}, {suites} suites, JA4 {}", offered.ja4)
}

fn connection(connection: &Connection) -> String {
    let opening = match connection.opening {
        Opening::Silent => "the client connected and said nothing",
        Opening::Tls => "the client opened with TLS",
        Opening::Plaintext => "the client talked in clear",
    };
    let mut words = opening.to_owned();
    if let Some(tls) = &connection.tls {
        let handshake = match &tls.handshake {
            Handshake::Completed => "finished its handshake".to_owned(),
            Handshake::Refused { alert } => format!("refused it with the alert {alert}"),
            Handshake::Closed => "closed without an alert".to_owned(),
            Handshake::WentOn { with } => format!("went on with {with}, though it had to break off"),
            Handshake::Failed { reason } => format!("could not be shown it whole: {reason}"),
        };
        if let Some(offered) = &tls.offered {
            words += &offers(tls.sni.as_deref(), offered);
        }
        words += &format!(", was shown the certificate `{}` and {handshake}", tls.certificate);
    }
    if let Some(hello) = &connection.hello {
        words += &offers(hello.sni.as_deref(), &hello.offered);
    }
    if let Some(alert) = &connection.declined {
        words += &format!(", declined with {alert}");
    }
    if let Some(identity) = &connection.client_identity {
        words += &format!(", showed the certificate of {}", crate::connection::identity_in_words(identity));
    }
    words
        + match &connection.ended {
            Ending::ClientClosed => "; then it closed",
            Ending::ClientReset => "; then it reset the connection",
            Ending::ClientAlert { .. } => "",
            Ending::ServerClosed => "; then the server closed",
            Ending::Open => "; it stayed",
            Ending::Error { .. } => "; it ended by an error",
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_counted_and_keep_their_order() {
        let texts = ["b", "a", "b"].map(str::to_owned);
        assert_eq!(tally(texts.into_iter(), ", "), "b (2x), a");
        assert_eq!(tally(std::iter::empty(), ", "), "");
    }
}
