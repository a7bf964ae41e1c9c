use super::*;
use proptest::prelude::*;
use std::io::Write;

type Seen = (u64, u32, u16, Vec<u8>);

fn all(bytes: &[u8]) -> (Vec<Seen>, Result<FileEnd, FileError>) {
    let mut seen = Vec::new();
    let end = read("test.pcap", bytes, |item| {
        if let Item::Packet(packet) = item {
            seen.push((packet.time, packet.wire_len, packet.link_type, packet.bytes.to_vec()));
        }
        ControlFlow::Continue(())
    });
    (seen, end)
}

struct Order(bool);

impl Order {
    fn u16(&self, number: u16) -> [u8; 2] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(&self, number: u32) -> [u8; 4] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn block(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = self.u32(u32::try_from(body.len() + padding.len() + 12).unwrap());
        [&self.u32(kind)[..], &length, body, &padding, &length].concat()
    }

    fn section(&self) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(&self, link: u16, snap: u32, options: &[u8]) -> Vec<u8> {
        self.block(1, &[&self.u16(link)[..], &self.u16(0), &self.u32(snap), options].concat())
    }

    fn packet(&self, interface: u32, time: u64, wire: u32, bytes: &[u8]) -> Vec<u8> {
        let high = u32::try_from(time >> 32).unwrap();
        let low = u32::try_from(time & 0xffff_ffff).unwrap();
        let length = u32::try_from(bytes.len()).unwrap();
        let head: Vec<u8> =
            [interface, high, low, length, wire].iter().flat_map(|number| self.u32(*number)).collect();
        self.block(6, &[&head[..], bytes].concat())
    }
}

fn pcap(order: &Order, magic: u32, records: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = [&order.u32(magic)[..], &order.u16(2), &order.u16(4), &[0; 8]].concat();
    file.extend(order.u32(262_144));
    file.extend(order.u32(101));
    for (seconds, fraction, wire, bytes) in records {
        let length = u32::try_from(bytes.len()).unwrap();
        file.extend([*seconds, *fraction, length, *wire].iter().flat_map(|number| order.u32(*number)));
        file.extend(*bytes);
    }
    file
}

#[test]
fn pcap_in_both_orders_and_resolutions() {
    for big in [false, true] {
        for (magic, nanoseconds) in [(0xa1b2_c3d4, 7000), (0xa1b2_3c4d, 7)] {
            let file = pcap(&Order(big), magic, &[(5, 7, 9, b"abc"), (6, 0, 3, b"def")]);
            let (seen, end) = all(&file);
            assert_eq!(end.unwrap(), FileEnd::Whole);
            let first = (5_000_000_000 + nanoseconds, 9, 101, b"abc".to_vec());
            assert_eq!(seen, [first, (6_000_000_000, 3, 101, b"def".to_vec())], "big {big} {magic:x}");
        }
    }
}

