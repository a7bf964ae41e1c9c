//! The built-in client where it is told of a cluster or of a Sentinel: it goes where it is sent, with TLS
//! and all its checks as before.

use super::{PATIENCE, tcp};
use crate::Target;
use crate::target::USERNAME;
use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, RedisResult, TlsCertificates, TlsMode,
};
use std::num::NonZeroUsize;
use wirelab_redis::SERVICE;

/// Attempts to follow a redirection, each with a wait of at most [`WAIT_MS`] before it.
const RETRIES: u32 = 2;
/// Longest wait before another attempt, in milliseconds.
const WAIT_MS: u64 = 20;

fn mode(address: &ConnectionAddr) -> Option<TlsMode> {
    match address {
        ConnectionAddr::TcpTls { insecure: true, .. } => Some(TlsMode::Insecure),
        ConnectionAddr::TcpTls { .. } => Some(TlsMode::Secure),
        _ => None,
    }
}

/// Asks the node for the others, and follows MOVED and ASK.
pub(super) async fn cluster(
    target: &Target,
    address: ConnectionAddr,
    certificates: Option<TlsCertificates>,
) -> RedisResult<ClusterConnection> {
    let mode = mode(&address);
    let mut builder: ClusterClientBuilder = ClusterClient::builder([address.into_connection_info()?])
        .username(USERNAME)
        .password(&target.canaries.password)
        .tcp_settings(tcp())
        .connection_timeout(PATIENCE)
        .response_timeout(PATIENCE)
        .max_connection_attempts(NonZeroUsize::MIN)
        .retries(RETRIES)
        .min_retry_wait(1)
        .max_retry_wait(WAIT_MS);
    if let Some(mode) = mode {
        builder = builder.tls(mode);
    }
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    builder.build()?.get_async_connection().await
}

/// Asks the Sentinel for the master, and connects to it.
pub(super) async fn sentinel(
    target: &Target,
    address: ConnectionAddr,
    certificates: Option<TlsCertificates>,
    config: &AsyncConnectionConfig,
) -> RedisResult<MultiplexedConnection> {
    let mode = mode(&address);
    let asks_over_tls = target.topology.asks_over_tls();
    let asked = match address {
        ConnectionAddr::TcpTls { host, port, .. } if !asks_over_tls => ConnectionAddr::Tcp(host, port),
        address => address,
    };
    let mut builder = SentinelClientBuilder::new([asked], SERVICE, SentinelServerType::Master)?
        .set_client_to_redis_username(USERNAME)
        .set_client_to_redis_password(&target.canaries.password)
        .set_client_to_redis_tcp_settings(tcp())
        .set_client_to_sentinel_tcp_settings(tcp());
    if let Some(mode) = mode {
        builder = builder.set_client_to_redis_tls_mode(mode);
        if asks_over_tls {
            builder = builder.set_client_to_sentinel_tls_mode(mode);
        }
    }
    if let Some(certificates) = certificates {
        builder = builder.set_client_to_redis_certificates(certificates.clone());
        if asks_over_tls {
            builder = builder.set_client_to_sentinel_certificates(certificates);
        }
    }
    builder.build()?.get_async_connection_with_config(config).await
}
