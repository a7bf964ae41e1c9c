//! Many samples of one kind, put together.

use crate::latency::Latencies;
use crate::statistics::{median, ratio};
use crate::{BenchError, Dial, Sample};
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

    /// Of nothing there are no figures, and no claims: all of no connections resumed.
    pub(crate) fn must_have_some(&self, dial: &Dial) -> Result<(), BenchError> {
        if self.operations() > 0 {
            return Ok(());
        }
        Err(dial
            .fault("nothing was measured", "no reply came while it was measured; give a longer --duration"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_there_are_no_figures() {
        let dial = Dial { address: "127.0.0.1:6379".parse().unwrap(), tls: None, login: None };
        let mut rounds = Rounds::new();
        let told = rounds.must_have_some(&dial).unwrap_err().to_string();
        assert!(told.contains("longer --duration") && told.contains("127.0.0.1:6379"), "{told}");
        let mut sample = Sample {
            operations: 0,
            elapsed: Duration::from_secs(2),
            latencies: Latencies::new(),
            sent: 600,
            received: 10,
            client: Duration::from_secs(1),
            server: Some(Duration::from_millis(500)),
            machine: Duration::from_secs(2),
        };
        rounds.push(sample.clone());
        assert!(rounds.must_have_some(&dial).is_err());
        sample.operations = 1000;
        rounds.push(sample);
        assert!(rounds.must_have_some(&dial).is_ok());
        let side = rounds.side();
        assert_eq!((side.operations, side.rate, side.rounds), (1000, 250.0, vec![0.0, 500.0]));
        assert_eq!((side.client_cpu, side.server_cpu), (2000.0, Some(1000.0)));
        assert_eq!((side.client_busy, side.server_busy, side.sent), (0.5, Some(0.25), 1.2));
        // Four seconds of the machine, of which client and server had three.
        assert_eq!(rounds.others(), Some((Duration::from_secs(1), Duration::from_secs(4))));
    }
}
