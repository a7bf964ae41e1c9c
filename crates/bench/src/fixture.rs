//! A record whose numbers are easy to reckon with.

use wirelab_model::{
    BenchCell, BenchConnecting, BenchEstimate, BenchHandshakes, BenchLatency, BenchMemory, BenchOperation,
    BenchRecord, BenchSetup, BenchSide,
};

fn side(rate: f64, server_cpu: f64) -> BenchSide {
    BenchSide {
        rounds: vec![rate; 5],
        rate,
        operations: 100_000,
        latency: BenchLatency::default(),
        client_cpu: 5.0,
        client_busy: 0.5,
        server_cpu: Some(server_cpu),
        server_busy: Some(0.9),
        sent: 300.0,
        received: 5.0,
    }
}

fn connecting(rate: f64, server_cpu_us: f64) -> BenchConnecting {
    BenchConnecting {
        rounds: vec![rate; 5],
        rate,
        connections: 1000,
        latency: BenchLatency::default(),
        client_cpu_us: 200.0,
        client_busy: 0.5,
        server_cpu_us: Some(server_cpu_us),
        sent: 600.0,
        received: 2000.0,
    }
}

/// SET with 256 bytes: 100,000 and 75,000 operations per second, 8 and 12 µs of the server for each.
pub(crate) fn record() -> BenchRecord {
    let estimate =
        |ratio: f64| BenchEstimate { ratio, low: ratio * 0.98, high: ratio * 1.02, error: 0.007, rounds: 5 };
    BenchRecord {
        version: "1".into(),
        started: "2026-01-01T00:00:00Z".into(),
        duration_ms: 1000,
        setup: BenchSetup {
            server: "redis-server 7".into(),
            tls: "1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            group: "X25519".into(),
            key: "p256".into(),
            client: "wirelab".into(),
            system: "Linux".into(),
            cpu: "a processor".into(),
            cores: 2,
            processors: "server on 0, client on 1".into(),
            precision: Some(5.0),
            slot_ms: 50,
            warmup_ms: 10,
        },
        cells: vec![BenchCell {
            operation: BenchOperation::Set,
            payload: 256,
            pipeline: 1,
            connections: 50,
            slot_ms: 50,
            plain: side(100_000.0, 8.0),
            tls: side(75_000.0, 12.0),
            throughput: Some(estimate(0.75)),
            latency: Some(estimate(1.33)),
            server_cpu: Some(estimate(1.5)),
            others_cores: Some(0.0),
        }],
        handshakes: Some(BenchHandshakes {
            parallel: 8,
            plain: connecting(9000.0, 100.0),
            full: connecting(900.0, 1100.0),
            resumed: Some(connecting(1500.0, 600.0)),
        }),
        memory: Some(BenchMemory { connections: 200, plain: 10_000.0, tls: 50_000.0 }),
        baseline: None,
        warnings: Vec::new(),
    }
}
