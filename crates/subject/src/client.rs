use crate::{Target, builtin, command, gullible};
use wirelab_model::ClientReport;

/// A client under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Client {
    /// The one that wirelab brings along: the `redis` crate, told to do everything right.
    Builtin,
    /// The one that goes on whatever a peer does to its handshake: it proves that misbehaviour is live.
    Gullible,
    /// A program and its arguments, which follows the contract of the environment.
    Command(Vec<String>),
}

impl Client {
    /// What people call it: `builtin`, `gullible`, or the command as one would type it.
    pub fn describe(&self) -> String {
        match self {
            Self::Builtin => "builtin".to_owned(),
            Self::Gullible => "gullible".to_owned(),
            Self::Command(argv) => command::join(argv),
        }
    }

    /// Runs it once against `target`, to its end or to the deadline of the target.
    ///
    /// `launcher` starts the supervisor of a command: see [`crate::launcher`].
    pub async fn run(&self, launcher: &[String], target: &Target) -> ClientReport {
        match self {
            Self::Builtin => Box::pin(builtin::run(target)).await,
            Self::Gullible => Box::pin(gullible::run(target)).await,
            Self::Command(argv) => command::run(argv, launcher, target).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_described_as_one_would_type_it() {
        let argv = ["dotnet", "my app.dll", "--accept-any"].map(str::to_owned);
        assert_eq!(Client::Command(argv.to_vec()).describe(), "dotnet 'my app.dll' --accept-any");
        assert_eq!(Client::Builtin.describe(), "builtin");
    }
}
