//! Fingerprints of clients: JA3 (<https://github.com/salesforce/ja3>) and JA4, the one for TLS clients
//! (<https://github.com/FoxIO-LLC/ja4>, `technical_details/JA4.md`).

use super::hello::{
    ALPN, POINT_FORMATS, SERVER_NAME, SIGNATURE_ALGORITHMS, SUPPORTED_GROUPS, SUPPORTED_VERSIONS, extensions,
    find, protocols,
};
use super::names::is_grease;
use aws_lc_rs::digest::{SHA256, digest};
use md5::{Digest, Md5};
use std::fmt::Write as _;

/// MD5 of what the hello offers, in its order.
pub(super) fn ja3(version: u16, ciphers: &[u16], all: &[u8]) -> String {
    hex(&Md5::digest(ja3_text(version, ciphers, all)))
}

fn ja3_text(version: u16, ciphers: &[u16], all: &[u8]) -> String {
    let types = extensions(all).map(|(kind, _)| kind);
    let formats = find(all, POINT_FORMATS).and_then(|body| body.get(1..)).unwrap_or_default();
    let mut text = version.to_string();
    let lists: [&mut dyn Iterator<Item = u16>; 4] = [
        &mut ciphers.iter().copied(),
        &mut types.into_iter(),
        &mut numbers(find(all, SUPPORTED_GROUPS).and_then(|body| body.get(2..))),
        &mut formats.iter().map(|format| u16::from(*format)),
    ];
    for list in lists {
        let list: Vec<String> = list.filter(|id| !is_grease(*id)).map(|id| id.to_string()).collect();
        text.push(',');
        text.push_str(&list.join("-"));
    }
    text
}

/// Three parts: the shape of the hello, and digests of its suites and of its extensions, sorted.
pub(super) fn ja4(legacy: u16, ciphers: &[u16], all: &[u8]) -> String {
    let offered = numbers(find(all, SUPPORTED_VERSIONS).and_then(|body| body.get(1..)));
    let version = offered.filter(|id| !is_grease(*id)).max().unwrap_or(legacy);
    let version = match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    };
    let mut suites: Vec<u16> = ciphers.iter().copied().filter(|id| !is_grease(*id)).collect();
    let mut types: Vec<u16> = extensions(all).map(|(kind, _)| kind).filter(|id| !is_grease(*id)).collect();
    let name = if types.contains(&SERVER_NAME) { 'd' } else { 'i' };
    let counts = (suites.len().min(99), types.len().min(99));
    let alpn = find(all, ALPN).and_then(|body| protocols(body).next()).map_or_else(|| "00".to_owned(), ends);
    suites.sort_unstable();
    types.retain(|kind| *kind != SERVER_NAME && *kind != ALPN);
    types.sort_unstable();
    let algorithms: Vec<u16> = numbers(find(all, SIGNATURE_ALGORITHMS).and_then(|body| body.get(2..)))
        .filter(|id| !is_grease(*id))
        .collect();
    let mut second = joined(&types);
    if !types.is_empty() && !algorithms.is_empty() {
        second.push('_');
        second.push_str(&joined(&algorithms));
    }
    let (suites, extensions) = (short(&joined(&suites)), short(&second));
    format!("t{version}{name}{:02}{:02}{alpn}_{suites}_{extensions}", counts.0, counts.1)
}

/// First and last letter of a protocol; of its hexadecimal digits where one of the two is neither
/// letter nor digit.
fn ends(protocol: &[u8]) -> String {
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return String::from_iter([char::from(*first), char::from(*last)]);
    }
    let (first, last) = (format!("{first:02x}"), format!("{last:02x}"));
    first.chars().take(1).chain(last.chars().skip(1)).collect()
}

/// The first 12 digits of a digest; zeros for nothing.
fn short(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    hex(digest(&SHA256, text.as_bytes()).as_ref().get(..6).unwrap_or_default())
}

fn joined(ids: &[u16]) -> String {
    ids.iter().map(|id| format!("{id:04x}")).collect::<Vec<_>>().join(",")
}

fn numbers(body: Option<&[u8]>) -> impl Iterator<Item = u16> {
    body.unwrap_or_default().as_chunks().0.iter().map(|pair: &[u8; 2]| u16::from_be_bytes(*pair))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a `String` does not fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
    }

    fn list(ids: &[u16]) -> Vec<u8> {
        let body: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
        [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
    }

    /// The worked example of the JA4 specification.
    #[test]
    fn the_published_example() {
        let ciphers = [
            0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
            0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let algorithms = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let alpn = b"\0\x0c\x02h2\x08http/1.1";
        let mut all = Vec::new();
        for kind in [
            0x0a0a_u16, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
            0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x1a1a,
        ] {
            let body = match kind {
                0x0010 => alpn.to_vec(),
                0x000d => list(&algorithms),
                0x002b => [&[6][..], &list(&[0x2a2a, 0x0304, 0x0303])[2..]].concat(),
                _ => Vec::new(),
            };
            all.extend(extension(kind, &body));
        }
        assert_eq!(ja4(0x0303, &ciphers, &all), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn what_is_missing() {
        assert_eq!(ja4(0x0301, &[], &[]), "t10i000000_000000000000_000000000000");
        assert_eq!(ja4(0x0305, &[0x0a0a], &extension(0, &[])), "t00d000100_000000000000_000000000000");
        assert_eq!(ja3_text(769, &[0x0a0a, 4, 5], &[]), "769,4-5,,,");
        assert_eq!(ends(b"h"), "hh");
        assert_eq!(ends(b"\xab\xcd"), "ad");
        assert_eq!(ends(b"h\xcd"), "6d");
        assert_eq!(ends(b""), "00");
    }
}
