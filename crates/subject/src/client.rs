use crate::own::Own;
use crate::{Adapter, Target, builtin, command, gullible, own};
use wirelab_model::ClientReport;

/// A client under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Client {
    /// The one that wirelab brings along: the `redis` crate, told to do everything right.
    Builtin,
    /// The one that goes on whatever a peer does to its handshake: it proves that misbehaviour is live.
    Gullible,
    /// The one that believes every length and bounds nothing: it proves that hostile replies are live.
    Fragile,
    /// A program and its arguments, which follows the contract of the environment.
    Command(Vec<String>),
    /// A client of the registry.
    Adapter(Adapter),
}

impl Client {
    /// What people call it: `builtin`, `gullible`, `fragile`, the command as one would type it, or a name of the registry.
    pub fn describe(&self) -> String {
        match self {
            Self::Builtin => "builtin".to_owned(),
            Self::Gullible => "gullible".to_owned(),
            Self::Fragile => "fragile".to_owned(),
            Self::Command(argv) => command::join(argv),
            Self::Adapter(adapter) => adapter.name().to_owned(),
        }
    }

    /// Whether it is one of the lab's, and not under test by a user's wish.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Builtin | Self::Gullible | Self::Fragile)
    }

    /// Its folder in the evidence of a run.
    pub fn folder(&self) -> &str {
        match self {
            Self::Builtin => "builtin",
            Self::Gullible => "gullible",
            Self::Fragile => "fragile",
            Self::Command(_) => "subject",
            Self::Adapter(adapter) => adapter.name(),
        }
    }

    /// Runs it once against `target`, to its end or to the deadline of the target.
    ///
    /// `launcher` starts the supervisor of a command: see [`crate::launcher`].
    pub async fn run(&self, launcher: &[String], target: &Target) -> ClientReport {
        match self {
            Self::Builtin if target.hostile => own::run(Own::Builtin, launcher, target).await,
            Self::Fragile => own::run(Own::Fragile, launcher, target).await,
            Self::Builtin => Box::pin(builtin::run(target)).await,
            Self::Gullible => Box::pin(gullible::run(target)).await,
            Self::Command(argv) => command::run(argv, launcher, target).await,
            Self::Adapter(adapter) => Box::pin(adapter.run(launcher, target)).await,
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
