//! The presentation language of TLS (RFC 8446 section 3): vectors, messages, records.

/// A vector with its length in one byte. What is longer is cut: callers keep to what fits.
pub fn vector8(bytes: &[u8]) -> Vec<u8> {
    vector(bytes, 1)
}

/// A vector with its length in two bytes.
pub fn vector16(bytes: &[u8]) -> Vec<u8> {
    vector(bytes, 2)
}

/// A vector with its length in three bytes.
pub fn vector24(bytes: &[u8]) -> Vec<u8> {
    vector(bytes, 3)
}

fn vector(bytes: &[u8], width: usize) -> Vec<u8> {
    let most = (1 << (8 * width)) - 1;
    let bytes = bytes.get(..most).unwrap_or(bytes);
    let length = (bytes.len() as u32).to_be_bytes();
    let mut out = length.get(4 - width..).unwrap_or_default().to_vec();
    out.extend_from_slice(bytes);
    out
}

/// A handshake message: type, length, body.
pub fn handshake(message_type: u8, body: &[u8]) -> Vec<u8> {
    [&[message_type][..], &vector24(body)].concat()
}

/// An extension: type, length, body.
pub fn extension(extension_type: u16, body: &[u8]) -> Vec<u8> {
    [&extension_type.to_be_bytes()[..], &vector16(body)].concat()
}

/// A block of extensions with its length.
pub fn extensions(all: &[(u16, Vec<u8>)]) -> Vec<u8> {
    vector16(&all.iter().flat_map(|(kind, body)| extension(*kind, body)).collect::<Vec<u8>>())
}

/// A record: type, version, length, payload.
pub fn record(kind: u8, version: u16, payload: &[u8]) -> Vec<u8> {
    [&[kind][..], &version.to_be_bytes(), &vector16(payload)].concat()
}

/// Reads bytes from the front; none where they end too early.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// That many bytes.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of one byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number of two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// A vector with its length in one byte.
    pub fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// A vector with its length in two bytes.
    pub fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// A handshake message: type, and the whole of it with its header.
    pub fn handshake(&mut self) -> Option<(u8, &'a [u8])> {
        let [kind, high, mid, low] = *self.0.get(..4)? else { return None };
        let length = u32::from_be_bytes([0, high, mid, low]) as usize;
        Some((kind, self.take(length + 4)?))
    }

    /// The numbers of two bytes that are left.
    pub fn numbers(mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.u16()).collect()
    }

    /// The extensions of a block that is left.
    pub fn extensions(mut self) -> Vec<(u16, &'a [u8])> {
        let mut next = || Some((self.u16()?, self.vector16()?));
        std::iter::from_fn(&mut next).collect()
    }
}
