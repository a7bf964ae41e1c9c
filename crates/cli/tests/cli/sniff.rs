//! `wirelab sniff` from outside: files, pipes, the wire itself, and exit codes.

use crate::support::{text_of, wirelab};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn capture(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../captures").join(name).display().to_string()
}

#[test]
fn exit_codes_tell_what_was_found_and_what_could_not_be_told() {
    for (name, what, code) in [
        ("plain.pcap", "plaintext", 10),
        ("plain.pcap", "credential", 10),
        ("plain.pcap", "leak", 10),
        ("tls13.pcap", "plaintext", 0),
        ("tls13.pcap", "leak", 0),
        ("plaintext-then-tls.pcap", "plaintext", 10),
        ("plaintext-then-tls.pcap", "leak", 0),
        ("transaction-and-blocking.pcap", "credential", 0),
        // A message and a line of MONITOR.
        ("pubsub-and-monitor.pcap", "leak", 10),
        ("gap-in-header.pcap", "credential", 5),
        // Nothing of Redis or TLS was seen, or not all of it: that is no pass.
        ("cluster-bus.pcap", "plaintext", 5),
        ("other-protocols.pcap", "leak", 5),
        ("data-after-reset.pcap", "credential", 5),
        ("deep-and-endless.pcap", "credential", 5),
        ("conflicting-overlap.pcap", "credential", 5),
        ("cut.pcap", "credential", 10),
    ] {
        let (output, _folder) = wirelab(&["sniff", "-r", &capture(name), "--summary", "--fail-on", what]);
        assert_eq!(output.status.code(), Some(code), "{name} {what}: {}", text_of(&output));
    }
    for nothing in [&["--filter", "port 7000"][..], &["--port", "7000"], &["--limit", "1"]] {
        let file = capture("transaction-and-blocking.pcap");
        let (output, _folder) =
            wirelab(&[&["sniff", "-r", &file, "--fail-on", "credential"], nothing].concat());
        assert_eq!(output.status.code(), Some(5), "{nothing:?}: {}", text_of(&output));
    }
    let readme = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../README.md").display().to_string();
    for (arguments, code, told) in [
        (["-r", "/no/such/file"], 2, "/no/such/file"),
        (["-r", &readme], 3, "neither pcap nor pcapng"),
        (["-i", "nosuch0"], 2, "nosuch0"),
        (["--filter", "tcp prot 1"], 2, "tcp prot 1"),
    ] {
        let (output, _folder) = wirelab(&["sniff", arguments[0], arguments[1]]);
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(told), "{arguments:?}: {text}");
    }
}

