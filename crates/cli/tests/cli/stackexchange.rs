//! StackExchange.Redis as the client under test.

use crate::support::{capturing, wirelab};
use std::path::PathBuf;
use std::process::Command;

/// StackExchange.Redis with `TrustIssuer`: 2.7.27 takes certificates of any authority, 3.4.35 does not.
#[test]
fn stackexchange_redis_is_secure_and_its_old_version_is_not() {
    if !capturing() {
        return;
    }
    if Command::new("dotnet").arg("--version").output().is_err() {
        println!("skipped: no dotnet");
        return;
    }
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/stackexchange-redis");
    for (version, scenarios, code) in [
        ("3.4.35", &["eavesdrop", "mitm"][..], 0),
        ("2.7.27", &["mitm/impostor-self-signed"], 10),
        ("2.7.27", &["mitm/impostor-untrusted-authority"], 10),
        ("2.7.27", &["mitm/impostor-wrong-host", "mitm/impostor-expired"], 0),
    ] {
        let build = Command::new("dotnet")
            .args(["build", "-v", "q", &format!("-p:SerVersion={version}")])
            .arg(&project)
            .output()
            .unwrap();
        assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stdout));
        let program = project.join(format!("bin/{version}/stackexchange-redis.dll"));
        let command = format!("dotnet '{}'", program.display());
        let mut arguments = vec!["run"];
        arguments.extend(scenarios);
        arguments.extend(["--client-cmd", &command]);
        let (output, _folder) = wirelab(&arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{version} {scenarios:?}: {text}");
    }
}
