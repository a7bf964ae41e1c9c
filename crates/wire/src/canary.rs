//! Finding and masking the secrets of a trial, in every encoding that a client is likely to use.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, PatternID};
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;
use wirelab_model::{Canaries, CanaryKind, Encoding};

/// A secret somewhere in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Which secret.
    pub canary: CanaryKind,
    /// How it was written.
    pub encoding: Encoding,
    /// Offset of its first byte.
    pub start: u64,
    /// Offset after its last byte.
    pub end: u64,
}

struct Needle {
    canary: CanaryKind,
    encoding: Encoding,
    length: usize,
    /// Bytes at its front that are not secret.
    readable: usize,
}

/// Every way to write every secret of a trial, ready to be searched for.
///
/// Searched are: the secret itself; hexadecimal digits in lower or upper case; base64 and base64url
/// at the three alignments, of which only the characters that no neighbour changes; and
/// percent-encoding of every byte or of `-` alone, in lower or upper case.
pub struct Needles {
    automaton: DFA,
    start: StateID,
    needles: Vec<Needle>,
    longest: usize,
}

impl Needles {
    /// Builds the search for all four secrets. An empty secret is searched for nowhere.
    pub fn new(canaries: &Canaries) -> Self {
        let mut needles = Vec::new();
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        for canary in CanaryKind::ALL {
            let secret = canaries.get(canary);
            let first = patterns.len();
            for (encoding, pattern) in written(secret.as_bytes()) {
                let known = patterns.get(first..).is_some_and(|known| known.contains(&pattern));
                if pattern.is_empty() || known {
                    continue;
                }
                let prefix = canary.prefix();
                let keep = encoding == Encoding::Raw && secret.starts_with(prefix);
                let readable = if keep { prefix.len() } else { 0 };
                needles.push(Needle { canary, encoding, length: pattern.len(), readable });
                patterns.push(pattern);
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        // Both fail only for more states than 32 bits count; the lab's own secrets give thousands.
        let automaton = DFA::new(&patterns).expect("a few dozen short patterns make an automaton");
        let start =
            automaton.start_state(Anchored::No).expect("an unanchored automaton has an unanchored start");
        Self { automaton, start, needles, longest }
    }

    /// Length in bytes of the longest way to write a secret.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// All secrets in `bytes`, in order of their ends. Sightings may overlap.
    pub fn find(&self, bytes: &[u8]) -> Vec<Sighting> {
        self.scanner().push(bytes)
    }

    /// A copy of `bytes`, of the same length, in which no whole secret is left: a secret that is
    /// written as it is keeps the readable prefix of its kind and becomes `*` after it; any other
    /// encoding becomes `*` throughout. A secret that is cut off at either end of `bytes` is not
    /// recognised and stays.
    pub fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        let mut masked = bytes.to_vec();
        let mut scanner = self.scanner();
        scanner.each(bytes, |sighting, secret| {
            cover(&mut masked, 0, &secret);
            debug_assert!(secret.start >= sighting.start);
        });
        masked
    }

    /// [`Self::mask`] for text.
    pub fn mask_text(&self, text: &str) -> String {
        // Secrets are ASCII, so that this is UTF-8 still.
        String::from_utf8_lossy(&self.mask(text.as_bytes())).into_owned()
    }

    /// A search over a stream that comes in pieces.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner { needles: self, state: self.start, at: 0 }
    }

    fn sighting(&self, pattern: PatternID, end: u64) -> Option<(Sighting, Range<u64>)> {
        let needle = self.needles.get(pattern.as_usize())?;
        let start = end.saturating_sub(needle.length as u64);
        let sighting = Sighting { canary: needle.canary, encoding: needle.encoding, start, end };
        Some((sighting, start + needle.readable as u64..end))
    }
}

/// Never prints a secret.
impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needles({} patterns, masked)", self.needles.len())
    }
}

/// A search over a stream that comes in pieces. What it holds of the bytes before is one state of
/// the automaton: a secret over any number of pieces is found once, at its end.
#[derive(Debug)]
pub struct Scanner<'a> {
    needles: &'a Needles,
    state: StateID,
    at: u64,
}

