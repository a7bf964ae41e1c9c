//! `expectations.toml`: where a client is expected to be other than a scenario says.

use crate::client_files::{ClientsError, Text};
use crate::registry::Registered;
use semver::{Version, VersionReq};
use std::collections::BTreeMap;
use std::path::Path;
use time::{Date, Month};
use wirelab_model::{Arm, Exception, Expect, Expectation, ExpectationFile, Scenario, Verdict};

/// What is expected of each client in each scenario where it is not what the scenario says.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// By client and scenario.
    by_cell: BTreeMap<Key, Cell>,
}

/// What is expected of one client in one scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) expect: Expect,
    pub(crate) exception: Exception,
    /// Words of the reason for which the arm cannot be decided.
    pub(crate) doubt: Option<String>,
}

impl Expectations {
    /// Reads `expectations.toml` in the clients folder; without one there are no exceptions. `registry` and
    /// `scenarios` are all that there are, so that an entry that means none of them is found.
    ///
    /// # Errors
    /// The file does not parse, names no client or scenario that there is, expects what is no answer, or has
    /// a date or a range of versions that is none.
    pub fn read(
        folder: &Path,
        registry: &[Registered],
        scenarios: &[Scenario],
        today: Date,
    ) -> Result<Self, ClientsError> {
        let Some(text) = Text::read(&folder.join("expectations.toml"))? else { return Ok(Self::default()) };
        let file: ExpectationFile = text.parse("expectations")?;
        let mut by_cell = BTreeMap::new();
        for (index, entry) in file.expectations.iter().enumerate() {
            let cells = cells(entry, registry, scenarios, today)
                .map_err(|(at, message, help)| text.fault(&message, &help, "expectation", index, &at))?;
            by_cell.extend(cells);
        }
        Ok(Self { by_cell })
    }

    /// In how many scenarios a client is known to hang, and takes all the time that it is given.
    pub(crate) fn hangs(&self, client: &str) -> usize {
        let hung = |(key, cell): &(&Key, &Cell)| key.0 == client && cell.expect.allows(Verdict::Hung);
        self.by_cell.iter().filter(hung).count()
    }

    pub(crate) fn of(&self, client: &str, scenario: &str) -> Option<&Cell> {
        self.by_cell.get(&(client.to_owned(), scenario.to_owned()))
    }
}

/// Client and scenario.
type Key = (String, String);
/// Text to point at, message, help.
type Fault = (String, String, String);

fn cells(
    entry: &Expectation,
    registry: &[Registered],
    scenarios: &[Scenario],
    today: Date,
) -> Result<Vec<(Key, Cell)>, Fault> {
    let fault = |at: &str, message: String, help: &str| Err((at.to_owned(), message, help.to_owned()));
    let verdicts = entry.expect.verdicts();
    let is_answer = |v: &Verdict| matches!(v, Verdict::Secure | Verdict::Compromised | Verdict::Hung);
    let untestable = *verdicts == [Verdict::Skipped];
    if let Some(other) = verdicts.iter().find(|verdict| !is_answer(verdict)).filter(|_| !untestable) {
        let help = "expect `secure`, `compromised` or `hung`, or `skipped` alone: the other verdicts say that the lab cannot tell";
        return fault(&other.to_string(), format!("a client cannot be expected to be `{other}`"), help);
    }
    if verdicts.is_empty() {
        return fault("expect", "no verdict is expected".into(), "expect `secure`, `compromised` or `hung`");
    }
    if untestable != entry.doubt.as_deref().is_some_and(|doubt| !doubt.trim().is_empty()) {
        let help = "say with `doubt` which words the lab's own reason has, such as `even without its flaw`: any other doubt is one";
        let message = "`doubt` goes with `skipped`, and `skipped` with `doubt`".into();
        return fault(if untestable { "skipped" } else { "doubt" }, message, help);
    }
    if entry.reason.trim().is_empty() || entry.link.trim().is_empty() {
        return fault("reason", "`reason` or `link` is empty".into(), "say why, and where to read on");
    }
    let until = entry.until.as_deref();
    let Ok(day) = until.map(date).transpose() else {
        let given = until.unwrap_or_default();
        return fault(given, format!("`{given}` is no date"), "write it as `2027-03-31`");
    };
    let versions = entry.versions.as_deref().unwrap_or("*");
    let Ok(range) = VersionReq::parse(versions) else {
        let help = "write it as `<6` or as `>=2.6, <2.7.33`";
        return fault(versions, format!("`{versions}` is no range of versions"), help);
    };
    let mut named: Vec<&Registered> = Vec::new();
    for pattern in entry.client.all() {
        let before = named.len();
        named.extend(registry.iter().filter(|client| fits(pattern, &client.record.name)));
        if named.len() == before {
            let message = format!("no client is called `{pattern}`");
            return fault(pattern, message, "`wirelab clients` lists them; one `*` stands for any text");
        }
    }
    if named.is_empty() {
        return fault("client", "no client is named".into(), "name at least one");
    }
    let mut clients = Vec::new();
    for client in named {
        let version = &client.record.version;
        match (entry.versions.is_some(), parse_version(version)) {
            (false, _) => clients.push(&client.record.name),
            (true, Some(version)) if range.matches(&version) => clients.push(&client.record.name),
            (true, Some(_)) => {}
            (true, None) => {
                let message = format!(
                    "the version {version} of `{}` cannot be held against a range",
                    client.record.name
                );
                return fault(versions, message, "name the client without `versions`");
            }
        }
    }
    let exception = Exception {
        reason: entry.reason.clone(),
        link: entry.link.clone(),
        until: entry.until.clone(),
        expired: day.is_some_and(|day| today > day),
    };
    let cell = Cell { expect: entry.expect.clone(), exception, doubt: entry.doubt.clone() };
    let ids = ids(entry, scenarios)?;
    let cells = ids.iter().flat_map(|id| {
        let cell = &cell;
        clients.iter().map(move |name| (((*name).clone(), (*id).to_owned()), cell.clone()))
    });
    Ok(cells.collect())
}

