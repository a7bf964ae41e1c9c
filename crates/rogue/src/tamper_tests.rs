use super::*;
use wirelab_redis::{Access, Session, Store};

const KEY: &[u8] = b"key-1";
const VALUE: &[u8] = b"value-1";
const FORGED: &[u8] = b"forged1";

/// A conversation through the relay with the embedded server: what the client gets for each of its lines, and
/// what the server was asked.
fn talk(how: Tampering, lines: &[&str]) -> (Vec<String>, Vec<String>, Vec<&'static str>) {
    let (key, value, forged) = (KEY.to_vec(), VALUE.to_vec(), FORGED.to_vec());
    let mut relay = Tamperer::new(Plan { how, key, value, forged });
    let mut server = Session::new(Access::Anyone, Store::default());
    let (mut replies, mut done) = (Vec::new(), Vec::new());
    for line in lines {
        let up = relay.of_client(format!("{line}\r\n").as_bytes());
        let mut said = Vec::new();
        server.receive(&up.to_server, &mut said);
        let down = relay.of_server(&said);
        replies.push(String::from_utf8([up.to_client, down.to_client].concat()).unwrap());
        done.extend(up.done.into_iter().chain(down.done));
    }
    (replies, server.commands().to_vec(), done)
}

const SIMPLE: [&str; 3] = ["AUTH pw", "SET key-1 value-1", "GET key-1"];

#[test]
fn each_lie_about_a_reply() {
    let (replies, _, done) = talk(Tampering::ReplyType, &SIMPLE);
    assert_eq!(replies[2], "+forged1\r\n");
    assert_eq!(done.len(), 1);
    let (replies, commands, _) = talk(Tampering::ReplyError, &SIMPLE);
    assert_eq!(replies[1..], ["+OK\r\n", "$7\r\nvalue-1\r\n"]);
    assert_eq!(commands[1], "SET/1", "which is no command");
    let (replies, _, _) = talk(Tampering::ReplyDropped, &SIMPLE);
    assert_eq!(replies[1..], ["", "$7\r\nvalue-1\r\n"]);
    let (replies, _, _) = talk(Tampering::ReplyDuplicated, &SIMPLE);
    assert_eq!(replies[1..], ["+OK\r\n", "+OK\r\n$7\r\nvalue-1\r\n"]);
    let (replies, _, _) = talk(Tampering::PushForged, &SIMPLE);
    assert_eq!(replies[2], ">3\r\n$7\r\nmessage\r\n$5\r\nkey-1\r\n$7\r\nforged1\r\n$7\r\nvalue-1\r\n");
}

#[test]
fn each_lie_about_a_command() {
    let (replies, commands, _) = talk(Tampering::KeyRewritten, &[&SIMPLE[..], &["EXISTS key-1"]].concat());
    assert_eq!(replies[2..], ["$7\r\nvalue-1\r\n", ":0\r\n"], "it is under the other key");
    assert_eq!(commands, ["AUTH/1", "SET/2", "GET/1", "EXISTS/1"]);
    let (replies, commands, _) = talk(Tampering::CommandSwapped, &SIMPLE);
    assert_eq!((replies[2].as_str(), commands[2].as_str()), ("$7\r\nforged1\r\n", "CONFIG/2"));
    let (replies, commands, _) = talk(Tampering::ScriptInjected, &SIMPLE);
    assert_eq!(commands, ["AUTH/1", "SET/2", "EVAL/4", "GET/1"]);
    assert_eq!(
        replies[2], "$7\r\nvalue-1\r\n",
        "the embedded server knows no scripts, and its reply is kept"
    );
}

const CACHED: [&str; 7] = [
    "HELLO 3 AUTH default pw",
    "CLIENT TRACKING ON",
    "SET key-1 old",
    "GET key-1",
    "SET key-1 value-1",
    "GET key-1",
    "PING",
];

#[test]
fn each_lie_about_a_cache() {
    let word = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$5\r\nkey-1\r\n";
    let (replies, _, done) = talk(Tampering::InvalidationDropped, &CACHED);
    assert_eq!((replies[4].as_str(), done.len()), ("+OK\r\n", 1));
    let (replies, _, _) = talk(Tampering::InvalidationForged, &[&CACHED[..], &["GET key-1"]].concat());
    assert_eq!(replies[4], format!("+OK\r\n{word}"), "the server's own goes through");
    assert_eq!(replies[6..], [format!("{word}+PONG\r\n"), "$7\r\nforged1\r\n".into()]);
}

#[test]
fn each_lie_about_a_channel() {
    let lines = ["HELLO 3 AUTH default pw", "SUBSCRIBE key-1", "PUBLISH key-1 value-1", "PING"];
    let (replies, _, done) = talk(Tampering::MessageDropped, &lines);
    assert_eq!((replies[2].as_str(), done), (":1\r\n", vec!["kept a message"]));
    let (replies, _, _) = talk(Tampering::MessageForged, &lines);
    assert!(replies[1].ends_with(">3\r\n$7\r\nmessage\r\n$5\r\nkey-1\r\n$7\r\nforged1\r\n"), "{replies:?}");
    assert!(replies[2].contains("value-1"), "the true one comes too: {replies:?}");
}

/// What is not for it goes through as it is, also where it comes in pieces or is no RESP at all.
#[test]
fn the_rest_goes_through() {
    let (key, value, forged) = (KEY.to_vec(), VALUE.to_vec(), FORGED.to_vec());
    let mut relay = Tamperer::new(Plan { how: Tampering::ReplyType, key, value, forged });
    let mut there = Vec::new();
    for byte in b"*2\r\n$3\r\nGET\r\n$5\r\nother\r\n" {
        there.extend(relay.of_client(&[*byte]).to_server);
    }
    assert_eq!(there, b"*2\r\n$3\r\nGET\r\n$5\r\nother\r\n");
    let mut back = Vec::new();
    for byte in b"$3\r\nabc\r\n" {
        back.extend(relay.of_server(&[*byte]).to_client);
    }
    assert_eq!(back, b"$3\r\nabc\r\n");
    relay.of_server(b"HTTP/1.1 400\r\n");
    assert_eq!(relay.of_server(b"more").to_client, b"more");
    assert_eq!(relay.of_client(b"more").to_server, b"more");
}
