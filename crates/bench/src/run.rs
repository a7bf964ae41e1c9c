use crate::connect::Storm;
use crate::exchange::Exchange;
use crate::grid::{self, Cell};
use crate::link::Link;
use crate::load::{greet, once};
use crate::options::{Subject, Until};
use crate::place::Place;
use crate::rounds::Rounds;
use crate::target::{Target, random};
use crate::{BenchError, Options, Sample, clock, load, warn};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use wirelab_model::{BenchCell, BenchHandshakes, BenchMemory, BenchRecord, BenchSetup};

/// Connections of each kind that are opened to see how much memory they need.
const FOR_MEMORY: usize = 200;
/// Connections that are opened at once where handshakes are measured. rustls keeps eight tickets of a
/// server: with more at once some would find none to resume with.
const PARALLEL: usize = 8;
/// Share of resumed handshakes from which on a server is said to resume.
const RESUMES: f64 = 0.95;

/// Share of the time that new connections may take: one part in so many.
const FOR_CONNECTIONS: u32 = 6;
/// Their slots are so many times as long: there are fewer of them in a second.
const LONGER: u32 = 4;
/// Rounds of new connections, at least.
const FEWEST: usize = 3;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// So much of the time is over.
    pub passed: Duration,
    /// So long it still takes, as far as can be told.
    pub left: Duration,
    /// This is measured next.
    pub what: String,
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
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Somebody else's server is left where it is, and then the client is, too.
    let place = if matches!(options.subject, Subject::Own(..)) { Place::new()? } else { None };
    place.as_ref().map_or(Ok(()), Place::serve)?;
    let target = Target::new(&options.subject, options.cipher, &options.launcher)?;
    place.as_ref().map_or(Ok(()), Place::load)?;
    let mut job = Job { options, target: &target, stop, tell: &mut tell, begun, after: Duration::ZERO };
    // First, while the server has never held anything.
    let memory = if options.handshakes { job.memory()? } else { None };
    let prefix = format!("wirelab-bench:{}", random()?.get(..8).unwrap_or_default());
    let mut agreed = None;
    let measured = job.grid(&prefix, &mut agreed);
    // Whatever happened: a server that is not ours is left as it was.
    if !target.is_own() {
        job.forget(&prefix);
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
                "wirelab {}, one thread{}, rustls with aws-lc, {}",
                env!("CARGO_PKG_VERSION"),
                if load::polls() { " that polls" } else { "" },
                if cfg!(debug_assertions) { "debug build" } else { "release build" }
            ),
            system: system(),
            cpu: processor(),
            cores,
            processors: place.as_ref().map_or_else(|| "where the system puts them".into(), Place::describe),
            precision: options.until.percent(),
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

pub(crate) fn millis(duration: Duration) -> u64 {
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

/// A run at work.
pub(crate) struct Job<'a> {
    pub(crate) options: &'a Options,
    pub(crate) target: &'a Target,
    pub(crate) stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(Progress),
    begun: Instant,
    /// What comes after what is measured now, as far as that is known.
    after: Duration,
}

impl Job<'_> {
    pub(crate) fn tell(&mut self, left: Duration, what: &str) {
        let passed = self.begun.elapsed();
        (self.tell)(Progress { passed, left: left + self.after, what: what.into() });
    }

    /// All loads of the grid.
    fn grid(&mut self, prefix: &str, agreed: &mut Option<[String; 3]>) -> Result<Vec<BenchCell>, BenchError> {
        let grid = &self.options.grid;
        let connecting = if self.options.handshakes { self.for_connections() } else { Duration::ZERO };
        let mut stages = u32::try_from(grid.connections.len()).unwrap_or(u32::MAX);
        let mut all = Vec::new();
        for &connections in &grid.connections {
            let mut cells = Vec::new();
            for &payload in &grid.payloads {
                for &pipeline in &grid.pipelines {
                    let cell = |&operation| Cell { operation, payload, pipeline, connections };
                    cells.extend(grid.operations.iter().map(cell));
                }
            }
            // What one number of connections does not need, the next one gets.
            let now = Instant::now();
            let end = self.options.until.time().map_or(now, |time| self.begun + time);
            let share = end.saturating_duration_since(now).saturating_sub(connecting) / stages;
            stages -= 1;
            self.after = connecting + share * stages;
            all.extend(self.cells(&cells, connections, prefix, agreed, now + share)?);
        }
        self.after = Duration::ZERO;
        Ok(all)
    }

    /// Time that new connections take.
    fn for_connections(&self) -> Duration {
        match self.options.until {
            Until::Rounds(rounds) => {
                let halves = u32::try_from(6 * rounds).unwrap_or(u32::MAX);
                (self.options.slot + self.options.warmup) * LONGER * halves
            }
            Until::Precise { time, .. } => time / FOR_CONNECTIONS,
        }
    }

    /// New connections: TCP, TLS in full, and TLS resumed, in turn, and back again.
    fn handshakes(&mut self) -> Result<BenchHandshakes, BenchError> {
        let (begun, time) = (Instant::now(), self.for_connections());
        let (warmup, slot) = (self.options.warmup * LONGER, self.options.slot * LONGER);
        let Self { options, target, stop, .. } = self;
        let mut kinds = Vec::new();
        for dial in [&target.plain, &target.tls, &target.resuming] {
            kinds.push((dial, Storm::new(dial, PARALLEL)?, Rounds::new(), 0));
        }
        for round in 0.. {
            let enough = match options.until {
                Until::Rounds(wanted) => round >= wanted,
                Until::Precise { .. } => round >= FEWEST && begun.elapsed() >= time,
            };
            if enough {
                break;
            }
            let left = time.saturating_sub(begun.elapsed());
            (self.tell)(Progress { passed: self.begun.elapsed(), left, what: "new connections".into() });
            let mut samples: Vec<Sample> = Vec::new();
            let run = |(_, storm, _, resumed): &mut (_, Storm, _, u64)| {
                let (sample, more) = storm.run(warmup, slot, target.meter, stop)?;
                *resumed += more;
                Ok::<_, BenchError>(sample)
            };
            for kind in &mut kinds {
                samples.push(run(kind)?);
            }
            for kind in kinds.iter_mut().rev() {
                let sample = samples.pop().map_or_else(|| Err(BenchError::Interrupted), Ok)?;
                let both = sample.and(&run(kind)?);
                kind.2.push(&both);
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
        let left = self.options.until.time().unwrap_or_default();
        self.tell(left, "memory of idle connections");
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

    /// Takes the keys away that were written. A server that does not answer any more keeps them.
    fn forget(&self, prefix: &str) {
        let dial = &self.target.plain;
        let Ok(mut link) = Link::open(dial) else { return };
        if greet(dial, &mut link).is_err() {
            return;
        }
        for &payload in &self.options.grid.payloads {
            let key = grid::key(prefix, payload);
            drop(once(dial, &mut link, &Exchange::once(&[b"DEL", key.as_bytes()], b":1\r\n")));
        }
    }
}
