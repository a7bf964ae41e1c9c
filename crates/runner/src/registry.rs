//! The registry: which clients there are, and whether they can run here.

use crate::client_files::{ClientsError, Text};
use std::path::{Path, PathBuf};
use wirelab_model::{ClientRecord, RegistryEntry, RegistryFile, Scenario};
use wirelab_subject::{Adapter, AdapterCommand};

/// A client of the registry.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What people are told of it.
    pub record: ClientRecord,
    /// It was asked for by its name.
    pub required: bool,
    /// Its set-up: program and arguments.
    pub setup: Option<Vec<String>>,
    /// Where its files are.
    pub folder: PathBuf,
    /// Starts it.
    pub adapter: Adapter,
    needs: Vec<String>,
    get: String,
}

impl Registered {
    /// What it needs and this machine does not have, with how to get it.
    pub fn missing(&self) -> Option<String> {
        let missing: Vec<String> = self
            .needs
            .iter()
            .filter(|program| !wirelab_subject::is_there(program))
            .map(|program| format!("`{program}`"))
            .collect();
        (!missing.is_empty())
            .then(|| format!("{} is missing; to get it: {}", missing.join(" and "), self.get))
    }

    /// Notes it where none of the scenarios is for what it connects to: it is not to be missed in silence.
    pub(crate) fn leave_out_of(&mut self, scenarios: &[Scenario]) {
        if self.record.skipped.is_none() && !scenarios.iter().any(|one| self.adapter.knows(one.topology)) {
            let mut others: Vec<String> = scenarios.iter().map(|one| one.topology.to_string()).collect();
            others.sort();
            others.dedup();
            let others = others.join(" and ");
            self.record.skipped = Some(format!(
                "the scenarios are for clients of {others}, which its `topologies` do not have"
            ));
        }
    }

    /// Starts its adapter and ends it again, and notes what it runs on or why it cannot run.
    pub async fn probe(mut self, launcher: &[String]) -> Self {
        if let Some(missing) = self.missing() {
            self.record.skipped = Some(missing);
            return self;
        }
        match self.adapter.probe(launcher).await {
            Ok(hello) => {
                self.record.runtime = Some(hello.runtime);
                // The registry may say only how it begins.
                self.record.version = hello.version;
            }
            Err(reason) => {
                let set_up = match self.setup {
                    Some(_) => {
                        format!("; was it set up? `wirelab clients --install {}` does it", self.record.name)
                    }
                    None => String::new(),
                };
                self.record.skipped = Some(reason + &set_up);
            }
        }
        self
    }
}

/// The clients that `registry.toml` in a clients folder names, in its order.
///
/// # Errors
/// See [`ClientsError`].
pub fn registry(folder: &Path) -> Result<Vec<Registered>, ClientsError> {
    // Adapters are run in their own folders, so the path must hold from there too.
    let folder = &std::path::absolute(folder)
        .map_err(|error| ClientsError::Unreadable { path: folder.to_owned(), reason: error.to_string() })?;
    let Some(text) = Text::read(&folder.join("registry.toml"))? else {
        return Err(ClientsError::NoRegistry { folder: folder.clone() });
    };
    let file: RegistryFile = text.parse("registry")?;
    if file.clients.is_empty() {
        let help = "add at least one `[[client]]`";
        return Err(text.fault("there is no client", help, "client", 0, "client"));
    }
    let mut clients: Vec<Registered> = Vec::new();
    for (index, entry) in file.clients.into_iter().enumerate() {
        let at =
            |message: String, help: &str, place: &str| text.fault(&message, help, "client", index, place);
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        let name = &entry.name;
        // Folders of a run are named after clients, and files too.
        let taken = ["all", "builtin", "subject", "matrix", "index"].contains(&name.as_str());
        if taken || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(usable) {
            let help = "a name is made of a-z, 0-9, `.` and `-`, and begins with a letter, such as \
                        `redis-py-8.1.0`; `all`, `builtin`, `subject`, `matrix` and `index` are taken";
            return Err(at(format!("the name `{name}` is not usable"), help, name));
        }
        if clients.iter().any(|other| other.record.name == *name) {
            return Err(at(
                format!("there is another client `{name}`"),
                "give one of them another name",
                name,
            ));
        }
        let own = folder.join(&entry.folder);
        if !own.is_dir() {
            let message = format!("there is no folder {}", own.display());
            return Err(at(
                message,
                "`folder` is the folder of the adapter, beside this file",
                &entry.folder,
            ));
        }
        for (key, command) in [("run", Some(&entry.run)), ("setup", entry.setup.as_ref())] {
            if command.is_some_and(|words| words.first().is_none_or(String::is_empty)) {
                return Err(at(format!("`{key}` names no program"), "give a program and its arguments", key));
            }
        }
        clients.push(register(entry, own));
    }
    Ok(clients)
}

fn register(entry: RegistryEntry, folder: PathBuf) -> Registered {
    let RegistryEntry {
        name,
        language,
        library,
        version,
        configuration,
        setup,
        run,
        needs,
        get,
        topologies,
        ..
    } = entry;
    let adapter = Adapter::new(AdapterCommand {
        name: name.clone(),
        version: version.clone(),
        argv: run,
        folder: folder.clone(),
        topologies,
    });
    Registered {
        record: ClientRecord {
            name,
            language,
            library,
            version,
            configuration,
            runtime: None,
            skipped: None,
        },
        required: false,
        setup,
        folder,
        adapter,
        needs,
        get,
    }
}

