//! One worker: groups of arms between their controls, judged, recorded, told. Several work at the same time,
//! each with a capture of its own.

use crate::evidence::control_folder;
use crate::expectations::{Cell, Expectations};
use crate::group::{Group, Rogue};
use crate::lab::{Lab, RunError};
use crate::lane::{Attacked, attack_all, record, unsupported};
use crate::trial::{Peer, Recorded, Spec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;
use wirelab_judge::{Control, Finding, Support, liveness_sibling};
use wirelab_model::{
    Arm, ArmEvidence, ArmRecord, ControlRecord, Exception, Expect, RunEvent, Scenario, Topology, Transport,
    TrialKind, Verdict,
};
use wirelab_subject::{Client, LinkSetup, ServerKind};

/// Final findings, by scenario and transport.
pub(crate) type Findings = BTreeMap<(String, Transport), Finding>;

/// What all workers of a run share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) scenarios: Arc<[Scenario]>,
    server: String,
    events: UnboundedSender<RunEvent>,
    /// Set once nothing more is to be run, with the reason.
    stop: Arc<Mutex<Option<String>>>,
}

impl Shared {
    pub(crate) fn new(scenarios: Arc<[Scenario]>, server: String, events: UnboundedSender<RunEvent>) -> Self {
        Self { scenarios, server, events, stop: Arc::default() }
    }

    pub(crate) fn tell(&self, event: RunEvent) {
        // Whoever listens no longer is gone with the run.
        drop(self.events.send(event));
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn stop(&self, scenario: &Scenario, transport: Transport, verdict: Verdict) {
        let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        stop.get_or_insert_with(|| {
            format!("not run: --fail-fast, and {} {transport} was {verdict}", scenario.id)
        });
    }

    pub(crate) fn tell_start(&self, name: &str, group: &Group) {
        let (name, client) = (name.to_owned(), group.near());
        self.tell(RunEvent::TrialStarted { name, arm: group.transport, client });
    }
}

/// What workers have done.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) arms: Vec<ArmRecord>,
    pub(crate) controls: Vec<ControlRecord>,
    pub(crate) evidence: BTreeMap<String, ArmEvidence>,
}

impl Done {
    pub(crate) fn add(&mut self, other: Self) {
        self.arms.extend(other.arms);
        self.controls.extend(other.controls);
        self.evidence.extend(other.evidence);
    }
}

pub(crate) struct Worker {
    lab: Lab,
    shared: Shared,
    /// Findings of this worker so far, for the arms that need a live sibling.
    findings: Findings,
    /// Those of the built-in client.
    liveness: Arc<Findings>,
    done: Done,
    /// Trials of the lab's own clients at the same time.
    lanes: usize,
}

impl Worker {
    pub(crate) fn new(lab: Lab, shared: Shared) -> Self {
        let (findings, liveness, done) = (Findings::new(), Arc::default(), Done::default());
        Self { lab, shared, findings, liveness, done, lanes: 1 }
    }

    /// With the findings of the built-in client, which show that attacks are live.
    pub(crate) fn with_liveness(self, liveness: Arc<Findings>) -> Self {
        Self { liveness, ..self }
    }

    /// With several trials at the same time, where the client is the lab's own.
    pub(crate) fn with_lanes(self, lanes: usize) -> Self {
        Self { lanes, ..self }
    }

    pub(crate) fn end(self) -> (Lab, Done, Findings) {
        (self.lab, self.done, self.findings)
    }

    pub(crate) async fn groups(&mut self, groups: &[Group]) -> Result<(), RunError> {
        for group in groups {
            self.group(group).await?;
        }
        Ok(())
    }

