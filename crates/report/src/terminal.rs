use crate::words::{column_title, gained, mark, outcome, shortfall, symbol};
use wirelab_model::{ArmRecord, Outcome, RunRecord, Transport, TrialKind, Verdict};

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

/// Most scenarios that have a line each. Of more, those of one folder with the same outcome share a line: nobody
/// reads three hundred lines to find the one that matters.
const MOST_LINES: usize = 40;

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
    let title = |transport: &Transport| {
        let subject =
            record.arms.iter().any(|arm| arm.arm == *transport && arm.client == record.setup.client);
        let mark = if subject && record.setup.client != "builtin" { " (under test)" } else { "" };
        format!("{}{mark}", column_title(*transport))
    };
    let titles: Vec<String> = columns.iter().map(title).collect();
    let lines = lines(record, &columns);
    let longest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max();
    let name_width = longest(&mut lines.iter().map(|line| line.name.as_str())).unwrap_or(0).max(21);
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = lines.iter().filter_map(|line| line.cells.get(column)).map(|(text, _)| text.as_str());
            longest(&mut cells.chain([title.as_str()])).unwrap_or(0)
        })
        .collect();
    let heading = titles
        .iter()
        .zip(&widths)
        .fold(format!("{:<name_width$}", "What the attacker got"), |heading, (title, width)| {
            heading + &format!("  {title:<width$}")
        });
    out += &(paint(heading.trim_end(), "1", color) + "\n");
    for line in lines {
        let mut text = format!("{:<name_width$}", line.name);
        for ((cell, code), width) in line.cells.iter().zip(&widths) {
            text += "  ";
            text += &paint(&format!("{cell:<width$}"), code, color && !code.is_empty());
        }
        out += text.trim_end();
        out += "\n";
    }
    out + &foot(record, color)
}

/// A line of the table.
struct Line<'a> {
    folder: &'a str,
    /// The scenario, or how many of the folder.
    name: String,
    scenarios: usize,
    /// By column: the text, and its colour where it has one.
    cells: Vec<(String, &'static str)>,
}

fn lines<'a>(record: &'a RunRecord, columns: &[Transport]) -> Vec<Line<'a>> {
    let share = record.scenarios.len() > MOST_LINES;
    let mut lines: Vec<Line<'_>> = Vec::new();
    for scenario in &record.scenarios {
        let id = scenario.id.as_str();
        let folder = id.split('/').next().unwrap_or(id);
        let of = |transport: &Transport| {
            record.arms.iter().find(|arm| arm.scenario == id && arm.arm == *transport)
        };
        if columns.iter().filter_map(of).next().is_none() {
            continue;
        }
        let unexpected = columns.iter().filter_map(of).any(|arm| !arm.as_expected);
        let cells: Vec<_> = columns.iter().map(|transport| cell(of(transport))).collect();
        let same =
            |line: &&mut Line<'_>| share && !unexpected && line.folder == folder && line.cells == cells;
        match lines.iter_mut().find(same) {
            Some(line) => {
                line.scenarios += 1;
                line.name = format!("{folder}: {} scenarios", line.scenarios);
            }
            None => lines.push(Line { folder, name: id.to_owned(), scenarios: 1, cells }),
        }
    }
    lines
}

fn cell(arm: Option<&ArmRecord>) -> (String, &'static str) {
    let Some(arm) = arm else { return (String::new(), "") };
    let text = format!("{} {} {}", symbol(arm.verdict), gained(arm), mark(arm));
    (text.trim_end().to_owned(), code(arm.verdict))
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
        let which = match (control.kind, &control.rogue) {
            (TrialKind::ControlAfter, _) => "the good server, after the attacks".to_owned(),
            (TrialKind::ControlUnarmed, Some(rogue)) => format!("the {rogue} without its flaw"),
            _ => "the good server, before the attacks".to_owned(),
        };
        out += &format!("\n  ? {}, {which}, with {}: {}", control.arm, control.client, control.why);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of so many scenarios, all in one folder and alike but the last, which is not as expected.
    fn run_of(count: usize) -> RunRecord {
        let (mut record, _) = crate::testkit::run();
        let scenario = record.scenarios.remove(0);
        let arm = record.arms.remove(0);
        record.arms.clear();
        for number in 0..count {
            let id = format!("mitm/relay-{number}");
            record.arms.push(ArmRecord {
                scenario: id.clone(),
                as_expected: number + 1 < count,
                left_behind: Vec::new(),
                ..arm.clone()
            });
            record.scenarios.push(wirelab_model::ScenarioInfo { id, ..scenario.clone() });
        }
        record
    }

    #[test]
    fn many_scenarios_share_lines_but_never_one_that_is_not_as_expected() {
        let few = table(&run_of(MOST_LINES), false);
        assert!(few.contains("\nmitm/relay-0 ") && !few.contains("scenarios"), "{few}");
        let many = table(&run_of(MOST_LINES + 1), false);
        assert!(many.contains("\nmitm: 40 scenarios"), "{many}");
        assert!(many.contains("\nmitm/relay-40 ") && !many.contains("\nmitm/relay-0 "), "{many}");
    }

    #[test]
    fn a_scenario_that_has_no_arm_has_no_line() {
        let mut record = run_of(2);
        record.arms.remove(0);
        assert!(!table(&record, false).contains("\nmitm/relay-0 "));
    }
}
