//! What a hostile server answers to break its client.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most resident memory that a client may take while it is answered like this: 256 MiB. What it is sent is
/// less than a tenth of that.
pub const MOST_MEMORY: u64 = 256 << 20;

/// A reply that costs a client more than it costs the server, where the client does not bound it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hostility {
    /// A string of 320 MiB, as its length says; nothing of it comes but the beginning.
    HugeLength,
    /// A string of a length below -1, which no version of the protocol has.
    NegativeLength,
    /// A million arrays, each in the one before it.
    DeepNesting,
    /// An array of 40 Mi elements, which come for ever, in the end one after the other.
    EndlessArray,
    /// A RESP3 attribute before the reply, and one before that, for ever.
    /// <https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md#attribute-type>
    AttributeBomb,
}