/// Those that are asked for, by name; `all` is all of them. Each once, in the order asked for.
///
/// # Errors
/// A name that no client has.
pub fn choose(registry: &[Registered], wanted: &[String]) -> Result<Vec<Registered>, ClientsError> {
    let mut chosen: Vec<Registered> = Vec::new();
    for given in wanted {
        let found: Vec<_> =
            registry.iter().filter(|client| given == "all" || client.record.name == *given).collect();
        if found.is_empty() {
            let known: Vec<_> = registry.iter().map(|client| client.record.name.as_str()).collect();
            return Err(ClientsError::Unknown { given: given.clone(), known: known.join(", ") });
        }
        for client in found {
            if !chosen.iter().any(|other| other.record.name == client.record.name) {
                chosen.push(client.clone());
            }
        }
    }
    for client in &mut chosen {
        client.required = wanted.contains(&client.record.name);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::ExitCode;

    const GOOD: &str = r#"
[[client]]
name = "two"
language = "Python"
library = "redis"
version = "2"
configuration = "as it comes"
folder = "some"
run = ["./two"]
needs = ["sh"]
get = "apt-get install dash"
[[client]]
name = "one-1.2"
language = "Python"
library = "redis"
version = "1.2.3"
configuration = "as it comes"
folder = "some"
setup = ["./setup.sh", "1.2.3"]
run = ["python3", "my adapter.py"]
needs = ["sh"]
get = "apt-get install dash"
"#;

    fn with(text: &str) -> (tempfile::TempDir, Result<Vec<Registered>, ClientsError>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("some")).unwrap();
        std::fs::write(folder.path().join("registry.toml"), text).unwrap();
        let found = registry(folder.path());
        (folder, found)
    }

    #[test]
    fn clients_are_found_with_their_commands_and_chosen_by_name() {
        let (folder, found) = with(GOOD);
        let found = found.unwrap();
        let names = |clients: &[Registered]| -> Vec<String> {
            clients.iter().map(|client| client.record.name.clone()).collect()
        };
        assert_eq!(names(&found), ["two", "one-1.2"]);
        assert_eq!(found[0].folder, folder.path().join("some"));
        assert_eq!(found[0].setup, None);
        assert_eq!(found[1].setup.as_deref(), Some(&["./setup.sh".to_owned(), "1.2.3".to_owned()][..]));
        assert_eq!(found[0].missing(), None);
        let chosen =
            |wanted: &[&str]| choose(&found, &wanted.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let both = chosen(&["one-1.2", "all"]).unwrap();
        assert_eq!(names(&both), ["one-1.2", "two"]);
        assert_eq!((both[0].required, both[1].required), (true, false));
        let error = chosen(&["thre"]).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage);
    }

    /// What a client cannot connect to is no reason to call it tested.
    #[test]
    fn a_client_that_no_scenario_is_for_is_told_of() {
        let all: Vec<Scenario> =
            crate::embedded().unwrap().into_iter().map(|source| source.scenario).collect();
        let some = |id: &str| all.iter().filter(|scenario| scenario.id == id).cloned().collect::<Vec<_>>();
        let (cluster, standalone) = (some("redis/map-plaintext"), some("eavesdrop/session"));
        let (_folder, found) = with(&GOOD.replacen("run = [", "topologies = [\"cluster\"]\nrun = [", 1));
        let [in_cluster, other] = &found.unwrap()[..] else { panic!("two clients") };
        let skipped = |client: &Registered, scenarios: &[Scenario]| {
            let mut client = client.clone();
            client.leave_out_of(scenarios);
            client.record.skipped
        };
        assert_eq!(skipped(in_cluster, &cluster), None);
        assert_eq!(skipped(other, &standalone), None, "what says nothing is for one server");
        assert!(skipped(in_cluster, &standalone).unwrap().contains("clients of standalone"));
        assert!(skipped(other, &cluster).unwrap().contains("clients of cluster"));
    }

    #[test]
    fn what_is_missing_is_named_with_how_to_get_it() {
        let (_folder, found) = with(&GOOD.replace("\"sh\"", "\"sh\", \"no-such-program\""));
        let missing = found.unwrap()[0].missing().unwrap();
        assert!(missing.contains("`no-such-program`") && missing.contains("dash"), "{missing}");
    }

    #[test]
    fn faults_have_their_place() {
        for (from, to, told) in [
            ("\"two\"", "\"one-1.2\"", "another client"),
            ("one-1.2", "One", "`One` is not usable"),
            ("\"two\"", "\"all\"", "`all` is not usable"),
            ("[\"./two\"]", "[]", "`run` names no program"),
            ("\"./setup.sh\"", "\"\"", "`setup` names no program"),
            ("\"some\"", "\"none\"", "there is no folder"),
            ("language", "languages", "unknown field"),
        ] {
            let (_folder, found) = with(&GOOD.replacen(from, to, 1));
            let error = found.unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
            assert!(error.to_string().contains("registry.toml"), "{error}");
            assert_eq!(error.exit_code(), ExitCode::Parse);
        }
        let (_folder, found) = with("client = []");
        assert_eq!(found.unwrap_err().exit_code(), ExitCode::Parse);
        let empty = tempfile::tempdir().unwrap();
        for folder in [empty.path().to_owned(), empty.path().join("x")] {
            assert!(matches!(registry(&folder), Err(ClientsError::NoRegistry { .. })));
        }
    }
}
