//! Many samples of one kind, put together.

use crate::latency::Latencies;
use crate::load::Counts;
use crate::statistics::{median, ratio};
use crate::{BenchError, Dial, Sample};
use std::time::Duration;
use wirelab_model::{BenchConnecting, BenchEstimate, BenchSide};

/// What was measured of one side, in the order of the rounds.
pub(crate) struct Rounds {
    counts: Vec<Counts>,
    /// Median latency of each.
    medians: Vec<f64>,
    /// Of all.
    latencies: Latencies,
}

impl Rounds {
    pub(crate) fn new() -> Self {
        Self { counts: Vec::new(), medians: Vec::new(), latencies: Latencies::new() }
    }

    pub(crate) fn push(&mut self, sample: &Sample) {
        self.counts.push(sample.counts);
        self.medians.push(sample.latencies.median());
        self.latencies.add(&sample.latencies);
    }

    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Of nothing there are no figures, and no claims: all of no connections resumed.
    pub(crate) fn must_have_some(&self, dial: &Dial) -> Result<(), BenchError> {
        if self.operations() > 0 {
            return Ok(());
        }
        Err(dial
            .fault("nothing was measured", "no reply came while it was measured; give a longer --duration"))
    }

    fn rates(&self) -> Vec<f64> {
        self.values(Counts::rate)
    }

    fn operations(&self) -> u64 {
        self.counts.iter().map(|counts| counts.operations).sum()
    }

    /// A sum for each operation.
    fn each(&self, of: impl Fn(&Counts) -> f64) -> f64 {
        self.counts.iter().map(of).sum::<f64>() / self.operations().max(1) as f64
    }

    fn elapsed(&self) -> Duration {
        self.counts.iter().map(|counts| counts.elapsed).sum()
    }

    fn client(&self) -> Duration {
        self.counts.iter().map(|counts| counts.client).sum()
    }

    fn server(&self) -> Option<Duration> {
        self.counts.iter().map(|counts| counts.server).sum()
    }

    fn busy(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() / self.elapsed().as_secs_f64().max(1e-9)
    }

    pub(crate) fn side(&self) -> BenchSide {
        let million = 1e6 / self.operations().max(1) as f64;
        BenchSide {
            rate: median(&self.rates()),
            rounds: self.rates(),
            operations: self.operations(),
            latency: self.latencies.summary(),
            client_cpu: self.client().as_secs_f64() * million,
            client_busy: self.busy(self.client()),
            server_cpu: self.server().map(|cpu| cpu.as_secs_f64() * million),
            server_busy: self.server().map(|cpu| self.busy(cpu)),
            sent: self.each(|counts| counts.sent as f64),
            received: self.each(|counts| counts.received as f64),
        }
    }

    pub(crate) fn connecting(&self) -> BenchConnecting {
        let each = 1e6 / self.operations().max(1) as f64;
        BenchConnecting {
            rate: median(&self.rates()),
            rounds: self.rates(),
            connections: self.operations(),
            latency: self.latencies.summary(),
            client_cpu_us: self.client().as_secs_f64() * each,
            client_busy: self.busy(self.client()),
            server_cpu_us: self.server().map(|cpu| cpu.as_secs_f64() * each),
            sent: self.each(|counts| counts.sent as f64),
            received: self.each(|counts| counts.received as f64),
        }
    }

    /// Time that the machine was busy with other things, and the whole time.
    pub(crate) fn others(&self) -> Option<(Duration, Duration)> {
        let machine: Duration = self.counts.iter().map(|counts| counts.machine).sum();
        Some((machine.saturating_sub(self.client() + self.server()?), self.elapsed()))
    }

    fn values(&self, of: impl Fn(&Counts) -> f64) -> Vec<f64> {
        self.counts.iter().map(of).collect()
    }
}

/// Operations per second, TLS to plain.
pub(crate) fn throughput(plain: &Rounds, tls: &Rounds) -> Option<BenchEstimate> {
    ratio(&plain.rates(), &tls.rates())
}

/// What the ratios of a cell are.
pub(crate) struct Ratios {
    pub(crate) throughput: Option<BenchEstimate>,
    pub(crate) latency: Option<BenchEstimate>,
    pub(crate) server_cpu: Option<BenchEstimate>,
}

impl Ratios {
    pub(crate) fn new(plain: &Rounds, tls: &Rounds) -> Self {
        // Without a server's clock it is 0 / 0, of which there is no ratio.
        let cpu =
            |counts: &Counts| counts.server.unwrap_or_default().as_secs_f64() / counts.operations as f64;
        Self {
            throughput: throughput(plain, tls),
            latency: ratio(&plain.medians, &tls.medians),
            server_cpu: ratio(&plain.values(cpu), &tls.values(cpu)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_there_are_no_figures() {
        let dial = Dial { address: "127.0.0.1:6379".parse().unwrap(), tls: None, login: None };
        let mut rounds = Rounds::new();
        let told = rounds.must_have_some(&dial).unwrap_err().to_string();
        assert!(told.contains("longer --duration") && told.contains("127.0.0.1:6379"), "{told}");
        let part = Counts {
            operations: 0,
            elapsed: Duration::from_secs(1),
            sent: 300,
            received: 5,
            client: Duration::from_millis(500),
            server: Some(Duration::from_millis(250)),
            machine: Duration::from_secs(1),
        };
        let sample = |counts| Sample { counts, latencies: Latencies::new() };
        rounds.push(&sample(part).and(&sample(part)));
        assert!(rounds.must_have_some(&dial).is_err());
        let part = Counts { operations: 500, ..part };
        rounds.push(&sample(part).and(&sample(part)));
        assert!(rounds.must_have_some(&dial).is_ok());
        let side = rounds.side();
        assert_eq!((side.operations, side.rate, side.rounds), (1000, 250.0, vec![0.0, 500.0]));
        assert_eq!((side.client_cpu, side.server_cpu), (2000.0, Some(1000.0)));
        assert_eq!((side.client_busy, side.server_busy, side.sent), (0.5, Some(0.25), 1.2));
        // Four seconds of the machine, of which client and server had three.
        assert_eq!(rounds.others(), Some((Duration::from_secs(1), Duration::from_secs(4))));
    }
}
