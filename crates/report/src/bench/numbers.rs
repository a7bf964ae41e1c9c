//! Numbers as people read them.

use wirelab_model::BenchEstimate;

/// In groups of three: `112,345`.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 && digits != "0" { format!("-{grouped}") } else { grouped }
}

/// With as many digits as say something: three, and no fraction from a hundred on.
pub(crate) fn short(value: f64) -> String {
    if value.abs() >= 100.0 {
        whole(value)
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A ratio as a change with its interval: `-26.3 % (-27.0 to -25.6)`.
pub(crate) fn change(estimate: Option<&BenchEstimate>) -> String {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    match estimate {
        Some(estimate) => format!(
            "{:+.1} % ({:+.1} to {:+.1})",
            percent(estimate.ratio),
            percent(estimate.low),
            percent(estimate.high)
        ),
        None => "cannot be told".into(),
    }
}

/// `a → b`.
pub(crate) fn pair(plain: String, tls: &str) -> String {
    plain + " → " + tls
}

/// Kibibytes.
pub(crate) fn kib(bytes: f64) -> String {
    format!("{} KiB", short(bytes / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1000.0, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-1500.0, "-1,500"),
            (-0.1, "0"),
        ] {
            assert_eq!(whole(value), text);
        }
        for (value, text) in
            [(0.123, "0.12"), (9.87, "9.87"), (12.34, "12.3"), (123.4, "123"), (5432.1, "5,432")]
        {
            assert_eq!(short(value), text);
        }
        let estimate = BenchEstimate { ratio: 0.737, low: 0.73, high: 0.744, error: 0.0, rounds: 5 };
        assert_eq!(change(Some(&estimate)), "-26.3 % (-27.0 to -25.6)");
        assert_eq!(change(None), "cannot be told");
    }
}
