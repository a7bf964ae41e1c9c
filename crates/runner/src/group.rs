//! The plan: which client runs which arms, in which order.

use crate::trial::{HOST, host};
use wirelab_model::{Arm, Attack, Scenario, Transport};
use wirelab_pki::{Entry, Shape};
use wirelab_rogue::misbehaviour::{self, Family};
use wirelab_subject::Client;

/// One arm to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Index into the run's scenarios.
    pub scenario: usize,
    /// The arm.
    pub arm: Arm,
}

/// Arms that one client runs in one transport; they share their controls.
#[derive(Debug, Clone)]
pub struct Group {
    /// Who connects.
    pub client: Client,
    /// How.
    pub transport: Transport,
    /// The arms, in the order of their scenarios.
    pub arms: Vec<Planned>,
}

impl Group {
    /// Rogues that must be tried without their flaw: those whose refusal is to mean something.
    pub(crate) fn rogues(&self, scenarios: &[Scenario]) -> Vec<Rogue> {
        // A client that is kept waiting must be seen to work with the same rogue in each arm.
        let meant = |scenario: &&Scenario| {
            self.transport == Transport::Tls || matches!(scenario.attack, Attack::Stall { .. })
        };
        let mut rogues: Vec<_> = self
            .arms
            .iter()
            .filter_map(|planned| scenarios.get(planned.scenario))
            .filter(meant)
            .filter_map(|scenario| Rogue::of(&scenario.attack))
            .collect();
        rogues.sort();
        rogues.dedup();
        rogues
    }

    /// How many trials the group takes: its arms, two controls, and the rogues without their flaw.
    pub(crate) fn trials(&self, scenarios: &[Scenario]) -> usize {
        self.arms.len() + 2 + self.rogues(scenarios).len()
    }
}

/// The kinds of rogue. For impostors it counts what their certificate is like without its flaw, and how
/// clients are sent to them: a client that cannot do that refuses them all, whatever the flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rogue {
    Impostor { shape: Shape, host: &'static str },
    Relay,
    Corrupter,
    Misbehaving(Family),
}

impl Rogue {
    pub(crate) fn of(attack: &Attack) -> Option<Self> {
        match attack {
            Attack::Eavesdrop => None,
            Attack::Impostor { certificate } => {
                let shape = wirelab_pki::find(certificate).map_or(Shape::Direct, Entry::shape);
                Some(Self::Impostor { shape, host: host(certificate) })
            }
            Attack::RelayRead { .. } | Attack::RelayTamper { .. } => Some(Self::Relay),
            Attack::Corrupt => Some(Self::Corrupter),
            Attack::Misbehave { how } | Attack::Stall { how } | Attack::OnPath { how } => {
                misbehaviour::find(how).map(|entry| Self::Misbehaving(entry.family()))
            }
        }
    }

    /// `impostor`, or with what is special about it: `impostor-intermediate`, `impostor-127.0.0.1`.
    pub(crate) fn word(self) -> String {
        match self {
            Self::Impostor { shape, host } => {
                let shape = if shape == Shape::Direct { "" } else { shape.word() };
                let host = if host == HOST { "" } else { host };
                ["impostor", shape, host]
                    .iter()
                    .filter(|word| !word.is_empty())
                    .copied()
                    .collect::<Vec<_>>()
                    .join("-")
            }
            Self::Relay => "relay".into(),
            Self::Corrupter => "corrupter".into(),
            Self::Misbehaving(family) => family.word(),
        }
    }
}

/// Makes the plan. The client under test runs the arms in `wanted` (none: `tls` for a command, all
/// for the built-in client). Where it runs a `tls` arm, the built-in client runs the others, which
/// show that the attack is live; they come first.
pub(crate) fn plan(scenarios: &[Scenario], client: &Client, wanted: Option<&[Transport]>) -> Vec<Group> {
    let everything = [Transport::Plaintext, Transport::TlsUnverified, Transport::Tls];
    let wanted = wanted.unwrap_or(match client {
        Client::Builtin | Client::Gullible => &everything,
        Client::Command(_) => &[Transport::Tls],
    });
    let mut groups: Vec<Group> = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let tests_tls =
            scenario.arms.iter().any(|a| a.transport == Transport::Tls) && wanted.contains(&Transport::Tls);
        for arm in &scenario.arms {
            let who = if gullible(scenario, arm) && (tests_tls || wanted.contains(&arm.transport)) {
                &Client::Gullible
            } else if wanted.contains(&arm.transport) {
                client
            } else if tests_tls {
                &Client::Builtin
            } else {
                continue;
            };
            let planned = Planned { scenario: index, arm: arm.clone() };
            match groups.iter_mut().find(|group| group.transport == arm.transport && group.client == *who) {
                Some(group) => group.arms.push(planned),
                None => {
                    groups.push(Group { client: who.clone(), transport: arm.transport, arms: vec![planned] });
                }
            }
        }
    }
    groups.sort_by_key(|group| (matches!(group.client, Client::Command(_)), group.transport));
    groups
}

/// No client that uses a library goes on with a broken handshake because it was told not to verify: the one
/// that shows that misbehaviour is live is the lab's own.
fn gullible(scenario: &Scenario, arm: &Arm) -> bool {
    scenario.attack.how().is_some() && arm.transport == Transport::TlsUnverified
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::embedded;

    fn shape(client: &Client, wanted: Option<&[Transport]>) -> Vec<(bool, Transport, usize)> {
        let mut scenarios: Vec<_> = embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        scenarios.retain(|scenario| scenario.tags.iter().any(|tag| tag == "headline"));
        plan(&scenarios, client, wanted)
            .iter()
            .map(|group| (group.client == Client::Builtin, group.transport, group.arms.len()))
            .collect()
    }

    #[test]
    fn a_command_runs_tls_and_the_built_in_client_proves_the_attacks_live() {
        use Transport::{Plaintext, Tls, TlsUnverified};
        let command = Client::Command(vec!["app".into()]);
        assert_eq!(
            shape(&Client::Builtin, None),
            [(true, Plaintext, 8), (true, TlsUnverified, 6), (true, Tls, 8)]
        );
        assert_eq!(shape(&command, None), [(true, Plaintext, 8), (true, TlsUnverified, 6), (false, Tls, 8)]);
        assert_eq!(shape(&command, Some(&[Plaintext])), [(false, Plaintext, 8)]);
        assert_eq!(
            shape(&command, Some(&[Plaintext, Tls])),
            [(true, TlsUnverified, 6), (false, Plaintext, 8), (false, Tls, 8)]
        );
    }
}
