//! The client that wirelab brings along: the `redis` crate with rustls.

use crate::target::USERNAME;
use crate::{Cut, Login, Target};
use redis::aio::ConnectionLike;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisError, TlsCertificates,
};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wirelab_model::{ClientEnd, ClientReport, Talk, Topology, Transport};

mod failover;
mod talk;
mod topology;

/// Longest wait for the connection, handshake and AUTH included, and for each reply.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same with a peer that may never end its reply: shorter, for the library keeps all of it.
const SOME_PATIENCE: Duration = Duration::from_millis(700);
/// The same with a peer that says nothing: that it gives up is seen as well after a shorter time.
const LITTLE_PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
enum BuiltinError {
    #[error("cannot read a certificate or key, {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("GET returned nothing for the key that was SET")]
    NoValue,
    #[error("GET returned another value than the one that was SET")]
    OtherValue,
    #[error("the Sentinel says nothing of another master")]
    NoSwitch,
}

/// SETs the value, GETs it, compares. One connection, and no second attempt unless the first one is cut off on
/// purpose.
pub(crate) async fn run(target: &Target) -> ClientReport {
    let start = Instant::now();
    let mut received = None;
    // Whatever the peer does, dropping the future at the deadline closes the connection.
    let result = tokio::time::timeout(target.deadline, set_and_get(target, &mut received)).await;
    let (end, error) = match result {
        Ok(Ok(())) => (ClientEnd::Worked, None),
        Ok(Err(error)) => (ClientEnd::Failed { code: None }, Some(chain(&error))),
        Err(_) => (ClientEnd::TimedOut { after_ms: crate::command::millis(target.deadline) }, None),
    };
    ClientReport {
        end,
        error,
        received,
        left_behind: Vec::new(),
        duration_ms: crate::command::millis(start.elapsed()),
        memory: None,
        stdout: Vec::new(),
        stderr: Vec::new(),
        output_cut: 0,
    }
}

async fn set_and_get(target: &Target, received: &mut Option<String>) -> Result<(), BuiltinError> {
    let (address, certificates) = (address(target), certificates(target).await?);
    let patience = match (target.stalled, target.hostile) {
        (true, _) => LITTLE_PATIENCE,
        (false, true) => SOME_PATIENCE,
        (false, false) => PATIENCE,
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience));
    match target.topology {
        Topology::Standalone if target.talk != Talk::Simple => {
            let (sender, pushes) = tokio::sync::mpsc::unbounded_channel();
            let client = client(target, address, certificates)?;
            let config = config.set_push_sender(sender);
            let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            compare(target, talk::talk(target, connection, pushes).await?, received)
        }
        Topology::Standalone => {
            let client = client(target, address, certificates)?;
            let attempt = async |received: &mut Option<String>| {
                let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
                set_and_get_over(target, connection, received).await
            };
            match attempt(received).await {
                // As a pool does: whatever the library keeps of the first connection is there for the second.
                Err(BuiltinError::Redis(error))
                    if target.cut == Cut::During && error.is_connection_dropped() =>
                {
                    attempt(received).await
                }
                done => done,
            }
        }
        Topology::Cluster => {
            let connection = Box::pin(topology::cluster(target, address, certificates)).await?;
            set_and_get_over(target, connection, received).await
        }
        Topology::Sentinel if target.talk == Talk::Failover => {
            Box::pin(failover::failover(target, address, certificates, config, received)).await
        }
        Topology::Sentinel | Topology::ClearSentinel => {
            let connection = Box::pin(topology::sentinel(target, address, certificates, &config)).await?;
            set_and_get_over(target, connection, received).await
        }
    }
}

async fn set_and_get_over(
    target: &Target,
    mut connection: impl ConnectionLike,
    received: &mut Option<String>,
) -> Result<(), BuiltinError> {
    let canaries = &target.canaries;
    redis::cmd("SET").arg(&canaries.key).arg(&canaries.value).exec_async(&mut connection).await?;
    let value = redis::cmd("GET").arg(&canaries.key).query_async(&mut connection).await?;
    compare(target, text(value), received)
}

/// What an application takes for the value, in a language that does not ask for its type.
fn text(value: redis::Value) -> Option<Vec<u8>> {
    match value {
        redis::Value::BulkString(bytes) => Some(bytes),
        redis::Value::SimpleString(text) => Some(text.into_bytes()),
        redis::Value::Okay => Some(b"OK".to_vec()),
        _ => None,
    }
}

fn compare(
    target: &Target,
    value: Option<Vec<u8>>,
    received: &mut Option<String>,
) -> Result<(), BuiltinError> {
    let value = value.ok_or(BuiltinError::NoValue)?;
    *received = Some(String::from_utf8_lossy(&value).into_owned());
    if value == target.canaries.value.as_bytes() { Ok(()) } else { Err(BuiltinError::OtherValue) }
}

fn address(target: &Target) -> ConnectionAddr {
    let Target { host, port, transport, .. } = target;
    let (host, port) = (host.clone(), *port);
    match transport {
        Transport::Plaintext => ConnectionAddr::Tcp(host, port),
        tls => ConnectionAddr::TcpTls { host, port, insecure: !tls.is_verified(), tls_params: None },
    }
}

/// Without it Nagle's algorithm and delayed acknowledgements cost every session 40 ms.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn client(
    target: &Target,
    address: ConnectionAddr,
    certificates: Option<TlsCertificates>,
) -> Result<redis::Client, BuiltinError> {
    let protocol = if target.talk == Talk::Simple { ProtocolVersion::RESP2 } else { ProtocolVersion::RESP3 };
    let mut login = RedisConnectionInfo::default().set_protocol(protocol);
    let user = match target.login {
        Login::Password => Some(USERNAME),
        Login::User(user) => Some(user),
        Login::Nothing => None,
    };
    if let Some(user) = user {
        login = login.set_username(user).set_password(&target.canaries.password);
    }
    let info = address.into_connection_info()?.set_redis_settings(login).set_tcp_settings(tcp());
    Ok(match certificates {
        None => redis::Client::open(info)?,
        Some(certificates) => redis::Client::build_with_tls(info, certificates)?,
    })
}

/// What to trust and to show over TLS.
async fn certificates(target: &Target) -> Result<Option<TlsCertificates>, BuiltinError> {
    if !target.transport.is_tls() {
        return Ok(None);
    }
    // The process may hold rustls with several providers: name ours. Only the first call counts.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    // The lab's authority alone: given one, the crate does not look at those of the system.
    let authority = read(&target.files.ca).await?;
    let client_tls = match &target.shows {
        None => None,
        Some((cert, key)) => {
            Some(ClientTlsConfig { client_cert: read(cert).await?, client_key: read(key).await? })
        }
    };
    Ok(Some(TlsCertificates { client_tls, root_cert: Some(authority) }))
}

async fn read(path: &Path) -> Result<Vec<u8>, BuiltinError> {
    tokio::fs::read(path).await.map_err(|source| BuiltinError::File { path: path.to_owned(), source })
}

/// The error and what it comes from, without what was said already.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = text + ": " + &cause_text;
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
