//! When it is valid: RFC 5280 sections 4.1.2.5 and 6.1.3.

use rcgen::date_time_ymd;
use time::Duration;

use crate::Entry;
use crate::der::{Field, GENERALIZED_TIME, Parts, SEQUENCE, UTC_TIME, elements, open, tlv};
use crate::entry::Expectation::{MustAccept, MustRefuse, Policy};
use crate::entry::Recipe::{Between, Leaf, Patched};
use wirelab_model::Importance::{High, Low, Medium};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "expired",
        title: "expired certificate",
        flaw: "its time ended an hour ago; trusted authority, right name",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "check the dates of the certificate; do not waive chain errors in a callback",
        recipe: Leaf(|params, now| {
            params.not_before = now - Duration::hours(25);
            params.not_after = now - Duration::hours(1);
            Ok(())
        }),
    },
    Entry {
        id: "expired-second",
        title: "certificate that expired a moment ago",
        flaw: "its time ended a second ago",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: Low,
        expectation: MustRefuse,
        host: "localhost",
        fix: "compare to the second, with no grace",
        recipe: Leaf(|params, now| {
            params.not_before = now - Duration::hours(25);
            params.not_after = now - Duration::seconds(1);
            Ok(())
        }),
    },
    Entry {
        id: "expired-1963",
        title: "certificate that expired in 1963",
        flaw: "its time ended in 1963, in the two digits of a UTCTime",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "read two-digit years from 50 on as those of the last century",
        recipe: Leaf(|params, _| {
            params.not_before = date_time_ymd(1962, 1, 1);
            params.not_after = date_time_ymd(1963, 1, 1);
            Ok(())
        }),
    },
    Entry {
        id: "valid-from-now",
        title: "certificate of this very second",
        flaw: "its time begins in the second in which it is made",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "count the first and the last second of its time in",
        recipe: Leaf(|params, now| {
            params.not_before = now;
            Ok(())
        }),
    },
    Entry {
        id: "not-yet-valid",
        title: "certificate of the future",
        flaw: "its time begins in two days",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "check the dates of the certificate; do not waive chain errors in a callback",
        recipe: Leaf(|params, now| {
            params.not_before = now + Duration::days(2);
            params.not_after = now + Duration::days(3);
            Ok(())
        }),
    },
    Entry {
        id: "not-yet-valid-minute",
        title: "certificate of the next minute",
        flaw: "its time begins in a minute",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: Low,
        expectation: MustRefuse,
        host: "localhost",
        fix: "compare to the second, with no grace",
        recipe: Leaf(|params, now| {
            params.not_before = now + Duration::seconds(60);
            Ok(())
        }),
    },
    Entry {
        id: "issuer-expired",
        title: "certificate of an expired authority",
        flaw: "the time of the authority in between ended half an hour ago",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-298",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "check the dates of the whole chain",
        recipe: Between(|params, now| {
            params.not_after = now - Duration::minutes(30);
        }),
    },
    Entry {
        id: "issuer-not-yet-valid",
        title: "certificate of an authority of the future",
        flaw: "the time of the authority in between begins in an hour",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-298",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "check the dates of the whole chain",
        recipe: Between(|params, now| {
            params.not_before = now + Duration::hours(1);
        }),
    },
    Entry {
        id: "dates-reversed",
        title: "certificate that ends before it begins",
        flaw: "its time begins in an hour and ended an hour ago",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-298",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "check both dates",
        recipe: Leaf(|params, now| {
            params.not_before = now + Duration::hours(1);
            params.not_after = now - Duration::hours(1);
            Ok(())
        }),
    },
    Entry {
        id: "time-generalized",
        title: "date in the wrong type",
        flaw: "its dates are GeneralizedTime, which is for 2050 and later",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "follow the standard in what you issue",
        recipe: Patched(|parts| retime(parts, |utc| (GENERALIZED_TIME, [b"20", utc].concat()))),
    },
    Entry {
        id: "time-fraction",
        title: "date with a fraction of a second",
        flaw: "its dates are GeneralizedTime with half a second",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "refuse times that are not DER",
        recipe: Patched(|parts| {
            retime(parts, |utc| (GENERALIZED_TIME, [b"20", without_z(utc), b".5Z"].concat()));
        }),
    },
    Entry {
        id: "time-without-seconds",
        title: "date without seconds",
        flaw: "its dates are UTCTime without seconds",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "refuse times that are not DER",
        recipe: Patched(|parts| {
            retime(parts, |utc| (UTC_TIME, [utc.get(..10).unwrap_or_default(), b"Z"].concat()));
        }),
    },
    Entry {
        id: "time-with-offset",
        title: "date in another time zone",
        flaw: "its dates are UTCTime with the offset +0000 for the Z",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "refuse times that are not DER",
        recipe: Patched(|parts| retime(parts, |utc| (UTC_TIME, [without_z(utc), b"+0000"].concat()))),
    },
    Entry {
        id: "time-without-zone",
        title: "date without a time zone",
        flaw: "its dates are UTCTime without the Z",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "refuse times that are not DER",
        recipe: Patched(|parts| retime(parts, |utc| (UTC_TIME, without_z(utc).to_vec()))),
    },
    Entry {
        id: "time-month-13",
        title: "date in a thirteenth month",
        flaw: "the month of its end is 13",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "refuse times that do not exist",
        recipe: Patched(|parts| {
            retime(parts, |utc| (UTC_TIME, [b"2713", utc.get(4..).unwrap_or_default()].concat()));
        }),
    },
    Entry {
        id: "lifetime-3-years",
        title: "certificate for three years",
        flaw: "its time ends in three years",
        reference: "CA/Browser Forum Baseline Requirements section 6.3.2",
        cwe: "CWE-324",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue certificates for months, and renew them by a program",
        recipe: Leaf(|params, now| {
            params.not_after = now + Duration::days(365 * 3);
            Ok(())
        }),
    },
    Entry {
        id: "lifetime-10-years",
        title: "certificate for ten years",
        flaw: "its time ends in ten years",
        reference: "CA/Browser Forum Baseline Requirements section 6.3.2",
        cwe: "CWE-324",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue certificates for months, and renew them by a program",
        recipe: Leaf(|params, now| {
            params.not_after = now + Duration::days(365 * 10);
            Ok(())
        }),
    },
    Entry {
        id: "lifetime-100-years",
        title: "certificate for a hundred years",
        flaw: "its time ends in a hundred years",
        reference: "CA/Browser Forum Baseline Requirements section 6.3.2",
        cwe: "CWE-324",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue certificates for months, and renew them by a program",
        recipe: Leaf(|params, now| {
            params.not_after = now + Duration::days(365 * 100);
            Ok(())
        }),
    },
    Entry {
        id: "lifetime-forever",
        title: "certificate without an end",
        flaw: "its end is 99991231235959Z, which stands for none",
        reference: "RFC 5280 section 4.1.2.5",
        cwe: "CWE-324",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue certificates for months, and renew them by a program",
        recipe: Leaf(|params, _| {
            params.not_after = date_time_ymd(9999, 12, 31) + Duration::seconds(86_399);
            Ok(())
        }),
    },
];

/// Rewrites both dates. What is given is a UTCTime, as rcgen makes it until 2050.
fn retime(parts: &mut Parts, rewrite: fn(&[u8]) -> (u8, Vec<u8>)) {
    let times =
        open(parts.get(Field::Validity)).and_then(|(content, _)| elements(content)).unwrap_or_default();
    let rewritten = times.iter().filter_map(|time| open(time)).flat_map(|(utc, _)| {
        let (tag, text) = rewrite(utc);
        tlv(tag, &text)
    });
    let validity = tlv(SEQUENCE, &rewritten.collect::<Vec<u8>>());
    parts.set(Field::Validity, validity);
}

fn without_z(utc: &[u8]) -> &[u8] {
    utc.strip_suffix(b"Z").unwrap_or(utc)
}
