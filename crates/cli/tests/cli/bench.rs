//! `wirelab bench`: tiny counts, since a test says nothing about time.

use crate::support::{text_of, wirelab};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// As little as can be measured.
const TINY: [&str; 11] = [
    "bench",
    "--rounds",
    "3",
    "--duration",
    "40",
    "--connections",
    "2",
    "--payload",
    "16",
    "--pipeline",
    "2",
];

fn bench(more: &[&str]) -> Output {
    wirelab(&[TINY.as_slice(), more].concat()).0
}

fn redis() -> bool {
    let there = Command::new("redis-server").arg("--version").output().is_ok();
    if !there {
        println!("skipped: no redis-server");
    }
    there
}

fn check(record: &Value) {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/bench.json"));
    let schema: Value = serde_json::from_str(&text.unwrap()).unwrap();
    jsonschema::validate(&schema, record).unwrap();
}

#[test]
fn the_embedded_server_is_measured_in_both_ways_and_every_output_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (saved, page) = (path("saved.json"), path("page.html"));
    let output = bench(&["--server", "embedded", "--json", "--save", &saved, "--html", &page]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    check(&record);
    assert_eq!(record, serde_json::from_str::<Value>(&std::fs::read_to_string(&saved).unwrap()).unwrap());
    let cells = record["cells"].as_array().unwrap();
    assert_eq!(
        cells.iter().map(|cell| cell["operation"].as_str().unwrap()).collect::<Vec<_>>(),
        ["set", "get"]
    );
    for cell in cells {
        for side in ["plain", "tls"] {
            let side = &cell[side];
            assert_eq!(side["rounds"].as_array().unwrap().len(), 3);
            assert!(side["rate"].as_f64().unwrap() > 0.0 && side["server_cpu"].as_f64().unwrap() > 0.0);
        }
        // A record of TLS 1.3 has at least 22 bytes around what is in it (RFC 8446 section 5.2).
        for bytes in ["sent", "received"] {
            let [plain, tls] = ["plain", "tls"].map(|side| cell[side][bytes].as_f64().unwrap());
            assert!(tls >= plain + 11.0 - 0.5, "{bytes}: {plain} and {tls} in pipelines of two");
        }
    }
    let shakes = &record["handshakes"];
    assert!(shakes["full"]["received"].as_f64() > shakes["plain"]["received"].as_f64(), "{shakes}");
    assert!(shakes["resumed"].is_null(), "the embedded server gives no tickets");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("TLS13_AES_256_GCM_SHA384"));
    let output = bench(&[
        "--server",
        "embedded",
        "--cipher",
        "chacha20-poly1305",
        "--key",
        "rsa2048",
        "--markdown",
        "--no-handshakes",
    ]);
    let text = text_of(&output);
    assert!(
        text.contains("| load |") && text.contains("CHACHA20_POLY1305") && text.contains("rsa2048"),
        "{text}"
    );
}

#[test]
fn the_real_server_resumes_and_tells_its_processor_time_and_memory() {
    if !redis() {
        return;
    }
    let output = bench(&["--server", "redis", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    check(&record);
    assert!(record["setup"]["server"].as_str().unwrap().starts_with("redis-server "));
    let handshakes = &record["handshakes"];
    let received = |kind: &str| handshakes[kind]["received"].as_f64().unwrap();
    // A resumed handshake brings no certificate.
    assert!(received("resumed") < received("full"), "{handshakes}");
    let memory = &record["memory"];
    assert!(memory["tls"].as_f64().unwrap() > memory["plain"].as_f64().unwrap(), "{memory}");
}

#[test]
fn what_is_not_on_loopback_is_refused() {
    for target in ["10.0.0.1:6379", "redis.example:6379", "0.0.0.0:6379"] {
        for targets in [[target, "127.0.0.1:6380"], ["127.0.0.1:6379", target]] {
            let [plain, tls] = targets;
            let output = bench(&["--target", plain, "--tls-target", tls, "--cacert", "ca.crt"]);
            let text = text_of(&output);
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(text.contains("not on loopback") && text.contains(target), "{text}");
        }
    }
    let output = bench(&["--target", "127.0.0.1:6379"]);
    assert_eq!(output.status.code(), Some(2), "one side alone is no comparison");
}

/// A server that answers each connection with these bytes, and closes.
fn answering(reply: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the test program.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(reply));
        }
    });
    port
}

