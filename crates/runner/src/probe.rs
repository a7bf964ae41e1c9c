use crate::registry::Registered;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Finds out which clients can run here: each adapter is started and ended again, `jobs` at the same time.
/// The order stays.
pub async fn probe(clients: Vec<Registered>, launcher: &[String], jobs: usize) -> Vec<Registered> {
    let turns = Arc::new(Semaphore::new(jobs.max(1)));
    let mut probes = JoinSet::new();
    for (index, client) in clients.into_iter().enumerate() {
        let (turns, launcher) = (Arc::clone(&turns), launcher.to_vec());
        probes.spawn(async move {
            // It is never closed.
            let _turn = turns.acquire().await;
            (index, client.probe(&launcher).await)
        });
    }
    let mut probed = Vec::new();
    while let Some(done) = probes.join_next().await {
        // A probe that panicked has said so, and its client is not there.
        probed.extend(done);
    }
    probed.sort_by_key(|(index, _)| *index);
    probed.into_iter().map(|(_, client)| client).collect()
}
