//! The keys of a session, of either version.

use super::open;
use wirelab_tls::{Keys, OldKeys, kind};

pub(super) enum Locks {
    /// TLS 1.3.
    Modern { seal: Keys, open: Keys },
    /// TLS 1.2.
    Old { seal: OldKeys, open: OldKeys },
}

impl Locks {
    /// A record of this type.
    pub(super) fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Modern { seal, .. } => seal.seal(kind, content),
            Self::Old { seal, .. } => seal.seal(kind, content),
        }
    }

    /// Type and content of a record. What has no protection where it may have none is as it is.
    pub(super) fn open(&mut self, of: u8, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        match self {
            Self::Modern { open: keys, .. } if of == kind::APPLICATION_DATA => open(keys, payload),
            Self::Old { open: keys, .. } if of != kind::CHANGE_CIPHER_SPEC => {
                keys.open(of, payload).map(|content| (of, content))
            }
            Self::Modern { .. } | Self::Old { .. } => Some((of, payload.to_vec())),
        }
    }
}
