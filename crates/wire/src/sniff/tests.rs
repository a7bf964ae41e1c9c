mod credentials;
mod inside;
mod transactions;

use super::*;
use crate::testkit::{Dialogue, Side, client_hello, record, tcp, tcp_ports};
use proptest::prelude::*;
use wirelab_model::{Frame, LINKTYPE_ETHERNET};

const PORTS: (u16, u16) = (40_000, 6379);

/// Each event in a few words.
fn words(event: &Event<'_>) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match event {
        Event::Command(command) => {
            let words: Vec<String> = command.words.iter().map(text).collect();
            let from = if command.from == Direction::Server { "master " } else { "" };
            format!("{}{from}{}{}", command.flow, words.join(" "), if command.cut { " CUT" } else { "" })
        }
        Event::Reply(reply) => {
            let to = match (reply.push, reply.answers) {
                (true, _) => "push".to_owned(),
                (false, Some(id)) => format!("to {id}"),
                (false, None) => "to ?".to_owned(),
            };
            let parts =
                if reply.parts.is_empty() { String::new() } else { format!(" for {:?}", reply.parts) };
            let marks = [(reply.cut, " CUT"), (reply.secret, " SECRET")];
            let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
            format!("{to}{parts} {}{marks}", text(reply.bytes))
        }
        Event::Credential(credential) => {
            let user = credential.user.as_deref().map_or_else(|| "-".into(), text);
            let secret = credential.secret.as_deref().map_or_else(|| "-".into(), text);
            format!("! {} {user} {secret} {:?}", credential.carrier, credential.result)
        }
        Event::Tls { seen, .. } => format!("tls {}", seen.sni.as_deref().unwrap_or("-")),
        Event::Gap { direction, bytes, .. } => format!("gap {direction:?} {bytes}"),
        Event::Stream { direction, chunk, .. } => format!("stream {direction:?} {chunk:?}"),
        Event::Message { message, .. } => format!("message {message:?}"),
        Event::Flow(end) => {
            let mut words = format!("flow {} {:?} {}/{}", end.flow, end.kind, end.commands, end.replies);
            for (number, name) in [
                (end.gaps, "gaps"),
                (end.truncated, "cut"),
                (end.conflicts, "conflicts"),
                (end.after_reset, "after-reset"),
            ] {
                if number > 0 {
                    words += &format!(" {name} {number}");
                }
            }
            for (is, name) in
                [(end.mixed, "mixed"), (end.replication, "replication"), (end.cluster_bus, "bus")]
            {
                if is {
                    words = words + " " + name;
                }
            }
            words
        }
    }
}

fn run_with(settings: Settings, frames: &[Frame]) -> (Vec<String>, Totals) {
    let mut seen = Vec::new();
    let mut sniffer = Sniffer::new(settings);
    for (index, frame) in (0_u64..).zip(frames) {
        let time = index * 1_000_000;
        sniffer.push(&frame.bytes, frame.wire_len, LINKTYPE_ETHERNET, time, &mut |event| {
            seen.push(words(&event));
        });
    }
    let totals = sniffer.finish(&mut |event| seen.push(words(&event)));
    (seen, totals)
}

