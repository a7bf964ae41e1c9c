use super::*;
use crate::testkit::{Dialogue, Side, canaries, client_hello, record, server_hello, tcp};
use proptest::prelude::*;
use std::sync::LazyLock;
use wirelab_model::{Canaries, CanaryKind, Encoding, FlowKind, LINKTYPE_ETHERNET};

static CANARIES: LazyLock<Canaries> = LazyLock::new(canaries);
static NEEDLES: LazyLock<Needles> = LazyLock::new(|| Needles::new(&CANARIES));

fn run(frames: &[Frame]) -> Reading {
    read(frames, LINKTYPE_ETHERNET, &NEEDLES, &[6379])
}

fn command(words: &[&str]) -> Vec<u8> {
    words
        .iter()
        .fold(format!("*{}\r\n", words.len()), |text, word| text + &format!("${}\r\n{word}\r\n", word.len()))
        .into_bytes()
}

/// A whole plaintext session that says every secret.
fn session() -> Dialogue {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, &command(&["AUTH", "default", &CANARIES.password]))
        .say(Side::Server, b"+OK\r\n")
        .say(
            Side::Client,
            &[command(&["SET", &CANARIES.key, &CANARIES.value]), command(&["GET", &CANARIES.key])].concat(),
        )
        .say(Side::Server, b"+OK\r\n")
        .say(Side::Server, format!("${}\r\n{}\r\n", CANARIES.value.len(), CANARIES.value).as_bytes())
        .send(Side::Client, "F", b"")
        .send(Side::Server, "F", b"")
        .say(Side::Client, b"");
    talk
}

#[test]
fn a_plaintext_session_gives_everything_away() {
    let frames = session().frames;
    let reading = run(&frames);
    let report = &reading.report;
    assert_eq!((report.packets, report.damaged, report.flows.len()), (10, 0, 1));
    assert_eq!(report.bytes, frames.iter().map(|frame| u64::from(frame.wire_len)).sum::<u64>());
    let flow = &report.flows[0];
    assert_eq!((flow.kind, flow.mixed, flow.commands, flow.replies), (FlowKind::Plaintext, false, 3, 3));
    assert_eq!((flow.gaps, flow.reset, flow.tls.is_none()), (0, false, true));
    assert_eq!(flow.client.port(), 40000);
    assert_eq!(flow.credentials, ["AUTH default accepted"]);
    let found: Vec<_> =
        report.leaks.iter().map(|leak| (leak.canary, leak.from.unwrap(), leak.frame)).collect();
    let client = Direction::Client;
    assert_eq!(
        found,
        [
            (CanaryKind::Password, client, 3),
            (CanaryKind::Key, client, 5),
            (CanaryKind::Value, client, 5),
            (CanaryKind::Key, client, 5),
            (CanaryKind::Value, Direction::Server, 7),
        ]
    );
    for leak in &report.leaks {
        let stream = reading.stream(leak.flow.unwrap(), leak.from.unwrap());
        let at = usize::try_from(leak.offset).unwrap();
        assert!(stream[at..].starts_with(CANARIES.get(leak.canary).as_bytes()), "{leak:?}");
    }
    assert_eq!(flow.client_bytes, reading.stream(0, client).len() as u64);
    assert_eq!(reading.stream(7, client), b"");
    assert!((0..10).all(|frame| reading.flow_of(frame) == Some(0)));
    assert_eq!(reading.flow_of(10), None);
}

#[test]
fn tls_gives_nothing_away_and_its_facts_are_read() {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, &record(22, &client_hello(Some("redis.example"))))
        .say(
            Side::Server,
            &[record(22, &server_hello(0x0304, 0x1301, &[1; 32])), record(20, &[1]), record(23, &[0; 99])]
                .concat(),
        )
        .say(Side::Client, &record(21, &[2, 48]))
        .send(Side::Client, "R", b"");
    let report = run(&talk.frames).report;
    let flow = &report.flows[0];
    assert_eq!((flow.kind, flow.mixed, flow.commands, flow.reset), (FlowKind::Tls, false, 0, true));
    let tls = flow.tls.as_ref().unwrap();
    assert_eq!((tls.version.as_deref(), tls.sni.as_deref()), (Some("TLSv1.3"), Some("redis.example")));
    assert_eq!((tls.alerts[0].description.as_str(), tls.alerts[0].from), ("unknown_ca", Direction::Client));
    assert_eq!(report.leaks, []);
}

#[test]
fn plaintext_to_a_tls_port_is_mixed_and_leaks() {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, &command(&["HELLO", "3", "AUTH", "default", &CANARIES.password]))
        .say(Side::Server, &record(21, &[2, 70]));
    let report = run(&talk.frames).report;
    let flow = &report.flows[0];
    assert_eq!((flow.kind, flow.mixed), (FlowKind::Tls, true));
    assert_eq!(flow.credentials, ["HELLO default unknown"]);
    assert_eq!(report.leaks[0].canary, CanaryKind::Password);
}

