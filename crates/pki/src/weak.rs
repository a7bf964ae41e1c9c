//! Signatures that a library worth its name does not make: RSA with short keys, MD5 and SHA-1, and
//! signatures of keys that everybody knows.

use crate::der::{self, Field, Parts, SEQUENCE, elements, open, sequence, tlv};
use aws_lc_rs::digest;
use md5::{Digest, Md5};
use num_bigint::BigUint;

/// An RSA key in PKCS#8.
pub(crate) type Pkcs8 = &'static [u8];
pub(crate) const RSA_512: Pkcs8 = include_bytes!("../keys/rsa-512.der");
pub(crate) const RSA_768: Pkcs8 = include_bytes!("../keys/rsa-768.der");
pub(crate) const RSA_1024: Pkcs8 = include_bytes!("../keys/rsa-1024.der");
pub(crate) const RSA_2047: Pkcs8 = include_bytes!("../keys/rsa-2047.der");
pub(crate) const RSA_2048: Pkcs8 = include_bytes!("../keys/rsa-2048.der");
pub(crate) const RSA_8192: Pkcs8 = include_bytes!("../keys/rsa-8192.der");

/// A hash under an RSA signature.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha256,
}

impl Hash {
    pub(crate) fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(message).to_vec(),
            Self::Sha1 => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().to_vec(),
            Self::Sha256 => digest::digest(&digest::SHA256, message).as_ref().to_vec(),
        }
    }

    /// AlgorithmIdentifier of RSA signatures over it (RFC 3279 section 2.2.1, RFC 4055 section 5).
    pub(crate) fn with_rsa(self) -> Vec<u8> {
        let last = match self {
            Self::Md5 => 4,
            Self::Sha1 => 5,
            Self::Sha256 => 11,
        };
        let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
        sequence([&tlv(der::OBJECT_IDENTIFIER, &oid), &[5, 0]])
    }

    /// DigestInfo (RFC 8017 section 9.2).
    fn info(self, message: &[u8]) -> Vec<u8> {
        let oid: &[u8] = match self {
            Self::Md5 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5],
            Self::Sha1 => &[0x2b, 0x0e, 3, 2, 0x1a],
            Self::Sha256 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1],
        };
        let algorithm = sequence([&tlv(der::OBJECT_IDENTIFIER, oid), &[5, 0]]);
        sequence([&algorithm, &tlv(der::OCTET_STRING, &self.of(message))])
    }
}

/// Modulus, public and private exponent of an RSA key.
pub(crate) struct Rsa {
    n: BigUint,
    e: BigUint,
    d: BigUint,
}

impl Rsa {
    /// Reads PKCS#8. None where that is no RSA key.
    pub(crate) fn read(pkcs8: &[u8]) -> Option<Self> {
        let outer = elements(open(pkcs8)?.0)?;
        let [_, algorithm, key] = outer.as_slice() else { return None };
        // rsaEncryption, 1.2.840.113549.1.1.1
        if !open(algorithm)?.0.starts_with(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]) {
            return None;
        }
        let numbers = elements(open(open(key)?.0)?.0)?;
        let number = |index: usize| Some(BigUint::from_bytes_be(open(numbers.get(index)?)?.0));
        Some(Self { n: number(1)?, e: number(2)?, d: number(3)? })
    }

    /// The same modulus with the exponent 1: a signature is the padded hash itself, and anybody makes it.
    pub(crate) fn exponent_one(self) -> Self {
        Self { e: BigUint::from(1u8), d: BigUint::from(1u8), ..self }
    }

    /// The same modulus with an even exponent, which has no private one: its signatures are those of the old key.
    pub(crate) fn exponent_even(self) -> Self {
        Self { e: self.e + 1u8, ..self }
    }

    /// SubjectPublicKeyInfo (RFC 3279 section 2.3.1).
    pub(crate) fn public(&self) -> Vec<u8> {
        let oid = tlv(der::OBJECT_IDENTIFIER, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
        let key = sequence([&der::integer(&self.n.to_bytes_be()), &der::integer(&self.e.to_bytes_be())]);
        sequence([&sequence([&oid, &[5, 0]]), &der::bit_string(&key)])
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2). None where the modulus is too short for the hash.
    pub(crate) fn sign(&self, hash: Hash, message: &[u8]) -> Option<Vec<u8>> {
        let length = self.n.bits().div_ceil(8) as usize;
        let info = hash.info(message);
        let padding = length.checked_sub(info.len() + 3).filter(|padding| *padding >= 8)?;
        let padded = [&[0, 1], vec![0xff; padding].as_slice(), &[0], &info].concat();
        let signature = BigUint::from_bytes_be(&padded).modpow(&self.d, &self.n).to_bytes_be();
        Some([vec![0; length.checked_sub(signature.len())?], signature].concat())
    }
}

/// A key of a group in which the private key is 1, so that the public key is the generator. With the
/// nonce 1 as well, r is the generator's first coordinate and s is hash + r: no arithmetic on curves.
pub(crate) struct KnownKey {
    pub(crate) public: &'static [u8],
    /// AlgorithmIdentifier of its signatures over SHA-256.
    pub(crate) algorithm: &'static [u8],
    /// Order of the generator, hexadecimal.
    order: &'static str,
    /// First coordinate of the generator (ECDSA), or the generator modulo the order (DSA).
    r: &'static str,
}

