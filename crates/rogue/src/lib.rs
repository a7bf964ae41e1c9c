//! The attacker: answers in the server's place, sits in the middle, flips bits. Listens on
//! 127.0.0.1 only.

mod comeback;
mod corrupt;
mod flight;
mod greeting;
mod hostile;
mod list;
mod master;
pub mod misbehaviour;
mod path;
mod redirect;
mod relay;
mod renegotiate;
mod resp;
mod resume;
mod script;
mod script_peer;
mod stall;
mod tamper;
mod trusting;
mod turn;
mod understand;

use comeback::Comeback;
pub use list::ListPort;
use list::ListServer;
use misbehaviour::{Entry, Family, Recipe};
pub use redirect::Lie;
use relay::Relay;
use resume::Resumer;
use script::{GOOD, GOOD_IN_PIECES, Player};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
pub use tamper::Plan;
use thiserror::Error;
use tokio::sync::mpsc;
use turn::Turn;
pub use turn::When;
use wirelab_model::{Bait, Connection, Ending, Hostility, Listener, PeerReport};
use wirelab_pki::Identity;
pub use wirelab_redis::DataSet;
use wirelab_redis::{Accepts, Access, Endpoint, EndpointError, Running, Secrets, Session, Store, Tls, serve};

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
pub struct Rogue {
    running: Running,
    /// Where it sends clients to, if anywhere.
    announced: Option<Running>,
    /// What clients are to trust, PEM; none: the lab's authority.
    anchor: Option<String>,
    /// Who serves the list of revoked certificates that its certificate names, and how often it did.
    list: Option<ListServer>,
    /// The secrets of what ends TLS where the listener itself does not.
    secrets: Option<Arc<Secrets>>,
    /// When it stops being good, where it was at first.
    turn: Option<Turn>,
}

fn accepts(identity: Option<&Identity>) -> Result<Accepts, rustls::Error> {
    Ok(match identity {
        None => Accepts::Plaintext,
        // A client that falls back to plaintext is served as well.
        Some(identity) => Accepts::Both(Tls::new(identity)?),
    })
}

fn play(endpoint: Endpoint, player: Player) -> Rogue {
    let (store, secrets) = (Store::default(), Some(player.secrets()));
    let running = endpoint.serve(Accepts::Raw, move |stream, recorder| {
        player.clone().run(stream, recorder, Session::new(Access::Anyone, store.clone()))
    });
    Rogue { running, announced: None, anchor: None, list: None, turn: None, secrets }
}

impl Rogue {
    fn one(running: Running) -> Self {
        Self { running, announced: None, anchor: None, list: None, turn: None, secrets: None }
    }

