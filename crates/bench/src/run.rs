use crate::connect::Storm;
use crate::exchange::Exchange;
use crate::link::Link;
use crate::load::{greet, once};
use crate::rounds::{Ratios, Rounds};
use crate::target::{Target, random};
use crate::{BenchError, Load, Options, clock, warn};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use wirelab_model::{BenchCell, BenchHandshakes, BenchMemory, BenchOperation, BenchRecord, BenchSetup};

/// Connections of each kind that are opened to see how much memory they need.
const FOR_MEMORY: usize = 200;
/// Connections that are opened at once where handshakes are measured. rustls keeps eight tickets of a
/// server: with more at once some would find none to resume with.
const PARALLEL: usize = 8;
/// Share of resumed handshakes from which on a server is said to resume.
const RESUMES: f64 = 0.95;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It takes about so long from now on.
    Started(Duration),
    /// This is measured next.
    Measuring(String),
    /// So much of the time is over.
    Passed(Duration),
}

/// Measures everything that was asked for.
///
/// # Errors
/// [`BenchError`]: there are no numbers of a target that does not answer as it must.
pub fn run(
    options: &Options,
    stop: &AtomicBool,
    mut tell: impl FnMut(Progress),
) -> Result<BenchRecord, BenchError> {
    options.check()?;
    let started = time::OffsetDateTime::now_utc();
    let begun = Instant::now();
    let half = options.slot + options.warmup;
    let cells = loads(options);
    let kinds = if options.handshakes { 3 } else { 0 };
    let halves = u32::try_from((cells.len() * 2 + kinds) * options.rounds).unwrap_or(u32::MAX);
    tell(Progress::Started(half * halves));
    let target = Target::new(&options.subject, options.cipher, &options.launcher)?;
    let mut job = Job { options, target: &target, stop, tell: &mut tell };
    // First, while the server has never held anything.
    let memory = if options.handshakes { job.memory()? } else { None };
    let key = format!("wirelab-bench:{}", random()?.get(..8).unwrap_or_default());
    let mut agreed = None;
    let measured: Result<Vec<BenchCell>, BenchError> =
        cells.into_iter().map(|cell| job.cell(cell, &key, &mut agreed)).collect();
    // Whatever happened: a server that is not ours is left as it was.
    if !target.is_own() {
        job.forget(&key);
    }
    let cells = measured?;
    let handshakes = if options.handshakes { Some(job.handshakes()?) } else { None };
    let [tls, cipher, group] = agreed.unwrap_or_default();
    let mut record = BenchRecord {
        version: env!("CARGO_PKG_VERSION").into(),
        started: started.format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
        duration_ms: millis(begun.elapsed()),
        setup: BenchSetup {
            server: target.name.clone(),
            tls,
            cipher,
            group,
            key: target.key.clone(),
            client: format!(
                "wirelab {}, one thread, rustls with aws-lc, {}",
                env!("CARGO_PKG_VERSION"),
                if cfg!(debug_assertions) { "debug build" } else { "release build" }
            ),
            system: system(),
            cpu: processor(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            rounds: options.rounds,
            slot_ms: millis(options.slot),
            warmup_ms: millis(options.warmup),
        },
        cells,
        handshakes,
        memory,
        baseline: None,
        warnings: Vec::new(),
    };
    record.warnings = warn::warnings(&record, cfg!(debug_assertions));
    Ok(record)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn system() -> String {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    format!("{} {}", read("ostype").trim(), read("osrelease").trim())
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

/// One combination of the grid.
#[derive(Debug, Clone, Copy)]
struct Cell {
    operation: BenchOperation,
    payload: usize,
    pipeline: usize,
    connections: usize,
}

fn loads(options: &Options) -> Vec<Cell> {
    let grid = &options.grid;
    let mut cells = Vec::new();
    for &connections in &grid.connections {
        for &payload in &grid.payloads {
            for &pipeline in &grid.pipelines {
                for &operation in &grid.operations {
                    cells.push(Cell { operation, payload, pipeline, connections });
                }
            }
        }
    }
    cells
}

struct Job<'a> {
    options: &'a Options,
    target: &'a Target,
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(Progress),
}

impl Job<'_> {
    fn passed(&mut self) {
        (self.tell)(Progress::Passed(self.options.slot + self.options.warmup));
    }

    /// Plain and TLS in turn, over connections that stay open.
    fn cell(
        &mut self,
        cell: Cell,
        key: &str,
        agreed: &mut Option<[String; 3]>,
    ) -> Result<BenchCell, BenchError> {
        let Cell { operation, payload, pipeline, connections } = cell;
        (self.tell)(Progress::Measuring(format!(
            "{operation} {payload} B, pipeline {pipeline}, {connections} connections"
        )));
        // What GET reads.
        let set = Exchange::new(BenchOperation::Set, key, payload, 1);
        let mut link = Link::open(&self.target.plain)
            .map_err(|error| self.target.plain.fault("cannot connect", error))?;
        greet(&self.target.plain, &mut link)?;
        once(&self.target.plain, &mut link, &set)?;
        drop(link);
        let open = |dial| Load::open(dial, Exchange::new(operation, key, payload, pipeline), connections);
        let (mut plain_load, mut tls_load) = (open(&self.target.plain)?, open(&self.target.tls)?);
        *agreed = tls_load.agreed();
        let (mut plain, mut tls) = (Rounds::new(), Rounds::new());
        for _ in 0..self.options.rounds {
            for (load, rounds) in [(&mut plain_load, &mut plain), (&mut tls_load, &mut tls)] {
                let Self { options, target, stop, .. } = self;
                rounds.push(load.run(options.warmup, options.slot, target.meter, stop)?);
                self.passed();
            }
        }
        plain.must_have_some(&self.target.plain)?;
        tls.must_have_some(&self.target.tls)?;
        let Ratios { throughput, latency, server_cpu } = Ratios::new(&plain, &tls);
        let others_cores = plain
            .others()
            .zip(tls.others())
            .map(|(plain, tls)| (plain.0 + tls.0).as_secs_f64() / (plain.1 + tls.1).as_secs_f64().max(1e-9));
        let (plain, tls) = (plain.side(), tls.side());
        Ok(BenchCell {
            operation,
            payload,
            pipeline,
            connections,
            plain,
            tls,
            throughput,
            latency,
            server_cpu,
            others_cores,
        })
    }

    /// New connections: TCP, TLS in full, and TLS resumed, in turn.
    fn handshakes(&mut self) -> Result<BenchHandshakes, BenchError> {
        (self.tell)(Progress::Measuring("new connections".into()));
        let Self { options, target, stop, .. } = self;
        let mut kinds = Vec::new();
        for dial in [&target.plain, &target.tls, &target.resuming] {
            kinds.push((dial, Storm::new(dial, PARALLEL)?, Rounds::new(), 0));
        }
        for _ in 0..options.rounds {
            for (_, storm, rounds, resumed) in &mut kinds {
                let (sample, more) = storm.run(options.warmup, options.slot, target.meter, stop)?;
                *resumed += more;
                rounds.push(sample);
                (self.tell)(Progress::Passed(options.slot + options.warmup));
            }
        }
        let mut all = Vec::new();
        for (dial, _, rounds, resumed) in kinds {
            rounds.must_have_some(dial)?;
            all.push((rounds.connecting(), resumed as f64));
        }
        let [plain, full, (resuming, resumed)] = <[_; 3]>::try_from(all)
            .map_err(|_| BenchError::Options("there are three kinds of connections".into()))?;
        let resumes = resumed >= RESUMES * resuming.connections as f64;
        Ok(BenchHandshakes {
            parallel: PARALLEL,
            plain: plain.0,
            full: full.0,
            resumed: resumes.then_some(resuming),
        })
    }

    /// Opens connections and sees how the server grows: first plain, then TLS, all held open.
    fn memory(&mut self) -> Result<Option<BenchMemory>, BenchError> {
        let Some(process) = self.target.process else { return Ok(None) };
        (self.tell)(Progress::Measuring("memory of idle connections".into()));
        let mut held = Vec::new();
        let mut grown = [0.0; 2];
        for (dial, grown) in [&self.target.plain, &self.target.tls].into_iter().zip(&mut grown) {
            let Some(before) = clock::resident(process) else { return Ok(None) };
            for _ in 0..FOR_MEMORY {
                let mut link = Link::open(dial).map_err(|error| dial.fault("cannot connect", error))?;
                greet(dial, &mut link)?;
                held.push(link);
            }
            let Some(after) = clock::resident(process) else { return Ok(None) };
            *grown = after.saturating_sub(before) as f64 / FOR_MEMORY as f64;
        }
        let [plain, tls] = grown;
        Ok(Some(BenchMemory { connections: FOR_MEMORY, plain, tls }))
    }

    /// Takes the one key away that was written. A server that does not answer any more keeps it.
    fn forget(&self, key: &str) {
        let dial = &self.target.plain;
        if let Ok(mut link) = Link::open(dial)
            && greet(dial, &mut link).is_ok()
        {
            drop(once(dial, &mut link, &Exchange::once(&[b"DEL", key.as_bytes()], b":1\r\n")));
        }
    }
}
