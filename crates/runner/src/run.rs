//! The run: groups of arms between their controls, judged, recorded, told.

use crate::evidence::{arm_folder, control_folder};
use crate::group::{Group, Rogue, plan};
use crate::lab::{Lab, RunError};
use crate::options::{Options, Sabotage};
use crate::trial::{Peer, Recorded, Spec};
use std::collections::BTreeMap;
use std::time::Instant;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wirelab_judge::{Control, Finding, Support, liveness_sibling};
use wirelab_model::{
    ArmEvidence, ArmRecord, ControlRecord, Outcome, RunEvent, RunRecord, Scenario, ScenarioInfo, Setup,
    Topology, Transport, TrialKind, Verdict,
};
use wirelab_subject::{Client, ServerKind};

/// A finished run: what it amounts to, and the evidence of each trial by its folder.
pub type Finished = (RunRecord, BTreeMap<String, ArmEvidence>);

/// Runs the scenarios and tells `on_event` what happens. Everything is written into the folder of
/// the options but `run.json` and the reports, which are the caller's.
///
/// Needs tokio's multi-thread runtime: waiting for the capture blocks.
///
/// # Errors
/// See [`RunError`]. A trial that went wrong is no error, but `inconclusive`.
pub async fn run(
    scenarios: &[Scenario],
    options: Options,
    mut on_event: impl FnMut(RunEvent),
) -> Result<Finished, RunError> {
    let begun = Instant::now();
    let started = OffsetDateTime::now_utc();
    let groups = plan(scenarios, &options.client, options.arms.as_deref());
    if groups.is_empty() {
        let wanted: Vec<String> = options.arms.iter().flatten().map(|arm| format!("`{arm}`")).collect();
        return Err(RunError::NoArm { wanted: wanted.join(" or ") });
    }
    let server = options.server.describe()?;
    let setup = Setup {
        client: options.client.describe(),
        server: server.clone(),
        capture: options.place.clone(),
        libpcap: wirelab_capture::libpcap_version(),
        system: system(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        sabotage: options.sabotage.map(|sabotage| sabotage.word().to_owned()),
    };
    let revealed = options.reveal;
    let lab = Lab::open(options)?;
    on_event(RunEvent::Started { trials: groups.iter().map(|group| group.trials(scenarios)).sum() });

    let mut state = State {
        lab: &lab,
        scenarios,
        server,
        findings: BTreeMap::new(),
        arms: Vec::new(),
        controls: Vec::new(),
        evidence: BTreeMap::new(),
        on_event: &mut on_event,
        stop: None,
    };
    for group in &groups {
        state.group(group).await?;
    }
    let State { mut arms, controls, evidence, .. } = state;
    arms.sort_by_key(|arm| (scenarios.iter().position(|s| s.id == arm.scenario), arm.arm));
    let record = RunRecord {
        version: env!("CARGO_PKG_VERSION").into(),
        outcome: Outcome::of(&arms),
        started: whole_seconds(started).format(&Rfc3339).unwrap_or_default(),
        duration_ms: begun.elapsed().as_millis() as u64,
        setup,
        revealed,
        scenarios: scenarios.iter().map(info).collect(),
        arms,
        controls,
    };
    Ok((record, evidence))
}

struct State<'a, F: FnMut(RunEvent)> {
    lab: &'a Lab,
    scenarios: &'a [Scenario],
    server: String,
    /// Final findings so far, for the arms that need a live sibling.
    findings: BTreeMap<(String, Transport), Finding>,
    arms: Vec<ArmRecord>,
    controls: Vec<ControlRecord>,
    evidence: BTreeMap<String, ArmEvidence>,
    on_event: &'a mut F,
    /// Set once nothing more is to be run, with the reason.
    stop: Option<String>,
}

