use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use std::sync::LazyLock;

static CLASSES: LazyLock<Classifier> = LazyLock::new(|| Classifier::new(false));
static ALL: LazyLock<Classifier> = LazyLock::new(|| Classifier::new(true));

/// `class text`, one line each.
fn lines(name: &str, value: &str) -> Vec<String> {
    let findings = CLASSES.find(name.as_bytes(), value.as_bytes());
    findings.into_iter().map(|found| format!("{} {}", found.class.as_str(), &value[found.range])).collect()
}

#[track_caller]
fn one(class: Class, before: &str, text: &str, after: &str) {
    let value = format!("{before}{text}{after}");
    let expected = [Finding { class, range: before.len()..before.len() + text.len() }];
    assert_eq!(CLASSES.find(b"", value.as_bytes()), expected, "{value}");
}

#[track_caller]
fn none(value: &str) {
    assert_eq!(lines("", value), [""; 0], "{value}");
}

/// Text that no one could take for a real secret when it is read here: halves joined at run time.
fn joined(parts: &[&str]) -> String {
    parts.concat()
}

fn jwt(header: &str, payload: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
const SIGNATURE: &str = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
const RANDOM: &str = "4fT8kQ2zW7xR9bN3mC6v";

#[test]
fn tokens() {
    let token = jwt(HS256, CLAIMS, SIGNATURE);
    for (before, after) in
        [("", ""), ("{\"t\":\"", "\"}"), ("Authorization: Bearer ", "\r\n"), ("jwt=", "&x=1"), ("see ", ".")]
    {
        one(Class::Jwt, before, &token, after);
    }
    one(Class::Jwt, "", &jwt(r#"{"alg":"none"}"#, CLAIMS, ""), "");
    one(Class::Jwt, "", &jwt(HS256, "{\n  \"sub\": \"bob\"\n}", SIGNATURE), "");
    one(Class::Jwt, "", &jwt(HS256, "{}", SIGNATURE), "");
    let encrypted = jwt(r#"{"alg":"dir","enc":"A128GCM"}"#, "", "aXZpdg.Y2lwaGVy.dGFn");
    one(Class::Jwt, "", &encrypted, "");
    one(Class::BearerToken, "Authorization: Bearer ", RANDOM, "");
    one(Class::BearerToken, "bearer  ", "550e8400-e29b-41d4-a716-446655440000", "\n");
    for value in [
        &token[1..],
        &token[..40],
        &token[..token.len() - 44],
        &jwt(HS256, CLAIMS, ""),
        &jwt("{\"typ\":\"JWT\"}", CLAIMS, SIGNATURE),
        &jwt("{\"alg\":1}", CLAIMS, SIGNATURE),
        &jwt("{\"alg\":\"HS256\"", CLAIMS, SIGNATURE),
        &jwt(HS256, "plain text", SIGNATURE),
        &format!("{token}.more"),
        &URL_SAFE_NO_PAD.encode(r#"{"page":"next","cursor":17}"#),
        "Bearer authentication is required for this resource",
        "the bearer of-this-certificate-2024-edition",
        "Bearer <token>",
        "Bearer ${TOKEN_FROM_ENVIRONMENT_1}",
        "forbearer 4fT8kQ2zW7xR9bN3mC6v",
    ] {
        none(value);
    }
}

#[test]
fn sessions_and_cookies() {
    one(Class::Session, "Set-Cookie: sid=", RANDOM, "; Path=/; HttpOnly; Max-Age=31536000");
    one(Class::Session, "PHPSESSID=", "el4ukv0kqbvoirg7nkp4dncpk3", "");
    one(Class::Session, "{\"sessionid\": \"", "9f8d2a7c4b1e6f3a", "\"}");
    one(Class::Session, "user_session_id=", "9f8d2a7c4b1e6f3a", "&x");
    one(Class::Session, "sess:", "tJ3k_9Xq2-Lm7Zp0aB4cD8eF", "");
    one(Class::Session, "spring:session:sessions:", "550e8400-e29b-41d4-a716-446655440000", "");
    one(Class::Session, "spring:session:sessions:expires:", "550e8400-e29b-41d4-a716-446655440000", "");
    let header = lines("", "GET / HTTP/1.1\r\nCookie: theme=dark; sid=abcdefgh12; tracker=0123456789\r\n");
    assert_eq!(header, ["session abcdefgh12"], "neither a word nor a number");
    one(
        Class::Session,
        "Cookie: theme=midnight; lang=en-GB-oxendict; x=",
        "9f8d2a7c4b1e6f3a",
        "; seen=20240102",
    );
    for value in [
        "Cookie: theme=midnight; consent=accepted-all; _ga=GA1.2.1234567890.1732447800; visits=12345678",
        "Cookie: session=disabled; sid=12345678",
        "session:2024-01-01-10-30-00",
        "session:user-settings-v2-backup",
        "session:count",
        "sessionid=17",
        "sessionid is 9f8d2a7c4b1e6f3a",
        "Cookie: none",
        "the cookie: a=12345",
        "obsess:4fT8kQ2zW7xR9bN3mC6v",
        "sess:4fT8kQ2zW7xR9bN3mC6v:lock",
    ] {
        none(value);
    }
}

#[test]
fn keys_of_clouds_and_services() {
    let random = |length: usize| RANDOM.repeat(8)[..length].to_owned();
    one(Class::AwsKey, "id=", &joined(&["AKIA", "Q3EGRZ7N5KDL2MWT"]), "");
    one(Class::AwsKey, "\"", &joined(&["ASIA", "Q3EGRZ7N5KDL2MWT"]), "\"");
    one(Class::AwsKey, "AWS_SECRET_ACCESS_KEY=", &random(40), "\n");
    one(Class::AwsKey, "\"SecretAccessKey\": \"", &random(40), "\"");
    let key = STANDARD.encode([0x5a_u8; 64].map(|byte| byte.wrapping_mul(7)));
    let azure: String = STANDARD.encode(std::array::from_fn::<u8, 64, _>(|at| (at * 37) as u8));
    assert_eq!(key.len(), 88);
    one(Class::AzureKey, "AccountName=a;AccountKey=", &azure, ";EndpointSuffix=x");
    let shared: String = STANDARD.encode(std::array::from_fn::<u8, 32, _>(|at| (at * 37) as u8));
    one(Class::AzureKey, "SharedAccessKey=", &shared, "");
    one(Class::GithubToken, "token ", &joined(&["gh", "p_", &random(36)]), "");
    one(Class::GithubToken, "", &joined(&["github", "_pat_", &random(22), "_", &random(59)]), "");
    one(Class::SlackToken, "", &joined(&["xo", "xb-123456789012-1234567890123-", &random(24)]), "\"");
    one(Class::StripeKey, "key:", &joined(&["sk_", "live_", &random(24)]), "");
    one(Class::StripeKey, "", &joined(&["wh", "sec_", &random(32)]), "");
    let service = r#"{"type": "service_account", "private_key": "x", "client_email": "a"}"#;
    assert_eq!(lines("", service), ["gcp-service-account service_account"]);
    for value in [
        &joined(&["AKIA", "IOSFODNN7EXAMPLE"]),
        &joined(&["AKIA", "Q3EGRZ7N5KDL2MW"]),
        &joined(&["AKIA", "Q3EGRZ7N5KDL2MWTX"]),
        &joined(&["xAKIA", "Q3EGRZ7N5KDL2MWT"]),
        &joined(&["AKIA", "Q3EGRZ7N5KDL2MW1"]),
        "aws_secret_access_key=<your key here>",
        "AccountKey=UseDevelopmentStorage",
        "ghp_short",
        "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "xoxb-your-token",
        "sk_live_your_key_here_please",
        "{\"type\": \"service_account\"}",
        "a service_account has a private_key and a client_email",
    ] {
        none(value);
    }
}

#[test]
fn private_keys() {
    let body = "MC4CAQAwBQYDK2VwBCIEIBd9dP2gIeTzVbNnOkvJ3zmM1yGj5Rj0Qm4mUuNnBq0X";
    for label in ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "] {
        for line_end in ["\n", "\r\n", "\\n"] {
            let key = format!(
                "-----BEGIN {label}PRIVATE KEY-----{line_end}{body}{line_end}-----END {label}PRIVATE KEY-----"
            );
            one(Class::PrivateKey, "{\"k\":\"", &key, "\"}");
        }
    }
    let old = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n{body}\n"
    );
    one(Class::PrivateKey, "", &old, "");
    for value in [
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"),
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(),
        "the line -----BEGIN PRIVATE KEY----- begins a key".to_owned(),
    ] {
        none(&value);
    }
}

#[test]
fn addresses() {
    for address in
        ["bob@example.com", "first.last+tag@mail.sub.example.co.uk", "UPPER@EXAMPLE.ORG", "a1@x-y.io"]
    {
        for (before, after) in [
            ("", ""),
            ("{\"mail\":\"", "\"}"),
            ("<", ">"),
            ("to ", ", cc"),
            ("mailto:", "?x"),
            ("'", "'"),
            ("", "."),
        ] {
            one(Class::Email, before, address, after);
        }
    }
    for value in [
        "redis://user:password@host.example.com:6379/0",
        "redis://default@host.example.com",
        "git@github.com:owner/repo.git",
        "icon@2x.png",
        "bundle@min.js",
        "package@1.2.3",
        "@scope/package",
        "user@localhost",
        "a@example.com",
        "..x@example.com.",
        "x..y@example.com",
        "user@-host.com",
        "user@host..com",
        "user@host.Com",
        "user@host.c",
        "one@two@three.com",
        "decorator @app.route('/x')",
        "cpu@100.0%",
    ] {
        none(value);
    }
}

#[test]
fn cards() {
    for number in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "3056 930902 5904",
        "6200000000000005",
    ] {
        for (before, after) in [
            ("card ", ""),
            ("{\"card\":\"", "\"}"),
            ("pan=", "&cvv=1"),
            ("", ", exp 12/29"),
            ("creditCard. ", "."),
        ] {
            one(Class::Card, before, number, after);
        }
    }
    one(Class::Card, "", "4111 1111 1111 1111", "");
    one(Class::Card, "a prepaid card ", "4111111111111111", "");
    one(Class::Card, "cards from 12 to ", "4111111111111111", " now");
    for value in [
        // Right in all but that nothing says what it is.
        "4111111111111111",
        "discard 4111111111111111",
        "{\"user\":4111111111111111}",
        "card 4111111111111112",
        "card 1234567812345670",
        "0000000000000000",
        "4444444444444444",
        "41111111111111111",
        "x4111111111111111",
        "4111111111111111x",
        "1.4111111111111111",
        "4111111111111111.5",
        "1-4111111111111111",
        "4111-1111 1111-1111",
        "411 1111 1111 11111",
        "41111111 11111111",
        "4111 1111 1111 1111 1111",
        "4111--1111-1111-1111",
        "order 4111111111111111",
        "{\"orderId\": \"4111111111111111\"}",
        "\"orderid\":4111111111111111",
        "traceid=4111111111111111",
        "tracking no. 4111111111111111",
        "1732447800000",
        "1732447800000000",
        "1732447800000000000",
        "20241124153000",
        "+49 30 1234567890123",
    ] {
        none(value);
    }
    assert_eq!(lines("shop:order:17", "4111111111111111"), [""; 0]);
    assert_eq!(lines("user:17:card", "4111111111111111"), ["card 4111111111111111"]);
}

#[test]
fn accounts() {
    for number in [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "GB29 NWBK 6016 1331 9268 19",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "CH9300762011623852957",
        "NL91ABNA0417164300",
        "ES9121000418450200051332",
        "IT60X0542811101000000123456",
        "BE68539007547034",
        "AT611904300234573201",
        "PL61109010140000071219812874",
        "SE4550000000058398257466",
        "BR1800360305000010009795493C1",
        "SA0380000000608010167519",
        "TR330006100519786457841326",
        "AE070331234567890123456",
        "IE29AIBK93115212345678",
        "PT50000201231234567890154",
        "GR1601101250000000012300695",
        "CZ6508000000192000145399",
        "DK5000400440116243",
        "FI2112345600000785",
        "LU280019400644750000",
        "HU42117730161111101800000000",
        "IL620108000000099999999",
        "UA213223130000026007233566001",
        "VG96VPVG0000012345678901",
        "LC55HEMM000100010012001200023015",
        "SC18SSCB11010000000000001497USD",
        "MU17BOMM0101101030300200000MUR",
        "KZ86125KZT5004100100",
        "KW81CBKU0000000000001234560101",
        "JO94CBJO0010000000000131000302",
        "AZ21NABZ00000000137010001944",
        "EE382200221020145685",
        "RO49AAAA1B31007593840000",
        "BG80BNBG96611020345678",
    ] {
        for (before, after) in [("", ""), ("{\"iban\":\"", "\"}"), ("iban=", "&"), ("to ", ".")] {
            one(Class::Iban, before, number, after);
        }
    }
    for value in [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "XDE89370400440532013000",
        "de89370400440532013000",
        "XX89370400440532013000",
        "DE00370400440532013000",
        "GB2912345678901234567890",
        "DE89 37040 0440 0532 0130 00",
    ] {
        none(value);
    }
}

#[test]
fn numbers_of_persons_only_when_asked() {
    for value in ["ssn 219-09-9999 x", "AB123456C"] {
        none(value);
        assert_eq!(ALL.find(b"", value.as_bytes()).len(), 1, "{value}");
    }
    for value in [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "1123-45-6789",
        "2024-11-2411",
        "GB123456C",
        "AB1234567C",
    ] {
        assert_eq!(ALL.find(b"", value.as_bytes()), [], "{value}");
    }
}

#[test]
fn many_findings_and_hostile_repeats_are_bounded() {
    let value = "bob@example.com ".repeat(100_000);
    assert_eq!(CLASSES.find(b"", value.as_bytes()).len(), MAX_FINDINGS);
    for piece in [
        "AKIA",
        "eyJ",
        "eyJ.",
        "eyJ.eyJ.",
        "a@",
        "a@b.",
        "cookie:a=",
        "cookie: ",
        "-----BEGIN PRIVATE KEY-----",
        "bearer ",
        "xoxb-",
        "sk_live_",
        "ghp_",
        "github_pat_",
        "sessionid=",
        "sess:",
        "4111 ",
        "4",
        "DE89 ",
        "AccountKey=",
        "\"service_account\"",
        "12 ",
        "SecretAccessKey=",
        "user://a:",
        "@",
        ".",
        "-----BEGIN PRIVATE KEY-----\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let value = piece.repeat((2 << 20) / piece.len());
        assert!(CLASSES.find(value.as_bytes(), value.as_bytes()).len() <= MAX_FINDINGS);
    }
}

/// Values that a survey of all of them gives a place in.
fn surveyed(classifier: &Classifier, values: &[Vec<u8>]) -> Vec<bool> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.iter().copied().chain([0])).collect();
    let ends: Vec<usize> = values
        .iter()
        .scan(0, |end, value| {
            *end += value.len() + 1;
            Some(*end)
        })
        .collect();
    let mut seen = vec![false; values.len()];
    classifier.survey(&bytes, &mut |at| {
        let index = ends.partition_point(|end| *end <= at);
        seen[index] = true;
        ends[index]
    });
    seen
}

