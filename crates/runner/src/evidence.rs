//! Writes what a trial recorded into its folder, secrets masked. The capture itself cannot be
//! masked: it is readable by its owner only.

use crate::group::Group;
use crate::lab::{RunError, make_folder, write_file};
use crate::trial::Recorded;
use std::path::Path;
use wirelab_model::{ArmEvidence, Demand, Topology};

/// Most packets to show of an arm.
const PACKETS: usize = 16;

/// Writes the evidence of a trial. What comes back is masked like what was written.
pub(crate) fn write(
    folder: &Path,
    recorded: &Recorded,
    peer_name: &str,
    reveal: bool,
) -> Result<ArmEvidence, RunError> {
    make_folder(folder)?;
    let Recorded { trial, frames, link_type, reading, needles, key_log } = recorded;
    wirelab_capture::write(&folder.join("wire.pcapng"), "lo", *link_type, frames, key_log)?;
    let mask = |bytes: &[u8]| if reveal { bytes.to_vec() } else { needles.mask(bytes) };
    write_file(&folder.join("client.out"), &mask(&trial.client.stdout))?;
    write_file(&folder.join("client.err"), &mask(&trial.client.stderr))?;
    let evidence = ArmEvidence {
        wire: trial.wire.clone(),
        peer: trial.peer.clone(),
        client: trial.client.clone(),
        stored: trial.stored,
        legs_differ_at: trial.legs_differ_at,
        fault: trial.fault.clone(),
        packets: reading.views(frames, *link_type, trial.port, PACKETS, (!reveal).then_some(needles)),
    };
    // Masking the finished text misses no field, whatever is added to the evidence later. It keeps
    // lengths and touches no quotes, so the text stays JSON.
    let text = to_json(&evidence)?;
    let text = if reveal { text } else { needles.mask_text(&text) };
    write_file(&folder.join("evidence.json"), text.as_bytes())?;
    if let Some(peer) = &trial.peer {
        let text = to_json(peer)?;
        let text = if reveal { text } else { needles.mask_text(&text) };
        write_file(&folder.join(format!("{peer_name}.json")), text.as_bytes())?;
    }
    if let Some(server) = &trial.server {
        let said = to_json(server)?;
        let said = if reveal { said } else { needles.mask_text(&said) };
        write_file(&folder.join("server.json"), said.as_bytes())?;
    }
    serde_json::from_str(&text).map_err(|error| json_error(folder, &error))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, RunError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| json_error(Path::new("evidence"), &error))
}

fn json_error(path: &Path, error: &serde_json::Error) -> RunError {
    RunError::Write { path: path.to_owned(), reason: error.to_string() }
}

/// Folder of an arm's evidence, relative to the run's folder.
pub(crate) fn arm_folder(group: &Group, scenario: &str) -> String {
    let folder = if group.link.is_some() { "links" } else { group.client.folder() };
    format!("evidence/{folder}/{}/{}", scenario.replace('/', "-"), group.transport)
}

/// Folder of a control's evidence, relative to the run's folder.
pub(crate) fn control_folder(group: &Group, name: &str) -> String {
    let Group { client, transport, topology, demand, .. } = group;
    if let Some(link) = group.link {
        return format!("evidence/links/controls/{link}-{transport}-{name}");
    }
    let topology = if *topology == Topology::Standalone { String::new() } else { format!("{topology}-") };
    let demand = if *demand == Demand::Required { String::new() } else { format!("{demand}-") };
    format!("evidence/{}/controls/{topology}{transport}-{demand}{name}", client.folder())
}
