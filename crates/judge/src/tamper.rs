//! Did what a relay changed reach the client's application, or the server? The relay says that it did something;
//! that is believed only where client or server has what the other never sent.

use crate::attack::impostor_or_relay;
use crate::{Finding, wire};
use wirelab_model::{ClientEnd, Connection, Opening, Tampering, Trial, Verdict};

/// What the relay reads counts as for any relay; the arm says what of the change it must have as well.
pub(crate) fn tamper(how: Tampering, trial: &Trial) -> Finding {
    let found = impostor_or_relay(trial, false);
    if found.verdict != Verdict::Compromised {
        return found;
    }
    let Some(connection) =
        trial.peer.iter().flat_map(|peer| &peer.connections).find(|c| !c.tampered.is_empty())
    else {
        return Finding { why: format!("{}; nothing was changed", found.why), ..found };
    };
    match proof(how, trial, connection) {
        Ok(proof) => {
            let why = format!("{}; the relay {}, and {proof}", found.why, words(connection));
            let mut got = found.got;
            got.push(how.worth());
            Finding::compromised(got, why)
        }
        // What was read stays read.
        Err(doubt) => {
            Finding { why: format!("{}; the relay {}, but {doubt}", found.why, words(connection)), ..found }
        }
    }
}

fn words(connection: &Connection) -> String {
    let mut done = connection.tampered.clone();
    done.dedup();
    done.join(", ")
}

/// What shows that it worked, or what speaks against it.
fn proof(how: Tampering, trial: &Trial, connection: &Connection) -> Result<String, String> {
    let carried = match connection.opening {
        Opening::Plaintext => wire::flow_of(trial, connection).is_some_and(wire::could_carry_data),
        _ => wire::flow_of(trial, connection).is_some_and(wire::carried_tls_data),
    };
    if !carried {
        return Err("the wire does not show a session through it".into());
    }
    match how {
        Tampering::ReplyType
        | Tampering::PushForged
        | Tampering::InvalidationForged
        | Tampering::MessageForged => given(trial, &trial.canaries.forged, "what no server ever sent"),
        // It is the old value that the client then believes in.
        Tampering::InvalidationDropped => {
            let stale = given(trial, &trial.canaries.key, "a value that is long another one")?;
            stored(trial, true)?;
            Ok(stale)
        }
        Tampering::ReplyDropped => given(trial, "PONG", "the reply to another command"),
        Tampering::ReplyDuplicated => given(trial, "OK", "the reply to another command"),
        Tampering::MessageDropped => message_dropped(trial),
        Tampering::ReplyError => {
            worked(trial)?;
            stored(trial, false)?;
            Ok("the client takes for done what the server refused".into())
        }
        Tampering::KeyRewritten => {
            worked(trial)?;
            stored(trial, false)?;
            Ok("the server holds nothing under the key of the client, which noticed nothing".into())
        }
        Tampering::CommandSwapped => {
            given(trial, &trial.canaries.forged, "what no server ever sent")?;
            foreign_command(trial, connection, "CONFIG/")
        }
        Tampering::ScriptInjected => match &trial.server {
            Some(_) => foreign_command(trial, connection, "EVAL/"),
            // A server that keeps no record runs the script.
            None => {
                stored(trial, false)?;
                given(trial, &trial.canaries.forged, "what it never stored")
            }
        },
    }
}

fn given(trial: &Trial, wanted: &str, what: &str) -> Result<String, String> {
    match &trial.client.received {
        Some(value) if value == wanted => Ok(format!("the client's application was given {what}")),
        Some(_) => Err("the client's application was given something else".into()),
        None => Err("the client does not say what its application was given".into()),
    }
}

fn worked(trial: &Trial) -> Result<(), String> {
    if trial.client.end == ClientEnd::Worked { Ok(()) } else { Err(trial.client.end.to_string()) }
}

fn stored(trial: &Trial, wanted: bool) -> Result<(), String> {
    match trial.stored {
        Some(stored) if stored == wanted => Ok(()),
        Some(true) => Err("the server holds the client's value all the same".into()),
        Some(false) => Err("the server does not hold the client's value".into()),
        None => Err("nobody says what the server holds".into()),
    }
}

/// The server sent the message, and the client has none.
fn message_dropped(trial: &Trial) -> Result<String, String> {
    if trial.client.received.is_some() || trial.client.end == ClientEnd::Worked {
        return Err("the client has a message".into());
    }
    if let Some(server) = &trial.server {
        let sent = |c: &Connection| c.witnessed.to_client.contains(&wirelab_model::CanaryKind::Value);
        if !server.connections.iter().any(sent) {
            return Err("the server sent no message either".into());
        }
    }
    Ok("the client never got the message that it waits for".into())
}

/// The server was given a command that the client never sent. A server without a record cannot say; the relay,
/// which has its reply, then speaks alone.
fn foreign_command(trial: &Trial, relayed: &Connection, name: &str) -> Result<String, String> {
    if relayed.commands.iter().any(|command| command.starts_with(name)) {
        return Err("the client sends such commands itself".into());
    }
    match &trial.server {
        Some(server) => {
            let mut commands = server.connections.iter().flat_map(|c| &c.commands);
            let command = commands.find(|command| command.starts_with(name));
            command
                .map(|command| format!("the server was given {command}, which the client never sent"))
                .ok_or_else(|| "the server was given no such command".to_owned())
        }
        None => Ok("the server answered a command that the client never sent".into()),
    }
}

#[cfg(test)]
#[path = "tamper_tests.rs"]
mod tests;
