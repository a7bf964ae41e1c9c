//! The registry: which clients a clients folder holds, and whether they can run here.

use crate::client_files::{ClientsError, Text};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use wirelab_model::{ClientEntry, ClientFile, ClientRecord};
use wirelab_subject::{Adapter, AdapterCommand, split};

/// Most folders that a clients folder may hold; more is a wrong folder.
const MOST_FOLDERS: usize = 1000;

/// A client of the registry.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What people are told of it.
    pub record: ClientRecord,
    /// It was asked for by its name.
    pub required: bool,
    /// Its set-up: program and arguments.
    pub install: Option<Vec<String>>,
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
        let path = std::env::var_os("PATH").unwrap_or_default();
        let missing: Vec<String> = self
            .needs
            .iter()
            .filter(|program| !on_path(&path, program))
            .map(|program| format!("`{program}`"))
            .collect();
        (!missing.is_empty())
            .then(|| format!("{} is missing; to get it: {}", missing.join(" and "), self.get))
    }

    /// Starts its adapter and ends it again, and notes what it runs on or why it cannot run.
    pub async fn probe(mut self, launcher: &[String]) -> Self {
        if let Some(missing) = self.missing() {
            self.record.skipped = Some(missing);
            return self;
        }
        match self.adapter.probe(launcher).await {
            Ok(hello) => self.record.runtime = Some(hello.runtime),
            Err(reason) => {
                let set_up = match self.install {
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

fn on_path(path: &std::ffi::OsStr, program: &str) -> bool {
    std::env::split_paths(path).any(|folder| {
        std::fs::metadata(folder.join(program))
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

/// The clients of a folder: those of each `FOLDER/client.toml` in it, by name.
///
/// # Errors
/// See [`ClientsError`].
pub fn registry(folder: &Path) -> Result<Vec<Registered>, ClientsError> {
    let unreadable = |error: std::io::Error| ClientsError::Unreadable {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    // Adapters are run in their own folders, so the path must hold from there too.
    let folder = &std::path::absolute(folder).map_err(unreadable)?;
    if !folder.is_dir() {
        return Err(ClientsError::NoFolder { folder: folder.clone() });
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)?.take(MOST_FOLDERS) {
        folders.push(entry.map_err(unreadable)?.path());
    }
    folders.sort();
    let mut clients = BTreeMap::new();
    for folder in folders.iter().filter(|path| path.is_dir()) {
        let Some(text) = Text::read(&folder.join("client.toml"))? else { continue };
        let file: ClientFile = text.parse("client")?;
        if file.clients.is_empty() {
            let help = "add at least one `[[client]]`";
            return Err(text.fault("there is no client", help, "client", 0, "client"));
        }
        for (index, entry) in file.clients.iter().enumerate() {
            let client = read(&text, &file, entry, index, folder)?;
            if clients.insert(entry.name.clone(), client).is_some() {
                let message = format!("there is another client `{}`", entry.name);
                return Err(text.fault(
                    &message,
                    "give one of them another name",
                    "client",
                    index,
                    &entry.name,
                ));
            }
        }
    }
    if clients.is_empty() {
        return Err(ClientsError::Empty { folder: folder.clone() });
    }
    Ok(clients.into_values().collect())
}

fn read(
    text: &Text,
    file: &ClientFile,
    entry: &ClientEntry,
    index: usize,
    folder: &Path,
) -> Result<Registered, ClientsError> {
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let name = &entry.name;
    // Folders of a run are named after clients, these among them.
    let taken = ["all", "builtin", "subject"].contains(&name.as_str());
    if taken || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(usable) {
        let message = format!("the name `{name}` is not usable");
        let help = "a name is made of a-z, 0-9, `.` and `-`, and begins with a letter, such as `redis-py-8`; \
                    `all`, `builtin` and `subject` are taken";
        return Err(text.fault(&message, help, "client", index, name));
    }
    let words = |line: &str| {
        split(line).map_err(|error| {
            let help = "a command line is split as by a shell, but run through none";
            text.fault(&error.to_string(), help, "client", index, line)
        })
    };
    let command = AdapterCommand {
        name: name.clone(),
        version: entry.version.clone(),
        argv: words(&entry.run)?,
        folder: folder.to_owned(),
    };
    Ok(Registered {
        record: ClientRecord {
            name: name.clone(),
            language: file.language.clone(),
            library: file.library.clone(),
            version: entry.version.clone(),
            configuration: entry.configuration.clone(),
            runtime: None,
            skipped: None,
        },
        required: false,
        install: entry.install.as_deref().map(words).transpose()?,
        folder: folder.to_owned(),
        adapter: Adapter::new(command),
        needs: file.needs.clone(),
        get: file.get.clone(),
    })
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
language = "Python"
library = "redis"
needs = ["sh"]
get = "apt-get install dash"
[[client]]
name = "one-1.2"
version = "1.2.3"
configuration = "as it comes"
install = "./setup.sh 1.2.3"
run = "python3 'my adapter.py'"
[[client]]
name = "two"
version = "2"
configuration = "as it comes"
run = "./two"
"#;

    fn with(text: &str) -> (tempfile::TempDir, Result<Vec<Registered>, ClientsError>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("some")).unwrap();
        std::fs::write(folder.path().join("some/client.toml"), text).unwrap();
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
        assert_eq!(names(&found), ["one-1.2", "two"]);
        assert_eq!(found[0].folder, folder.path().join("some"));
        assert_eq!(found[0].install.as_deref(), Some(&["./setup.sh".to_owned(), "1.2.3".to_owned()][..]));
        assert_eq!(found[0].missing(), None);
        let chosen =
            |wanted: &[&str]| choose(&found, &wanted.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&chosen(&["two", "all"]).unwrap()), ["two", "one-1.2"]);
        let error = chosen(&["thre"]).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage);
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
            ("two\"", "one-1.2\"", "another client"),
            ("one-1.2", "One", "`One` is not usable"),
            ("\"two\"", "\"all\"", "`all` is not usable"),
            ("'my adapter.py'", "'my adapter.py", "quotation mark"),
            ("language", "languages", "unknown field"),
        ] {
            let (_folder, found) = with(&GOOD.replace(from, to));
            let error = found.unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
            assert!(error.to_string().contains("client.toml"), "{error}");
            assert_eq!(error.exit_code(), ExitCode::Parse);
        }
        let (_folder, found) = with(GOOD.split("[[client]]").next().unwrap());
        assert_eq!(found.unwrap_err().exit_code(), ExitCode::Parse);
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(registry(empty.path()), Err(ClientsError::Empty { .. })));
        assert!(matches!(registry(&empty.path().join("x")), Err(ClientsError::NoFolder { .. })));
    }
}
