use crate::arguments::{ArmName, Color, RunOptions, SabotageName, TopologyName};
use crate::complain;
use crate::progress::Progress;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use wirelab_capture::Place;
use wirelab_model::{ExitCode, Scenario, Topology, Transport};
use wirelab_runner::{Filter, Options, Registered, Sabotage, common, select, suited};
use wirelab_subject::Client;

/// Runs scenarios, writes the reports, prints the table.
pub(crate) fn run(wanted: &[String], tags: &[String], given: &RunOptions) -> ExitCode {
    let scenarios: Vec<Scenario> = match select(wanted, &Filter { tags: tags.to_vec() }) {
        Ok(sources) => sources.into_iter().map(|source| source.scenario).collect(),
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            return code;
        }
    };
    let client = match given.client_cmd.as_deref().map(wirelab_subject::split) {
        None => Client::Builtin,
        Some(Ok(words)) => {
            let program = words.first().map_or("", String::as_str);
            if !wirelab_subject::is_there(program) {
                complain(miette::miette!(
                    help = "name a file that may be run, or a program on the PATH; shells' own words and aliases are none",
                    "--client-cmd: there is no program `{program}`, so there is nothing to test"
                ));
                return ExitCode::Inconclusive;
            }
            Client::Command(words)
        }
        Some(Err(error)) => {
            complain(miette::miette!("--client-cmd: {error}"));
            return ExitCode::Usage;
        }
    };
    let (registered, expectations) = match crate::clients::chosen(given, &scenarios) {
        Ok(chosen) => chosen,
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            return code;
        }
    };
    let builtin = client == Client::Builtin && registered.is_empty();
    let topologies = topologies(&given.topology, builtin, &registered);
    let suited = suited(scenarios, &topologies, builtin).and_then(|(scenarios, left_out)| {
        not_run(left_out, "of links between servers or for clients of a cluster or a Sentinel (--topology says that this is one)");
        if builtin {
            return Ok(scenarios);
        }
        let (scenarios, left_out) = common(scenarios, !registered.is_empty())?;
        let whom = if registered.is_empty() { "cache or subscribe" } else { "cache, subscribe, or stay" };
        not_run(left_out, &format!("for clients that {whom}: only the built-in client is told to"));
        Ok(scenarios)
    });
    let scenarios = match suited {
        Ok(scenarios) => scenarios,
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            return code;
        }
    };
    // Before any thread is started: the namespace is entered by the whole process.
    let place = match wirelab_capture::enter() {
        Ok(Place::Host) => "lo",
        Ok(Place::Namespace) => "lo of a network namespace of its own",
        Err(error) => {
            complain(miette::miette!("{error}"));
            return ExitCode::Inconclusive;
        }
    };
    let binary = match std::env::current_exe() {
        Ok(binary) => binary,
        Err(error) => {
            complain(miette::miette!("cannot find the program itself: {error}"));
            return ExitCode::Internal;
        }
    };
    let arms: Vec<Transport> = given.arm.iter().map(|arm| transport(*arm)).collect();
    let options = Options {
        client,
        registered,
        expectations,
        jobs: given.jobs.map_or_else(processors, usize::from),
        arms: (!arms.is_empty()).then_some(arms),
        server: given.server,
        deadline: Duration::from_secs(given.timeout),
        port: given.port,
        folder: given.out.clone().unwrap_or_else(|| default_folder("run").into()),
        reveal: given.reveal,
        fail_fast: given.fail_fast,
        sabotage: given.sabotage.map(|sabotage| match sabotage {
            SabotageName::NoTls => Sabotage::NoTls,
            SabotageName::IdleRogue => Sabotage::IdleRogue,
            SabotageName::DeafCapture => Sabotage::DeafCapture,
        }),
        launcher: wirelab_subject::launcher(&binary),
        place: place.to_owned(),
    };
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(Box::pin(run_and_report(scenarios, options, given.color)));
            // Nothing of an interrupted run is waited for: children end with their pipes.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(miette::miette!("cannot start the runtime: {error}"));
            ExitCode::Internal
        }
    }
}

