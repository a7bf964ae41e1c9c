//! What the impostor sends is what the catalogue made, byte by byte: also what is no certificate.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wirelab_model::Handshake;
use wirelab_pki::{Lab, all};
use wirelab_rogue::Rogue;

/// Chain and stapled response.
type Seen = (Vec<CertificateDer<'static>>, Vec<u8>);

/// Accepts everything, and keeps it.
#[derive(Debug, Default)]
struct Witness(Mutex<Option<Seen>>);

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        staple: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(leaf).chain(rest).map(|der| der.clone().into_owned()).collect();
        *self.0.lock().unwrap() = Some((chain, staple.to_vec()));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn every_certificate_goes_out_as_it_was_made() {
    let now = time::OffsetDateTime::now_utc();
    let lab = Lab::new(now).unwrap();
    for entry in all() {
        let identity = lab.forge(entry, now).unwrap();
        let rogue = Rogue::impostor(0, Some(&identity)).await.unwrap();
        let witness = Arc::new(Witness::default());
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Witness>::clone(&witness))
            .with_no_client_auth();
        let tcp = TcpStream::connect(("127.0.0.1", rogue.port())).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
        tls.write_all(b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n").await.unwrap();
        let mut reply = [0; 5];
        tls.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"+OK\r\n", "{}", entry.id);
        drop(tls);

        let seen = witness.0.lock().unwrap().take().unwrap();
        assert_eq!(seen, (identity.chain, identity.staple.unwrap_or_default()), "{}", entry.id);
        let report = rogue.stop(Duration::from_secs(5)).await;
        let facts = report.connections[0].tls.as_ref().unwrap();
        assert_eq!((&facts.handshake, facts.certificate.as_str()), (&Handshake::Completed, entry.id));
        assert!(facts.certificate_sent);
    }
}
