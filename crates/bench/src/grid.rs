//! Loads over connections that stay open, plain and TLS in turn.

use crate::BenchError;
use crate::exchange::Exchange;
use crate::link::Link;
use crate::load::{Load, greet, once};
use crate::options::Until;
use crate::rounds::{Ratios, Rounds, throughput};
use crate::run::Job;
use crate::statistics::{precise, width};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirelab_model::{BenchCell, BenchOperation};

/// How often all connections are answered in the time that is measured, at least: with less of it, what is counted
/// depends on how the replies lie in it.
const CYCLES: u32 = 10;
/// And before it.
const CYCLES_BEFORE: u32 = 2;
/// Rounds that are measured even where there is no time left: one alone has no interval.
const FEWEST: usize = 2;

/// One combination of the grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) operation: BenchOperation,
    pub(crate) payload: usize,
    pub(crate) pipeline: usize,
    pub(crate) connections: usize,
}

/// A cell that is being measured.
struct Measured {
    cell: Cell,
    exchange: Arc<Exchange>,
    slot: Duration,
    warmup: Duration,
    plain: Rounds,
    tls: Rounds,
    /// Time that its rounds took.
    took: Duration,
}

/// Both sides of all loads with this many connections.
struct Sides {
    plain: Load,
    tls: Load,
}

/// The key that a payload is written to.
pub(crate) fn key(prefix: &str, payload: usize) -> String {
    format!("{prefix}:{payload}")
}

impl Job<'_> {
    /// All loads with so many connections, in sweeps: each load gets one round in each, so that what comes and goes on
    /// the machine meets all of them alike, and rounds of one load lie apart. Ends by `deadline` at the latest.
    pub(crate) fn cells(
        &mut self,
        cells: &[Cell],
        connections: usize,
        prefix: &str,
        agreed: &mut Option<[String; 3]>,
        deadline: Instant,
    ) -> Result<Vec<BenchCell>, BenchError> {
        let first = self.exchange(cells.first().copied(), prefix)?;
        let open = |dial| Load::open(dial, Arc::clone(&first), connections);
        let mut sides = Sides { plain: open(&self.target.plain)?, tls: open(&self.target.tls)? };
        *agreed = sides.tls.agreed();
        let mut all = Vec::new();
        for cell in cells {
            all.push(self.prepare(*cell, prefix, &mut sides)?);
        }
        loop {
            let mut ended = true;
            for index in 0..all.len() {
                let left = self.left(&all, deadline);
                let Some(one) = all.get_mut(index) else { continue };
                if self.enough(one, deadline) {
                    continue;
                }
                ended = false;
                let Cell { operation, payload, pipeline, connections } = one.cell;
                self.tell(
                    left,
                    &format!("{operation} {payload} B, pipeline {pipeline}, {connections} connections"),
                );
                self.round(one, &mut sides)?;
            }
            if ended {
                return all.into_iter().map(|one| self.finish(one)).collect();
            }
        }
    }

    /// What a cell sends.
    fn exchange(&self, cell: Option<Cell>, prefix: &str) -> Result<Arc<Exchange>, BenchError> {
        let cell = cell.ok_or_else(|| BenchError::Options("there is nothing to measure".into()))?;
        let Cell { operation, payload, pipeline, .. } = cell;
        Ok(Arc::new(Exchange::new(operation, &key(prefix, payload), payload, pipeline)))
    }

    /// Writes what GET reads, and sees how long a slot must be.
    fn prepare(&self, cell: Cell, prefix: &str, sides: &mut Sides) -> Result<Measured, BenchError> {
        let dial = &self.target.plain;
        let set = Exchange::new(BenchOperation::Set, &key(prefix, cell.payload), cell.payload, 1);
        let mut link = Link::open(dial).map_err(|error| dial.fault("cannot connect", error))?;
        greet(dial, &mut link)?;
        once(dial, &mut link, &set)?;
        let exchange = self.exchange(Some(cell), prefix)?;
        let flight = (cell.connections * cell.pipeline) as u64;
        let mut cycle = Duration::ZERO;
        for load in [&mut sides.plain, &mut sides.tls] {
            load.ask(&exchange);
            cycle = cycle.max(load.count(2 * flight, self.stop)? / 2);
        }
        Ok(Measured {
            cell,
            exchange,
            slot: self.options.slot.max(cycle * CYCLES),
            warmup: self.options.warmup.max(cycle * CYCLES_BEFORE),
            plain: Rounds::new(),
            tls: Rounds::new(),
            took: Duration::ZERO,
        })
    }

    /// Plain, TLS, TLS, plain: what grows or wanes steadily meanwhile is in both alike.
    fn round(&self, one: &mut Measured, sides: &mut Sides) -> Result<(), BenchError> {
        let begun = Instant::now();
        let run = |load: &mut Load| {
            load.ask(&one.exchange);
            load.run(one.warmup, one.slot, self.target.meter, self.stop)
        };
        let plain = run(&mut sides.plain)?;
        let tls = run(&mut sides.tls)?.and(&run(&mut sides.tls)?);
        one.plain.push(&plain.and(&run(&mut sides.plain)?));
        one.tls.push(&tls);
        one.took += begun.elapsed();
        Ok(())
    }

    fn enough(&self, one: &Measured, deadline: Instant) -> bool {
        let rounds = one.plain.len();
        match self.options.until {
            Until::Rounds(wanted) => rounds >= wanted,
            Until::Precise { percent, .. } => {
                let narrow = || throughput(&one.plain, &one.tls).is_some_and(|one| precise(&one, percent));
                rounds >= FEWEST && (Instant::now() >= deadline || narrow())
            }
        }
    }

    /// How long the commands still take, by what they took so far. The width of an interval falls with the square root
    /// of the rounds.
    fn left(&self, all: &[Measured], deadline: Instant) -> Duration {
        let one = |one: &Measured| {
            let rounds = one.plain.len();
            let each = if rounds == 0 {
                (one.slot + one.warmup) * 4
            } else {
                one.took / u32::try_from(rounds).unwrap_or(u32::MAX)
            };
            let wanted = match self.options.until {
                Until::Rounds(wanted) => wanted as f64,
                Until::Precise { percent, .. } => throughput(&one.plain, &one.tls)
                    .map_or(f64::MAX, |ratio| rounds as f64 * (width(&ratio) / percent).powi(2)),
            };
            each.as_secs_f64() * (wanted - rounds as f64).max(0.0)
        };
        let left = Duration::try_from_secs_f64(all.iter().map(one).sum()).unwrap_or(Duration::MAX);
        match self.options.until {
            Until::Rounds(_) => left,
            Until::Precise { .. } => left.min(deadline.saturating_duration_since(Instant::now())),
        }
    }

    fn finish(&self, one: Measured) -> Result<BenchCell, BenchError> {
        let Measured { cell, slot, plain, tls, .. } = one;
        plain.must_have_some(&self.target.plain)?;
        tls.must_have_some(&self.target.tls)?;
        let Ratios { throughput, latency, server_cpu } = Ratios::new(&plain, &tls);
        let others_cores = plain
            .others()
            .zip(tls.others())
            .map(|(plain, tls)| (plain.0 + tls.0).as_secs_f64() / (plain.1 + tls.1).as_secs_f64().max(1e-9));
        let Cell { operation, payload, pipeline, connections } = cell;
        let (plain, tls) = (plain.side(), tls.side());
        Ok(BenchCell {
            operation,
            payload,
            pipeline,
            connections,
            slot_ms: crate::run::millis(slot),
            plain,
            tls,
            throughput,
            latency,
            server_cpu,
            others_cores,
        })
    }
}