#[test]
fn a_secret_in_the_place_of_a_user_name_is_masked() {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, &command(&["AUTH", &CANARIES.password, "x"]))
        .say(Side::Server, b"-WRONGPASS no\r\n");
    let credentials = run(&talk.frames).report.flows[0].credentials.join("");
    assert_eq!(credentials, format!("AUTH wirelab-password-{} rejected", "*".repeat(24)));
}

#[test]
fn without_a_syn_the_known_port_or_the_lower_one_is_the_server() {
    let from_server = tcp(Side::Server, 10, Some(1), "", b"+OK\r\n");
    assert_eq!(run(std::slice::from_ref(&from_server)).report.flows[0].server.port(), 6379);
    let known = read(&[from_server], LINKTYPE_ETHERNET, &NEEDLES, &[40000]);
    assert_eq!(known.report.flows[0].server.port(), 40000);
}

#[test]
fn the_same_ports_again_are_another_flow() {
    let mut frames = session().frames;
    let again: Vec<_> =
        [tcp(Side::Client, 77, None, "S", b""), tcp(Side::Client, 78, None, "", b"PING\r\n")].into();
    // A copy of the SYN is no new connection.
    frames.push(frames[0].clone());
    frames.extend(again);
    let reading = run(&frames);
    let commands: Vec<_> = reading.report.flows.iter().map(|flow| flow.commands).collect();
    assert_eq!(commands, [3, 1]);
    assert_eq!([10, 11, 12].map(|frame| reading.flow_of(frame)), [Some(0), Some(1), Some(1)]);
}

#[test]
fn a_syn_that_was_captured_late_opens_no_flow() {
    let mut frames = session().frames;
    frames.swap(0, 1);
    let report = run(&frames).report;
    assert_eq!(report.flows.len(), 1);
    assert_eq!(
        (report.flows[0].client.port(), report.flows[0].commands, report.flows[0].gaps),
        (40000, 3, 0)
    );
}

#[test]
fn what_reassembly_leaves_out_is_searched_too() {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, &[b'x'; 80]);
    let seq = u32::MAX - 2;
    // A conflicting copy, then data after a reset.
    talk.frames.push(tcp(Side::Client, seq.wrapping_add(3), None, "", CANARIES.key.as_bytes()));
    talk.frames.push(tcp(Side::Server, 5001, None, "R", b""));
    talk.frames.push(tcp(
        Side::Client,
        seq.wrapping_add(80),
        None,
        "",
        format!("AUTH {}", CANARIES.password).as_bytes(),
    ));
    let report = run(&talk.frames).report;
    let found: Vec<_> =
        report.leaks.iter().map(|leak| (leak.canary, leak.flow, leak.frame, leak.offset)).collect();
    assert_eq!(found, [(CanaryKind::Key, Some(0), 4, 3), (CanaryKind::Password, Some(0), 6, 85)]);
    assert!(report.flows[0].reset);
}

#[test]
fn frames_of_no_flow_are_searched() {
    let mut udp = Vec::new();
    etherparse::PacketBuilder::ethernet2([0; 6], [0; 6])
        .ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64)
        .udp(1, 2)
        .write(&mut udp, CANARIES.value.as_bytes())
        .unwrap();
    // The link promises IPv4, of which there is none.
    let damaged = [&[0; 12][..], &[8, 0], CANARIES.key.as_bytes()].concat();
    let frames = [udp, damaged].map(crate::testkit::frame);
    let reading = run(&frames);
    let found: Vec<_> =
        reading.report.leaks.iter().map(|leak| (leak.canary, leak.flow, leak.frame, leak.offset)).collect();
    assert_eq!(found, [(CanaryKind::Value, None, 1, 42), (CanaryKind::Key, None, 2, 14)]);
    assert_eq!((reading.report.damaged, reading.report.flows.len()), (1, 0));
}

#[test]
fn what_comes_after_a_hole_is_read_again_and_searched() {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, b"PING\r\n")
        .say(Side::Client, &command(&["AUTH", "lost"]))
        .say(Side::Client, &command(&["GET", &CANARIES.key]))
        .say(Side::Server, b"+PONG\r\n+OK\r\n$-1\r\n");
    let lost = talk.frames.remove(3);
    let reading = run(&talk.frames);
    let flow = &reading.report.flows[0];
    assert_eq!(flow.gaps, lost.bytes.len() as u64 - 54);
    assert_eq!((flow.commands, flow.replies, flow.credentials.len()), (2, 3, 0));
    let leak = &reading.report.leaks[0];
    assert_eq!((leak.canary, leak.frame, leak.offset), (CanaryKind::Key, 4, 6 + flow.gaps + 18));
    assert_eq!(reading.stream(0, Direction::Client), b"PING\r\n");
}

