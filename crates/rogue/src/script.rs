//! A server of the lab's own that follows a script: the good one, or one with a flaw.

use crate::script_peer::Peer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;
use rustls::{KeyLog, SignatureScheme};
use std::sync::Arc;
use wirelab_model::{CertificateSeen, Handshake, TlsFacts};
use wirelab_pki::Identity;
use wirelab_redis::{Recorder, Secrets, Session, Stream, read_certificate};
use wirelab_tls::{
    AES_128_GCM_SHA256, ClientHello, Exchange, ServerHello, Traffic, extension_type, extensions, group,
    handshake, kind, message_type, record, vector8, vector16, vector24, version,
};

/// Most content of a record (RFC 8446 section 5.1), in bytes.
const MOST_CONTENT: usize = 1 << 14;
/// Most bytes of certificates in a message, whose length has three bytes and counts four more here.
const MOST_ENTRIES: usize = (1 << 24) - 1 - 4;

/// Changes a hello that is about to go out.
pub(crate) type Alter = fn(&mut ServerHello, &ClientHello);

/// One thing that the server does.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// ServerHello of TLS 1.3; what follows is encrypted.
    Hello(Alter),
    /// HelloRetryRequest; then the client's next hello is waited for.
    Retry(Alter),
    /// The same, where it is the request that is wrong.
    WrongRetry(Alter),
    /// ServerHello of an older version; everything stays in clear.
    OldHello(Alter),
    /// change_cipher_spec, in clear.
    CipherChange,
    /// EncryptedExtensions with these.
    Extensions(&'static [(u16, &'static [u8])]),
    /// CertificateRequest.
    Request,
    /// The certificate, with these extensions for the first of the chain.
    Certificate(&'static [(u16, &'static [u8])]),
    /// The certificate, piece by piece; with `true` followed by copies of its authority, as many as go into one
    /// message.
    LongCertificate(bool),
    /// A list without a certificate.
    EmptyCertificate,
    /// CertificateVerify.
    Verify(Signature),
    /// Finished, with this bit of it flipped.
    Finished(u8),
    /// ServerKeyExchange of the older versions: group, public key, and what is wrong with the signature.
    KeyExchange(u16, &'static [u8], Signature),
    /// ServerHelloDone.
    Done,
    /// A record in clear: type, version, payload.
    Clear(u8, u16, &'static [u8]),
    /// A protected record of this type.
    Sealed(u8, &'static [u8]),
    /// A protected record of so many bytes of padding, and nothing else.
    SealedPadding(usize),
    /// EncryptedExtensions in a record with so many bytes of padding.
    LongExtensions(usize),
    /// EncryptedExtensions in clear.
    ClearExtensions,
    /// A handshake message of this type.
    Message(u8, &'static [u8]),
    /// Bytes that are no record.
    Bytes(&'static [u8]),
}

/// What is wrong with a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Nothing.
    Good,
    /// One bit.
    Flipped,
    /// It is empty.
    Empty,
    /// It is over something else.
    OtherMessage,
    /// It is made with another key.
    OtherKey,
    /// There is none, and no place for one.
    Absent,
    /// It says that it is of this scheme.
    Scheme(u16),
}

/// A hello without a flaw.
pub(crate) const PLAIN: Alter = |_, _| {};

/// TLS 1.3 as it should be.
pub(crate) const GOOD: &[Step] = &[
    Step::Hello(PLAIN),
    Step::CipherChange,
    Step::Extensions(&[]),
    Step::Certificate(&[]),
    Step::Verify(Signature::Good),
    Step::Finished(0),
];

/// The same with a certificate that clients need not take whole.
pub(crate) const GOOD_IN_PIECES: &[Step] = &[
    Step::Hello(PLAIN),
    Step::CipherChange,
    Step::Extensions(&[]),
    Step::LongCertificate(false),
    Step::Verify(Signature::Good),
    Step::Finished(0),
];

/// Who plays: certificate, key, and the Redis behind it.
#[derive(Clone)]
pub(crate) struct Player {
    identity: Identity,
    key: Arc<dyn SigningKey>,
    /// One that is not the certificate's.
    other_key: Arc<dyn SigningKey>,
    steps: &'static [Step],
    /// What is wrong with the script, for the record; none where it is the good one.
    flaw: Option<&'static str>,
    secrets: Arc<Secrets>,
}

impl Player {
    pub(crate) fn new(
        identity: &Identity,
        steps: &'static [Step],
        flaw: Option<&'static str>,
    ) -> Result<Self, rustls::Error> {
        let key = any_supported_type(&identity.key.clone_key().into())?;
        let other =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).and_then(|pair| pair.to_pkcs8v1());
        let other = other.map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
        let other_key = any_supported_type(&PrivatePkcs8KeyDer::from(other.as_ref().to_vec()).into())?;
        Ok(Self { identity: identity.clone(), key, other_key, steps, flaw, secrets: Arc::default() })
    }

    /// Leads a connection through the script, and then through a session where the client comes so far.
    pub(crate) async fn run(self, stream: Box<dyn Stream>, recorder: Recorder, session: Session) {
        let mut facts = TlsFacts {
            certificate: self.identity.name.clone(),
            sni: None,
            offered: None,
            shown: self.shown(),
            resumed: false,
            certificate_sent: false,
            version: None,
            cipher: None,
            handshake: Handshake::Failed { reason: "it did not end".into() },
        };
        let mut peer = Peer::new(stream, recorder.clone());
        let Some(hello) = peer.client_hello().await else {
            return;
        };
        facts.sni.clone_from(&hello.server_name);
        facts.offered = peer.offered();
        recorder.note(|connection| connection.tls = Some(facts.clone()));
        let played = self.play(&mut peer, hello, &mut facts).await;
        // A script that waits for answers may end early: then the flaw is what was last sent.
        let delivered = match &played {
            Ok(()) => true,
            Err(Handshake::Refused { .. } | Handshake::Closed) => peer.asked_wrongly,
            Err(_) => false,
        };
        if let Some(flaw) = self.flaw.filter(|_| delivered) {
            peer.tell(flaw);
            recorder.note(|connection| connection.flaw_after_finished = goes_on_after_finished(self.steps));
        }
        recorder.note(|connection| connection.tls = Some(facts.clone()));
        facts.handshake = match played {
            Ok(()) => peer.answer().await,
            Err(handshake) => handshake,
        };
        let completed = facts.handshake == Handshake::Completed;
        recorder.note(|connection| connection.tls = Some(facts));
        if completed {
            peer.serve(session).await;
        }
    }

    /// The secrets of its sessions, as they become known.
    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets)
    }

    /// What the certificate says of its owner.
    pub(crate) fn shown(&self) -> Option<CertificateSeen> {
        self.identity.chain.first().and_then(|first| read_certificate(first))
    }

    /// Name of the certificate.
    pub(crate) fn certificate(&self) -> &str {
        &self.identity.name
    }

    async fn play(&self, peer: &mut Peer, hello: ClientHello, facts: &mut TlsFacts) -> Result<(), Handshake> {
        self.queue(self.steps, peer, hello, facts).await?;
        peer.flush().await
    }

    /// Queues everything that the steps send, and sends only what an answer must be waited for.
    pub(crate) async fn queue(
        &self,
        steps: &[Step],
        peer: &mut Peer,
        hello: ClientHello,
        facts: &mut TlsFacts,
    ) -> Result<(), Handshake> {
        let failed = |reason: &str| Handshake::Failed { reason: reason.into() };
        let exchange = Exchange::new().map_err(|_| failed("no random numbers for a key"))?;
        let random = Exchange::new().map_err(|_| failed("no random numbers for a hello"))?.public;
        let mut stage = Stage {
            player: self,
            hello,
            exchange,
            random: random.try_into().unwrap_or_default(),
            record_version: version::TLS12,
            secrets: None,
        };
        for step in steps {
            stage.step(*step, peer, facts).await?;
        }
        stage.log_application(peer);
        if let Some(traffic) = &stage.secrets
            && peer.application.is_none()
        {
            // A script without Finished: as if it had been there.
            peer.finished(traffic.clone());
        }
        Ok(())
    }
}

