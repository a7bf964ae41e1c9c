//! What the benches of the hot paths read: made the same each time.
#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a bench may fail")]

/// So many commands in one pipeline: SET and GET in turn, values of 256 bytes.
pub fn pipeline(commands: usize) -> Vec<u8> {
    let value = "v".repeat(256);
    (0..commands).fold(Vec::new(), |mut bytes, number| {
        let key = format!("key:{number:012}");
        let command = if number % 2 == 0 {
            format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$256\r\n{value}\r\n", key.len())
        } else {
            format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len())
        };
        bytes.extend_from_slice(command.as_bytes());
        bytes
    })
}

/// A pcap of raw IP: one connection, pipelines of 16, each answered in one segment.
pub fn capture(pipelines: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        file.extend(field.to_le_bytes());
    }
    let (mut client, mut server) = (1_u32, 1_u32);
    let request = pipeline(16);
    let reply = [b"+OK\r\n".as_slice(), b"$256\r\n", &[b'v'; 256], b"\r\n"].concat().repeat(8);
    for _ in 0..pipelines {
        for (ports, seq, ack, payload) in
            [((40_000_u16, 6379_u16), client, server, &request), ((6379, 40_000), server, client, &reply)]
        {
            let length = u16::try_from(40 + payload.len()).unwrap();
            let mut packet = vec![0x45, 0];
            packet.extend(length.to_be_bytes());
            packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
            packet.extend(ports.0.to_be_bytes());
            packet.extend(ports.1.to_be_bytes());
            packet.extend(seq.to_be_bytes());
            packet.extend(ack.to_be_bytes());
            packet.extend([0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
            packet.extend_from_slice(payload);
            let size = u32::try_from(packet.len()).unwrap();
            for field in [0, 0, size, size] {
                file.extend(field.to_le_bytes());
            }
            file.extend(packet);
        }
        client = client.wrapping_add(u32::try_from(request.len()).unwrap());
        server = server.wrapping_add(u32::try_from(reply.len()).unwrap());
    }
    file
}
