//! International bank account numbers (ISO 13616).

use std::ops::Range;

/// Countries and the form of their account numbers, as the registry of SWIFT writes it: how many digits
/// (`n`), capital letters (`a`) or either (`c`).
const COUNTRIES: [(&str, &str); 76] = [
    ("AD", "8n12c"),
    ("AE", "19n"),
    ("AL", "8n16c"),
    ("AT", "16n"),
    ("AZ", "4a20c"),
    ("BA", "16n"),
    ("BE", "12n"),
    ("BG", "4a6n8c"),
    ("BH", "4a14c"),
    ("BR", "23n1a1c"),
    ("BY", "4c4n16c"),
    ("CH", "5n12c"),
    ("CR", "18n"),
    ("CY", "8n16c"),
    ("CZ", "20n"),
    ("DE", "18n"),
    ("DK", "14n"),
    ("DO", "4c20n"),
    ("EE", "16n"),
    ("EG", "25n"),
    ("ES", "20n"),
    ("FI", "14n"),
    ("FO", "14n"),
    ("FR", "10n11c2n"),
    ("GB", "4a14n"),
    ("GE", "2a16n"),
    ("GI", "4a15c"),
    ("GL", "14n"),
    ("GR", "7n16c"),
    ("GT", "4c20c"),
    ("HR", "17n"),
    ("HU", "24n"),
    ("IE", "4a14n"),
    ("IL", "19n"),
    ("IQ", "4a15n"),
    ("IS", "22n"),
    ("IT", "1a10n12c"),
    ("JO", "4a4n18c"),
    ("KW", "4a22c"),
    ("KZ", "3n13c"),
    ("LB", "4n20c"),
    ("LC", "4a24c"),
    ("LI", "5n12c"),
    ("LT", "16n"),
    ("LU", "3n13c"),
    ("LV", "4a13c"),
    ("LY", "21n"),
    ("MC", "10n11c2n"),
    ("MD", "2c18c"),
    ("ME", "18n"),
    ("MK", "3n10c2n"),
    ("MR", "23n"),
    ("MT", "4a5n18c"),
    ("MU", "4a19n3a"),
    ("NL", "4a10n"),
    ("NO", "11n"),
    ("PK", "4a16c"),
    ("PL", "24n"),
    ("PS", "4a21c"),
    ("PT", "21n"),
    ("QA", "4a21c"),
    ("RO", "4a16c"),
    ("RS", "18n"),
    ("SA", "2n18c"),
    ("SC", "4a20n3a"),
    ("SE", "20n"),
    ("SI", "15n"),
    ("SK", "20n"),
    ("SM", "1a10n12c"),
    ("ST", "21n"),
    ("SV", "4a20n"),
    ("TL", "19n"),
    ("TN", "20n"),
    ("TR", "6n16c"),
    ("UA", "6n19c"),
    ("VG", "4a16n"),
];

/// Countries by their two letters, a bit each: two letters before two digits are seldom those of one.
#[expect(clippy::indexing_slicing, reason = "by the compiler, which refuses what does not fit")]
const KNOWN: [u32; 26] = {
    let mut known = [0; 26];
    let mut index = 0;
    while index < COUNTRIES.len() {
        let code = COUNTRIES[index].0.as_bytes();
        known[(code[0] - b'A') as usize] |= 1 << (code[1] - b'A');
        index += 1;
    }
    known
};

/// Whether the letters of a country are here.
#[inline]
pub(super) fn may_begin(value: &[u8], start: usize) -> bool {
    let letter = |at: usize| value.get(at).map(|byte| byte.wrapping_sub(b'A'));
    let (Some(first), Some(second)) = (letter(start), letter(start + 1)) else { return false };
    KNOWN
        .get(usize::from(first))
        .is_some_and(|known| known.checked_shr(u32::from(second)).is_some_and(|bits| bits & 1 == 1))
}

