//! What a verdict needs beside its own trial.

use crate::{Control, Finding};
use wirelab_model::{Attack, Got, Scenario, Transport, Verdict};

/// What stands beside an attacked trial.
#[derive(Debug, Clone, Copy)]
pub struct Support<'a> {
    /// Same client, same transport, good server, before.
    pub before: &'a Control,
    /// The same, after. None where the run stopped before it.
    pub after: Option<&'a Control>,
    /// The same rogue with its flaw removed. None where the attack has no rogue.
    pub unarmed: Option<&'a Control>,
    /// What the arm found that proves the attack live: see [`liveness_sibling`].
    pub liveness: Option<(Transport, &'a Finding)>,
}

/// The arm of a scenario that proves its attack live for the arm in `transport`: the one in which a
/// client checks nothing, and plaintext where there is none. None where the arm itself is that.
pub fn liveness_sibling(scenario: &Scenario, transport: Transport) -> Option<Transport> {
    if !transport.is_verified() {
        return None;
    }
    // Corrupting and listening have nothing to do with certificates: the arm without TLS proves them.
    let wanted = match scenario.attack {
        // Among servers there is no end that was told not to verify: without TLS the attack is seen to work.
        _ if scenario.link.is_some() => [Transport::Plaintext, Transport::Plaintext],
        // Nor has a reply that breaks a client.
        Attack::Eavesdrop | Attack::Corrupt | Attack::TlsPort | Attack::HostileReply { .. } => {
            [Transport::Plaintext, Transport::Plaintext]
        }
        // There the client's certificate is at stake as well.
        Attack::Redirect { .. } if transport.is_mutual() => {
            [Transport::MtlsUnverified, Transport::TlsUnverified]
        }
        // Without a certificate of its own there is nothing to tell.
        Attack::AskCertificate { .. } | Attack::Overhear => {
            [Transport::MtlsUnverified, Transport::MtlsUnverified]
        }
        // A server that demands no certificate lets in whoever has the password.
        Attack::Intruder { .. } => [Transport::Tls, Transport::Tls],
        _ => [Transport::TlsUnverified, Transport::Plaintext],
    };
    wanted
        .into_iter()
        .filter(|wanted| *wanted != transport)
        .find(|wanted| scenario.arms.iter().any(|arm| arm.transport == *wanted))
}

/// Whether the verdict of a client that falls for everything shows that the attack works. Who keeps clients
/// waiting gets nothing from them but their time.
fn is_live(attack: &Attack, found: &Finding) -> bool {
    // What an attack is about. Other loot beside it does not show that this can be had.
    let about = match attack {
        Attack::Stall { .. } => return found.verdict == Verdict::Hung,
        Attack::Tamper { how, .. } => Some(how.worth()),
        Attack::AskCertificate { .. } | Attack::Overhear => Some(Got::ClientCertificate),
        Attack::Resume { early: true, .. } => Some(Got::TamperedCommand),
        Attack::HostileReply { .. } => Some(Got::Denial),
        _ => None,
    };
    found.verdict == Verdict::Compromised && about.is_none_or(|about| found.got.contains(&about))
}

