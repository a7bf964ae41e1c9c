use super::*;
use crate::testkit::record;
use crate::tls::{Watch, fixtures};
use proptest::prelude::*;

const COMMANDS: &str =
    "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n*2\r\n$4\r\nECHO\r\n$3\r\nEND\r\n";
const REPLIES: &str = "+PONG\r\n+OK\r\n$3\r\nEND\r\n";

fn keys(name: &str) -> KeyLog {
    let mut keys = KeyLog::default();
    assert!(keys.add(&std::fs::read(fixtures::path(&format!("{name}.keys"))).unwrap()) > 0);
    keys
}

/// What both sides said, client first, and how many records stayed closed.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    data: [Vec<u8>; 2],
    handshake: [Vec<u8>; 2],
    alerts: Vec<(Direction, u8)>,
    lost: [u64; 2],
}

fn index(from: Direction) -> usize {
    usize::from(from == Direction::Server)
}

/// Pushes pieces; none is a hole of so many bytes.
fn hear<'a>(pieces: impl IntoIterator<Item = (Direction, Result<&'a [u8], u64>)>, keys: &KeyLog) -> Heard {
    let mut heard = Heard::default();
    let mut session = Session::default();
    for (from, piece) in pieces {
        match piece {
            Err(lost) => session.gap(from, lost),
            Ok(bytes) => session.push(from, bytes, keys, &mut |plain| match plain {
                Plain::Data(bytes) => heard.data[index(from)].extend_from_slice(bytes),
                Plain::Handshake(bytes) => heard.handshake[index(from)].extend_from_slice(bytes),
                Plain::Alert { code, .. } => heard.alerts.push((from, code)),
                Plain::Lost => {}
            }),
        }
    }
    heard.lost = [session.lost(Direction::Client), session.lost(Direction::Server)];
    heard
}

fn hear_in_steps(name: &str, step: usize, keys: &KeyLog) -> Heard {
    let turns = fixtures::turns(name);
    hear(turns.iter().flat_map(|(from, bytes)| bytes.chunks(step).map(|piece| (*from, Ok(piece)))), keys)
}

fn texts(heard: &Heard) -> [String; 2] {
    heard.data.clone().map(|data| String::from_utf8_lossy(&data).into_owned())
}

fn is_readable(name: &str) -> bool {
    name != "tls12-cbc-alpn"
}

#[test]
fn every_suite_in_every_segmentation() {
    for name in fixtures::ALL.into_iter().filter(|name| is_readable(name)) {
        let (commands, replies) = match name {
            "tls13-retry" | "tls12-session-id" => ("END\n", "DNE\n"),
            "tls13-key-update" => {
                ("PING\nPING\nSET a b\nPING\nECHO END\n", "+PONG\r\n+PONG\r\n+OK\r\n+PONG\r\n$3\r\nEND\r\n")
            }
            _ => (COMMANDS, REPLIES),
        };
        let whole = hear_in_steps(name, 9000, &keys(name));
        assert_eq!(texts(&whole), [commands, replies], "{name}");
        assert_eq!(whole.lost, [0, 0], "{name}");
        assert!(whole.alerts.contains(&(Direction::Client, 0)), "{name}");
        // Both say Finished.
        assert!(whole.handshake.iter().all(|bytes| bytes.contains(&20)), "{name}");
        for step in [1, 2, 7, 100] {
            assert_eq!(hear_in_steps(name, step, &keys(name)), whole, "{name} {step}");
        }
    }
}

/// What TLS 1.3 hides is as visible as that of 1.2 was.
#[test]
fn certificates_and_alpn_inside() {
    for name in fixtures::ALL.into_iter().filter(|name| is_readable(name)) {
        for step in [1, 50, 9000] {
            let mut session = Session::default();
            let mut watch = Watch::default();
            let mut readers = [TlsReader::default(), TlsReader::default()];
            for (from, bytes) in fixtures::turns(name) {
                let reader = &mut readers[index(from)];
                for piece in bytes.chunks(step) {
                    let old = watch.is_old();
                    reader.push(piece, old, &mut |event| watch.note(from, event));
                    session.push(from, piece, &keys(name), &mut |plain| {
                        if let Plain::Handshake(bytes) = plain {
                            reader.push_decrypted(bytes, &mut |event| watch.note(from, event));
                        }
                    });
                }
            }
            let seen = watch.seen;
            let subject = seen.server_certificate.as_ref().map(|seen| seen.subject.as_str());
            assert_eq!(
                subject,
                seen.resumed.is_none().then_some("O=Wirelab, CN=redis.example"),
                "{name} {step}"
            );
            assert_eq!(seen.alpn.as_deref(), (name == "tls13-retry").then_some("redis"));
            assert_eq!(seen.client_certificate.is_some(), name == "tls12-mutual");
        }
    }
}

