use super::*;
use proptest::prelude::*;

fn split(command: &str) -> Vec<&[u8]> {
    command.split(' ').map(str::as_bytes).collect()
}

/// `carrier user secret`, one line each; `#` marks a digest.
fn lines(words: &[&[u8]]) -> Vec<String> {
    let mut lines = Vec::new();
    credentials(words, &mut |one| lines.push(line(words, &one)));
    lines
}

fn line(words: &[&[u8]], one: &Found<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let user = one.user.map_or_else(|| "-".to_owned(), text);
    let secret = one
        .secret
        .as_ref()
        .map_or_else(|| "-".to_owned(), |place| text(&words[place.word][place.range.clone()]));
    format!("{}|{user}|{}{secret}", one.carrier, if one.hashed { "#" } else { "" })
}

#[test]
fn every_carrier() {
    for (command, expected) in [
        ("auth s3", &["AUTH|-|s3"][..]),
        ("AUTH bob s3", &["AUTH|bob|s3"]),
        ("AUTH my pass word", &["AUTH|-|my", "AUTH|-|pass", "AUTH|-|word"]),
        ("HELLO 3 AUTH bob s3", &["HELLO|bob|s3"]),
        ("hello 3 setname AUTH auth bob s3 SETNAME x", &["HELLO|bob|s3"]),
        (
            "ACL SETUSER eve on >s3 <old #ab !cd ~* +@all",
            &["ACL SETUSER|eve|s3", "ACL SETUSER|eve|old", "ACL SETUSER|eve|#ab", "ACL SETUSER|eve|#cd"],
        ),
        ("CONFIG SET maxmemory 1 requirepass s3", &["CONFIG SET requirepass|-|s3"]),
        (
            "config set masteruser bob MasterAuth s3 tls-key-file-pass k",
            &["CONFIG SET masterauth|bob|s3", "CONFIG SET tls-key-file-pass|-|k"],
        ),
        ("CONFIG SET tls-client-key-file-pass k", &["CONFIG SET tls-client-key-file-pass|-|k"]),
        ("CONFIG SET primaryuser p primaryauth s3", &["CONFIG SET primaryauth|p|s3"]),
        ("CONFIG SET masteruser bob", &["CONFIG SET masteruser|bob|-"]),
        ("MIGRATE h 6379 k 0 5000 COPY REPLACE AUTH s3", &["MIGRATE AUTH|-|s3"]),
        ("MIGRATE h 6379 k 0 5000 auth2 bob s3 KEYS a b", &["MIGRATE AUTH2|bob|s3"]),
        ("SENTINEL SET m auth-user bob auth-pass s3", &["SENTINEL SET auth-pass|bob|s3"]),
        ("SENTINEL SET m rename-command auth-pass x quorum 2 auth-pass s3", &["SENTINEL SET auth-pass|-|s3"]),
        ("SENTINEL SET m auth-user bob", &["SENTINEL SET auth-user|bob|-"]),
        ("SENTINEL CONFIG SET sentinel-pass s3", &["SENTINEL CONFIG SET sentinel-pass|-|s3"]),
    ] {
        assert_eq!(lines(&split(command)), expected, "{command}");
    }
}

#[test]
fn what_is_no_credential() {
    for command in [
        "AUTH",
        "HELLO 3",
        "HELLO 3 SETNAME AUTH",
        "HELLO 3 AUTH bob",
        "HELLO AUTH bob",
        "GET AUTH",
        "SET AUTH s3",
        "SET requirepass s3",
        "HSET CONFIG SET requirepass",
        "ACL SETUSER eve off",
        "ACL GETUSER >s3",
        "CONFIG GET requirepass",
        "CONFIG SET requirepass ",
        "CONFIG SET requirepass",
        "CONFIG SET dir requirepass",
        "CONFIG RESETSTAT",
        "MIGRATE AUTH 6379 k 0 AUTH COPY",
        "MIGRATE h 6379 k 0 5000 KEYS AUTH s3",
        "SENTINEL SET m quorum 2",
        "SENTINEL MONITOR auth-pass x",
        "SENTINEL GET auth-pass x",
    ] {
        assert_eq!(lines(&split(command)), [""; 0], "{command}");
    }
    let encoded = b"*2\r\n$4\r\nAUTH\r\n$2\r\ns3\r\n";
    assert_eq!(lines(&[b"SET", b"k", encoded]), [""; 0]);
    assert_eq!(lines(&[b"SET", b"k", b"redis.call('AUTH','s3')"]), [""; 0]);
}

