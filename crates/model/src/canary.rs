use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which secret a canary stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryKind {
    /// The password that the client authenticates with.
    Password,
    /// The key that the client writes and reads back.
    Key,
    /// The value that the client writes and reads back.
    Value,
    /// The value that a tamperer puts in place of the real one. The server never holds it.
    Forged,
}

impl CanaryKind {
    /// All kinds, in the order in which people want to read them.
    pub const ALL: [Self; 4] = [Self::Password, Self::Key, Self::Value, Self::Forged];

    /// What a canary of this kind starts with; this part is not secret and stays readable.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Password => "wirelab-password-",
            Self::Key => "wirelab-key-",
            Self::Value => "wirelab-value-",
            Self::Forged => "wirelab-forge-",
        }
    }
}

impl fmt::Display for CanaryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::Key => "key",
            Self::Value => "value",
            Self::Forged => "forged value",
        })
    }
}

/// The random secrets of one trial. Finding one of them is what "leaked" means.
///
/// Each is ASCII (`a-z`, `0-9`, `-`), so that it goes through every client, URL and configuration
/// string unchanged. `value` and `forged` have the same length: a tamperer can swap them in flight.
#[derive(Clone, PartialEq, Eq)]
pub struct Canaries {
    /// Password of the user `default`.
    pub password: String,
    /// Key to SET and GET.
    pub key: String,
    /// Value to SET and to expect from GET.
    pub value: String,
    /// What a tamperer answers in place of `value`.
    pub forged: String,
}

impl Canaries {
    /// Makes the four secrets from 4 x 12 random bytes.
    pub fn new(random: [[u8; 12]; 4]) -> Self {
        let [password, key, value, forged] = random;
        let make = |kind: CanaryKind, random: [u8; 12]| {
            random.iter().fold(kind.prefix().to_owned(), |text, byte| text + &format!("{byte:02x}"))
        };
        Self {
            password: make(CanaryKind::Password, password),
            key: make(CanaryKind::Key, key),
            value: make(CanaryKind::Value, value),
            forged: make(CanaryKind::Forged, forged),
        }
    }

    /// The secret of one kind.
    pub fn get(&self, kind: CanaryKind) -> &str {
        match kind {
            CanaryKind::Password => &self.password,
            CanaryKind::Key => &self.key,
            CanaryKind::Value => &self.value,
            CanaryKind::Forged => &self.forged,
        }
    }
}

/// Never prints a secret.
impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canaries(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_and_forged_have_one_length_and_debug_is_masked() {
        let canaries = Canaries::new([[1; 12], [2; 12], [3; 12], [0xab; 12]]);
        assert_eq!(canaries.value.len(), canaries.forged.len());
        assert_eq!(canaries.get(CanaryKind::Password), "wirelab-password-010101010101010101010101");
        assert!(!format!("{canaries:?}").contains("0101"));
    }
}
