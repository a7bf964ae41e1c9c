use wirelab_model::{ArmRecord, Got, Outcome, RunRecord, Transport, Verdict};

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

/// Whether the client took over verified TLS what it may take.
fn allowed(arm: &ArmRecord) -> bool {
    arm.as_expected && !arm.liveness && arm.verdict == Verdict::Compromised
}

/// What marks an arm: ` `, `!` where it is not as expected, `~` where a client may be like this.
pub(crate) fn mark(arm: &ArmRecord) -> char {
    match (arm.as_expected, allowed(arm)) {
        (false, _) => '!',
        (true, true) => '~',
        (true, false) => ' ',
    }
}

pub(crate) fn outcome(record: &RunRecord) -> &'static str {
    match record.outcome {
        Outcome::AsExpected if record.arms.iter().any(allowed) => {
            "As expected: nothing leaks with verified TLS but to certificates that a client may accept, marked with ~"
        }
        Outcome::AsExpected if record.arms.iter().any(|arm| arm.liveness && arm.arm.is_verified()) => {
            "As expected: each attack works where nothing protects against it, and nowhere else."
        }
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
        Transport::MtlsUnverified => "mutual TLS, unverified",
        Transport::Mtls => "mutual TLS",
    }
}
