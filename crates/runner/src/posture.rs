//! The environments of a run: which arms stand for which.

use std::collections::BTreeMap;
use wirelab_judge::{Seen, environment};
use wirelab_model::{ArmEvidence, ArmRecord, Attack, ControlRecord, EnvironmentRecord, Scenario, TrialKind};

/// A row for each environment and client, in the order of the scenarios. Intruders are nobody's client, and
/// count for all.
pub(crate) fn environments(
    scenarios: &[Scenario],
    arms: &[ArmRecord],
    controls: &[ControlRecord],
    evidence: &BTreeMap<String, ArmEvidence>,
    clients: &[String],
) -> Vec<EnvironmentRecord> {
    let mut names: Vec<&str> = Vec::new();
    for environment in scenarios.iter().filter_map(|scenario| scenario.environment.as_ref()) {
        if !names.contains(&environment.name.as_str()) {
            names.push(&environment.name);
        }
    }
    let mut rows = Vec::new();
    for name in names {
        for client in clients {
            let mut seen = Vec::new();
            for scenario in scenarios {
                let Some(of) = scenario.environment.as_ref().filter(|of| of.name == name) else { continue };
                let intruder = matches!(scenario.attack, Attack::Intruder { .. });
                let own = arms.iter().find(|arm| {
                    let ours = arm.scenario == scenario.id && arm.arm == of.transport;
                    ours && (intruder || arm.client == *client)
                });
                if let Some(arm) = own {
                    // An arm whose first control failed was not run: what that one saw is what there is.
                    let control = controls.iter().find(|control| {
                        let same = control.client == arm.client && control.arm == arm.arm;
                        same && control.kind == TrialKind::ControlBefore
                    });
                    let folder = match control {
                        Some(control) if arm.evidence.is_empty() => &control.evidence,
                        _ => &arm.evidence,
                    };
                    seen.push(Seen { scenario, arm, evidence: evidence.get(folder) });
                }
            }
            rows.push(environment(name, client, &seen));
        }
    }
    rows
}
