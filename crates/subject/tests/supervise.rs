//! The supervisor as a process. This program is all three: the tests, the supervisor (`supervise`),
//! and a lab that gets killed (`lab`).

#![expect(clippy::print_stdout, reason = "without a harness it prints the lines of one itself")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use wirelab_model::{Canaries, ClientEnd, ClientReport, Topology, Transport};
use wirelab_subject::{
    Adapter, AdapterCommand, Client, Cut, Login, OUTPUT_LIMIT, Target, TlsFiles, launcher, supervise,
};

const TESTS: [(&str, fn()); 16] = [
    ("success_and_output", success_and_output),
    ("exit_code_and_error", exit_code_and_error),
    ("signal", signal),
    ("missing_program", missing_program),
    ("environment_and_closed_stdin", environment_and_closed_stdin),
    ("deadline_kills_the_group", deadline_kills_the_group),
    ("child_left_behind_is_reported_and_killed", child_left_behind_is_reported_and_killed),
    ("child_outside_of_the_group_at_the_deadline", child_outside_of_the_group_at_the_deadline),
    ("dropped_future_kills_all", dropped_future_kills_all),
    ("killed_lab_kills_all", killed_lab_kills_all),
    ("killed_supervisor_is_noticed", killed_supervisor_is_noticed),
    ("server_ends_orderly_or_by_force", server_ends_orderly_or_by_force),
    ("adapter_has_the_streams_and_its_exit_code", adapter_has_the_streams_and_its_exit_code),
    (
        "what_an_adapter_leaves_in_its_temporary_folder_goes_with_it",
        what_an_adapter_leaves_in_its_temporary_folder_goes_with_it,
    ),
    ("adapter_ends_when_its_input_is_closed", adapter_ends_when_its_input_is_closed),
    ("killed_supervisor_of_an_adapter_is_noticed", killed_supervisor_of_an_adapter_is_noticed),
];

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match arguments.split_first() {
        Some((word, rest)) if word == "supervise" => return ExitCode::from(supervise(rest)),
        Some((word, rest)) if word == "lab" => return lab(rest),
        _ => {}
    }
    let words: Vec<_> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let exact = words.contains(&"--exact");
    let filter = words.iter().find(|word| !word.starts_with('-'));
    let chosen: Vec<_> = TESTS
        .iter()
        .filter(|(name, _)| {
            filter.is_none_or(|filter| if exact { name == filter } else { name.contains(filter) })
        })
        .collect();
    if words.contains(&"--list") {
        if !words.contains(&"--ignored") {
            chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    let mut failed = 0;
    for (name, test) in &chosen {
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out\n",
        chosen.len() - failed,
        TESTS.len() - chosen.len()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn me() -> Vec<String> {
    launcher(&std::env::current_exe().expect("this program has a path"))
}

fn target(deadline: Duration) -> Target {
    let pid = std::process::id().to_be_bytes();
    let mut key = [0; 12];
    key[..4].copy_from_slice(&pid);
    Target {
        host: "localhost".to_owned(),
        port: 6390,
        transport: Transport::Tls,
        topology: Topology::Standalone,
        talk: wirelab_model::Talk::Simple,
        canaries: Canaries::new([[1; 12], key, [3; 12], [4; 12]]),
        files: TlsFiles {
            ca: "/run/ca.crt".into(),
            client_cert: "/run/client.crt".into(),
            client_key: "/run/client.key".into(),
            client_pfx: "/run/client.pfx".into(),
        },
        shows: None,
        stalled: false,
        login: Login::Password,
        cut: Cut::Never,
        hostile: false,
        deadline,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

fn run(deadline: Duration, argv: &[&str]) -> ClientReport {
    let client = Client::Command(argv.iter().map(|&word| word.to_owned()).collect());
    runtime().block_on(client.run(&me(), &target(deadline)))
}

const LONG: Duration = Duration::from_secs(20);

/// Whether a process lives; one that ended and was not reaped yet does not.
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < until, "after 10 s still not: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_gone(pid: &str) {
    wait_until(&format!("process {pid} is gone"), || !lives(pid));
}

/// Waits until a script has written its process numbers, separated by spaces, and a line break.
fn pids(file: &Path) -> Vec<String> {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    wait_until("the script has started", || read().ends_with('\n'));
    let pids: Vec<String> = read().split_whitespace().map(str::to_owned).collect();
    for pid in &pids {
        assert!(lives(pid), "{pid} lives");
    }
    pids
}

fn success_and_output() {
    let report = run(LONG, &["sh", "-c", "echo out; echo err >&2"]);
    assert_eq!(report.end, ClientEnd::Worked);
    assert_eq!((report.stdout.as_slice(), report.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!((report.output_cut, report.left_behind), (0, Vec::new()));

    let script = format!("head -c {} /dev/zero; head -c 5 /dev/zero >&2", OUTPUT_LIMIT + 3000);
    let report = run(LONG, &["sh", "-c", &script]);
    assert_eq!(report.end, ClientEnd::Worked);
    assert_eq!((report.stdout.len(), report.stderr.len(), report.output_cut), (OUTPUT_LIMIT, 5, 3000));
}

fn exit_code_and_error() {
    let report = run(LONG, &["sh", "-c", "echo first >&2; echo refused >&2; exit 3"]);
    assert_eq!(report.end, ClientEnd::Failed { code: Some(3) });
    assert_eq!(report.error.as_deref(), Some("refused"));
}

fn signal() {
    assert_eq!(run(LONG, &["sh", "-c", "kill -SEGV $$"]).end, ClientEnd::Signal { number: 11 });
    // An error that nobody caught.
    assert_eq!(run(LONG, &["sh", "-c", "kill -ABRT $$"]).end, ClientEnd::Failed { code: Some(134) });
}

fn missing_program() {
    let reason = "/nowhere/app: No such file or directory (os error 2)".to_owned();
    assert_eq!(run(LONG, &["/nowhere/app"]).end, ClientEnd::NotStarted { reason });
}

fn environment_and_closed_stdin() {
    let script = r#"cat; echo "$WIRELAB_PORT $WIRELAB_TLS $PATH"; ps -o pgid= -p $$ | grep -qw $$"#;
    let report = run(LONG, &["sh", "-c", script]);
    assert_eq!(report.end, ClientEnd::Worked, "{report:?}");
    let path = std::env::var("PATH").unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(&report.stdout), format!("6390 1 {path}\n"));
}

fn deadline_kills_the_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let script = format!("sleep 300 & echo $$ $! > {}; sleep 300", file.display());
    let start = Instant::now();
    let report = run(Duration::from_millis(700), &["sh", "-c", &script]);
    assert_eq!(report.end, ClientEnd::TimedOut { after_ms: 700 });
    assert_eq!(report.left_behind, Vec::<String>::new(), "killed, not left behind");
    assert!((700..3000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let pids = std::fs::read_to_string(file).expect("the script ran");
    assert_eq!(pids.split_whitespace().filter(|pid| lives(pid)).count(), 0);
}

fn child_left_behind_is_reported_and_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    // Left in the group, and by a parent that is gone, in a session of its own.
    let script = format!(
        "sleep 300 & one=$!; (setsid sh -c 'echo $$ > {0}.tmp; exec sleep 300' &); \
         while ! [ -s {0}.tmp ]; do :; done; echo $one $(cat {0}.tmp) > {0}; exit 0",
        file.display()
    );
    let report = run(LONG, &["sh", "-c", &script]);
    assert_eq!(report.end, ClientEnd::Worked);
    let pids = std::fs::read_to_string(file).expect("the script ran");
    let expected: Vec<String> = pids.split_whitespace().map(|pid| format!("{pid} sleep")).collect();
    let mut left_behind = report.left_behind.clone();
    left_behind.sort_by_key(|one| expected.iter().position(|other| other == one));
    assert_eq!(left_behind, expected);
    assert_eq!(pids.split_whitespace().filter(|pid| lives(pid)).count(), 0);
    assert!(report.duration_ms < 3000, "{report:?}");
}

fn child_outside_of_the_group_at_the_deadline() {
    let report = run(Duration::from_millis(700), &["sh", "-c", "setsid sleep 300 & sleep 300"]);
    assert_eq!(report.end, ClientEnd::TimedOut { after_ms: 700 });
    assert_eq!(report.left_behind.len(), 1, "{report:?}");
    let (pid, name) = report.left_behind[0].split_once(' ').expect("number and name");
    assert_eq!((name, lives(pid)), ("sleep", false));
}

/// A script that leaves three processes in all ways there are, and writes their numbers.
fn family(file: &Path) -> String {
    format!(
        "sleep 300 & one=$!; (setsid sh -c 'echo $$ > {0}.tmp; exec sleep 300' &); \
         while ! [ -s {0}.tmp ]; do :; done; echo $$ $one $(cat {0}.tmp) > {0}; sleep 300",
        file.display()
    )
}

fn dropped_future_kills_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let client = Client::Command(vec!["sh".to_owned(), "-c".to_owned(), family(&file)]);
    let runtime = runtime();
    let task = runtime.spawn(async move { client.run(&me(), &target(LONG)).await });
    let pids = pids(&file);
    task.abort();
    pids.iter().for_each(|pid| wait_gone(pid));
}

/// The lab of the next test: runs the script it is given.
fn lab(arguments: &[OsString]) -> ExitCode {
    let script = arguments.first().and_then(|script| script.to_str()).expect("a script");
    drop(run(LONG, &["sh", "-c", script]));
    ExitCode::SUCCESS
}

fn killed_lab_kills_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let mut lab = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["lab", &family(&file)])
        .spawn()
        .expect("starts");
    let pids = pids(&file);
    lab.kill().expect("can be killed");
    lab.wait().expect("can be waited for");
    pids.iter().for_each(|pid| wait_gone(pid));
}

fn killed_supervisor_is_noticed() {
    let report = run(LONG, &["sh", "-c", "kill -TERM $PPID; kill -KILL $PPID; exec sleep 300"]);
    let ClientEnd::NotStarted { reason } = &report.end else { panic!("{report:?}") };
    assert!(reason.contains("without a report (signal: 9 (SIGKILL))"), "{reason}");
    assert_eq!(report.left_behind.len(), 1, "{report:?}");
    wait_gone(report.left_behind[0].split(' ').next().unwrap_or_default());
}

/// Starts a server that says `ready`, under a supervisor whose pipe this test holds.
fn server(script: &str) -> Child {
    let argv = me();
    Command::new(&argv[0])
        .args(&argv[1..])
        .args(["--server", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

/// Closes the pipe, and returns the report with the output behind it.
fn stop(mut server: Child) -> (String, String) {
    drop(server.stdin.take());
    let mut all = BufReader::new(server.stdout.take().expect("is piped"));
    let (mut report, mut output) = (String::new(), String::new());
    all.read_line(&mut report).expect("a report");
    all.read_to_string(&mut output).expect("an output");
    assert!(server.wait().expect("can be waited for").success());
    (report, output)
}

fn server_ends_orderly_or_by_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let orderly = server(&format!(
        "trap 'echo saved; kill $child; exit 0' TERM; sleep 300 & child=$!; echo $$ $child > {}; wait",
        file.display()
    ));
    let two = pids(&file);
    let (report, output) = stop(orderly);
    assert!(report.contains(r#""end":{"how":"worked"}"#), "{report}");
    assert_eq!(output, "saved\n");
    two.iter().for_each(|pid| wait_gone(pid));

    std::fs::remove_file(&file).expect("is there");
    let stubborn =
        server(&format!("trap '' TERM; echo $$ > {}; while :; do sleep 300; done", file.display()));
    let one = pids(&file);
    let start = Instant::now();
    let (report, _) = stop(stubborn);
    assert!(report.contains(r#""end":{"how":"signal","number":9}"#), "{report}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    one.iter().for_each(|pid| wait_gone(pid));
}

/// Starts an adapter under a supervisor whose streams this test holds.
fn adapter(script: &str) -> Child {
    let argv = me();
    Command::new(&argv[0])
        .args(&argv[1..])
        .args(["--adapter", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts")
}

fn adapter_has_the_streams_and_its_exit_code() {
    let mut echo = adapter("read line; echo \"got $line\"; echo why >&2; exit 7");
    echo.stdin.take().expect("is piped").write_all(b"one\n").expect("is read");
    let output = echo.wait_with_output().expect("can be waited for");
    assert_eq!((output.stdout, output.stderr), (b"got one\n".to_vec(), b"why\n".to_vec()));
    assert_eq!(output.status.code(), Some(7));
    let signalled = adapter("kill -SEGV $$").wait_with_output().expect("can be waited for");
    assert_eq!(signalled.status.code(), Some(128 + 11));
    let missing = adapter("exec /nowhere/app").wait_with_output().expect("can be waited for");
    assert_eq!(missing.status.code(), Some(127));
}

fn what_an_adapter_leaves_in_its_temporary_folder_goes_with_it() {
    // One that is killed has no chance to clear up.
    let killed = adapter("touch \"$TMPDIR/key\"; ls -d \"$TMPDIR/key\"; kill -KILL $$");
    let output = killed.wait_with_output().expect("can be waited for");
    let file = String::from_utf8(output.stdout).expect("is a path");
    let folder = Path::new(file.trim_end()).parent().expect("is in a folder");
    assert!(folder.starts_with(std::env::temp_dir()) && folder != std::env::temp_dir(), "{file}");
    assert!(!folder.exists(), "{file}");
}

fn adapter_ends_when_its_input_is_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    // It reads nothing, so what was sent to it lies in the pipe; and it ends by itself as little as its children.
    let mut stubborn =
        adapter(&family(&file).replace("sleep 300 & one", "trap '' TERM HUP; sleep 300 & one"));
    let pids = pids(&file);
    stubborn.stdin.as_mut().expect("is piped").write_all(b"one\n").expect("fits into the pipe");
    let start = Instant::now();
    drop(stubborn.stdin.take());
    assert_eq!(stubborn.wait().expect("can be waited for").code(), Some(137));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    pids.iter().for_each(|pid| wait_gone(pid));
}

fn killed_supervisor_of_an_adapter_is_noticed() {
    let script = r#"echo '{"protocol":1,"adapter":"a","library":"l","version":"1","runtime":"sh"}'
        read line; kill -KILL $PPID; exec sleep 300"#;
    let command = AdapterCommand {
        name: "a".to_owned(),
        version: "1".to_owned(),
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        folder: "/".into(),
        topologies: vec![Topology::Standalone],
    };
    let client = Client::Adapter(Adapter::new(command));
    let report = runtime().block_on(client.run(&me(), &target(Duration::from_millis(200))));
    assert!(matches!(report.end, ClientEnd::TimedOut { .. }), "{report:?}");
    assert_eq!(report.left_behind.len(), 1, "{report:?}");
    wait_gone(report.left_behind[0].split(' ').next().unwrap_or_default());
}
