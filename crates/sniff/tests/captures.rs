//! Every capture of `captures/`: what a correct reading reports, cut anywhere, and beside tshark.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use wirelab_capture::{FileEnd, Item};
use wirelab_sniff::{Format, Options, Source, sniff};
use wirelab_wire::sniff::{Event, Settings, Sniffer};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../captures")
}

/// All capture files, by name.
fn captures() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| ["pcap", "pcapng", "gz"].iter().any(|known| extension == *known))
    });
    files.sort();
    assert!(files.len() > 40, "{} captures", files.len());
    files
}

fn read(path: &Path, reveal: bool) -> String {
    let options = Options {
        source: Source::File(path.to_owned()),
        format: Format::Json,
        ports: Vec::new(),
        filter: None,
        follow: None,
        limit: None,
        key_logs: Vec::new(),
        write: None,
        fail_on: None,
        data: true,
        national_ids: false,
        reveal,
        color: false,
    };
    let mut out = Vec::new();
    sniff(&options, &mut out, &AtomicBool::new(false)).unwrap();
    // The place of this folder is no part of what is in a file.
    String::from_utf8(out).unwrap().replace(&format!("{}/", folder().display()), "")
}

/// `WIRELAB_BLESS=1` writes what is read now; look at the difference before it is committed.
#[test]
fn each_is_read_as_it_should_be() {
    let bless = std::env::var_os("WIRELAB_BLESS").is_some();
    for path in captures() {
        let seen = read(&path, true);
        for line in seen.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(object["event"].is_string(), "{line}");
        }
        let expected = path.with_added_extension("jsonl");
        if bless {
            std::fs::write(&expected, &seen).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        let differs = expected.lines().zip(seen.lines()).find(|(expected, seen)| expected != seen);
        assert!(expected == seen, "{}: {differs:#?}", path.display());
    }
}

#[test]
fn secrets_are_masked_unless_revealed() {
    let five = "5".repeat(64);
    let carriers = "\"one \"two \"three >four 5 \"six \"seven \"eight \"nine \"ten \"eleven \"twelve 'thirteen \"fourteen";
    let transactions = "\"no\" \"pw \"old \"late\" \"never \"new \"long";
    for (name, secrets) in [("credentials.pcap", carriers), ("transaction-credentials.pcap", transactions)] {
        let path = folder().join(name);
        let (masked, revealed) = (read(&path, false), read(&path, true));
        for secret in secrets.split(' ').map(|secret| if secret == "5" { &five } else { secret }) {
            assert!(revealed.contains(secret), "{secret} is not in {revealed}");
            assert!(!masked.contains(secret), "{secret} is in {masked}");
        }
    }
}

/// A file that is cut anywhere is read to the cut: nothing panics, and no command appears that the whole does not have.
#[test]
fn each_is_read_to_the_cut_wherever_it_is_cut() {
    let commands = |bytes: &[u8]| {
        let mut seen = 0_u64;
        let mut sniffer = Sniffer::new(Settings::default());
        let mut count = |event: Event<'_>| seen += u64::from(matches!(event, Event::Command(_)));
        let end = wirelab_capture::read("cut", bytes, |item| {
            if let Item::Packet(packet) = item {
                sniffer.push(packet.bytes, packet.wire_len, packet.link_type, packet.time, &mut count);
            }
            ControlFlow::Continue(())
        });
        sniffer.finish(&mut count);
        (seen, end)
    };
    for path in captures() {
        let bytes = std::fs::read(&path).unwrap();
        let (whole, _) = commands(&bytes);
        for cut in 0..bytes.len() {
            let (seen, end) = commands(&bytes[..cut]);
            assert!(seen <= whole, "{} cut at {cut}: {seen} of {whole} commands", path.display());
            if let Ok(FileEnd::Damaged(what)) = end {
                assert!(what.contains("damaged"), "{what}");
            }
        }
    }
}

/// Files that tshark 4.0 reads right, too: the words of all commands, in order. (It tells a value over several
/// segments once for each of them.)
#[test]
fn tshark_reads_the_same_words() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: no tshark");
        return;
    }
    for name in [
        "plain.pcap",
        "nano-big-endian.pcap",
        "vlan.pcap",
        "qinq.pcap",
        "null.pcap",
        "loop.pcap",
        "raw.pcap",
        "sll.pcap",
        "sll2.pcap",
        "ipv6.pcap",
        "ipv6-extension.pcap",
        "ipv4-options.pcap",
        "ipv4-fragments.pcap",
        "ipv6-fragments.pcap",
        "sequence-wrap.pcap",
        "value-holds-auth.pcap",
        "two-sections.pcapng",
        "three-interfaces.pcapng",
        "simple-packets.pcapng",
        "packed.pcap.gz",
        "client-only.pcap",
        "port-reuse.pcap",
        "every-packet-twice.pcap",
        "client-reply.pcap",
    ] {
        let path = folder().join(name);
        let tshark = Command::new("tshark")
            .arg("-r")
            .arg(&path)
            .args([
                "-Y",
                "resp && tcp.dstport == 6379 && !resp.partial",
                "-T",
                "fields",
                "-e",
                "resp.bulk_string.value",
            ])
            .output()
            .unwrap();
        let theirs: Vec<String> = String::from_utf8_lossy(&tshark.stdout)
            .split([',', '\n'])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        let mut ours = Vec::new();
        for line in read(&path, true).lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            if object["event"] == "command" {
                for word in object["argv"].as_array().unwrap() {
                    let hex = match word.as_str() {
                        Some(text) => {
                            text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
                        }
                        None => word["hex"].as_str().unwrap().to_owned(),
                    };
                    ours.extend((!hex.is_empty()).then_some(hex));
                }
            }
        }
        assert_eq!(ours, theirs, "{name}");
    }
}
