//! A server that answers well until it is asked for a value, and then with a reply that is to break its client.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wirelab_model::{Ending, Hostility};
use wirelab_redis::{Next, Recorder, Session, Stream, ending};
use wirelab_wire::resp::Decoder;

/// Bytes that are written at once.
const CHUNK: usize = 64 << 10;
/// How long it waits between parts of what has no end, once it has sent the most of it.
const PACE: Duration = Duration::from_millis(100);
/// How often it does that: a minute is longer than clients are given.
const DRIPS: usize = 600;

/// A reply: this, then many times that, and whether it then goes on for ever, slowly.
struct Reply {
    head: String,
    unit: &'static str,
    times: usize,
    tail: &'static str,
    endless: bool,
    /// In words.
    what: &'static str,
}

fn reply(how: Hostility) -> Reply {
    let finite = |head: String, what| Reply { head, unit: "", times: 0, tail: "", endless: false, what };
    match how {
        // Redis itself has strings of up to 512 MiB (`proto-max-bulk-len`).
        Hostility::HugeLength => finite(
            format!("${}\r\n{}", 320 << 20, "x".repeat(64)),
            "a string of 335544320 bytes, of which 64 came",
        ),
        Hostility::NegativeLength => finite("$-2147483648\r\n".into(), "a string of -2147483648 bytes"),
        Hostility::DeepNesting => Reply {
            unit: "*1\r\n",
            times: 1_000_000,
            tail: ":1\r\n",
            ..finite(String::new(), "a million arrays, each in the one before it")
        },
        Hostility::EndlessArray => Reply {
            unit: "*0\r\n",
            // A slow client has read all of them within its time, too: what it then has is the same on any machine.
            times: 1 << 20,
            endless: true,
            ..finite(format!("*{}\r\n", 40 << 20), "an array of 41943040 elements without an end")
        },
        Hostility::AttributeBomb => Reply {
            unit: "|1\r\n+a\r\n:1\r\n",
            times: 500_000,
            endless: true,
            ..finite(String::new(), "attributes without an end, and nothing that they are of")
        },
    }
}

pub(crate) async fn run(how: Hostility, stream: Box<dyn Stream>, mut session: Session, recorder: Recorder) {
    let (mut from_client, mut to_client) = tokio::io::split(stream);
    if let Err(ended) = answer(&mut from_client, &mut to_client, &mut session, &recorder).await {
        return recorder.ended(ended);
    }
    let reply = reply(how);
    recorder.note(|connection| connection.tampered.push(format!("it answers GET with {}", reply.what)));
    let heard = async {
        let mut buffer = vec![0; 16 << 10];
        loop {
            match from_client.read(&mut buffer).await {
                Ok(0) => return Ending::ClientClosed,
                Ok(length) => recorder.read(buffer.get(..length).unwrap_or_default()),
                Err(error) => return ending(&error),
            }
        }
    };
    let said = async {
        match say(&reply, &mut to_client, &recorder).await {
            // It waits for the client to go.
            Ok(()) => std::future::pending().await,
            Err(error) => ending(&error),
        }
    };
    let ended = tokio::select! { ended = heard => ended, ended = said => ended };
    recorder.ended(ended);
}

/// Answers as any server, until it is asked for a value; an error where it never is.
async fn answer(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    session: &mut Session,
    recorder: &Recorder,
) -> Result<(), Ending> {
    let mut buffer = vec![0; 16 << 10];
    let mut decoder = Decoder::commands();
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(0) => return Err(Ending::ClientClosed),
            Ok(length) => length,
            Err(error) => return Err(ending(&error)),
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        recorder.read(bytes);
        decoder.push(bytes);
        let (mut out, mut asked, mut next) = (Vec::new(), false, Next::Continue);
        while next == Next::Continue && !asked {
            let words = match decoder.next_command() {
                Ok(Some(words)) => words,
                Ok(None) => break,
                Err(error) => return Err(Ending::Error { reason: error.to_string() }),
            };
            asked = words.first().is_some_and(|name| name.eq_ignore_ascii_case(b"GET"));
            if !asked {
                let mut command = Vec::new();
                crate::resp::command(&words, &mut command);
                next = session.receive(&command, &mut out);
            }
        }
        recorder.note(|connection| {
            connection.commands = session.commands().to_vec();
            connection.credentials = session.credentials().to_vec();
        });
        send(&out, to, recorder).await.map_err(|error| ending(&error))?;
        if next == Next::Close {
            return Err(Ending::ClientClosed);
        }
        if asked {
            return Ok(());
        }
    }
}

async fn say(reply: &Reply, to: &mut (impl AsyncWrite + Unpin), recorder: &Recorder) -> std::io::Result<()> {
    send(reply.head.as_bytes(), to, recorder).await?;
    let chunk = reply.unit.repeat(CHUNK / reply.unit.len().max(1));
    let (mut left, size) = (reply.unit.len() * reply.times, chunk.len());
    while left > 0 {
        let part = chunk.as_bytes().get(..left.min(size)).unwrap_or_default();
        send(part, to, recorder).await?;
        left -= part.len();
    }
    send(reply.tail.as_bytes(), to, recorder).await?;
    for _ in 0..if reply.endless { DRIPS } else { 0 } {
        tokio::time::sleep(PACE).await;
        send(reply.unit.as_bytes(), to, recorder).await?;
    }
    Ok(())
}

async fn send(bytes: &[u8], to: &mut (impl AsyncWrite + Unpin), recorder: &Recorder) -> std::io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    to.write_all(bytes).await?;
    to.flush().await?;
    recorder.written(bytes);
    Ok(())
}
