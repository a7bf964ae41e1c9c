use wirelab_model::{ArmRecord, Got, Outcome, Transport, Verdict};

/// What the attacker got in an arm, for people: `password, data`.
pub fn gained(arm: &ArmRecord) -> String {
    if arm.verdict != Verdict::Compromised {
        return match arm.verdict {
            Verdict::Secure => "nothing".into(),
            other => other.to_string(),
        };
    }
    let words: Vec<String> = arm
        .got
        .iter()
        .map(|got| match got {
            Got::Credential => "password".into(),
            Got::TamperedReply => "forged reply".into(),
            other => other.to_string(),
        })
        .collect();
    words.join(", ")
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::AsExpected => "As expected: everything leaks without TLS, and nothing with verified TLS.",
        Outcome::Unexpected => "Not as expected: see the arms marked with !",
        Outcome::Inconclusive => "Inconclusive: the lab could not tell, and that is no pass.",
    }
}

pub(crate) fn symbol(verdict: Verdict) -> char {
    match verdict {
        Verdict::Secure => '✓',
        Verdict::Compromised => '✗',
        Verdict::Hung => '…',
        Verdict::Inconclusive => '?',
        Verdict::Skipped => '–',
    }
}

/// Heading of the column of a transport.
pub(crate) fn column_title(transport: Transport) -> &'static str {
    match transport {
        Transport::Plaintext => "without TLS",
        Transport::TlsUnverified => "TLS, unverified",
        Transport::Tls => "TLS, verified",
    }
}
