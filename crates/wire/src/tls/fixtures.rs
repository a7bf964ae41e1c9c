//! The captures of `testdata/tls`, for tests. How they were made: `make.sh` beside them.

use etherparse::{SlicedPacket, TransportSlice};
use std::path::PathBuf;
use wirelab_model::Direction;

/// Port of the server in all of them.
pub(crate) const PORT: u16 = 26390;

/// Every capture, by name.
pub(crate) const ALL: [&str; 13] = [
    "tls12-ECDHE-ECDSA-AES128-GCM-SHA256",
    "tls12-ECDHE-ECDSA-AES256-GCM-SHA384",
    "tls12-ECDHE-ECDSA-CHACHA20-POLY1305",
    "tls12-cbc-alpn",
    "tls12-mutual",
    "tls12-session-id",
    "tls12-ticket",
    "tls13-AES_128_GCM_SHA256",
    "tls13-AES_256_GCM_SHA384",
    "tls13-CHACHA20_POLY1305_SHA256",
    "tls13-key-update",
    "tls13-psk",
    "tls13-retry",
];

pub(crate) fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(file)
}

/// The payloads of a capture in order. They are of loopback: nothing is lost or sent twice.
pub(crate) fn turns(name: &str) -> Vec<(Direction, Vec<u8>)> {
    let file = std::fs::read(path(&format!("{name}.pcap"))).unwrap();
    let mut turns = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let length = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        let packet = SlicedPacket::from_ethernet(&file[at + 16..at + 16 + length]).unwrap();
        at += 16 + length;
        let Some(TransportSlice::Tcp(tcp)) = packet.transport else { continue };
        let from = if tcp.destination_port() == PORT { Direction::Client } else { Direction::Server };
        if !tcp.payload().is_empty() {
            turns.push((from, tcp.payload().to_vec()));
        }
    }
    assert!(turns.len() > 2, "{name}");
    turns
}

/// What tshark prints of a field in each packet of a capture, lists comma-separated; none where there
/// is no tshark.
pub(crate) fn tshark(name: &str, fields: &[&str]) -> Option<Vec<String>> {
    let mut command = std::process::Command::new("tshark");
    command.arg("-r").arg(path(&format!("{name}.pcap")));
    command.arg("-o").arg(format!("tls.keylog_file:{}", path(&format!("{name}.keys")).display()));
    command.args(["-d", "tcp.port==26390,tls", "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let Ok(output) = command.output() else {
        println!("skipped: no tshark");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
