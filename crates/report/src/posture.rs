//! The gap table: how each environment keeps its Redis, and what an attacker gets there.

use crate::terminal::paint;
use crate::words::things;
use std::fmt::Write as _;
use wirelab_model::{EnvironmentRecord, Risk};

/// What an attacker gets, in words: on the wire, and with a stolen password.
pub(crate) fn gains(row: &EnvironmentRecord) -> String {
    let mut all = Vec::new();
    if !row.on_the_wire.is_empty() {
        all.push(format!("on the wire: {}", things(&row.on_the_wire)));
    }
    if !row.with_the_password.is_empty() {
        all.push(format!("with a stolen password: {}", things(&row.with_the_password)));
    }
    match (all.is_empty(), row.risk) {
        (true, Risk::Unknown) => "cannot tell".into(),
        (true, _) => "nothing".into(),
        _ => all.join("; "),
    }
}

/// The class of the page's style.
pub(crate) fn class(risk: Risk) -> &'static str {
    match risk {
        Risk::High => "compromised",
        Risk::Medium | Risk::Unknown => "inconclusive",
        Risk::Low => "secure",
    }
}

/// The table for a terminal; empty where the run had no environments.
pub(crate) fn table(rows: &[EnvironmentRecord], color: bool) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let several = rows.iter().zip(rows.iter().skip(1)).any(|(row, next)| row.client != next.client);
    let name = |row: &EnvironmentRecord| {
        if several { format!("{} ({})", row.name, row.client) } else { row.name.clone() }
    };
    let width = rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0).max(11);
    let heading = format!(
        "{:<width$}  {:<7}  {:<19}  {:<7}  {}",
        "Environment", "TLS", "Client certificates", "Risk", "What an attacker gets"
    );
    let mut out = format!("\n{}\n", paint(&heading, "1", color));
    for row in rows {
        let code = match row.risk {
            Risk::High => "31",
            Risk::Medium | Risk::Unknown => "33",
            Risk::Low => "32",
        };
        let risk = paint(&format!("{:<7}", row.risk.to_string()), code, color);
        let _ = writeln!(
            out,
            "{:<width$}  {:<7}  {:<19}  {risk}  {}",
            name(row),
            row.tls,
            row.client_certificates,
            gains(row)
        );
    }
    out.push('\n');
    for row in rows {
        let _ = writeln!(out, "{}: {}", name(row), row.recommendation);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Got, Has};

    fn row(name: &str, risk: Risk, wire: &[Got], inside: &[Got]) -> EnvironmentRecord {
        EnvironmentRecord {
            name: name.into(),
            client: "builtin".into(),
            tls: Has::Yes,
            client_certificates: Has::No,
            on_the_wire: wire.to_vec(),
            with_the_password: inside.to_vec(),
            risk,
            why: "because".into(),
            recommendation: "Mend it.".into(),
            scenarios: vec![],
        }
    }

    #[test]
    fn what_is_unknown_is_not_nothing() {
        assert_eq!(gains(&row("x", Risk::Low, &[], &[])), "nothing");
        assert_eq!(gains(&row("x", Risk::Unknown, &[], &[])), "cannot tell");
        let both = row("x", Risk::High, &[Got::Credential], &[Got::Data]);
        assert_eq!(gains(&both), "on the wire: password; with a stolen password: data");
    }

    #[test]
    fn a_row_names_its_client_only_where_there_are_several() {
        assert_eq!(table(&[], false), "");
        let mut rows = vec![row("staging", Risk::Medium, &[], &[Got::Data]), row("eu", Risk::Low, &[], &[])];
        let text = table(&rows, false);
        assert!(text.contains("medium   with a stolen password: data\n"), "{text}");
        assert!(text.contains("\neu: Mend it.\n") && !text.contains("builtin"), "{text}");
        rows[1].client = "redis-py".into();
        assert!(table(&rows, true).contains("eu (redis-py)"), "{}", table(&rows, true));
    }
}
