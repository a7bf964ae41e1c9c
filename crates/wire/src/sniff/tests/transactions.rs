use super::{command, exchange};

/// What is said about credentials.
fn told(seen: &[String]) -> Vec<&str> {
    seen.iter().filter_map(|line| line.strip_prefix("! ")).collect()
}

fn lines(commands: &[&str]) -> Vec<u8> {
    commands.iter().flat_map(|line| command(&line.split(' ').collect::<Vec<_>>())).collect()
}

#[test]
fn each_part_of_exec_belongs_to_a_command_that_was_queued() {
    let seen = exchange(
        &lines(&["MULTI", "AUTH bob no", "GET k", "AUTH bob pw", "EXEC", "PING"]),
        b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n-WRONGPASS x\r\n$1\r\nv\r\n+OK\r\n+PONG\r\n",
    );
    assert_eq!(
        seen[6..],
        [
            "to 1 +OK\\r\\n",
            "to 2 +QUEUED\\r\\n",
            "to 3 +QUEUED\\r\\n",
            "to 4 +QUEUED\\r\\n",
            "to 5 for [2, 3, 4] *3\\r\\n-WRONGPASS x\\r\\n$1\\r\\nv\\r\\n+OK\\r\\n",
            "! AUTH bob no Rejected",
            "! AUTH bob pw Accepted",
            "to 6 +PONG\\r\\n",
            "flow 1 Plaintext 6/6",
        ]
    );
}

#[test]
fn what_a_transaction_that_does_not_run_says_of_a_credential() {
    for (client, server, expected) in [
        // A fault while it was queued: nothing is run.
        (
            "MULTI|AUTH pw|NOSUCH|EXEC",
            "+OK|+QUEUED|-ERR unknown|-EXECABORT discarded",
            &["AUTH - pw Rejected"][..],
        ),
        ("MULTI|AUTH pw|DISCARD", "+OK|+QUEUED|+OK", &["AUTH - pw Unknown"]),
        // A watched key has changed.
        ("WATCH k|MULTI|AUTH pw|EXEC", "+OK|+OK|+QUEUED|*-1", &["AUTH - pw Unknown"]),
        ("MULTI|AUTH pw|RESET", "+OK|+QUEUED|+RESET", &["AUTH - pw Unknown"]),
        // The start of the transaction was not seen: which part is whose is not known.
        ("AUTH pw|EXEC", "+QUEUED|*2|+OK|-ERR x", &["AUTH - pw Unknown"]),
        // Refused at once, and the transaction goes on.
        (
            "MULTI|AUTH|MULTI|AUTH pw|EXEC",
            "+OK|-ERR args|-ERR nested|+QUEUED|*1|+OK",
            &["AUTH - pw Accepted"],
        ),
        // Inside of one that is over, nothing is queued any more.
        ("MULTI|GET k|EXEC|AUTH pw", "+OK|+QUEUED|*1|+OK|-WRONGPASS x", &["AUTH - pw Rejected"]),
    ] {
        let commands: Vec<_> = client.split('|').collect();
        let seen = exchange(&lines(&commands), (server.replace('|', "\r\n") + "\r\n").as_bytes());
        assert_eq!(told(&seen), expected, "{client}: {seen:?}");
    }
}

#[test]
fn the_configuration_that_exec_brings_is_masked_and_told() {
    let reply = b"*2\r\n+OK\r\n*2\r\n$11\r\nrequirepass\r\n$2\r\npw\r\n";
    let server = [b"+OK\r\n+QUEUED\r\n+QUEUED\r\n".as_slice(), reply].concat();
    let seen = exchange(&lines(&["MULTI", "PING", "CONFIG GET requirepass", "EXEC"]), &server);
    assert_eq!(told(&seen), ["CONFIG GET requirepass - pw Accepted"]);
    assert!(seen[7].starts_with("to 4 for [2, 3] ") && seen[7].ends_with(" SECRET"), "{seen:?}");
}
