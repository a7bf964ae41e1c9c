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

/// One part in so many of the rounds is left out at either end of what they say.
const LEFT_OUT: usize = 5;
/// Rounds from which on an interval may end a measurement: fewer can be alike by chance.
const ENOUGH: usize = 40;

/// Width of an interval, in percent of the ratio.
pub(crate) fn width(estimate: &BenchEstimate) -> f64 {
    100.0 * (estimate.high - estimate.low) / estimate.ratio
}

/// Whether it is as narrow as that, from rounds enough.
pub(crate) fn precise(estimate: &BenchEstimate, percent: f64) -> bool {
    estimate.rounds >= ENOUGH && width(estimate) <= percent
}

/// The middle one; between the two middle ones where their number is even. 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 }
}

/// How many of the rounds are not left out.
fn kept(rounds: usize) -> usize {
    rounds - 2 * (rounds / LEFT_OUT)
}

/// The ratio of `tls` to `plain` over rounds in which both were measured in turn: what slows the whole machine for a
/// while slows both, and falls out. On logarithms, since a ratio and its inverse must be equally sure. None from a single
/// round: nothing says how much it could vary.
///
/// What stops the machine for some milliseconds hits one side of a round only. It hits either with the same chance, since
/// both take the same time in turn; so a fifth of the rounds is left out at either end, and the mean of the others has
/// Yuen's interval (Biometrika 61, 1974): Student's t with the variance of all rounds, those left out moved to the
/// nearest that is not. Rounds that follow each other may resemble each other, and say less then: see [`kinship`].
pub(crate) fn ratio(plain: &[f64], tls: &[f64]) -> Option<BenchEstimate> {
    let logs: Vec<f64> = plain.iter().zip(tls).map(|(plain, tls)| (tls / plain).ln()).collect();
    let rounds = logs.len();
    if rounds < 2 || plain.len() != tls.len() || logs.iter().any(|log| !log.is_finite()) {
        return None;
    }
    let mut sorted = logs.clone();
    sorted.sort_by(f64::total_cmp);
    let kept = sorted.get(rounds / LEFT_OUT..rounds / LEFT_OUT + kept(rounds))?;
    let (low, high) = (*kept.first()?, *kept.last()?);
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    let moved: Vec<f64> = logs.iter().map(|log| log.clamp(low, high)).collect();
    let center = moved.iter().sum::<f64>() / rounds as f64;
    let squares = moved.iter().map(|log| (log - center).powi(2)).sum::<f64>();
    let freedom = (kept.len() - 1) as f64;
    let error = (squares * kinship(&moved, center, squares) / (kept.len() as f64 * freedom)).sqrt();
    Some(estimate(mean, error, freedom, rounds))
}

/// How many times as many rounds one needs because each resembles the one before it, if that wanes from round to round
/// as in a process of first order: (1 + r) / (1 - r) with the correlation r of neighbours. Never less than once, so that
/// intervals are rather too wide; and where rounds are added until the interval is narrow, that makes up for chance
/// which made it narrow too early.
fn kinship(logs: &[f64], center: f64, squares: f64) -> f64 {
    let products = logs.windows(2).map(|pair| pair.iter().map(|log| log - center).product::<f64>());
    let r = products.sum::<f64>() / squares;
    // Rounds that are all the same have no variance, and r is no number.
    let r = if r > 0.0 { r.min(0.9) } else { 0.0 };
    (1.0 + r) / (1.0 - r)
}

