//! What the first witness says.

use wirelab_model::{
    CanaryKind, Connection, Direction, FlowKind, FlowSeen, Got, Listener, Trial, WireReport,
};

/// What an eavesdropper got: every secret of the client that is readable in the capture.
pub(crate) fn leaked(wire: &WireReport) -> Vec<Got> {
    let mut got: Vec<Got> = wire.leaks.iter().filter_map(|leak| worth(leak.canary)).collect();
    got.sort();
    got.dedup();
    got
}

/// What a canary is worth to an attacker.
pub(crate) fn worth(canary: CanaryKind) -> Option<Got> {
    match canary {
        CanaryKind::Password => Some(Got::Credential),
        CanaryKind::Key | CanaryKind::Value => Some(Got::Data),
        // The attacker's own.
        CanaryKind::Forged => None,
    }
}

/// Which secrets are readable, and how they were written, in words: `password (raw), key (base64)`.
pub(crate) fn leaks_in_words(wire: &WireReport) -> String {
    let mut words = Vec::new();
    for kind in [CanaryKind::Password, CanaryKind::Key, CanaryKind::Value] {
        let mut encodings: Vec<_> =
            wire.leaks.iter().filter(|leak| leak.canary == kind).map(|leak| leak.encoding).collect();
        encodings.sort();
        encodings.dedup();
        let times = wire.leaks.iter().filter(|leak| leak.canary == kind).count();
        if times > 0 {
            let how: Vec<_> = encodings.iter().map(|e| format!("{e:?}").to_lowercase()).collect();
            words.push(if how == ["raw"] {
                format!("{kind} ({times}x)")
            } else {
                format!("{kind} ({times}x, as {})", how.join(" and "))
            });
        }
    }
    words.join(", ")
}

/// Why the capture cannot be relied on for saying that something was *not* there.
pub(crate) fn capture_fault(trial: &Trial) -> Option<String> {
    if let Some(fault) = &trial.fault {
        return Some(fault.clone());
    }
    let wire = &trial.wire;
    if wire.dropped > 0 {
        return Some(format!("the kernel dropped {} packets, so the capture has holes", wire.dropped));
    }
    if wire.cut > 0 {
        return Some(format!("the lab had no room for {} packets, so the capture has holes", wire.cut));
    }
    let gaps: u64 = to_peer(trial).map(|flow| flow.gaps).sum();
    (gaps > 0).then(|| format!("{gaps} bytes between client and peer are missing in the capture"))
}

/// Flows to the port that the client was told to use, and to the one that its peer sent it to.
pub(crate) fn to_peer(trial: &Trial) -> impl Iterator<Item = &FlowSeen> {
    let ours = |port| port == trial.port || Some(port) == trial.announced_port;
    trial.wire.flows.iter().filter(move |flow| ours(flow.server.port()))
}

/// The flow that the peer knows as `connection`. A client may have the same port of its own at both listeners.
pub(crate) fn flow_of<'a>(trial: &'a Trial, connection: &Connection) -> Option<&'a FlowSeen> {
    let port = match connection.listener {
        Listener::Announced => trial.announced_port?,
        Listener::Dialled => trial.port,
    };
    trial.wire.flows.iter().find(|flow| flow.client == connection.client && flow.server.port() == port)
}

/// TLS with application data in both directions, and nothing readable beside it.
pub(crate) fn carried_tls_data(flow: &FlowSeen) -> bool {
    flow.kind == FlowKind::Tls
        && !flow.mixed
        && flow.tls.as_ref().is_some_and(|tls| tls.client_records > 0 && tls.server_records > 0)
}

/// Whether the client's bytes of this connection could have reached the peer as it claims.
pub(crate) fn could_carry_data(flow: &FlowSeen) -> bool {
    match flow.kind {
        FlowKind::Plaintext => flow.client_bytes > 0,
        FlowKind::Tls => flow.tls.as_ref().is_some_and(|tls| tls.client_records > 0) || flow.mixed,
        FlowKind::Other => false,
    }
}

/// Both hellos went by: the server's flight with its certificate was on the wire.
pub(crate) fn saw_hellos(flow: &FlowSeen) -> bool {
    flow.tls.as_ref().is_some_and(|tls| tls.client_hello && tls.server_hello)
}

/// Whether a canary of this kind was readable from that side.
pub(crate) fn readable(trial: &Trial, canary: CanaryKind, from: Direction) -> bool {
    trial.wire.leaks.iter().any(|leak| leak.canary == canary && leak.from == Some(from))
}