    async fn group(&mut self, group: &Group) -> Result<(), RunError> {
        if let Some(why) = self.shared.stopped() {
            for planned in &group.arms {
                self.finish(group, planned.scenario, Finding::skipped(why.clone()), "", 0);
            }
            return Ok(());
        }
        if let Some(why) = lacks(&self.lab, group).await {
            for planned in &group.arms {
                self.finish(group, planned.scenario, Finding::skipped(why.clone()), "", 0);
            }
            return Ok(());
        }
        let before = self.control(group, TrialKind::ControlBefore, None).await?;
        if !before.passed {
            let folder = control_folder(group, "before");
            for planned in &group.arms {
                let finding = without_control(&before);
                let end = self.done.evidence.get(&folder).map(|evidence| &evidence.client.end);
                let finding = end.and_then(|end| unsupported(end, &finding)).unwrap_or(finding);
                self.finish(group, planned.scenario, finding, "", 0);
            }
            return Ok(());
        }
        let shared = self.shared.clone();
        let mut unarmed = BTreeMap::new();
        for rogue in group.rogues(&shared.scenarios) {
            unarmed.insert(rogue, self.control(group, TrialKind::ControlUnarmed, Some(rogue)).await?);
        }
        // Each starts several servers.
        let lanes = if group.client.is_own() && group.link.is_none() { self.lanes } else { 1 };
        let attacked = attack_all(&self.lab, &shared, group, lanes).await?;
        let after = self.control(group, TrialKind::ControlAfter, None).await?;
        for Attacked { place, finding, folder, evidence, duration_ms } in attacked {
            self.done.evidence.extend(evidence.map(|evidence| (folder.clone(), evidence)));
            let Some(planned) = group.arms.get(place) else { continue };
            let Some(scenario) = shared.scenarios.get(planned.scenario) else { continue };
            let liveness = liveness_sibling(scenario, group.transport)
                .and_then(|sibling| Some((sibling, self.sibling(scenario, sibling)?)));
            let support = Support {
                before: &before,
                after: Some(&after),
                unarmed: Rogue::of(&scenario.attack).and_then(|rogue| unarmed.get(&rogue)),
                liveness,
            };
            let finding = wirelab_judge::verdict(&scenario.attack, finding, support);
            let known = cell(&self.lab.options.expectations, &group.client, scenario, &planned.arm);
            let finding = undecidable(finding, known);
            self.finish(group, planned.scenario, finding, &folder, duration_ms);
        }
        Ok(())
    }

    /// What shows an attack live: the client's own arm, or else that of the built-in client.
    fn sibling(&self, scenario: &Scenario, transport: Transport) -> Option<&Finding> {
        let key = (scenario.id.clone(), transport);
        let all = [self.findings.get(&key), self.liveness.get(&key)];
        let mut all = all.into_iter().flatten();
        let live = all.clone().find(|finding| finding.verdict == Verdict::Compromised);
        live.or_else(|| all.next())
    }

    async fn control(
        &mut self,
        group: &Group,
        kind: TrialKind,
        rogue: Option<Rogue>,
    ) -> Result<Control, RunError> {
        let name = match (kind, rogue) {
            (TrialKind::ControlBefore, _) => "before".to_owned(),
            (TrialKind::ControlUnarmed, Some(rogue)) => format!("unarmed-{}", rogue.word()),
            _ => "after".to_owned(),
        };
        self.shared.tell_start(&format!("control {name}"), group);
        let peer = rogue.map_or(Peer::Good, Peer::unarmed);
        let spec = spec(group, kind, peer);
        let folder = control_folder(group, &name);
        let recorded = self.trial(&spec, &folder).await?;
        let mut control = wirelab_judge::control(&recorded.trial);
        control.why = mask_why(&self.lab, &recorded, &control.why);
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
        self.done.controls.push(record.clone());
        self.shared.tell(RunEvent::Control(record));
        Ok(control)
    }

    async fn trial(&mut self, spec: &Spec<'_>, folder: &str) -> Result<Recorded, RunError> {
        let (recorded, evidence) = record(&self.lab, spec, folder).await?;
        self.done.evidence.insert(folder.to_owned(), evidence);
        Ok(recorded)
    }

    fn finish(&mut self, group: &Group, scenario: usize, finding: Finding, folder: &str, duration_ms: u64) {
        let shared = self.shared.clone();
        let Some(scenario) = shared.scenarios.get(scenario) else { return };
        let Some(arm) = scenario.arms.iter().find(|arm| arm.transport == group.transport) else { return };
        let (expect, exception) = expected(&self.lab.options.expectations, &group.client, scenario, arm);
        let got = exception.is_some()
            || (arm.got.iter().all(|wanted| finding.got.contains(wanted))
                && !arm.not_got.iter().any(|unwanted| finding.got.contains(unwanted)));
        let expired = exception.is_some_and(|exception| exception.expired);
        let as_expected = expect.allows(finding.verdict) && got && !expired;
        self.findings.insert((scenario.id.clone(), arm.transport), finding.clone());
        let left_behind = self.done.evidence.get(folder).map(|evidence| evidence.client.left_behind.clone());
        let record = ArmRecord {
            scenario: scenario.id.clone(),
            arm: arm.transport,
            client: group.near(),
            server: match group.topology {
                Topology::Standalone => match group.link {
                    Some(link) => LinkSetup::program(link).unwrap_or_default(),
                    None => shared.server.clone(),
                },
                // See `Server::start`.
                Topology::Cluster | Topology::Sentinel => ServerKind::Embedded.describe().unwrap_or_default(),
            },
            verdict: finding.verdict,
            got: finding.got,
            expected: expect.clone(),
            expected_got: if exception.is_some() { Vec::new() } else { arm.got.clone() },
            expected_not_got: if exception.is_some() { Vec::new() } else { arm.not_got.clone() },
            liveness: liveness_sibling(scenario, arm.transport).is_none(),
            as_expected,
            exception: exception.cloned(),
            why: finding.why,
            evidence: folder.to_owned(),
            left_behind: left_behind.unwrap_or_default(),
            duration_ms,
        };
        self.done.arms.push(record.clone());
        self.shared.tell(RunEvent::Arm(record));
        if self.lab.options.fail_fast && !as_expected && finding.verdict != Verdict::Skipped {
            self.shared.stop(scenario, arm.transport, finding.verdict);
        }
    }
}

