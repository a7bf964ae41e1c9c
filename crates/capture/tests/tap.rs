//! Live capture that hands over each packet, on the loopback device. Needs the right to capture; without it each test
//! says `skipped` and passes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::fs::File;
use std::net::UdpSocket;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wirelab_capture::{CaptureError, tap};

/// Keeps captures of tests apart, in one process or in several: they would flood each other.
fn alone() -> File {
    let lock = File::create(concat!(env!("CARGO_TARGET_TMPDIR"), "/live.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// Sockets that send to each other on a port of their own, and a filter for what they send.
fn sender() -> (UdpSocket, UdpSocket, String) {
    let (from, to) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let port = to.local_addr().unwrap().port();
    from.connect(to.local_addr().unwrap()).unwrap();
    (from, to, format!("udp dst port {port}"))
}

/// Captures until told to stop. Gives what came back, or none without the right to capture.
fn run(
    interfaces: &[&str],
    filter: &str,
    stop: &AtomicBool,
    each: impl FnMut(Option<&[u8]>) -> ControlFlow<()>,
) -> Option<u64> {
    let interfaces: Vec<String> = interfaces.iter().map(|name| (*name).to_owned()).collect();
    let mut each = each;
    match tap(&interfaces, Some(filter), stop, |packet| each(packet.map(|packet| packet.bytes))) {
        Err(CaptureError::NoPermission { .. }) => {
            println!("skipped: no permission to capture");
            None
        }
        lost => Some(lost.unwrap()),
    }
}

#[test]
fn what_was_sent_before_the_stop_comes_too() {
    let _alone = alone();
    let (from, _to, filter) = sender();
    const SENT: usize = 300;
    for interfaces in [&["lo"][..], &["lo", "any"]] {
        let (stop, mut seen) = (AtomicBool::new(false), 0);
        let lost = run(interfaces, &filter, &stop, |packet| {
            match packet {
                Some(bytes) => seen += usize::from(bytes.ends_with(b"before the stop")),
                None if !stop.load(Ordering::Relaxed) => {
                    for _ in 0..SENT {
                        from.send(b"before the stop").unwrap();
                    }
                    stop.store(true, Ordering::Relaxed);
                }
                None => {}
            }
            ControlFlow::Continue(())
        });
        let Some(lost) = lost else { return };
        assert_eq!(lost, 0);
        // `any` shows them too.
        assert_eq!(seen, interfaces.len() * SENT);
    }
}

#[test]
fn who_has_seen_enough_is_given_no_more() {
    let _alone = alone();
    let (from, _to, filter) = sender();
    let (stop, mut seen, begin) = (AtomicBool::new(false), 0, Instant::now());
    let lost = run(&["lo"], &filter, &stop, |packet| match packet {
        None => {
            for _ in 0..10 {
                from.send(b"enough").unwrap();
            }
            ControlFlow::Continue(())
        }
        Some(_) => {
            seen += 1;
            ControlFlow::Break(())
        }
    });
    if lost.is_some() {
        assert_eq!(seen, 1);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}

#[test]
fn a_missing_interface_beside_a_good_one_is_named() {
    let _alone = alone();
    let names = ["lo".to_owned(), "nosuch0".to_owned()];
    match tap(&names, None, &AtomicBool::new(false), |_| ControlFlow::Break(())) {
        Err(CaptureError::NoPermission { .. }) => println!("skipped: no permission to capture"),
        Err(CaptureError::NoInterface { interface }) => assert_eq!(interface, "nosuch0"),
        other => panic!("{other:?}"),
    }
}
