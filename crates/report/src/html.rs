mod dump;
mod facts;
mod picture;
mod prose;

use crate::posture::{class, gains};
use crate::remedy::remedies;
use crate::words::{column_title, gained, mark, outcome, symbol};
use askama::Template;
use dump::Packet;
use facts::{Fact, facts};
use prose::prose;
use std::collections::BTreeMap;
use wirelab_model::{ArmEvidence, ArmRecord, EnvironmentRecord, RunRecord, ScenarioInfo, Transport, Verdict};

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    record: &'a RunRecord,
    outcome: &'static str,
    columns: Vec<Column<'a>>,
    scenarios: Vec<Section<'a>>,
    environments: Vec<Row<'a>>,
}

/// A row of the gap table.
struct Row<'a> {
    record: &'a EnvironmentRecord,
    gains: String,
    class: &'static str,
}

struct Column<'a> {
    title: &'static str,
    client: &'a str,
}

struct Section<'a> {
    info: &'a ScenarioInfo,
    /// HTML.
    description: String,
    /// By column.
    cells: Vec<Option<Arm<'a>>>,
    /// Client by client, where an arm was compromised that must not be; HTML.
    remedies: Vec<(&'static str, String)>,
}

struct Arm<'a> {
    record: &'a ArmRecord,
    title: &'static str,
    anchor: String,
    symbol: char,
    mark: char,
    gained: String,
    /// HTML.
    why: String,
    /// SVG.
    picture: String,
    facts: Vec<Fact>,
    packets: Vec<Packet>,
    open: bool,
}

impl<'a> Section<'a> {
    /// Without TLS and with verified TLS, to compare.
    fn sides(&self) -> impl Iterator<Item = &Arm<'a>> {
        self.cells.iter().flatten().filter(|arm| Self::is_side(arm))
    }

    fn others(&self) -> impl Iterator<Item = &Arm<'a>> {
        self.cells.iter().flatten().filter(|arm| !Self::is_side(arm))
    }

    fn is_side(arm: &Arm<'_>) -> bool {
        arm.record.arm == Transport::Plaintext || arm.record.arm.is_verified()
    }
}

/// One self-contained page: nothing is loaded from anywhere. `evidence` by [`ArmRecord::evidence`].
///
/// # Errors
/// Never for a record that wirelab made.
pub fn page(record: &RunRecord, evidence: &BTreeMap<String, ArmEvidence>) -> Result<String, askama::Error> {
    let columns = crate::columns(record);
    let mut scenarios = Vec::new();
    for (index, info) in record.scenarios.iter().enumerate() {
        let mut cells = Vec::new();
        for transport in &columns {
            let arm = record.arms.iter().find(|arm| arm.scenario == info.id && arm.arm == *transport);
            cells.push(match arm {
                // The packets of the first scenario are open: that is what people come for.
                Some(arm) => Some(view(arm, info, evidence.get(&arm.evidence), index == 0)?),
                None => None,
            });
        }
        let worse = |arm: &Arm<'_>| arm.record.verdict == Verdict::Compromised && !arm.record.as_expected;
        let remedies: &[_] = if cells.iter().flatten().any(worse) { remedies(info.weakness) } else { &[] };
        let remedies = remedies.iter().map(|(client, what)| (*client, prose(what))).collect();
        scenarios.push(Section { info, description: prose(&info.description), cells, remedies });
    }
    let columns = columns
        .into_iter()
        .map(|transport| Column {
            title: column_title(transport),
            client: record.arms.iter().find(|arm| arm.arm == transport).map_or("", |arm| &arm.client),
        })
        .collect();
    let row = |record| Row { record, gains: gains(record), class: class(record.risk) };
    let environments = record.environments.iter().map(row).collect();
    Page { record, outcome: outcome(record), columns, scenarios, environments }.render()
}

fn view<'a>(
    record: &'a ArmRecord,
    info: &ScenarioInfo,
    evidence: Option<&ArmEvidence>,
    open: bool,
) -> Result<Arm<'a>, askama::Error> {
    let gained = gained(record);
    Ok(Arm {
        record,
        title: column_title(record.arm),
        anchor: format!("{}/{}", record.scenario, record.arm),
        symbol: symbol(record.verdict),
        mark: mark(record),
        picture: picture::picture(record, &info.attack, &gained)?,
        gained,
        why: prose(&record.why),
        facts: evidence.map(facts).unwrap_or_default(),
        packets: evidence.iter().flat_map(|evidence| &evidence.packets).map(Packet::new).collect(),
        open,
    })
}
