//! The `wirelab` program: arguments, colour, progress, exit code.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the one place that talks to people")]

mod arguments;
mod bench;
mod bench_arguments;
mod clients;
mod progress;
mod rogue;
mod run;
mod sniff;

use arguments::{Arguments, Command};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode as ProcessExit;
use wirelab_model::ExitCode;
use wirelab_runner::{Filter, SelectError, embedded, select};

fn main() -> ProcessExit {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Not a command for people: everything after the word belongs to the program to supervise.
    if words.get(1).is_some_and(|word| word == "supervise") {
        return ProcessExit::from(wirelab_subject::supervise(words.get(2..).unwrap_or_default()));
    }
    // The same: one of the lab's own clients, in a process that it may break.
    if words.get(1).is_some_and(|word| word == "client") {
        return ProcessExit::from(wirelab_subject::own_client(words.get(2..).unwrap_or_default()));
    }
    // Commands in the help of an error stay whole, so that they can be copied. A second hook cannot be.
    drop(miette::set_hook(Box::new(|_| {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())
    })));
    match Arguments::parse().command {
        Command::Demo(options) => run::run(&[], &["headline".into()], &options).into(),
        Command::Run { scenarios, tag, options } => run::run(&scenarios, &tag, &options).into(),
        Command::Rogue(options) => rogue::rogue(&options).into(),
        Command::Sniff(options) => sniff::sniff(&options).into(),
        Command::Bench(arguments) => bench::bench(&arguments).into(),
        Command::Clients(options) => clients::clients(&options).into(),
        Command::List { attacks } => show(embedded().map(|sources| {
            let scenarios: Vec<_> = sources.into_iter().map(|source| source.scenario).collect();
            say(&if attacks {
                wirelab_report::attacks(&scenarios)
            } else {
                wirelab_report::list(&scenarios)
            });
        })),
        Command::Explain { id, toml } => show(select(&[id], &Filter::default()).map(|sources| {
            for source in sources {
                say(&if toml { source.text } else { wirelab_report::explain(&source.scenario) });
            }
        })),
        Command::Validate { paths } => show(select(&paths, &Filter::default()).map(|sources| {
            println!("{} scenarios are valid", sources.len());
        })),
        Command::Schema { name } => schema(name.as_deref()).into(),
    }
}

fn show(result: Result<(), SelectError>) -> ProcessExit {
    match result {
        Ok(()) => ExitCode::AsExpected.into(),
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            code.into()
        }
    }
}

/// Says a text that may be long. Whoever reads may have seen enough before its end: `wirelab list | head`.
fn say(text: &str) {
    use std::io::Write;
    drop(std::io::stdout().write_all(text.as_bytes()));
}

/// Tells people what is wrong.
pub(crate) fn complain(error: miette::Report) {
    eprintln!("{error:?}");
}

fn schema(name: Option<&str>) -> ExitCode {
    let schemas = wirelab_model::schemas();
    let Some(name) = name else {
        for (name, _) in schemas {
            println!("{name}");
        }
        return ExitCode::AsExpected;
    };
    let Some((_, schema)) = schemas.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = schemas.iter().map(|(known, _)| *known).collect();
        complain(miette::miette!(
            help = format!("there are: {}", known.join(", ")),
            "there is no schema named `{name}`"
        ));
        return ExitCode::Usage;
    };
    match serde_json::to_string_pretty(schema) {
        Ok(text) => {
            println!("{text}");
            ExitCode::AsExpected
        }
        Err(error) => {
            complain(miette::miette!("cannot write the schema: {error}"));
            ExitCode::Internal
        }
    }
}
