use crate::words::{gained, outcome, symbol};
use askama::Template;
use std::collections::BTreeMap;
use wirelab_model::{ArmEvidence, ArmRecord, Direction, RunRecord};

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    record: &'a RunRecord,
    outcome: &'static str,
    scenarios: Vec<Section<'a>>,
}

struct Section<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    references: &'a [String],
    arms: Vec<Arm<'a>>,
}

struct Arm<'a> {
    record: &'a ArmRecord,
    symbol: char,
    gained: String,
    end: String,
    error: String,
    packets: Vec<Packet>,
}

struct Packet {
    head: String,
    dump: String,
}

/// One self-contained page: nothing is loaded from anywhere.
///
/// # Errors
/// Never for a record that wirelab made.
pub fn page(record: &RunRecord, evidence: &BTreeMap<String, ArmEvidence>) -> Result<String, askama::Error> {
    let scenarios = record
        .scenarios
        .iter()
        .map(|scenario| Section {
            id: &scenario.id,
            title: &scenario.title,
            description: &scenario.description,
            references: &scenario.references,
            arms: record
                .arms
                .iter()
                .filter(|arm| arm.scenario == scenario.id)
                .map(|arm| view(arm, evidence.get(&arm.evidence)))
                .collect(),
        })
        .collect();
    Page { record, outcome: outcome(record), scenarios }.render()
}

fn view<'a>(record: &'a ArmRecord, evidence: Option<&ArmEvidence>) -> Arm<'a> {
    let packets = evidence.map(|evidence| evidence.packets.iter().map(packet).collect()).unwrap_or_default();
    Arm {
        record,
        symbol: symbol(record.verdict),
        gained: gained(record),
        end: evidence.map(|evidence| evidence.client.end.to_string()).unwrap_or_default(),
        error: evidence.and_then(|evidence| evidence.client.error.clone()).unwrap_or_default(),
        packets,
    }
}

fn packet(packet: &wirelab_model::PacketView) -> Packet {
    let arrow = if packet.from == Direction::Client { "client →" } else { "← server" };
    let head = format!(
        "#{} +{} µs {arrow} {} bytes: {}",
        packet.frame, packet.time_us, packet.length, packet.summary
    );
    let bytes: Vec<u8> = packet
        .hex
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let mut dump = String::new();
    for (row, bytes) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            bytes.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '·' }).collect();
        dump += &format!("{:04x}  {:<47}  {text}\n", row * 16, hex.join(" "));
    }
    Packet { head, dump }
}
