//! JSON strings (RFC 8259 section 7), sixteen bytes at a time: they are most of what is written.

use wide::u8x16;

/// Writes `text` with its quotes.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut written = 0;
    let mut special = |at: usize, out: &mut Vec<u8>| {
        out.extend_from_slice(bytes.get(written..at).unwrap_or_default());
        escape(bytes.get(at).copied().unwrap_or_default(), out);
        written = at + 1;
    };
    let (parts, rest) = bytes.as_chunks::<16>();
    for (index, part) in parts.iter().enumerate() {
        let part = u8x16::new(*part);
        let found = part.simd_lt(u8x16::splat(b' '))
            | part.simd_eq(u8x16::splat(b'"'))
            | part.simd_eq(u8x16::splat(b'\\'));
        let mut bits = found.to_bitmask();
        while bits != 0 {
            special(index * 16 + bits.trailing_zeros() as usize, out);
            bits &= bits - 1;
        }
    }
    for (index, byte) in rest.iter().enumerate() {
        if *byte < b' ' || matches!(byte, b'"' | b'\\') {
            special(parts.len() * 16 + index, out);
        }
    }
    out.extend_from_slice(bytes.get(written..).unwrap_or_default());
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&hex(byte));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Two digits of hexadecimal.
pub(crate) fn hex(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn writes_what_serde_writes(text in "[\\x00-\\x7f\\u{fc}\"\\\\]{0,70}") {
            let mut out = Vec::new();
            super::string(&text, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
