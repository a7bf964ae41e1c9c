//! Numbers of cards and of persons.

use super::run;
use std::ops::Range;

/// How far around a number words count.
const NEAR: usize = 48;

/// Digits of the shortest card number.
const FEWEST: usize = 14;

/// Words that say that a number is no card, where they are the last ones before it.
const OTHER_NUMBERS: [&str; 17] = [
    "order",
    "invoice",
    "tracking",
    "track",
    "shipment",
    "serial",
    "imei",
    "isbn",
    "phone",
    "timestamp",
    "time",
    "ts",
    "nonce",
    "seq",
    "offset",
    "id",
    "ref",
];

/// Gives start and length of each run of digits.
pub(super) fn each_run(value: &[u8], give: &mut impl FnMut(usize, usize)) {
    let mut at = 0;
    while let Some(start) = value.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + start;
        at = run(value, start, u8::is_ascii_digit);
        give(start, at - start);
    }
}

/// Whether a run of four or more digits can begin a card number: a group of four, or at least fourteen together.
#[inline]
pub(super) fn may_be_card(value: &[u8], start: usize) -> bool {
    match value.get(start + 4) {
        // The next group has four digits or more: `2024-01-02` has not.
        Some(b' ' | b'-') => {
            value.get(start + 5..start + 9).is_some_and(|next| next.iter().all(u8::is_ascii_digit))
        }
        Some(byte) => byte.is_ascii_digit() && value.get(start + FEWEST - 1).is_some_and(u8::is_ascii_digit),
        None => false,
    }
}

/// A card number that begins here: 14 to 19 digits of a known issuer with a right check digit, together
/// or in the groups that are printed on cards.
#[inline(never)]
pub(super) fn card(name: &[u8], value: &[u8], start: usize) -> Option<Range<usize>> {
    if !is_free(value, start.checked_sub(1), start.checked_sub(2)) {
        return None;
    }
    let mut digits = [0_u8; 19];
    let mut groups = [0_usize; 5];
    let (mut count, mut group, mut at) = (0, 0, start);
    let mut separator = None;
    loop {
        match value.get(at) {
            Some(byte) if byte.is_ascii_digit() => {
                *digits.get_mut(count)? = byte - b'0';
                *groups.get_mut(group)? += 1;
                count += 1;
            }
            Some(byte @ (b' ' | b'-')) if separator.is_none_or(|separator| separator == *byte) => {
                // No group begins with what is no digit, and none but the last is shorter than four.
                if !value.get(at + 1).is_some_and(u8::is_ascii_digit)
                    || groups.get(group).is_none_or(|size| *size < 4)
                {
                    break;
                }
                // A number of its own may stand behind a space.
                if separator.is_none() && count > 4 {
                    break;
                }
                separator = Some(*byte);
                group += 1;
            }
            _ => break,
        }
        at += 1;
    }
    let digits = digits.get(..count)?;
    let grouped = matches!(
        groups,
        [14..=19, 0, ..] | [4, 4, 4, 4, 0] | [4, 6, 5, 0, 0] | [4, 6, 4, 0, 0] | [4, 4, 4, 4, 3]
    );
    let is_card = grouped
        && is_free(value, Some(at), Some(at + 1))
        && is_issued(digits)
        && luhn(digits)
        && digits.iter().any(|digit| Some(digit) != digits.first())
        && !is_other_number(value.get(start.saturating_sub(NEAR)..start).unwrap_or_default(), name);
    is_card.then_some(start..at)
}

/// Whether no number or word goes on at `near`, with `far` beyond it.
fn is_free(value: &[u8], near: Option<usize>, far: Option<usize>) -> bool {
    let get = |at: Option<usize>| at.and_then(|at| value.get(at)).copied();
    match get(near) {
        None => true,
        Some(b'-' | b'.' | b',' | b'/' | b'+' | b'_' | b'=' | b'%' | b'$' | b'#') => {
            // `= 4111..` and the end of a sentence are no part of a number.
            get(far).is_none_or(|byte| {
                !byte.is_ascii_digit() && (get(near) != Some(b'-') || !byte.is_ascii_alphanumeric())
            }) && get(near) != Some(b'_')
                && get(near) != Some(b'/')
        }
        Some(byte) => !byte.is_ascii_alphanumeric() && byte.is_ascii(),
    }
}

