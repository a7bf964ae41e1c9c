use super::{PORTS, command, exchange, run};
use crate::testkit::{Dialogue, Side, tcp};

/// What is said about credentials after these commands and replies, in turn.
fn told(turns: &[(&str, &str)]) -> Vec<String> {
    let mut dialogue = Dialogue::open(PORTS);
    for (line, reply) in turns {
        dialogue.say(Side::Client, &command(&line.split(' ').collect::<Vec<_>>()));
        if !reply.is_empty() {
            dialogue.say(Side::Server, format!("{reply}\r\n").as_bytes());
        }
    }
    credentials(&run(&dialogue.frames))
}

fn credentials(seen: &[String]) -> Vec<String> {
    seen.iter().filter_map(|line| line.strip_prefix("! ")).map(str::to_owned).collect()
}

#[test]
fn a_replica_gives_the_password_of_its_master() {
    let handshake = [("PING", "-NOAUTH"), ("AUTH repl pw", "+OK"), ("REPLCONF listening-port 1", "+OK")];
    assert_eq!(told(&handshake), ["masterauth repl pw Accepted"]);
    assert_eq!(told(&[("AUTH pw", "+OK"), ("SYNC", "")]), ["masterauth - pw Accepted"]);
    assert_eq!(told(&[("AUTH pw", "-WRONGPASS x"), ("PSYNC ? -1", "-NOAUTH")]), ["masterauth - pw Rejected"]);
    assert_eq!(
        told(&[("AUTH pw", "+OK"), ("GET k", "$-1"), ("REPLCONF a b", "+OK")]),
        ["AUTH - pw Accepted"]
    );
    assert_eq!(told(&[("AUTH pw", "+OK")]), ["AUTH - pw Accepted"], "told at the end of the connection");
}

#[test]
fn the_server_writes_down_what_was_set_and_taken() {
    assert_eq!(
        told(&[
            ("CONFIG REWRITE", "+OK"),
            ("CONFIG SET requirepass one", "+OK"),
            ("CONFIG SET masterauth two", "+OK"),
            ("CONFIG SET requirepass three", "-ERR x"),
            ("CONFIG REWRITE", "+OK"),
            ("CONFIG REWRITE", "-ERR no file"),
        ]),
        [
            "CONFIG SET requirepass - one Accepted",
            "CONFIG SET masterauth - two Accepted",
            "CONFIG SET requirepass - three Rejected",
            "CONFIG REWRITE - one Accepted",
            "CONFIG REWRITE - two Accepted",
            "CONFIG REWRITE - one Rejected",
            "CONFIG REWRITE - two Rejected",
        ]
    );
    let client_only =
        [command(&["CONFIG", "SET", "requirepass", "s"]), command(&["CONFIG", "REWRITE"])].concat();
    assert_eq!(
        credentials(&run(&[tcp(Side::Client, 5, Some(1), "", &client_only)])),
        ["CONFIG SET requirepass - s Unknown", "CONFIG REWRITE - s Unknown"]
    );
}

#[test]
fn a_reply_that_was_captured_first_counts_only_where_the_start_was_seen() {
    let auth = command(&["AUTH", "x"]);
    let mut whole = Dialogue::open(PORTS);
    whole.say(Side::Server, b"-ERR x\r\n").say(Side::Client, &auth);
    assert_eq!(credentials(&run(&whole.frames)), ["AUTH - x Rejected"]);
    assert_eq!(credentials(&run(&whole.frames[2..])), ["AUTH - x Unknown"]);
}

#[test]
fn the_server_gives_its_own_passwords_away() {
    let bodies = "$11\r\nrequirepass\r\n$2\r\ns3\r\n$10\r\nmasteruser\r\n$3\r\nbob\r\n$10\r\nmasterauth\r\n$2\r\nm4\r\n";
    let expected = ["CONFIG GET requirepass - s3 Accepted", "CONFIG GET masterauth bob m4 Accepted"];
    for head in ["*6", "%3"] {
        let reply = format!("{head}\r\n{bodies}");
        let asked = command(&["CONFIG", "GET", "*"]);
        let seen = exchange(&asked, reply.as_bytes());
        assert_eq!(credentials(&seen), expected);
        assert!(seen[1].ends_with(" SECRET"), "{seen:?}");
        let mut early = Dialogue::open(PORTS);
        early.say(Side::Server, reply.as_bytes()).say(Side::Client, &asked);
        assert_eq!(credentials(&run(&early.frames)), expected);
        // A hash may have such fields: no credential. What nobody asked for in sight is masked in any case.
        let seen = exchange(&command(&["HGETALL", "h"]), reply.as_bytes());
        assert!(credentials(&seen).is_empty() && !seen[1].ends_with(" SECRET"), "{seen:?}");
        let seen = run(&[tcp(Side::Server, 5, Some(1), "", reply.as_bytes())]);
        assert!(credentials(&seen).is_empty() && seen[0].ends_with(" SECRET"), "{seen:?}");
    }
}

#[test]
fn too_many_credentials_that_wait_are_told_without_an_answer() {
    let mut dialogue = Dialogue::open(PORTS);
    for _ in 0..20 {
        dialogue.say(Side::Client, &command(&["AUTH", "x"]).repeat(1000));
    }
    dialogue.say(Side::Server, b"+OK\r\n");
    let told = credentials(&run(&dialogue.frames));
    assert_eq!(told.len(), 20_000);
    assert!(told.iter().all(|line| line == "AUTH - x Unknown"), "not paired any more");
}
