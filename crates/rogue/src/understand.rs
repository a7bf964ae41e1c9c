//! The relay that understands what it passes on.

use crate::relay::{Relay, listen};
use crate::tamper::{Out, Plan, Tamperer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::Ending;
use wirelab_redis::{Recorder, Stream, ending};

/// Things done that are noted of a connection.
const MOST_DONE: usize = 16;
/// Commands that are noted of a connection.
const MOST_NOTED: usize = 256;

/// Ends the client's connection, opens its own to the good server, and passes on what the plan makes of it.
pub(crate) async fn run(relay: Relay, plan: Plan, mut client: Box<dyn Stream>, recorder: Recorder) {
    let server = match relay.connect(&recorder).await {
        Ok(server) => server,
        Err(error) => {
            listen(&mut client, &recorder).await;
            return recorder
                .ended(Ending::Error { reason: format!("cannot reach the good server: {error}") });
        }
    };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let mut tamperer = Tamperer::new(plan);
    let (mut up, mut down) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    // Each turn reads at least a byte from one side; the first end on either side is the end of both.
    loop {
        let out = tokio::select! {
            read = from_client.read(&mut up) => match read {
                Ok(0) => return recorder.ended(Ending::ClientClosed),
                Err(error) => return recorder.ended(ending(&error)),
                Ok(length) => {
                    let bytes = up.get(..length).unwrap_or_default();
                    recorder.read(bytes);
                    tamperer.of_client(bytes)
                }
            },
            read = from_server.read(&mut down) => match read {
                Ok(0) | Err(_) => return recorder.ended(Ending::ServerClosed),
                Ok(length) => tamperer.of_server(down.get(..length).unwrap_or_default()),
            },
        };
        note(&recorder, &out);
        if !out.to_server.is_empty()
            && (to_server.write_all(&out.to_server).await.is_err() || to_server.flush().await.is_err())
        {
            return recorder.ended(Ending::ServerClosed);
        }
        if !out.to_client.is_empty() {
            recorder.written(&out.to_client);
            let sent = match to_client.write_all(&out.to_client).await {
                Ok(()) => to_client.flush().await,
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                return recorder.ended(ending(&error));
            }
        }
    }
}

fn note(recorder: &Recorder, out: &Out) {
    if out.done.is_empty() && out.commands.is_empty() {
        return;
    }
    recorder.note(|connection| {
        connection.tampered.extend(out.done.iter().map(|done| (*done).to_owned()));
        connection.tampered.truncate(MOST_DONE);
        connection.commands.extend(out.commands.iter().cloned());
        connection.commands.truncate(MOST_NOTED);
    });
}