/// Nothing is left out in silence.
fn not_run(count: usize, which: &str) {
    if count > 0 {
        eprintln!("not run: {count} scenarios {which}\n");
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the clients under test can connect to: what the registry says, and otherwise one server, unless somebody says more.
fn topologies(given: &[TopologyName], builtin: bool, registered: &[Registered]) -> Vec<Topology> {
    let all = [
        (TopologyName::Standalone, Topology::Standalone),
        (TopologyName::Cluster, Topology::Cluster),
        (TopologyName::Sentinel, Topology::Sentinel),
        (TopologyName::ClearSentinel, Topology::ClearSentinel),
    ];
    let can = |topology: Topology| match registered {
        [] => builtin || topology == Topology::Standalone || !given.is_empty(),
        clients => clients.iter().any(|client| client.adapter.knows(topology)),
    };
    let wanted = |name: &TopologyName| given.is_empty() || given.contains(name);
    all.into_iter()
        .filter(|(name, topology)| wanted(name) && can(*topology))
        .map(|(_, topology)| topology)
        .collect()
}

fn transport(arm: ArmName) -> Transport {
    match arm {
        ArmName::Plaintext => Transport::Plaintext,
        ArmName::TlsUnverified => Transport::TlsUnverified,
        ArmName::Tls => Transport::Tls,
        ArmName::MtlsUnverified => Transport::MtlsUnverified,
        ArmName::Mtls => Transport::Mtls,
    }
}

/// A name that says when, in UTC, and that nothing has yet: two runs may begin within one second.
pub(crate) fn default_folder(what: &str) -> String {
    let now = time::OffsetDateTime::now_utc();
    let (date, clock) = (now.date(), now.time());
    let date = format!("{}{:02}{:02}", date.year(), u8::from(date.month()), date.day());
    let name = format!("wirelab-{what}-{date}-{:02}{:02}{:02}", clock.hour(), clock.minute(), clock.second());
    let free = |name: &String| !Path::new(name).exists();
    let numbered = (2..100).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(free).unwrap_or(name)
}

async fn run_and_report(scenarios: Vec<Scenario>, options: Options, color: Color) -> ExitCode {
    let (out_color, err_color) =
        (color.wanted(std::io::stdout().is_terminal()), color.wanted(std::io::stderr().is_terminal()));
    let folder = options.folder.clone();
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        complain(miette::miette!("cannot listen for signals"));
        return ExitCode::Internal;
    };
    let progress = Progress::new(err_color, options.registered.len() > 1);
    let running = Box::pin(wirelab_runner::run(&scenarios, options, |event| progress.tell(&event)));
    let finished = tokio::select! {
        finished = running => Some(finished),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    progress.end();
    let Some(finished) = finished else { return interrupted(&folder) };
    let (record, evidence) = match finished {
        Ok(finished) => finished,
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            return code;
        }
    };
    let reports = wirelab_report::reports(&record, &evidence, out_color);
    println!("\n{}", reports.terminal);
    let first = reports.files.first().map(|(name, _)| folder.join(name)).unwrap_or_default();
    for (name, text) in reports.files {
        let path = folder.join(name);
        let written =
            text.map_err(|error| miette::miette!("cannot make {}: {error}", path.display())).and_then(
                |text| wirelab_runner::write_file(&path, text.as_bytes()).map_err(miette::Report::from),
            );
        if let Err(error) = written {
            complain(error);
            return ExitCode::Internal;
        }
    }
    println!("Report: {}", first.display());
    record.outcome.exit_code()
}

fn interrupted(folder: &Path) -> ExitCode {
    eprintln!("interrupted; what was recorded so far is in {}", folder.display());
    ExitCode::Interrupted
}
