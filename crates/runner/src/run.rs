//! The run: who can run, the plan, the workers, and what it amounts to.

use crate::group::{Group, plan};
use crate::lab::{Lab, RunError};
use crate::options::Options;
use crate::posture::environments;
use crate::registry::Registered;
use crate::worker::{Done, Shared, Worker};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use wirelab_model::{
    ArmEvidence, ArmRecord, ClientRecord, Outcome, RunEvent, RunRecord, Scenario, ScenarioInfo, Setup,
    Verdict,
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
    let (sender, mut events) = unbounded_channel();
    let mut work = Box::pin(work(scenarios.into(), options, sender));
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => on_event(event),
            finished = &mut work => {
                while let Ok(event) = events.try_recv() {
                    on_event(event);
                }
                return finished;
            }
        }
    }
}

async fn work(
    scenarios: Arc<[Scenario]>,
    mut options: Options,
    events: UnboundedSender<RunEvent>,
) -> Result<Finished, RunError> {
    let begun = Instant::now();
    let started = OffsetDateTime::now_utc();
    let registered = std::mem::take(&mut options.registered);
    let jobs = jobs(&options);
    let mut registered = crate::probe(registered, &options.launcher, jobs).await;
    registered.iter_mut().for_each(|client| client.leave_out_of(&scenarios));
    let clients = clients(&options.client, &registered, &events)?;
    let groups = plan(&scenarios, &clients, options.arms.as_deref());
    if groups.is_empty() {
        let wanted: Vec<String> = options.arms.iter().flatten().map(|arm| format!("`{arm}`")).collect();
        return Err(RunError::NoArm { wanted: wanted.join(" or ") });
    }
    let server = options.server.describe()?;
    let names: Vec<String> = clients.iter().map(Client::describe).collect();
    let setup = Setup {
        client: names.join(", "),
        server: server.clone(),
        capture: options.place.clone(),
        libpcap: wirelab_capture::libpcap_version(),
        system: system(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        sabotage: options.sabotage.map(|sabotage| sabotage.word().to_owned()),
    };
    let revealed = options.reveal;
    let lab = Lab::open(options)?;
    let trials = groups.iter().map(|group| group.trials(&scenarios)).sum();
    // Whoever listens no longer is gone with the run.
    drop(events.send(RunEvent::Started { trials }));

    let shared = Shared::new(Arc::clone(&scenarios), server, events);
    let Done { mut arms, mut controls, evidence } = run_groups(lab, shared, groups, jobs).await?;
    let place = |client: &String| names.iter().position(|name| name == client);
    arms.sort_by_key(|arm| {
        (scenarios.iter().position(|s| s.id == arm.scenario), arm.arm, place(&arm.client))
    });
    controls.sort_by_key(|control| place(&control.client));
    let record = RunRecord {
        version: env!("CARGO_PKG_VERSION").into(),
        outcome: outcome(&arms, &registered),
        started: whole_seconds(started).format(&Rfc3339).unwrap_or_default(),
        duration_ms: begun.elapsed().as_millis() as u64,
        setup,
        revealed,
        clients: registered.into_iter().map(|client| client.record).collect(),
        scenarios: scenarios.iter().map(info).collect(),
        environments: environments(&scenarios, &arms, &controls, &evidence, &names),
        arms,
        controls,
    };
    Ok((record, evidence))
}

/// How many clients can be run at the same time. Each trial has its own ports, secrets and capture. But a
/// `redis-server` is told a port that was free a moment before, which another trial could take meanwhile;
/// and one port for all is for one trial at a time.
fn jobs(options: &Options) -> usize {
    if options.server != ServerKind::Embedded || options.port != 0 { 1 } else { options.jobs.max(1) }
}

/// The clients under test that can run; tells of those that cannot.
fn clients(
    client: &Client,
    registered: &[Registered],
    events: &UnboundedSender<RunEvent>,
) -> Result<Vec<Client>, RunError> {
    if registered.is_empty() {
        return Ok(vec![client.clone()]);
    }
    let (can, cannot): (Vec<&Registered>, Vec<&Registered>) =
        registered.iter().partition(|client| client.record.skipped.is_none());
    if can.is_empty() {
        let line = |client: &&Registered| {
            let ClientRecord { name, skipped, .. } = &client.record;
            format!("  {name}: {}", skipped.as_deref().unwrap_or_default())
        };
        let reasons: Vec<String> = cannot.iter().map(line).collect();
        return Err(RunError::NoClient { reasons: reasons.join("\n") });
    }
    for client in cannot {
        drop(events.send(RunEvent::ClientSkipped(client.record.clone())));
    }
    Ok(can.into_iter().map(|client| Client::Adapter(client.adapter.clone())).collect())
}

/// Trials of the lab's own clients at the same time, for each job: most of a trial is waiting.
const LANES: usize = 4;
/// Most of them: each has a capture, which takes 64 MiB and hears all the others.
const MOST_LANES: usize = 12;
/// Trials of links at the same time, beside all others: each starts several servers, and waits for them most of its time.
/// With two of them all others had long ended.
const LINK_LANES: usize = 6;

/// Runs the groups of the built-in client, and then those of each client, `jobs` clients at the same time.
async fn run_groups(lab: Lab, shared: Shared, groups: Vec<Group>, jobs: usize) -> Result<Done, RunError> {
    let (builtin, others): (Vec<Group>, Vec<Group>) =
        groups.into_iter().partition(|group| group.client.is_own());
    let lanes = if lab.options.fail_fast || jobs == 1 { 1 } else { (jobs * LANES).min(MOST_LANES) };
    // Links wait for servers of theirs to start: others need not wait with them.
    let (links, builtin): (Vec<Group>, Vec<Group>) =
        builtin.into_iter().partition(|group| lanes > 1 && group.link.is_some());
    let common = lab.common();
    let mut workers = JoinSet::new();
    if !links.is_empty() {
        let beside = Worker::new(Lab::share(Arc::clone(&common))?, shared.clone());
        let mut beside = beside.with_lanes(LINK_LANES)?;
        workers.spawn(async move {
            beside.groups(&links).await?;
            Ok::<Done, RunError>(beside.end().0)
        });
    }
    let mut worker = Worker::new(lab, shared.clone()).with_lanes(lanes)?;
    worker.groups(&builtin).await?;
    let (mut done, liveness) = worker.end();
    let liveness = Arc::new(liveness);
    let mut clients: Vec<Vec<Group>> =
        others.chunk_by(|one, next| one.client == next.client).map(<[Group]>::to_vec).collect();
    // Who hangs takes longest: what is begun last is to be over soon.
    let hangs = |client: &Client| common.options.expectations.hangs(&client.describe());
    clients.sort_by_key(|groups| Reverse(groups.first().map_or(0, |group| hangs(&group.client))));
    for groups in clients {
        while workers.len() >= jobs
            && let Some(ended) = workers.join_next().await
        {
            done.add(ended.map_err(|error| RunError::Internal(error.to_string()))??);
        }
        let (shared, liveness, common) = (shared.clone(), Arc::clone(&liveness), Arc::clone(&common));
        workers.spawn(async move {
            // Opened only now: a capture hears everything, and costs as much.
            let mut worker = Worker::new(Lab::share(common)?, shared).with_liveness(liveness);
            worker.groups(&groups).await?;
            if let Some(Group { client: Client::Adapter(adapter), .. }) = groups.first() {
                adapter.end().await;
            }
            Ok::<Done, RunError>(worker.end().0)
        });
    }
    while let Some(ended) = workers.join_next().await {
        done.add(ended.map_err(|error| RunError::Internal(error.to_string()))??);
    }
    Ok(done)
}

/// What a run amounts to. A client that was named and cannot run, or does not support something, is a doubt.
/// One that was only meant by `all` is not, as long as any client was tested.
fn outcome(arms: &[ArmRecord], registered: &[Registered]) -> Outcome {
    let required = |name: &str| registered.iter().all(|client| client.required || client.record.name != name);
    let counted: Vec<ArmRecord> =
        arms.iter().filter(|arm| arm.verdict != Verdict::Skipped || required(&arm.client)).cloned().collect();
    let tested = registered.is_empty()
        || registered.iter().any(|client| counted.iter().any(|arm| arm.client == client.record.name));
    let skips = |client: &Registered| {
        let of = |arm: &ArmRecord| arm.client == client.record.name && arm.verdict == Verdict::Skipped;
        client.record.skipped.is_some() || arms.iter().any(of)
    };
    let lacking = registered.iter().any(|client| client.required && skips(client));
    match Outcome::of(&counted) {
        Outcome::AsExpected if lacking || !tested => Outcome::Inconclusive,
        outcome => outcome,
    }
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