impl<F: FnMut(RunEvent)> State<'_, F> {
    async fn group(&mut self, group: &Group) -> Result<(), RunError> {
        if let Some(why) = self.stop.clone() {
            for planned in &group.arms {
                self.finish(group, planned.scenario, Finding::skipped(why.clone()), "", 0);
            }
            return Ok(());
        }
        let before = self.control(group, TrialKind::ControlBefore, None).await?;
        if !before.passed {
            for planned in &group.arms {
                self.finish(group, planned.scenario, without_control(&before), "", 0);
            }
            return Ok(());
        }
        let mut unarmed = BTreeMap::new();
        for rogue in group.rogues(self.scenarios) {
            unarmed.insert(rogue, self.control(group, TrialKind::ControlUnarmed, Some(rogue)).await?);
        }
        let mut found = Vec::new();
        for planned in &group.arms {
            let Some(scenario) = self.scenarios.get(planned.scenario) else { continue };
            let begun = Instant::now();
            if let Some(why) = self.stop.clone() {
                found.push((planned, Finding::skipped(why), String::new(), 0));
                continue;
            }
            self.tell_start(&scenario.id, group);
            let idle = self.lab.options.sabotage == Some(Sabotage::IdleRogue);
            let peer = match Peer::attacking(&scenario.attack) {
                Peer::Good => Peer::Good,
                _ if idle => Peer::Idle,
                peer => peer,
            };
            let Group { client, transport, topology, .. } = group;
            let (transport, topology) = (*transport, *topology);
            let spec = Spec { kind: TrialKind::Attack, transport, topology, client, peer };
            let folder = arm_folder(group.client == Client::Builtin, &scenario.id, group.transport);
            let recorded = self.trial(&spec, &folder).await?;
            let finding = masked(self.lab, &recorded, wirelab_judge::find(&scenario.attack, &recorded.trial));
            (self.on_event)(RunEvent::TrialEnded);
            if self.lab.options.fail_fast && !planned.arm.expect.allows(finding.verdict) {
                self.stop = Some(format!(
                    "not run: --fail-fast, and {} {} was {}",
                    scenario.id, group.transport, finding.verdict
                ));
            }
            found.push((planned, finding, folder, begun.elapsed().as_millis() as u64));
        }
        let after = self.control(group, TrialKind::ControlAfter, None).await?;
        for (planned, finding, folder, duration_ms) in found {
            let Some(scenario) = self.scenarios.get(planned.scenario) else { continue };
            let liveness = liveness_sibling(scenario, group.transport)
                .and_then(|sibling| Some((sibling, self.findings.get(&(scenario.id.clone(), sibling))?)));
            let support = Support {
                before: &before,
                after: Some(&after),
                unarmed: Rogue::of(&scenario.attack).and_then(|rogue| unarmed.get(&rogue)),
                liveness,
            };
            let finding = wirelab_judge::verdict(&scenario.attack, finding, support);
            self.finish(group, planned.scenario, finding, &folder, duration_ms);
        }
        Ok(())
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
        self.tell_start(&format!("control {name}"), group);
        let peer = rogue.map_or(Peer::Good, Peer::unarmed);
        let Group { client, transport, topology, .. } = group;
        let spec = Spec { kind, transport: *transport, topology: *topology, client, peer };
        let folder = control_folder(*client == Client::Builtin, *topology, *transport, &name);
        let recorded = self.trial(&spec, &folder).await?;
        let mut control = wirelab_judge::control(&recorded.trial);
        control.why = mask_why(self.lab, &recorded, &control.why);
        let record = ControlRecord {
            kind,
            rogue: rogue.map(Rogue::word),
            arm: group.transport,
            topology: group.topology,
            client: group.client.describe(),
            passed: control.passed,
            why: control.why.clone(),
            evidence: folder,
        };
        self.controls.push(record.clone());
        (self.on_event)(RunEvent::Control(record));
        Ok(control)
    }

    fn tell_start(&mut self, name: &str, group: &Group) {
        let (name, client) = (name.to_owned(), group.client.describe());
        (self.on_event)(RunEvent::TrialStarted { name, arm: group.transport, client });
    }

    async fn trial(&mut self, spec: &Spec<'_>, folder: &str) -> Result<Recorded, RunError> {
        let path = self.lab.options.folder.join(folder);
        crate::lab::make_folder(&path)?;
        // Boxed: the state of a whole trial is too large to be copied around.
        let recorded = Box::pin(crate::trial::run(self.lab, spec, &path)).await?;
        let peer = if spec.peer == Peer::Good { "server" } else { "rogue" };
        let evidence = crate::evidence::write(&path, &recorded, peer, self.lab.options.reveal)?;
        self.evidence.insert(folder.to_owned(), evidence);
        Ok(recorded)
    }

    fn finish(&mut self, group: &Group, scenario: usize, finding: Finding, folder: &str, duration_ms: u64) {
        let Some(scenario) = self.scenarios.get(scenario) else { return };
        let Some(arm) = scenario.arms.iter().find(|arm| arm.transport == group.transport) else { return };
        let as_expected =
            arm.expect.allows(finding.verdict) && arm.got.iter().all(|wanted| finding.got.contains(wanted));
        self.findings.insert((scenario.id.clone(), arm.transport), finding.clone());
        let left_behind = self.evidence.get(folder).map(|evidence| evidence.client.left_behind.clone());
        let record = ArmRecord {
            scenario: scenario.id.clone(),
            arm: arm.transport,
            client: group.client.describe(),
            server: match group.topology {
                Topology::Standalone => self.server.clone(),
                // See `Server::start`.
                Topology::Cluster | Topology::Sentinel => ServerKind::Embedded.describe().unwrap_or_default(),
            },
            verdict: finding.verdict,
            got: finding.got,
            expected: arm.expect.clone(),
            expected_got: arm.got.clone(),
            as_expected,
            why: finding.why,
            evidence: folder.to_owned(),
            left_behind: left_behind.unwrap_or_default(),
            duration_ms,
        };
        self.arms.push(record.clone());
        (self.on_event)(RunEvent::Arm(record));
        if self.lab.options.fail_fast
            && !as_expected
            && finding.verdict != Verdict::Skipped
            && self.stop.is_none()
        {
            self.stop = Some(format!(
                "not run: --fail-fast, and {} {} was {}",
                scenario.id, arm.transport, finding.verdict
            ));
        }
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

fn masked(lab: &Lab, recorded: &Recorded, mut finding: Finding) -> Finding {
    finding.why = mask_why(lab, recorded, &finding.why);
    finding
}

fn info(scenario: &Scenario) -> ScenarioInfo {
    ScenarioInfo {
        id: scenario.id.clone(),
        title: scenario.title.clone(),
        description: scenario.description.clone(),
        references: scenario.references.clone(),
        importance: scenario.importance,
        weakness: scenario.weakness,
        attack: scenario.attack.clone(),
    }
}

/// For people: nobody reads nanoseconds.
fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

/// Operating system and kernel, such as `Linux 6.1.0`.
fn system() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", release.trim()).trim_end().to_owned()
}
