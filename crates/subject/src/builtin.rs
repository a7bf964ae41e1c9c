//! The client that wirelab brings along: the `redis` crate with rustls.

use crate::Target;
use crate::target::USERNAME;
use redis::{
    AsyncConnectionConfig, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, TlsCertificates,
};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wirelab_model::{ClientEnd, ClientReport, Transport};

/// Longest wait for the connection, handshake and AUTH included, and for each reply.
const PATIENCE: Duration = Duration::from_secs(3);
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
}

/// SETs the value, GETs it, compares. One connection, no second attempt.
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
        stdout: Vec::new(),
        stderr: Vec::new(),
        output_cut: 0,
    }
}

async fn set_and_get(target: &Target, received: &mut Option<String>) -> Result<(), BuiltinError> {
    let client = client(target).await?;
    let patience = if target.stalled { LITTLE_PATIENCE } else { PATIENCE };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let canaries = &target.canaries;
    redis::cmd("SET").arg(&canaries.key).arg(&canaries.value).exec_async(&mut connection).await?;
    let value: Option<Vec<u8>> = redis::cmd("GET").arg(&canaries.key).query_async(&mut connection).await?;
    let value = value.ok_or(BuiltinError::NoValue)?;
    *received = Some(String::from_utf8_lossy(&value).into_owned());
    if value == canaries.value.as_bytes() { Ok(()) } else { Err(BuiltinError::OtherValue) }
}

async fn client(target: &Target) -> Result<redis::Client, BuiltinError> {
    let Target { host, port, transport, files, .. } = target;
    let (host, port) = (host.clone(), *port);
    let address = match transport {
        Transport::Plaintext => ConnectionAddr::Tcp(host, port),
        tls => ConnectionAddr::TcpTls { host, port, insecure: !tls.is_verified(), tls_params: None },
    };
    let login = RedisConnectionInfo::default().set_username(USERNAME).set_password(&target.canaries.password);
    // Without it Nagle's algorithm and delayed acknowledgements cost every session 40 ms.
    let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    let info = address.into_connection_info()?.set_redis_settings(login).set_tcp_settings(tcp);
    if !transport.is_tls() {
        return Ok(redis::Client::open(info)?);
    }
    // The process may hold rustls with several providers: name ours. Only the first call counts.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    // The lab's authority alone: given one, the crate does not look at those of the system.
    let authority = read(&files.ca).await?;
    let client_tls = match &target.shows {
        None => None,
        Some((cert, key)) => {
            Some(ClientTlsConfig { client_cert: read(cert).await?, client_key: read(key).await? })
        }
    };
    let certificates = TlsCertificates { client_tls, root_cert: Some(authority) };
    Ok(redis::Client::build_with_tls(info, certificates)?)
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