impl Scanner<'_> {
    /// Secrets that end in `bytes`, the next ones of the stream. Offsets count from the start of
    /// the stream, holes included.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Sighting> {
        let mut found = Vec::new();
        self.each(bytes, |sighting, _| found.push(sighting));
        found
    }

    /// Passes a hole of `bytes` bytes: no secret is found across it.
    pub fn skip(&mut self, bytes: u64) {
        self.state = self.needles.start;
        self.at = self.at.saturating_add(bytes);
    }

    /// As [`Self::push`], with the part of each sighting that has to be masked.
    pub(crate) fn each(&mut self, bytes: &[u8], mut found: impl FnMut(Sighting, Range<u64>)) {
        let automaton = &self.needles.automaton;
        let mut state = self.state;
        for (index, byte) in bytes.iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, *byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                let end = self.at.saturating_add(index as u64 + 1);
                for match_index in 0..automaton.match_len(state) {
                    let pattern = automaton.match_pattern(state, match_index);
                    if let Some((sighting, secret)) = self.needles.sighting(pattern, end) {
                        found(sighting, secret);
                    }
                }
            }
        }
        self.state = state;
        self.at = self.at.saturating_add(bytes.len() as u64);
    }
}

/// Writes `*` over the part of `bytes`, which start at offset `at`, that lies in `secret`.
pub(crate) fn cover(bytes: &mut [u8], at: u64, secret: &Range<u64>) {
    let from = usize::try_from(secret.start.saturating_sub(at)).unwrap_or(usize::MAX);
    let to = usize::try_from(secret.end.saturating_sub(at)).unwrap_or(usize::MAX).min(bytes.len());
    if let Some(part) = bytes.get_mut(from..to) {
        part.fill(b'*');
    }
}

fn written(secret: &[u8]) -> Vec<(Encoding, Vec<u8>)> {
    let each = |write: &dyn Fn(&mut String, u8)| {
        let mut text = String::new();
        secret.iter().for_each(|byte| write(&mut text, *byte));
        text.into_bytes()
    };
    // Writing into a `String` does not fail.
    let format = |text: &mut String, args: fmt::Arguments<'_>| text.write_fmt(args).unwrap_or_default();
    let mut all = vec![
        (Encoding::Raw, secret.to_vec()),
        (Encoding::Hex, each(&|text, byte| format(text, format_args!("{byte:02x}")))),
        (Encoding::Hex, each(&|text, byte| format(text, format_args!("{byte:02X}")))),
        (Encoding::Url, each(&|text, byte| format(text, format_args!("%{byte:02x}")))),
        (Encoding::Url, each(&|text, byte| format(text, format_args!("%{byte:02X}")))),
    ];
    for hyphen in ["%2d", "%2D"] {
        let text = String::from_utf8_lossy(secret).replace('-', hyphen);
        all.push((Encoding::Url, text.into_bytes()));
    }
    for alphabet in [STANDARD, URL_SAFE] {
        for before in 0..3 {
            all.push((Encoding::Base64, base64_core(secret, before, alphabet)));
        }
    }
    all
}

const STANDARD: &[u8; 2] = b"+/";
const URL_SAFE: &[u8; 2] = b"-_";