/// An authority that nothing is signed by.
fn authority(folder: &Path) -> PathBuf {
    let lab = wirelab_pki::Lab::new(time::OffsetDateTime::now_utc()).unwrap();
    let path = folder.join("ca.crt");
    std::fs::write(&path, lab.authority_pem()).unwrap();
    path
}

#[test]
fn a_target_that_refuses_gets_no_numbers_and_the_password_is_masked() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path()).display().to_string();
    for (reply, told) in [
        (b"".as_slice(), "it closed the connection"),
        (b"-NOAUTH Authentication required.\r\n", "it answered AUTH with `-NOAUTH Authentication required.`"),
        (b"-ERR unknown command 'AUTH', with args beginning with: 'default' 'hunter2'\r\n", "'********'"),
        (b"\x16\x03\x01\x00", "it answered AUTH with"),
    ] {
        let target = format!("127.0.0.1:{}", answering(reply));
        let output = Command::new(env!("CARGO_BIN_EXE_wirelab"))
            .args(TINY)
            .args(["--target", &target, "--tls-target", &target, "--cacert", &authority])
            .env("REDISCLI_AUTH", "hunter2")
            .output()
            .unwrap();
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert!(text.contains(told) && text.contains(&target) && !text.contains("hunter2"), "{text}");
        assert!(output.stdout.is_empty(), "{text}");
    }
}

/// A redis-server with a port of each kind that keeps its certificate's authority in `ca.crt`, until it is dropped.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
    ports: [u16; 2],
}