/// How much a ratio changed between two runs that know nothing of each other (Welch's t test).
pub(crate) fn change(before: &BenchEstimate, now: &BenchEstimate) -> BenchEstimate {
    let mean = (now.ratio / before.ratio).ln();
    let (a, b) = (now.error.powi(2), before.error.powi(2));
    let freedom = |one: &BenchEstimate| (kept(one.rounds).max(2) - 1) as f64;
    let parts = a * a / freedom(now) + b * b / freedom(before);
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

    /// Nearly normal numbers: the sums of twelve uniform ones of a linear congruential generator.
    struct Normal(u64);

    impl Normal {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn next(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }

    /// How many of 1000 runs have the truth, 0.7, within their interval. Each draws rounds from `noise` until the
    /// interval is as narrow as `percent` says, 200 at most, or 40 where it says nothing.
    fn held(percent: Option<f64>, mut noise: impl FnMut(&mut Normal) -> f64) -> usize {
        let mut normal = Normal(1);
        let mut one = || {
            let mut tls = Vec::new();
            loop {
                tls.push(0.7 * noise(&mut normal).exp());
                let Some(estimate) = ratio(&vec![1.0; tls.len()], &tls) else { continue };
                let enough = match percent {
                    Some(percent) => precise(&estimate, percent) || tls.len() == 200,
                    None => tls.len() == 40,
                };
                if enough {
                    return estimate.low <= 0.7 && 0.7 <= estimate.high;
                }
            }
        };
        (0..1000).filter(|_| one()).count()
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        // 2.8 standard deviations of such a count are 19 around 950.
        let fixed = held(None, |normal| 0.03 * normal.next());
        assert!((931..=975).contains(&fixed), "{fixed} of 1000 instead of 95 %");
        // Where chance decides when to end, too.
        let until = held(Some(2.0), |normal| 0.03 * normal.next());
        assert!((921..=975).contains(&until), "{until} of 1000 instead of 95 %");
    }

    #[test]
    fn what_stops_the_machine_now_and_then_makes_no_interval_untrue() {
        // One part of a round in five loses up to half of its time.
        let stopped = |normal: &mut Normal| {
            let mut side = || if normal.uniform() < 0.2 { (1.0 - 0.5 * normal.uniform()).ln() } else { 0.0 };
            side() - side() + 0.01 * normal.next()
        };
        for percent in [None, Some(4.0)] {
            let held = held(percent, stopped);
            assert!(held >= 940, "{held} of 1000 instead of 95 %");
        }
        // And few of them do not make it wide.
        let tls = (0..40).map(|round| if round % 9 == 0 { 0.3 } else { 0.7 + 0.001 * f64::from(round % 5) });
        let tls: Vec<f64> = tls.collect();
        let estimate = ratio(&[1.0; 40], &tls).unwrap();
        assert!(width(&estimate) < 0.5 && (estimate.ratio - 0.702).abs() < 0.002, "{estimate:?}");
    }

    #[test]
    fn rounds_that_resemble_each_other_say_less() {
        let kin = |share: f64, percent| {
            let mut before = 0.0;
            held(percent, move |normal| {
                before = share * before + 0.03 * normal.next();
                before
            })
        };
        // Taken as independent they would hold the truth in 850 runs, and in 680.
        for (share, percent, least) in [(0.3, None, 900), (0.3, Some(2.0), 870), (0.6, None, 850)] {
            let held = kin(share, percent);
            assert!(held >= least, "{share}, {percent:?}: {held} of 1000");
        }
        let same = ratio(&[1.0; 8], &[0.7; 8]).unwrap();
        assert!(near(same.low, 0.7) && near(same.high, 0.7), "no variance is no error: {same:?}");
    }

    #[test]
    fn a_change_is_as_unsure_as_both_runs_together() {
        let one = |ratio: f64, error: f64, rounds| estimate(ratio.ln(), error, rounds as f64 - 1.0, rounds);
        let same = change(&one(0.7, 0.01, 10), &one(0.7, 0.01, 10));
        assert!(near(same.ratio, 1.0) && near(same.error, 0.01 * 2.0_f64.sqrt()));
        // Equal variances, from six rounds of ten each: 10 degrees of freedom.
        assert!(near(same.high, (2.228 * 0.01 * 2.0_f64.sqrt()).exp()));
        let worse = change(&one(0.8, 0.01, 10), &one(0.6, 0.01, 10));
        assert!(near(worse.ratio, 0.75) && worse.high < 0.8);
        let exact = change(&one(0.8, 0.0, 10), &one(0.6, 0.0, 10));
        assert!(near(exact.low, 0.75) && near(exact.high, 0.75));
    }
}
