use crate::{AdapterLine, ArmEvidence, ClientFile, ExpectationFile, Matrix, RunRecord, Scenario};
use schemars::{Schema, schema_for};

/// JSON Schemas of what people write and what wirelab writes: name, and schema.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("scenario", schema_for!(Scenario)),
        ("run", schema_for!(RunRecord)),
        ("evidence", schema_for!(ArmEvidence)),
        ("adapter", schema_for!(AdapterLine)),
        ("client", schema_for!(ClientFile)),
        ("expectations", schema_for!(ExpectationFile)),
        ("matrix", schema_for!(Matrix)),
    ]
}
