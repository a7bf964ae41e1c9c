use crate::bench_arguments::{
    BenchArguments, BenchCommand, BenchOptions, BenchServer, CipherName, KeyName, OperationName, PlanOptions,
};
use crate::progress::Clock;
use crate::{complain, say};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use wirelab_bench::{Cipher, External, Grid, Judged, Login, Options, Subject, Until};
use wirelab_model::{BenchFleet, BenchOperation, BenchRecord, ExitCode};
use wirelab_subject::{ServerKey, ServerKind};

/// Measures what TLS costs, or computes from what was measured.
pub(crate) fn bench(arguments: &BenchArguments) -> ExitCode {
    let done = match &arguments.command {
        Some(BenchCommand::Plan(given)) => plan(given),
        None => measure(&arguments.options),
    };
    done.unwrap_or_else(|(code, error)| {
        complain(error);
        code
    })
}

type Failed = (ExitCode, miette::Report);

fn failed(code: ExitCode) -> impl Fn(String) -> Failed {
    move |message| (code, miette::miette!("{message}"))
}

/// A run that was kept.
fn read(path: &Path) -> Result<BenchRecord, Failed> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| failed(ExitCode::Usage)(format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        let what = format!("{} is no run of `wirelab bench --save`: {error}", path.display());
        failed(ExitCode::Parse)(what)
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Failed> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| failed(ExitCode::Internal)(error.to_string()))
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    std::fs::write(path, text)
        .map_err(|error| failed(ExitCode::Internal)(format!("cannot write {}: {error}", path.display())))
}

fn plan(given: &PlanOptions) -> Result<ExitCode, Failed> {
    let record = read(&given.from)?;
    let fleet = BenchFleet {
        connections: given.connections,
        reconnects: given.reconnects_per_second,
        operations: given.operations_per_second,
        cores: given.cores,
        utilisation: given.utilisation / 100.0,
    };
    let plan = wirelab_bench::plan(&record, &fleet)
        .map_err(|error| failed(ExitCode::Inconclusive)(error.to_string()))?;
    say(&match (given.json, given.markdown) {
        (true, _) => json(&plan)?,
        (_, true) => wirelab_report::bench_plan_markdown(&plan),
        _ => wirelab_report::bench_plan_text(&plan),
    });
    Ok(ExitCode::AsExpected)
}

fn measure(given: &BenchOptions) -> Result<ExitCode, Failed> {
    // Before anything is measured: a typing error is not to cost a minute.
    let before = given.baseline.as_deref().map(read).transpose()?;
    let options = options(given)?;
    let stop = Arc::new(AtomicBool::new(false));
    crate::sniff::on_signals(Arc::clone(&stop))
        .map_err(|error| failed(ExitCode::Internal)(format!("cannot listen for signals: {error}")))?;
    let clock = Clock::new(given.color.wanted(std::io::stderr().is_terminal()));
    let measured = wirelab_bench::run(&options, &stop, |progress| clock.tell(&progress));
    clock.end();
    let mut record = measured.map_err(|error| {
        let mut text = error.to_string();
        if text.contains("NOAUTH") && std::env::var_os("REDISCLI_AUTH").is_none() {
            text += " (the password is taken from the variable REDISCLI_AUTH)";
        }
        failed(error.exit_code())(text)
    })?;
    record.baseline = before.map(|before| wirelab_bench::compare(&before, &record));
    if let Some(path) = &given.save {
        write(path, &json(&record)?)?;
    }
    if let Some(path) = &given.html {
        let page = wirelab_report::bench_page(&record)
            .map_err(|error| failed(ExitCode::Internal)(format!("cannot make the page: {error}")))?;
        write(path, &page)?;
    }
    say(&match (given.json, given.markdown) {
        (true, _) => json(&record)?,
        (_, true) => wirelab_report::bench_markdown(&record),
        _ => wirelab_report::bench_text(&record),
    });
    let Some(percent) = given.fail_over else { return Ok(ExitCode::AsExpected) };
    let judged = judge(&record, percent);
    let word = match judged {
        Judged::Within => "is within",
        Judged::CannotTell => "cannot be told from",
        Judged::Over => "is over",
    };
    eprintln!("fail-over: the cost of TLS {word} {percent} %");
    Ok(judged.exit_code())
}

fn judge(record: &BenchRecord, percent: f64) -> Judged {
    match &record.baseline {
        None => wirelab_bench::judge(record.cells.iter().map(|cell| cell.throughput.as_ref()), percent),
        Some(baseline) => {
            wirelab_bench::judge(baseline.changes.iter().map(|change| change.ratio.as_ref()), percent)
        }
    }
}

fn options(given: &BenchOptions) -> Result<Options, Failed> {
    let binary = std::env::current_exe()
        .map_err(|error| failed(ExitCode::Internal)(format!("cannot find the program itself: {error}")))?;
    let until = match given.rounds {
        Some(rounds) => Until::Rounds(rounds.into()),
        None => Until::Precise {
            percent: given.precision.unwrap_or(2.0),
            time: Duration::from_secs(given.time.unwrap_or(60).into()),
        },
    };
    Ok(Options {
        subject: subject(given),
        grid: Grid {
            operations: given
                .operation
                .iter()
                .map(|name| match name {
                    OperationName::Set => BenchOperation::Set,
                    OperationName::Get => BenchOperation::Get,
                })
                .collect(),
            payloads: given.payload.clone(),
            pipelines: given.pipeline.clone(),
            connections: given.connections.clone(),
        },
        until,
        slot: Duration::from_millis(given.duration.into()),
        warmup: Duration::from_millis(given.warmup.unwrap_or(given.duration / 5).into()),
        cipher: given.cipher.map(|cipher| match cipher {
            CipherName::Aes128Gcm => Cipher::Aes128Gcm,
            CipherName::Aes256Gcm => Cipher::Aes256Gcm,
            CipherName::ChaCha20Poly1305 => Cipher::ChaCha20Poly1305,
        }),
        handshakes: !given.no_handshakes,
        launcher: wirelab_subject::launcher(&binary),
    })
}

fn subject(given: &BenchOptions) -> Subject {
    let (Some(plain), Some(tls), Some(authority)) = (&given.target, &given.tls_target, &given.cacert) else {
        let kind = match given.server {
            BenchServer::Embedded => ServerKind::Embedded,
            BenchServer::Redis => ServerKind::Redis,
        };
        let key = match given.key {
            KeyName::P256 => ServerKey::P256,
            KeyName::Rsa2048 => ServerKey::Rsa2048,
            KeyName::Rsa3072 => ServerKey::Rsa3072,
            KeyName::Ed25519 => ServerKey::Ed25519,
        };
        return Subject::Own(kind, key);
    };
    let login = std::env::var("REDISCLI_AUTH").ok();
    Subject::There(Box::new(External {
        plain: plain.clone(),
        tls: tls.clone(),
        name: given.sni.clone(),
        authority: authority.clone(),
        client: given.client_cert.clone().zip(given.client_key.clone()),
        login: login.map(|password| Login { user: given.user.clone(), password }),
    }))
}
