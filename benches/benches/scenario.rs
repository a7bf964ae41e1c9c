//! A whole scenario: controls, attack, capture, verdict. Its time is that of processes and packets, and what
//! a person waits for.
//!
//! `cargo bench -p wirelab-benches --bench scenario`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail, and says what it skips")]

mod support;

use criterion::Criterion;
use std::time::Duration;
use support::supervise;
use wirelab_capture::Place;
use wirelab_runner::{Filter, Options, select};
use wirelab_subject::{Client, ServerKind};

fn main() {
    supervise();
    // Before any thread is started.
    let place = match wirelab_capture::enter() {
        Ok(Place::Host) => "lo",
        Ok(Place::Namespace) => "lo of a network namespace of its own",
        Err(error) => {
            println!("skipped: {error}");
            return;
        }
    };
    let binary = std::env::current_exe().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("scenario");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for id in ["eavesdrop/session", "mitm/impostor-self-signed"] {
        let scenarios: Vec<_> = select(&[id.to_owned()], &Filter::default())
            .unwrap()
            .into_iter()
            .map(|source| source.scenario)
            .collect();
        group.bench_function(format!("{id}/builtin/embedded"), |bench| {
            bench.iter(|| {
                let folder = tempfile::tempdir().unwrap();
                let options = Options {
                    client: Client::Builtin,
                    registered: Vec::new(),
                    expectations: wirelab_runner::Expectations::default(),
                    jobs: 1,
                    arms: None,
                    server: ServerKind::Embedded,
                    deadline: Duration::from_secs(10),
                    port: 0,
                    folder: folder.path().join("run"),
                    reveal: false,
                    fail_fast: false,
                    sabotage: None,
                    launcher: wirelab_subject::launcher(&binary),
                    place: place.to_owned(),
                };
                let run = Box::pin(wirelab_runner::run(&scenarios, options, |_| {}));
                let (record, _) = runtime.block_on(run).unwrap();
                assert_eq!(record.outcome.exit_code() as u8, 0);
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
