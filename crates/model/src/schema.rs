use crate::{ArmEvidence, BenchPlan, BenchRecord, RunRecord, Scenario};
use schemars::{Schema, schema_for};

/// JSON Schemas of what people write and what wirelab writes: name, and schema.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("scenario", schema_for!(Scenario)),
        ("run", schema_for!(RunRecord)),
        ("evidence", schema_for!(ArmEvidence)),
        ("bench", schema_for!(BenchRecord)),
        ("bench-plan", schema_for!(BenchPlan)),
    ]
}