/// The base64 characters (RFC 4648 section 4 and 5) that `secret` alone decides when `before` bytes
/// (modulo 3) come in front of it.
fn base64_core(secret: &[u8], before: usize, last_two: &[u8; 2]) -> Vec<u8> {
    let mut core = Vec::with_capacity(secret.len() * 4 / 3 + 1);
    let mut bits: u32 = 0;
    // Of the bytes in front, this many bits fall into a character that they decide with the secret.
    let mut count = before * 8 % 6;
    let mut foreign = count > 0;
    for byte in secret {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 6 {
            count -= 6;
            let six = u8::try_from((bits >> count) & 0x3f).unwrap_or_default();
            if foreign {
                foreign = false;
                continue;
            }
            core.push(match six {
                0..26 => b'A' + six,
                26..52 => b'a' + six - 26,
                52..62 => b'0' + six - 52,
                62 => last_two[0],
                _ => last_two[1],
            });
        }
        bits &= (1 << count) - 1;
    }
    core
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::canaries;
    use proptest::prelude::*;

    fn hits(found: &[Sighting]) -> Vec<(CanaryKind, Encoding)> {
        found.iter().map(|sighting| (sighting.canary, sighting.encoding)).collect()
    }

    /// A plain encoder, written apart from the one above.
    fn base64(bytes: &[u8], url_safe: bool) -> String {
        let alphabet: Vec<char> = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(if url_safe { ['-', '_'] } else { ['+', '/'] })
            .collect();
        let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let mut text = String::new();
        for six in bits.as_bytes().chunks(6) {
            let six = format!("{:0<6}", std::str::from_utf8(six).unwrap());
            text.push(alphabet[usize::from_str_radix(&six, 2).unwrap()]);
        }
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        text
    }

    #[test]
    fn every_encoding_of_every_secret_is_found_at_its_place() {
        assert_eq!(base64(b"light work.", false), "bGlnaHQgd29yay4=");
        let canaries = canaries();
        let needles = Needles::new(&canaries);
        for kind in CanaryKind::ALL {
            let secret = canaries.get(kind);
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let url: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
            for (encoding, text) in [
                (Encoding::Raw, secret.to_owned()),
                (Encoding::Hex, hex.to_uppercase()),
                (Encoding::Hex, hex),
                (Encoding::Url, url.to_uppercase()),
                (Encoding::Url, url),
                (Encoding::Url, secret.replace('-', "%2D")),
                (Encoding::Url, secret.replace('-', "%2d")),
            ] {
                let found = needles.find(format!("abc {text} def").as_bytes());
                let expected = Sighting { canary: kind, encoding, start: 4, end: 4 + text.len() as u64 };
                assert_eq!(found, [expected], "{text}");
            }
        }
    }

    #[test]
    fn base64_is_found_at_every_alignment_with_long_cores() {
        let canaries = canaries();
        let needles = Needles::new(&canaries);
        for kind in CanaryKind::ALL {
            for before in 0..7 {
                for after in 0..4 {
                    for url_safe in [false, true] {
                        let mut bytes = vec![0xff; before];
                        bytes.extend_from_slice(canaries.get(kind).as_bytes());
                        bytes.extend(vec![0xfe; after]);
                        let text = base64(&bytes, url_safe);
                        let found = needles.find(text.as_bytes());
                        assert_eq!(hits(&found), [(kind, Encoding::Base64)], "{before} {after} {text}");
                        let length = usize::try_from(found[0].end - found[0].start).unwrap();
                        assert!(
                            length + 2 >= canaries.get(kind).len() * 4 / 3,
                            "core of {length} for {text}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn overlapping_secrets_are_all_found() {
        let mut canaries = canaries();
        canaries.key = canaries.password.chars().skip(8).collect();
        let needles = Needles::new(&canaries);
        let found = hits(&needles.find(canaries.password.as_bytes()));
        assert!(found.contains(&(CanaryKind::Password, Encoding::Raw)), "{found:?}");
        assert!(found.contains(&(CanaryKind::Key, Encoding::Raw)), "{found:?}");
    }

    #[test]
    fn masks_keep_length_and_readable_prefix() {
        let canaries = canaries();
        let needles = Needles::new(&canaries);
        let masked = needles.mask_text(&format!("ü pw={} é", canaries.password));
        assert_eq!(masked, format!("ü pw=wirelab-password-{} é", "*".repeat(24)));
        let hex: String = canaries.value.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(needles.mask_text(&hex), "*".repeat(hex.len()));
        assert_eq!(needles.mask(b"nothing"), b"nothing");
        assert!(!format!("{needles:?}").contains("wirelab"));
    }

    #[test]
    fn an_unusual_secret_without_the_prefix_is_masked_whole() {
        let canaries = Canaries { password: "hunter2".to_owned(), key: String::new(), ..canaries() };
        let needles = Needles::new(&canaries);
        assert_eq!(needles.mask_text("AUTH hunter2"), "AUTH *******");
        assert_eq!(needles.find(b""), []);
    }

    #[test]
    fn a_hole_separates() {
        let canaries = canaries();
        let needles = Needles::new(&canaries);
        let (front, back) = canaries.key.as_bytes().split_at(20);
        let mut scanner = needles.scanner();
        assert_eq!(scanner.push(front), []);
        scanner.skip(5);
        assert_eq!(scanner.push(back), []);
        let found = scanner.push(canaries.key.as_bytes());
        assert_eq!(found[0].start, canaries.key.len() as u64 + 5);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            noise in proptest::collection::vec(any::<u8>(), 0..40),
            kinds in proptest::collection::vec(0_usize..4, 0..5),
            step in 1_usize..50,
        ) {
            let canaries = canaries();
            let needles = Needles::new(&canaries);
            let mut bytes = noise.clone();
            for kind in &kinds {
                bytes.extend_from_slice(canaries.get(CanaryKind::ALL[*kind]).as_bytes());
                bytes.extend_from_slice(&noise);
            }
            let whole = needles.find(&bytes);
            prop_assert_eq!(whole.len(), kinds.len());
            let mut scanner = needles.scanner();
            let pieces: Vec<_> = bytes.chunks(step).flat_map(|piece| scanner.push(piece)).collect();
            prop_assert_eq!(whole, pieces);
            let masked = needles.mask(&bytes);
            prop_assert_eq!(masked.len(), bytes.len());
            prop_assert!(needles.find(&masked).is_empty());
        }
    }
}
