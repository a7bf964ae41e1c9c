use hdrhistogram::Histogram;
use std::time::Duration;
use wirelab_model::BenchLatency;

/// Percentiles that are kept for plots.
const PERCENTILES: [f64; 14] =
    [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0];

/// Latencies, to three digits, from 100 ns to a minute (HDR histogram).
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants, and right")]
        Self(Histogram::new_with_bounds(100, 60_000_000_000, 3).expect("the bounds are right"))
    }

    /// So many operations took so long.
    pub(crate) fn record(&mut self, latency: Duration, count: u64) {
        self.0.saturating_record_n(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX), count);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// The median in microseconds.
    pub(crate) fn median(&self) -> f64 {
        self.at(50.0)
    }

    fn at(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1e3
    }

    pub(crate) fn summary(&self) -> BenchLatency {
        BenchLatency {
            p50: self.at(50.0),
            p90: self.at(90.0),
            p99: self.at(99.0),
            p999: self.at(99.9),
            max: self.0.max() as f64 / 1e3,
            distribution: PERCENTILES
                .into_iter()
                .map(|percentile| (percentile, self.at(percentile)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::new();
        for micros in 1..=1000 {
            latencies.record(Duration::from_micros(micros), 1);
        }
        let mut more = Latencies::new();
        more.record(Duration::from_secs(3600), 1);
        latencies.add(&more);
        let summary = latencies.summary();
        for (real, expected) in [(summary.p50, 501.0), (summary.p90, 901.0), (summary.p99, 991.0)] {
            assert!((real - expected).abs() < expected / 500.0, "{real} {expected}");
        }
        // An hour is beyond the bounds, and is not lost.
        assert!(summary.max >= 60e6);
        latencies.clear();
        assert!(latencies.summary().max < 1.0);
    }
}