/// The scenarios that an entry means.
fn ids<'a>(entry: &Expectation, scenarios: &'a [Scenario]) -> Result<Vec<&'a str>, Fault> {
    let help = "`wirelab list` shows the ids; one `*` stands for any text";
    let by_id = |pattern: &String| {
        let found = scenarios.iter().map(|scenario| scenario.id.as_str()).filter(|id| fits(pattern, id));
        let found: Vec<&str> = found.collect();
        if found.is_empty() {
            return Err((pattern.clone(), format!("no scenario is called `{pattern}`"), help.to_owned()));
        }
        Ok(found)
    };
    let mut ids = Vec::new();
    for pattern in &entry.scenarios {
        ids.extend(by_id(pattern)?);
    }
    let secure = |arm: &Arm| arm.transport.is_verified() && arm.expect == Expect::One(Verdict::Secure);
    for weakness in &entry.weaknesses {
        let of = |scenario: &&Scenario| scenario.weakness == *weakness && scenario.arms.iter().any(secure);
        ids.extend(scenarios.iter().filter(of).map(|scenario| scenario.id.as_str()));
    }
    for pattern in &entry.except {
        let excepted = by_id(pattern)?;
        if !excepted.iter().any(|id| ids.contains(id)) {
            let help = "an exception that excepts nothing is a mistake";
            return Err((pattern.clone(), format!("the entry does not mean `{pattern}`"), help.to_owned()));
        }
        ids.retain(|id| !excepted.contains(id));
    }
    if ids.is_empty() {
        return Err(("scenarios".into(), "no scenario is named".into(), "name at least one".into()));
    }
    Ok(ids)
}

/// Whether a name is the pattern, in which one `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => name == pattern,
    }
}

