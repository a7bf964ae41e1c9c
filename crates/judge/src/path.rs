//! Protected records that somebody sends again, puts in, or cuts off: does the client notice?

use crate::Finding;
use crate::attack::{heard, leak, short};
use wirelab_model::{ClientEnd, Got, Trial};

/// `secure` where the wire shows that the client was sent something else than the server sent, and the client
/// says that it failed; `compromised` where it says that it worked.
pub(crate) fn on_path(trial: &Trial) -> Finding {
    if let Some(found) = leak(trial) {
        return found;
    }
    let peer = match heard(trial) {
        Ok(peer) => peer,
        Err(found) => return found,
    };
    let Some(connection) = peer.connections.iter().find(|c| !c.tampered.is_empty()) else {
        return Finding::inconclusive("nothing was done to any record, so the attack did not happen");
    };
    let flaw = connection.tampered.join("; ");
    if trial.legs_differ_at.is_none() {
        return Finding::inconclusive(format!(
            "of the rogue: {flaw}; but on the wire both legs are the same"
        ));
    }
    match &trial.client.end {
        ClientEnd::Worked => Finding::compromised(
            vec![Got::TamperedReply],
            format!("of the rogue: {flaw}; and yet the client says that it worked"),
        ),
        ClientEnd::Failed { .. } => {
            let own =
                trial.client.error.as_ref().map(|e| format!("; it says: {}", short(e))).unwrap_or_default();
            Finding::secure(format!("of the rogue: {flaw}; the client noticed{own}"))
        }
        ClientEnd::TimedOut { .. } => Finding::hung(format!("of the rogue: {flaw}; {}", trial.client.end)),
        end => Finding::inconclusive(format!("of the rogue: {flaw}; but {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good};
    use wirelab_model::{Transport, Verdict};

    fn noticed() -> Trial {
        let mut trial = good(Transport::Tls);
        trial.client.end = ClientEnd::Failed { code: Some(1) };
        trial.legs_differ_at = Some(1000);
        let connection = connection(&mut trial);
        connection.tls = None;
        connection.tampered = vec!["it sends a record twice".into()];
        trial
    }

    #[test]
    fn who_notices_is_secure_and_who_does_not_is_not() {
        assert_eq!(on_path(&noticed()).verdict, Verdict::Secure);
        let mut trial = noticed();
        trial.client.end = ClientEnd::Worked;
        let found = on_path(&trial);
        assert_eq!((found.verdict, found.got), (Verdict::Compromised, vec![Got::TamperedReply]));
        trial.client.end = ClientEnd::TimedOut { after_ms: 1 };
        assert_eq!(on_path(&trial).verdict, Verdict::Hung);
    }

    #[test]
    fn no_doubt_is_secure() {
        type Break = fn(&mut Trial);
        let breaks: [(&str, Break); 5] = [
            ("no report", |t| t.peer = None),
            ("nothing done", |t| connection(t).tampered.clear()),
            ("both legs the same", |t| t.legs_differ_at = None),
            ("drops", |t| t.wire.dropped = 1),
            ("crashed", |t| t.client.end = ClientEnd::Signal { number: 11 }),
        ];
        for (name, change) in breaks {
            let mut trial = noticed();
            change(&mut trial);
            assert_eq!(on_path(&trial).verdict, Verdict::Inconclusive, "{name}");
        }
    }
}
