//! What attacks there are, and what one of them is about.

use crate::remedy::remedies;
use std::fmt::Write as _;
use wirelab_model::{Expect, Scenario, Verdict};

/// A line a scenario: id, title, arms.
pub fn list(scenarios: &[Scenario]) -> String {
    let width = widest(scenarios);
    scenarios.iter().fold(String::new(), |mut text, scenario| {
        let arms: Vec<String> = scenario.arms.iter().map(|arm| arm.transport.to_string()).collect();
        let _ = writeln!(text, "{:<width$}  {}  [{}]", scenario.id, scenario.title, arms.join(", "));
        text
    })
}

/// A line an attack: id, how much is lost, what a good client does, what is weak about one that does not,
/// where it is demanded.
pub fn attacks(scenarios: &[Scenario]) -> String {
    let width = widest(scenarios);
    let mut text = format!(
        "{:<width$}  {:<10}  {:<11}  {:<18}  {}\n",
        "ATTACK", "IMPORTANCE", "GOOD CLIENT", "WEAKNESS", "REFERENCE"
    );
    for scenario in scenarios {
        let reference = scenario.references.first().map_or("", String::as_str);
        let _ = writeln!(
            text,
            "{:<width$}  {:<10}  {:<11}  {:<18}  {reference}",
            scenario.id,
            scenario.importance,
            duty(scenario),
            scenario.weakness,
        );
    }
    text
}

/// Some ten lines for a developer: what it is, why it matters, how clients get it wrong, what mends them.
pub fn explain(scenario: &Scenario) -> String {
    let mut text = format!(
        "{} ({})\nImportance: {}; weakness: {}\n\n{}\n",
        scenario.title,
        scenario.id,
        scenario.importance,
        scenario.weakness,
        scenario.description.trim_end()
    );
    let remedies = remedies(scenario.weakness);
    let width = remedies.iter().map(|(client, _)| client.len()).max().unwrap_or_default();
    for (client, remedy) in remedies {
        let _ = writeln!(text, "  {client:<width$}  {remedy}");
    }
    text.push('\n');
    for arm in &scenario.arms {
        let _ = writeln!(text, "  {:<15} expects {}", arm.transport.to_string(), arm.expect);
    }
    let _ = writeln!(text, "\nRead on: {}", scenario.references.join("; "));
    text
}

/// What a client that does everything right does about it.
fn duty(scenario: &Scenario) -> &'static str {
    let protected = scenario.arms.iter().rfind(|arm| arm.transport.is_verified());
    match protected.map(|arm| &arm.expect) {
        Some(Expect::One(Verdict::Secure)) => "withstands",
        Some(Expect::One(_)) => "accepts",
        Some(Expect::Any(_)) => "may choose",
        None => "cannot",
    }
}

fn widest(scenarios: &[Scenario]) -> usize {
    scenarios.iter().map(|scenario| scenario.id.len()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Arm, Attack, Importance, Transport, Weakness};

    fn scenario(weakness: Weakness) -> Scenario {
        Scenario {
            id: "mitm/x".into(),
            title: "Something on the way".into(),
            description: "It is bad.\nRemedy: mend it.\n".into(),
            references: vec!["RFC 1 section 2".into(), "CWE-1 Something".into()],
            tags: Vec::new(),
            topology: wirelab_model::Topology::Standalone,
            link: None,
            environment: None,
            demand: wirelab_model::Demand::Required,
            importance: Importance::High,
            weakness,
            attack: Attack::Corrupt,
            arms: [(Transport::Plaintext, Verdict::Compromised), (Transport::Tls, Verdict::Secure)]
                .map(|(transport, verdict)| Arm {
                    transport,
                    expect: Expect::One(verdict),
                    got: Vec::new(),
                    not_got: Vec::new(),
                })
                .into(),
        }
    }

    #[test]
    fn people_are_told_what_to_write_where_it_differs() {
        insta::assert_snapshot!("explain", explain(&scenario(Weakness::Name)));
        assert!(!explain(&scenario(Weakness::Integrity)).contains("redis-py"));
        insta::assert_snapshot!("attacks", attacks(&[scenario(Weakness::NoTls)]));
    }
}
