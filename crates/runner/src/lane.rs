//! Trials in lanes: each lane has a capture of its own, and takes the next trial that nobody has.

use crate::evidence::{arm_folder, control_folder};
use crate::group::{Group, Rogue};
use crate::lab::{Lab, RunError, write_error};
use crate::options::Sabotage;
use crate::peer::Peer;
use crate::trial::{Recorded, Spec};
use crate::worker::{Shared, expected, mask_why, masked, spec};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;
use wirelab_judge::{Control, Finding};
use wirelab_model::{
    ArmEvidence, ClientEnd, ControlRecord, PeerReport, RunEvent, Topology, Trial, TrialKind, Verdict,
    WireReport,
};

/// How often a trial is run whose capture has holes. Each capture hears all traffic of the interface, also that of the trials
/// beside it, which may be more than it has room for: sixteen megabytes for each client that is shown as many.
const ATTEMPTS: usize = 3;

/// A trial that is to be run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    /// The place of its group.
    pub(crate) group: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Control(TrialKind, Option<Rogue>),
    /// The arm at this place of the group.
    Attack(usize),
}

/// A trial that was run.
pub(crate) enum Ran {
    Control(Control, ControlRecord, ArmEvidence),
    Attack(Attacked),
}

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

/// Runs all of these trials, the first ones first. They come back in the order in which they are given.
pub(crate) async fn run_all(
    lanes: &[Arc<Lab>],
    shared: &Shared,
    groups: &Arc<[Group]>,
    tasks: Vec<Task>,
) -> Result<Vec<(Task, Ran)>, RunError> {
    let (next, tasks): (_, Arc<[Task]>) = (Arc::new(AtomicUsize::new(0)), tasks.into());
    let mut running = JoinSet::new();
    for lab in lanes.iter().take(tasks.len()) {
        let (lab, shared, groups) = (Arc::clone(lab), shared.clone(), Arc::clone(groups));
        let (next, tasks) = (Arc::clone(&next), Arc::clone(&tasks));
        running.spawn(async move { lane(&lab, &shared, &groups, &tasks, &next).await });
    }
    let mut ran = Vec::new();
    while let Some(ended) = running.join_next().await {
        ran.extend(ended.map_err(|error| RunError::Internal(error.to_string()))??);
    }
    ran.sort_by_key(|(place, _)| *place);
    Ok(ran.into_iter().filter_map(|(place, ran)| Some((*tasks.get(place)?, ran))).collect())
}

async fn lane(
    lab: &Lab,
    shared: &Shared,
    groups: &[Group],
    tasks: &[Task],
    next: &AtomicUsize,
) -> Result<Vec<(usize, Ran)>, RunError> {
    let mut ran = Vec::new();
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(task) = tasks.get(place) else { return Ok(ran) };
        let Some(group) = groups.get(task.group) else { continue };
        let done = match task.what {
            What::Control(kind, rogue) => Some(control(lab, shared, group, kind, rogue).await?),
            What::Attack(arm) => attack(lab, shared, group, arm).await?.map(Ran::Attack),
        };
        ran.extend(done.map(|done| (place, done)));
    }
}

async fn control(
    lab: &Lab,
    shared: &Shared,
    group: &Group,
    kind: TrialKind,
    rogue: Option<Rogue>,
) -> Result<Ran, RunError> {
    let name = control_name(kind, rogue);
    shared.tell_start(&format!("control {name}"), group);
    let spec = spec(group, kind, rogue.map_or(Peer::Good, Peer::unarmed));
    let folder = control_folder(group, &name);
    let (recorded, evidence) = record(lab, &spec, &folder).await?;
    let mut control = wirelab_judge::control(&recorded.trial);
    control.why = mask_why(lab, &recorded, &control.why);
    let record = ControlRecord {
        kind,
        rogue: rogue.map(Rogue::word),
        arm: group.transport,
        topology: group.topology,
        client: group.near(),
        passed: control.passed,
        why: control.why.clone(),
        evidence: folder,
    };
    shared.tell(RunEvent::Control(record.clone()));
    Ok(Ran::Control(control, record, evidence))
}

/// What a control is called, in the names of folders too.
pub(crate) fn control_name(kind: TrialKind, rogue: Option<Rogue>) -> String {
    match (kind, rogue) {
        (TrialKind::ControlBefore, _) => "before".to_owned(),
        (TrialKind::ControlUnarmed, Some(rogue)) => format!("unarmed-{}", rogue.word()),
        _ => "after".to_owned(),
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
    let found = wirelab_judge::find(&scenario.attack, &recorded.trial);
    let found = match group.topology {
        Topology::ClearSentinel => wirelab_judge::asked_in_clear(&recorded.trial, found),
        _ => found,
    };
    let finding = masked(lab, &recorded, found);
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
        if attempt == ATTEMPTS || !has_holes(&recorded.trial.wire, given(spec, &recorded.trial)) {
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

/// Whether packets are missing, and nothing that is there decides by itself: neither a secret in the capture, nor one that a
/// rogue was `given`.
fn has_holes(wire: &WireReport, given: bool) -> bool {
    (wire.dropped > 0 || wire.cut > 0) && wire.leaks.is_empty() && !given
}

/// Whether a rogue says that it was given a secret.
fn given(spec: &Spec<'_>, trial: &Trial) -> bool {
    let secrets = |peer: &PeerReport| peer.connections.iter().any(|c| !c.witnessed.from_client.is_empty());
    spec.kind == TrialKind::Attack && !spec.peer.is_server() && trial.peer.as_ref().is_some_and(secrets)
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
        assert!(!has_holes(&whole, false));
        let mut holes = WireReport { dropped: 1, ..WireReport::default() };
        assert!(has_holes(&holes, false) && has_holes(&WireReport { cut: 1, ..whole }, false));
        assert!(!has_holes(&holes, true), "the rogue has the secret");
        holes.leaks.push(wirelab_model::Leak {
            canary: wirelab_model::CanaryKind::Password,
            encoding: wirelab_model::Encoding::Raw,
            flow: None,
            from: None,
            frame: 1,
            offset: 0,
        });
        assert!(!has_holes(&holes, false));
    }
}
