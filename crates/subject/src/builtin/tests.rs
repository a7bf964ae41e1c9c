use super::*;
use crate::target::tests::target;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wirelab_wire::resp::Decoder;

/// Serves one connection: remembers SET, answers GET with `answer` or what was SET. Returns when the
/// client has closed the connection.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Option<&str>) {
    let mut decoder = Decoder::commands();
    let mut stored = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await.unwrap_or(0);
        if length == 0 {
            return;
        }
        decoder.push(&buffer[..length]);
        while let Some(words) = decoder.next_command().expect("the client speaks RESP") {
            let reply = match words[0].as_slice() {
                b"GET" => {
                    let value = answer.map_or(stored.as_slice(), str::as_bytes);
                    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
                }
                b"SET" => {
                    stored.clone_from(&words[2]);
                    b"+OK\r\n".to_vec()
                }
                _ => b"+OK\r\n".to_vec(),
            };
            stream.write_all(&reply).await.expect("the client reads");
        }
    }
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    (listener, port)
}

#[tokio::test]
async fn plaintext_works_and_the_connection_is_closed_at_the_end() {
    let (listener, port) = listener().await;
    let server = tokio::spawn(async move { serve(listener.accept().await.expect("accepts").0, None).await });
    let target = target(Transport::Plaintext, port, Path::new("/nowhere"));
    let report = run(&target).await;
    assert_eq!(report.end, ClientEnd::Worked, "{report:?}");
    assert_eq!(report.received.as_deref(), Some(target.canaries.value.as_str()));
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .expect("the peer sees the end")
        .expect("serves");
}

#[tokio::test]
async fn a_tampered_reply_is_not_success() {
    let (listener, port) = listener().await;
    let target = target(Transport::Plaintext, port, Path::new("/nowhere"));
    let forged = target.canaries.forged.clone();
    let server =
        tokio::spawn(async move { serve(listener.accept().await.expect("accepts").0, Some(&forged)).await });
    let report = run(&target).await;
    assert_eq!(report.end, ClientEnd::Failed { code: None });
    assert_eq!(report.received.as_deref(), Some(target.canaries.forged.as_str()));
    assert_eq!(report.error.as_deref(), Some("GET returned another value than the one that was SET"));
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .expect("the peer sees the end")
        .expect("serves");
}

#[tokio::test]
async fn a_silent_peer_is_left_at_the_deadline_and_sees_the_end() {
    let (listener, port) = listener().await;
    let mut target = target(Transport::Plaintext, port, Path::new("/nowhere"));
    target.deadline = Duration::from_millis(300);
    let server = tokio::spawn(async move {
        let mut stream = listener.accept().await.expect("accepts").0;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.map(|_| all)
    });
    let report = run(&target).await;
    assert_eq!(report.end, ClientEnd::TimedOut { after_ms: 300 });
    let seen = tokio::time::timeout(Duration::from_secs(5), server).await.expect("the peer sees the end");
    let seen = seen.expect("reads").expect("an orderly end");
    assert!(seen.windows(4).any(|window| window == b"AUTH"), "the client had spoken");
}

/// A self-signed certificate for `name` as `NAME.crt` and `NAME.key`; none without openssl.
fn certificate(folder: &Path, file: &str, name: &str) -> Option<TlsAcceptor> {
    let (crt, key) = (folder.join(format!("{file}.crt")), folder.join(format!("{file}.key")));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", &format!("/CN={file}"), "-addext", &format!("subjectAltName=DNS:{name}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(&crt)
        .arg("-keyout")
        .arg(&key)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        println!("skipped: openssl makes no certificate here");
        return None;
    }
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(crt).expect("a certificate")],
            PrivateKeyDer::from_pem_file(key).expect("a key"),
        )
        .expect("they fit");
    Some(TlsAcceptor::from(Arc::new(config)))
}

async fn run_against(acceptor: &TlsAcceptor, transport: Transport, folder: &Path) -> ClientReport {
    let (listener, port) = listener().await;
    let acceptor = acceptor.clone();
    let server = tokio::spawn(async move {
        let stream = listener.accept().await.expect("accepts").0;
        if let Ok(stream) = acceptor.accept(stream).await {
            serve(stream, None).await;
        }
    });
    let report = run(&target(transport, port, folder)).await;
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .expect("the peer sees the end")
        .expect("serves");
    report
}

#[tokio::test]
async fn tls_trusts_the_one_authority_for_the_right_name_and_unverified_trusts_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(good) = certificate(folder.path(), "ca", "localhost") else { return };
    let report = run_against(&good, Transport::Tls, folder.path()).await;
    assert_eq!(report.end, ClientEnd::Worked, "{report:?}");

    let Some(other) = certificate(folder.path(), "other", "localhost") else { return };
    let report = run_against(&other, Transport::Tls, folder.path()).await;
    assert_eq!(report.end, ClientEnd::Failed { code: None });
    let error = report.error.unwrap_or_default();
    assert!(error.contains("invalid peer certificate: UnknownIssuer"), "{error}");
    let report = run_against(&other, Transport::TlsUnverified, folder.path()).await;
    assert_eq!(report.end, ClientEnd::Worked, "{report:?}");

    let Some(wrong_name) = certificate(folder.path(), "ca", "evil.test") else { return };
    let report = run_against(&wrong_name, Transport::Tls, folder.path()).await;
    let error = report.error.unwrap_or_default();
    assert!(error.contains("not valid for name"), "{error}");
    let report = run_against(&wrong_name, Transport::TlsUnverified, folder.path()).await;
    assert_eq!(report.end, ClientEnd::Worked, "{report:?}");
}
