//! How often a client goes to its peer in one trial: once, and again where the attack is on those who come back.

use crate::lab::Lab;
use crate::peer::Peer;
use crate::trial::Spec;
use wirelab_model::{ClientEnd, ClientReport};
use wirelab_rogue::{Rogue, When};
use wirelab_subject::{Client, Cut, Target};

/// How often a client is given another session to resume, where it has resumed none. More would be a storm of refusals.
const MORE_CHANCES: u32 = 2;
/// How often a client is run, however often it connects each time, to see whether it gives up its checks.
const STORM: usize = 5;

/// Who says when the good session was long enough. An adapter keeps its client, which has had its answer then; of others
/// nobody knows when they have what they want, and that they stay.
pub(crate) fn when_cut(client: &Client) -> When {
    if matches!(client, Client::Adapter(_)) { When::Told } else { When::Seen }
}

/// Whether it says that it did not work.
pub(crate) fn gave_up(client: &ClientReport) -> bool {
    matches!(client.end, ClientEnd::Failed { .. })
}

/// Runs the client against its peer. The report is of the last time.
pub(crate) async fn run(
    lab: &Lab,
    spec: &Spec<'_>,
    rogue: Option<&Rogue>,
    mut target: Target,
) -> ClientReport {
    let launcher = &lab.options.launcher;
    match (&spec.peer, rogue) {
        (Peer::Comeback { .. } | Peer::Resumer { .. }, Some(rogue)) => {
            let mut client = come_back(launcher, spec.client, rogue, &mut target, false).await;
            // Whether a client resumes is often a matter of chance: of two connections that it opens again, one has the
            // ticket. So there is another good session, and another cut.
            for _ in 0..MORE_CHANCES {
                if !matches!(spec.peer, Peer::Resumer { .. }) || rogue.has_resumed() {
                    break;
                }
                rogue.be_good_again();
                client = come_back(launcher, spec.client, rogue, &mut target, true).await;
            }
            client
        }
        (Peer::Storm { .. }, _) => {
            let mut client = spec.client.run(launcher, &target).await;
            for _ in 1..STORM {
                if !gave_up(&client) {
                    break;
                }
                client = spec.client.run(launcher, &target).await;
            }
            client
        }
        _ => spec.client.run(launcher, &target).await,
    }
}

/// A good session, the cut, and the client's return. `again`: it has returned before, so that what the rogue has seen of it
/// no longer tells whether it did so by itself.
async fn come_back(
    launcher: &[String],
    client: &Client,
    rogue: &Rogue,
    target: &mut Target,
    again: bool,
) -> ClientReport {
    let told = when_cut(client) == When::Told;
    target.cut = if told { Cut::After } else { Cut::During };
    let first = client.run(launcher, target).await;
    if matches!(first.end, ClientEnd::NotStarted { .. } | ClientEnd::Unsupported { .. }) {
        return first;
    }
    rogue.cut().await;
    if told {
        target.cut = Cut::Before;
    } else if !again && !rogue.only_before_attack() && !gave_up(&first) {
        return first;
    }
    // Who ends with its good session, or gave up at the cut, has to come back all the same.
    let mut last = client.run(launcher, target).await;
    // What it wrote in its good session is evidence too.
    last.stdout.splice(0..0, first.stdout);
    last.stderr.splice(0..0, first.stderr);
    last.output_cut += first.output_cut;
    last
}