#[test]
fn a_survey_passes_over_what_holds_nothing() {
    let plain = ["key:000000012345", "user:17", "2024-11-24T16:11:00.123456Z", "@scope", "GET", "", "AB 12"];
    let values: Vec<Vec<u8>> =
        plain.iter().map(|value| value.as_bytes().to_vec()).chain([vec![b'x'; 300]]).collect();
    assert!(!surveyed(&CLASSES, &values).contains(&true));
    let seen =
        surveyed(&CLASSES, &[b"bob@example.com".to_vec(), b"none".to_vec(), b"4111 1111 1111".to_vec()]);
    assert_eq!(seen, [true, false, true]);
}

/// Without numbers of persons: they are so short that random ones are found, as the name says.
fn is_silent(value: &[u8]) -> Result<(), TestCaseError> {
    let findings = CLASSES.find(b"", value);
    prop_assert!(findings.is_empty(), "{findings:?} in {:?}", String::from_utf8_lossy(value));
    Ok(())
}

/// What stands in real values and is nothing of all this.
fn look_alike() -> impl Strategy<Value = String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    prop_oneof![
        any::<[u8; 16]>().prop_map(move |id| {
            let id = hex(&id);
            format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
        }),
        (1_500_000_000_u64..2_000_000_000, 0_u64..1_000_000_000)
            .prop_map(|(second, nano)| format!("{second}{nano:09}")),
        (1_500_000_000_u64..2_000_000_000, 0_u64..1000)
            .prop_map(|(second, milli)| format!("{second}{milli:03}-0")),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{6}(Z|\\+02:00)",
        "(ORD|INV|SO)-[0-9]{4,12}(-[0-9]{2,6})?",
        "\"order_?[Ii]d\":\"?[0-9]{8,19}\"?",
        "[a-f0-9]{40}|[a-f0-9]{64}|[A-F0-9]{32}",
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| STANDARD.encode(bytes)),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}:[0-9]{1,5}",
        "-?[0-9]{1,3}\\.[0-9]{5,17}",
        "\\+[0-9]{2} [0-9]{3} [0-9]{6,8}",
        "[a-z]{3,8}:[a-z]{3,8}:[0-9]{1,12}",
        "v[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,3}(-rc[0-9])?",
        "(redis|amqp|postgres)://[a-z]{2,8}:[A-Za-z0-9]{6,20}@[a-z]{3,9}\\.[a-z]{3,9}\\.com:[0-9]{2,5}/[0-9]",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn look_alikes_are_silent(parts in proptest::collection::vec(look_alike(), 1..6), joint in proptest::sample::select(vec![" ", "\",\"", "\n", "|", ", ", "\0"])) {
        is_silent(parts.join(joint).as_bytes())?;
    }

    #[test]
    fn random_bytes_are_silent(value in proptest::collection::vec(any::<u8>(), 0..2000)) {
        is_silent(&value)?;
    }

    #[test]
    fn random_words_are_silent(value in "[A-Za-z0-9]{0,200}", capitals in "[A-Z0-9]{0,40}") {
        is_silent(value.as_bytes())?;
        is_silent(capitals.as_bytes())?;
    }

    #[test]
    fn hostile_values_never_panic(parts in proptest::collection::vec(prop_oneof![
        any::<Vec<u8>>(),
        (0..ANCHORS.len()).prop_map(|at| ANCHORS[at].0.as_bytes().to_vec()),
        "[0-9 -]{0,22}|[@.=:\"]|eyJ[A-Za-z0-9]{0,20}\\.|PRIVATE KEY-----|(DE|GB)[0-9]{2}".prop_map(String::into_bytes),
    ], 0..20)) {
        let value = parts.concat();
        for finding in ALL.find(&value, &value) {
            prop_assert!(value.get(finding.range).is_some_and(|piece| !piece.is_empty()));
        }
    }

    #[test]
    fn a_survey_misses_nothing(values in proptest::collection::vec(proptest::collection::vec(prop_oneof![
        any::<Vec<u8>>(),
        (0..ANCHORS.len()).prop_map(|at| ANCHORS[at].0.as_bytes().to_vec()),
        look_alike().prop_map(String::into_bytes),
        proptest::sample::select(vec![
            "bob@example.com", "4111 1111 1111 1111", "card 4111111111111111", "DE89370400440532013000",
            "AB123456C", "219-09-9999", "Cookie: a=9f8d2a7c4b1e6f3a", "sess:4fT8kQ2zW7xR9bN3mC6v", " ", "\"", "7",
            "eyJhbGciOiJub25lIn0.e30.", "AKIAQ3EGRZ7N5KDL2MWT", "-----BEGIN PRIVATE KEY-----\n",
            "MC4CAQAwBQYDK2VwBCIEIBd9dP2gIeTzVbNnOkvJ3zmM1yGj5Rj0Qm4mUuNnBq0X",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ], 0..4).prop_map(|parts| parts.concat()), 0..30)) {
        for classifier in [&*CLASSES, &*ALL] {
            for (value, seen) in values.iter().zip(surveyed(classifier, &values)) {
                let found = classifier.find(b"card", value);
                prop_assert!(seen || found.is_empty(), "{found:?} in {:?}", String::from_utf8_lossy(value));
            }
        }
    }

    #[test]
    fn what_is_found_does_not_depend_on_its_place(before in "[a-z \n]{0,300}[ \n]", after in "[ \n][a-z ]{0,300}") {
        let value = format!("{before}AT611904300234573201 4111 1111 1111 1111 bob@example.com{after}");
        let classes: Vec<_> = CLASSES.find(b"", value.as_bytes()).into_iter().map(|found| (found.class, found.range.start - before.len())).collect();
        prop_assert_eq!(classes, [(Class::Iban, 0), (Class::Card, 21), (Class::Email, 41)]);
    }
}
