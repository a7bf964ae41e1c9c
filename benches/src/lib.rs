//! Only benches: `cargo bench -p wirelab-benches`.