#[test]
fn options_choose_what_is_shown() {
    let run = |arguments: &[&str]| {
        let file = capture("port-reuse.pcap");
        let (output, _folder) = wirelab(&[&["sniff", "-r", &file], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&[]).contains("AUTH bob ********"));
    assert!(run(&["--reveal"]).contains("AUTH bob s3cret"));
    let followed = run(&["--follow", "2"]);
    assert!(followed.contains("GET second") && !followed.contains("SET k v"), "{followed}");
    assert_eq!(run(&["--json", "--limit", "2"]).matches("\"event\":\"command\"").count(), 2);
    assert!(run(&["--port", "7000"]).contains("0 connections"));
    assert!(run(&["--filter", "port 7000"]).starts_with("0 packets"));
    let summary = run(&["--json", "--summary"]);
    assert_eq!(summary.lines().count(), 1, "{summary}");
    assert!(run(&["--color", "always"]).contains("\u{1b}["));
}

#[test]
fn data_of_known_classes_is_told_unless_one_does_not_want_it() {
    let file = capture("data-classes.pcap");
    for (arguments, told) in [(&[][..], true), (&["--no-data"], false)] {
        let (output, _folder) = wirelab(&[&["sniff", "-r", &file, "--summary"], arguments].concat());
        let text = text_of(&output);
        assert_eq!(text.contains("readable data: ") && text.contains("card 2x"), told, "{text}");
        assert!(!text.contains("4111"), "{text}");
    }
}

/// A sniffer that reads standard input, and a capture to give it.
fn reads_a_pipe() -> (Child, Vec<u8>) {
    let child = Command::new(env!("CARGO_BIN_EXE_wirelab"))
        .args(["sniff", "-r", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    (child, std::fs::read(capture("plain.pcap")).unwrap())
}

#[test]
fn a_capture_is_read_from_a_pipe() {
    let (mut child, bytes) = reads_a_pipe();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text_of(&output).contains("GET k → v"), "{}", text_of(&output));
}

/// Who looks on sees a line as soon as it is there, and not when the pipe ends.
#[test]
fn a_pipe_that_stays_open_is_shown_so_far() {
    let (mut child, bytes) = reads_a_pipe();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&bytes).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("AUTH bob ********"));
    drop(input);
    assert!(lines.any(|line| line.unwrap() == "missed: nothing"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn key_logs_go_into_the_file_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, first, second) =
        (folder.path().join("keys"), folder.path().join("first"), folder.path().join("second"));
    let line = format!("CLIENT_RANDOM {} {}\n", "5a".repeat(32), "a5".repeat(48));
    std::fs::write(&keys, &line).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let (output, _folder) = wirelab(&[&["sniff", "--summary"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    };
    run(&["-r", &capture("tls13.pcap"), "--keylog", &path(&keys), "--write", &path(&first)]);
    // Also those that a file brings.
    run(&["-r", &path(&first), "--write", &path(&second)]);
    for written in [first, second] {
        let bytes = std::fs::read(written).unwrap();
        assert!(bytes.windows(line.len()).any(|part| part == line.as_bytes()));
    }
}

/// Several interfaces at once, and a limit that ends them all.
#[test]
fn an_interface_that_is_not_there_ends_all() {
    let (output, _folder) = wirelab(&["sniff", "-i", "lo", "-i", "nosuch0", "--filter", "port 1"]);
    let text = text_of(&output);
    assert!(text.contains("nosuch0") || text.contains("CAP_NET_RAW"), "{text}");
    assert_ne!(output.status.code(), Some(0));
}

/// Live: what is said on the loopback device is shown while it goes by, and what is written is readable.
#[test]
fn the_wire_is_read_live_until_the_limit() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("live.pcapng");
    let mut child = Command::new(env!("CARGO_BIN_EXE_wirelab"))
        .args(["sniff", "-i", "lo", "--port", &port, "--limit", "20", "--fail-on", "credential", "--write"])
        .arg(&written)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answer = std::thread::spawn(move || {
        let Ok((mut stream, _)) = server.accept() else { return };
        let mut room = [0; 256];
        while stream.read(&mut room).is_ok_and(|length| length > 0) {
            if stream.write_all(b"+OK\r\n").is_err() {
                return;
            }
        }
    });
    // Until the sniffer has seen enough: nothing says when a capture has begun but what it captures.
    let mut client = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&over);
    let talking = std::thread::spawn(move || {
        let mut room = [0; 64];
        while !seen.load(Ordering::Relaxed) {
            if client.write_all(b"*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$2\r\npw\r\n").is_err()
                || client.read(&mut room).is_err()
            {
                return;
            }
        }
    });
    let mut text = String::new();
    while lines.read_line(&mut text).unwrap_or(0) > 0 {}
    let status = child.wait().unwrap();
    over.store(true, Ordering::Relaxed);
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    if told.contains("CAP_NET_RAW") {
        println!("skipped: no permission to capture");
        return;
    }
    assert_eq!(status.code(), Some(10), "{told}{text}");
    assert!(text.contains("AUTH bob ********"), "{text}");
    assert!(std::fs::metadata(&written).unwrap().len() > 1000);
    let (output, _folder) = wirelab(&["sniff", "-r", written.to_str().unwrap(), "--summary"]);
    assert!(text_of(&output).contains("AUTH bob ********: accepted"), "{}", text_of(&output));
    talking.join().unwrap();
    answer.join().unwrap();
}
