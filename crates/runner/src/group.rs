//! The plan: which client runs which arms, in which order.

use crate::peer::{HOST, host};
use wirelab_model::{
    AnnouncedHost, Arm, Attack, Demand, Destination, Link, Redirection, Scenario, Talk, Topology, Transport,
};
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
    /// What it is told that it connects to.
    pub topology: Topology,
    /// What the server makes of clients without a certificate.
    pub demand: Demand,
    /// The link between servers that is under test.
    pub link: Option<Link>,
    /// The arms, in the order of their scenarios.
    pub arms: Vec<Planned>,
}

impl Group {
    /// Who connects, for people: the near end of a link is no client.
    pub(crate) fn near(&self) -> String {
        match self.link {
            Some(link) if !link.is_of_client() => "redis-server".to_owned(),
            _ => self.client.describe(),
        }
    }

    /// Rogues that must be tried without their flaw: those whose refusal is to mean something.
    pub(crate) fn rogues(&self, scenarios: &[Scenario]) -> Vec<Rogue> {
        // A client that is kept waiting must be seen to work with the same rogue in each arm.
        let meant = |scenario: &&Scenario| {
            self.transport.is_verified() || matches!(scenario.attack, Attack::Stall { .. })
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
    Impostor {
        shape: Shape,
        host: &'static str,
    },
    Relay,
    /// It asks for the client's certificate.
    Asking,
    /// It is there when a client comes back.
    Comeback,
    /// The same, and it resumes sessions.
    Resumer {
        early: bool,
    },
    /// A relay that understands this conversation.
    Tamperer(Talk),
    Corrupter,
    Misbehaving(Family),
    /// How it sends clients elsewhere, and to which host: there are clients that follow one and not the
    /// other.
    Redirector {
        how: Redirection,
        host: AnnouncedHost,
    },
}

impl Rogue {
    pub(crate) fn of(attack: &Attack) -> Option<Self> {
        match attack {
            Attack::Eavesdrop | Attack::TlsPort | Attack::Overhear | Attack::Intruder { .. } => None,
            Attack::AskCertificate { .. } => Some(Self::Asking),
            Attack::Reconnect { .. } => Some(Self::Comeback),
            Attack::Resume { early, .. } => Some(Self::Resumer { early: *early }),
            Attack::Impostor { certificate } | Attack::Bait { certificate, .. } => {
                let shape = wirelab_pki::find(certificate).map_or(Shape::Direct, Entry::shape);
                Some(Self::Impostor { shape, host: host(certificate) })
            }
            Attack::HostileReply { .. } | Attack::Storm { .. } => {
                Some(Self::Impostor { shape: Shape::Direct, host: HOST })
            }
            Attack::RelayRead { .. } | Attack::RelayTamper { .. } => Some(Self::Relay),
            Attack::Tamper { how, .. } => Some(Self::Tamperer(how.talk())),
            Attack::Corrupt => Some(Self::Corrupter),
            Attack::Misbehave { how }
            | Attack::Stall { how }
            | Attack::Renegotiate { how }
            | Attack::OnPath { how } => {
                misbehaviour::find(how).map(|entry| Self::Misbehaving(entry.family()))
            }
            Attack::Redirect { how, host, .. } => Some(Self::Redirector { how: *how, host: *host }),
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
            Self::Asking => "asking".into(),
            Self::Comeback => "comeback".into(),
            Self::Resumer { early: false } => "resumer".into(),
            Self::Resumer { early: true } => "resumer-early".into(),
            Self::Tamperer(talk) => format!("tamperer-{talk}"),
            Self::Corrupter => "corrupter".into(),
            Self::Misbehaving(family) => family.word(),
            Self::Redirector { how, host: AnnouncedHost::Same } => format!("redirector-{}", how.word()),
            Self::Redirector { how, host } => format!("redirector-{}-{}", how.word(), host.word()),
        }
    }
}

/// Makes the plan. The clients under test run the arms in `wanted` (none: all for the built-in client,
/// `tls` for any other). Where they run an arm that may be secure, the built-in client runs the others,
/// which show that the attack is live; they come first.
pub(crate) fn plan(scenarios: &[Scenario], clients: &[Client], wanted: Option<&[Transport]>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for client in clients {
        plan_one(scenarios, client, wanted, &mut groups);
    }
    let place = |client: &Client| clients.iter().position(|other| other == client);
    groups.sort_by_key(|group| {
        let setup = (group.link, group.topology, group.demand);
        (!group.client.is_own(), place(&group.client), group.transport, setup)
    });
    groups
}

fn plan_one(scenarios: &[Scenario], client: &Client, wanted: Option<&[Transport]>, groups: &mut Vec<Group>) {
    let everything = [
        Transport::Plaintext,
        Transport::TlsUnverified,
        Transport::Tls,
        Transport::MtlsUnverified,
        Transport::Mtls,
    ];
    let wanted = wanted.unwrap_or(match client {
        Client::Builtin | Client::Gullible | Client::Fragile => &everything,
        Client::Command(_) | Client::Adapter(_) => &[Transport::Tls],
    });
    let given = wanted;
    // An adapter may say that its library cannot do an arm, which then shows nothing.
    let may_lack = matches!(client, Client::Adapter(_));
    for (index, scenario) in scenarios.iter().enumerate() {
        if matches!(client, Client::Adapter(adapter) if !adapter.knows(scenario.topology)) {
            continue;
        }
        // The client is run as it is in that environment, whatever else it could do.
        let there = scenario.environment.as_ref().map(|environment| [environment.transport]);
        let wanted = there.as_ref().map_or(given, |there| there.as_slice());
        let tests_client =
            scenario.arms.iter().any(|a| a.transport.is_verified() && wanted.contains(&a.transport));
        // There the server is under test, whoever the client is.
        let tests_server = matches!(scenario.attack, Attack::Intruder { .. });
        for arm in &scenario.arms {
            // Liveness is for arms that are run.
            let shows = !arm.transport.is_verified();
            let own = wanted.contains(&arm.transport) && !tests_server;
            let to_show = tests_server
                || (tests_client && shows && (!own || may_lack) && Some([arm.transport]) != there);
            let who = if scenario.link.is_some() {
                // Whoever the client is: no client is under test.
                [None, Some(&Client::Builtin)]
            } else if gullible(scenario, arm) {
                [None, (own || to_show).then_some(&Client::Gullible)]
            } else if fragile(scenario, arm) {
                [None, (own || to_show).then_some(&Client::Fragile)]
            } else {
                [own.then_some(client), to_show.then_some(&Client::Builtin)]
            };
            for who in who.into_iter().flatten() {
                let planned = Planned { scenario: index, arm: arm.clone() };
                let (transport, topology) = (arm.transport, scenario.topology);
                // It means something with mutual TLS only; but where the certificate is the login, the arm without has none.
                let means = transport.is_mutual() || (scenario.demand == Demand::Named && transport.is_tls());
                let demand = if means { scenario.demand } else { Demand::default() };
                let same = |group: &&mut Group| {
                    let setup = (group.transport, group.topology, group.demand, group.link);
                    setup == (transport, topology, demand, scenario.link) && group.client == *who
                };
                match groups.iter_mut().find(same) {
                    // Several clients need the same arm of the lab's own.
                    Some(group) if group.arms.contains(&planned) => {}
                    Some(group) => group.arms.push(planned),
                    None => {
                        let client = who.clone();
                        let link = scenario.link;
                        groups.push(Group { client, transport, topology, demand, link, arms: vec![planned] });
                    }
                }
            }
        }
    }
}

/// No client that uses a library goes on with a broken handshake because it was told not to verify, and none
/// is sure to resume a session, least of all with another host: the one
/// that shows that misbehaviour is live is the lab's own.
fn gullible(scenario: &Scenario, arm: &Arm) -> bool {
    let resumes = matches!(
        scenario.attack,
        Attack::Resume { .. } | Attack::Redirect { to: Destination::SharedTickets, .. }
    );
    (scenario.attack.how().is_some() || resumes) && arm.transport == Transport::TlsUnverified
}

/// No client is sure to break: the one that shows hostile replies live is the lab's own.
fn fragile(scenario: &Scenario, arm: &Arm) -> bool {
    matches!(scenario.attack, Attack::HostileReply { .. }) && arm.transport == Transport::Plaintext
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::embedded;
    use wirelab_subject::{Adapter, AdapterCommand};

    fn shape(client: &Client, wanted: Option<&[Transport]>) -> Vec<(bool, Transport, usize)> {
        let mut scenarios: Vec<_> = embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        scenarios.retain(|scenario| scenario.tags.iter().any(|tag| tag == "headline"));
        plan(&scenarios, std::slice::from_ref(client), wanted)
            .iter()
            .map(|group| (group.client == Client::Builtin, group.transport, group.arms.len()))
            .collect()
    }

    #[test]
    fn an_intruder_is_the_built_in_client_whoever_is_under_test() {
        let mut scenarios: Vec<_> = embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        scenarios.retain(|scenario| scenario.id.starts_with("mutual/intruder-"));
        let command = Client::Command(vec!["app".into()]);
        for wanted in [None, Some([Transport::Plaintext].as_slice())] {
            let groups = plan(&scenarios, std::slice::from_ref(&command), wanted);
            let shape: Vec<_> = groups.iter().map(|group| (&group.client, group.transport)).collect();
            assert_eq!(shape, [(&Client::Builtin, Transport::Tls), (&Client::Builtin, Transport::Mtls)]);
        }
    }

    #[test]
    fn several_clients_share_what_shows_the_attacks_live() {
        use Transport::{Plaintext, Tls, TlsUnverified};
        let adapter = |name: &str| {
            let (name, version) = (name.to_owned(), "1".to_owned());
            let folder = std::path::PathBuf::new();
            Client::Adapter(Adapter::new(AdapterCommand {
                name,
                version,
                argv: Vec::new(),
                folder,
                topologies: vec![Topology::Standalone],
            }))
        };
        let mut scenarios: Vec<_> = embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        scenarios.retain(|scenario| scenario.id == "mitm/relay-read");
        let planned = |wanted: Option<&[Transport]>| -> Vec<(String, Transport, usize)> {
            plan(&scenarios, &[adapter("b"), adapter("a")], wanted)
                .iter()
                .map(|group| (group.client.describe(), group.transport, group.arms.len()))
                .collect()
        };
        let one = |client: &str, transport| (client.to_owned(), transport, 1);
        let shared = [one("builtin", Plaintext), one("builtin", TlsUnverified)];
        assert_eq!(planned(None), [&shared[..], &[one("b", Tls), one("a", Tls)]].concat());
        let each = |name| [one(name, TlsUnverified), one(name, Tls)];
        let both = [&shared[..], &each("b"), &each("a")].concat();
        assert_eq!(planned(Some(&[TlsUnverified, Tls])), both, "and the built-in client all the same");
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