#[test]
fn scripts_give_away_literals_and_arguments() {
    let eval = |code: &'static [u8], rest: &[&'static [u8]]| {
        let words: Vec<&[u8]> = [&[b"EVAL".as_slice(), code], rest].concat();
        lines(&words)
    };
    assert_eq!(eval(b"return redis.call('AUTH','s3')", &[b"0"]), ["EVAL AUTH|-|s3"]);
    assert_eq!(
        eval(b"redis.call('GET', 'x') redis.pcall ( \"config\" , 'set', [[requirepass]], \"s'3\" )", &[b"0"]),
        ["EVAL CONFIG SET requirepass|-|s'3"]
    );
    assert_eq!(
        eval(b"return redis.call('CONFIG','SET',KEYS[1],ARGV[2])", &[b"1", b"masterauth", b"no", b"s3"]),
        ["EVAL CONFIG SET masterauth|-|s3"]
    );
    assert_eq!(eval(b"server.call('ACL','SETUSER','eve','on','>s3')", &[b"0"]), ["EVAL ACL SETUSER|eve|s3"]);
    for (code, rest) in [
        (&b"return redis.call('GET','AUTH')"[..], &[&b"0"[..]][..]),
        (b"redis.call('AUTH', ARGV[1])", &[b"0"]),
        (b"redis.call('AUTH', ARGV[1] .. 'x')", &[b"0", b"s3"]),
        (b"redis.call('AUTH', 'open", &[b"0"]),
        (b"recall('AUTH')", &[b"0"]),
        (b"call", &[b"0"]),
        (b"redis.call('AUTH', ARGV[18446744073709551615])", &[b"18446744073709551615"]),
    ] {
        assert_eq!(eval(code, rest), [""; 0], "{}", String::from_utf8_lossy(code));
    }
    let load: [&[u8]; 3] = [b"SCRIPT", b"load", b"redis.call('AUTH','s3')"];
    assert_eq!(lines(&load), ["EVAL AUTH|-|s3"]);
    let function: [&[u8]; 4] = [b"FUNCTION", b"LOAD", b"REPLACE", b"#!lua\nredis.call('AUTH','bob','s3')"];
    assert_eq!(lines(&function), ["EVAL AUTH|bob|s3"]);
}

#[test]
fn many_calls_and_many_open_quotes_take_linear_time() {
    for piece in ["call('", "call(\"", "call([[", "call(", "call(a,", "call('\\"] {
        let code = piece.repeat((4 << 20) / piece.len());
        assert_eq!(lines(&[b"EVAL", code.as_bytes(), b"0"]), [""; 0]);
    }
}

#[test]
fn replies_to_config_get() {
    let reply: [&[u8]; 8] =
        [b"requirepass", b"s3", b"masteruser", b"bob", b"masterauth", b"m4", b"dir", b"requirepass"];
    let mut lines = Vec::new();
    config_reply(&reply, &mut |one| lines.push(line(&reply, &one)));
    assert_eq!(lines, ["CONFIG GET requirepass|-|s3", "CONFIG GET masterauth|bob|m4"]);
    config_reply(&[b"requirepass", b""], &mut |one| panic!("{one:?}"));
}

proptest! {
    #[test]
    fn places_lie_in_the_words(
        words in proptest::collection::vec(
            prop_oneof![
                any::<Vec<u8>>(),
                proptest::sample::select(vec![
                    "AUTH", "HELLO", "3", "ACL", "SETUSER", ">x", "CONFIG", "SET", "requirepass", "masteruser", "masterauth",
                    "MIGRATE", "AUTH2", "SENTINEL", "auth-pass", "EVAL", "SCRIPT", "LOAD", "FUNCTION", "1",
                    "redis.call('CONFIG','SET','requirepass',KEYS[1])", "call(ARGV[1],'a',[[b]])",
                ]).prop_map(|word| word.as_bytes().to_vec()),
            ],
            0..9,
        ),
    ) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let check = |one: Found<'_>| if let Some(place) = one.secret {
            assert!(words[place.word].get(place.range).is_some());
        };
        credentials(&words, &mut { check });
        config_reply(&words, &mut { check });
    }
}