/// Whether there are steps behind Finished.
fn goes_on_after_finished(steps: &[Step]) -> bool {
    let is_finished = |step: &Step| matches!(step, Step::Finished(_));
    steps.iter().any(is_finished) && !steps.last().is_some_and(is_finished)
}

/// Where in the script it stands.
struct Stage<'a> {
    player: &'a Player,
    hello: ClientHello,
    exchange: Exchange,
    random: [u8; 32],
    record_version: u16,
    secrets: Option<Traffic>,
}

impl Stage<'_> {
    async fn step(&mut self, step: Step, peer: &mut Peer, facts: &mut TlsFacts) -> Result<(), Handshake> {
        match step {
            Step::Hello(alter) => self.hello(alter, peer, facts).await?,
            Step::Retry(alter) => self.retry(alter, peer, false).await?,
            Step::WrongRetry(alter) => self.retry(alter, peer, true).await?,
            Step::OldHello(alter) => {
                let mut hello = self.old_hello();
                alter(&mut hello, &self.hello);
                self.random = hello.random;
                // The record has a version of its own, which clients of SSL 3.0 look at.
                self.record_version = hello.legacy_version.clamp(version::SSL3, version::TLS12);
                self.message(&hello.write(), peer);
            }
            Step::CipherChange => peer.put(&record(kind::CHANGE_CIPHER_SPEC, version::TLS12, &[1])),
            Step::Extensions(all) => {
                self.message(&handshake(message_type::ENCRYPTED_EXTENSIONS, &block(all)), peer);
            }
            Step::Request => {
                let schemes = vector16(&[4, 3, 8, 4, 8, 5, 4, 1]);
                let body =
                    [vector8(&[]), extensions(&[(extension_type::SIGNATURE_ALGORITHMS, schemes)])].concat();
                self.message(&handshake(message_type::CERTIFICATE_REQUEST, &body), peer);
            }
            Step::Certificate(all) => {
                facts.certificate_sent = true;
                self.message(&self.certificate(all), peer);
            }
            Step::LongCertificate(filled) => self.long_certificate(filled, peer, facts).await?,
            Step::EmptyCertificate => {
                let body = if self.secrets.is_some() { vec![0; 4] } else { vec![0; 3] };
                self.message(&handshake(message_type::CERTIFICATE, &body), peer);
            }
            Step::Verify(signature) => {
                let (scheme, value) = self.sign(&peer.schedule.to_sign(), signature)?;
                let body = [&scheme.to_be_bytes()[..], &vector16(&value)].concat();
                self.message(&handshake(message_type::CERTIFICATE_VERIFY, &body), peer);
            }
            Step::Finished(flip) => self.finished(flip, peer),
            Step::KeyExchange(group, point, signature) => {
                let share = [&[3][..], &group.to_be_bytes(), &vector8(point)].concat();
                let signed = [&self.hello.random[..], &self.random, &share].concat();
                let mut body = share;
                if signature != Signature::Absent {
                    let (scheme, value) = self.sign(&signed, signature)?;
                    body.extend([&scheme.to_be_bytes()[..], &vector16(&value)].concat());
                }
                self.message(&handshake(message_type::SERVER_KEY_EXCHANGE, &body), peer);
            }
            Step::Done => self.message(&handshake(message_type::SERVER_HELLO_DONE, &[]), peer),
            Step::Clear(kind, version, payload) => peer.put(&record(kind, version, payload)),
            Step::Sealed(kind, content) => peer.seal(kind, content),
            Step::SealedPadding(length) => peer.seal_inner(&vec![0; length]),
            Step::LongExtensions(length) => {
                let message = handshake(message_type::ENCRYPTED_EXTENSIONS, &block(&[]));
                peer.schedule.note(&message);
                peer.seal_inner(&[&message[..], &[kind::HANDSHAKE], &vec![0; length]].concat());
            }
            Step::ClearExtensions => {
                let message = handshake(message_type::ENCRYPTED_EXTENSIONS, &block(&[]));
                peer.schedule.note(&message);
                peer.put(&record(kind::HANDSHAKE, version::TLS12, &message));
            }
            Step::Message(of, body) => self.message(&handshake(of, body), peer),
            Step::Bytes(bytes) => peer.put(bytes),
        }
        Ok(())
    }

    /// Sends a handshake message, encrypted where there are keys.
    fn message(&self, message: &[u8], peer: &mut Peer) {
        peer.schedule.note(message);
        for part in message.chunks(MOST_CONTENT) {
            if peer.sealing() {
                peer.seal(kind::HANDSHAKE, part);
            } else {
                peer.put(&record(kind::HANDSHAKE, self.record_version, part));
            }
        }
    }

    /// What is wrong with it is told with its first piece, which says how long it is: the client need not take
    /// the others.
    async fn long_certificate(
        &self,
        filled: bool,
        peer: &mut Peer,
        facts: &mut TlsFacts,
    ) -> Result<(), Handshake> {
        let entries = self.entries(&[]);
        let last = self.player.identity.chain.last().map(|last| entry(last, Some(&[]))).unwrap_or_default();
        let room = if filled { MOST_ENTRIES.saturating_sub(entries.len()) } else { 0 };
        let list = [entries, last.repeat(room / last.len().max(1))].concat();
        let message = handshake(message_type::CERTIFICATE, &[&[0][..], &vector24(&list)].concat());
        peer.schedule.note(&message);
        facts.certificate_sent = true;
        for part in message.chunks(MOST_CONTENT) {
            peer.seal(kind::HANDSHAKE, part);
            let sent = peer.send().await;
            if let Some(flaw) = self.player.flaw {
                peer.tell(flaw);
            }
            if sent.is_err() {
                // Nobody takes it any more; why not may have come before the end.
                return Err(peer.answer().await);
            }
        }
        Ok(())
    }

    /// Lines of a key log, so that what is protected can be read in the capture.
    fn log(&self, label: &str, number: &str, traffic: &Traffic) {
        for (side, secret) in [("CLIENT", &traffic.client), ("SERVER", &traffic.server)] {
            self.player.secrets.log(&format!("{side}_{label}{number}"), &self.hello.random, secret);
        }
    }

    fn log_application(&self, peer: &Peer) {
        if let Some(traffic) = &peer.application {
            self.log("TRAFFIC_SECRET", "_0", traffic);
        }
    }

    fn suite(&self) -> Result<u16, Handshake> {
        let offered = self.hello.suites.contains(&AES_128_GCM_SHA256);
        offered.then_some(AES_128_GCM_SHA256).ok_or_else(|| Handshake::Failed {
            reason: "the client does not offer TLS_AES_128_GCM_SHA256, the only suite of this rogue".into(),
        })
    }

    async fn hello(&mut self, alter: Alter, peer: &mut Peer, facts: &mut TlsFacts) -> Result<(), Handshake> {
        if self.hello.share(group::X25519).is_none() {
            self.retry(PLAIN, peer, false).await?;
        }
        let Some(share) = self.hello.share(group::X25519).map(<[u8]>::to_vec) else {
            return Err(Handshake::Failed {
                reason: "the client sends no key for x25519, the only group of this rogue".into(),
            });
        };
        let mut hello = ServerHello::tls13(&self.hello, self.random, self.suite()?, &self.exchange.public);
        alter(&mut hello, &self.hello);
        self.message(&hello.write(), peer);
        (facts.version, facts.cipher) = (Some("TLSv1.3".into()), Some("TLS13_AES_128_GCM_SHA256".into()));
        if self.secrets.is_some() {
            return Ok(());
        }
        // The secret of a point that is not the rogue's own: zero, see `Exchange::shared`.
        let own = hello.share() == Some(&self.exchange.public);
        let shared = if own { self.exchange.shared(&share) } else { vec![0; 32] };
        let traffic = peer.schedule.handshake(&shared);
        self.log("HANDSHAKE_TRAFFIC_SECRET", "", &traffic);
        peer.handshake(&traffic);
        self.secrets = Some(traffic);
        Ok(())
    }

    async fn retry(&mut self, alter: Alter, peer: &mut Peer, wrong: bool) -> Result<(), Handshake> {
        let mut hello = ServerHello::retry(&self.hello, self.suite()?, group::X25519);
        alter(&mut hello, &self.hello);
        peer.schedule.retry();
        self.message(&hello.write(), peer);
        peer.asked_wrongly |= wrong;
        peer.flush().await?;
        self.hello = peer.hello().await?;
        Ok(())
    }

    fn old_hello(&self) -> ServerHello {
        ServerHello {
            legacy_version: version::TLS12,
            random: self.random,
            session_id: Vec::new(),
            suite: self
                .hello
                .suites
                .iter()
                .copied()
                .find(|suite| [0xC02B, 0xC02F].contains(suite))
                .unwrap_or(0xC02B),
            compression: 0,
            extensions: self.old_extensions(),
        }
    }

    /// What clients want of a good server before TLS 1.3: without it they break off for that.
    fn old_extensions(&self) -> Vec<(u16, Vec<u8>)> {
        let mut all = Vec::new();
        // By its extension or as a suite (RFC 5746 section 3.3).
        let renegotiation = extension_type::RENEGOTIATION_INFO;
        if self.hello.extensions.contains(&renegotiation) || self.hello.suites.contains(&0x00FF) {
            all.push((renegotiation, vec![0]));
        }
        if self.hello.extensions.contains(&extension_type::EXTENDED_MASTER_SECRET) {
            all.push((extension_type::EXTENDED_MASTER_SECRET, Vec::new()));
        }
        all
    }

    fn certificate(&self, first: &[(u16, &[u8])]) -> Vec<u8> {
        let context: &[u8] = if self.secrets.is_some() { &[0] } else { &[] };
        handshake(message_type::CERTIFICATE, &[context, &vector24(&self.entries(first))].concat())
    }

    /// The chain as it is listed, with these extensions for its first certificate.
    fn entries(&self, first: &[(u16, &[u8])]) -> Vec<u8> {
        let modern = self.secrets.is_some();
        let listed = |(index, certificate): (usize, &CertificateDer<'_>)| {
            let extensions = if index == 0 { first } else { &[] };
            entry(certificate, modern.then_some(extensions))
        };
        self.player.identity.chain.iter().enumerate().flat_map(listed).collect()
    }

    fn sign(&self, message: &[u8], how: Signature) -> Result<(u16, Vec<u8>), Handshake> {
        let failed = |reason: String| Handshake::Failed { reason };
        let schemes = [
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
        ];
        let key = if how == Signature::OtherKey { &self.player.other_key } else { &self.player.key };
        let signer = key.choose_scheme(&schemes);
        let signer = signer.ok_or_else(|| failed("the rogue's key signs nothing".into()))?;
        let message = if how == Signature::OtherMessage { b"something else".as_slice() } else { message };
        let mut value = signer.sign(message).map_err(|error| failed(error.to_string()))?;
        let mut scheme = u16::from(signer.scheme());
        match how {
            Signature::Flipped => {
                if let Some(last) = value.last_mut() {
                    *last ^= 1;
                }
            }
            Signature::Empty => value.clear(),
            Signature::Scheme(other) => scheme = other,
            Signature::Good | Signature::OtherMessage | Signature::OtherKey | Signature::Absent => {}
        }
        Ok((scheme, value))
    }

    fn finished(&self, flip: u8, peer: &mut Peer) {
        let Some(traffic) = &self.secrets else {
            // Before there are keys it can only be made up.
            return self.message(&handshake(message_type::FINISHED, &[0; 12]), peer);
        };
        let mut value = peer.schedule.finished(&traffic.server);
        if let Some(first) = value.first_mut() {
            *first ^= flip;
        }
        self.message(&handshake(message_type::FINISHED, &value), peer);
        if peer.application.is_none() {
            peer.finished(traffic.clone());
        }
    }
}

