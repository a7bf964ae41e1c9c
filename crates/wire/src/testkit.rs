//! Packets for tests.

use etherparse::PacketBuilder;
use wirelab_model::{Canaries, Frame};

/// Four secrets whose random parts differ.
pub(crate) fn canaries() -> Canaries {
    let random = |first: u8| {
        std::array::from_fn(|index| first.wrapping_mul(31).wrapping_add((index as u8).wrapping_mul(37)))
    };
    Canaries::new([random(1), random(2), random(3), random(4)])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// A frame of these bytes.
pub(crate) fn frame(bytes: Vec<u8>) -> Frame {
    Frame { time: 1_000_000, wire_len: u32::try_from(bytes.len()).unwrap(), bytes }
}

/// A TCP segment between 127.0.0.1:40000 (client) and 127.0.0.1:6379 (server); flags by letter.
pub(crate) fn tcp(from: Side, seq: u32, ack: Option<u32>, flags: &str, payload: &[u8]) -> Frame {
    tcp_ports(from, (40000, 6379), seq, ack, flags, payload)
}

pub(crate) fn tcp_ports(
    from: Side,
    (client, server): (u16, u16),
    seq: u32,
    ack: Option<u32>,
    flags: &str,
    payload: &[u8],
) -> Frame {
    let (source, destination) = if from == Side::Client { (client, server) } else { (server, client) };
    let mut builder = PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64).tcp(
        source,
        destination,
        seq,
        65535,
    );
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'F' => builder.fin(),
            'R' => builder.rst(),
            _ => builder,
        };
    }
    if let Some(ack) = ack {
        builder = builder.ack(ack);
    }
    let mut bytes = Vec::new();
    builder.write(&mut bytes, payload).unwrap();
    frame(bytes)
}

/// Frames of a connection that loses nothing: the handshake, then what is said in turn.
pub(crate) struct Dialogue {
    ports: (u16, u16),
    next: [u32; 2],
    pub(crate) frames: Vec<Frame>,
}

impl Dialogue {
    pub(crate) fn open(ports: (u16, u16)) -> Self {
        let mut dialogue = Self { ports, next: [u32::MAX - 3, 5000], frames: Vec::new() };
        let [client, server] = dialogue.next;
        let add = |from, seq, ack, flags| tcp_ports(from, ports, seq, ack, flags, b"");
        dialogue.frames.push(add(Side::Client, client, None, "S"));
        dialogue.frames.push(add(Side::Server, server, Some(client.wrapping_add(1)), "S"));
        dialogue.next = dialogue.next.map(|next| next.wrapping_add(1));
        dialogue
    }

    pub(crate) fn say(&mut self, from: Side, payload: &[u8]) -> &mut Self {
        self.send(from, "", payload)
    }

    pub(crate) fn send(&mut self, from: Side, flags: &str, payload: &[u8]) -> &mut Self {
        let [client, server] = self.next;
        let (seq, ack) = if from == Side::Client { (client, server) } else { (server, client) };
        self.frames.push(tcp_ports(from, self.ports, seq, Some(ack), flags, payload));
        let length = u32::try_from(payload.len()).unwrap() + u32::from(flags.contains('F'));
        let index = usize::from(from == Side::Server);
        self.next[index] = self.next[index].wrapping_add(length);
        self
    }
}

/// A TLS record.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3][..], &length, body].concat()
}

/// A TLS handshake message.
pub(crate) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &length[1..], body].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&kind.to_be_bytes()[..], &length, body].concat()
}

fn with_length(body: Vec<u8>) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

/// A ClientHello that offers TLS 1.3 and 1.2; its first extension is one that no parser knows.
pub(crate) fn client_hello(sni: Option<&str>) -> Vec<u8> {
    let mut extensions = [extension(0xfafa, b""), extension(0x1234, b"odd"), extension(10, b"\0")].concat();
    if let Some(name) = sni {
        let entry = [&[0][..], &with_length(name.as_bytes().to_vec())].concat();
        extensions.extend(extension(0, &with_length(entry)));
    }
    extensions.extend(extension(43, &[4, 3, 4, 3, 3]));
    let body = [&[3, 3][..], &[5; 32], &[0], &[0, 4, 0x13, 1, 0xc0, 0x2f], &[1, 0], &with_length(extensions)]
        .concat();
    handshake(1, &body)
}

/// A ServerHello that selects a version and a suite.
pub(crate) fn server_hello(version: u16, cipher: u16, random: &[u8; 32]) -> Vec<u8> {
    let mut extensions = extension(0xff01, &[0]);
    if version == 0x0304 {
        extensions.extend(extension(43, &version.to_be_bytes()));
    }
    let body = [&[3, 3][..], random, &[0], &cipher.to_be_bytes(), &[0], &with_length(extensions)].concat();
    handshake(2, &body)
}
