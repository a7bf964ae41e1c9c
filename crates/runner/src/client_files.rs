//! What reading the files of a clients folder can go wrong with.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::path::{Path, PathBuf};
use thiserror::Error;
use wirelab_model::ExitCode;

/// Largest file of a clients folder in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Why the clients folder cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum ClientsError {
    /// There is none.
    #[error("there is no clients folder {}", folder.display())]
    #[diagnostic(
        code(wirelab::clients),
        help(
            "run wirelab at the top of its repository, or name the folder with --clients DIR or in the environment variable WIRELAB_CLIENTS"
        )
    )]
    NoFolder {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// It has no client.
    #[error("no folder in {} has a client.toml", folder.display())]
    #[diagnostic(
        code(wirelab::clients),
        help(
            "docs/adapters.md of wirelab tells how to add a client; or name another folder with --clients DIR"
        )
    )]
    Empty {
        /// Which folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    #[diagnostic(code(wirelab::clients), help("check the path and its permissions"))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(Box<FileError>),
    /// No such client.
    #[error("there is no client `{given}`")]
    #[diagnostic(code(wirelab::clients), help("there are: {known}"))]
    Unknown {
        /// The name.
        given: String,
        /// All names.
        known: String,
    },
}

impl ClientsError {
    /// What the process returns.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::File(_) => ExitCode::Parse,
            _ => ExitCode::Usage,
        }
    }
}

/// A file of a clients folder that is wrong, with the place.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(wirelab::clients))]
pub struct FileError {
    message: String,
    #[help]
    help: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    place: SourceSpan,
}

/// A file that was read, to point at places of it.
pub(crate) struct Text {
    name: String,
    text: String,
}

impl Text {
    /// Reads a file; none where it is not there.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, ClientsError> {
        let unreadable = |reason: String| ClientsError::Unreadable { path: path.to_owned(), reason };
        match std::fs::metadata(path) {
            Ok(file) if file.len() > MOST_BYTES => {
                return Err(unreadable(format!("it has more than {MOST_BYTES} bytes")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some(Self { name: path.display().to_string(), text }))
    }

    /// What it says. `schema` is the name of its schema.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self, schema: &str) -> Result<T, ClientsError> {
        toml::from_str(&self.text).map_err(|error| {
            let help = format!("`wirelab schema {schema}` prints all keys");
            self.error(error.message(), &help, error.span().unwrap_or(0..0).into())
        })
    }

    /// A fault, shown at entry `entry` (from 0) of the array of tables `[[array]]`, and there at the first
    /// `at`, if it is there.
    pub(crate) fn fault(
        &self,
        message: &str,
        help: &str,
        array: &str,
        entry: usize,
        at: &str,
    ) -> ClientsError {
        let head = format!("[[{array}]]");
        let begin = self.text.match_indices(&head).nth(entry).map_or(0, |(begin, _)| begin);
        let found = self.text.get(begin..).and_then(|rest| rest.find(at)).map(|offset| begin + offset);
        let place = found.map_or((begin, head.len()), |start| (start, at.len()));
        self.error(message, help, place.into())
    }

    fn error(&self, message: &str, help: &str, place: SourceSpan) -> ClientsError {
        ClientsError::File(Box::new(FileError {
            message: format!("{}: {message}", self.name),
            help: help.to_owned(),
            source_code: NamedSource::new(&self.name, self.text.clone()),
            place,
        }))
    }
}