/// A certificate in a list; before TLS 1.3 there are no extensions to it (RFC 8446 section 4.4.2).
fn entry(certificate: &[u8], extensions: Option<&[(u16, &[u8])]>) -> Vec<u8> {
    [vector24(certificate), extensions.map(block).unwrap_or_default()].concat()
}

fn block(all: &[(u16, &[u8])]) -> Vec<u8> {
    extensions(&all.iter().map(|(kind, body)| (*kind, body.to_vec())).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::misbehaviour::GENERATOR;
    use rustls::{ClientConfig, RootCertStore, version::TLS12};
    use std::time::Duration;
    use tokio::net::TcpStream;
    use wirelab_pki::Lab;
    use wirelab_redis::{Accepts, Access, Endpoint, Store};

    #[test]
    fn what_comes_behind_finished_is_known() {
        assert!(!goes_on_after_finished(GOOD));
        assert!(!goes_on_after_finished(&[Step::Done]));
        assert!(goes_on_after_finished(&[GOOD, &[Step::CipherChange]].concat()));
    }

    /// Without a flaw a client that verifies everything goes on with the script of TLS 1.2, so what it
    /// refuses with a flaw it refuses for the flaw. (It finishes the one of TLS 1.3: the control of each run.)
    #[tokio::test]
    async fn a_client_that_verifies_goes_on_with_a_good_script_of_tls12() {
        static STEPS: &[Step] = &[
            Step::OldHello(PLAIN),
            Step::Certificate(&[]),
            Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good),
            Step::Done,
        ];
        let lab = Lab::new(time::OffsetDateTime::now_utc()).unwrap();
        let player = Player::new(lab.good(), STEPS, None).unwrap();
        let endpoint = Endpoint::bind(0).await.unwrap();
        let port = endpoint.port();
        let running = endpoint.serve(Accepts::Raw, move |stream, recorder| {
            player.clone().run(stream, recorder, Session::new(Access::Anyone, Store::default()))
        });
        let mut roots = RootCertStore::empty();
        roots.add(lab.authority_der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        assert!(
            connector.connect("localhost".try_into().unwrap(), tcp).await.is_err(),
            "it cannot be finished"
        );
        let report = running.stop(Duration::from_secs(5)).await;
        let handshake = &report.connections[0].tls.as_ref().unwrap().handshake;
        assert!(matches!(handshake, Handshake::WentOn { .. }), "{handshake:?}");
    }
}