/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2
pub(crate) const ECDSA_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
/// dsa-with-sha256, 2.16.840.1.101.3.4.3.2
const DSA_SHA256: &[u8] = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x02";
/// Order of P-256.
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

pub(crate) static P192: KnownKey = KnownKey {
    public: include_bytes!("../keys/p192.spki.der"),
    algorithm: ECDSA_SHA256,
    order: "ffffffffffffffffffffffff99def836146bc9b1b4d22831",
    r: "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012",
};
pub(crate) static P224: KnownKey = KnownKey {
    public: include_bytes!("../keys/p224.spki.der"),
    algorithm: ECDSA_SHA256,
    order: "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
    r: "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
};
pub(crate) static SECP256K1: KnownKey = KnownKey {
    public: include_bytes!("../keys/secp256k1.spki.der"),
    algorithm: ECDSA_SHA256,
    order: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    r: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
};
pub(crate) static DSA: KnownKey = KnownKey {
    public: include_bytes!("../keys/dsa-1024.spki.der"),
    algorithm: DSA_SHA256,
    order: "c018892ddb724e97b62f6681b94505e98530e9e1670d6b95de045dff",
    r: "1a74c22a10928b270e5a203eda6f80de6929a4309a7922a40836fa9d",
};

impl KnownKey {
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap_or_default();
        one_signs(&number(self.order), &number(self.r), message)
    }
}

/// What the private key 1 signs on P-256 where the generator was declared to be the point `x`, ...:
/// the certificates of CVE-2020-0601.
pub(crate) fn sign_with_own_generator(x: &[u8], message: &[u8]) -> Vec<u8> {
    let order = BigUint::parse_bytes(P256_ORDER.as_bytes(), 16).unwrap_or_default();
    one_signs(&order, &BigUint::from_bytes_be(x), message)
}

fn one_signs(order: &BigUint, first: &BigUint, message: &[u8]) -> Vec<u8> {
    let hash = Hash::Sha256.of(message);
    let octets = order.bits().div_ceil(8) as usize;
    let hash = BigUint::from_bytes_be(hash.get(..octets).unwrap_or(&hash));
    let r = first % order;
    let s = (hash + &r) % order;
    sequence([&der::integer(&r.to_bytes_be()), &der::integer(&s.to_bytes_be())])
}

/// P-256 in explicit parameters (RFC 3279 section 2.3.5) with this generator, and a public key; both
/// are points, `04 x y`.
pub(crate) fn explicit_p256(generator: &[u8], public: &[u8]) -> Vec<u8> {
    const PRIME: &[u8] = b"\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    const A: &[u8] = b"\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfc";
    const B: &[u8] = b"\x5a\xc6\x35\xd8\xaa\x3a\x93\xe7\xb3\xeb\xbd\x55\x76\x98\x86\xbc\x65\x1d\x06\xb0\xcc\x53\xb0\xf6\x3b\xce\x3c\x3e\x27\xd2\x60\x4b";
    let order = BigUint::parse_bytes(P256_ORDER.as_bytes(), 16).unwrap_or_default().to_bytes_be();
    // prime-field, 1.2.840.10045.1.1
    let field = [tlv(der::OBJECT_IDENTIFIER, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 1, 1]), der::integer(PRIME)];
    let curve = sequence([&tlv(der::OCTET_STRING, A), &tlv(der::OCTET_STRING, B)]);
    let parameters = sequence([
        &der::integer(&[1]),
        &tlv(SEQUENCE, &field.concat()),
        &curve,
        &tlv(der::OCTET_STRING, generator),
        &der::integer(&order),
        &der::integer(&[1]),
    ]);
    // id-ecPublicKey, 1.2.840.10045.2.1
    let algorithm = [tlv(der::OBJECT_IDENTIFIER, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), parameters].concat();
    sequence([&tlv(SEQUENCE, &algorithm), &der::bit_string(public)])
}

/// The generator of P-256, a point.
pub(crate) const P256_GENERATOR: &[u8] = b"\x04\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

/// Puts another public key into a certificate; the signature must be made anew.
pub(crate) fn set_key(parts: &mut Parts, public: &[u8]) {
    parts.set(Field::PublicKey, public.to_vec());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsa_signs_what_its_public_exponent_opens() {
        for (pkcs8, bits) in [(RSA_512, 512), (RSA_768, 768), (RSA_1024, 1024), (RSA_2047, 2047)] {
            let key = Rsa::read(pkcs8).unwrap();
            assert_eq!(key.n.bits(), bits);
            let signature = key.sign(Hash::Sha256, b"message").unwrap();
            assert_eq!(signature.len(), bits.div_ceil(8) as usize);
            let opened = BigUint::from_bytes_be(&signature).modpow(&key.e, &key.n).to_bytes_be();
            assert!(opened.starts_with(&[1, 0xff]) && opened.ends_with(&Hash::Sha256.of(b"message")));
        }
    }

    #[test]
    fn known_keys_and_damaged_ones() {
        assert!(Rsa::read(&RSA_512[..100]).is_none());
        assert!(Rsa::read(P192.public).is_none());
        let one = Rsa::read(RSA_2048).unwrap().exponent_one();
        assert!(one.sign(Hash::Sha256, b"m").unwrap().starts_with(&[0, 1, 0xff]), "padding in clear");
    }
}
