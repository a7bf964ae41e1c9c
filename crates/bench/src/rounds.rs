//! Many samples of one kind, put together.

use crate::Sample;
use crate::latency::Latencies;
use crate::statistics::{median, ratio};
use std::time::Duration;
use wirelab_model::{BenchConnecting, BenchEstimate, BenchSide};

/// The samples of one side of a cell, in the order of the rounds.
pub(crate) struct Rounds(Vec<Sample>);

impl Rounds {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    fn rates(&self) -> Vec<f64> {
        self.0.iter().map(Sample::rate).collect()
    }

    fn operations(&self) -> u64 {
        self.0.iter().map(|sample| sample.operations).sum()
    }

    /// A sum for each operation.
    fn each(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.operations().max(1) as f64
    }

    fn elapsed(&self) -> Duration {
        self.0.iter().map(|sample| sample.elapsed).sum()
    }

    fn client(&self) -> Duration {
        self.0.iter().map(|sample| sample.client).sum()
    }

    fn server(&self) -> Option<Duration> {
        self.0.iter().map(|sample| sample.server).sum()
    }

    fn busy(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() / self.elapsed().as_secs_f64().max(1e-9)
    }

    fn latencies(&self) -> Latencies {
        self.0.iter().fold(Latencies::new(), |mut all, sample| {
            all.add(&sample.latencies);
            all
        })
    }

    pub(crate) fn side(&self) -> BenchSide {
        let million = 1e6 / self.operations().max(1) as f64;
        BenchSide {
            rate: median(&self.rates()),
            rounds: self.rates(),
            operations: self.operations(),
            latency: self.latencies().summary(),
            client_cpu: self.client().as_secs_f64() * million,
            client_busy: self.busy(self.client()),
            server_cpu: self.server().map(|cpu| cpu.as_secs_f64() * million),
            server_busy: self.server().map(|cpu| self.busy(cpu)),
            sent: self.each(|sample| sample.sent as f64),
            received: self.each(|sample| sample.received as f64),
        }
    }

    pub(crate) fn connecting(&self) -> BenchConnecting {
        let each = 1e6 / self.operations().max(1) as f64;
        BenchConnecting {
            rate: median(&self.rates()),
            rounds: self.rates(),
            connections: self.operations(),
            latency: self.latencies().summary(),
            client_cpu_us: self.client().as_secs_f64() * each,
            client_busy: self.busy(self.client()),
            server_cpu_us: self.server().map(|cpu| cpu.as_secs_f64() * each),
            sent: self.each(|sample| sample.sent as f64),
            received: self.each(|sample| sample.received as f64),
        }
    }

    /// Time that the machine was busy with other things, and the whole time.
    pub(crate) fn others(&self) -> Option<(Duration, Duration)> {
        let machine: Duration = self.0.iter().map(|sample| sample.machine).sum();
        Some((machine.saturating_sub(self.client() + self.server()?), self.elapsed()))
    }

    fn values(&self, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.0.iter().map(of).collect()
    }
}

/// What the ratios of a cell are.
pub(crate) struct Ratios {
    pub(crate) throughput: Option<BenchEstimate>,
    pub(crate) latency: Option<BenchEstimate>,
    pub(crate) server_cpu: Option<BenchEstimate>,
}

impl Ratios {
    pub(crate) fn new(plain: &Rounds, tls: &Rounds) -> Self {
        let both = |of: fn(&Sample) -> f64| ratio(&plain.values(of), &tls.values(of));
        Self {
            throughput: both(Sample::rate),
            latency: both(|sample| sample.latencies.median()),
            // Without a server's clock it is 0 / 0, of which there is no ratio.
            server_cpu: both(|sample| {
                sample.server.unwrap_or_default().as_secs_f64() / sample.operations as f64
            }),
        }
    }
}