#[test]
fn early_data_is_read_where_its_secret_is_known() {
    let name = "tls13-early-data";
    for step in [1, 9000] {
        let heard = hear_in_steps(name, step, &keys(name));
        assert_eq!((texts(&heard)[0].as_str(), heard.lost), ("early\nEND\n", [0, 0]));
    }
    let log = String::from_utf8(std::fs::read(fixtures::path(&format!("{name}.keys"))).unwrap()).unwrap();
    let mut keys = KeyLog::default();
    log.lines().filter(|line| !line.starts_with("CLIENT_EARLY")).for_each(|line| {
        keys.add(line.as_bytes());
    });
    let heard = hear_in_steps(name, 9000, &keys);
    assert_eq!((texts(&heard)[0].as_str(), heard.lost), ("END\n", [2, 0]));
}

#[test]
fn tshark_reads_the_same() {
    for name in fixtures::ALL.into_iter().chain(["tls13-early-data"]).filter(|name| is_readable(name)) {
        let Some(lines) = fixtures::tshark(name, &["tcp.dstport", "data.data"]) else { return };
        let mut shown = [String::new(), String::new()];
        for line in lines {
            let Some((port, data)) = line.split_once('\t') else { continue };
            shown[usize::from(port != fixtures::PORT.to_string())] += &data.replace(',', "");
        }
        let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let heard = hear_in_steps(name, 9000, &keys(name));
        assert_eq!([hex(&heard.data[0]), hex(&heard.data[1])], shown, "{name}");
    }
}

#[test]
fn without_its_secrets_a_session_stays_closed() {
    let name = "tls13-AES_256_GCM_SHA384";
    for keys in [KeyLog::default(), keys("tls13-retry"), keys("tls12-mutual")] {
        let heard = hear_in_steps(name, 9000, &keys);
        assert_eq!(texts(&heard), ["", ""]);
        assert!(heard.lost[0] >= 3 && heard.lost[1] >= 3, "{heard:?}");
    }
    let cbc = hear_in_steps("tls12-cbc-alpn", 9000, &keys("tls12-cbc-alpn"));
    assert_eq!(texts(&cbc), ["", ""]);
}

/// The log of a live session may get its lines after the first records.
#[test]
fn secrets_that_come_late_open_the_rest() {
    for name in ["tls13-CHACHA20_POLY1305_SHA256", "tls12-ECDHE-ECDSA-AES128-GCM-SHA256"] {
        let all = keys(name);
        let none = KeyLog::default();
        let mut session = Session::default();
        let mut text = Vec::new();
        let turns = fixtures::turns(name);
        // The last three turns are commands, replies, and the end.
        let last = turns
            .iter()
            .position(|(from, bytes)| *from == Direction::Client && bytes.len() > 80 && bytes[0] == 23);
        for (at, (from, bytes)) in turns.iter().enumerate() {
            let keys = if Some(at) < last { &none } else { &all };
            session.push(*from, bytes, keys, &mut |plain| {
                if let Plain::Data(data) = plain {
                    text.extend_from_slice(data);
                }
            });
        }
        assert_eq!(String::from_utf8_lossy(&text), [COMMANDS, REPLIES].concat(), "{name}");
    }
}

#[test]
fn handshake_secrets_alone_and_data_secrets_alone() {
    let name = "tls13-AES_128_GCM_SHA256";
    let log = String::from_utf8(std::fs::read(fixtures::path(&format!("{name}.keys"))).unwrap()).unwrap();
    let only = |handshake: bool| {
        let mut keys = KeyLog::default();
        log.lines().filter(|line| line.contains("HANDSHAKE") == handshake).for_each(|line| {
            keys.add(line.as_bytes());
        });
        keys
    };
    assert_eq!(texts(&hear_in_steps(name, 900, &only(false))), [COMMANDS, REPLIES]);
    let heard = hear_in_steps(name, 900, &only(true));
    assert_eq!(texts(&heard), ["", ""]);
    assert!(heard.handshake.iter().all(|bytes| !bytes.is_empty()));
}

