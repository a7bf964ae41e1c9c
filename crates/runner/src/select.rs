//! Which scenarios a run takes: files, folders, ids, tags.

use crate::scenario::{ScenarioError, parse};
use include_dir::{Dir, File, include_dir};
use miette::Diagnostic;
use std::path::{Path, PathBuf};
use thiserror::Error;
use wirelab_model::{Attack, ExitCode, Redirection, Scenario, Topology};

/// The scenarios that the program carries, so that it works from any folder.
static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../scenarios");

/// Most files that one folder may hold; more is a wrong folder.
const MOST_FILES: usize = 10_000;
/// Largest scenario file in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// A scenario and the text it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path, or `built in`.
    pub origin: String,
    /// The file's text.
    pub text: String,
    /// What it says.
    pub scenario: Scenario,
}

/// Narrows a selection.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only scenarios with one of these tags; empty: all.
    pub tags: Vec<String>,
}

/// Why there is nothing to run.
#[derive(Debug, Error, Diagnostic)]
pub enum SelectError {
    /// A scenario does not parse.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(Box<ScenarioError>),
    /// Neither a file, nor a folder, nor an id.
    #[error("`{given}` is no scenario: there is no such file or folder, and no such id")]
    #[diagnostic(code(wirelab::select), help("{help}"))]
    Unknown {
        /// The argument.
        given: String,
        /// What to do.
        help: String,
    },
    /// A file that cannot be read.
    #[error("cannot read the scenario {}: {reason}", path.display())]
    #[diagnostic(code(wirelab::select), help("check the path and its permissions"))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Two scenarios with one id.
    #[error("the id `{id}` is there twice: in {first} and in {second}")]
    #[diagnostic(code(wirelab::select), help("give one of them another id"))]
    Twice {
        /// The id.
        id: String,
        /// Where it was first.
        first: String,
        /// Where it was again.
        second: String,
    },
    /// The selection is empty.
    #[error("nothing selected: {what}")]
    #[diagnostic(code(wirelab::select), help("`wirelab list` shows all scenarios with their tags"))]
    Nothing {
        /// What was asked for.
        what: String,
    },
}

impl SelectError {
    /// What the process returns.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Scenario(_) | Self::Twice { .. } => ExitCode::Parse,
            Self::Unknown { .. } | Self::Unreadable { .. } => ExitCode::Usage,
            Self::Nothing { .. } => ExitCode::NothingSelected,
        }
    }
}

/// The scenarios that the program carries, by id.
///
/// # Errors
/// One of them does not parse: a fault of wirelab, which a test excludes.
pub fn embedded() -> Result<Vec<Source>, SelectError> {
    let mut sources = Vec::new();
    for file in carried(&EMBEDDED) {
        let name = file.path().display().to_string();
        let text = file.contents_utf8().unwrap_or_default();
        let scenario = parse(&name, text).map_err(SelectError::Scenario)?;
        sources.push(Source { origin: "built in".into(), text: text.to_owned(), scenario });
    }
    sources.sort_by(|a, b| a.scenario.id.cmp(&b.scenario.id));
    Ok(sources)
}

/// All files below a folder of the program.
fn carried(folder: &'static Dir<'static>) -> Vec<&'static File<'static>> {
    let below = folder.dirs().flat_map(carried);
    folder.files().chain(below).collect()
}