    /// Answers in the server's place: takes any password, and harvests. Without a certificate it
    /// speaks plaintext.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn impostor(port: u16, identity: Option<&Identity>) -> Result<Self, RogueError> {
        let anchor = identity.and_then(Identity::anchor_pem);
        Ok(Self { anchor, ..Self::answering(port, accepts(identity)?).await? })
    }

    /// The same with a certificate that names a list of revoked certificates, which is served at `list`.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn listed(port: u16, identity: &Identity, list: ListPort) -> Result<Self, RogueError> {
        let impostor = Self::impostor(port, Some(identity)).await?;
        Ok(Self { list: Some(list.serve(identity.list.clone().unwrap_or_default())), ..impostor })
    }

    /// Answers in the server's place, and asks for a certificate of the client's. Takes any password.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn asking(port: u16, identity: &Identity) -> Result<Self, RogueError> {
        Self::answering(port, Accepts::Both(Tls::asking(identity)?)).await
    }

    /// Passes connections on to the good server as they are, until one has had a session, or until [`Rogue::cut`]: then it
    /// cuts them off. Those after them meet a relay with this certificate.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn comeback(
        port: u16,
        identity: &Identity,
        upstream: Upstream,
        when: When,
    ) -> Result<Self, RogueError> {
        let tls = Tls::new(identity)?;
        let secrets = Some(tls.secrets());
        let comeback = Comeback::new(tls, upstream, when)?;
        let turn = Some(comeback.turn());
        let running = Endpoint::bind(port)
            .await?
            .serve(Accepts::Raw, move |stream, recorder| comeback.clone().run(stream, recorder));
        Ok(Self { running, announced: None, anchor: None, list: None, turn, secrets })
    }

    /// Takes any password with the certificate `first`, until a connection has had a session, or until [`Rogue::cut`]: then it
    /// cuts them off.
    /// Resumes its session for those who come back, and shows `later` to those who do not want that. With
    /// `early` the tickets allow data before the handshake, and it sends that to itself a second time.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn resumer(
        port: u16,
        first: &Identity,
        later: &Identity,
        early: bool,
        when: When,
    ) -> Result<Self, RogueError> {
        let endpoint = Endpoint::bind(port).await?;
        let (first, later) = (Tls::new(first)?, Tls::new(later)?);
        let secrets = Some(later.secrets());
        let resumer = Resumer::new(first, later, early, endpoint.port(), when);
        let turn = Some(resumer.turn());
        let running =
            endpoint.serve(Accepts::Raw, move |stream, recorder| resumer.clone().run(stream, recorder));
        Ok(Self { running, announced: None, anchor: None, list: None, turn, secrets })
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
        Ok(Self::one(running))
    }

    /// The same, but it understands what it passes on, and changes what the plan says; without one nothing.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn tamperer(
        port: u16,
        identity: Option<&Identity>,
        upstream: Upstream,
        plan: Option<Plan>,
    ) -> Result<Self, RogueError> {
        let Some(plan) = plan else { return Self::relay(port, identity, upstream, None).await };
        let accepts = accepts(identity)?;
        let relay = Relay::new(upstream, None)?;
        let running = Endpoint::bind(port).await?.serve(accepts, move |stream, recorder| {
            understand::run(relay.clone(), plan.clone(), stream, recorder)
        });
        Ok(Self::one(running))
    }

    /// Answers in the server's place, and does this with those who log in.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn baiter(port: u16, identity: Option<&Identity>, how: Bait) -> Result<Self, RogueError> {
        Self::admitting(port, accepts(identity)?, Access::Bait(how)).await
    }

    /// Takes any password, and answers GET with what is to break the client.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn hostile(port: u16, identity: Option<&Identity>, how: Hostility) -> Result<Self, RogueError> {
        let store = Store::default();
        let running = Endpoint::bind(port).await?.serve(accepts(identity)?, move |stream, recorder| {
            hostile::run(how, stream, Session::new(Access::Anyone, store.clone()), recorder)
        });
        Ok(Self::one(running))
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
        Ok(Self::one(running))
    }

    /// Misbehaves as the entry says, with a good certificate of the shape of its family or with as many names as it
    /// says, or on the path to the good server at `upstream`.
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
        Ok(Self::one(match entry.recipe {
            Recipe::Script(_, steps) => {
                return Ok(play(endpoint, Player::new(identity, steps, Some(flaw))?));
            }
            Recipe::Names(_) => {
                return Ok(play(endpoint, Player::new(identity, GOOD_IN_PIECES, Some(flaw))?));
            }
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
            Recipe::Renegotiate => {
                let (tls, store) = (Tls::tls12_with_keys(identity)?, Store::default());
                let secrets = Some(tls.secrets());
                let running = endpoint.serve(Accepts::Raw, move |stream, recorder| {
                    let session = Session::new(Access::Anyone, store.clone());
                    renegotiate::run(tls.clone(), flaw, stream, recorder, session)
                });
                return Ok(Self { running, announced: None, anchor: None, list: None, turn: None, secrets });
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
            Family::Modern => Ok(play(Endpoint::bind(port).await?, Player::new(identity, GOOD, None)?)),
            Family::Old(_) => Self::answering(port, Accepts::Tls(Tls::tls12(identity)?)).await,
            Family::Server => Self::answering(port, accepts(Some(identity))?).await,
            Family::Path => {
                let endpoint = Endpoint::bind(port).await?;
                Ok(Self::one(endpoint.serve(Accepts::Raw, move |stream, recorder| {
                    path::run(stream, recorder, upstream, None)
                })))
            }
        }
    }

    async fn answering(port: u16, accepts: Accepts) -> Result<Self, RogueError> {
        Self::admitting(port, accepts, Access::Anyone).await
    }

    async fn admitting(port: u16, accepts: Accepts, access: Access) -> Result<Self, RogueError> {
        let store = Store::default();
        let running = Endpoint::bind(port).await?.serve(accepts, move |stream, recorder| {
            serve(stream, Session::new(access.clone(), store.clone()), recorder)
        });
        Ok(Self::one(running))
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
        Ok(Self::one(running))
    }

    /// Answers as a server that the client trusts, and sends it to a second listener, which harvests.
    /// `first` and `second` are what the two show; without a certificate they speak plaintext.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn redirector(
        port: u16,
        lie: Lie<'_>,
        first: Option<&Identity>,
        second: Option<&Identity>,
    ) -> Result<Self, RogueError> {
        let (running, announced) = redirect::start(port, lie, first, second).await?;
        Ok(Self { running, announced: Some(announced), anchor: None, list: None, turn: None, secrets: None })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.running.port()
    }

    /// The port on 127.0.0.1 that clients are sent to, if any.
    pub fn announced_port(&self) -> Option<u16> {
        self.announced.as_ref().map(Running::port)
    }

    /// The port on 127.0.0.1 at which it serves a list of revoked certificates, if any.
    pub fn list_port(&self) -> Option<u16> {
        self.list.as_ref().map(ListServer::port)
    }

    /// In PEM the authority that clients are to trust, where that is not the lab's.
    pub fn anchor(&self) -> Option<&str> {
        self.anchor.as_deref()
    }

    /// The good time is over, where there was one: it cuts off those who are connected, waits for that, and attacks those who
    /// come back.
    pub async fn cut(&self) {
        if let Some(turn) = &self.turn {
            turn.take_and_wait().await;
        }
    }

    /// A resumer is good again, to give another session that can be resumed. Nothing else changes.
    pub fn be_good_again(&self) {
        self.turn.iter().for_each(Turn::take_back);
    }

    /// Whether anybody has resumed a session with it.
    pub fn has_resumed(&self) -> bool {
        self.running.any_resumed()
    }

    /// Whether it was still good to all who connected so far.
    pub fn only_before_attack(&self) -> bool {
        self.running.only_before_attack()
    }

    /// From now on tells of each connection to its own port once it has ended. It waits for whoever listens.
    pub fn watch(&self) -> mpsc::Receiver<Connection> {
        self.running.watch()
    }

    /// The same of those to the port that clients are sent to, if any.
    pub fn watch_announced(&self) -> Option<mpsc::Receiver<Connection>> {
        self.announced.as_ref().map(Running::watch)
    }

    /// Gives open connections `within` to end by themselves, ends the rest, and reports.
    pub async fn stop(self, within: Duration) -> PeerReport {
        let Some(announced) = self.announced else {
            let mut report = self.running.stop(within).await;
            report.list_fetched = self.list.as_ref().map(ListServer::fetched);
            report.key_log.extend(self.secrets.as_ref().map(|secrets| secrets.all()).unwrap_or_default());
            return report;
        };
        let (mut report, mut other) = tokio::join!(self.running.stop(within), announced.stop(within));
        for connection in &mut other.connections {
            connection.listener = Listener::Announced;
        }
        report.connections.append(&mut other.connections);
        report.unrecorded += other.unrecorded;
        report.key_log.append(&mut other.key_log);
        report
    }
}
