//! Misbehaviour in the handshake and in records, against clients that deserve each verdict.

use crate::support::{capturing, record, text_of, wirelab};
use std::collections::BTreeMap;

/// Verdicts of a run's arms by scenario and arm.
fn verdicts(record: &serde_json::Value) -> BTreeMap<(String, String), String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    record["arms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arm| ((word(&arm["scenario"]), word(&arm["arm"])), word(&arm["verdict"])))
        .collect()
}

#[test]
fn the_built_in_client_breaks_off_and_the_gullible_one_never_does() {
    if !capturing() {
        return;
    }
    let (output, folder) = wirelab(&["run", "handshake"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    // What rustls does not mind, and a client may be like.
    let taken = ["record-empty-sealed", "session-id-other"];
    for ((scenario, arm), verdict) in verdicts(&record(&folder)) {
        let name = scenario.trim_start_matches("handshake/");
        let compromised = arm == "tls-unverified" || taken.contains(&name);
        assert_eq!(verdict, if compromised { "compromised" } else { "secure" }, "{scenario} {arm}");
    }
}
