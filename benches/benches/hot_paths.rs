//! What the lab spends its time on. Each name carries its parameters; throughput is in bytes of what is read.
//!
//! `cargo bench -p wirelab-benches`. For whole captures, beside tcpdump: `benches/sniff-speed.sh`.
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::ControlFlow;
use wirelab_benches::{capture, pipeline};
use wirelab_capture::Item;
use wirelab_model::Canaries;
use wirelab_wire::Needles;
use wirelab_wire::scan::{Scan, Walk};
use wirelab_wire::sniff::{Settings, Sniffer};

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    let bytes = pipeline(1000);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("resp-walk/1000-commands-256B", |bench| {
        bench.iter(|| {
            let (mut start, mut values, mut scan) = (0, 0, Scan::default());
            while let Walk::Whole(end) = scan.walk(&bytes[start..]) {
                start += end;
                values += 1;
                scan.reset();
            }
            assert_eq!(values, 1000);
        });
    });
    let canaries = Canaries::new([[1; 12], [2; 12], [3; 12], [4; 12]]);
    let needles = Needles::new(&canaries);
    group.bench_function("canary-search/1000-commands-256B", |bench| {
        bench.iter(|| assert!(needles.find(black_box(&bytes)).is_empty()));
    });
    let file = capture(1000);
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("packets-to-events/pipeline16-256B", |bench| {
        bench.iter(|| {
            let mut events = 0_u64;
            let mut sniffer = Sniffer::new(Settings::default());
            let end = wirelab_capture::read("bench", file.as_slice(), |item| {
                if let Item::Packet(packet) = item {
                    let (bytes, wire_len) = (packet.bytes, packet.wire_len);
                    sniffer.push(bytes, wire_len, packet.link_type, packet.time, &mut |_| events += 1);
                }
                ControlFlow::Continue(())
            });
            end.unwrap();
            assert_eq!(sniffer.finish(&mut |_| {}).commands, 16_000);
            events
        });
    });
    group.finish();
}

fn certificates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("certificates");
    let now = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    group.bench_function("authority-and-good/P-256", |bench| {
        bench.iter(|| wirelab_pki::Lab::new(now).unwrap());
    });
    let lab = wirelab_pki::Lab::new(now).unwrap();
    for id in ["self-signed", "issuer-not-ca", "signature-flipped"] {
        let entry = wirelab_pki::find(id).unwrap();
        group.bench_function(format!("forge/{id}"), |bench| bench.iter(|| lab.forge(entry, now).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, wire, certificates);
criterion_main!(benches);
