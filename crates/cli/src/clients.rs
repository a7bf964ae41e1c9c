use crate::arguments::{ClientsOptions, RunOptions};
use crate::{complain, say};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use time::OffsetDateTime;
use wirelab_model::{ClientRecord, ExitCode, Scenario};
use wirelab_runner::{ClientsError, Expectations, Registered, choose, registry};

/// Probes at the same time.
const PROBES: usize = 4;

/// Lists the clients of the registry, or sets them up.
pub(crate) fn clients(given: &ClientsOptions) -> ExitCode {
    let wanted = if given.install.is_empty() { &given.name } else { &given.install };
    let wanted = if wanted.is_empty() { &vec!["all".to_owned()] } else { wanted };
    let chosen = registry(&folder(given.clients.as_ref())).and_then(|registry| choose(&registry, wanted));
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            return code;
        }
    };
    if given.install.is_empty() { list(chosen, given.json) } else { install(&chosen) }
}

/// The clients that a run is to test, and what is expected of them. None, and nothing, where it names none.
pub(crate) fn chosen(
    given: &RunOptions,
    selected: &[Scenario],
) -> Result<(Vec<Registered>, Expectations), ClientsError> {
    if given.client.is_empty() {
        return Ok((Vec::new(), Expectations::default()));
    }
    let folder = folder(given.clients.as_ref());
    let registry = registry(&folder)?;
    // A test excludes that those which the program carries do not parse.
    let carried = wirelab_runner::embedded().unwrap_or_default();
    let carried = carried.into_iter().map(|source| source.scenario);
    let known: Vec<Scenario> = carried.chain(selected.iter().cloned()).collect();
    let today = OffsetDateTime::now_utc().date();
    let expectations = Expectations::read(&folder, &registry, &known, today)?;
    Ok((choose(&registry, &given.client)?, expectations))
}

fn folder(given: Option<&PathBuf>) -> PathBuf {
    let variable = std::env::var_os("WIRELAB_CLIENTS").filter(|value| !value.is_empty());
    given.cloned().or_else(|| variable.map(PathBuf::from)).unwrap_or_else(|| "clients".into())
}

fn list(clients: Vec<Registered>, json: bool) -> ExitCode {
    let launcher = match std::env::current_exe() {
        Ok(binary) => wirelab_subject::launcher(&binary),
        Err(error) => {
            complain(miette::miette!("cannot find the program itself: {error}"));
            return ExitCode::Internal;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(miette::miette!("cannot start the runtime: {error}"));
            return ExitCode::Internal;
        }
    };
    let probed = runtime.block_on(wirelab_runner::probe(clients, &launcher, PROBES));
    let records: Vec<ClientRecord> = probed.into_iter().map(|client| client.record).collect();
    if json {
        match serde_json::to_string_pretty(&records) {
            Ok(text) => say(&(text + "\n")),
            Err(error) => {
                complain(miette::miette!("cannot write the list: {error}"));
                return ExitCode::Internal;
            }
        }
    } else {
        say(&wirelab_report::clients(&records));
    }
    ExitCode::AsExpected
}

/// Runs the set-up of each client, and says what it says. Languages are set up at the same time, for most of it is waiting
/// for downloads; the clients of one language one after the other, for they share the folders of its package manager.
fn install(clients: &[Registered]) -> ExitCode {
    let mut languages: BTreeMap<&str, Vec<&Registered>> = BTreeMap::new();
    for client in clients {
        languages.entry(&client.record.language).or_default().push(client);
    }
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> =
            languages.values().map(|clients| scope.spawn(|| install_in_turn(clients))).collect();
        // Each is waited for, whatever the others say.
        let all = languages.values().zip(threads);
        all.flat_map(|(clients, thread)| {
            thread
                .join()
                .unwrap_or_else(|_| clients.iter().map(|client| client.record.name.as_str()).collect())
        })
        .collect::<Vec<&str>>()
    });
    if failed.is_empty() {
        return ExitCode::AsExpected;
    }
    // What each of them said stands among what the others said.
    eprintln!("Not set up: {}. See above for why.", failed.join(", "));
    ExitCode::Inconclusive
}

/// Names of those that could not be set up.
fn install_in_turn<'a>(clients: &[&'a Registered]) -> Vec<&'a str> {
    let mut failed = Vec::new();
    let mut done = Vec::new();
    for client in clients {
        let name = &client.record.name;
        if let Some(missing) = client.missing() {
            eprintln!("{name}: not set up: {missing}");
            failed.push(name.as_str());
            continue;
        }
        let Some((program, arguments)) = client.setup.as_deref().and_then(<[String]>::split_first) else {
            eprintln!("{name}: needs no set-up");
            continue;
        };
        // Several configurations of one version share it.
        if done.contains(&(&client.folder, &client.setup)) {
            continue;
        }
        done.push((&client.folder, &client.setup));
        eprintln!("{name}: {program} {}", arguments.join(" "));
        // As seen from the folder of the client, and found through PATH where it has no `/`.
        let program = if program.contains('/') { client.folder.join(program) } else { program.into() };
        let begun = Instant::now();
        let status =
            Command::new(&program).args(arguments).current_dir(&client.folder).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => {
                eprintln!("{name}: set up in {:.1} s", begun.elapsed().as_secs_f64());
                continue;
            }
            Ok(status) => eprintln!("{name}: its set-up ended with {status}"),
            Err(error) => {
                eprintln!("{name}: its set-up {} could not be started: {error}", program.display());
            }
        }
        failed.push(name.as_str());
    }
    failed
}