pub(crate) fn spec(group: &Group, kind: TrialKind, peer: Peer) -> Spec<'_> {
    let Group { client, transport, topology, demand, link, .. } = group;
    let (transport, topology, demand) = (*transport, *topology, *demand);
    Spec { kind, transport, topology, demand, link: *link, client, peer }
}

/// What a group needs and is not there.
async fn lacks(lab: &Lab, group: &Group) -> Option<String> {
    match group.link {
        None => lab.options.server.lacks(group.demand, &lab.options.launcher).await,
        Some(link) => LinkSetup::program(link).err().map(|error| error.to_string()),
    }
}

/// What an arm must show: what the scenario says, unless another thing is expected of this very client over
/// verified TLS. A waiver that is over changes nothing any more, but is still to be told of.
pub(crate) fn expected<'a>(
    expectations: &'a Expectations,
    client: &Client,
    scenario: &Scenario,
    arm: &'a Arm,
) -> (&'a Expect, Option<&'a Exception>) {
    match cell(expectations, client, scenario, arm) {
        Some(cell) if cell.exception.expired => (&arm.expect, Some(&cell.exception)),
        Some(cell) => (&cell.expect, Some(&cell.exception)),
        None => (&arm.expect, None),
    }
}

/// What is expected of this very client.
fn cell<'a>(
    expectations: &'a Expectations,
    client: &Client,
    scenario: &Scenario,
    arm: &Arm,
) -> Option<&'a Cell> {
    match client {
        Client::Adapter(adapter) if arm.transport.is_verified() => {
            expectations.of(adapter.name(), &scenario.id)
        }
        _ => None,
    }
}

/// An arm that could not be decided, where that is what is expected of this client, and for this reason: nobody has to look
/// for a fault of the lab. Any other doubt is one.
fn undecidable(finding: Finding, known: Option<&Cell>) -> Finding {
    let doubt = known.filter(|cell| !cell.exception.expired).and_then(|cell| cell.doubt.as_ref());
    match (known, doubt) {
        (Some(known), Some(doubt))
            if finding.verdict == Verdict::Inconclusive && finding.why.contains(doubt) =>
        {
            Finding::skipped(format!("not to be decided: {} ({})", known.exception.reason, finding.why))
        }
        _ => finding,
    }
}

/// What the arms of a group are when its first control failed.
fn without_control(before: &Control) -> Finding {
    if before.leaked.is_empty() {
        return Finding::inconclusive(format!("not attacked: the control before it failed: {}", before.why));
    }
    // No attack was needed.
    let (got, why) = (before.leaked.clone(), before.why.clone());
    Finding { verdict: Verdict::Compromised, got, why, followed: None }
}

fn mask_why(lab: &Lab, recorded: &Recorded, why: &str) -> String {
    if lab.options.reveal { why.to_owned() } else { recorded.needles.mask_text(why) }
}

pub(crate) fn masked(lab: &Lab, recorded: &Recorded, mut finding: Finding) -> Finding {
    finding.why = mask_why(lab, recorded, &finding.why);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hole in the capture is no reason that was expected.
    #[test]
    fn only_the_doubt_that_is_expected_is_skipped() {
        let cell = |expired| Cell {
            expect: Expect::One(Verdict::Skipped),
            exception: Exception { reason: "known".into(), link: "x".into(), until: None, expired },
            doubt: Some("even without its flaw".into()),
        };
        let refused = || Finding::inconclusive("the client refuses the rogue even without its flaw");
        let hole = || Finding::inconclusive("the kernel dropped 3 packets");
        let verdict = |finding, known: Option<&Cell>| undecidable(finding, known).verdict;
        assert_eq!(verdict(refused(), Some(&cell(false))), Verdict::Skipped);
        assert_eq!(verdict(hole(), Some(&cell(false))), Verdict::Inconclusive);
        assert_eq!(verdict(refused(), Some(&cell(true))), Verdict::Inconclusive);
        assert_eq!(verdict(refused(), None), Verdict::Inconclusive);
    }
}
