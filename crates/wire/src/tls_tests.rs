use super::*;
use crate::testkit::{client_hello, handshake, record, server_hello};
use proptest::prelude::*;

/// Reads both directions in turn, in steps of `step` bytes.
fn read(turns: &[(Direction, Vec<u8>)], step: usize) -> TlsSeen {
    let mut seen = TlsSeen::default();
    let mut client = TlsReader::default();
    let mut server = TlsReader::default();
    for (from, bytes) in turns {
        let reader = if *from == Direction::Client { &mut client } else { &mut server };
        for piece in bytes.chunks(step) {
            let old = seen.version.as_deref().is_some_and(|version| version != "TLSv1.3");
            assert_eq!(reader.push(piece, old, &mut |event| note(&mut seen, *from, event)), None);
        }
    }
    seen
}

#[test]
fn tls_1_3_with_a_retry_in_every_segmentation() {
    let turns = [
        (Direction::Client, record(22, &client_hello(Some("redis.example")))),
        (
            Direction::Server,
            [record(22, &server_hello(0x0304, 0x1301, &RETRY_RANDOM)), record(20, &[1])].concat(),
        ),
        (Direction::Client, [record(20, &[1]), record(22, &client_hello(Some("redis.example")))].concat()),
        (
            Direction::Server,
            [
                record(22, &server_hello(0x0304, 0x1302, &[7; 32])),
                record(23, &[0; 900]),
                record(23, &[1; 50]),
            ]
            .concat(),
        ),
        (Direction::Client, [record(23, &[2; 60]), record(21, &[2, 48])].concat()),
    ];
    let expected = TlsSeen {
        client_hello: true,
        server_hello: true,
        version: Some("TLSv1.3".to_owned()),
        cipher: Some("TLS_AES_256_GCM_SHA384".to_owned()),
        sni: Some("redis.example".to_owned()),
        client_records: 1,
        server_records: 2,
        alerts: vec![TlsAlertSeen {
            from: Direction::Client,
            description: "unknown_ca".to_owned(),
            fatal: true,
        }],
    };
    for step in [1, 2, 3, 5, 97, 1000, 5000] {
        assert_eq!(read(&turns, step), expected, "step {step}");
    }
}

#[test]
fn a_retry_alone_negotiates_nothing() {
    let seen = read(&[(Direction::Server, record(22, &server_hello(0x0304, 0x1301, &RETRY_RANDOM)))], 9);
    assert_eq!(seen, TlsSeen::default());
}

#[test]
fn tls_1_2_alerts_after_the_change_of_ciphers_are_not_read() {
    let certificate = handshake(11, &[9; 3000]);
    let flight = [server_hello(0x0303, 0xc02f, &[7; 32]), certificate, handshake(14, &[])].concat();
    // Handshake messages may share records and span them.
    let flight: Vec<u8> = flight.chunks(1001).flat_map(|part| record(22, part)).collect();
    let finished = [record(20, &[1]), record(22, &[1, 0, 0, 30].repeat(10))].concat();
    let turns = [
        (Direction::Client, record(22, &client_hello(None))),
        (Direction::Server, flight),
        (Direction::Client, [finished, record(21, &[0x5a; 26]), record(21, &[2, 42])].concat()),
        (Direction::Server, record(21, &[1, 0])),
    ];
    for step in [1, 50, 9000] {
        let seen = read(&turns, step);
        assert_eq!(seen.version.as_deref(), Some("TLSv1.2"));
        assert_eq!(seen.cipher.as_deref(), Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        let alert =
            TlsAlertSeen { from: Direction::Server, description: "close_notify".to_owned(), fatal: false };
        assert_eq!(seen.alerts, [alert], "the server has not changed ciphers yet");
    }
}

#[test]
fn a_hello_over_records_and_a_hello_that_is_too_long() {
    let hello = client_hello(Some("a.example"));
    let records: Vec<u8> = hello.chunks(11).flat_map(|part| record(22, part)).collect();
    assert_eq!(read(&[(Direction::Client, records)], 4).sni.as_deref(), Some("a.example"));
    let endless = [&[1, 0xff, 0xff, 0xff][..], &[0; 3000]].concat();
    let seen = read(&[(Direction::Client, [record(22, &endless), record(23, b"x")].concat())], 700);
    assert!(!seen.client_hello);
    assert_eq!(seen.client_records, 1);
}

#[test]
fn foreign_bytes_come_back_whole() {
    let mut reader = TlsReader::default();
    let bytes = [record(21, &[2, 70]), b"-ERR no\r\n".to_vec()].concat();
    let mut events = Vec::new();
    let mut add = |event| events.push(event);
    assert_eq!(reader.push(&bytes[..9], false, &mut add), Some(b"-E".to_vec()));
    let mut reader = TlsReader::default();
    assert_eq!(reader.push(&bytes, false, &mut add), Some(b"-ERR no\r\n".to_vec()));
    assert!(events.contains(&TlsEvent::Alert { code: 70, fatal: true }));
}

#[test]
fn record_headers_and_alert_names() {
    assert_eq!(begins_record(b""), None);
    assert_eq!(begins_record(&[22, 3, 1]), None);
    assert_eq!(begins_record(&[22, 3, 1, 2, 0]), Some(true));
    assert_eq!(begins_record(&[22, 3, 5]), Some(false));
    assert_eq!(begins_record(&[23, 3, 3, 0x48, 1]), Some(false));
    assert_eq!(begins_record(b"*1\r\n"), Some(false));
    assert_eq!(alert_name(116), Some("certificate_required"));
    assert_eq!(alert_text(200), "alert_200");
    assert_eq!((0..=255).filter_map(alert_name).count(), 37);
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300), kind in 20_u8..24, step in 1_usize..40, old: bool) {
        let mut reader = TlsReader::default();
        let mut hello = client_hello(Some("x.example"));
        for (at, byte) in body.iter().enumerate() {
            let at = (at * 13 + usize::from(*byte)) % hello.len();
            hello[at] = *byte;
        }
        for piece in [record(kind, &body), record(22, &hello), body].concat().chunks(step) {
            drop(reader.push(piece, old, &mut |_| {}));
        }
    }
}