/// The scenarios that `wanted` (files, folders, ids or folders of ids) and `filter` ask for, in the
/// order asked for. Nothing wanted: all that the program carries but those of environments.
///
/// # Errors
/// See [`SelectError`].
pub fn select(wanted: &[String], filter: &Filter) -> Result<Vec<Source>, SelectError> {
    let carried = embedded()?;
    let mut selected: Vec<Source> = Vec::new();
    if wanted.is_empty() {
        selected.clone_from(&carried);
        if filter.tags.is_empty() {
            // They repeat the attacks of others, with clients as they are in one environment or another: an
            // application that has no certificate is not to be run against a server that demands one.
            selected.retain(|source| source.scenario.environment.is_none());
        }
    }
    for given in wanted {
        for source in resolve(given, &carried)? {
            match selected.iter().find(|other| other.scenario.id == source.scenario.id) {
                None => selected.push(source),
                // Asked for twice, for instance by its folder and by its id.
                Some(other) if other.text == source.text => {}
                Some(other) => {
                    return Err(SelectError::Twice {
                        id: source.scenario.id,
                        first: other.origin.clone(),
                        second: source.origin,
                    });
                }
            }
        }
    }
    if selected.is_empty() {
        return Err(SelectError::Nothing { what: format!("no `.toml` file in {}", wanted.join(", ")) });
    }
    if !filter.tags.is_empty() {
        selected.retain(|source| source.scenario.tags.iter().any(|tag| filter.tags.contains(tag)));
        if selected.is_empty() {
            return Err(SelectError::Nothing {
                what: format!("no scenario has the tag {}", filter.tags.join(" or ")),
            });
        }
    }
    Ok(selected)
}

/// Those of the scenarios that a client which can do this much takes part in, and how many are left out. In
/// links between servers no client is under test: only the lab's `own` run comes with them.
///
/// # Errors
/// [`SelectError::Nothing`]: none is left.
pub fn suited(
    scenarios: Vec<Scenario>,
    topologies: &[Topology],
    own: bool,
) -> Result<(Vec<Scenario>, usize), SelectError> {
    let all = scenarios.len();
    let links = !own && scenarios.iter().all(|scenario| scenario.link.is_some());
    let scenarios: Vec<Scenario> =
        scenarios.into_iter().filter(|scenario| own || scenario.link.is_none()).collect();
    if links {
        let what = "only links between servers, in which no client is under test; run them without one";
        return Err(SelectError::Nothing { what: what.into() });
    }
    let mut wanted: Vec<String> = scenarios
        .iter()
        .filter(|scenario| !topologies.contains(&scenario.topology))
        .map(|scenario| format!("--topology {}", scenario.topology))
        .collect();
    wanted.sort();
    wanted.dedup();
    let suited: Vec<Scenario> =
        scenarios.into_iter().filter(|scenario| topologies.contains(&scenario.topology)).collect();
    if suited.is_empty() {
        let what = format!(
            "the scenarios ask for more than one server; add {}, and to a client of the registry its `topologies`",
            wanted.join(" or ")
        );
        return Err(SelectError::Nothing { what });
    }
    let left_out = all - suited.len();
    Ok((suited, left_out))
}

/// Those of the scenarios that every client takes part in, and how many are left out. Only the lab's own client can be told
/// to cache or to subscribe, and where nobody does there is nothing to change. And who answers and ends (`brief`), as adapters
/// do, may be gone before word of another master reaches it.
///
/// # Errors
/// [`SelectError::Nothing`]: none is left.
pub fn common(scenarios: Vec<Scenario>, brief: bool) -> Result<(Vec<Scenario>, usize), SelectError> {
    let all = scenarios.len();
    let called_away = |attack: &Attack| matches!(attack, Attack::Redirect { how: Redirection::Switch, .. });
    let common: Vec<Scenario> = scenarios
        .into_iter()
        .filter(|scenario| scenario.attack.talk().is_common() && !(brief && called_away(&scenario.attack)))
        .collect();
    if common.is_empty() {
        let what = "the scenarios are for clients that cache, subscribe, or stay until their master has gone elsewhere: \
                    only the built-in client is sure to";
        return Err(SelectError::Nothing { what: what.into() });
    }
    let left_out = all - common.len();
    Ok((common, left_out))
}

