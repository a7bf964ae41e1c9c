//! The attacker: answers in the server's place, sits in the middle, flips bits. Listens on
//! 127.0.0.1 only.

mod corrupt;
mod greeting;
pub mod misbehaviour;
mod path;
mod relay;
mod script;
mod script_peer;
mod stall;
mod trusting;

use misbehaviour::{Entry, Family, Recipe};
use relay::Relay;
use script::{GOOD, Player};
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::mpsc;
use wirelab_model::{Connection, Ending, PeerReport};
use wirelab_pki::Identity;
use wirelab_redis::{Accepts, Access, Endpoint, EndpointError, Running, Session, Store, Tls, serve};

/// Why there is no rogue.
#[derive(Debug, Error)]
pub enum RogueError {
    /// No listener.
    #[error(transparent)]
    Listen(#[from] EndpointError),
    /// A certificate that TLS cannot use: a fault of the lab.
    #[error("the forged certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// The good server behind a relay.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// What the relay shows as a client, where the server asks. An attacker has none.
    pub shows: Option<Identity>,
}

/// Bytes to replace in what the server sends.
#[derive(Debug, Clone)]
pub struct Tamper {
    /// What to look for.
    pub find: Vec<u8>,
    /// What to put there, of the same length: RESP declares lengths.
    pub replace: Vec<u8>,
}

/// A rogue at work. Dropping it ends it and all its connections.
#[derive(Debug)]
pub struct Rogue(Running);

fn accepts(identity: Option<&Identity>) -> Result<Accepts, rustls::Error> {
    Ok(match identity {
        None => Accepts::Plaintext,
        // A client that falls back to plaintext is served as well.
        Some(identity) => Accepts::Both(Tls::new(identity)?),
    })
}

fn play(endpoint: Endpoint, player: Player) -> Running {
    let store = Store::default();
    endpoint.serve(Accepts::Raw, move |stream, recorder| {
        player.clone().run(stream, recorder, Session::new(Access::Anyone, store.clone()))
    })
}

impl Rogue {
    /// Answers in the server's place: takes any password, and harvests. Without a certificate it
    /// speaks plaintext.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn impostor(port: u16, identity: Option<&Identity>) -> Result<Self, RogueError> {
        Self::answering(port, accepts(identity)?).await
    }

    /// Ends the client's connection, opens its own to the good server without checking anything, and
    /// passes on what it reads.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn relay(
        port: u16,
        identity: Option<&Identity>,
        upstream: Upstream,
        tamper: Option<Tamper>,
    ) -> Result<Self, RogueError> {
        let accepts = accepts(identity)?;
        let relay = Relay::new(upstream, tamper)?;
        let running = Endpoint::bind(port)
            .await?
            .serve(accepts, move |stream, recorder| relay.clone().run(stream, recorder));
        Ok(Self(running))
    }

    /// Passes bytes on as they are, and flips one bit of what the server sends, once per connection:
    /// in a TLS record of the application, or in `value` in plaintext. Not `armed`: flips nothing.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn corrupter(
        port: u16,
        upstream: SocketAddr,
        armed: bool,
        value: Vec<u8>,
    ) -> Result<Self, RogueError> {
        let running = Endpoint::bind(port).await?.serve(Accepts::Raw, move |stream, recorder| {
            corrupt::run(stream, recorder, upstream, armed.then(|| value.clone()))
        });
        Ok(Self(running))
    }

    /// Misbehaves as the entry says, with a good certificate of the shape of its family, or on the path to
    /// the good server at `upstream`.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn misbehaving(
        port: u16,
        identity: &Identity,
        upstream: SocketAddr,
        entry: &Entry,
    ) -> Result<Self, RogueError> {
        let flaw = entry.flaw;
        let endpoint = Endpoint::bind(port).await?;
        Ok(Self(match entry.recipe {
            Recipe::Script(_, steps) => play(endpoint, Player::new(identity, steps, Some(flaw))?),
            Recipe::Greet(greeting) => {
                let store = Store::default();
                endpoint.serve(Accepts::Raw, move |stream, recorder| {
                    let session = Session::new(Access::Anyone, store.clone());
                    greeting::run(greeting, flaw, stream, recorder, session)
                })
            }
            Recipe::Stall(pace) => {
                let player = Player::new(identity, GOOD, None)?;
                endpoint.serve(Accepts::Raw, move |stream, recorder| {
                    stall::run(player.clone(), pace, flaw, stream, recorder)
                })
            }
            Recipe::Path(prank) => endpoint.serve(Accepts::Raw, move |stream, recorder| {
                path::run(stream, recorder, upstream, Some((prank, flaw)))
            }),
        }))
    }

    /// The same without a flaw: what every client must accept.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn behaving(
        port: u16,
        identity: &Identity,
        upstream: SocketAddr,
        family: Family,
    ) -> Result<Self, RogueError> {
        match family {
            Family::Modern => Ok(Self(play(Endpoint::bind(port).await?, Player::new(identity, GOOD, None)?))),
            Family::Old(_) => Self::answering(port, Accepts::Tls(Tls::tls12(identity)?)).await,
            Family::Server => Self::answering(port, accepts(Some(identity))?).await,
            Family::Path => {
                let endpoint = Endpoint::bind(port).await?;
                Ok(Self(endpoint.serve(Accepts::Raw, move |stream, recorder| {
                    path::run(stream, recorder, upstream, None)
                })))
            }
        }
    }

    async fn answering(port: u16, accepts: Accepts) -> Result<Self, RogueError> {
        let store = Store::default();
        let running = Endpoint::bind(port).await?.serve(accepts, move |stream, recorder| {
            serve(stream, Session::new(Access::Anyone, store.clone()), recorder)
        });
        Ok(Self(running))
    }

    /// Takes connections and closes them at once: an attack that does not happen.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn idle(port: u16) -> Result<Self, RogueError> {
        let running = Endpoint::bind(port).await?.serve(Accepts::Raw, |stream, recorder| async move {
            recorder.ended(Ending::Error { reason: "the rogue is idle".into() });
            drop(stream);
        });
        Ok(Self(running))
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// From now on tells of each connection once it has ended. It waits for whoever listens.
    pub fn watch(&self) -> mpsc::Receiver<Connection> {
        self.0.watch()
    }

    /// Gives open connections `within` to end by themselves, ends the rest, and reports.
    pub async fn stop(self, within: Duration) -> PeerReport {
        self.0.stop(within).await
    }
}
