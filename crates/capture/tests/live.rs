//! Live capture on the loopback device. Needs the right to capture; without it each test says
//! `skipped` and passes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use wirelab_capture::{CaptureError, Live, Recording};
use wirelab_model::{Frame, LINKTYPE_ETHERNET};

const WITHIN: Duration = Duration::from_secs(5);

/// Keeps the tests of this file apart, in one process or in several: they would flood each other.
fn alone() -> File {
    let lock = File::create(concat!(env!("CARGO_TARGET_TMPDIR"), "/live.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

fn open() -> Option<Live> {
    match Live::open("lo") {
        Ok(live) => Some(live),
        Err(CaptureError::NoPermission { .. }) => {
            println!("skipped: no permission to capture");
            None
        }
        Err(e) => panic!("{e}"),
    }
}

/// One TCP segment of a frame from loopback: Ethernet (14 bytes), IPv4, TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    ports: (u16, u16),
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    payload: Vec<u8>,
}

fn segment(frame: &Frame) -> Option<Segment> {
    let ip = frame.bytes.get(14..)?;
    if frame.bytes.get(12..14)? != [8, 0] || *ip.get(9)? != 6 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let tcp = ip.get(usize::from(ip[0] & 15) * 4..total)?;
    let word = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    let long = |at: usize| u32::from(word(at)) << 16 | u32::from(word(at + 2));
    Some(Segment {
        ports: (word(0), word(2)),
        sequence: long(4),
        acknowledged: long(8),
        flags: tcp[13],
        payload: tcp[usize::from(tcp[12] >> 4) * 4..].to_vec(),
    })
}

/// The segments of the connection to or from `port`; others may use the loopback too.
fn segments(recording: &Recording, port: u16) -> Vec<Segment> {
    let of_port = |s: &Segment| s.ports.0 == port || s.ports.1 == port;
    recording.frames.iter().filter_map(segment).filter(of_port).collect()
}

/// A packet that TCP sent again is a packet of its own, with an identification of its own in the IPv4
/// header; one that was captured twice is the same to the last byte.
fn assert_no_doubles(recording: &Recording) {
    let mut seen = HashSet::new();
    for frame in recording.frames.iter().filter(|f| segment(f).is_some()) {
        assert!(seen.insert(&frame.bytes), "recorded twice: {:?}", segment(frame));
    }
}

/// Connects, sends `text`, has it back, closes both ends; returns the listener's port.
fn exchange(text: &[u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let mut buffer = vec![0; text.len()];
    client.write_all(text).unwrap();
    server.read_exact(&mut buffer).unwrap();
    server.write_all(&buffer).unwrap();
    client.read_exact(&mut buffer).unwrap();
    drop(client);
    assert_eq!(server.read(&mut buffer).unwrap(), 0);
    port
}

#[test]
fn an_exchange_between_markers_is_recorded_once_and_nothing_from_before() {
    let _alone = alone();
    let Some(live) = open() else { return };
    let before = exchange(b"from before");
    live.marker(WITHIN).unwrap();
    let port = exchange(b"between the markers");
    let recording = live.collect(WITHIN).unwrap();

    assert_eq!(recording.link_type, LINKTYPE_ETHERNET);
    assert_eq!((recording.dropped, recording.cut), (0, 0));
    assert_eq!(segments(&recording, before), []);

    let seen = segments(&recording, port);
    const SYN: u8 = 2;
    assert_eq!(seen.iter().filter(|s| s.flags & SYN != 0).count(), 2, "SYN and SYN-ACK: {seen:?}");
    let with_text = |to: bool| {
        let direction = |s: &&Segment| (s.ports.1 == port) == to && !s.payload.is_empty();
        seen.iter().filter(direction).map(|s| s.payload.clone()).collect::<Vec<_>>()
    };
    assert_eq!(with_text(true), [b"between the markers"]);
    assert_eq!(with_text(false), [b"between the markers"]);
    assert_no_doubles(&recording);
    for frame in &recording.frames {
        assert_eq!(frame.wire_len as usize, frame.bytes.len());
    }
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let age = now - u128::from(recording.frames[0].time);
    assert!(age < 10_000_000_000, "the time stamps are {age} ns old");

    let next = live.collect(WITHIN).unwrap();
    assert_eq!(segments(&next, port), [], "a recording starts anew");
}

#[test]
fn the_first_packets_after_opening_are_not_lost() {
    const SENT: usize = 300;
    let _alone = alone();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap();
    let Some(live) = open() else { return };
    // No marker first: its resending would hide a capture that starts late.
    for _ in 0..SENT {
        socket.send_to(b"right after opening", own).unwrap();
    }
    let recording = live.collect(WITHIN).unwrap();
    assert_eq!((recording.dropped, recording.cut), (0, 0));
    let seen = recording.frames.iter().filter(|f| f.bytes.ends_with(b"right after opening")).count();
    assert_eq!(seen, SENT);
}

#[test]
fn a_burst_is_neither_dropped_nor_doubled() {
    let _alone = alone();
    let Some(live) = open() else { return };
    const TOTAL: usize = 16 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    live.marker(WITHIN).unwrap();
    let sender = thread::spawn(move || {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_nodelay(true).unwrap();
        // Small writes at first, for many packets, then large ones.
        for _ in 0..20_000 {
            client.write_all(&[7; 100]).unwrap();
        }
        client.write_all(&vec![7; TOTAL - 2_000_000]).unwrap();
    });
    let (mut server, _) = listener.accept().unwrap();
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    while received < TOTAL {
        received += server.read(&mut buffer).unwrap();
    }
    sender.join().unwrap();
    let recording = live.collect(WITHIN).unwrap();
    assert_eq!((recording.dropped, recording.cut), (0, 0));
    println!("{} frames", recording.frames.len());
    assert_no_doubles(&recording);
    // The stream put together again: under load TCP may have sent parts of it twice.
    const SYN: u8 = 2;
    let (mut start, mut parts) = (0, BTreeMap::<u32, usize>::new());
    for one in segments(&recording, port).iter().filter(|s| s.ports.1 == port) {
        if one.flags & SYN != 0 {
            start = one.sequence.wrapping_add(1);
        } else if !one.payload.is_empty() {
            let length = parts.entry(one.sequence.wrapping_sub(start)).or_default();
            *length = one.payload.len().max(*length);
        }
    }
    let mut whole = 0;
    for (offset, length) in parts {
        let offset = offset as usize;
        assert!(offset <= whole, "nothing was recorded between {whole} and {offset}");
        whole = whole.max(offset + length);
    }
    assert_eq!(whole, TOTAL);
}

#[test]
fn markers_are_quick() {
    let _alone = alone();
    let Some(live) = open() else { return };
    live.marker(WITHIN).unwrap();
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let begin = Instant::now();
            live.marker(WITHIN).unwrap();
            live.collect(WITHIN).unwrap();
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!("marker and collect: median {:?}, worst {:?}", times[10], times[19]);
    // The time of a resend: slower than this, and markers are not seen as they come by.
    assert!(times[10] < Duration::from_millis(20), "median {:?}", times[10]);
}

#[test]
fn two_captures_work_side_by_side() {
    let _alone = alone();
    let (Some(one), Some(two)) = (open(), open()) else { return };
    one.marker(WITHIN).unwrap();
    let first = exchange(b"seen by one");
    two.marker(WITHIN).unwrap();
    let second = exchange(b"seen by both");
    let (one, two) = (one.collect(WITHIN).unwrap(), two.collect(WITHIN).unwrap());
    assert_ne!(segments(&one, first), []);
    assert_eq!(segments(&two, first), []);
    assert_ne!(segments(&one, second), []);
    assert_eq!(segments(&one, second), segments(&two, second));
}

#[test]
fn a_marker_that_does_not_come_by_is_an_error_in_time() {
    let _alone = alone();
    let Some(live) = open() else { return };
    // No time at all is too short, unless the capture thread overtakes this one.
    let error = (0..100).find_map(|_| live.collect(Duration::ZERO).err()).unwrap();
    assert!(matches!(error, CaptureError::MarkerTimeout { .. }), "{error}");
    // The late marker ends nothing, and the capture still works.
    let port = exchange(b"after the timeout");
    assert_ne!(segments(&live.collect(WITHIN).unwrap(), port), []);
}

#[test]
fn dropping_ends_the_thread_soon() {
    let _alone = alone();
    let Some(live) = open() else { return };
    let begin = Instant::now();
    drop(live);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn a_stranger_cannot_end_a_recording() {
    let _alone = alone();
    let Some(live) = open() else { return };
    live.marker(WITHIN).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&[0; 24], socket.local_addr().unwrap()).unwrap();
    let port = exchange(b"after the forged marker");
    let recording = live.collect(WITHIN).unwrap();
    assert!(recording.frames.iter().any(|f| f.bytes.ends_with(&[0; 24])));
    assert_ne!(segments(&recording, port), []);
}

#[test]
fn a_missing_interface_is_named() {
    let Err(error) = Live::open("nosuch0") else { panic!("opened") };
    assert!(matches!(&error, CaptureError::NoInterface { interface } if interface == "nosuch0"), "{error}");
}
