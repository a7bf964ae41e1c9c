//! Is it too much, and has it become more?

use crate::statistics::change;
use wirelab_model::{BenchBaseline, BenchCell, BenchChange, BenchEstimate, BenchRecord, ExitCode};

/// What `--fail-over` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The whole interval is below the limit.
    Within,
    /// The interval has the limit in it, or there is none.
    CannotTell,
    /// The whole interval is over the limit.
    Over,
}

impl Judged {
    /// What the process tells its caller.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Within => ExitCode::AsExpected,
            Self::CannotTell => ExitCode::Inconclusive,
            Self::Over => ExitCode::Unexpected,
        }
    }
}

/// Puts two runs side by side. Both compare TLS with plain on their own machine at their own time, so
/// that a slower day does not count as a dearer TLS.
pub fn compare(before: &BenchRecord, now: &BenchRecord) -> BenchBaseline {
    let load = |cell: &BenchCell| (cell.operation, cell.payload, cell.pipeline, cell.connections);
    let one = |now: &BenchCell| {
        let before = before.cells.iter().find(|before| load(before) == load(now));
        let before = before.and_then(|before| before.throughput);
        let ratio = before.as_ref().zip(now.throughput.as_ref()).map(|(before, now)| change(before, now));
        BenchChange { load: now.load(), before, now: now.throughput, ratio }
    };
    let parts = |record: &BenchRecord| {
        let setup = &record.setup;
        [
            ("server", setup.server.clone()),
            ("version of TLS", setup.tls.clone()),
            ("cipher", setup.cipher.clone()),
            ("group", setup.group.clone()),
            ("key", setup.key.clone()),
            ("client", setup.client.clone()),
            ("processor", setup.cpu.clone()),
            ("cores", setup.cores.to_string()),
            ("processors", setup.processors.clone()),
            ("system", setup.system.clone()),
        ]
    };
    let differences = parts(before).into_iter().zip(parts(now)).filter(|(before, now)| before != now);
    BenchBaseline {
        started: before.started.clone(),
        differences: differences
            .map(|((part, before), (_, now))| format!("{part}: {before} then, {now} now"))
            .collect(),
        changes: now.cells.iter().map(one).collect(),
    }
}

/// Whether throughput falls by more than `percent`: for each cell, the ratio that says so. One that is
/// over outweighs all that cannot be told; of nothing nothing can be told.
pub fn judge<'a>(ratios: impl IntoIterator<Item = Option<&'a BenchEstimate>>, percent: f64) -> Judged {
    let limit = 1.0 - percent / 100.0;
    let one = |ratio: Option<&BenchEstimate>| match ratio {
        Some(ratio) if ratio.high < limit => Judged::Over,
        Some(ratio) if ratio.low >= limit => Judged::Within,
        _ => Judged::CannotTell,
    };
    let judged: Vec<Judged> = ratios.into_iter().map(one).collect();
    if judged.contains(&Judged::Over) {
        Judged::Over
    } else if judged.is_empty() || judged.contains(&Judged::CannotTell) {
        Judged::CannotTell
    } else {
        Judged::Within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_same_loads_are_compared_and_what_else_differs_is_told() {
        let (mut before, now) = (fixture::record(), fixture::record());
        let same = compare(&before, &now);
        assert_eq!(same.differences, Vec::<String>::new());
        let ratio = same.changes.first().unwrap().ratio.unwrap();
        assert!((ratio.ratio - 1.0).abs() < 1e-9 && ratio.low < 1.0 && ratio.high > 1.0, "{ratio:?}");
        before.setup.cipher = "TLS13_AES_128_GCM_SHA256".into();
        before.cells.first_mut().unwrap().payload = 1;
        let other = compare(&before, &now);
        let told = "cipher: TLS13_AES_128_GCM_SHA256 then, TLS13_AES_256_GCM_SHA384 now";
        assert_eq!(other.differences, [told]);
        assert_eq!(other.changes.first().unwrap().ratio, None, "another load says nothing");
        let judged = judge(other.changes.iter().map(|change| change.ratio.as_ref()), 5.0);
        assert_eq!(judged, Judged::CannotTell);
    }

    #[test]
    fn only_a_whole_interval_on_one_side_of_the_limit_is_a_verdict() {
        let one = |low, high| BenchEstimate { ratio: 0.7, low, high, error: 0.0, rounds: 5 };
        let (below, around, above) = (one(0.60, 0.69), one(0.69, 0.71), one(0.71, 0.8));
        for (ratios, judged) in [
            (vec![Some(&above)], Judged::Within),
            (vec![Some(&above), Some(&around)], Judged::CannotTell),
            (vec![Some(&above), None], Judged::CannotTell),
            (vec![Some(&around), None, Some(&below)], Judged::Over),
            (vec![], Judged::CannotTell),
        ] {
            assert_eq!(judge(ratios.clone(), 30.0), judged, "{ratios:?}");
        }
        assert_eq!(Judged::Over.exit_code() as u8, 10);
        assert_eq!(Judged::CannotTell.exit_code() as u8, 5);
    }
}