/// The account number that begins here, together or in groups of four.
#[inline(never)]
pub(super) fn number(value: &[u8], start: usize) -> Option<Range<usize>> {
    let code = value.get(start..start + 2)?;
    code.iter().all(u8::is_ascii_uppercase).then_some(())?;
    if !is_free(start.checked_sub(1).and_then(|before| value.get(before))) {
        return None;
    }
    let found = COUNTRIES.binary_search_by(|(country, _)| country.as_bytes().cmp(code)).ok()?;
    let (_, form) = COUNTRIES.get(found)?;
    let grouped = value.get(start + 4) == Some(&b' ');
    let mut at = start + 4;
    let mut count = 4;
    // The account first, then country and check digits (ISO 7064, modulo 97).
    let mut rest = 0_u32;
    let mut feed = |byte: u8| {
        rest = match byte {
            b'0'..=b'9' => (10 * rest + u32::from(byte - b'0')) % 97,
            _ => (100 * rest + 10 + u32::from(byte.wrapping_sub(b'A'))) % 97,
        };
    };
    let mut form = form.as_bytes();
    while let Some(kind_at) = form.iter().position(|byte| !byte.is_ascii_digit()) {
        let (length, after) = form.split_at_checked(kind_at)?;
        let (kind, later) = after.split_first()?;
        form = later;
        for _ in 0..std::str::from_utf8(length).ok()?.parse::<usize>().ok()? {
            if grouped && count % 4 == 0 {
                (value.get(at) == Some(&b' ')).then_some(())?;
                at += 1;
            }
            let byte = *value.get(at)?;
            let fits = match kind {
                b'n' => byte.is_ascii_digit(),
                b'a' => byte.is_ascii_uppercase(),
                _ => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            };
            fits.then_some(())?;
            feed(byte);
            at += 1;
            count += 1;
        }
    }
    let check = value.get(start + 2..start + 4).filter(|check| check.iter().all(u8::is_ascii_digit))?;
    code.iter().chain(check).for_each(|byte| feed(*byte));
    // 00, 01 and 99 would pass too, but are never given.
    let given = !matches!(check, b"00" | b"01" | b"99");
    (given && rest == 1 && is_free(value.get(at))).then_some(start..at)
}

fn is_free(byte: Option<&u8>) -> bool {
    byte.is_none_or(|byte| {
        byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"+/_-=".contains(byte) || *byte == b'='
    })
}

#[cfg(test)]
mod tests {
    use crate::classes::{Class, Classifier};

    /// An account number of a form, with the right check digits.
    fn number(country: &str, form: &str) -> String {
        let (mut account, mut length) = (String::new(), 0);
        for byte in form.bytes() {
            match byte {
                b'0'..=b'9' => length = 10 * length + usize::from(byte - b'0'),
                b'n' => account.extend("4071".chars().cycle().take(std::mem::take(&mut length))),
                b'a' => account.extend("QZ".chars().cycle().take(std::mem::take(&mut length))),
                _ => account.extend("X7".chars().cycle().take(std::mem::take(&mut length))),
            }
        }
        let rest = format!("{account}{country}00").chars().fold(0, |rest, letter| {
            let value = letter.to_digit(36).unwrap();
            (rest * if value < 10 { 10 } else { 100 } + value) % 97
        });
        format!("{country}{:02}{account}", 98 - rest)
    }

    #[test]
    fn each_form_is_found_wherever_it_lies() {
        let classifier = Classifier::new(false);
        for (country, form) in super::COUNTRIES {
            let together = number(country, form);
            let groups: Vec<_> =
                together.as_bytes().chunks(4).map(|group| str::from_utf8(group).unwrap()).collect();
            for number in [groups.join(" "), together.clone()] {
                for before in 0..70 {
                    let value = format!("{}{number}", " ".repeat(before));
                    let found = classifier.find(b"", value.as_bytes());
                    let ranges: Vec<_> = found.iter().map(|one| (one.class, one.range.clone())).collect();
                    assert_eq!(ranges, [(Class::Iban, before..value.len())], "{value}");
                }
            }
        }
    }

    #[test]
    fn each_country_is_known_and_nothing_else() {
        let letters = || b'A'..=b'Z';
        let known =
            letters().flat_map(|a| letters().map(move |b| [a, b])).filter(|code| super::may_begin(code, 0));
        let countries: Vec<_> = super::COUNTRIES.iter().map(|(code, _)| code.as_bytes()).collect();
        assert_eq!(known.collect::<Vec<_>>(), countries);
        assert!([&b"De"[..], b"dE", b"D", b"0A", b"A\xff"].iter().all(|code| !super::may_begin(code, 0)));
    }

    #[test]
    fn countries_are_sorted() {
        assert!(super::COUNTRIES.is_sorted_by_key(|(country, _)| *country));
    }
}
