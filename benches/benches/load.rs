//! Commands over plaintext and TLS, and reconnect storms, against the embedded server and the machine's
//! redis-server. An iteration is one command or one connection. Figures to show come from `wirelab bench`,
//! which takes turns; these are for whoever changes the code.
//!
//! `cargo bench -p wirelab-benches --bench load -- redis-server`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail, and says what it skips")]

mod support;

use criterion::{Criterion, Throughput, criterion_group};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use support::{Both, SERVERS, supervise};
use wirelab_bench::{Cipher, Dial, Exchange, Load, Resume, Storm};
use wirelab_model::BenchOperation;
use wirelab_pki::ServerKey;
use wirelab_subject::ServerKind;

const CIPHERS: [(Cipher, &str); 3] = [
    (Cipher::Aes128Gcm, "AES-128-GCM"),
    (Cipher::Aes256Gcm, "AES-256-GCM"),
    (Cipher::ChaCha20Poly1305, "ChaCha20-Poly1305"),
];

/// Nobody ends a bench.
static NEVER: AtomicBool = AtomicBool::new(false);

/// One load over each of these transports.
fn load(
    criterion: &mut Criterion,
    group: &str,
    transports: &[(Dial, &str)],
    [payload, pipeline, connections]: [usize; 3],
) {
    let mut group = criterion.benchmark_group(group);
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Bytes(payload as u64));
    let plain = &transports.first().unwrap().0;
    for operation in [BenchOperation::Set, BenchOperation::Get] {
        // GET reads what this wrote.
        let set = Arc::new(Exchange::new(BenchOperation::Set, "bench", payload, 1));
        Load::open(plain, set, 1).unwrap().count(1, &NEVER).unwrap();
        for (dial, transport) in transports {
            let exchange = Arc::new(Exchange::new(operation, "bench", payload, pipeline));
            let mut load = Load::open(dial, exchange, connections).unwrap();
            let name =
                format!("{operation}-{payload}B/pipeline-{pipeline}/connections-{connections}/{transport}");
            group.bench_function(name, |bench| {
                bench.iter_custom(|operations| load.count(operations, &NEVER).unwrap());
            });
        }
    }
    group.finish();
}

fn commands(criterion: &mut Criterion) {
    for (kind, server) in SERVERS {
        let Some(both) = Both::start(kind, ServerKey::P256) else { continue };
        let two = [(both.plain(), "plain"), (both.tls(None, Resume::Never), "TLS1.3")];
        for payload in [16, 256, 4096, 65_536, 1 << 20] {
            load(criterion, &format!("{server}/round-trip"), &two, [payload, 1, 1]);
            load(criterion, &format!("{server}/throughput"), &two, [payload, 1, 50]);
        }
        for pipeline in [16, 128] {
            load(criterion, &format!("{server}/pipeline"), &two, [256, pipeline, 50]);
        }
        let mut suites = vec![(both.plain(), "plain")];
        suites.extend(CIPHERS.map(|(cipher, name)| (both.tls(Some(cipher), Resume::Never), name)));
        for payload in [256, 65_536] {
            load(criterion, &format!("{server}/suite"), &suites, [payload, 1, 50]);
        }
        both.stop();
    }
}

/// Connections that are opened, log in, get one PONG, and are closed; eight at once.
fn storms(criterion: &mut Criterion) {
    for (kind, server) in SERVERS {
        for key in ServerKey::ALL {
            let Some(both) = Both::start(kind, key) else { continue };
            let mut transports =
                vec![(both.plain(), "plain"), (both.tls(None, Resume::Never), "TLS1.3-full")];
            if kind == ServerKind::Redis {
                transports.push((both.tls(None, Resume::Offer), "TLS1.3-resumed"));
            }
            let mut group = criterion.benchmark_group(format!("{server}/reconnect-storm"));
            group.sample_size(10);
            group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
            group.throughput(Throughput::Elements(1));
            for (dial, transport) in transports {
                let mut storm = Storm::new(&dial, 8).unwrap();
                group.bench_function(format!("{}/parallel-8/{transport}", key.name()), |bench| {
                    bench.iter_custom(|connections| storm.count(connections).unwrap());
                });
            }
            group.finish();
            both.stop();
        }
    }
}

criterion_group!(benches, commands, storms);

fn main() {
    supervise();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