#[test]
fn of_more_flows_than_are_followed_at_once_each_is_told() {
    let open = |port: u16| crate::testkit::tcp_ports(Side::Client, (port, 6379), 1, None, "S", b"");
    let mut frames: Vec<_> = (0..4096).map(|index| open(10_000 + index)).collect();
    frames.push(tcp(Side::Client, 1, None, "", CANARIES.key.as_bytes()));
    let reading = run(&frames);
    assert_eq!(reading.report.flows.len(), 4097);
    let leak = &reading.report.leaks[0];
    assert_eq!((leak.flow, leak.frame, leak.encoding), (Some(4096), 4097, Encoding::Raw));
}

#[test]
fn views_name_packets_and_mask_secrets_over_packets() {
    let whole = session();
    let mut talk = Dialogue::open((40000, 6379));
    let auth = command(&["AUTH", "default", &CANARIES.password]);
    talk.say(Side::Client, &auth[..60]).say(Side::Client, &auth[60..]).say(Side::Server, b"+OK\r\n+");
    talk.say(Side::Server, &[b"OK\r\n".to_vec(), vec![b'+'; 900]].concat());
    talk.frames.swap(2, 3);
    let reading = run(&talk.frames);
    let view = |most, needles| reading.views(&talk.frames, LINKTYPE_ETHERNET, 6379, most, needles);
    let views = view(9, Some(&NEEDLES));
    let summaries: Vec<_> = views.iter().map(|view| view.summary.as_str()).collect();
    assert_eq!(summaries, ["AUTH", "data", "1 reply", "1 reply"]);
    assert_eq!(views.iter().map(|view| view.frame).collect::<Vec<_>>(), [3, 4, 5, 6]);
    assert_eq!((views[3].length, views[3].hex.len()), (904, 512));
    assert!(views[0].hex.starts_with(&"2a".repeat(auth.len() - 62)), "{}", views[0].hex);
    let text = |views: &[PacketView]| views.iter().map(|view| view.hex.clone()).collect::<String>();
    let secret_half: String = CANARIES.password[17..25].bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!text(&views).contains(&secret_half), "masked");
    assert!(text(&view(9, None)).contains(&secret_half), "as it is");
    // The second half is not shown, and is looked at all the same.
    assert!(!text(&view(1, Some(&NEEDLES))).contains("2d2d"));
    assert_eq!(view(1, Some(&NEEDLES))[0].hex, views[0].hex);
    assert_eq!(view(0, Some(&NEEDLES)), []);
    assert_eq!(reading.views(&talk.frames, LINKTYPE_ETHERNET, 1, 9, None), []);
    let reading = run(&whole.frames);
    let views = reading.views(&whole.frames, LINKTYPE_ETHERNET, 6379, 9, Some(&NEEDLES));
    let summaries: Vec<_> = views.iter().map(|view| view.summary.as_str()).collect();
    assert_eq!(summaries, ["AUTH", "1 reply", "SET, GET", "1 reply", "1 reply"]);
}

#[test]
fn views_name_tls() {
    let mut talk = Dialogue::open((40000, 6379));
    talk.say(Side::Client, &record(22, &client_hello(None)))
        .say(
            Side::Server,
            &[record(22, &server_hello(0x0304, 0x1301, &[1; 32])), record(20, &[1]), record(23, &[0; 99])]
                .concat(),
        )
        .say(Side::Client, &record(23, &[9; 40]))
        .say(Side::Client, &record(21, &[2, 48]))
        .say(Side::Server, &[23, 3, 3]);
    let reading = run(&talk.frames);
    let views = reading.views(&talk.frames, LINKTYPE_ETHERNET, 6379, 99, None);
    let summaries: Vec<_> = views.iter().map(|view| view.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["ClientHello", "ServerHello, 2 records", "TLS application data", "alert unknown_ca", "data"]
    );
}

type Found = (CanaryKind, Encoding, u64);

