use wirelab_model::{ArmRecord, Exception, Got, Matrix, Outcome, RunRecord, Transport, Verdict};

/// What the attacker got in an arm, for people: `password, data`.
pub fn gained(arm: &ArmRecord) -> String {
    gained_by(arm.verdict, &arm.got)
}

pub(crate) fn gained_by(verdict: Verdict, got: &[Got]) -> String {
    if verdict != Verdict::Compromised {
        return match verdict {
            Verdict::Secure => "nothing".into(),
            other => other.to_string(),
        };
    }
    things(got)
}

/// What somebody got: `password, data`.
pub(crate) fn things(got: &[Got]) -> String {
    let words: Vec<String> = got
        .iter()
        .map(|got| match got {
            Got::Credential => "password".into(),
            Got::TamperedReply => "forged reply".into(),
            Got::Denial => "denial of service".into(),
            other => other.to_string(),
        })
        .collect();
    words.join(", ")
}

/// Whether the client took over verified TLS what it may take.
fn allowed(arm: &ArmRecord) -> bool {
    mark(arm) == '~'
}

/// Whether the arm is other than its scenario says, and that is known of this client or waived.
fn excepted(arm: &ArmRecord) -> bool {
    arm.as_expected && arm.exception.is_some()
}

/// What marks an arm: ` `, `!` where it is not as expected, `~` where a client may be like this, `*` where
/// this client is known to be like this, `w` where it is waived.
pub(crate) fn mark(arm: &ArmRecord) -> char {
    mark_of(arm.as_expected, arm.exception.as_ref(), !arm.liveness, arm.verdict)
}

pub(crate) fn mark_of(
    as_expected: bool,
    exception: Option<&Exception>,
    protected: bool,
    verdict: Verdict,
) -> char {
    match exception {
        _ if !as_expected => '!',
        Some(Exception { until: Some(_), .. }) => 'w',
        Some(_) => '*',
        None if protected && verdict == Verdict::Compromised => '~',
        None => ' ',
    }
}

/// What symbols and marks mean.
pub(crate) const LEGEND: &str = "✓ nothing  ✗ compromised  … hung  ? inconclusive  – skipped  (blank) not for this client\n\
    ! not as expected  ~ a client may be like this  * this client is known to be like this  w waived";

/// Why an arm is not as expected, in one line.
pub(crate) fn shortfall(arm: &ArmRecord) -> String {
    let is = match arm.verdict {
        Verdict::Compromised => format!("it is compromised: {}", gained(arm)),
        verdict => format!("it is {verdict}"),
    };
    match &arm.exception {
        None => format!("expected {}, but {is}", arm.expected),
        Some(Exception { until: Some(day), expired: true, reason, .. }) => {
            format!("the waiver ended with {day} ({reason}); {is}")
        }
        Some(Exception { until: Some(day), reason, .. }) if arm.verdict == Verdict::Secure => {
            format!("waived until {day} ({reason}), but {is}: the waiver can go")
        }
        Some(Exception { reason, .. }) => {
            format!("expected {} of this client ({reason}), but {is}", arm.expected)
        }
    }
}

pub(crate) fn outcome(record: &RunRecord) -> &'static str {
    match record.outcome {
        Outcome::AsExpected if record.arms.iter().any(excepted) => {
            "As expected, but not everywhere secure: see the arms marked with * (known of the client) and w (waived)"
        }
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

/// The same for a matrix.
pub(crate) fn outcome_of(matrix: &Matrix) -> &'static str {
    match matrix.outcome {
        Outcome::AsExpected => {
            "As expected: every cell is what its scenario says, or what is known of its client"
        }
        Outcome::Unexpected => "Not as expected: see the cells marked with !",
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
