//! What is committed beside the program is what the program says.

use crate::support::wirelab;
use std::path::PathBuf;

#[test]
fn the_committed_schemas_are_those_of_the_program() {
    for name in ["scenario", "run", "evidence"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../schemas/{name}.json"));
        let (output, _folder) = wirelab(&["schema", name]);
        let committed = std::fs::read_to_string(&path).unwrap();
        let same = committed.as_bytes() == output.stdout;
        assert!(same, "{name}.json is not what the program says; `just schemas` writes it anew");
    }
}
