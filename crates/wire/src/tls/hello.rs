//! The hellos.

use super::{TlsEvent, fingerprint, names};
use tls_parser::{
    TlsExtension, parse_tls_extension_sni_content, parse_tls_handshake_client_hello,
    parse_tls_handshake_server_hello,
};

/// Most protocols of an ALPN offer that are kept.
const MAX_PROTOCOLS: usize = 16;
/// Most versions and suites of an offer that are kept.
const MAX_VERSIONS: usize = 16;
const MAX_SUITES: usize = 128;
/// RFC 8446 section 4.1.3: a ServerHello with this random is a HelloRetryRequest.
pub(super) const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

// Types of extensions.
pub(super) const SERVER_NAME: u16 = 0;
pub(super) const SUPPORTED_GROUPS: u16 = 10;
pub(super) const POINT_FORMATS: u16 = 11;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const ALPN: u16 = 16;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// What a ClientHello says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// Its random, by which key logs name the session.
    pub random: [u8; 32],
    /// The session that it wants to resume, at most 32 bytes; TLS 1.3 sends a random one for show.
    pub session_id: Vec<u8>,
    /// It holds a session ticket.
    pub ticket: bool,
    /// Numbers of the versions that are offered, without GREASE; at most 16.
    pub versions: Vec<u16>,
    /// Numbers of the suites that are offered, without GREASE; at most 128.
    pub suites: Vec<u16>,
    /// Server name.
    pub sni: Option<String>,
    /// Protocols that are offered by ALPN, at most 16.
    pub alpn: Vec<String>,
    /// JA3 fingerprint: 32 hexadecimal digits.
    pub ja3: String,
    /// JA4 fingerprint, for instance `t13d1516h2_8daaf6152771_e5627efa2ab1`.
    pub ja4: String,
}

/// What a ServerHello says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// Its random.
    pub random: [u8; 32],
    /// The session that is begun or resumed, at most 32 bytes.
    pub session_id: Vec<u8>,
    /// Negotiated version, for instance `TLSv1.3`.
    pub version: String,
    /// Number of the negotiated suite.
    pub suite: u16,
    /// Negotiated suite, IANA name, or `0x` and four digits.
    pub cipher: String,
    /// Group of the key share (TLS 1.3).
    pub group: Option<String>,
    /// The protocol chosen by ALPN (before TLS 1.3).
    pub alpn: Option<String>,
    /// A pre-shared key was taken (TLS 1.3).
    pub psk: bool,
}

/// Reads a hello with its header of four bytes; none where it is malformed.
pub(super) fn hello(message: &[u8]) -> Option<TlsEvent> {
    let body = message.get(4..)?;
    match message.first() {
        Some(1) => client_hello(body).map(|hello| TlsEvent::ClientHello(Box::new(hello))),
        Some(2) => server_hello(body),
        _ => None,
    }
}

fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
    let ciphers: Vec<u16> = hello.ciphers.iter().map(|cipher| cipher.0).collect();
    let extensions = hello.ext.unwrap_or_default();
    Some(ClientHello {
        random: hello.random.try_into().ok()?,
        session_id: hello.session_id.unwrap_or_default().to_vec(),
        ticket: find(extensions, SESSION_TICKET).is_some_and(|ticket| !ticket.is_empty()),
        versions: versions(hello.version.0, extensions),
        suites: ciphers.iter().copied().filter(|id| !names::is_grease(*id)).take(MAX_SUITES).collect(),
        sni: find(extensions, SERVER_NAME).and_then(server_name),
        alpn: find(extensions, ALPN)
            .map(|body| protocols(body).take(MAX_PROTOCOLS).map(protocol_text).collect())
            .unwrap_or_default(),
        ja3: fingerprint::ja3(hello.version.0, &ciphers, extensions),
        ja4: fingerprint::ja4(hello.version.0, &ciphers, extensions),
    })
}

/// The versions of RFC 8446 section 4.2.1; where there are none, the one that the hello itself says.
fn versions(legacy: u16, extensions: &[u8]) -> Vec<u16> {
    let Some(list) = find(extensions, SUPPORTED_VERSIONS) else { return vec![legacy] };
    let numbers = list.get(1..).unwrap_or_default().chunks_exact(2).filter_map(number);
    numbers.filter(|id| !names::is_grease(*id)).take(MAX_VERSIONS).collect()
}

fn server_hello(body: &[u8]) -> Option<TlsEvent> {
    let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
    if hello.random == RETRY_RANDOM {
        return Some(TlsEvent::HelloRetryRequest);
    }
    let extensions = hello.ext.unwrap_or_default();
    // RFC 8446 section 4.2.1: the selected version is in the extension, the field above says 1.2.
    let selected = find(extensions, SUPPORTED_VERSIONS).and_then(number);
    Some(TlsEvent::ServerHello(Box::new(ServerHello {
        random: hello.random.try_into().ok()?,
        session_id: hello.session_id.unwrap_or_default().to_vec(),
        version: names::version(selected.unwrap_or(hello.version.0)),
        suite: hello.cipher.0,
        cipher: names::suite(hello.cipher.0),
        group: find(extensions, KEY_SHARE).and_then(|share| number(share.get(..2)?)).map(names::group),
        alpn: find(extensions, ALPN).and_then(|body| protocols(body).next()).map(protocol_text),
        psk: find(extensions, PRE_SHARED_KEY).is_some(),
    })))
}

/// The ALPN answer in the body of an EncryptedExtensions message (RFC 8446 section 4.3.1).
pub(super) fn encrypted_alpn(body: &[u8]) -> Option<String> {
    find(body.get(2..)?, ALPN).and_then(|body| protocols(body).next()).map(protocol_text)
}

/// Types and bodies of extensions. Bodies are not looked at, so that one that is not known hides none.
pub(super) fn extensions(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let ([a, b, c, d], after) = rest.split_first_chunk::<4>()?;
        let (body, later) = after.split_at_checked(usize::from(u16::from_be_bytes([*c, *d])))?;
        rest = later;
        Some((u16::from_be_bytes([*a, *b]), body))
    })
}

/// The body of the first extension of this type.
pub(super) fn find(all: &[u8], wanted: u16) -> Option<&[u8]> {
    extensions(all).find(|(kind, _)| *kind == wanted).map(|(_, body)| body)
}

fn number(body: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(body.try_into().ok()?))
}

/// The host name of RFC 6066 section 3, if it is one.
fn server_name(body: &[u8]) -> Option<String> {
    let Ok((_, TlsExtension::SNI(names))) = parse_tls_extension_sni_content(body) else { return None };
    let (_, name) = names.into_iter().find(|(kind, _)| kind.0 == 0)?;
    let printable = name.len() <= 255 && name.iter().all(u8::is_ascii_graphic);
    printable.then(|| String::from_utf8_lossy(name).into_owned())
}

/// The names of an ALPN extension (RFC 7301 section 3.1).
pub(super) fn protocols(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first()?;
        let (name, later) = after.split_at_checked(usize::from(*length))?;
        rest = later;
        Some(name)
    })
}

fn protocol_text(name: &[u8]) -> String {
    names::readable(&String::from_utf8_lossy(name))
}
