use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a server with mutual TLS makes of clients that show no certificate. One that is shown must be good
/// either way.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// It turns them away: `tls-auth-clients yes` of redis-server.
    #[default]
    Required,
    /// It lets them in: `tls-auth-clients optional`.
    Optional,
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Optional => "optional",
        })
    }
}
