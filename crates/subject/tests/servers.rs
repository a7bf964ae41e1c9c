//! The embedded server against redis-cli, and beside the real `redis-server`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and says aloud what it skips"
)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wirelab_model::Topology;
use wirelab_pki::Lab;
use wirelab_subject::{Server, ServerKind, ServerTls};

const PASSWORD: &str = "hunter2";

/// What a client of a cache sends. The last ones are refused.
const COMMANDS: [&str; 24] = [
    "PING",
    "PING hello",
    "ECHO hello",
    "SET k v",
    "GET k",
    "GET none",
    "SET k w NX",
    "SET k w XX",
    "GET k",
    "SETEX t 100 v",
    "MGET k none t",
    "EXISTS k none",
    "TTL k",
    "TTL none",
    "TYPE k",
    "TYPE none",
    "DEL k none",
    "DBSIZE",
    "CLIENT SETNAME me",
    "CLIENT GETNAME",
    "CONFIG GET databases",
    "SELECT 0",
    "HELLO 9",
    "NOSUCHCOMMAND",
];

fn there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("skipped: no {program}");
    }
    there
}

/// Each command over one connection, with redis-cli as the client.
fn talk(connection: &[&str], commands: &[&str]) -> String {
    use std::io::Write;
    let mut child = Command::new("redis-cli")
        .args(connection)
        .args(["--user", "default", "--no-auth-warning"])
        .env("REDISCLI_AUTH", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(commands.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{err}{out}")
}

/// A real server on a Unix socket, ended by its number.
struct Real(Child);

impl Drop for Real {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn real(folder: &Path, socket: &str) -> Real {
    let child = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--requirepass", PASSWORD, "--unixsocket", socket])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not get ready");
        std::thread::sleep(Duration::from_millis(10));
    }
    Real(child)
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_cli_is_answered_as_by_the_real_server() {
    if !there("redis-cli") || !there("redis-server") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock").to_string_lossy().into_owned();
    for protocol in ["-2", "-3"] {
        // A server each: both start empty.
        let real = real(folder.path(), &socket);
        let theirs = talk(&["-s", &socket, protocol], &COMMANDS);
        drop(real);
        let server =
            Server::start(ServerKind::Embedded, Topology::Standalone, 0, PASSWORD, None, folder.path(), &[])
                .await
                .unwrap();
        let port = server.port().to_string();
        let ours = talk(&["-h", "127.0.0.1", "-p", &port, protocol], &COMMANDS);
        // Only the tail of the last error differs: the real one echoes what it was sent.
        let lines = |text: &str| text.trim_end().lines().map(str::to_owned).collect::<Vec<_>>();
        let (mut ours, mut theirs) = (lines(&ours), lines(&theirs));
        for last in [ours.pop().unwrap(), theirs.pop().unwrap()] {
            assert!(last.starts_with("ERR unknown command 'NOSUCHCOMMAND'"), "{last}");
        }
        assert_eq!(ours, theirs, "{protocol}");
        server.stop(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_cli_gets_in_over_tls_and_only_so_and_only_with_the_password() {
    if !there("redis-cli") {
        return;
    }
    let lab = Lab::new(time::OffsetDateTime::now_utc()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    std::fs::write(&authority, lab.authority_pem()).unwrap();
    let authority = authority.to_string_lossy();
    let good = Some(ServerTls::new(lab.good()));
    let server =
        Server::start(ServerKind::Embedded, Topology::Standalone, 0, PASSWORD, good, folder.path(), &[])
            .await
            .unwrap();
    let port = server.port().to_string();
    let tls = ["-h", "localhost", "-p", &port, "--tls", "--sni", "localhost", "--cacert", &authority];
    for protocol in ["-2", "-3"] {
        let told = talk(&[tls.as_slice(), &[protocol]].concat(), &["SET k v", "GET k"]);
        assert_eq!(told.trim_end().lines().collect::<Vec<_>>(), ["OK", "v"], "{protocol}");
    }
    assert!(server.holds("k", "v").await.unwrap() && !server.holds("k", "w").await.unwrap());
    let plain = talk(&["-h", "127.0.0.1", "-p", &port], &["GET k"]);
    assert!(!plain.contains("\nv\n") && plain.contains("rror"), "{plain}");
    let wrong = talk(&[tls.as_slice(), &["-a", "wrong"]].concat(), &["GET k"]);
    assert!(wrong.contains("NOAUTH") || wrong.contains("WRONGPASS"), "{wrong}");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_is_reached_in_both_ways_and_holds_the_same_data() {
    if !there("redis-cli") || !there("redis-server") {
        return;
    }
    let lab = Lab::new(time::OffsetDateTime::now_utc()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    std::fs::write(&authority, lab.authority_pem()).unwrap();
    let authority = authority.to_string_lossy();
    // In place of the supervisor, which is in another program: it ends the server when its input closes.
    let script = "\"$3\" \"$4\" & cat >/dev/null; kill $!; wait";
    let launcher = ["sh", "-c", script, "sh"].map(str::to_owned);
    for (kind, own_process) in [(ServerKind::Embedded, true), (ServerKind::Redis, false)] {
        let pair =
            wirelab_subject::Pair::start(kind, PASSWORD, lab.good(), folder.path(), &launcher).await.unwrap();
        assert_eq!(pair.process().is_none(), own_process);
        let (plain, tls) = (pair.plain().to_string(), pair.tls().to_string());
        let told = talk(&["-h", "127.0.0.1", "-p", &plain], &["SET k v"]);
        assert_eq!(told.trim_end(), "OK", "{kind:?}");
        let tls = ["-h", "localhost", "-p", &tls, "--tls", "--sni", "localhost", "--cacert", &authority];
        assert_eq!(talk(&tls, &["GET k"]).trim_end(), "v", "{kind:?}");
        if let Some(process) = pair.process() {
            let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap();
            assert!(name.starts_with("redis-server"), "{name}");
        }
        pair.stop(Duration::from_secs(5)).await;
    }
}