fn run(frames: &[Frame]) -> Vec<String> {
    run_with(Settings::default(), frames).0
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// The client and the server of a connection say this in one segment each.
fn exchange(client: &[u8], server: &[u8]) -> Vec<String> {
    let mut dialogue = Dialogue::open(PORTS);
    dialogue.say(Side::Client, client).say(Side::Server, server);
    run(&dialogue.frames)
}

#[test]
fn commands_replies_and_credentials_with_their_results() {
    let client =
        [command(&["AUTH", "bob", "no"]), command(&["AUTH", "bob", "pw"]), command(&["GET", "k"])].concat();
    assert_eq!(
        exchange(&client, b"-WRONGPASS x\r\n+OK\r\n$-1\r\n"),
        [
            "1AUTH bob no",
            "1AUTH bob pw",
            "1GET k",
            "to 1 -WRONGPASS x\\r\\n",
            "! AUTH bob no Rejected",
            "to 2 +OK\\r\\n",
            "! AUTH bob pw Accepted",
            "to 3 $-1\\r\\n",
            "flow 1 Plaintext 3/3",
        ]
    );
}

#[test]
fn a_value_that_holds_a_command_is_a_value_also_at_the_start_of_a_segment() {
    let inner = String::from_utf8(command(&["AUTH", "bob", "pw"])).unwrap();
    let whole = command(&["SET", "k", &inner]);
    let at = whole.len() - inner.len() - 2;
    let mut dialogue = Dialogue::open(PORTS);
    dialogue.say(Side::Client, &whole[..at]).say(Side::Client, &whole[at..]).say(Side::Server, b"+OK\r\n");
    let seen = run(&dialogue.frames);
    assert!(!seen.iter().any(|line| line.starts_with('!')), "{seen:?}");
    assert_eq!(seen.len(), 3);
}

#[test]
fn inline_commands_are_believed_on_a_port_of_redis_only() {
    let seen = exchange(b"SET k \"a b\"\r\n\r\nAUTH pw\r\n", b"+OK\r\n+OK\r\n");
    assert_eq!(seen[..2], ["1SET k a b", "1AUTH pw"]);
    let mut http = Dialogue::open((40_000, 80));
    http.say(Side::Client, b"GET / HTTP/1.1\r\n\r\n").say(Side::Server, b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(run(&http.frames), ["flow 1 Other 0/0"]);
    let mut pop = Dialogue::open((40_000, 110));
    pop.say(Side::Server, b"+OK POP3\r\n").say(Side::Client, b"USER bob\r\n").say(Side::Server, b"+OK\r\n");
    assert_eq!(run(&pop.frames), ["flow 1 Other 0/0"]);
    let mut other = Dialogue::open((40_000, 7777));
    other.say(Side::Client, &command(&["GET", "k"])).say(Side::Server, b"$1\r\nv\r\n");
    assert_eq!(run(&other.frames), ["1GET k", "to 1 $1\\r\\nv\\r\\n", "flow 1 Plaintext 1/1"]);
}

#[test]
fn the_configuration_read_back_gives_its_secrets() {
    let seen = exchange(
        &command(&["CONFIG", "GET", "*"]),
        b"*4\r\n$11\r\nrequirepass\r\n$2\r\npw\r\n$10\r\nmasterauth\r\n$0\r\n\r\n",
    );
    assert_eq!(seen[2], "! CONFIG GET requirepass - pw Accepted");
    assert_eq!(seen.len(), 4, "an empty one is no secret: {seen:?}");
}

#[test]
fn a_hole_in_a_value_costs_that_value_and_a_hole_in_a_header_that_command() {
    let commands =
        [command(&["SET", "k", &"v".repeat(300)]), command(&["GET", "a"]), command(&["GET", "b"])].concat();
    // Bytes that are never seen: within the value; over the header of the second command.
    for (lost, gap, first, commands_seen, paired) in
        [(60..100, 40, "1SET k ", 3, true), (330..345, 15, "gap", 2, false)]
    {
        let mut dialogue = Dialogue::open(PORTS);
        dialogue.say(Side::Client, &commands[..lost.start]);
        dialogue.say(Side::Client, &commands[lost.clone()]);
        dialogue.frames.pop();
        dialogue.say(Side::Client, &commands[lost.end..]);
        dialogue.say(Side::Server, b"+OK\r\n");
        let seen = run(&dialogue.frames);
        assert!(seen.iter().any(|line| line == &format!("gap Client {gap}")), "{seen:?}");
        assert!(seen.iter().any(|line| line.starts_with(first)), "{seen:?}");
        assert_eq!(seen.iter().filter(|line| line.contains("GET")).count(), commands_seen - 1, "{seen:?}");
        let reply = if paired { "to 1" } else { "to ?" };
        assert!(seen.iter().any(|line| line.starts_with(reply)), "nothing is guessed after a loss: {seen:?}");
    }
}

#[test]
fn a_server_is_read_again_after_a_hole() {
    let mut dialogue = Dialogue::open(PORTS);
    dialogue.say(Side::Client, &[command(&["GET", "a"]), command(&["GET", "b"])].concat());
    dialogue.say(Side::Server, b"$5\r\nlo").say(Side::Server, b"st!\r\n$3\r\n");
    dialogue.frames.pop();
    dialogue.say(Side::Server, b"abc\r\n+still\r\n");
    dialogue.say(Side::Client, &command(&["GET", "c"])).say(Side::Server, b"$1\r\nc\r\n");
    let seen = run(&dialogue.frames);
    assert!(seen.contains(&"to ? +still\\r\\n".to_owned()), "{seen:?}");
    assert!(seen.contains(&"to ? $1\\r\\nc\\r\\n".to_owned()), "{seen:?}");
}

#[test]
fn what_comes_after_a_reset_is_counted_and_not_believed() {
    let mut dialogue = Dialogue::open(PORTS);
    dialogue.say(Side::Client, &command(&["PING"])).send(Side::Client, "R", b"");
    dialogue.say(Side::Client, &command(&["AUTH", "pw"]));
    assert_eq!(run(&dialogue.frames), ["1PING", "flow 1 Plaintext 1/0 after-reset 22"]);
}

#[test]
fn other_bytes_for_the_same_place_are_named() {
    let mut dialogue = Dialogue::open(PORTS);
    dialogue.say(Side::Client, b"PING\r\n");
    let mut copy = dialogue.frames.last().unwrap().clone();
    let last = copy.bytes.len() - 3;
    copy.bytes[last] = b'X';
    dialogue.frames.push(copy);
    dialogue.say(Side::Server, b"+PONG\r\n");
    assert_eq!(run(&dialogue.frames).last().unwrap(), "flow 1 Plaintext 1/1 conflicts 1");
}

#[test]
fn a_port_that_is_used_again_is_another_flow() {
    let mut frames = Vec::new();
    for seq in [100, 900_000] {
        frames.push(tcp(Side::Client, seq, None, "S", b""));
        frames.push(tcp(Side::Client, seq + 1, None, "", &command(&["GET", &seq.to_string()])));
    }
    assert_eq!(run(&frames), ["1GET 100", "flow 1 Plaintext 1/0", "2GET 900000", "flow 2 Plaintext 1/0"]);
}

#[test]
fn a_capture_that_begins_in_the_middle_or_shows_one_side_only_is_read() {
    let middle =
        [b"rest of a value\r\n".as_slice(), &command(&["GET", "k"]), &command(&["GET", "l"])].concat();
    let seen = run(&[
        tcp(Side::Client, 5, Some(1), "", &middle),
        tcp(Side::Server, 1, Some(70), "", b"$1\r\nv\r\n"),
    ]);
    assert_eq!(seen[..2], ["1GET k", "1GET l"], "{seen:?}");
    // Neither port is known, and the client has the lower one.
    let ports = (7000, 50_000);
    for first in [Side::Client, Side::Server] {
        let mut frames = vec![
            tcp_ports(Side::Client, ports, 5, Some(1), "", &command(&["GET", "k"])),
            tcp_ports(Side::Server, ports, 1, Some(25), "", b"$1\r\nv\r\n"),
            tcp_ports(Side::Client, ports, 25, Some(8), "", &command(&["GET", "l"])),
        ];
        if first == Side::Server {
            frames.remove(0);
        }
        assert!(run(&frames).contains(&"1GET l".to_owned()), "{first:?}: {:?}", run(&frames));
    }
    let client_only = run(&[tcp(Side::Client, 5, Some(1), "", &command(&["AUTH", "pw"]))]);
    assert_eq!(client_only, ["1AUTH pw", "! AUTH - pw Unknown", "flow 1 Plaintext 1/0"]);
    let server_only = run(&[tcp(Side::Server, 5, Some(1), "", b"+OK\r\n:1\r\n")]);
    assert_eq!(server_only, ["to ? +OK\\r\\n", "to ? :1\\r\\n", "flow 1 Plaintext 0/2"]);
}

#[test]
fn a_replica_gets_a_payload_and_then_commands() {
    let mut dialogue = Dialogue::open(PORTS);
    dialogue.say(Side::Client, &[command(&["AUTH", "pw"]), command(&["PSYNC", "?", "-1"])].concat());
    dialogue.say(Side::Server, b"+OK\r\n+FULLRESYNC x 0\r\n\n$9\r\nREDIS");
    dialogue.say(Side::Server, &[b"*1\r\n".as_slice(), &command(&["SET", "k", "v"])].concat());
    dialogue.say(Side::Client, &command(&["REPLCONF", "ACK", "1"]));
    dialogue.say(Side::Server, &command(&["PING"]));
    let seen = run(&dialogue.frames);
    assert_eq!(
        seen[2..],
        [
            "to 1 +OK\\r\\n",
            "! masterauth - pw Accepted",
            "to 2 +FULLRESYNC x 0\\r\\n",
            "1master SET k v",
            "1REPLCONF ACK 1",
            "1master PING",
            "flow 1 Plaintext 5/2 replication",
        ]
    );
}

#[test]
fn plaintext_then_tls_is_one_mixed_flow_and_the_bus_of_a_cluster_is_named() {
    let hello = record(22, &client_hello(Some("a.example")));
    let seen = exchange(&[command(&["PING"]), hello].concat(), b"+PONG\r\n");
    assert_eq!(seen, ["1PING", "tls a.example", "to 1 +PONG\\r\\n", "flow 1 Tls 1/1 mixed"]);
    let mut bus = Dialogue::open((40_000, 16_379));
    bus.say(Side::Client, b"RCmb\0\0\x01\0");
    assert_eq!(run(&bus.frames), ["flow 1 Other 0/0 bus"]);
}

#[test]
fn a_hole_in_tls_is_told_and_reading_goes_on_behind_it() {
    use crate::tls::fixtures;
    let name = "tls13-key-update";
    let file = std::fs::read(fixtures::path(&format!("{name}.pcap"))).unwrap();
    let keys = std::fs::read(fixtures::path(&format!("{name}.keys"))).unwrap();
    let (mut packets, mut at) = (Vec::new(), 24);
    while at < file.len() {
        let length = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        packets.push(&file[at + 16..at + 16 + length]);
        at += 16 + length;
    }
    let read = |without: usize| {
        let mut sniffer = Sniffer::new(Settings::default());
        assert!(sniffer.add_keys(&keys) > 0);
        let mut seen = Vec::new();
        for (index, packet) in packets.iter().enumerate().filter(|(index, _)| *index != without) {
            let (length, time) = (u32::try_from(packet.len()).unwrap(), index as u64);
            sniffer.push(packet, length, LINKTYPE_ETHERNET, time, &mut |event| seen.push(words(&event)));
        }
        let totals = sniffer.finish(&mut |event| seen.push(words(&event)));
        // Which command a reply answers is not known behind a hole.
        let said = |line: &String| match line.split_once(' ') {
            Some(("to", rest)) => rest.split_once(' ').map(|(_, reply)| reply.to_owned()),
            _ => line.starts_with('1').then(|| line.clone()),
        };
        (seen.iter().filter_map(said).collect::<Vec<_>>(), totals)
    };
    let (whole, totals) = read(usize::MAX);
    assert_eq!((totals.gaps, totals.sealed, totals.decrypted), (0, 0, 5), "{whole:?}");
    let mut read_again = 0;
    for (index, packet) in packets.iter().enumerate() {
        let length = u32::try_from(packet.len()).unwrap();
        let Packet::Tcp(segment) = read_bytes(packet, length, LINKTYPE_ETHERNET) else { continue };
        if segment.payload.is_empty() {
            continue;
        }
        let (seen, totals) = read(index);
        assert_eq!(totals.gaps, segment.payload.len() as u64, "packet {index}");
        assert!(seen.iter().all(|line| whole.contains(line)), "packet {index}: {seen:?}");
        // Something is gone, and the last that was said is there.
        read_again += usize::from(seen.len() < whole.len() && seen.last() == whole.last());
    }
    assert!(read_again > 0, "nothing was read behind a hole");
}

#[test]
fn resp3_pushes_and_subscriptions_do_not_shift_the_pairing() {
    let client = [command(&["SUBSCRIBE", "a", "b"]), command(&["PING"])].concat();
    let server = b">3\r\n+subscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n>2\r\n+invalidate\r\n_\r\n+PONG\r\n";
    let seen = exchange(&client, server);
    // The confirmation that is no bulk string is taken for a push: Redis sends bulk strings.
    assert!(seen[2].starts_with("push") && seen[3].starts_with("to 1"), "{seen:?}");
    let server = b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n>2\r\n$3\r\nfoo\r\n_\r\n+PONG\r\n";
    let seen = exchange(&client, server);
    assert!(seen[4].starts_with("push") && seen[5] == "to 2 +PONG\\r\\n", "{seen:?}");
}

#[test]
fn long_values_are_cut_and_stay_in_step() {
    let long = "v".repeat(3 << 20);
    let bytes = [command(&["SET", "k", &long]), command(&["GET", "k"])].concat();
    let mut dialogue = Dialogue::open(PORTS);
    for piece in bytes.chunks(60_000) {
        dialogue.say(Side::Client, piece);
    }
    let seen = run(&dialogue.frames);
    assert!(seen[0].starts_with("1SET k vvv") && seen[0].ends_with(" CUT") && seen[0].len() < 5000);
    assert_eq!(seen[1..], ["1GET k", "flow 1 Plaintext 2/0 cut 1"]);
}

#[test]
fn hostile_lengths_and_crowds_hold_no_memory() {
    let mut sniffer = Sniffer::new(Settings::default());
    let mut flows = 0;
    for port in 0..20_000_u16 {
        let ports = (10_000 + port % 40_000, 6379);
        let frame = tcp_ports(Side::Client, ports, u32::from(port), None, "S", b"");
        sniffer.push(&frame.bytes, frame.wire_len, LINKTYPE_ETHERNET, 0, &mut |event| {
            flows += u64::from(matches!(event, Event::Flow(_)));
        });
        let body = [b"*2\r\n$1000000000\r\n".as_slice(), &[b'x'; 9000]].concat();
        let frame = tcp_ports(Side::Client, ports, u32::from(port) + 1, None, "", &body);
        sniffer.push(&frame.bytes, frame.wire_len, LINKTYPE_ETHERNET, 0, &mut |_| {});
    }
    assert!(sniffer.held <= side::MOST_HELD + (1 << 20), "{} bytes held", sniffer.held);
    assert!(sniffer.table.len() <= MOST_FLOWS);
    assert_eq!(flows + sniffer.table.len() as u64, 20_000, "each is told at its end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn segmentation_order_and_copies_do_not_matter(
        steps in proptest::collection::vec(1_usize..40, 1..40), swaps in proptest::collection::vec((0_usize..60, 0_usize..60), 0..20), twice: bool,
    ) {
        let client = [
            command(&["HELLO", "3", "AUTH", "bob", "pw"]), command(&["SET", "k", "*1\r\n$4\r\nPING\r\n"]), b"PING\r\n".to_vec(),
            command(&["GET", &"k".repeat(90)]),
        ].concat();
        let mut whole = Dialogue::open(PORTS);
        whole.say(Side::Client, &client).say(Side::Server, b"%1\r\n+a\r\n:1\r\n+OK\r\n+PONG\r\n$-1\r\n");
        let expected = run(&whole.frames);
        prop_assert_eq!(expected.len(), 10);

        let mut pieces = Dialogue::open(PORTS);
        let (mut at, mut step) = (0, steps.iter().cycle());
        while at < client.len() {
            let end = (at + step.next().unwrap()).min(client.len());
            pieces.say(Side::Client, &client[at..end]);
            at = end;
        }
        let (open, data) = pieces.frames.split_at(2);
        let mut data = data.to_vec();
        for (a, b) in swaps {
            let length = data.len();
            data.swap(a % length, b % length);
        }
        if twice {
            data = data.iter().flat_map(|frame| [frame.clone(), frame.clone()]).collect();
        }
        let frames = [open, &data, &whole.frames[3..]].concat();
        prop_assert_eq!(run(&frames), expected);
    }

    #[test]
    fn hostile_streams_never_panic(
        parts in proptest::collection::vec((any::<bool>(), 0_u8..9, proptest::collection::vec(any::<u8>(), 0..30), 0_u32..5), 0..60), known: bool,
    ) {
        let ports = (40_000, if known { 6379 } else { 7000 });
        let mut dialogue = Dialogue::open(ports);
        for (client, kind, noise, lost) in parts {
            let from = if client { Side::Client } else { Side::Server };
            let bytes = match kind {
                0 => command(&["SET", "k", "v"]),
                1 => b"*3\r\n$3\r\nSET\r\n$100\r\n".to_vec(),
                2 => b"+FULLRESYNC a 1\r\n$EOF:".to_vec(),
                3 => command(&["PSYNC", "?", "-1"]),
                4 => record(23, &noise),
                5 => b"$-1\r\n%1\r\n+a\r\n_\r\n".to_vec(),
                _ => noise,
            };
            if lost == 0 && !bytes.is_empty() {
                dialogue.say(from, &bytes);
                dialogue.frames.pop();
            } else {
                dialogue.say(from, &bytes);
            }
        }
        run(&dialogue.frames);
        run(&dialogue.frames[2..]);
    }
}