/// As semantic versioning has it; or else the numbers it begins with, at most three, of which the last ones
/// may be missing: `7`, `7.7.0.RELEASE`.
fn parse_version(text: &str) -> Option<Version> {
    let text = text.trim_start_matches('v');
    if let Ok(version) = Version::parse(text) {
        return Some(version);
    }
    let mut numbers = text.split('.').map_while(|part| part.parse().ok());
    let major = numbers.next()?;
    Some(Version::new(major, numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

/// `2027-03-31`.
fn date(text: &str) -> Result<Date, ()> {
    let mut parts = text.split('-');
    let mut number = |digits| {
        let part = parts.next().filter(|part| part.len() == digits).ok_or(())?;
        part.parse::<u16>().map_err(|_| ())
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    if parts.next().is_some() {
        return Err(());
    }
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok()).ok_or(())?;
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).map_err(|_| ())?).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::registry;
    use wirelab_model::Weakness;

    const GOOD: &str = r#"
[[expectation]]
client = "lib-*"
versions = "<6"
scenarios = ["a/one", "b/*"]
expect = "compromised"
reason = "it does not look at names"
link = "https://example.org/1"
[[expectation]]
client = "lib-5"
scenarios = ["b/two"]
expect = "compromised"
reason = "known"
link = "https://example.org/2"
until = "2027-03-31"
"#;

    fn read(text: &str, today: &str) -> Result<Expectations, ClientsError> {
        let folder = tempfile::tempdir().unwrap();
        let client = |number: &str, version: &str| {
            format!(
                "[[client]]\nname = \"lib-{number}\"\nlanguage = \"\"\nlibrary = \"lib\"\nversion = \"{version}\"\n\
                 configuration = \"\"\nfolder = \"lib\"\nrun = [\"x\"]\nneeds = []\nget = \"\"\n"
            )
        };
        let file = client("5", "5.2") + &client("6", "6.0.0.RELEASE");
        std::fs::create_dir(folder.path().join("lib")).unwrap();
        std::fs::write(folder.path().join("registry.toml"), file).unwrap();
        std::fs::write(folder.path().join("expectations.toml"), text).unwrap();
        let scenarios = [
            ("a/one", Weakness::Name, Verdict::Secure),
            ("b/two", Weakness::Time, Verdict::Secure),
            ("b/three", Weakness::Name, Verdict::Compromised),
        ]
        .map(|(id, weakness, verdict)| {
            let text = include_str!("../../../scenarios/mitm/impostor-wrong-host.toml");
            let mut scenario: Scenario = toml::from_str(text).unwrap();
            (scenario.id, scenario.weakness) = (id.to_owned(), weakness);
            scenario.arms.iter_mut().for_each(|arm| arm.expect = Expect::One(verdict));
            scenario
        });
        Expectations::read(folder.path(), &registry(folder.path()).unwrap(), &scenarios, date(today).unwrap())
    }

    #[test]
    fn versions_and_patterns_select_and_the_last_entry_holds() {
        let found = read(GOOD, "2026-01-01").unwrap();
        let reason = |client, scenario| found.of(client, scenario).map(|cell| cell.exception.reason.as_str());
        assert_eq!(reason("lib-5", "a/one"), Some("it does not look at names"));
        assert_eq!(reason("lib-5", "b/three"), Some("it does not look at names"));
        assert_eq!(reason("lib-5", "b/two"), Some("known"));
        assert_eq!(reason("lib-6", "a/one"), None);
    }

    #[test]
    fn a_weakness_stands_for_the_scenarios_in_which_it_matters() {
        let text = GOOD
            .replace(
                "scenarios = [\"a/one\", \"b/*\"]",
                "weaknesses = [\"name\", \"time\"]\nexcept = [\"b/two\"]",
            )
            .replace("\"lib-*\"", "[\"lib-5\", \"lib-6\"]")
            .replace("versions = \"<6\"", "");
        let found = read(&text, "2026-01-01").unwrap();
        for client in ["lib-5", "lib-6"] {
            assert!(found.of(client, "a/one").is_some());
            assert!(found.of(client, "b/three").is_none(), "nobody is to be secure there");
        }
        assert!(found.of("lib-6", "b/two").is_none(), "excepted");
    }

    #[test]
    fn one_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("a-*-c", "a-b-c", true),
            ("a-*-c", "a-c", false),
            ("a*", "a", true),
            ("*", "x/y", true),
            ("a", "ab", false),
            ("b*", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_waiver_holds_through_its_last_day() {
        for (today, expired) in [("2027-03-31", false), ("2027-04-01", true)] {
            let found = read(GOOD, today).unwrap();
            assert_eq!(found.of("lib-5", "b/two").unwrap().exception.expired, expired, "{today}");
            assert!(!found.of("lib-5", "a/one").unwrap().exception.expired, "no waiver, no end");
        }
    }

    #[test]
    fn faults_are_found() {
        for (from, to, told) in [
            ("\"lib-5\"", "\"lib-7\"", "no client is called `lib-7`"),
            ("\"b/two\"]", "\"b/tow\"]", "no scenario is called `b/tow`"),
            ("[\"b/two\"]", "[]", "no scenario is named"),
            ("[\"b/two\"]", "[\"b/two\"]\nexcept = [\"a/one\"]", "does not mean `a/one`"),
            ("[\"b/two\"]", "[\"b/two\"]\nexcept = [\"a/onn\"]", "no scenario is called `a/onn`"),
            ("[\"b/two\"]", "[\"b/two\"]\nweaknesses = [\"nam\"]", "unknown variant `nam`"),
            ("\"lib-5\"", "[]", "no client is named"),
            ("<6", "<<6", "no range of versions"),
            ("2027-03-31", "31.3.2027", "`31.3.2027` is no date"),
            ("2027-03-31", "2027-02-30", "`2027-02-30` is no date"),
            (
                "\"compromised\"\nreason = \"known\"",
                "[\"secure\", \"skipped\"]\nreason = \"known\"",
                "`skipped`",
            ),
            ("\"compromised\"\nreason = \"known\"", "\"inconclusive\"\nreason = \"known\"", "`inconclusive`"),
            ("\"compromised\"\nreason = \"known\"", "[]\nreason = \"known\"", "no verdict"),
            ("\"compromised\"\nreason = \"known\"", "\"skipped\"\nreason = \"known\"", "`doubt` goes with"),
            ("reason = \"known\"", "reason = \"known\"\ndoubt = \"x\"", "`doubt` goes with"),
            ("\"known\"", "\" \"", "`reason` or `link` is empty"),
            ("until", "untill", "unknown field"),
            ("link = \"https://example.org/2\"\n", "", "link"),
        ] {
            let error = read(&GOOD.replace(from, to), "2026-01-01").unwrap_err();
            assert!(error.to_string().contains(told), "{from} -> {to}: {error}");
            assert_eq!(error.exit_code(), wirelab_model::ExitCode::Parse);
        }
    }
}
