use super::hello::RETRY_RANDOM;
use super::*;
use crate::testkit::{client_hello, handshake, record, server_hello};
use proptest::prelude::*;
use wirelab_model::{CertificateSeen, Direction, TlsAlertSeen, TlsSeen};

/// Reads both directions in turn, in steps of `step` bytes.
fn read(turns: &[(Direction, Vec<u8>)], step: usize) -> TlsSeen {
    let mut watch = Watch::default();
    let mut client = TlsReader::default();
    let mut server = TlsReader::default();
    for (from, bytes) in turns {
        let reader = if *from == Direction::Client { &mut client } else { &mut server };
        for piece in bytes.chunks(step) {
            let old = watch.is_old();
            assert_eq!(reader.push(piece, old, &mut |event| watch.note(*from, event)), None);
        }
    }
    watch.seen
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
        retried: true,
        ja3: Some("b24b86194bd583febf7546ba9f27e21f".to_owned()),
        ja4: Some("t13d020400_c1929292aa6b_25231fe4227b".to_owned()),
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
        ..TlsSeen::default()
    };
    for step in [1, 2, 3, 5, 97, 1000, 5000] {
        assert_eq!(read(&turns, step), expected, "step {step}");
    }
}

#[test]
fn a_retry_alone_negotiates_nothing() {
    let seen = read(&[(Direction::Server, record(22, &server_hello(0x0304, 0x1301, &RETRY_RANDOM)))], 9);
    assert_eq!(seen, TlsSeen { retried: true, ..TlsSeen::default() });
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

#[test]
fn a_record_is_found_where_the_beginning_is_lost() {
    let records =
        [record(23, &[&[23, 3, 3, 0, 9][..], &[5; 31]].concat()), record(23, &[7; 40]), record(21, &[1, 0])]
            .concat();
    for lost in 1..41 {
        assert_eq!(find_record(&records[lost..]), Ok(41 - lost), "{lost}");
    }
    // The second record could be one, and three bytes of a header follow it.
    assert_eq!(find_record(&records[41..89]), Err(0));
    assert_eq!(find_record(&records[42..86]), Err(44));
    assert_eq!(find_record(b"*1\r\n$4\r\nPING\r\n"), Err(14));
    assert_eq!(find_record(&[23; 900]), Err(899));
    assert_eq!(find_record(&[0; 900]), Err(900));
    assert_eq!(find_record(&[]), Err(0));
}

/// Of a capture: version, suite, group, resumption, ALPN, certificates, alerts, in short.
fn facts(name: &str, step: usize) -> String {
    let seen = read(&fixtures::turns(name), step);
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    assert_eq!(seen.sni.as_deref(), Some("redis.example"));
    assert!(seen.client_hello && seen.server_hello);
    let certificate = |seen: Option<CertificateSeen>| {
        seen.map_or_else(
            || "-".to_owned(),
            |seen| format!("[{} by {} {:?}]", seen.subject, seen.issuer, seen.names),
        )
    };
    let alerts: Vec<_> = seen.alerts.iter().map(|alert| alert.description.as_str()).collect();
    format!(
        "{} {} {} {:?}{} alpn {:?} {} certificates {} {} {} {alerts:?}",
        text(seen.version),
        text(seen.cipher),
        text(seen.group),
        seen.resumed,
        if seen.retried { " retried" } else { "" },
        seen.alpn_offered,
        text(seen.alpn),
        certificate(seen.server_certificate),
        if seen.client_certificate_asked { "asked" } else { "not asked" },
        certificate(seen.client_certificate),
    )
}

#[test]
fn facts_of_real_sessions() {
    let server = r#"[O=Wirelab, CN=redis.example by CN=Test authority ["redis.example", "127.0.0.1", "uri:spiffe://redis"]]"#;
    let client = r#"[CN=client one by CN=Test authority ["email:one@client.example"]]"#;
    let new = "certificates - not asked - []";
    for (name, expected) in [
        (
            "tls12-ECDHE-ECDSA-CHACHA20-POLY1305",
            format!("TLSv1.2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 x25519 None alpn [] - certificates {server} not asked - []"),
        ),
        (
            "tls12-cbc-alpn",
            format!(
                "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA x25519 None alpn [\"odd\", \"redis\"] redis certificates {server} asked - [\"handshake_failure\"]"
            ),
        ),
        (
            "tls12-mutual",
            format!("TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 x25519 None alpn [] - certificates {server} asked {client} []"),
        ),
        (
            "tls12-session-id",
            "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 - Some(SessionId) alpn [] - certificates - not asked - []".to_owned(),
        ),
        (
            "tls12-ticket",
            "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 - Some(Ticket) alpn [] - certificates - not asked - []".to_owned(),
        ),
        ("tls13-psk", format!("TLSv1.3 TLS_AES_128_GCM_SHA256 x25519 Some(Psk) alpn [] - {new}")),
        (
            "tls13-retry",
            format!("TLSv1.3 TLS_AES_256_GCM_SHA384 secp384r1 None retried alpn [\"odd\", \"redis\"] - {new}"),
        ),
    ] {
        for step in [1, 7, 4000] {
            assert_eq!(facts(name, step), expected, "{name}");
        }
    }
    let seen = read(&fixtures::turns("tls12-mutual"), 999);
    let certificate = seen.server_certificate.unwrap();
    assert!(certificate.not_before.starts_with("2026-11-24T"), "{certificate:?}");
    assert!(certificate.not_after.starts_with("2036-11-21T"), "{certificate:?}");
}

/// tshark 4.0 has no JA4. These are what huginn-net-tls 2.2.1 gives for the same hellos.
#[test]
fn ja4_of_real_hellos() {
    for (name, expected) in [
        ("tls13-AES_128_GCM_SHA256", "t13d311000_e8f1e7e78f70_1f22a2ca17c4"),
        ("tls13-psk", "t13d311100_e8f1e7e78f70_dbd39dd1d406"),
        ("tls13-retry", "t13d3111od_e8f1e7e78f70_1f22a2ca17c4"),
        ("tls12-cbc-alpn", "t12d2808od_d943125447b4_e7e480e5a997"),
        ("tls12-session-id", "t13d310900_e8f1e7e78f70_c9e58cc61e36"),
    ] {
        assert_eq!(read(&fixtures::turns(name), 4000).ja4.as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn fingerprints_and_certificates_are_those_of_tshark() {
    for name in fixtures::ALL {
        let fields =
            ["tls.handshake.ja3", "tls.handshake.ciphersuite", "x509sat.uTF8String", "x509ce.dNSName"];
        let Some(lines) = fixtures::tshark(name, &fields) else { return };
        let seen = read(&fixtures::turns(name), 4000);
        let ja3 = lines.iter().filter_map(|line| line.split('\t').next()).find(|ja3| !ja3.is_empty());
        assert_eq!(seen.ja3.as_deref(), ja3, "{name}");
        // With the keys tshark sees those of TLS 1.3 too.
        let shown = name.starts_with("tls12") && lines.iter().any(|line| line.contains("	redis.example"));
        assert_eq!(seen.server_certificate.is_some(), shown, "{name}");
    }
}

proptest! {
    #[test]
    fn hostile_certificates_and_exchanges_never_panic(
        kinds in proptest::collection::vec((0_u8..17, any::<Vec<u8>>(), any::<bool>()), 1..6),
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        step in 1_usize..60,
    ) {
        let mut bytes = record(22, &server_hello(0x0303, 0xc02b, &[3; 32]));
        for (kind, body, cut) in kinds {
            let mut message = handshake(kind, &body);
            message.truncate(message.len() - usize::from(cut).min(body.len()));
            bytes.extend(record(22, &message));
        }
        let mut certificates: Vec<u8> =
            fixtures::turns("tls12-mutual").into_iter().flat_map(|(_, bytes)| bytes).collect();
        for (at, byte) in flips {
            let at = at % certificates.len();
            certificates[at] = byte;
        }
        bytes.extend(certificates);
        let mut watch = Watch::default();
        let mut reader = TlsReader::default();
        for piece in bytes.chunks(step) {
            drop(reader.push(piece, watch.is_old(), &mut |event| watch.note(Direction::Server, event)));
        }
    }
}

#[test]
fn a_cipher_change_ends_a_message_that_was_being_skipped() {
    // A Finished of a thousand bytes, of which a hundred come; then another, after the change.
    let cut = [&[20, 0, 3, 232][..], &[0; 100]].concat();
    let short = [20, 0, 0, 4, 1, 2, 3, 4];
    let mut reader = TlsReader::default();
    for bytes in [record(22, &cut), record(20, &[1]), record(22, &short)] {
        assert_eq!(reader.push(&bytes, false, &mut |_| {}), None);
    }
}
