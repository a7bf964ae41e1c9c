use crate::arguments::{FailOnName, SniffOptions};
use crate::complain;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wirelab_model::ExitCode;
use wirelab_sniff::{FailOn, Format, Options, Source};

/// Reads a capture, or captures, and says what is in it.
pub(crate) fn sniff(given: &SniffOptions) -> ExitCode {
    let source = match (&given.read, given.interface.as_slice()) {
        (Some(path), _) if path == Path::new("-") => Source::Stdin,
        (Some(path), _) => Source::File(path.clone()),
        (None, []) => Source::Interfaces(vec!["any".into()]),
        (None, interfaces) => Source::Interfaces(interfaces.to_vec()),
    };
    let live = matches!(source, Source::Interfaces(_));
    let options = Options {
        source,
        format: match (given.json, given.summary) {
            (false, false) => Format::Text,
            (false, true) => Format::Summary,
            (true, false) => Format::Json,
            (true, true) => Format::JsonSummary,
        },
        ports: given.port.clone(),
        filter: given.filter.clone(),
        follow: given.follow,
        limit: given.limit,
        key_logs: given.keylog.clone(),
        write: given.write.clone(),
        fail_on: given.fail_on.map(|what| match what {
            FailOnName::Plaintext => FailOn::Plaintext,
            FailOnName::Credential => FailOn::Credential,
            FailOnName::Leak => FailOn::Leak,
        }),
        data: !given.no_data,
        national_ids: given.national_ids,
        reveal: given.reveal,
        color: given.color.wanted(std::io::stdout().is_terminal()),
    };
    let stop = Arc::new(AtomicBool::new(false));
    if live && let Err(error) = on_signals(Arc::clone(&stop)) {
        complain(miette::miette!("cannot listen for signals: {error}"));
        return ExitCode::Internal;
    }
    // Written where it is full, and where nothing more is there to be read.
    let out = BufWriter::with_capacity(256 << 10, std::io::stdout().lock());
    let done = wirelab_sniff::sniff(&options, out, &stop);
    match done {
        Ok(done) => done.exit_code,
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            code
        }
    }
}

/// The first SIGINT or SIGTERM ends the job in order.
pub(crate) fn on_signals(stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop.store(true, Ordering::Relaxed);
        });
    })?;
    drop(std::io::stdout().flush());
    Ok(())
}