impl Server {
    /// None without redis-server, which is said.
    fn start(more: &[&str]) -> Option<Self> {
        if !redis() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let now = time::OffsetDateTime::now_utc();
        let lab = wirelab_pki::Lab::new(now).unwrap();
        let identity = lab.good();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("ca.crt"), lab.authority_pem()).unwrap();
        std::fs::write(path("server.crt"), identity.chain_pem()).unwrap();
        std::fs::write(path("server.key"), identity.key_pem()).unwrap();
        // Both are free now, and given away to nobody in the moment until the server has them.
        let listeners = [0, 0].map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(listeners);
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--tls-auth-clients", "no"])
            .args(["--port", &ports[0].to_string(), "--tls-port", &ports[1].to_string()])
            .args([
                "--tls-ca-cert-file",
                "ca.crt",
                "--tls-cert-file",
                "server.crt",
                "--tls-key-file",
                "server.key",
            ])
            .args(more)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, folder, ports };
        server.until("PING", &["+PONG", "-NOAUTH"]);
        Some(server)
    }

    /// Asks until one of these is in the answer.
    fn until(&self, request: &str, wanted: &[&str]) {
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports[0])) else { continue };
            let mut answer = String::new();
            write!(stream, "{request}\r\nQUIT\r\n").unwrap();
            if stream.read_to_string(&mut answer).is_ok() && wanted.iter().any(|text| answer.contains(text)) {
                return;
            }
        }
        panic!("{wanted:?} did not come");
    }

    fn bench(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelab"));
        let [plain, tls] = self.ports;
        command
            .arg("bench")
            .args(["--target", &format!("127.0.0.1:{plain}"), "--tls-target", &format!("localhost:{tls}")])
            .arg("--cacert")
            .arg(self.folder.path().join("ca.crt"))
            .args(options)
            .env_remove("REDISCLI_AUTH");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_server_that_is_there_is_measured_and_left_as_it_was() {
    let Some(server) = Server::start(&[]) else { return };
    let output = server.bench(&[&TINY[1..], &["--json"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    check(&record);
    assert_eq!(record["setup"]["processors"], "where the system puts them", "it is somebody else's");
    let warnings = record["warnings"].to_string();
    assert!(warnings.contains("did not start it"), "{warnings}");
    server.until("DBSIZE", &[":0"]);
}

#[test]
fn a_target_that_dies_or_wants_a_password_gets_no_numbers() {
    let Some(server) = Server::start(&["--requirepass", "secret"]) else { return };
    let output = server.bench(&TINY[1..]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("NOAUTH") && text.contains("REDISCLI_AUTH"), "{text}");
    drop(server);
    let Some(mut server) = Server::start(&[]) else { return };
    let long = ["--rounds", "1000", "--connections", "2", "--operation", "get", "--no-handshakes"];
    let running = server.bench(&long).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.until("INFO commandstats", &["cmdstat_get"]);
    server.process.kill().unwrap();
    let output = running.wait_with_output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    // Each round connects anew and writes with SET what its GETs read: the end may meet any of these.
    assert!(
        ["no good reply to ", "cannot send", "cannot connect", "cannot open"]
            .iter()
            .any(|met| text.contains(met)),
        "{text}"
    );
    assert!(output.stdout.is_empty(), "{text}");
}

#[test]
fn it_ends_when_it_is_precise_or_when_the_time_is_over() {
    let options = [
        "bench",
        "--server",
        "embedded",
        "--operation",
        "set",
        "--pipeline",
        "1",
        "--connections",
        "2",
        "--duration",
        "5",
    ];
    let run = |more: &[&str]| {
        let output = wirelab(&[options.as_slice(), &["--no-handshakes", "--json"], more].concat()).0;
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let rounds = |record: &Value| record["cells"][0]["plain"]["rounds"].as_array().unwrap().len();
    // Any interval is narrower than that: it takes the fewest rounds, and not the time.
    let loose = run(&["--precision", "100", "--time", "600"]);
    assert_eq!(rounds(&loose), 40, "{}", loose["cells"][0]["throughput"]);
    assert!(!loose["warnings"].to_string().contains("wider than"), "{loose}");
    let tight = run(&["--precision", "0.0001", "--time", "2"]);
    assert!(tight["warnings"].to_string().contains("wider than 0.0001 %"), "{tight}");
    assert!(tight["duration_ms"].as_u64().unwrap() < 20_000);
}

/// A run as it was: this one with another ratio, which is surer than any real one.
fn fabricated(saved: &Path, ratio: f64) -> String {
    let mut record: Value = serde_json::from_str(&std::fs::read_to_string(saved).unwrap()).unwrap();
    for cell in record["cells"].as_array_mut().unwrap() {
        for (name, value) in [("ratio", ratio), ("low", ratio), ("high", ratio), ("error", 0.0)] {
            cell["throughput"][name] = value.into();
        }
    }
    let path = saved.with_file_name(format!("{ratio}.json"));
    std::fs::write(&path, record.to_string()).unwrap();
    path.display().to_string()
}

#[test]
fn fail_over_is_red_where_tls_became_dearer_and_green_where_it_did_not() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.json");
    let quick = ["--server", "embedded", "--no-handshakes"];
    let output = bench(&[quick.as_slice(), &["--save", saved.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    // Far beyond what noise does: TLS is neither ten thousand times quicker nor slower than plain.
    for (ratio, code, told) in [(1e4, 10, "is over 5 %"), (1e-4, 0, "is within 5 %")] {
        let baseline = fabricated(&saved, ratio);
        let output = bench(&[quick.as_slice(), &["--baseline", &baseline, "--fail-over", "5"]].concat());
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(told) && text.contains("beside the earlier run"), "{text}");
    }
    // The other load was not measured then: nobody can tell.
    let baseline = fabricated(&saved, 1e-4);
    let other = [quick.as_slice(), &["--baseline", &baseline, "--fail-over", "5", "--operation", "get,get"]];
    let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&baseline).unwrap()).unwrap();
    record["cells"].as_array_mut().unwrap().retain(|cell| cell["operation"] == "set");
    std::fs::write(&baseline, record.to_string()).unwrap();
    let output = bench(&other.concat());
    assert_eq!(output.status.code(), Some(5), "{}", text_of(&output));
    for (text, code, told) in [("{}", 3, "is no run of"), ("", 3, "is no run of")] {
        std::fs::write(&saved, text).unwrap();
        let output = bench(&["--baseline", saved.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(code), "{}", text_of(&output));
        assert!(text_of(&output).contains(told));
    }
}

#[test]
fn a_plan_is_computed_from_a_saved_run_and_from_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.json").display().to_string();
    let output = bench(&["--server", "embedded", "--save", &saved]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let fleet = ["--connections", "1000", "--reconnects-per-second", "10", "--operations-per-second", "1000"];
    let plan = |from: &str, more: &[&str]| {
        wirelab(&[["bench", "plan", "--from", from].as_slice(), &fleet, more].concat()).0
    };
    let output = plan(&saved, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let computed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(computed["rows"][0]["full"].as_f64() > computed["rows"][0]["plain"].as_f64(), "{computed}");
    assert!(text_of(&plan(&saved, &[])).contains("must resume"));
    let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&saved).unwrap()).unwrap();
    record["handshakes"] = Value::Null;
    std::fs::write(&saved, record.to_string()).unwrap();
    let output = plan(&saved, &[]);
    assert_eq!(output.status.code(), Some(5), "{}", text_of(&output));
    assert!(text_of(&output).contains("has no new connections"), "{}", text_of(&output));
    assert_eq!(plan("no/such/file", &[]).status.code(), Some(2));
}
