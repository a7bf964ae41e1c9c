//! Capture files that were made to hurt: read to their end, without a crash, in bounded memory.
//!
//! The limit is that of the system on memory for data, so that a program which wants more is refused it
//! and aborts. How long a file may take is not asked here: a loaded machine would answer.
//! `benches/hostile.sh` measures it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Most memory for data, in KiB: 64 MiB.
const MOST: u32 = 64 << 10;
const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;
const CLIENT: u32 = 0x0a00_0001;
const SERVER: u32 = 0x0a00_0002;

/// A pcap of raw IPv4 packets that is being written.
struct Pcap<W: Write>(W);

impl<W: Write> Pcap<W> {
    fn new(mut out: W) -> Self {
        let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101];
        header.iter().for_each(|word| out.write_all(&word.to_le_bytes()).unwrap());
        Self(out)
    }

    fn packet(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap();
        [1, 0, length, length].iter().for_each(|word: &u32| self.0.write_all(&word.to_le_bytes()).unwrap());
        self.0.write_all(bytes).unwrap();
    }

    fn ip(&mut self, source: u32, target: u32, id: u16, fragment: u16, body: &[u8]) {
        let length = u16::try_from(20 + body.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend([length, id, fragment, 0x4006, 0].iter().flat_map(|word| word.to_be_bytes()));
        packet.extend([source, target].iter().flat_map(|word| word.to_be_bytes()));
        packet.extend(body);
        self.packet(&packet);
    }

    /// A segment from a client, or to it.
    fn tcp(&mut self, client: (u32, u16), to_server: bool, seq: u32, flags: u8, payload: &[u8]) {
        let (ports, from, to) = match to_server {
            true => ([client.1, 6379], client.0, SERVER),
            false => ([6379, client.1], SERVER, client.0),
        };
        let mut body: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        body.extend(seq.to_be_bytes());
        body.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        body.extend(payload);
        self.ip(from, to, 0, 0, &body);
    }

    /// What a client says in order, from its SYN on.
    fn says(&mut self, client: (u32, u16), to_server: bool, bytes: &[u8]) {
        self.tcp(client, true, 0, SYN, b"");
        for (index, part) in bytes.chunks(1400).enumerate() {
            self.tcp(client, to_server, 1 + u32::try_from(index * 1400).unwrap(), 0, part);
        }
    }
}

fn client(number: usize) -> (u32, u16) {
    (CLIENT + 0x100 + u32::try_from(number / 60_000).unwrap(), u16::try_from(number % 60_000).unwrap() + 2000)
}

