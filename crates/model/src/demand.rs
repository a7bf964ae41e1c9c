use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a server with mutual TLS makes of the certificates of clients. One that is shown must be good in any case.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// It turns clients away that show none: `tls-auth-clients yes` of redis-server.
    #[default]
    Required,
    /// It lets them in: `tls-auth-clients optional`.
    Optional,
    /// It turns them away, and the certificate is the login: whoever shows one is the user of its common name, without a
    /// password. `tls-auth-clients-user CN` of Redis 8.6 and Valkey 9.
    Named,
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Named => "named",
        })
    }
}
