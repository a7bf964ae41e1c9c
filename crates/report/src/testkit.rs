//! A small recorded run, with hostile text wherever text comes from outside.

use std::collections::BTreeMap;
use wirelab_model::{
    ArmEvidence, ArmRecord, Attack, BenchBaseline, BenchCell, BenchChange, BenchConnecting, BenchEstimate,
    BenchHandshakes, BenchLatency, BenchMemory, BenchOperation, BenchRecord, BenchSetup, BenchSide,
    ClientEnd, ClientRecord, ClientReport, Direction, Exception, Expect, Got, Importance, Outcome,
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
            memory: None,
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
        environments: Vec::new(),
        controls: Vec::new(),
    };
    (record, evidence)
}

fn side(rate: f64, server_cpu: f64, micros: f64) -> BenchSide {
    BenchSide {
        rounds: vec![rate; 3],
        rate,
        operations: 30_000,
        latency: BenchLatency {
            p50: micros,
            p90: micros * 1.5,
            p99: micros * 2.0,
            p999: micros * 4.0,
            max: micros * 9.0,
            distribution: vec![
                (0.0, micros / 2.0),
                (50.0, micros),
                (99.0, micros * 2.0),
                (99.99, micros * 5.0),
            ],
        },
        client_cpu: 4.5,
        client_busy: 0.6,
        server_cpu: Some(server_cpu),
        server_busy: Some(0.97),
        sent: 301.0,
        received: 5.0,
    }
}

fn connecting(rate: f64) -> BenchConnecting {
    BenchConnecting {
        rounds: vec![rate; 3],
        rate,
        connections: 900,
        latency: BenchLatency { p50: 600.0, p99: 1234.5, ..BenchLatency::default() },
        client_cpu_us: 312.0,
        client_busy: 0.8,
        server_cpu_us: Some(456.7),
        sent: 700.0,
        received: 2345.0,
    }
}

/// A run of `wirelab bench` with two loads.
pub(crate) fn bench() -> BenchRecord {
    let estimate =
        |ratio: f64| BenchEstimate { ratio, low: ratio * 0.98, high: ratio * 1.02, error: 0.005, rounds: 3 };
    let cell = |pipeline: usize, ratio: f64| BenchCell {
        operation: BenchOperation::Set,
        payload: 256,
        pipeline,
        connections: 50,
        slot_ms: if pipeline == 1 { 50 } else { 80 },
        plain: side(112_345.6, 8.9, 430.0),
        tls: side(112_345.6 * ratio, 12.1, 584.0),
        throughput: Some(estimate(ratio)),
        latency: Some(estimate(1.0 / ratio)),
        server_cpu: Some(estimate(1.36)),
        others_cores: Some(0.01),
    };
    let cells = vec![cell(1, 0.74), cell(16, 0.57)];
    let changes = vec![
        BenchChange {
            load: "SET 256 B, pipeline 1, 50 connections".into(),
            before: Some(estimate(0.75)),
            now: Some(estimate(0.74)),
            ratio: Some(estimate(0.987)),
        },
        BenchChange {
            load: "SET 256 B, pipeline 16, 50 connections".into(),
            before: None,
            now: Some(estimate(0.57)),
            ratio: None,
        },
    ];
    BenchRecord {
        version: "0.1.0".into(),
        started: "2026-01-02T03:04:05Z".into(),
        duration_ms: 12_345,
        setup: BenchSetup {
            server: "redis-server 7.0.15".into(),
            tls: "1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            group: "X25519".into(),
            key: "p256".into(),
            client: "wirelab 0.1.0, one thread, rustls with aws-lc, release build".into(),
            system: "Linux 6".into(),
            cpu: "a processor".into(),
            cores: 2,
            processors: "server on 0, client on 1".into(),
            precision: Some(5.0),
            slot_ms: 50,
            warmup_ms: 10,
        },
        cells,
        handshakes: Some(BenchHandshakes {
            parallel: 8,
            plain: connecting(9876.0),
            full: connecting(1234.0),
            resumed: None,
        }),
        memory: Some(BenchMemory { connections: 200, plain: 12_345.0, tls: 45_678.0 }),
        baseline: Some(BenchBaseline {
            started: "2026-01-01T00:00:00Z".into(),
            differences: vec!["key: rsa2048 then, p256 now".into()],
            changes,
        }),
        warnings: vec!["something is not as it should be".into()],
    }
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
