//! Arms of a group, one after the other; several lanes share the work where their client is the lab's own.

use crate::evidence::arm_folder;
use crate::group::Group;
use crate::lab::{Lab, RunError, write_error};
use crate::options::Sabotage;
use crate::trial::{Peer, Recorded, Spec};
use crate::worker::{Shared, expected, masked, spec};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;
use wirelab_judge::Finding;
use wirelab_model::{ArmEvidence, ClientEnd, RunEvent, TrialKind, Verdict, WireReport};

/// How often a trial is run whose capture has holes. Each capture hears all traffic of the interface, also that of the trials
/// beside it, which may be more than it has room for: sixteen megabytes for each client that is shown as many.
const ATTEMPTS: usize = 3;

/// An arm that was attacked, or not run.
pub(crate) struct Attacked {
    /// Its place in the group.
    pub(crate) place: usize,
    pub(crate) finding: Finding,
    /// Folder of its evidence; empty where it was not run.
    pub(crate) folder: String,
    pub(crate) evidence: Option<ArmEvidence>,
    pub(crate) duration_ms: u64,
}

/// Attacks the client of a group in all its arms, in at most so many lanes. Each lane has a capture of its own,
/// and takes the next arm that nobody has. They come back in the order of the group.
pub(crate) async fn attack_all(
    lab: &Lab,
    shared: &Shared,
    group: &Group,
    lanes: usize,
) -> Result<Vec<Attacked>, RunError> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut others = JoinSet::new();
    for _ in 1..lanes.min(group.arms.len()) {
        let (lab, shared, group, next) = (lab.another()?, shared.clone(), group.clone(), Arc::clone(&next));
        others.spawn(async move { lane(&lab, &shared, &group, &next).await });
    }
    let mut attacked = lane(lab, shared, group, &next).await?;
    while let Some(ended) = others.join_next().await {
        attacked.extend(ended.map_err(|error| RunError::Internal(error.to_string()))??);
    }
    attacked.sort_by_key(|attacked| attacked.place);
    Ok(attacked)
}

async fn lane(
    lab: &Lab,
    shared: &Shared,
    group: &Group,
    next: &AtomicUsize,
) -> Result<Vec<Attacked>, RunError> {
    let mut attacked = Vec::new();
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        if place >= group.arms.len() {
            return Ok(attacked);
        }
        attacked.extend(attack(lab, shared, group, place).await?);
    }
}

async fn attack(
    lab: &Lab,
    shared: &Shared,
    group: &Group,
    place: usize,
) -> Result<Option<Attacked>, RunError> {
    let Some(planned) = group.arms.get(place) else { return Ok(None) };
    let Some(scenario) = shared.scenarios.get(planned.scenario) else { return Ok(None) };
    let begun = Instant::now();
    if let Some(why) = shared.stopped() {
        let (finding, folder) = (Finding::skipped(why), String::new());
        return Ok(Some(Attacked { place, finding, folder, evidence: None, duration_ms: 0 }));
    }
    shared.tell_start(&scenario.id, group);
    let idle = lab.options.sabotage == Some(Sabotage::IdleRogue);
    let peer = match Peer::attacking(&scenario.attack) {
        peer if peer.is_server() => peer,
        _ if idle => Peer::Idle,
        peer => peer,
    };
    let spec = spec(group, TrialKind::Attack, peer);
    let folder = arm_folder(group, &scenario.id);
    let (recorded, evidence) = record(lab, &spec, &folder).await?;
    let finding = masked(lab, &recorded, wirelab_judge::find(&scenario.attack, &recorded.trial));
    let finding = unsupported(&evidence.client.end, &finding).unwrap_or(finding);
    shared.tell(RunEvent::TrialEnded);
    let (expect, _) = expected(&lab.options.expectations, &group.client, scenario, &planned.arm);
    if lab.options.fail_fast && !expect.allows(finding.verdict) {
        shared.stop(scenario, group.transport, finding.verdict);
    }
    let duration_ms = begun.elapsed().as_millis() as u64;
    Ok(Some(Attacked { place, finding, folder, evidence: Some(evidence), duration_ms }))
}

/// Runs a trial and writes down what it shows.
pub(crate) async fn record(
    lab: &Lab,
    spec: &Spec<'_>,
    folder: &str,
) -> Result<(Recorded, ArmEvidence), RunError> {
    let path = lab.options.folder.join(folder);
    crate::lab::make_folder(&path)?;
    let mut attempt = 0;
    let recorded = loop {
        // Boxed: the state of a whole trial is too large to be copied around.
        let recorded = match spec.link {
            None => Box::pin(crate::trial::run(lab, spec, &path)).await?,
            Some(link) => Box::pin(crate::links::run(lab, spec, link, &path)).await?,
        };
        attempt += 1;
        if attempt == ATTEMPTS || !has_holes(&recorded.trial.wire) {
            break recorded;
        }
        // What the first attempt left there is not of the next one.
        std::fs::remove_dir_all(&path).map_err(|error| write_error(&path, &error))?;
        crate::lab::make_folder(&path)?;
    };
    let peer = if spec.peer.is_server() { "server" } else { "rogue" };
    let evidence = crate::evidence::write(&path, &recorded, peer, lab.options.reveal)?;
    Ok((recorded, evidence))
}

/// Whether packets are missing, and none of those that are there decides anything by itself.
fn has_holes(wire: &WireReport) -> bool {
    (wire.dropped > 0 || wire.cut > 0) && wire.leaks.is_empty()
}

/// What a trial is where the client says that it does not support it. A leak stands by itself.
pub(crate) fn unsupported(end: &ClientEnd, found: &Finding) -> Option<Finding> {
    let unsupported = matches!(end, ClientEnd::Unsupported { .. });
    (unsupported && found.verdict != Verdict::Compromised).then(|| Finding::skipped(end.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leak stands, whatever else is missing; and what is whole is not run again until it suits.
    #[test]
    fn only_a_trial_with_holes_and_without_a_leak_is_run_again() {
        let whole = WireReport::default();
        assert!(!has_holes(&whole));
        let mut holes = WireReport { dropped: 1, ..WireReport::default() };
        assert!(has_holes(&holes) && has_holes(&WireReport { cut: 1, ..whole }));
        holes.leaks.push(wirelab_model::Leak {
            canary: wirelab_model::CanaryKind::Password,
            encoding: wirelab_model::Encoding::Raw,
            flow: None,
            from: None,
            frame: 1,
            offset: 0,
        });
        assert!(!has_holes(&holes));
    }
}
