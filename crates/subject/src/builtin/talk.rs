//! What the built-in client does over RESP3, for attackers that change more than a value: several commands at
//! once, a cache of its own, a channel. It gives back the value that an application would have in the end.

use super::{BuiltinError, text};
use crate::Target;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisResult, Value, cmd};
use std::pin::pin;
use tokio::sync::mpsc::UnboundedReceiver;
use wirelab_model::Talk;

pub(super) type Pushes = UnboundedReceiver<PushInfo>;

pub(super) async fn talk(
    target: &Target,
    connection: MultiplexedConnection,
    pushes: Pushes,
) -> Result<Option<Vec<u8>>, BuiltinError> {
    match target.talk {
        Talk::Simple | Talk::Pipelined | Talk::Failover => pipelined(target, connection, pushes).await,
        Talk::Cached => cached(target, connection, pushes).await,
        Talk::Subscribed => subscribed(target, connection, pushes).await,
    }
}

/// SET, GET and PING on their way at once. A message that comes although nobody asked for any is taken for the
/// value: that is what a handler of messages would do.
async fn pipelined(
    target: &Target,
    mut connection: MultiplexedConnection,
    mut pushes: Pushes,
) -> Result<Option<Vec<u8>>, BuiltinError> {
    let canaries = &target.canaries;
    let (mut second, mut third) = (connection.clone(), connection.clone());
    let (set, get) = (set(&canaries.key, &canaries.value), get(&canaries.key));
    let ping = cmd("PING");
    let mut both = pin!(async {
        tokio::join!(set.query_async::<Value>(&mut connection), get.query_async::<Value>(&mut second))
    });
    let mut ping = pin!(ping.query_async::<Value>(&mut third));
    let mut answered = false;
    // In this order they go out. The last one need not be answered.
    let (set, value) = loop {
        tokio::select! {
            biased;
            both = &mut both => break both,
            _ = &mut ping, if !answered => answered = true,
        }
    };
    set?;
    Ok(message(&mut pushes).or(text(value?)))
}

/// Reads what it then has in its cache, changes it, and reads it again where it is told of the change.
async fn cached(
    target: &Target,
    mut connection: MultiplexedConnection,
    mut pushes: Pushes,
) -> Result<Option<Vec<u8>>, BuiltinError> {
    let canaries = &target.canaries;
    let key = canaries.key.as_str();
    cmd("CLIENT").arg("TRACKING").arg("ON").exec_async(&mut connection).await?;
    // The old value is no secret of its own.
    set(key, key).exec_async(&mut connection).await?;
    let mut cache: Option<Vec<u8>> = get(key).query_async(&mut connection).await?;
    set(key, &canaries.value).exec_async(&mut connection).await?;
    for _ in 0..2 {
        barrier(&mut connection).await?;
        if invalidated(&mut pushes) {
            cache = get(key).query_async(&mut connection).await?;
        }
    }
    Ok(cache)
}

/// Subscribes, publishes, and takes the first message.
async fn subscribed(
    target: &Target,
    mut connection: MultiplexedConnection,
    mut pushes: Pushes,
) -> Result<Option<Vec<u8>>, BuiltinError> {
    let canaries = &target.canaries;
    set(&canaries.key, &canaries.value).exec_async(&mut connection).await?;
    connection.subscribe(&canaries.key).await?;
    cmd("PUBLISH").arg(&canaries.key).arg(&canaries.value).exec_async(&mut connection).await?;
    barrier(&mut connection).await?;
    Ok(message(&mut pushes))
}

fn set(key: &str, value: &str) -> redis::Cmd {
    let mut set = cmd("SET");
    set.arg(key).arg(value);
    set
}

fn get(key: &str) -> redis::Cmd {
    let mut get = cmd("GET");
    get.arg(key);
    get
}

/// Whatever the server has pushed so far is here once it has answered: nothing is waited for by the clock.
async fn barrier(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    cmd("PING").exec_async(connection).await
}

fn message(pushes: &mut Pushes) -> Option<Vec<u8>> {
    while let Ok(push) = pushes.try_recv() {
        if push.kind == PushKind::Message
            && let Some(Value::BulkString(message)) = push.data.into_iter().nth(1)
        {
            return Some(message);
        }
    }
    None
}

fn invalidated(pushes: &mut Pushes) -> bool {
    let mut any = false;
    while let Ok(push) = pushes.try_recv() {
        any |= push.kind == PushKind::Invalidate;
    }
    any
}
