//! What the lab spends its time on. Each name carries its parameters; throughput is in bytes of what is read.
//!
//! `cargo bench -p wirelab-benches`. For whole captures, beside tcpdump: `benches/against-tcpdump.sh`.
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::ControlFlow;
use wirelab_capture::Item;
use wirelab_model::Canaries;
use wirelab_wire::Needles;
use wirelab_wire::scan::{Scan, Walk};
use wirelab_wire::sniff::{Settings, Sniffer};

/// So many commands in one pipeline: SET and GET in turn, values of 256 bytes.
fn pipeline(commands: usize) -> Vec<u8> {
    let value = "v".repeat(256);
    (0..commands).fold(Vec::new(), |mut bytes, number| {
        let key = format!("key:{number:012}");
        let command = if number % 2 == 0 {
            format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$256\r\n{value}\r\n", key.len())
        } else {
            format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len())
        };
        bytes.extend_from_slice(command.as_bytes());
        bytes
    })
}

/// A pcap of raw IP: one connection, pipelines of 16, each answered in one segment.
fn capture(pipelines: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        file.extend(field.to_le_bytes());
    }
    let (mut client, mut server) = (1_u32, 1_u32);
    let request = pipeline(16);
    let reply = [b"+OK\r\n".as_slice(), b"$256\r\n", &[b'v'; 256], b"\r\n"].concat().repeat(8);
    for _ in 0..pipelines {
        for (ports, seq, ack, payload) in
            [((40_000_u16, 6379_u16), client, server, &request), ((6379, 40_000), server, client, &reply)]
        {
            let length = u16::try_from(40 + payload.len()).unwrap();
            let mut packet = vec![0x45, 0];
            packet.extend(length.to_be_bytes());
            packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
            packet.extend(ports.0.to_be_bytes());
            packet.extend(ports.1.to_be_bytes());
            packet.extend(seq.to_be_bytes());
            packet.extend(ack.to_be_bytes());
            packet.extend([0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
            packet.extend_from_slice(payload);
            let size = u32::try_from(packet.len()).unwrap();
            for field in [0, 0, size, size] {
                file.extend(field.to_le_bytes());
            }
            file.extend(packet);
        }
        client = client.wrapping_add(u32::try_from(request.len()).unwrap());
        server = server.wrapping_add(u32::try_from(reply.len()).unwrap());
    }
    file
}

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
