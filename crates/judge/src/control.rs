use crate::wire;
use wirelab_model::{ClientEnd, Connection, Direction, Got, Opening, Trial, TrialKind};

/// Whether a set-up without an attack works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// It does, and all witnesses say so.
    pub passed: bool,
    /// What leaked in clear although the arm has TLS: the client gives itself away without any
    /// attack.
    pub leaked: Vec<Got>,
    /// Whether the client went where the rogue sent it. None where it sent it nowhere.
    pub followed: Option<bool>,
    /// One sentence for people.
    pub why: String,
}

/// Judges a control: client and peer worked, the data reached its place, and the wire saw it.
pub fn control(trial: &Trial) -> Control {
    if trial.announced_port.is_some() {
        return crate::redirect::unarmed(trial);
    }
    let leaked = if trial.transport.is_tls() { wire::leaked(&trial.wire) } else { Vec::new() };
    if !leaked.is_empty() {
        let why = format!(
            "without any attack, and although the arm has TLS, the wire shows in clear: {}",
            wire::leaks_in_words(&trial.wire)
        );
        return Control { passed: false, leaked, followed: None, why };
    }
    match failure(trial) {
        Some(why) => Control { passed: false, leaked, followed: None, why },
        None => Control { passed: true, leaked, followed: None, why: success(trial) },
    }
}

fn success(trial: &Trial) -> String {
    let peer = match trial.kind {
        TrialKind::ControlUnarmed => "the rogue without its flaw",
        _ => "the good server",
    };
    let wire = if trial.transport.is_tls() {
        "TLS in both directions and no secret in clear"
    } else {
        "its password and its data in clear"
    };
    let left = left_behind(trial);
    if let Some(link) = trial.link {
        return format!("the link ({link}) worked with its good end, and the wire shows {wire}{left}");
    }
    format!("the client worked with {peer}, and the wire shows {wire}{left}")
}

/// A remark for the sentence, where the client left processes behind.
pub(crate) fn left_behind(trial: &Trial) -> String {
    match trial.client.left_behind.as_slice() {
        [] => String::new(),
        left => format!("; it left processes behind, which were killed: {}", left.join(", ")),
    }
}

fn failure(trial: &Trial) -> Option<String> {
    if trial.client.end != ClientEnd::Worked {
        let own = trial.client.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
        return Some(format!("{}{own}", trial.client.end));
    }
    if trial.stored == Some(false) {
        return Some(
            "the client says that it worked, but the server does not hold WIRELAB_VALUE under WIRELAB_KEY"
                .into(),
        );
    }
    if let Some(peer) = &trial.peer {
        // A peer that passes TLS on unopened cannot read it; then the good server is the witness.
        let unopened = |c: &Connection| c.opening == Opening::Tls && c.tls.is_none();
        let unread = trial.stored == Some(true) && peer.connections.iter().any(unopened);
        let got = |kind| unread || peer.connections.iter().any(|c| c.witnessed.from_client.contains(&kind));
        for kind in crate::link::given(trial) {
            if !got(*kind) {
                return Some(format!("the client says that it worked, but its peer never got the {kind}"));
            }
        }
        let showed = |c: &Connection| c.client_certificate;
        // The server demands one, and a rogue may ask for one.
        let wanted =
            trial.kind != TrialKind::ControlUnarmed || peer.connections.iter().any(|c| c.certificate_asked);
        if trial.transport.is_mutual() && wanted && !peer.connections.iter().any(showed) {
            return Some(
                "the session worked, but the server that demands a certificate of the client saw none".into(),
            );
        }
        if let Some(what) = peer.connections.iter().flat_map(|c| &c.tampered).next() {
            return Some(format!("nothing was to be changed in this control, but: {what}"));
        }
    } else if trial.stored.is_none() {
        return Some("no endpoint says whether the client's data arrived".into());
    }
    if let Some(fault) = wire::capture_fault(trial) {
        return Some(fault);
    }
    if trial.transport.is_tls() {
        if !wire::to_peer(trial).any(wire::carried_tls_data) {
            return Some(format!(
                "the endpoints say that it worked, but the wire shows no TLS data on port {}",
                trial.port
            ));
        }
    } else {
        for kind in crate::link::carried(trial) {
            // A master hands its data out.
            let from_server = trial.link.is_some() && wire::readable(trial, *kind, Direction::Server);
            if !from_server && !wire::readable(trial, *kind, Direction::Client) {
                return Some(format!(
                    "the endpoints say that it worked in plaintext, but the capture does not hold the {kind}"
                ));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{good, leak};
    use wirelab_model::{CanaryKind, FlowKind, Transport};

    #[test]
    fn a_working_set_up_passes_in_each_transport() {
        for transport in [Transport::Plaintext, Transport::TlsUnverified, Transport::Tls, Transport::Mtls] {
            let result = control(&good(transport));
            assert!(result.passed, "{transport}: {}", result.why);
        }
    }

    /// Each way to be wrong, one at a time, makes the control fail.
    #[test]
    fn every_single_doubt_fails_it() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break); 9] = [
            ("exit code", |t| t.client.end = ClientEnd::Failed { code: Some(1) }),
            ("deadline", |t| t.client.end = ClientEnd::TimedOut { after_ms: 1000 }),
            ("not stored", |t| t.stored = Some(false)),
            ("peer without password", |t| {
                if let Some(peer) = &mut t.peer {
                    peer.connections[0].witnessed.from_client = vec![CanaryKind::Value];
                }
            }),
            ("no endpoint", |t| (t.peer, t.stored) = (None, None)),
            ("drops", |t| t.wire.dropped = 1),
            ("cut", |t| t.wire.cut = 1),
            ("fault", |t| t.fault = Some("the capture did not see its marker".into())),
            ("deaf", |t| (t.wire.flows, t.wire.leaks) = (vec![], vec![])),
        ];
        for transport in [Transport::Plaintext, Transport::Tls] {
            for (name, change) in breaks {
                let mut trial = good(transport);
                change(&mut trial);
                assert!(!control(&trial).passed, "{transport}: {name}");
            }
        }
    }

    #[test]
    fn clear_text_in_a_tls_arm_is_a_leak_whatever_the_client_says() {
        let mut trial = good(Transport::Tls);
        trial.wire.leaks = vec![leak(CanaryKind::Password, Direction::Client)];
        trial.wire.flows[0].kind = FlowKind::Plaintext;
        trial.client.end = ClientEnd::Failed { code: Some(1) };
        let result = control(&trial);
        assert!(!result.passed);
        assert_eq!(result.leaked, [Got::Credential]);
    }

    #[test]
    fn mutual_tls_without_a_certificate_of_the_client_is_none() {
        let mut trial = good(Transport::Mtls);
        trial.peer.as_mut().unwrap().connections[0].client_certificate = false;
        assert!(!control(&trial).passed);
    }

    #[test]
    fn a_process_left_behind_is_named() {
        let mut trial = good(Transport::Tls);
        trial.client.left_behind = vec!["42 sleep".into()];
        let result = control(&trial);
        assert!(result.passed && result.why.contains("42 sleep"), "{}", result.why);
    }
}
