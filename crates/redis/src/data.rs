//! The commands of a cache.

use crate::commands::command;
use crate::encode::Encoder;
use crate::store::Store;

/// Answers a command that needs no more than the data, and says of any other that there is none such, as Redis does.
pub(crate) fn data(reply: &mut Encoder<'_>, store: &Store, name: &str, arguments: &[&[u8]]) {
    match (name, arguments) {
        ("PING", []) => reply.simple("PONG"),
        ("PING" | "ECHO", [text]) => reply.bulk(text),
        ("SELECT", [_]) => reply.simple("OK"),
        ("GET", [key]) => reply.bulk_or_null(store.get(key).as_deref()),
        ("SET", [key, value, options @ ..]) => {
            let has = |word: &[u8]| options.iter().any(|option| option.eq_ignore_ascii_case(word));
            let there = store.get(key).is_some();
            if (has(b"NX") && there) || (has(b"XX") && !there) {
                reply.null();
            } else {
                stored(reply, store.set(key, value));
            }
        }
        ("SETEX" | "PSETEX", [key, _, value]) => stored(reply, store.set(key, value)),
        ("DEL" | "UNLINK", keys) if !keys.is_empty() => {
            reply.integer(keys.iter().filter(|key| store.remove(key)).count() as i64);
        }
        ("EXISTS", keys) if !keys.is_empty() => {
            reply.integer(keys.iter().filter(|key| store.has(key)).count() as i64);
        }
        ("MGET", keys) if !keys.is_empty() => {
            reply.array(keys.len());
            for key in keys {
                reply.bulk_or_null(store.get(key).as_deref());
            }
        }
        // Nothing lives long enough here to expire.
        ("EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT", [key, ..]) => {
            reply.integer(i64::from(store.has(key)));
        }
        ("HSET" | "HMSET", [key, fields @ ..]) if !fields.is_empty() && fields.len().is_multiple_of(2) => {
            let set = |pair: &[&[u8]]| match pair {
                [field, value] => store.set_field(key, field, value),
                _ => None,
            };
            let new: Option<Vec<bool>> = fields.chunks(2).map(set).collect();
            match new {
                Some(new) if name == "HSET" => reply.integer(new.iter().filter(|new| **new).count() as i64),
                new => stored(reply, new.is_some()),
            }
        }
        ("HGET", [key, field]) => {
            let fields = store.fields(key).unwrap_or_default();
            reply.bulk_or_null(fields.get(*field).map(Vec::as_slice));
        }
        ("HMGET", [key, wanted @ ..]) if !wanted.is_empty() => {
            let fields = store.fields(key).unwrap_or_default();
            reply.array(wanted.len());
            for field in wanted {
                reply.bulk_or_null(fields.get(*field).map(Vec::as_slice));
            }
        }
        ("HGETALL", [key]) => {
            let fields = store.fields(key).unwrap_or_default();
            reply.map(fields.len());
            for (field, value) in fields {
                reply.bulk(&field);
                reply.bulk(&value);
            }
        }
        ("TTL" | "PTTL", [key]) => reply.integer(if store.has(key) { -1 } else { -2 }),
        ("TYPE", [key]) if store.fields(key).is_some() => reply.simple("hash"),
        ("TYPE", [key]) => reply.simple(if store.has(key) { "string" } else { "none" }),
        ("DBSIZE", []) => reply.integer(store.len() as i64),
        ("PUBLISH", [_, _]) => reply.integer(0),
        ("CONFIG", [get, names @ ..]) if get.eq_ignore_ascii_case(b"GET") => config(reply, names),
        ("ROLE", []) => {
            reply.array(3);
            reply.bulk(b"master");
            reply.integer(0);
            reply.array(0);
        }
        ("COMMAND", arguments) => command(reply, arguments),
        ("CLUSTER", _) => reply.error("ERR This instance has cluster support disabled"),
        _ => reply.error(&format!("ERR unknown command '{name}', with args beginning with: ")),
    }
}

fn stored(reply: &mut Encoder<'_>, fits: bool) {
    if fits {
        reply.simple("OK");
    } else {
        reply.error("OOM command not allowed when used memory > 'maxmemory'.");
    }
}

fn config(reply: &mut Encoder<'_>, names: &[&[u8]]) {
    let known: Vec<(&[u8], &[u8])> = names
        .iter()
        .filter_map(|name| match name.to_ascii_lowercase().as_slice() {
            b"databases" => Some((*name, b"16".as_slice())),
            b"replica-read-only" | b"slave-read-only" => Some((*name, b"yes".as_slice())),
            b"timeout" => Some((*name, b"0".as_slice())),
            _ => None,
        })
        .collect();
    reply.map(known.len());
    for (name, value) in known {
        reply.bulk(name);
        reply.bulk(value);
    }
}
