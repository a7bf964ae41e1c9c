//! Each rogue against a client that falls for it, and against one that does not.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wirelab_model::{Ending, Handshake, Opening, PeerReport};
use wirelab_pki::{Identity, Lab};
use wirelab_redis::{Accepts, Access, Endpoint, Running, Session, Store, Tls, serve};
use wirelab_rogue::{Rogue, Tamper, Upstream};

const SECRET: &[u8] = b"hunter2-and-more";
const FORGED: &[u8] = b"forged2-and-more";
const LINGER: Duration = Duration::from_secs(5);
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

fn lab() -> Lab {
    Lab::new(time::OffsetDateTime::now_utc()).unwrap()
}

fn forged(lab: &Lab) -> Identity {
    lab.forge(wirelab_pki::find("self-signed").unwrap(), time::OffsetDateTime::now_utc()).unwrap()
}

/// Trusts `identity` itself, or the lab's authority.
fn connector(
    lab: &Lab,
    accepts: Option<&Identity>,
    version: &'static SupportedProtocolVersion,
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(accepts.map_or_else(|| lab.authority_der(), |identity| &identity.chain[0]).clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn dial(port: u16) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap()
}

async fn dial_tls(
    connector: &TlsConnector,
    port: u16,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    connector.connect("localhost".try_into().unwrap(), dial(port).await).await
}

/// Logs in, SETs and GETs the secret, and gives all replies.
async fn session(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<Vec<u8>> {
    let secret = String::from_utf8_lossy(SECRET);
    let mut replies = Vec::new();
    // One at a time: what a client does that waits for each reply.
    for command in
        [format!("AUTH default {secret}"), format!("SET k {secret}"), "GET k".into(), "QUIT".into()]
    {
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        let length = stream.read_buf(&mut replies).await?;
        assert_ne!(length, 0, "closed after {command}");
    }
    Ok(replies)
}

async fn good_server(tls: Option<&Identity>) -> (Running, Store, SocketAddr) {
    let store = Store::default();
    let shared = store.clone();
    let accepts = tls.map_or(Accepts::Plaintext, |identity| Accepts::Tls(Tls::new(identity).unwrap()));
    let running = Endpoint::bind(0).await.unwrap().serve(accepts, move |stream, recorder| {
        let access = Access::Password(String::from_utf8_lossy(SECRET).into_owned());
        serve(stream, Session::new(access, shared.clone()), recorder)
    });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, running.port()));
    (running, store, address)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn only(report: &PeerReport) -> &wirelab_model::Connection {
    assert_eq!(report.connections.len(), 1, "{report:?}");
    &report.connections[0]
}

#[tokio::test]
async fn an_impostor_harvests_in_plaintext() {
    let rogue = Rogue::impostor(0, None).await.unwrap();
    let replies = session(dial(rogue.port()).await).await.unwrap();
    assert!(holds(&replies, SECRET), "it serves like the real one");
    let report = rogue.stop(LINGER).await;
    let connection = only(&report);
    assert_eq!(connection.opening, Opening::Plaintext);
    assert_eq!(connection.credentials, ["AUTH"]);
    assert_eq!(connection.commands, ["AUTH/2", "SET/2", "GET/1", "QUIT/0"]);
    assert!(holds(&connection.read, SECRET));
}

#[tokio::test]
async fn an_impostor_harvests_from_whoever_accepts_its_certificate_and_from_nobody_else() {
    let lab = lab();
    let identity = forged(&lab);
    for version in VERSIONS {
        let rogue = Rogue::impostor(0, Some(&identity)).await.unwrap();
        let trusting = dial_tls(&connector(&lab, Some(&identity), version), rogue.port()).await.unwrap();
        session(trusting).await.unwrap();
        let report = rogue.stop(LINGER).await;
        let connection = only(&report);
        assert!(holds(&connection.read, SECRET), "{version:?}");
        assert_eq!(connection.tls.as_ref().unwrap().handshake, Handshake::Completed);

        let rogue = Rogue::impostor(0, Some(&identity)).await.unwrap();
        assert!(dial_tls(&connector(&lab, None, version), rogue.port()).await.is_err());
        let report = rogue.stop(LINGER).await;
        let tls = only(&report).tls.clone().unwrap();
        assert!(tls.certificate_sent, "{version:?}");
        assert_eq!(tls.handshake, Handshake::Refused { alert: "UnknownCA".into() }, "{version:?}");
        assert!(only(&report).read.is_empty());
    }
}

#[tokio::test]
async fn a_client_that_falls_back_to_plaintext_is_served_on_the_port_for_tls() {
    let identity = forged(&lab());
    let rogue = Rogue::impostor(0, Some(&identity)).await.unwrap();
    session(dial(rogue.port()).await).await.unwrap();
    assert!(holds(&only(&rogue.stop(LINGER).await).read, SECRET));
}

#[tokio::test]
async fn a_relay_reads_and_changes_replies_over_tls_and_without() {
    let lab = lab();
    let identity = forged(&lab);
    for tls in [false, true] {
        for tamper in [false, true] {
            let (server, store, address) = good_server(tls.then(|| lab.good())).await;
            let upstream = Upstream { address, tls, shows: None };
            let change = tamper.then(|| Tamper { find: SECRET.into(), replace: FORGED.into() });
            let rogue = Rogue::relay(0, tls.then_some(&identity), upstream, change).await.unwrap();
            let replies = if tls {
                let connector = connector(&lab, Some(&identity), &version::TLS13);
                session(dial_tls(&connector, rogue.port()).await.unwrap()).await.unwrap()
            } else {
                session(dial(rogue.port()).await).await.unwrap()
            };
            assert_eq!(holds(&replies, FORGED), tamper, "tls {tls}");
            assert_eq!(holds(&replies, SECRET), !tamper, "tls {tls}");
            assert_eq!(store.get(b"k").as_deref(), Some(SECRET), "the server holds what the client sent");
            let report = rogue.stop(LINGER).await;
            assert!(holds(&only(&report).read, SECRET));
            assert_eq!(only(&report).tampered.is_empty(), !tamper);
            // What the relay says of its other leg is what the good server saw.
            let behind = server.stop(LINGER).await;
            assert_eq!(only(&report).upstream, Some(only(&behind).client));
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_reaches_a_plaintext_client_and_ends_a_tls_session() {
    let lab = lab();
    for armed in [true, false] {
        let (_server, _store, address) = good_server(None).await;
        let rogue = Rogue::corrupter(0, address, armed, SECRET.into()).await.unwrap();
        let replies = session(dial(rogue.port()).await).await.unwrap();
        assert_eq!(holds(&replies, SECRET), !armed, "the client is given another value, and does not know");
        assert_eq!(only(&rogue.stop(LINGER).await).tampered.is_empty(), !armed);
        for version in VERSIONS {
            let (_server, _store, address) = good_server(Some(lab.good())).await;
            let rogue = Rogue::corrupter(0, address, armed, SECRET.into()).await.unwrap();
            let stream = dial_tls(&connector(&lab, None, version), rogue.port()).await.unwrap();
            let result = session(stream).await;
            assert_eq!(result.is_err(), armed, "{version:?}: {result:?}");
            let report = rogue.stop(LINGER).await;
            assert_eq!(only(&report).tampered.is_empty(), !armed, "{version:?}");
            assert!(only(&report).read.is_empty(), "it reads nothing of TLS");
        }
    }
}

#[tokio::test]
async fn an_idle_rogue_does_nothing_and_says_so() {
    let rogue = Rogue::idle(0).await.unwrap();
    let mut stream = dial(rogue.port()).await;
    // The rogue looks at the first byte before it turns away.
    stream.write_all(b"PING\r\n").await.unwrap();
    let mut bytes = Vec::new();
    // Closed with bytes unread: an end or a reset.
    drop(stream.read_to_end(&mut bytes).await);
    assert!(bytes.is_empty());
    let report = rogue.stop(LINGER).await;
    assert_eq!(only(&report).ended, Ending::Error { reason: "the rogue is idle".into() });
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Rogue::impostor(port, None).await.unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}