/// Issuers by their first digits and lengths (ISO/IEC 7812).
fn is_issued(digits: &[u8]) -> bool {
    let first = digits.iter().take(4).fold(0_u16, |number, digit| 10 * number + u16::from(*digit));
    match digits.len() {
        14 => matches!(first, 3000..=3059 | 3600..=3699 | 3800..=3999),
        15 => matches!(first, 3400..=3499 | 3700..=3799),
        16 => matches!(
            first,
            4000..=4999 | 5100..=5599 | 2221..=2720 | 6011 | 6440..=6599 | 3528..=3589 | 6200..=6299
        ),
        19 => matches!(first, 6200..=6299),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0_u32, |sum, (at, digit)| {
        let digit = u32::from(*digit);
        sum + match (at % 2, digit) {
            (0, _) => digit,
            (_, 0..=4) => 2 * digit,
            _ => 2 * digit - 9,
        }
    });
    sum.is_multiple_of(10)
}

/// Whether the last word before a number, or one of those of the name where there is none, says that
/// it is something else.
fn is_other_number(before: &[u8], name: &[u8]) -> bool {
    let other = |word: &[u8]| {
        let word = word.to_ascii_lowercase();
        // `orderid`, `invoicenumber`; `traceid`, but not `prepaid`.
        OTHER_NUMBERS.iter().any(|other| {
            let head = if other.len() >= 5 { word.get(..other.len()) } else { Some(word.as_slice()) };
            head == Some(other.as_bytes())
        }) || word.len() >= 6 && word.ends_with(b"id") && !word.ends_with(b"paid")
    };
    let mut words = words(before).rev();
    match words.next() {
        Some(last) => {
            let number = [&b"no"[..], b"nr", b"num", b"number"];
            let last = if number.iter().any(|word| last.eq_ignore_ascii_case(word)) {
                words.next()
            } else {
                Some(last)
            };
            last.is_some_and(other)
        }
        None => self::words(name).any(other),
    }
}

/// Words of letters; `orderId` is two.
fn words(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.chunk_by(|a, b| {
        a.is_ascii_alphabetic()
            && b.is_ascii_alphabetic()
            && !(a.is_ascii_lowercase() && b.is_ascii_uppercase())
    })
    .filter(|word| word.first().is_some_and(u8::is_ascii_alphabetic))
}

/// A number like a social security number of the United States (`123-45-6789`), or like a national
/// insurance number of the United Kingdom (`AB123456C`), whose digits begin here.
pub(super) fn national_id(value: &[u8], start: usize) -> Option<Range<usize>> {
    united_states(value, start).or_else(|| united_kingdom(value, start.checked_sub(2)?))
}

fn united_states(value: &[u8], start: usize) -> Option<Range<usize>> {
    let text = value.get(start..start + 11)?;
    let [a, b, c, b'-', d, e, b'-', serial @ ..] = text else { return None };
    let digits = [a, b, c, d, e].into_iter().chain(serial).all(u8::is_ascii_digit);
    let area = [*a, *b, *c];
    let given = area != *b"000" && area != *b"666" && *a != b'9' && [*d, *e] != *b"00" && serial != b"0000";
    let free = is_free(value, start.checked_sub(1), start.checked_sub(2))
        && is_free(value, Some(start + 11), Some(start + 12));
    (digits && given && free).then_some(start..start + 11)
}

fn united_kingdom(value: &[u8], start: usize) -> Option<Range<usize>> {
    let [a, b, digits @ .., last] = value.get(start..start + 9)? else { return None };
    let letters =
        a.is_ascii_uppercase() && b.is_ascii_uppercase() && !b"DFIQUV".contains(a) && !b"DFIQUVO".contains(b);
    let given = ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&[*a, *b]);
    let free = is_free(value, start.checked_sub(1), start.checked_sub(2))
        && is_free(value, Some(start + 9), Some(start + 10));
    let fits =
        letters && given && digits.iter().all(u8::is_ascii_digit) && (b'A'..=b'D').contains(last) && free;
    fits.then_some(start..start + 9)
}
