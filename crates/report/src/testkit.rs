//! A small recorded run, with hostile text wherever text comes from outside.

use std::collections::BTreeMap;
use wirelab_model::{
    ArmEvidence, ArmRecord, Attack, ClientEnd, ClientReport, Direction, Expect, Got, Importance, Outcome,
    PacketView, RunRecord, ScenarioInfo, Setup, Transport, Verdict, Weakness, WireReport,
};

pub(crate) const HOSTILE: &str = "<script>alert('x')</script>&\"";

fn arm(transport: Transport, verdict: Verdict, expected: Verdict, got: &[Got]) -> ArmRecord {
    ArmRecord {
        scenario: "mitm/relay-read".into(),
        arm: transport,
        client: if transport == Transport::Tls { HOSTILE.into() } else { "builtin".into() },
        server: "embedded".into(),
        verdict,
        got: got.to_vec(),
        expected: Expect::One(expected),
        expected_got: Vec::new(),
        expected_not_got: Vec::new(),
        liveness: !transport.is_verified(),
        as_expected: verdict == expected,
        exception: None,
        why: format!("because {HOSTILE}"),
        evidence: format!("evidence/{transport}"),
        left_behind: vec!["42 sleep".into()],
        duration_ms: 3,
    }
}

pub(crate) fn run() -> (RunRecord, BTreeMap<String, ArmEvidence>) {
    let arms = vec![
        arm(Transport::Plaintext, Verdict::Compromised, Verdict::Compromised, &[Got::Credential, Got::Data]),
        arm(Transport::Tls, Verdict::Compromised, Verdict::Secure, &[Got::Credential]),
    ];
    let hex = HOSTILE.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let packet = PacketView {
        frame: 4,
        time_us: 81,
        from: Direction::Client,
        length: 30,
        summary: HOSTILE.into(),
        hex,
    };
    let evidence = ArmEvidence {
        wire: WireReport { packets: 11, dropped: 1, ..WireReport::default() },
        peer: None,
        client: ClientReport {
            end: ClientEnd::Failed { code: Some(1) },
            error: Some(HOSTILE.into()),
            received: None,
            left_behind: Vec::new(),
            duration_ms: 3,
            stdout: Vec::new(),
            stderr: Vec::new(),
            output_cut: 0,
        },
        stored: None,
        legs_differ_at: None,
        fault: Some(HOSTILE.into()),
        packets: vec![packet],
    };
    let evidence = arms.iter().map(|arm| (arm.evidence.clone(), evidence.clone())).collect();
    let record = RunRecord {
        version: "1.2.3".into(),
        outcome: Outcome::of(&arms),
        started: "2026-01-02T03:04:05Z".into(),
        duration_ms: 1234,
        setup: Setup {
            client: HOSTILE.into(),
            server: "embedded".into(),
            capture: "lo".into(),
            libpcap: "libpcap version 1.10".into(),
            system: "Linux 6.1.0".into(),
            cores: 2,
            sabotage: Some("no-tls".into()),
        },
        revealed: true,
        clients: Vec::new(),
        scenarios: vec![ScenarioInfo {
            id: "mitm/relay-read".into(),
            title: "Man in the middle who reads".into(),
            description: HOSTILE.into(),
            references: vec![HOSTILE.into()],
            importance: Importance::Critical,
            weakness: Weakness::Chain,
            attack: Attack::RelayRead { certificate: "self-signed".into() },
        }],
        arms,
        controls: Vec::new(),
    };
    (record, evidence)
}
