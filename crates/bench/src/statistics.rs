//! Ratios with how sure they are.

use wirelab_model::BenchEstimate;

/// Two-sided 97.5 % points of Student's t with 1 to 30 degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The factor of a 95 % confidence interval. Degrees of freedom of a comparison are no whole number:
/// rounding them down is the careful side.
fn t(degrees: f64) -> f64 {
    let whole = degrees.max(1.0) as usize;
    T.get(whole - 1).copied().unwrap_or_else(|| {
        // Cornish and Fisher's expansion around the normal distribution: right to three digits here.
        let (z, v) = (1.959_964_f64, whole as f64);
        z + (z.powi(3) + z) / (4.0 * v) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * v * v)
    })
}

/// The middle one; between the two middle ones where their number is even. 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 }
}

/// The ratio of `tls` to `plain` over rounds in which both were measured one after the other: what slows
/// the whole machine for a while slows both, and falls out. Student's t on the logarithms, since a ratio
/// and its inverse must be equally sure. None from a single round: nothing says how much it could vary.
pub(crate) fn ratio(plain: &[f64], tls: &[f64]) -> Option<BenchEstimate> {
    let logs: Vec<f64> = plain.iter().zip(tls).map(|(plain, tls)| (tls / plain).ln()).collect();
    let rounds = logs.len();
    if rounds < 2 || plain.len() != tls.len() || logs.iter().any(|log| !log.is_finite()) {
        return None;
    }
    let mean = logs.iter().sum::<f64>() / rounds as f64;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (rounds - 1) as f64;
    let error = (variance / rounds as f64).sqrt();
    Some(estimate(mean, error, (rounds - 1) as f64, rounds))
}

/// How much a ratio changed between two runs that know nothing of each other (Welch's t test).
pub(crate) fn change(before: &BenchEstimate, now: &BenchEstimate) -> BenchEstimate {
    let mean = (now.ratio / before.ratio).ln();
    let (a, b) = (now.error.powi(2), before.error.powi(2));
    let parts = a * a / (now.rounds.max(2) - 1) as f64 + b * b / (before.rounds.max(2) - 1) as f64;
    let degrees = if parts > 0.0 { (a + b).powi(2) / parts } else { 1.0 };
    estimate(mean, (a + b).sqrt(), degrees, now.rounds.min(before.rounds))
}

fn estimate(mean: f64, error: f64, degrees: f64, rounds: usize) -> BenchEstimate {
    let half = t(degrees) * error;
    BenchEstimate { ratio: mean.exp(), low: (mean - half).exp(), high: (mean + half).exp(), error, rounds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(real: f64, expected: f64) -> bool {
        (real - expected).abs() < 5e-4 * expected.abs().max(1.0)
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, expected) in [
            (1.0, 12.706),
            (9.0, 2.262),
            (9.9, 2.262),
            (30.0, 2.042),
            (40.0, 2.021),
            (120.0, 1.980),
            (1e6, 1.960),
        ] {
            assert!(near(t(degrees), expected), "{degrees}: {}", t(degrees));
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn a_known_ratio_has_its_known_interval() {
        // Logarithms 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, error 0.1 / sqrt 3, t 4.303.
        let tls = [0.1_f64, 0.2, 0.3].map(f64::exp);
        let estimate = ratio(&[1.0, 1.0, 1.0], &tls).unwrap();
        assert!(near(estimate.ratio, 0.2_f64.exp()));
        assert!(near(estimate.error, 0.057_735));
        assert!(near(estimate.low, (0.2_f64 - 4.303 * 0.057_735).exp()));
        assert!(near(estimate.high, (0.2_f64 + 4.303 * 0.057_735).exp()));
        // The inverse is equally sure.
        let inverse = ratio(&tls, &[1.0, 1.0, 1.0]).unwrap();
        assert!(near(inverse.low * estimate.high, 1.0));
    }

    #[test]
    fn what_slows_both_falls_out() {
        let plain = [100.0, 50.0, 10.0, 80.0];
        let estimate = ratio(&plain, &plain.map(|rate| rate * 0.7)).unwrap();
        assert!(near(estimate.low, 0.7) && near(estimate.high, 0.7));
    }

    #[test]
    fn nothing_is_said_where_nothing_can_be() {
        assert_eq!(ratio(&[], &[]), None);
        assert_eq!(ratio(&[1.0], &[2.0]), None, "no interval from one round");
        assert_eq!(ratio(&[1.0, 1.0], &[2.0]), None);
        assert_eq!(ratio(&[1.0, 0.0], &[2.0, 1.0]), None);
        assert_eq!(ratio(&[1.0, 1.0], &[2.0, 0.0]), None);
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        // Twelve uniform numbers make a nearly normal one; a linear congruential generator makes those.
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let held = (0..2000)
            .filter(|_| {
                let tls: Vec<f64> = (0..6).map(|_| (0.7_f64.ln() + 0.1 * normal()).exp()).collect();
                let estimate = ratio(&[1.0; 6], &tls).unwrap();
                estimate.low <= 0.7 && 0.7 <= estimate.high
            })
            .count();
        assert!((1860..=1940).contains(&held), "{held} of 2000 instead of 95 %");
    }

    #[test]
    fn a_change_is_as_unsure_as_both_runs_together() {
        let one = |ratio: f64, error: f64, rounds| estimate(ratio.ln(), error, rounds as f64 - 1.0, rounds);
        let same = change(&one(0.7, 0.01, 10), &one(0.7, 0.01, 10));
        assert!(near(same.ratio, 1.0) && near(same.error, 0.01 * 2.0_f64.sqrt()));
        // Equal variances: 18 degrees of freedom.
        assert!(near(same.high, (2.101 * 0.01 * 2.0_f64.sqrt()).exp()));
        let worse = change(&one(0.8, 0.01, 10), &one(0.6, 0.01, 10));
        assert!(near(worse.ratio, 0.75) && worse.high < 0.8);
        let exact = change(&one(0.8, 0.0, 10), &one(0.6, 0.0, 10));
        assert!(near(exact.low, 0.75) && near(exact.high, 0.75));
    }
}
