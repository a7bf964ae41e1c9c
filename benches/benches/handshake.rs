//! Handshakes from hello to the last ticket, both sides in memory: what the cryptography costs, without
//! sockets. Both sides are rustls with aws-lc; those with redis-server, whose side is OpenSSL, are the
//! reconnect storms of `load.rs`.
//!
//! `cargo bench -p wirelab-benches --bench handshake`
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use criterion::{Criterion, criterion_group, criterion_main};
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use wirelab_bench::{Resume, Trust};
use wirelab_pki::{Lab, ServerKey};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Full,
    Resumed,
    Mutual,
}

fn configs(
    lab: &Lab,
    key: ServerKey,
    version: &'static SupportedProtocolVersion,
    group: &'static dyn SupportedKxGroup,
    kind: Kind,
) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let identity = lab.good_with(key, OffsetDateTime::now_utc()).unwrap();
    let client = lab.client();
    let trust = Trust {
        authorities: vec![lab.authority_der().clone()],
        client: (kind == Kind::Mutual)
            .then(|| (client.chain.clone(), Arc::new(client.key.clone_key().into()))),
    };
    let resume = if kind == Kind::Resumed { Resume::Offer } else { Resume::Never };
    let config = trust.config(&[version], None, Some(group), resume).unwrap();
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![group];
    let provider = Arc::new(provider);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap();
    let builder = if kind == Kind::Mutual {
        let mut roots = RootCertStore::empty();
        roots.add(lab.authority_der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let mut server = builder.with_single_cert(identity.chain, identity.key.into()).unwrap();
    server.ticketer = aws_lc_rs::Ticketer::new().unwrap();
    (config, Arc::new(server))
}

/// Carries bytes to and fro until neither side has any.
fn handshake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> HandshakeKind {
    let mut client = ClientConnection::new(Arc::clone(client), "localhost".try_into().unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        let mut bytes = flight.as_slice();
        while !bytes.is_empty() {
            server.read_tls(&mut bytes).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        let mut bytes = flight.as_slice();
        while !bytes.is_empty() {
            client.read_tls(&mut bytes).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    client.handshake_kind().unwrap()
}

fn handshakes(criterion: &mut Criterion) {
    let lab = Lab::new(OffsetDateTime::now_utc()).unwrap();
    let mut group = criterion.benchmark_group("handshake");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    let mut one = |key: ServerKey,
                   version: &'static SupportedProtocolVersion,
                   kx: &'static dyn SupportedKxGroup,
                   kind| {
        let (client, server) = configs(&lab, key, version, kx, kind);
        let (word, expected) = match kind {
            Kind::Full => ("full", HandshakeKind::Full),
            Kind::Resumed => ("resumed", HandshakeKind::Resumed),
            Kind::Mutual => ("mutual", HandshakeKind::Full),
        };
        // The first one brings the ticket that later ones resume with.
        handshake(&client, &server);
        let version = if std::ptr::eq(version, &TLS13) { "TLS1.3" } else { "TLS1.2" };
        group.bench_function(format!("{version}/{word}/{}/{:?}", key.name(), kx.name()), |bench| {
            bench.iter(|| assert_eq!(handshake(&client, &server), expected));
        });
    };
    for key in ServerKey::ALL {
        for kind in [Kind::Full, Kind::Resumed, Kind::Mutual] {
            one(key, &TLS12, kx_group::X25519, kind);
            one(key, &TLS13, kx_group::X25519, kind);
            one(key, &TLS13, kx_group::X25519MLKEM768, kind);
        }
    }
    group.finish();
}

criterion_group!(benches, handshakes);
criterion_main!(benches);
