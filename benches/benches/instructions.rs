//! Instructions that the hot paths take, counted by Valgrind: the same on a busy machine and on a quiet one.
//! `benches/instructions.sh` runs them with what they need.
//!
//! The limits are some 10 % above what was taken when they were set, by an optimised build and by a development build,
//! which CI has anyway. A change that passes one is slower: make it quicker, or raise the limit in the same commit and
//! say why. Well below one: lower it.
#![expect(clippy::unwrap_used, reason = "a bench may fail")]
#![expect(missing_docs, unused_qualifications, reason = "what the attributes make has both")]

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use std::hint::black_box;
use std::ops::ControlFlow;
use wirelab_benches::{capture, pipeline};
use wirelab_capture::Item;
use wirelab_model::Canaries;
use wirelab_pki::{Entry, Lab};
use wirelab_wire::Needles;
use wirelab_wire::scan::{Scan, Walk};
use wirelab_wire::sniff::{Settings, Sniffer};

/// Limits of an optimised build, and of a development build.
fn at_most(optimised: u64, development: u64) -> LibraryBenchmarkConfig {
    let instructions = if cfg!(debug_assertions) { development } else { optimised };
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

#[library_benchmark(config = at_most(330_000, 460_000))]
#[bench::commands_1000_256b(pipeline(1000))]
fn resp_walk(bytes: Vec<u8>) -> usize {
    let (mut start, mut values, mut scan) = (0, 0, Scan::default());
    while let Walk::Whole(end) = scan.walk(&bytes[start..]) {
        start += end;
        values += 1;
        scan.reset();
    }
    assert_eq!(values, 1000);
    black_box(start)
}

#[library_benchmark(config = at_most(3_900_000, 5_900_000))]
#[bench::commands_1000_256b((Needles::new(&Canaries::new([[1; 12], [2; 12], [3; 12], [4; 12]])), pipeline(1000)))]
fn canary_search((needles, bytes): (Needles, Vec<u8>)) {
    assert!(needles.find(black_box(&bytes)).is_empty());
}

#[library_benchmark(config = at_most(27_500_000, 36_800_000))]
#[bench::pipeline_16_commands_16000_256b(capture(1000))]
fn packets_to_events(file: Vec<u8>) -> u64 {
    let mut events = 0_u64;
    let mut sniffer = Sniffer::new(Settings::default());
    let end = wirelab_capture::read("bench", file.as_slice(), |item| {
        if let Item::Packet(packet) = item {
            sniffer.push(packet.bytes, packet.wire_len, packet.link_type, packet.time, &mut |_| events += 1);
        }
        ControlFlow::Continue(())
    });
    end.unwrap();
    assert_eq!(sniffer.finish(&mut |_| {}).commands, 16_000);
    events
}

fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)
}

fn lab(id: &str) -> (Lab, &'static Entry) {
    (Lab::new(now()).unwrap(), wirelab_pki::find(id).unwrap())
}

#[library_benchmark(config = at_most(1_200_000, 1_220_000))]
#[bench::self_signed_p256(lab("self-signed"))]
#[bench::issuer_not_ca_p256(lab("issuer-not-ca"))]
#[bench::signature_flipped_p256(lab("signature-flipped"))]
fn forge((lab, entry): (Lab, &'static Entry)) {
    black_box(lab.forge(entry, now()).unwrap());
}

library_benchmark_group!(name = hot_paths, benchmarks = [resp_walk, canary_search, packets_to_events, forge]);
main!(library_benchmark_groups = hot_paths);