/// The final verdict of an attacked trial. `compromised` and `inconclusive` stand by themselves;
/// anything that says the attacker got nothing needs all its support.
pub fn verdict(attack: &Attack, found: Finding, support: Support<'_>) -> Finding {
    if !matches!(found.verdict, Verdict::Secure | Verdict::Hung) {
        return found;
    }
    if !support.before.passed {
        return Finding::inconclusive(format!(
            "the control before the attack failed: {}",
            support.before.why
        ));
    }
    match support.after {
        None => return Finding::inconclusive("the control after the attack was not run"),
        Some(after) if !after.passed => {
            return Finding::inconclusive(format!("the control after the attack failed: {}", after.why));
        }
        Some(_) => {}
    }
    // Whoever listens or connects as a client has no flaw to be without: the controls are that.
    let listens = matches!(attack, Attack::Eavesdrop | Attack::TlsPort | Attack::Overhear);
    if !listens && !matches!(attack, Attack::Intruder { .. }) {
        match support.unarmed {
            None => return Finding::inconclusive("the rogue without its flaw was not tried"),
            Some(unarmed) if !unarmed.passed => {
                return Finding::inconclusive(format!(
                    "the client refuses the rogue even without its flaw, so the refusal proves nothing: {}",
                    unarmed.why
                ));
            }
            Some(unarmed) if unarmed.followed != found.followed && found.followed.is_some() => {
                return Finding::inconclusive(format!(
                    "the client does not do the same when it is sent to a good server: {}",
                    unarmed.why
                ));
            }
            Some(_) => {}
        }
    }
    // With a rogue that the client accepts without its flaw, being held by it is proof enough.
    if matches!(attack, Attack::Stall { .. }) && found.verdict == Verdict::Hung {
        return found;
    }
    match support.liveness {
        None => Finding::inconclusive("no other arm shows that the attack is live"),
        Some((transport, sibling)) if !is_live(attack, sibling) => Finding::inconclusive(format!(
            "the attack is not shown to be live: its arm {transport} is {} ({})",
            sibling.verdict, sibling.why
        )),
        Some(_) => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(passed: bool) -> Control {
        Control { passed, leaked: vec![], followed: None, why: "x".into() }
    }

    /// What waits for ever shows a stall live; what gets secrets shows nothing of it.
    #[test]
    fn a_stall_is_live_where_somebody_is_held() {
        let attack = Attack::Stall { how: "x".into() };
        let good = control(true);
        let held = Finding::hung("x");
        let all = Support {
            before: &good,
            after: Some(&good),
            unarmed: Some(&good),
            liveness: Some((Transport::TlsUnverified, &held)),
        };
        let alone = Support { liveness: None, ..all };
        assert_eq!(verdict(&attack, Finding::secure("x"), all).verdict, Verdict::Secure);
        assert_eq!(verdict(&attack, Finding::secure("x"), alone).verdict, Verdict::Inconclusive);
        assert_eq!(verdict(&attack, held.clone(), alone).verdict, Verdict::Hung);
        let unarmed = Support { unarmed: None, ..alone };
        assert_eq!(verdict(&attack, held.clone(), unarmed).verdict, Verdict::Inconclusive);
        let compromised = Finding::compromised(vec![], "x");
        let other = Support { liveness: Some((Transport::TlsUnverified, &compromised)), ..all };
        assert_eq!(verdict(&attack, Finding::secure("x"), other).verdict, Verdict::Inconclusive);
    }

    /// A relay that only reads does not show that a change would go unnoticed, and so on.
    #[test]
    fn an_attack_is_live_where_it_gets_what_it_is_about() {
        let certificate = || "self-signed".to_owned();
        let attacks = [
            (
                Attack::Tamper { certificate: certificate(), how: wirelab_model::Tampering::ReplyType },
                Transport::TlsUnverified,
                Got::TamperedReply,
            ),
            (
                Attack::AskCertificate { certificate: certificate() },
                Transport::MtlsUnverified,
                Got::ClientCertificate,
            ),
            (Attack::Overhear, Transport::MtlsUnverified, Got::ClientCertificate),
            (
                Attack::HostileReply { how: wirelab_model::Hostility::HugeLength },
                Transport::Plaintext,
                Got::Denial,
            ),
            (
                Attack::Resume { certificate: certificate(), early: true },
                Transport::TlsUnverified,
                Got::TamperedCommand,
            ),
        ];
        let good = control(true);
        for (attack, transport, about) in attacks {
            for (got, expected) in [(about, Verdict::Secure), (Got::Data, Verdict::Inconclusive)] {
                let sibling = Finding::compromised(vec![got], "x");
                let support = Support {
                    before: &good,
                    after: Some(&good),
                    unarmed: Some(&good),
                    liveness: Some((transport, &sibling)),
                };
                assert_eq!(verdict(&attack, Finding::secure("x"), support).verdict, expected, "{attack:?}");
            }
        }
    }

    #[test]
    fn secure_needs_every_support() {
        let attack = Attack::Impostor { certificate: "self-signed".into() };
        let (good, bad) = (control(true), control(false));
        let live = Finding::compromised(vec![], "x");
        let dead = Finding::inconclusive("x");
        let all = Support {
            before: &good,
            after: Some(&good),
            unarmed: Some(&good),
            liveness: Some((Transport::TlsUnverified, &live)),
        };
        let judge = |support| verdict(&attack, Finding::secure("x"), support).verdict;
        assert_eq!(judge(all), Verdict::Secure);
        for (name, support) in [
            ("before", Support { before: &bad, ..all }),
            ("after", Support { after: Some(&bad), ..all }),
            ("no after", Support { after: None, ..all }),
            ("unarmed", Support { unarmed: Some(&bad), ..all }),
            ("no unarmed", Support { unarmed: None, ..all }),
            ("no liveness", Support { liveness: None, ..all }),
            ("dead", Support { liveness: Some((Transport::TlsUnverified, &dead)), ..all }),
        ] {
            assert_eq!(judge(support), Verdict::Inconclusive, "{name}");
        }
        let hung = verdict(&attack, Finding::hung("x"), Support { unarmed: Some(&bad), ..all });
        assert_eq!(hung.verdict, Verdict::Inconclusive, "hung needs it too");
        // Sent to a good server it does one thing, and to a bad one the other.
        let stayed = Control { followed: Some(false), ..control(true) };
        let went = Finding { followed: Some(true), ..Finding::secure("x") };
        let fickle = verdict(&attack, went, Support { unarmed: Some(&stayed), ..all });
        assert_eq!(fickle.verdict, Verdict::Inconclusive);
        let compromised = verdict(&attack, live.clone(), Support { before: &bad, liveness: None, ..all });
        assert_eq!(compromised.verdict, Verdict::Compromised, "a leak stands by itself");
    }
}
