//! DER by hand, for what rcgen cannot say: takes a certificate apart, lets its fields be replaced, and
//! puts it together under a new signature or the old one. It reads the lab's own certificates only.

use rustls_pki_types::CertificateDer;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Tag, length, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match *significant.as_slice() {
        [] => out.push(0),
        [short] if short < 0x80 => out.push(short),
        _ => {
            out.push(0x80 | significant.len() as u8);
            out.extend_from_slice(&significant);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of these elements.
pub(crate) fn sequence<const N: usize>(elements: [&[u8]; N]) -> Vec<u8> {
    tlv(SEQUENCE, &elements.concat())
}

/// An INTEGER that is not negative.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    let digits = magnitude.get(start..).unwrap_or_default();
    let sign = if digits.first().is_none_or(|first| *first >= 0x80) { &[0][..] } else { &[] };
    tlv(INTEGER, &[sign, digits].concat())
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], octets].concat())
}

/// The content of the first element, and what follows it. None where there is no whole element.
pub(crate) fn open(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (element, rest) = element(der)?;
    let header = match *element.get(1)? {
        short if short < 0x80 => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    Some((element.get(header..)?, rest))
}

/// The first element with its tag and length, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *der.get(1)?;
    let (header, length) = if first < 0x80 {
        (2, usize::from(first))
    } else {
        let count = usize::from(first & 0x7f);
        let digits = der.get(2..2 + count).filter(|digits| (1..=4).contains(&digits.len()))?;
        (2 + count, digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
    };
    der.split_at_checked(header.checked_add(length)?)
}

/// Elements of a SEQUENCE, each with its tag and length.
pub(crate) fn elements(content: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut found, mut rest) = (Vec::new(), content);
    while !rest.is_empty() {
        let (one, after) = element(rest)?;
        found.push(one.to_vec());
        rest = after;
    }
    Some(found)
}

/// Fields of TBSCertificate by their place in it (RFC 5280 section 4.1); subject is 5.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    Version = 0,
    Serial = 1,
    Algorithm = 2,
    Issuer = 3,
    Validity = 4,
    PublicKey = 6,
    Extensions = 7,
}

/// A certificate in parts.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// By [`Field`]; an empty one is left out.
    fields: Vec<Vec<u8>>,
    /// The outer signatureAlgorithm, an AlgorithmIdentifier.
    pub(crate) algorithm: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Parts {
    /// Takes a version 3 certificate without unique identifiers apart: all that rcgen makes.
    pub(crate) fn split(der: &[u8]) -> Result<Self, rcgen::Error> {
        Self::read(der).ok_or(rcgen::Error::CouldNotParseCertificate)
    }

    fn read(der: &[u8]) -> Option<Self> {
        let outer = elements(open(der)?.0)?;
        let [tbs, algorithm, signature] = outer.as_slice() else { return None };
        Some(Self {
            fields: elements(open(tbs)?.0)?,
            algorithm: algorithm.clone(),
            // The first octet of a BIT STRING counts unused bits.
            signature: open(signature)?.0.get(1..)?.to_vec(),
        })
    }

    /// The field with tag and length.
    pub(crate) fn get(&self, field: Field) -> &[u8] {
        self.fields.get(field as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// Replaces a field by an element, or by nothing at all.
    pub(crate) fn set(&mut self, field: Field, element: Vec<u8>) {
        if let Some(old) = self.fields.get_mut(field as usize) {
            *old = element;
        }
    }

    /// Names the same algorithm in both places.
    pub(crate) fn set_algorithm(&mut self, identifier: &[u8]) {
        self.set(Field::Algorithm, identifier.to_vec());
        self.algorithm = identifier.to_vec();
    }

    /// Signs the fields as they are.
    pub(crate) fn sign(
        &mut self,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, rcgen::Error>,
    ) -> Result<(), rcgen::Error> {
        self.signature = sign(&self.tbs())?;
        Ok(())
    }

    fn tbs(&self) -> Vec<u8> {
        tlv(SEQUENCE, &self.fields.concat())
    }

    /// Puts the parts together.
    pub(crate) fn join(&self) -> CertificateDer<'static> {
        sequence([&self.tbs(), &self.algorithm, &bit_string(&self.signature)]).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SigningKey};

    #[test]
    fn lengths_are_minimal() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let made = tlv(OCTET_STRING, &vec![7; length]);
            assert!(made.starts_with(header), "{length}");
            assert_eq!(open(&made).unwrap(), (&vec![7; length][..], &[][..]));
        }
    }

    #[test]
    fn integers_are_never_negative() {
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
    }

    #[test]
    fn what_is_cut_off_has_no_parts() {
        let whole = tlv(SEQUENCE, &[tlv(INTEGER, &[1]), tlv(OCTET_STRING, &[0; 200])].concat());
        for end in 0..whole.len() {
            assert!(open(&whole[..end]).is_none(), "{end}");
        }
        assert!(open(&[4, 0x85, 1, 1, 1, 1, 1]).is_none(), "too long a length");
    }

    #[test]
    fn a_certificate_comes_together_as_it_was() {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut parts = Parts::split(made.der()).unwrap();
        assert_eq!(parts.join(), *made.der());
        parts.set(Field::Version, Vec::new());
        parts.sign(|tbs| key.sign(tbs)).unwrap();
        assert_eq!(parts.get(Field::Version), b"");
        assert_ne!(parts.join(), *made.der());
        assert!(Parts::split(b"no certificate").is_err());
    }
}
