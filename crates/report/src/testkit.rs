//! A small recorded run, with hostile text wherever text comes from outside.

use std::collections::BTreeMap;
use wirelab_model::{
    ArmEvidence, ArmRecord, Attack, ClientEnd, ClientRecord, ClientReport, Direction, Exception, Expect, Got,
    Outcome, PacketView, RunRecord, ScenarioInfo, Setup, Transport, Verdict, WireReport,
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
            attack: Attack::RelayRead { certificate: "self-signed".into() },
        }],
        arms,
        controls: Vec::new(),
    };
    (record, evidence)
}

/// A run of several clients: `known` is known to be weak, `other` is not as expected, `gone` was skipped.
pub(crate) fn several() -> (RunRecord, BTreeMap<String, ArmEvidence>) {
    let (mut record, evidence) = run();
    let client = |name: &str, skipped: Option<&str>| ClientRecord {
        name: name.into(),
        language: "Python".into(),
        library: "lib".into(),
        version: "1.2.3".into(),
        configuration: HOSTILE.into(),
        runtime: skipped.is_none().then(|| "Python 3".into()),
        skipped: skipped.map(str::to_owned),
    };
    record.clients = vec![
        client("known", None),
        client("other", None),
        client("waived", None),
        client("late", None),
        client("gone", Some("`python4` | is missing")),
    ];
    let exception = |until: Option<&str>, expired| Exception {
        reason: format!("it is old {HOSTILE}"),
        link: "https://example.org".into(),
        until: until.map(str::to_owned),
        expired,
    };
    let weak = |name: &str, exception: Option<Exception>| {
        let expired = exception.as_ref().is_some_and(|exception| exception.expired);
        let excused = exception.is_some() && !expired;
        let expected = if excused { Verdict::Compromised } else { Verdict::Secure };
        let mut arm = arm(Transport::Tls, Verdict::Compromised, expected, &[Got::Credential]);
        (arm.client, arm.exception) = (name.into(), exception);
        arm.left_behind.clear();
        arm
    };
    record.arms.retain(|arm| arm.client == "builtin");
    record.arms.extend([
        weak("known", Some(exception(None, false))),
        weak("other", None),
        weak("waived", Some(exception(Some("2030-01-01"), false))),
        weak("late", Some(exception(Some("2020-01-01"), true))),
    ]);
    record.setup.client = "known, other, waived, late".into();
    record.outcome = Outcome::of(&record.arms);
    (record, evidence)
}
