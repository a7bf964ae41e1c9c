//! Which commands there are, and where their keys stand: what COMMAND tells, and what a node has to know that sends
//! clients to the holder of a key. <https://redis.io/docs/latest/commands/command/>

use crate::encode::Encoder;

/// One command, as Redis 7 describes it.
struct Command {
    name: &'static str,
    /// Words with the name itself; negative: at least so many.
    arity: i64,
    /// Whether it changes data.
    writes: bool,
    /// First key, last key (negative: from the end) and the step between; zeros: none.
    keys: (i64, i64, i64),
}

const fn keyless(name: &'static str, arity: i64) -> Command {
    Command { name, arity, writes: false, keys: (0, 0, 0) }
}

const fn read(name: &'static str, arity: i64) -> Command {
    Command { name, arity, writes: false, keys: (1, 1, 1) }
}

const fn write(name: &'static str, arity: i64) -> Command {
    Command { name, arity, writes: true, keys: (1, 1, 1) }
}

const ALL_KEYS: (i64, i64, i64) = (1, -1, 1);

const COMMANDS: [Command; 43] = [
    write("set", -3),
    write("setex", 4),
    write("psetex", 4),
    write("hset", -4),
    write("hmset", -4),
    write("expire", -3),
    write("pexpire", -3),
    write("expireat", -3),
    write("pexpireat", -3),
    Command { keys: ALL_KEYS, ..write("del", -2) },
    Command { keys: ALL_KEYS, ..write("unlink", -2) },
    read("get", 2),
    read("hget", 3),
    read("hmget", -3),
    read("hgetall", 2),
    read("ttl", 2),
    read("pttl", 2),
    read("type", 2),
    Command { keys: ALL_KEYS, ..read("mget", -2) },
    Command { keys: ALL_KEYS, ..read("exists", -2) },
    keyless("asking", 1),
    keyless("auth", -2),
    keyless("client", -2),
    keyless("cluster", -2),
    keyless("command", -1),
    keyless("config", -2),
    keyless("dbsize", 1),
    keyless("echo", 2),
    keyless("hello", -1),
    keyless("info", -1),
    keyless("ping", -1),
    keyless("psubscribe", -2),
    keyless("publish", 3),
    keyless("punsubscribe", -1),
    keyless("quit", -1),
    keyless("readonly", 1),
    keyless("readwrite", 1),
    keyless("reset", 1),
    keyless("role", 1),
    keyless("select", 2),
    keyless("sentinel", -2),
    keyless("subscribe", -2),
    keyless("unsubscribe", -1),
];

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(name))
}

/// The first key of a command, where it has any.
pub(crate) fn first_key<'a>(name: &str, arguments: &[&'a [u8]]) -> Option<&'a [u8]> {
    let first = find(name)?.keys.0;
    arguments.get(usize::try_from(first).ok()?.checked_sub(1)?).copied()
}

/// Answers COMMAND, as far as clients need it to know where keys are.
pub(crate) fn command(reply: &mut Encoder<'_>, arguments: &[&[u8]]) {
    let subcommand = arguments.first().map(|word| word.to_ascii_uppercase());
    match (subcommand.as_deref(), arguments) {
        (None, _) => {
            reply.array(COMMANDS.len());
            COMMANDS.iter().for_each(|command| describe(reply, command));
        }
        (Some(b"COUNT"), [_]) => reply.integer(COMMANDS.len() as i64),
        (Some(b"INFO"), [_, names @ ..]) => {
            reply.array(names.len());
            for name in names {
                match find(&String::from_utf8_lossy(name)) {
                    Some(command) => describe(reply, command),
                    None => reply.null_array(),
                }
            }
        }
        _ => reply.array(0),
    }
}

fn describe(reply: &mut Encoder<'_>, command: &Command) {
    reply.array(6);
    reply.bulk(command.name.as_bytes());
    reply.integer(command.arity);
    let flags: &[&str] = match (command.writes, command.keys.0) {
        (true, _) => &["write"],
        (false, 0) => &[],
        (false, _) => &["readonly"],
    };
    reply.array(flags.len());
    flags.iter().for_each(|flag| reply.simple(flag));
    let (first, last, step) = command.keys;
    [first, last, step].into_iter().for_each(|number| reply.integer(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_there_are_any() {
        assert_eq!(first_key("GET", &[b"k"]), Some(&b"k"[..]));
        assert_eq!(first_key("HMSET", &[b"k", b"f", b"v"]), Some(&b"k"[..]));
        assert_eq!(first_key("GET", &[]), None);
        assert_eq!(first_key("ECHO", &[b"k"]), None);
        assert_eq!(first_key("NOPE", &[b"k"]), None);
    }

    /// With as many words as each takes at least.
    #[test]
    fn what_the_table_has_with_keys_is_answered() {
        for command in COMMANDS.iter().filter(|command| command.keys.0 > 0) {
            let mut out = Vec::new();
            let arguments = vec![&b"1"[..]; usize::try_from(command.arity.abs()).unwrap() - 1];
            let name = command.name.to_ascii_uppercase();
            crate::data::data(
                &mut Encoder { out: &mut out, resp3: false },
                &crate::Store::default(),
                &name,
                &arguments,
            );
            assert!(!out.starts_with(b"-"), "{name}: {}", String::from_utf8_lossy(&out));
        }
    }

    /// What redis-py's cluster client asks before anything else.
    #[test]
    fn command_tells_where_keys_are() {
        let ask = |words: &[&[u8]]| {
            let mut out = Vec::new();
            command(&mut Encoder { out: &mut out, resp3: false }, words);
            String::from_utf8(out).unwrap()
        };
        let set = "*6\r\n$3\r\nset\r\n:-3\r\n*1\r\n+write\r\n:1\r\n:1\r\n:1\r\n";
        assert!(ask(&[]).starts_with(&format!("*{}\r\n{set}", COMMANDS.len())));
        assert_eq!(ask(&[b"info", b"SET", b"nope"]), format!("*2\r\n{set}*-1\r\n"));
        assert_eq!(ask(&[b"COUNT"]), format!(":{}\r\n", COMMANDS.len()));
        assert_eq!(ask(&[b"DOCS"]), "*0\r\n");
    }
}
