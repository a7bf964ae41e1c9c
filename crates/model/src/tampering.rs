//! What an attacker in the middle does to a conversation of Redis, and what one in the server's place says
//! to those who log in.

use crate::Got;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a relay that ends TLS does to the commands and replies that it passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tampering {
    /// Answers GET with another value, and in another type.
    ReplyType,
    /// Makes the server refuse SET, and tells the client that it was done.
    ReplyError,
    /// Keeps the reply to SET: each reply after it goes to the wrong command.
    ReplyDropped,
    /// Sends the reply to SET twice: each reply after it goes to the wrong command.
    ReplyDuplicated,
    /// Puts in a message, as RESP3 pushes them, of a channel that nobody has subscribed to.
    PushForged,
    /// Puts in a word that a cached key has changed, and answers who asks again.
    InvalidationForged,
    /// Keeps the word that a cached key has changed.
    InvalidationDropped,
    /// Puts in a message of a channel that the client has subscribed to.
    MessageForged,
    /// Keeps the messages of a channel that the client has subscribed to.
    MessageDropped,
    /// Has SET and GET work on another key.
    KeyRewritten,
    /// Sends CONFIG in the place of GET, and makes up the value.
    CommandSwapped,
    /// Puts in an EVAL that changes the value, and keeps its reply.
    ScriptInjected,
}

impl Tampering {
    /// The conversation that it needs.
    pub fn talk(self) -> Talk {
        match self {
            Self::ReplyType
            | Self::ReplyError
            | Self::KeyRewritten
            | Self::CommandSwapped
            | Self::ScriptInjected => Talk::Simple,
            Self::ReplyDropped | Self::ReplyDuplicated | Self::PushForged => Talk::Pipelined,
            Self::InvalidationForged | Self::InvalidationDropped => Talk::Cached,
            Self::MessageForged | Self::MessageDropped => Talk::Subscribed,
        }
    }

    /// What the attacker has where it works.
    pub fn worth(self) -> Got {
        match self {
            Self::KeyRewritten | Self::CommandSwapped | Self::ScriptInjected => Got::TamperedCommand,
            _ => Got::TamperedReply,
        }
    }
}

/// What the client of the lab does once it is connected. Others do what they do.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Talk {
    /// SET, and GET.
    #[default]
    Simple,
    /// The same over RESP3, with several commands on their way at once.
    Pipelined,
    /// With a cache of its own, which the server invalidates.
    /// <https://redis.io/docs/latest/develop/reference/client-side-caching/>
    Cached,
    /// The value comes as a message of a channel.
    /// <https://redis.io/docs/latest/develop/pubsub/>
    Subscribed,
    /// It asks a Sentinel for the master, and goes where the Sentinel then says that the master has gone.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/>
    Failover,
}

impl Talk {
    /// Whether every client may talk like this, or only one that was written to.
    pub fn is_common(self) -> bool {
        matches!(self, Self::Simple | Self::Pipelined | Self::Failover)
    }

    /// The word of evidence folders.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Pipelined => "pipelined",
            Self::Cached => "cached",
            Self::Subscribed => "subscribed",
            Self::Failover => "failover",
        }
    }
}

impl fmt::Display for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a rogue server does with those who log in, to get more out of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bait {
    /// Says nothing, and takes what is sent before the first reply.
    Silent,
    /// Calls every password wrong.
    WrongPassword,
    /// Takes every password, and answers each command that the client has not logged in.
    NoAuth,
    /// Knows no HELLO, as servers before Redis 6.
    NoHello,
}
