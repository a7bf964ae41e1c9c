//! One worker: groups of arms between their controls, judged, recorded, told. Several work at the same time,
//! each with a capture of its own.

use crate::evidence::control_folder;
use crate::expectations::{Cell, Expectations};
use crate::group::{Group, Rogue};
use crate::lab::{Common, Lab, RunError};
use crate::lane::{Attacked, Ran, Task, What, control_name, run_all, unsupported};
use crate::options::Options;
use crate::peer::Peer;
use crate::trial::{Recorded, Spec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;
use wirelab_judge::{Control, Finding, Support, liveness_sibling};
use wirelab_model::{
    Arm, ArmEvidence, ArmRecord, Attack, Bait, ControlRecord, Exception, Expect, RunEvent, Scenario,
    Topology, Transport, TrialKind, Verdict,
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

/// What the trials of a group have shown so far.
#[derive(Default)]
struct Tried {
    /// Why none of them is run.
    not_run: Option<String>,
    before: Option<Control>,
    unarmed: BTreeMap<Rogue, Control>,
    attacked: Vec<Attacked>,
    after: Option<Control>,
    /// Of the controls, in the order in which they are run where nothing runs beside them.
    records: Vec<ControlRecord>,
}

impl Tried {
    fn works(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.passed)
    }
}

/// The places of the groups that are run.
fn runnable(tried: &[Tried]) -> impl Iterator<Item = usize> {
    tried.iter().enumerate().filter(|(_, tried)| tried.not_run.is_none()).map(|(at, _)| at)
}

pub(crate) struct Worker {
    common: Arc<Common>,
    /// A capture for each trial that runs at the same time.
    lanes: Vec<Arc<Lab>>,
    shared: Shared,
    /// Findings of this worker so far, for the arms that need a live sibling.
    findings: Findings,
    /// Those of the built-in client.
    liveness: Arc<Findings>,
    done: Done,
}

impl Worker {
    pub(crate) fn new(lab: Lab, shared: Shared) -> Self {
        let (findings, liveness, done) = (Findings::new(), Arc::default(), Done::default());
        let (common, lanes) = (lab.common(), vec![Arc::new(lab)]);
        Self { common, lanes, shared, findings, liveness, done }
    }

    /// With the findings of the built-in client, which show that attacks are live.
    pub(crate) fn with_liveness(self, liveness: Arc<Findings>) -> Self {
        Self { liveness, ..self }
    }

    /// With so many trials at the same time.
    pub(crate) fn with_lanes(mut self, lanes: usize) -> Result<Self, RunError> {
        while self.lanes.len() < lanes {
            self.lanes.push(Arc::new(Lab::share(Arc::clone(&self.common))?));
        }
        Ok(self)
    }

    pub(crate) fn end(self) -> (Done, Findings) {
        (self.done, self.findings)
    }

    /// One group after the other, or, where there are several lanes, all of them side by side: what they do not share,
    /// nobody waits for.
    pub(crate) async fn groups(&mut self, groups: &[Group]) -> Result<(), RunError> {
        let together = if self.lanes.len() > 1 { groups.len() } else { 1 };
        for groups in groups.chunks(together.max(1)) {
            self.side_by_side(groups.into()).await?;
        }
        Ok(())
    }

    /// First the controls before, then whatever is attacked between rogues without their flaw, then the controls after.
    async fn side_by_side(&mut self, groups: Arc<[Group]>) -> Result<(), RunError> {
        let mut tried: Vec<Tried> = Vec::new();
        for group in groups.iter() {
            let not_run = match self.shared.stopped() {
                Some(why) => Some(why),
                None => lacks(&self.common.options, group).await,
            };
            tried.push(Tried { not_run, ..Tried::default() });
        }
        let control = |group, kind| Task { group, what: What::Control(kind, None) };
        let before = runnable(&tried).map(|group| control(group, TrialKind::ControlBefore)).collect();
        self.run(&groups, before, &mut tried).await?;

        let scenarios = Arc::clone(&self.shared.scenarios);
        let mut tasks = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            if !tried.get(at).is_some_and(Tried::works) {
                continue;
            }
            let unarmed = group.rogues(&scenarios).into_iter();
            let unarmed = unarmed.map(|rogue| What::Control(TrialKind::ControlUnarmed, Some(rogue)));
            let attacks = (0..group.arms.len()).map(What::Attack);
            tasks.extend(unarmed.chain(attacks).map(|what| Task { group: at, what }));
        }
        if self.lanes.len() > 1 {
            // Nobody is to wait for a long one at the end.
            tasks.sort_by_key(|task| std::cmp::Reverse(length(&groups, &scenarios, task)));
        }
        self.run(&groups, tasks, &mut tried).await?;

        let after = (0..groups.len()).filter(|at| tried.get(*at).is_some_and(Tried::works));
        let after = after.map(|group| control(group, TrialKind::ControlAfter)).collect();
        self.run(&groups, after, &mut tried).await?;
        for (group, tried) in groups.iter().zip(tried) {
            self.judge(group, tried);
        }
        Ok(())
    }

    async fn run(
        &mut self,
        groups: &Arc<[Group]>,
        tasks: Vec<Task>,
        tried: &mut [Tried],
    ) -> Result<(), RunError> {
        for (task, ran) in run_all(&self.lanes, &self.shared, groups, tasks).await? {
            let Some(tried) = tried.get_mut(task.group) else { continue };
            match ran {
                Ran::Attack(attacked) => tried.attacked.push(attacked),
                Ran::Control(control, record, evidence) => {
                    self.done.evidence.insert(record.evidence.clone(), evidence);
                    tried.records.push(record);
                    match task.what {
                        What::Control(TrialKind::ControlBefore, _) => tried.before = Some(control),
                        What::Control(_, Some(rogue)) => {
                            tried.unarmed.insert(rogue, control);
                        }
                        _ => tried.after = Some(control),
                    }
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self, group: &Group, tried: Tried) {
        let Tried { not_run, before, unarmed, mut attacked, after, records } = tried;
        self.done.controls.extend(records);
        let before = match (not_run, before) {
            (Some(why), _) => return self.finish_all(group, &Finding::skipped(why)),
            (None, Some(before)) => before,
            // It is always run, or the whole run has failed.
            (None, None) => return,
        };
        if !before.passed {
            let folder = control_folder(group, &control_name(TrialKind::ControlBefore, None));
            let finding = without_control(&before);
            let end = self.done.evidence.get(&folder).map(|evidence| &evidence.client.end);
            let finding = end.and_then(|end| unsupported(end, &finding)).unwrap_or(finding);
            return self.finish_all(group, &finding);
        }
        let shared = self.shared.clone();
        attacked.sort_by_key(|attacked| attacked.place);
        for Attacked { place, finding, folder, evidence, duration_ms } in attacked {
            self.done.evidence.extend(evidence.map(|evidence| (folder.clone(), evidence)));
            let Some(planned) = group.arms.get(place) else { continue };
            let Some(scenario) = shared.scenarios.get(planned.scenario) else { continue };
            let liveness = liveness_sibling(scenario, group.transport)
                .and_then(|sibling| Some((sibling, self.sibling(scenario, sibling)?)));
            let support = Support {
                before: &before,
                after: after.as_ref(),
                unarmed: Rogue::of(&scenario.attack).and_then(|rogue| unarmed.get(&rogue)),
                liveness,
            };
            let finding = wirelab_judge::verdict(&scenario.attack, finding, support);
            let known = cell(&self.common.options.expectations, &group.client, scenario, &planned.arm);
            let finding = undecidable(finding, known);
            self.finish(group, planned.scenario, finding, &folder, duration_ms);
        }
    }

    /// What shows an attack live: the client's own arm, or else that of the built-in client.
    fn sibling(&self, scenario: &Scenario, transport: Transport) -> Option<&Finding> {
        let key = (scenario.id.clone(), transport);
        let all = [self.findings.get(&key), self.liveness.get(&key)];
        let mut all = all.into_iter().flatten();
        let live = all.clone().find(|finding| finding.verdict == Verdict::Compromised);
        live.or_else(|| all.next())
    }

    fn finish_all(&mut self, group: &Group, finding: &Finding) {
        for planned in &group.arms {
            self.finish(group, planned.scenario, finding.clone(), "", 0);
        }
    }

    fn finish(&mut self, group: &Group, scenario: usize, finding: Finding, folder: &str, duration_ms: u64) {
        let shared = self.shared.clone();
        let Some(scenario) = shared.scenarios.get(scenario) else { return };
        let Some(arm) = scenario.arms.iter().find(|arm| arm.transport == group.transport) else { return };
        let (expect, exception) = expected(&self.common.options.expectations, &group.client, scenario, arm);
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
                Topology::Cluster | Topology::Sentinel | Topology::ClearSentinel => {
                    ServerKind::Embedded.describe().unwrap_or_default()
                }
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
        if self.common.options.fail_fast && !as_expected && finding.verdict != Verdict::Skipped {
            self.shared.stop(scenario, arm.transport, finding.verdict);
        }
    }
}

/// How long a trial takes, roughly, beside others: most take some milliseconds. Those do not in which somebody waits for
/// what never comes.
fn length(groups: &[Group], scenarios: &[Scenario], task: &Task) -> u8 {
    let What::Attack(place) = task.what else { return 0 };
    let planned = groups.get(task.group).and_then(|group| group.arms.get(place));
    match planned.and_then(|planned| scenarios.get(planned.scenario)).map(|scenario| &scenario.attack) {
        Some(Attack::Stall { .. } | Attack::HostileReply { .. } | Attack::Resume { .. }) => 3,
        Some(Attack::Bait { how: Bait::Silent, .. } | Attack::Storm { .. } | Attack::Reconnect { .. }) => 2,
        Some(Attack::Misbehave { .. } | Attack::OnPath { .. } | Attack::Renegotiate { .. }) => 1,
        // Who looks for a way through it looks for long.
        Some(Attack::Impostor { certificate }) if certificate == "cross-signed-graph" => 1,
        _ => 0,
    }
}

pub(crate) fn spec(group: &Group, kind: TrialKind, peer: Peer) -> Spec<'_> {
    let Group { client, transport, topology, demand, link, .. } = group;
    let (transport, topology, demand) = (*transport, *topology, *demand);
    Spec { kind, transport, topology, demand, link: *link, client, peer }
}

/// What a group needs and is not there.
async fn lacks(options: &Options, group: &Group) -> Option<String> {
    match group.link {
        None => options.server.lacks(group.demand, &options.launcher).await,
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

pub(crate) fn mask_why(lab: &Lab, recorded: &Recorded, why: &str) -> String {
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
