use wirelab_model::{Got, Verdict};

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What the evidence amounts to.
    pub verdict: Verdict,
    /// What the attacker got; sorted, and empty unless `compromised`.
    pub got: Vec<Got>,
    /// One sentence for people.
    pub why: String,
    /// Whether the client went where the rogue sent it. None where it sent it nowhere, or where that cannot be told.
    pub followed: Option<bool>,
}

impl Finding {
    pub(crate) fn compromised(mut got: Vec<Got>, why: impl Into<String>) -> Self {
        got.sort();
        got.dedup();
        Self { verdict: Verdict::Compromised, got, why: why.into(), followed: None }
    }

    pub(crate) fn secure(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Secure, got: Vec::new(), why: why.into(), followed: None }
    }

    pub(crate) fn hung(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Hung, got: Vec::new(), why: why.into(), followed: None }
    }

    /// The lab cannot tell, for the reason given.
    pub fn inconclusive(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Inconclusive, got: Vec::new(), why: why.into(), followed: None }
    }

    /// The arm was not run, for the reason given.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, got: Vec::new(), why: why.into(), followed: None }
    }
}