fn made(folder: &Path, name: &str, make: impl FnOnce(&mut Pcap<BufWriter<File>>)) -> PathBuf {
    let path = folder.join(name);
    let mut pcap = Pcap::new(BufWriter::new(File::create(&path).unwrap()));
    make(&mut pcap);
    pcap.0.flush().unwrap();
    path
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let made = |name: &str, make: &dyn Fn(&mut Pcap<BufWriter<File>>)| made(folder, name, make);
    let one = (CLIENT, 40_000);
    let mut files = vec![
        made("backwards.pcap", &|pcap| {
            pcap.tcp(one, true, 0, SYN, b"");
            (0..100_000).rev().for_each(|at| pcap.tcp(one, true, 1 + at, 0, b"*"));
        }),
        made("half-open.pcap", &|pcap| {
            (0..100_000).for_each(|number| pcap.tcp(client(number), true, 0, SYN, b""));
        }),
        // Each waits for the rest of what it began.
        made("begun.pcap", &|pcap| {
            let begun = [&b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n"[..], &[b'x'; 9000]].concat();
            (0..3000).for_each(|number| pcap.says(client(number), true, &begun));
        }),
        made("unanswered.pcap", &|pcap| {
            let commands = b"*1\r\n$1\r\nx\r\n".repeat(300);
            (0..4000).for_each(|number| pcap.says(client(number), true, &commands));
        }),
        made("credentials.pcap", &|pcap| {
            let auth =
                [&b"*3\r\n$4\r\nAUTH\r\n$500\r\n"[..], &[b'u'; 500], b"\r\n$500\r\n", &[b'p'; 500], b"\r\n"];
            let auths = auth.concat().repeat(8);
            (0..4000).for_each(|number| pcap.says(client(number), true, &auths));
        }),
        made("many-words.pcap", &|pcap| {
            let words = [b"*4000\r\n".to_vec(), b"$1\r\nx\r\n".repeat(4000)].concat();
            (0..1000).for_each(|number| pcap.says(client(number), true, &words));
        }),
        made("long-lines.pcap", &|pcap| {
            let word = [&b"$60\r\n"[..], &[0xff; 60], b"\r\n"].concat();
            let command = [b"*12\r\n".to_vec(), word.repeat(12)].concat();
            pcap.says(one, true, &command.repeat(16_000));
        }),
        made("hellos.pcap", &|pcap| {
            // A record after the other of one handshake message that never ends.
            let head = [&[22, 3, 1, 0x40, 0][..], &[1, 0, 0xff, 0xf0], &[7; 0x3ffc]].concat();
            let more = [&[22, 3, 1, 0x40, 0][..], &[7; 0x4000]].concat();
            let hello = [head, more].concat();
            (0..1000).for_each(|number| pcap.says(client(number), true, &hello));
        }),
        made("nested.pcap", &|pcap| {
            pcap.says(one, true, b"*1\r\n$4\r\nPING\r\n");
            pcap.says((CLIENT, 40_001), false, &b"*1\r\n".repeat(250_000));
            pcap.says((CLIENT, 40_002), false, &b"*1000000000\r\n$999999999999\r\nabc".repeat(20_000));
            pcap.says((CLIENT, 40_003), true, &b"*1000000000\r\n$3\r\nSET\r\n".repeat(50_000));
        }),
        made("overlaps.pcap", &|pcap| {
            pcap.tcp(one, true, 0, SYN, b"");
            for number in 0..10_000_u32 {
                let filler = [u8::try_from(number % 251).unwrap(); 1000];
                pcap.tcp(one, true, 10 + number, 0, &filler);
            }
            pcap.tcp(one, true, 20_000, FIN | ACK, b"");
        }),
        made("fragments.pcap", &|pcap| {
            for number in 0..60_000_u16 {
                pcap.ip(CLIENT, SERVER, number % 100, 0x2000 | ((number / 100) % 8), &[7; 200]);
            }
        }),
        made("inline.pcap", &|pcap| {
            // Lines that never end, and words without number.
            pcap.says(one, true, &[b'a'; 300_000]);
            pcap.says((CLIENT, 40_001), true, &[b"a ".repeat(30_000), b"\n".to_vec()].concat().repeat(20));
        }),
        made("values.pcap", &|pcap| {
            for (number, part) in
                ["eyJ", "a.a@a.a@", "-----BEGIN ", "sess:", "4111 1", "AB12", "Bearer ", "://a:a@"]
                    .iter()
                    .enumerate()
            {
                let value = part.repeat(200_000 / part.len());
                let set = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{value}\r\n", value.len());
                pcap.says(client(number), true, set.as_bytes());
            }
        }),
    ];
    let bomb = folder.join("bomb.pcap.gz");
    let mut gzip = flate2::write::GzEncoder::new(File::create(&bomb).unwrap(), flate2::Compression::fast());
    Pcap::new(&mut gzip);
    (0..120).for_each(|_| gzip.write_all(&vec![0; 1 << 20]).unwrap());
    gzip.finish().unwrap();
    files.push(bomb);
    // The larger window is more than anybody needs, and refused.
    for (name, window) in [("bomb.pcap.zst", 20), ("window.pcap.zst", 27)] {
        let bomb = folder.join(name);
        let mut zstd = zstd::Encoder::new(File::create(&bomb).unwrap(), 1).unwrap();
        zstd.window_log(window).unwrap();
        Pcap::new(&mut zstd);
        (0..120).for_each(|_| zstd.write_all(&vec![0; 1 << 20]).unwrap());
        zstd.finish().unwrap();
        files.push(bomb);
    }
    let tiny = folder.join("tiny.pcapng");
    let block = |kind: u32, body: &[u8]| {
        let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    let section = block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat());
    let interface = block(1, &[101, 0, 0, 0, 0, 0, 0, 0]);
    let parts = [section, interface.repeat(4000), block(99, b"").repeat(200_000), interface.repeat(200)];
    std::fs::write(&tiny, parts.concat()).unwrap();
    files.push(tiny);
    files
}

/// Reads a file with at most so many KiB for data.
fn sniff(file: &Path, format: &[&str], most: u32) -> Output {
    Command::new("sh")
        .args(["-c", "ulimit -d \"$0\" && exec \"$@\""])
        .arg(most.to_string())
        .args([env!("CARGO_BIN_EXE_wirelab"), "sniff", "-r"])
        .arg(file)
        .args(format)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn no_file_makes_it_crash_or_take_more_than_64_mib() {
    let kept = std::env::var_os("WIRELAB_HOSTILE_FILES").map(PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let folder = kept.as_deref().unwrap_or_else(|| folder.path());
    let mut wrong = Vec::new();
    for file in files(folder) {
        for format in [&["--summary"][..], &["--json"], &[]] {
            let output = sniff(&file, format, MOST);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Read, with something to say; or refused, with a reason.
            let fine = match output.status.code() {
                Some(0) => !output.stdout.is_empty(),
                Some(2 | 3) => !said.is_empty(),
                _ => false,
            };
            if !fine || said.contains("panicked") {
                wrong.push(format!("{} {format:?}: {} {said}", file.display(), output.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_limit_on_memory_bites() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path(), "one.pcap", |pcap| {
        pcap.says((CLIENT, 40_000), true, b"*1\r\n$4\r\nPING\r\n");
    });
    assert_eq!(sniff(&file, &["--summary"], MOST).status.code(), Some(0));
    let refused = sniff(&file, &["--summary"], 256);
    assert_ne!(refused.status.code(), Some(0), "256 KiB are not enough for anything");
}
