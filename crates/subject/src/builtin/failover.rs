//! The built-in client as one that listens to a Sentinel and moves with the master, which its library does not do
//! by itself: with TLS and all its checks as before.

use super::{BuiltinError, PATIENCE, set_and_get_over, tcp, topology};
use crate::Target;
use crate::target::USERNAME;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind,
    RedisConnectionInfo, TlsCertificates, Value,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wirelab_redis::SWITCH_MASTER;

/// Works with the master that the Sentinel names, waits for word of another one, and works with that.
pub(super) async fn failover(
    target: &Target,
    address: ConnectionAddr,
    certificates: Option<TlsCertificates>,
    config: AsyncConnectionConfig,
    received: &mut Option<String>,
) -> Result<(), BuiltinError> {
    let first = topology::sentinel(target, address.clone(), certificates.clone(), &config).await?;
    set_and_get_over(target, first, received).await?;
    let (sender, mut pushes) = unbounded_channel();
    let listening = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
    let sentinel = client(address.clone(), listening, certificates.clone())?;
    let mut sentinel = sentinel
        .get_multiplexed_async_connection_with_config(&config.clone().set_push_sender(sender))
        .await?;
    sentinel.subscribe(SWITCH_MASTER).await?;
    let message =
        tokio::time::timeout(PATIENCE, message(&mut pushes)).await.map_err(|_| BuiltinError::NoSwitch)?;
    let there = message.as_deref().and_then(|message| moved(&address, message));
    let login = RedisConnectionInfo::default().set_username(USERNAME).set_password(&target.canaries.password);
    let master = client(there.ok_or(BuiltinError::NoSwitch)?, login, certificates)?;
    let master = master.get_multiplexed_async_connection_with_config(&config).await?;
    set_and_get_over(target, master, received).await
}

fn client(
    address: ConnectionAddr,
    settings: RedisConnectionInfo,
    certificates: Option<TlsCertificates>,
) -> Result<redis::Client, BuiltinError> {
    let info = address.into_connection_info()?.set_redis_settings(settings).set_tcp_settings(tcp());
    Ok(match certificates {
        None => redis::Client::open(info)?,
        Some(certificates) => redis::Client::build_with_tls(info, certificates)?,
    })
}

async fn message(pushes: &mut UnboundedReceiver<PushInfo>) -> Option<String> {
    loop {
        let push = pushes.recv().await?;
        if push.kind == PushKind::Message
            && let Some(Value::BulkString(message)) = push.data.into_iter().nth(1)
        {
            return String::from_utf8(message).ok();
        }
    }
}

/// The same way to another place: `name old-host old-port new-host new-port`.
fn moved(known: &ConnectionAddr, message: &str) -> Option<ConnectionAddr> {
    let mut words = message.split(' ').skip(3);
    let (host, port) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    Some(match known {
        ConnectionAddr::TcpTls { insecure, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: None }
        }
        _ => ConnectionAddr::Tcp(host, port),
    })
}