#[test]
fn pcapng_with_sections_interfaces_resolutions_and_simple_packets() {
    let (little, big) = (Order(false), Order(true));
    // if_tsresol 9: nanoseconds; if_tsoffset 14: 100 seconds.
    let options = [
        &little.u16(9)[..],
        &little.u16(1),
        &[9, 0, 0, 0],
        &little.u16(14),
        &little.u16(8),
        &100_u64.to_le_bytes(),
        &[0; 4],
    ]
    .concat();
    let file = [
        little.section(),
        little.interface(1, 0, &[]),
        little.interface(113, 0, &options),
        little.packet(0, 5_000_007, 3, b"abc"),
        little.packet(1, 5_000_000_009, 60, b"defgh"),
        little.block(99, b"unknown blocks are passed over"),
        big.section(),
        big.interface(276, 2, &[]),
        big.block(3, &[&big.u32(5)[..], b"simpl"].concat()),
        big.packet(0, 1_000_000, 1, b"x"),
    ]
    .concat();
    let (seen, end) = all(&file);
    assert_eq!(end.unwrap(), FileEnd::Whole);
    let expected: [Seen; 4] = [
        (5_000_007_000, 3, 1, b"abc".to_vec()),
        (105_000_000_009, 60, 113, b"defgh".to_vec()),
        (0, 5, 276, b"si".to_vec()),
        (1_000_000_000, 1, 276, b"x".to_vec()),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_block_shorter_than_its_own_header_is_damage() {
    for order in [Order(false), Order(true)] {
        let file = [
            order.section(),
            order.interface(1, 0, &[]),
            order.packet(0, 1, 3, b"abc"),
            [order.u32(99), order.u32(8), order.u32(8)].concat(),
        ]
        .concat();
        let (seen, end) = all(&file);
        assert_eq!(seen.len(), 1);
        assert!(matches!(end, Ok(FileEnd::Damaged(what)) if what.contains("shorter")));
    }
}

#[test]
fn key_logs_and_drops_are_told() {
    let order = Order(false);
    let log = b"CLIENT_RANDOM 00 11\n";
    let secrets = [&order.u32(0x544c_534b)[..], &order.u32(20), log].concat();
    let drops =
        [&order.u32(0)[..], &[0; 8], &order.u16(5), &order.u16(8), &3_u64.to_le_bytes(), &[0; 4]].concat();
    let file =
        [order.section(), order.interface(1, 0, &[]), order.block(10, &secrets), order.block(5, &drops)]
            .concat();
    let mut seen = Vec::new();
    let end = read("x", file.as_slice(), |item| {
        seen.push(match item {
            Item::KeyLog(text) => String::from_utf8_lossy(text).trim_end_matches('\0').to_owned(),
            Item::Dropped(count) => count.to_string(),
            Item::Packet(_) => "packet".into(),
            Item::Pause => "pause".into(),
        });
        ControlFlow::Continue(())
    });
    assert_eq!(end.unwrap(), FileEnd::Whole);
    assert_eq!(seen, ["CLIENT_RANDOM 00 11\n", "3"]);
}

#[test]
fn gzip_and_zstd_are_unpacked() {
    let file = pcap(&Order(false), 0xa1b2_c3d4, &[(5, 7, 3, b"abc")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&file).unwrap();
    let packed = [gzip.finish().unwrap(), zstd::encode_all(file.as_slice(), 1).unwrap()];
    for packed in packed {
        let (seen, end) = all(&packed);
        assert_eq!((seen.len(), end.unwrap()), (1, FileEnd::Whole));
        let (_, cut) = all(&packed[..packed.len() - 6]);
        assert!(!matches!(cut, Ok(FileEnd::Whole)), "a cut archive is not whole");
    }
}

#[test]
fn a_pipe_that_gives_one_byte_at_a_time_is_read() {
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let (Some((first, rest)), Some(slot)) = (self.0.split_first(), room.first_mut()) else {
                return Ok(0);
            };
            *slot = *first;
            self.0 = rest;
            Ok(1)
        }
    }
    let order = Order(false);
    let next = [order.section(), order.interface(1, 0, &[]), order.packet(0, 1, 3, b"abc")].concat();
    for file in [next, pcap(&order, 0xa1b2_c3d4, &[(5, 7, 3, b"abc")])] {
        let mut packets = 0;
        let end = read("-", Slow(&file), |item| {
            packets += usize::from(matches!(item, Item::Packet(_)));
            ControlFlow::Continue(())
        });
        assert_eq!((packets, end.unwrap()), (1, FileEnd::Whole));
    }
}

#[test]
fn what_is_no_capture_is_refused_and_a_cut_one_is_read_to_the_cut() {
    for bytes in [&b""[..], b"hello world, this is text and no capture", b"\x7fELF"] {
        let error = all(bytes).1.unwrap_err();
        assert!(matches!(error, FileError::NoCapture { .. }), "{error}");
    }
    let order = Order(false);
    let next = [
        order.section(),
        order.interface(1, 0, &[]),
        order.packet(0, 1, 3, b"abc"),
        order.packet(0, 2, 3, b"def"),
    ]
    .concat();
    let files = [pcap(&order, 0xa1b2_c3d4, &[(5, 7, 3, b"abc"), (5, 8, 3, b"def")]), next];
    for file in files {
        let whole = all(&file).0;
        assert_eq!(whole.len(), 2);
        let mut damaged = 0;
        for cut in 0..file.len() {
            let (seen, end) = all(&file[..cut]);
            assert_eq!(seen, whole[..seen.len()], "cut at {cut}");
            damaged += usize::from(matches!(end, Ok(FileEnd::Damaged(_))));
        }
        assert!(damaged > 20, "a file that ends within a record is told to be damaged ({damaged})");
    }
}

proptest! {
    #[test]
    fn hostile_files_never_panic(noise in proptest::collection::vec(any::<(usize, u8)>(), 0..12), cut: usize) {
        let order = Order(false);
        let next = [order.section(), order.interface(1, 0, &[]), order.packet(0, 1, 3, b"abc")].concat();
        for mut file in [next, pcap(&order, 0xa1b2_c3d4, &[(5, 7, 3, b"abc")])] {
            for (at, byte) in &noise {
                let at = at % file.len();
                file[at] = *byte;
            }
            file.truncate(cut % (file.len() + 1));
            drop(all(&file));
        }
    }
}

#[test]
fn records_across_the_pieces_of_a_source_are_read_the_same() {
    let bytes: Vec<u8> = (0..700).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let records: Vec<_> =
        (0..40).map(|at| (at, 7, 700, &bytes[..usize::try_from(at).unwrap() * 17])).collect();
    let file = pcap(&Order(true), 0xa1b2_3c4d, &records);
    let (whole, _) = all(&file);
    assert_eq!(whole.len(), 40);
    for step in [1, 2, 15, 16, 17, 100, 1000] {
        let header = Pcap::new(&file).unwrap();
        let mut seen = Vec::new();
        let mut source = BufReader::with_capacity(step, &file[24..]);
        let end = header.records(&mut source, &|| true, &mut |item| {
            if let Item::Packet(packet) = item {
                seen.push((packet.time, packet.wire_len, packet.link_type, packet.bytes.to_vec()));
            }
            ControlFlow::Continue(())
        });
        assert_eq!((end, &seen), (End::Whole, &whole), "{step}");
    }
}

#[test]
fn a_record_that_claims_too_much_is_damage() {
    let mut file = pcap(&Order(false), 0xa1b2_c3d4, &[(5, 7, 3, b"abc")]);
    file.extend([0, 0, 0x7fff_ffff_u32, 0].iter().flat_map(|number| number.to_le_bytes()));
    file.extend([0; 100]);
    let (seen, end) = all(&file);
    assert_eq!(seen.len(), 1);
    assert!(matches!(end, Ok(FileEnd::Damaged(what)) if what.contains("16 MiB")));
}

/// A pipe: its second part comes when it is told, and a silence of ten seconds is an error.
struct Pipe {
    parts: std::vec::IntoIter<Vec<u8>>,
    told: std::sync::mpsc::Receiver<()>,
    first: bool,
}

impl Read for Pipe {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if !std::mem::take(&mut self.first) {
            let wait = std::time::Duration::from_secs(10);
            self.told.recv_timeout(wait).map_err(|_| io::Error::other("silence"))?;
        }
        let part = self.parts.next().unwrap_or_default();
        room[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

#[test]
fn a_silent_pipe_is_a_pause_and_not_before_what_it_brought() {
    let order = Order(false);
    let classic = pcap(&order, 0xa1b2_c3d4, &[(5, 0, 3, b"abc"), (6, 0, 3, b"def")]);
    let section = [order.section(), order.interface(101, 0, &[])].concat();
    let [one, two] = [b"abc", b"def"].map(|bytes| order.packet(0, 5, 3, bytes));
    for parts in [
        vec![classic[..43].to_vec(), classic[43..].to_vec()],
        // The pause comes within a record.
        vec![classic[..50].to_vec(), classic[50..].to_vec()],
        vec![[section, one].concat(), two],
    ] {
        let (tell, told) = std::sync::mpsc::channel();
        let pipe = Pipe { parts: parts.into_iter(), told, first: true };
        let mut seen = Vec::new();
        let end = read_ahead("pipe", pipe, |item| {
            match item {
                Item::Packet(packet) => seen.push(packet.bytes.to_vec()),
                // Before anything came, or where the first packet was given.
                Item::Pause if seen.len() == 1 || seen.len() == 2 => tell.send(()).unwrap_or_default(),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        assert_eq!(end.unwrap(), FileEnd::Whole);
        assert_eq!(seen, [b"abc", b"def"]);
    }
}