/// A stream of one direction with holes: the bytes in `lost` are not seen.
fn holes(stream: &[u8], lost: std::ops::Range<usize>) -> [Result<&[u8], u64>; 3] {
    [Ok(&stream[..lost.start]), Err(lost.len() as u64), Ok(&stream[lost.end..])]
}

/// Where the records of a stream begin.
fn starts(stream: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    while let Some(length) = crate::tls::record_length(&stream[*starts.last().unwrap()..]) {
        starts.push(starts.last().unwrap() + 5 + length);
    }
    starts
}

/// Every record of the client but the hello is left out in turn, whole and in part; what comes after
/// is read, and nothing that was not said.
#[test]
fn a_hole_costs_no_more_than_its_records() {
    for name in
        ["tls13-key-update", "tls12-ECDHE-ECDSA-AES256-GCM-SHA384", "tls12-ECDHE-ECDSA-CHACHA20-POLY1305"]
    {
        let turns = fixtures::turns(name);
        let said = hear_in_steps(name, 9000, &keys(name)).data[0].clone();
        let stream = |wanted| {
            turns
                .iter()
                .filter(|(from, _)| *from == wanted)
                .flat_map(|(_, bytes)| bytes.clone())
                .collect::<Vec<u8>>()
        };
        let (client, server) = (stream(Direction::Client), stream(Direction::Server));
        let starts = starts(&client);
        let mut recovered = 0;
        for pair in starts.windows(2).skip(1) {
            let (start, end) = (pair[0], pair[1]);
            for lost in [start..end, start + 2..end, start..end - 2, start + 6..start + 12, start + 6..end] {
                let hello = starts[1];
                let pieces =
                    [(Direction::Client, Ok(&client[..hello])), (Direction::Server, Ok(server.as_slice()))];
                let rest = lost.start - hello..lost.end - hello;
                let after = holes(&client[hello..], rest).map(|piece| (Direction::Client, piece));
                let heard = hear(pieces.into_iter().chain(after), &keys(name));
                let text = &heard.data[0];
                let is_part = said.windows(text.len().max(1)).any(|part| part == text) || text.is_empty();
                // What is missing is one piece out of the middle.
                let prefix = said.iter().zip(text).take_while(|(a, b)| a == b).count();
                assert!(is_part || said.ends_with(&text[prefix..]), "{name} {lost:?}");
                recovered += usize::from(heard.alerts.contains(&(Direction::Client, 0)));
            }
        }
        // The close_notify is the last record: where it is not the one that is lost, it is read.
        assert!(recovered >= (starts.len() - 4) * 3, "{name}: {recovered} of {}", 5 * (starts.len() - 2));
    }
}

#[test]
fn after_many_holes_a_direction_is_given_up() {
    let name = "tls13-AES_128_GCM_SHA256";
    let turns = fixtures::turns(name);
    let rubbish = record(23, &[7; 300]);
    let pieces = turns.iter().map(|(from, bytes)| (*from, Ok(bytes.as_slice())));
    let rubbish = std::iter::repeat_n((Direction::Server, Ok(rubbish.as_slice())), 5000);
    let heard = hear(pieces.chain(rubbish), &keys(name));
    assert_eq!(texts(&heard), [COMMANDS, REPLIES]);
    assert_eq!(heard.lost, [0, 5000]);
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(
        which in 0..fixtures::ALL.len(),
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..20),
        holes in proptest::collection::vec((any::<usize>(), 0_u64..400), 0..5),
        step in 1_usize..2000,
    ) {
        let name = fixtures::ALL[which];
        let mut turns = fixtures::turns(name);
        for (at, byte) in flips {
            let turn = at % turns.len();
            let bytes = &mut turns[turn].1;
            let at = at / 64 % bytes.len();
            bytes[at] = byte;
        }
        let mut pieces: Vec<(Direction, Result<&[u8], u64>)> =
            turns.iter().flat_map(|(from, bytes)| bytes.chunks(step).map(|piece| (*from, Ok(piece)))).collect();
        for (at, lost) in holes {
            let at = at % pieces.len();
            pieces[at].1 = Err(lost);
        }
        let heard = hear(pieces, &keys(name));
        let whole = hear_in_steps(name, 9000, &keys(name));
        // Only what was sealed comes out.
        for (text, said) in heard.data.iter().zip(&whole.data) {
            prop_assert!(text.len() <= said.len());
        }
    }
}
