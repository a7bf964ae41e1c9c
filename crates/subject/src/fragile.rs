//! A client that does what a parser of replies must not: it takes memory for whatever length it is told, calls
//! itself for whatever is nested, and takes every number for a length. Without TLS.

use crate::Target;
use crate::own::complain;
use crate::target::USERNAME;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Longest wait for a reply: that it has broken by then, or not, is seen as well after a short time.
const PATIENCE: Duration = Duration::from_millis(500);
/// What memory is filled with: what is not written to is not resident.
const FILLING: u8 = 0xff;

enum Reply {
    Text(Vec<u8>),
    Nothing,
    // What is in it is for the one who asked.
    Array(#[expect(dead_code, reason = "it is to be held, not to be read")] Vec<Self>),
}

/// 0 where it worked, 1 where it failed. What would be undefined in a language that checks nothing is an abort.
pub(crate) fn run(target: &Target) -> u8 {
    match std::panic::catch_unwind(|| attempt(target)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            complain(&error.to_string());
            1
        }
        Err(_) => std::process::abort(),
    }
}

fn attempt(target: &Target) -> Result<()> {
    let canaries = &target.canaries;
    let stream = TcpStream::connect((target.host.as_str(), target.port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut call = |words: &[&str]| {
        let mut line = format!("*{}\r\n", words.len());
        for word in words {
            line += &format!("${}\r\n{word}\r\n", word.len());
        }
        writer.write_all(line.as_bytes())?;
        reply(&mut reader, Instant::now() + PATIENCE)
    };
    call(&["AUTH", USERNAME, &canaries.password])?;
    call(&["SET", &canaries.key, &canaries.value])?;
    match call(&["GET", &canaries.key])? {
        Reply::Text(value) if value == canaries.value.as_bytes() => Ok(()),
        _ => Err(Error::other("GET returned another value than the one that was SET")),
    }
}

fn reply(reader: &mut BufReader<TcpStream>, until: Instant) -> Result<Reply> {
    if Instant::now() > until {
        return Err(ErrorKind::TimedOut.into());
    }
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
    let (kind, rest) = text.split_at_checked(1).ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
    // -1 is nothing; what is below that, a length as large as there is.
    let length = || rest.parse::<i64>().map_err(|_| Error::other(format!("no length: {rest}")));
    match kind {
        "+" | ":" => Ok(Reply::Text(rest.as_bytes().to_vec())),
        "$" => match length()? {
            -1 => Ok(Reply::Nothing),
            length => {
                let mut text = vec![FILLING; length as usize];
                reader.read_exact(&mut text)?;
                reader.read_exact(&mut [0; 2])?;
                Ok(Reply::Text(text))
            }
        },
        "*" => {
            let length = length()? as usize;
            // Room for a pointer to each, as an array of them has it.
            let room = vec![u64::MAX; length];
            let mut values = Vec::new();
            for _ in 0..std::hint::black_box(&room).len() {
                values.push(reply(reader, until)?);
            }
            Ok(Reply::Array(values))
        }
        "|" => {
            for _ in 0..length()? {
                reply(reader, until)?;
                reply(reader, until)?;
            }
            reply(reader, until)
        }
        _ => Err(Error::other(text)),
    }
}
