//! The pcapng file, as its bytes and as a foreign reader sees it.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use wirelab_capture::{CaptureError, write};
use wirelab_model::{Frame, LINKTYPE_ETHERNET};

/// An Ethernet frame of the experimental type 0x88b5, whose payload every reader takes as data.
fn frame(time: u64, payload: &[u8], wire_payload: u32) -> Frame {
    let mut bytes = vec![0; 12];
    bytes.extend([0x88, 0xb5]);
    bytes.extend(payload);
    Frame { time, wire_len: 14 + wire_payload, bytes }
}

#[test]
fn a_foreign_reader_reads_it_back() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: tshark is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcapng");
    // Every length of padding, a time above 32 bits of nanoseconds, a frame that was cut.
    let frames = [
        frame(1, b"a", 1),
        frame(1_700_000_000_123_456_789, b"bc", 2),
        frame(1_700_000_000_123_456_790, b"def", 3),
        frame(4_102_444_800_999_999_999, b"ghij", 1000),
    ];
    write(&path, "lo", LINKTYPE_ETHERNET, &frames, &[]).unwrap();
    let fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name", "data.data"];
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-T", "fields", "-E", "separator=,"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = "0.000000001,15,15,lo,61\n\
                    1700000000.123456789,16,16,lo,6263\n\
                    1700000000.123456790,17,17,lo,646566\n\
                    4102444800.999999999,1014,18,lo,6768696a\n";
    assert_eq!(text, expected);
}

#[test]
fn the_file_is_for_its_owner_only_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcapng");
    write(&path, "lo", LINKTYPE_ETHERNET, &[], &[]).unwrap();
    let meta = std::fs::metadata(&path).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    assert_eq!(meta.len(), 28 + 40, "section header and interface description");
    let error = write(&path, "lo", LINKTYPE_ETHERNET, &[], &[]).unwrap_err();
    assert!(
        matches!(&error, CaptureError::Write { reason, .. } if reason.kind() == ErrorKind::AlreadyExists),
        "{error}"
    );
    assert!(error.to_string().contains("a.pcapng"), "{error}");
}
