//! What did a client hand to a server that made it log in again and again, or that said nothing?

use crate::Finding;
use crate::attack::impostor_or_relay;
use wirelab_model::{Bait, PeerReport, Trial, Verdict};

/// As for any impostor; the sentence says how often the client logged in, and how.
pub(crate) fn bait(how: Bait, trial: &Trial) -> Finding {
    let found = impostor_or_relay(trial, false);
    let facts = match &trial.peer {
        Some(peer) if found.verdict == Verdict::Compromised => facts(how, peer),
        _ => None,
    };
    match facts {
        Some(facts) => Finding { why: format!("{}; {facts}", found.why), ..found },
        None => found,
    }
}

fn facts(how: Bait, peer: &PeerReport) -> Option<String> {
    let talked: Vec<_> = peer.connections.iter().filter(|c| !c.commands.is_empty()).collect();
    let logins: Vec<&str> = talked
        .iter()
        .flat_map(|c| &c.commands)
        .filter(|command| carries(command))
        .map(String::as_str)
        .collect();
    if logins.is_empty() {
        return None;
    }
    let times = |count: usize| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let mut facts = format!("it logged in {} ({})", times(logins.len()), logins.join(", "));
    if talked.len() > 1 {
        facts += &format!(" over {} connections", talked.len());
    }
    let without_user = logins.contains(&"AUTH/1") && logins.iter().any(|login| *login != "AUTH/1");
    Some(match how {
        Bait::Silent => {
            let sent: Vec<&str> = talked.iter().flat_map(|c| &c.commands).map(String::as_str).collect();
            format!("before the first reply it sent {}", sent.join(", "))
        }
        Bait::NoHello if logins.iter().any(|login| login.starts_with("AUTH")) && logins.len() > 1 => {
            format!("{facts}: HELLO was refused, and it sent its password again with AUTH")
        }
        _ if without_user => format!("{facts}, the last time without its user"),
        _ => facts,
    })
}

/// Whether a command, as it is noted, carries a password: `AUTH/2`, `HELLO/4`.
fn carries(command: &str) -> bool {
    match command.split_once('/') {
        Some(("AUTH", _)) => true,
        Some(("HELLO", count)) => count.parse::<usize>().is_ok_and(|count| count > 3),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, refusal};
    use wirelab_model::Transport;

    fn why(how: Bait, commands: &[&str]) -> String {
        let mut trial = good(Transport::TlsUnverified);
        connection(&mut trial).commands = commands.iter().map(|command| (*command).to_owned()).collect();
        bait(how, &trial).why
    }

    #[test]
    fn the_sentence_says_how_a_client_logs_in() {
        let all = why(Bait::WrongPassword, &["HELLO/4", "AUTH/2", "AUTH/1"]);
        assert!(all.ends_with("3 times (HELLO/4, AUTH/2, AUTH/1), the last time without its user"), "{all}");
        assert!(why(Bait::WrongPassword, &["AUTH/2"]).ends_with("it logged in once (AUTH/2)"));
        let silent = why(Bait::Silent, &["HELLO/4", "CLIENT/3"]);
        assert!(silent.ends_with("before the first reply it sent HELLO/4, CLIENT/3"), "{silent}");
        let again = why(Bait::NoHello, &["HELLO/4", "AUTH/2"]);
        assert!(again.contains("sent its password again with AUTH"), "{again}");
        assert!(!why(Bait::NoHello, &["HELLO/1", "PING/0"]).contains("logged in"));
    }

    #[test]
    fn a_refusal_stays_a_refusal() {
        assert_eq!(bait(Bait::Silent, &refusal()).verdict, Verdict::Secure);
        let mut trial = refusal();
        trial.fault = Some("x".into());
        assert_eq!(bait(Bait::Silent, &trial).verdict, Verdict::Inconclusive);
    }
}