/// The report without what depends on how the stream was cut into frames.
fn essence(reading: &Reading) -> (Vec<u8>, Vec<Found>, u64, Vec<String>) {
    let leaks = reading.report.leaks.iter().map(|leak| (leak.canary, leak.encoding, leak.offset));
    let mut leaks: Vec<_> = leaks.collect();
    leaks.sort_unstable();
    let flow = &reading.report.flows[0];
    (reading.stream(0, Direction::Client).to_vec(), leaks, flow.commands, flow.credentials.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn segmentation_order_and_copies_change_nothing(
        step in 20_usize..90, order in proptest::collection::vec(any::<u16>(), 80), isn: u32,
    ) {
        let bytes = [
            command(&["AUTH", &CANARIES.password]),
            command(&["SET", &CANARIES.key, &CANARIES.value]),
            command(&["SET", "x", &CANARIES.value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()]),
        ].concat();
        let syn = tcp(Side::Client, isn, None, "S", b"");
        let send = |at: usize, length: usize| {
            let seq = isn.wrapping_add(1 + u32::try_from(at).unwrap());
            tcp(Side::Client, seq, None, "", &bytes[at..(at + length).min(bytes.len())])
        };
        let whole = run(&[syn.clone(), send(0, bytes.len())]);
        let starts = (0..bytes.len()).step_by(step);
        let mut pieces: Vec<_> = starts.clone().map(|at| send(at, step)).chain(starts.map(|at| send(at, 7))).zip(&order).collect();
        pieces.sort_by_key(|(_, key)| **key);
        let frames: Vec<_> = std::iter::once(syn).chain(pieces.into_iter().map(|(frame, _)| frame)).collect();
        let cut = run(&frames);
        prop_assert_eq!(essence(&whole), essence(&cut));
        prop_assert_eq!(essence(&whole).1.len(), 4);
        let shown = cut.views(&frames, LINKTYPE_ETHERNET, 6379, 1000, Some(&NEEDLES));
        prop_assert_eq!(shown.len(), frames.len() - 1);
        // Put together again by place, what is shown holds no secret, not even a part of one.
        for kind in [CanaryKind::Password, CanaryKind::Key, CanaryKind::Value] {
            let secret = CANARIES.get(kind).strip_prefix(kind.prefix()).unwrap();
            for part in secret.as_bytes().windows(7) {
                let part: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
                prop_assert!(!shown.iter().any(|view| view.hex.contains(&part)));
            }
        }
    }

    #[test]
    fn hostile_frames_never_panic(
        noise in proptest::collection::vec(any::<(u16, u16, u8)>(), 0..60), cuts in proptest::collection::vec(any::<(u8, u8)>(), 0..4),
    ) {
        let mut frames = session().frames;
        for (frame, at, byte) in noise {
            let index = usize::from(frame) % frames.len();
            let at = usize::from(at) % frames[index].bytes.len();
            frames[index].bytes[at] = byte;
        }
        for (frame, keep) in cuts {
            let index = usize::from(frame) % frames.len();
            frames[index].bytes.truncate(usize::from(keep).max(1));
        }
        let reading = run(&frames);
        prop_assert_eq!(reading.places.len(), frames.len());
        reading.views(&frames, LINKTYPE_ETHERNET, 6379, 9, Some(&NEEDLES));
    }
}

/// Real handshakes: s_server and s_client of OpenSSL 3.0 with a self-signed certificate on loopback,
/// port 17443, recorded by tcpdump and read with tshark 4.0: TLS 1.3 with a HelloRetryRequest, TLS
/// 1.2, then a client that refuses the certificate in 1.3 and one in 1.2, then two sides without a
/// group in common.
#[test]
fn real_handshakes_read_as_tshark_reads_them() {
    let file = include_bytes!("../testdata/openssl.pcap");
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut frames = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let length = number(at + 8) as usize;
        frames.push(crate::testkit::frame(file[at + 16..at + 16 + length].to_vec()));
        at += 16 + length;
    }
    let reading = run(&frames);
    let seen: Vec<_> = reading
        .report
        .flows
        .iter()
        .map(|flow| {
            let tls = flow.tls.as_ref().unwrap();
            let alerts: Vec<_> =
                tls.alerts.iter().map(|alert| (alert.from, alert.description.as_str())).collect();
            (tls.version.as_deref(), tls.sni.as_deref(), tls.client_records, tls.server_records, alerts)
        })
        .collect();
    let refused = vec![(Direction::Client, "unknown_ca")];
    assert_eq!(
        seen,
        [
            (Some("TLSv1.3"), Some("redis.example"), 2, 5, vec![]),
            (Some("TLSv1.2"), Some("redis.example"), 0, 0, vec![]),
            (Some("TLSv1.3"), None, 0, 4, refused.clone()),
            (Some("TLSv1.2"), None, 0, 0, refused),
            (None, None, 0, 0, vec![(Direction::Server, "handshake_failure")]),
        ]
    );
    let suites: Vec<_> = reading.report.flows.iter().map(|flow| flow.tls.clone().unwrap().cipher).collect();
    let [new, old] = ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
        .map(|suite| Some(suite.to_owned()));
    assert_eq!(suites, [new.clone(), old.clone(), new, old, None]);
    let views = reading.views(&frames, LINKTYPE_ETHERNET, 17443, 4, None);
    let summaries: Vec<_> = views.iter().map(|view| view.summary.as_str()).collect();
    let expected =
        ["ClientHello", "HelloRetryRequest, 1 record", "ClientHello, 1 record", "ServerHello, 4 records"];
    assert_eq!(summaries, expected);
}
