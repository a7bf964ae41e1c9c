//! fred as a client under test: one case a line on stdin, one outcome a line on stdout.

use fred::prelude::*;
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::{ClusterDiscoveryPolicy, TlsConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error as StdError;
use std::io::{BufRead, Write};
use std::time::Duration;

/// A case of the lab. Fields that are not here are ignored.
#[derive(Deserialize)]
struct Case {
    id: i64,
    host: String,
    port: u16,
    tls: bool,
    verify: bool,
    ca: String,
    client_cert: Option<String>,
    client_key: Option<String>,
    username: String,
    password: String,
    key: String,
    value: String,
    topology: Option<String>,
    service: Option<String>,
    deadline_ms: u64,
}

type Failure = Box<dyn StdError>;

/// A rustls configuration as in fred's example: the authority as the only root.
fn tls(case: &Case) -> Result<Option<TlsConfig>, Failure> {
    if !case.tls {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&case.ca)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match (&case.client_cert, &case.client_key) {
        (Some(certificate), Some(key)) => {
            let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key)?)?
        }
        _ => config.with_no_client_auth(),
    };
    Ok(Some(config.into()))
}

fn client(case: &Case) -> Result<Client, Failure> {
    let server = match case.topology.as_deref() {
        Some("cluster") => ServerConfig::Clustered {
            hosts: vec![Server::new(&case.host, case.port)],
            policy: ClusterDiscoveryPolicy::default(),
        },
        Some("sentinel") => ServerConfig::Sentinel {
            hosts: vec![Server::new(&case.host, case.port)],
            service_name: case.service.clone().ok_or("a sentinel case without a service")?,
            username: Some(case.username.clone()),
            password: Some(case.password.clone()),
        },
        // `outcome` lets no other topology come here.
        _ => ServerConfig::new_centralized(&case.host, case.port),
    };
    let config = Config {
        server,
        username: Some(case.username.clone()),
        password: Some(case.password.clone()),
        tls: tls(case)?,
        ..Config::default()
    };
    // Shorter than the deadline, so that the library's own error is what people read.
    let timeout = Duration::from_millis(case.deadline_ms * 4 / 10);
    // No policy for connecting anew: the first failure is the answer.
    let client = Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = timeout;
            connection.internal_command_timeout = timeout;
            connection.max_command_attempts = 1;
        })
        .with_performance_config(|performance| performance.default_command_timeout = timeout)
        .build()?;
    Ok(client)
}

/// Writes the value and reads it back.
async fn round_trip(case: &Case) -> Result<Option<String>, Failure> {
    let client = client(case)?;
    let exchange = async {
        client.init().await?;
        client.set::<(), _, _>(&case.key, &case.value, None, None, false).await?;
        client.get(&case.key).await
    };
    let received: Result<Option<String>, fred::error::Error> = exchange.await;
    // A client that never connected has nothing to close.
    let _closed = tokio::time::timeout(Duration::from_millis(200), client.quit()).await;
    Ok(received?)
}

async fn outcome(case: &Case) -> Value {
    if case.tls && !case.verify {
        return json!({"id": case.id, "outcome": "unsupported", "error": "fred has no switch for the check of certificates"});
    }
    match case.topology.as_deref() {
        None | Some("standalone" | "cluster" | "sentinel") => {}
        Some("clear-sentinel") => {
            let why = "fred has one setting of TLS for Sentinels and data nodes";
            return json!({"id": case.id, "outcome": "unsupported", "error": why});
        }
        Some(other) => {
            let why = format!("the adapter knows no topology {other}");
            return json!({"id": case.id, "outcome": "unsupported", "error": why});
        }
    }
    let failed = |received: Option<String>, error: String| json!({"id": case.id, "outcome": "failed", "received": received, "error": error});
    match round_trip(case).await {
        Err(error) => failed(None, causes(&*error)),
        Ok(Some(value)) if value == case.value => {
            json!({"id": case.id, "outcome": "worked", "received": value})
        }
        Ok(other) => failed(other, "GET returned another value than was SET".to_owned()),
    }
}

/// The error and what caused it, outermost first.
fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("; caused by {error}"));
        cause = error.source();
    }
    text
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut answers = std::io::stdout();
    // fred does not tell its version: the lock file does, which cargo built it by.
    let version = include_str!("../Cargo.lock")
        .split("[[package]]")
        .find_map(|package| package.trim_start().strip_prefix("name = \"fred\"\nversion = \""))
        .and_then(|rest| rest.split('"').next())
        .ok_or("Cargo.lock has no fred")?;
    let hello =
        json!({"protocol": 1, "adapter": "fred", "library": "fred", "version": version, "runtime": "rustls"});
    writeln!(answers, "{hello}")?;
    for line in std::io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        writeln!(answers, "{}", outcome(&case).await)?;
    }
    Ok(())
}