fn resolve(given: &str, carried: &[Source]) -> Result<Vec<Source>, SelectError> {
    let by_id: Vec<Source> = carried
        .iter()
        .filter(|source| {
            let rest = source.scenario.id.strip_prefix(given.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .cloned()
        .collect();
    let path = Path::new(given);
    // An id wins over a folder of the same name unless the path is marked as one: `./mitm`.
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    if path.is_dir() {
        let mut files = Vec::new();
        toml_files(path, &mut files, 8)?;
        files.sort();
        return files.iter().map(|file| read(file)).collect();
    }
    if path.is_file() {
        return Ok(vec![read(path)?]);
    }
    Err(SelectError::Unknown { given: given.to_owned(), help: suggest(given, carried) })
}

fn suggest(given: &str, carried: &[Source]) -> String {
    if given.ends_with(".toml") || given.starts_with(['.', '/']) {
        return "is the path right? Ids have no ending: `wirelab list` shows them".into();
    }
    let ids = carried.iter().map(|source| source.scenario.id.as_str());
    crate::did_you_mean(given, ids) + "`wirelab list` shows all ids; a path must exist"
}

fn toml_files(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), SelectError> {
    let unreadable = |reason: String| SelectError::Unreadable { path: folder.to_owned(), reason };
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(error.to_string()))? {
        let path = entry.map_err(|error| unreadable(error.to_string()))?.path();
        if path.is_dir() && depth > 0 {
            toml_files(&path, files, depth - 1)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            return Err(unreadable(format!(
                "more than {MOST_FILES} files: this is hardly a folder of scenarios"
            )));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Source, SelectError> {
    let unreadable = |reason: String| SelectError::Unreadable { path: path.to_owned(), reason };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MOST_BYTES {
        return Err(unreadable(format!("{size} bytes are more than a scenario may have ({MOST_BYTES})")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let scenario = parse(&path.display().to_string(), &text).map_err(SelectError::Scenario)?;
    Ok(Source { origin: path.display().to_string(), text, scenario })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Attack, Demand, Expect, Transport, Verdict};
    use wirelab_pki::Expectation;
    use wirelab_rogue::misbehaviour;

    fn ids(wanted: &[&str]) -> Vec<String> {
        let wanted: Vec<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
        select(&wanted, &Filter::default()).unwrap().into_iter().map(|source| source.scenario.id).collect()
    }

    #[test]
    fn every_carried_scenario_parses_and_its_id_is_its_path() {
        for file in carried(&EMBEDDED) {
            let scenario = parse("x", file.contents_utf8().unwrap()).unwrap();
            assert_eq!(format!("{}.toml", scenario.id), file.path().display().to_string());
        }
    }

    /// One impostor for each certificate, which asks of clients what the catalogue asks.
    #[test]
    fn every_certificate_has_a_scenario_that_agrees_with_the_catalogue() {
        let all = embedded().unwrap();
        for entry in wirelab_pki::all() {
            let impostors: Vec<&Scenario> = all
                .iter()
                .map(|source| &source.scenario)
                .filter(|scenario| matches!(&scenario.attack, Attack::Impostor { certificate } if certificate == entry.id))
                .filter(|scenario| scenario.link.is_none())
                .collect();
            let [scenario] = *impostors else { panic!("{}: {} scenarios", entry.id, impostors.len()) };
            let arm = |transport| scenario.arms.iter().find(|arm| arm.transport == transport).unwrap();
            assert_eq!(
                arm(Transport::TlsUnverified).expect,
                Expect::One(Verdict::Compromised),
                "{}",
                entry.id
            );
            let expected = match entry.expectation {
                Expectation::MustRefuse => Expect::One(Verdict::Secure),
                Expectation::Policy => Expect::Any(vec![Verdict::Secure, Verdict::Compromised]),
                Expectation::MustAccept => Expect::One(Verdict::Compromised),
            };
            assert_eq!(arm(Transport::Tls).expect, expected, "{}", entry.id);
            assert_eq!(scenario.importance, entry.importance, "{}", entry.id);
            assert!(scenario.references.iter().any(|text| text.starts_with(entry.cwe)), "{}", entry.id);
            let remedy = scenario.description.contains("Remedy: ");
            assert!(remedy && (3..=6).contains(&scenario.description.lines().count()), "{}", entry.id);
        }
    }

    /// One scenario for each misbehaviour, which asks of clients what the catalogue asks.
    #[test]
    fn every_misbehaviour_has_a_scenario_that_agrees_with_the_catalogue() {
        let all = embedded().unwrap();
        let count = format!("plays {} peers", misbehaviour::all().len());
        assert!(include_str!("../../../README.md").contains(&count), "README does not say: {count}");
        for entry in misbehaviour::all() {
            let scenarios: Vec<&Scenario> = all
                .iter()
                .map(|source| &source.scenario)
                .filter(|scenario| scenario.attack.how() == Some(entry.id))
                .collect();
            let [scenario] = *scenarios else { panic!("{}: {} scenarios", entry.id, scenarios.len()) };
            assert!(scenario.id.ends_with(&format!("/{}", entry.id)), "{}", scenario.id);
            let arm = |transport| scenario.arms.iter().find(|arm| arm.transport == transport).unwrap();
            let live = arm(Transport::TlsUnverified);
            if matches!(scenario.attack, Attack::Stall { .. }) {
                assert_eq!(live.expect, Expect::One(Verdict::Hung), "{}", entry.id);
            } else {
                assert_eq!(live.expect, Expect::One(Verdict::Compromised), "{}", entry.id);
                assert!(!live.got.is_empty(), "{}", entry.id);
            }
            let expected = match entry.expectation {
                Expectation::MustRefuse => Expect::One(Verdict::Secure),
                Expectation::Policy => Expect::Any(vec![Verdict::Secure, Verdict::Compromised]),
                Expectation::MustAccept => Expect::One(Verdict::Compromised),
            };
            assert_eq!(arm(Transport::Tls).expect, expected, "{}", entry.id);
            assert!(scenario.references[0].starts_with(entry.reference), "{}", entry.id);
            assert!(scenario.references.iter().any(|text| text.starts_with(entry.cwe)), "{}", entry.id);
            let remedy = scenario.description.contains("Remedy: ");
            assert!(remedy && (3..=6).contains(&scenario.description.lines().count()), "{}", entry.id);
        }
    }

    #[test]
    fn every_intruder_has_a_scenario_that_agrees_with_the_catalogue() {
        let all = embedded().unwrap();
        for intruder in wirelab_pki::intruders() {
            let wanted = Attack::Intruder { certificate: intruder.id.into() };
            let found: Vec<_> = all
                .iter()
                .filter(|source| {
                    let Scenario { attack, demand, link, environment, .. } = &source.scenario;
                    let usual = link.is_none() && environment.is_none();
                    *attack == wanted && *demand == Demand::Required && usual
                })
                .collect();
            let [source] = *found else { panic!("{}: {} scenarios", intruder.id, found.len()) };
            assert_eq!(source.scenario.importance, intruder.importance, "{}", intruder.id);
            assert_eq!(source.scenario.references[0], intruder.reference, "{}", intruder.id);
        }
    }

    #[test]
    fn ids_folders_of_ids_files_and_folders() {
        let postures = ids(&["posture"]);
        assert!(postures.len() > 5 && !ids(&[]).contains(&postures[0]));
        assert_eq!(ids(&[]).len(), carried(&EMBEDDED).len() - postures.len());
        let filter = Filter { tags: vec!["posture".into()] };
        assert_eq!(select(&[], &filter).unwrap().len(), postures.len(), "a tag names them as well");
        assert_eq!(ids(&["stall"]), ["stall/stall-drip", "stall/stall-silent", "stall/stall-unfinished"]);
        assert_eq!(ids(&["mitm/impostor-expired"]), ["mitm/impostor-expired"]);
        assert!(ids(&["mitm", "mitm/relay-read"]).len() > 1, "twice the same is once");
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("../../../scenarios/eavesdrop/session.toml")
            .replace("eavesdrop/session", "mine/one");
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/one.toml"), &text).unwrap();
        assert_eq!(ids(&[folder.path().to_str().unwrap()]), ["mine/one"]);
        std::fs::write(folder.path().join("two.toml"), text.replace("whole", "half")).unwrap();
        let error = select(&[folder.path().display().to_string()], &Filter::default()).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Parse, "{error}");
    }

    #[test]
    fn a_client_for_one_server_takes_part_in_what_needs_no_more() {
        let all: Vec<Scenario> = embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        let count = all.len();
        let (suited_ones, left_out) = suited(all.clone(), &[Topology::Standalone], false).unwrap();
        assert!(suited_ones.iter().all(|scenario| scenario.link.is_none()));
        let links = all.iter().filter(|scenario| scenario.link.is_some()).cloned().collect();
        let error = suited(links, &[Topology::Standalone], false).unwrap_err();
        assert!(error.to_string().contains("links between servers"), "{error}");
        assert!(suited_ones.iter().all(|scenario| scenario.topology == Topology::Standalone));
        assert!(left_out > 0 && suited_ones.len() + left_out == count);
        let cluster = all.into_iter().filter(|scenario| scenario.topology == Topology::Cluster).collect();
        let error = suited(cluster, &[Topology::Standalone], false).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::NothingSelected);
        assert!(error.to_string().contains("add --topology cluster"), "{error}");
    }

    #[test]
    fn nobody_else_is_asked_to_cache_or_to_subscribe() {
        let all: Vec<Scenario> = embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        let count = all.len();
        let (kept, left_out) = common(all.clone(), false).unwrap();
        assert!(left_out == 4 && kept.len() + left_out == count);
        assert!(kept.iter().any(|scenario| scenario.id == "redis/tamper-reply-dropped"));
        let cache =
            all.iter().filter(|scenario| scenario.id.starts_with("redis/tamper-inval")).cloned().collect();
        let (brief, _) = common(all.clone(), true).unwrap();
        assert_eq!(kept.len() - brief.len(), 2, "word of another master comes late");
        assert_eq!(common(cache, false).unwrap_err().exit_code(), ExitCode::NothingSelected);
    }

    /// What there is to tamper with, to bait with and to break with: each is a scenario.
    #[test]
    fn every_way_to_tamper_to_bait_and_to_break_is_a_scenario() {
        let all = embedded().unwrap();
        let count = |prefix: &str| all.iter().filter(|s| s.scenario.id.starts_with(prefix)).count();
        let mut hows: Vec<_> = all.iter().filter_map(|source| how(&source.scenario.attack)).collect();
        assert_eq!(hows.len(), count("redis/tamper-") + count("redis/bait-") + count("redis/hostile-"));
        hows.sort();
        hows.dedup();
        assert_eq!(hows.len(), 12 + 4 + 5, "{hows:?}");
    }

    fn how(attack: &Attack) -> Option<String> {
        match attack {
            Attack::Tamper { how, .. } => Some(format!("tamper {how:?}")),
            Attack::Bait { how, .. } => Some(format!("bait {how:?}")),
            Attack::HostileReply { how } => Some(format!("hostile {how:?}")),
            _ => None,
        }
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_code() {
        let code = |wanted: &str, tag: Option<&str>| {
            let filter = Filter { tags: tag.map(str::to_owned).into_iter().collect() };
            select(&[wanted.to_owned()], &filter).unwrap_err().exit_code()
        };
        assert_eq!(code("no/such.toml", None), ExitCode::Usage);
        assert_eq!(code("mitm", Some("nope")), ExitCode::NothingSelected);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(code(empty.path().to_str().unwrap(), None), ExitCode::NothingSelected);
    }
}
