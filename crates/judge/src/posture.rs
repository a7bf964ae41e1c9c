//! What an environment is worth: derived from what was seen in its arms, never from what it is said to have.

use wirelab_model::{
    ArmEvidence, ArmRecord, Attack, EnvironmentRecord, FlowKind, Got, Has, Link, Risk, Scenario, Verdict,
};

/// An arm of an environment, with its evidence where it was run.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// What became of it.
    pub arm: &'a ArmRecord,
    /// What was recorded.
    pub evidence: Option<&'a ArmEvidence>,
}

/// Judges an environment by the arms that stand for it.
pub fn environment(name: &str, client: &str, seen: &[Seen<'_>]) -> EnvironmentRecord {
    // A port that was left without TLS is open to those on the wire, too.
    let open_port = |one: &&Seen<'_>| one.scenario.link == Some(Link::OpenPort);
    let is_intruder =
        |one: &&Seen<'_>| matches!(one.scenario.attack, Attack::Intruder { .. }) && !open_port(one);
    let (inside, outside): (Vec<_>, Vec<_>) = seen.iter().partition(is_intruder);
    let on_the_wire = gains(&outside);
    let with_the_password = gains(&inside);
    let tls = tls(seen);
    let client_certificates = certificates(tls, &inside);
    let told = |one: &&Seen<'_>| matches!(one.arm.verdict, Verdict::Secure | Verdict::Compromised);
    let untold = seen.iter().find(|one| !told(one));
    // Where somebody on the wire was not tried, nothing says that such a one gets nothing.
    let (risk, why) = if !on_the_wire.is_empty() {
        (Risk::High, reasons(&outside))
    } else if let Some(one) = untold {
        (Risk::Unknown, format!("{} could not be told: {}", one.scenario.id, one.arm.why))
    } else if outside.is_empty() || tls == Has::Unknown {
        (Risk::Unknown, "no attack on the wire was made here".to_owned())
    } else if !with_the_password.is_empty() {
        (Risk::Medium, reasons(&inside))
    } else if client_certificates == Has::Unknown {
        (Risk::Unknown, "nobody came without a certificate, so nothing shows that one is needed".to_owned())
    } else {
        (Risk::Low, "none of the attacks got anything".to_owned())
    };
    EnvironmentRecord {
        name: name.to_owned(),
        client: client.to_owned(),
        tls,
        client_certificates,
        on_the_wire,
        with_the_password,
        risk,
        why,
        recommendation: recommendation(risk, tls).to_owned(),
        scenarios: seen.iter().map(|one| one.scenario.id.clone()).collect(),
    }
}

fn gains(seen: &[&Seen<'_>]) -> Vec<Got> {
    let compromised = seen.iter().filter(|one| one.arm.verdict == Verdict::Compromised);
    let mut got: Vec<Got> = compromised.flat_map(|one| one.arm.got.iter().copied()).collect();
    got.sort();
    got.dedup();
    got
}

fn reasons(seen: &[&Seen<'_>]) -> String {
    let compromised = seen.iter().filter(|one| one.arm.verdict == Verdict::Compromised);
    let reasons: Vec<&str> = compromised.map(|one| one.arm.why.as_str()).collect();
    reasons.join("; ")
}

/// What the wire shows of all sessions that carried anything.
fn tls(seen: &[Seen<'_>]) -> Has {
    let flows = seen.iter().filter_map(|one| one.evidence).flat_map(|evidence| &evidence.wire.flows);
    let mut has = Has::Unknown;
    for flow in flows {
        match flow.kind {
            FlowKind::Plaintext => return Has::No,
            FlowKind::Tls if flow.mixed => return Has::No,
            FlowKind::Tls => has = Has::Yes,
            FlowKind::Other => {}
        }
    }
    has
}

/// Whether a certificate is needed, as whoever came with a password found out.
fn certificates(tls: Has, inside: &[&Seen<'_>]) -> Has {
    let is = |verdict| inside.iter().any(|one| one.arm.verdict == verdict);
    match tls {
        // Certificates are shown within TLS only.
        Has::No => Has::No,
        _ if is(Verdict::Compromised) => Has::No,
        _ if inside.is_empty() || inside.iter().any(|one| one.arm.verdict != Verdict::Secure) => Has::Unknown,
        _ => Has::Yes,
    }
}

fn recommendation(risk: Risk, tls: Has) -> &'static str {
    match (risk, tls) {
        (Risk::High, Has::No) => {
            "Switch TLS on in the server and in every client, with `port 0` so that nothing else is offered, and change the passwords that have crossed the wire."
        }
        (Risk::High, _) => {
            "Have every client verify the server's chain and name, and change the passwords that have crossed the wire."
        }
        (Risk::Medium, _) => {
            "Demand certificates of clients (`tls-auth-clients yes`), signed by an authority for this server alone: a stolen password is then not enough."
        }
        (Risk::Low, _) => {
            "Keep it like this: run this in CI, renew certificates before they expire, and protect the links between servers (`tls-replication yes`, `tls-cluster yes`)."
        }
        (Risk::Unknown, _) => "Mend what the lab could not tell, and run it again.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::good;
    use wirelab_model::{Expect, Importance, Transport, Weakness};

    fn scenario(attack: Attack) -> Scenario {
        Scenario {
            id: "posture/x/y".into(),
            title: String::new(),
            description: String::new(),
            references: vec![],
            tags: vec![],
            importance: Importance::High,
            weakness: Weakness::NoTls,
            topology: wirelab_model::Topology::Standalone,
            link: None,
            demand: wirelab_model::Demand::Required,
            environment: None,
            attack,
            arms: vec![],
        }
    }

    fn arm(transport: Transport, verdict: Verdict, got: &[Got]) -> ArmRecord {
        ArmRecord {
            scenario: "posture/x/y".into(),
            arm: transport,
            client: "builtin".into(),
            server: "embedded".into(),
            verdict,
            got: got.to_vec(),
            expected: Expect::One(verdict),
            expected_got: vec![],
            expected_not_got: vec![],
            liveness: false,
            as_expected: true,
            exception: None,
            why: "because".into(),
            evidence: String::new(),
            left_behind: vec![],
            duration_ms: 1,
        }
    }

    fn evidence(transport: Transport) -> ArmEvidence {
        let trial = good(transport);
        ArmEvidence {
            wire: trial.wire,
            peer: None,
            client: trial.client,
            stored: None,
            legs_differ_at: None,
            fault: None,
            packets: vec![],
        }
    }

    /// Transport, verdict of who listens, verdict of who has the password.
    fn judge(transport: Transport, listener: Verdict, intruder: Option<Verdict>) -> EnvironmentRecord {
        let (listen, intrude) =
            (scenario(Attack::Eavesdrop), scenario(Attack::Intruder { certificate: "none".into() }));
        let got = |verdict| if verdict == Verdict::Compromised { vec![Got::Data] } else { vec![] };
        let evidence = evidence(transport);
        let arms = [Some((&listen, listener)), intruder.map(|verdict| (&intrude, verdict))];
        let arms: Vec<_> = arms
            .into_iter()
            .flatten()
            .map(|(scenario, verdict)| (scenario, arm(transport, verdict, &got(verdict))))
            .collect();
        let seen: Vec<Seen<'_>> =
            arms.iter().map(|(scenario, arm)| Seen { scenario, arm, evidence: Some(&evidence) }).collect();
        environment("x", "builtin", &seen)
    }

    #[test]
    fn risk_goes_by_who_gets_something() {
        use Verdict::{Compromised, Hung, Inconclusive, Secure, Skipped};
        let cases = [
            (Transport::Plaintext, Compromised, None, (Risk::High, Has::No, Has::No)),
            (Transport::Tls, Compromised, Some(Secure), (Risk::High, Has::Yes, Has::Yes)),
            (Transport::Tls, Secure, Some(Compromised), (Risk::Medium, Has::Yes, Has::No)),
            (Transport::Mtls, Secure, Some(Secure), (Risk::Low, Has::Yes, Has::Yes)),
            // Nothing that was not seen is good.
            (Transport::Mtls, Secure, None, (Risk::Unknown, Has::Yes, Has::Unknown)),
            (Transport::Mtls, Inconclusive, Some(Secure), (Risk::Unknown, Has::Yes, Has::Yes)),
            (Transport::Mtls, Secure, Some(Skipped), (Risk::Unknown, Has::Yes, Has::Unknown)),
            (Transport::Mtls, Hung, Some(Compromised), (Risk::Unknown, Has::Yes, Has::No)),
        ];
        for (transport, listener, intruder, expected) in cases {
            let found = judge(transport, listener, intruder);
            let got = (found.risk, found.tls, found.client_certificates);
            assert_eq!(got, expected, "{transport} {listener} {intruder:?}: {}", found.why);
        }
    }

    /// What an arm is called does not count: a session that was said to have TLS and had none.
    #[test]
    fn the_wire_outranks_the_name_of_the_arm() {
        let listen = scenario(Attack::Eavesdrop);
        let (arm, evidence) = (arm(Transport::Mtls, Verdict::Secure, &[]), evidence(Transport::Plaintext));
        let found =
            environment("x", "y", &[Seen { scenario: &listen, arm: &arm, evidence: Some(&evidence) }]);
        assert_eq!(found.tls, Has::No);
        let without = environment("x", "y", &[Seen { scenario: &listen, arm: &arm, evidence: None }]);
        assert_eq!((without.tls, without.risk), (Has::Unknown, Risk::Unknown));
    }
}
