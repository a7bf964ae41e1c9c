//! The rogue at the far end of a link between servers.

use crate::{Rogue, RogueError, accepts};
use std::sync::Arc;
use wirelab_pki::Identity;
use wirelab_redis::{DataSet, Endpoint, serve_replica};

impl Rogue {
    /// Plays the master of a replica: takes any password, and hands out this data set. Without a certificate
    /// it speaks plaintext.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn master(port: u16, identity: Option<&Identity>, data: DataSet) -> Result<Self, RogueError> {
        let data = Arc::new(data);
        let running = Endpoint::bind(port).await?.serve(accepts(identity)?, move |stream, recorder| {
            serve_replica(stream, Arc::clone(&data), recorder)
        });
        Ok(Self::one(running))
    }
}
