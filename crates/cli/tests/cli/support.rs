use std::path::PathBuf;
use std::process::{Command, Output};

pub(crate) fn wirelab(arguments: &[&str]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelab"));
    command.args(arguments);
    if matches!(arguments.first(), Some(&("run" | "demo"))) {
        command.arg("--out").arg(folder.path().join("run"));
    }
    (command.output().unwrap(), folder)
}

/// Whether the lab can capture here; says so aloud where it cannot.
pub(crate) fn capturing() -> bool {
    static CAN: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CAN.get_or_init(|| {
        let (output, _folder) = wirelab(&["run", "eavesdrop"]);
        let refused = String::from_utf8_lossy(&output.stderr).contains("setcap");
        if refused {
            println!("skipped: no permission to capture, and no user namespaces");
        }
        !refused
    })
}

pub(crate) fn client(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    format!("python3 '{}'", folder.join(name).display())
}

/// `run.json` of a run made by [`wirelab`].
pub(crate) fn record(folder: &tempfile::TempDir) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.path().join("run/run.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Everything that a program said.
pub(crate) fn text_of(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{err}{out}")
}
