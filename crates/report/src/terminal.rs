use crate::words::{column_title, gained, mark, outcome, shortfall, symbol};
use wirelab_model::{ArmRecord, Outcome, RunRecord, Verdict};

/// Most failed controls, and most arms that are not as expected, that are told of one by one.
const MOST_TOLD: usize = 40;

pub(crate) fn paint(text: &str, code: &str, color: bool) -> String {
    if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

pub(crate) fn code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Secure => "32",
        Verdict::Compromised => "31",
        _ => "33",
    }
}

/// One line about an arm, while the run goes on. `client` is a column of its own, unless it is empty.
pub fn arm_line(arm: &ArmRecord, client: &str, color: bool) -> String {
    let client = if client.is_empty() { String::new() } else { format!("{client:<32} ") };
    let mark = mark(arm);
    let verdict = format!("{} {}", symbol(arm.verdict), gained(arm));
    format!(
        "{mark} {client}{:<42} {:<15} {}",
        arm.scenario,
        arm.arm.to_string(),
        paint(&verdict, code(arm.verdict), color)
    )
}

/// The table of a run: what the attacker got, by scenario and transport.
pub fn table(record: &RunRecord, color: bool) -> String {
    let columns = crate::columns(record);
    let mut out = String::new();
    if record.setup.client != "builtin" {
        out += &format!(
            "Client under test: {}\nOther columns are the lab's own clients: they prove each attack live.\n\n",
            record.setup.client
        );
    }
    let width = record.scenarios.iter().map(|scenario| scenario.id.len()).max().unwrap_or(0).max(21) + 1;
    let mut heading = format!("{:<width$}", "What the attacker got");
    for transport in &columns {
        let subject =
            record.arms.iter().any(|arm| arm.arm == *transport && arm.client == record.setup.client);
        let mark = if subject && record.setup.client != "builtin" { " (under test)" } else { "" };
        heading += &format!(" {:<31}", format!("{}{mark}", column_title(*transport)));
    }
    out += &(paint(heading.trim_end(), "1", color) + "\n");
    for scenario in &record.scenarios {
        let mut line = format!("{:<width$}", scenario.id);
        for transport in &columns {
            let arm = record.arms.iter().find(|arm| arm.scenario == scenario.id && arm.arm == *transport);
            let cell = arm.map_or_else(String::new, |arm| {
                format!("{} {} {}", symbol(arm.verdict), gained(arm), mark(arm)).trim_end().to_owned()
            });
            let padded = format!("{cell:<31}");
            line += " ";
            line += &arm.map_or_else(|| padded.clone(), |arm| paint(&padded, code(arm.verdict), color));
        }
        out += line.trim_end();
        out += "\n";
    }
    out + &foot(record, color)
}

/// What stands below the table of a run: controls, what is not as expected, the outcome.
pub(crate) fn foot(record: &RunRecord, color: bool) -> String {
    let mut out = crate::posture::table(&record.environments, color);
    let more = |count: usize| match count.saturating_sub(MOST_TOLD) {
        0 => String::new(),
        more => format!("\n  and {more} more, which run.json has"),
    };
    let passed = record.controls.iter().filter(|control| control.passed).count();
    out += &format!("\nControls: {passed} of {} passed", record.controls.len());
    for control in record.controls.iter().filter(|control| !control.passed).take(MOST_TOLD) {
        let rogue = control.rogue.as_deref().unwrap_or("server");
        out += &format!(
            "\n  ? {} {:?} {rogue} ({}): {}",
            control.arm, control.kind, control.client, control.why
        );
    }
    out += &more(record.controls.len() - passed);
    out += "\n";
    let mut unexpected: Vec<&ArmRecord> = record.arms.iter().filter(|arm| !arm.as_expected).collect();
    // Those that were not even attacked say the least.
    unexpected.sort_by_key(|arm| arm.evidence.is_empty());
    for arm in unexpected.iter().take(MOST_TOLD) {
        let (scenario, transport, client, why) = (&arm.scenario, arm.arm, &arm.client, &arm.why);
        out += &format!(
            "\n! {scenario} {transport} with {client}\n  {}\n  {why}\n  what it means, and the remedy: wirelab explain {scenario}\n",
            shortfall(arm)
        );
    }
    out += &more(unexpected.len());
    for arm in record.arms.iter().filter(|arm| !arm.left_behind.is_empty()) {
        let left = arm.left_behind.join(", ");
        out +=
            &format!("\nThe client left running, and the lab ended: {left} ({} {})\n", arm.scenario, arm.arm);
    }
    if let Some(sabotage) = &record.setup.sabotage {
        out += &format!("\nThe lab was broken on purpose: --sabotage {sabotage}\n");
    }
    let last = match record.outcome {
        Outcome::AsExpected => "1;32",
        Outcome::Unexpected => "1;31",
        Outcome::Inconclusive => "1;33",
    };
    out + "\n" + &paint(outcome(record), last, color) + "\n"
}
