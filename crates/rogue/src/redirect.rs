//! A server that the client trusts, and that sends it to the attacker: a node or a Sentinel that was
//! taken over, or one that is reached without TLS.

use crate::RogueError;
use wirelab_model::{Redirection, Topology};
use wirelab_pki::Identity;
use wirelab_redis::{
    Accepts, Access, Address, Claims, Endpoint, Running, Session, Sessions, Store, Tls, serve,
};

/// What the lying server says.
#[derive(Debug, Clone)]
pub struct Lie<'a> {
    /// By which answer it sends clients elsewhere.
    pub how: Redirection,
    /// The host under which clients dial the lying server.
    pub dialled: &'a str,
    /// The host that it sends clients to.
    pub host: &'a str,
    /// Both servers ask clients for a certificate, and take any.
    pub asks: bool,
    /// The lying server is asked without TLS.
    pub in_clear: bool,
    /// The second server resumes sessions of the first one.
    pub shares_tickets: bool,
}

/// Starts the server that lies, and the one that it sends clients to.
pub(crate) async fn start(
    port: u16,
    lie: Lie<'_>,
    first: Option<&Identity>,
    second: Option<&Identity>,
) -> Result<(Running, Running), RogueError> {
    let sessions = Sessions::for_any_name();
    let accepts_first = match first {
        _ if lie.in_clear => Accepts::Plaintext,
        None => Accepts::Plaintext,
        Some(identity) if lie.asks => Accepts::Tls(Tls::asking(identity)?),
        Some(identity) if lie.shares_tickets => Accepts::Tls(Tls::new(identity)?.resuming(&sessions, 0)),
        Some(identity) => Accepts::Tls(Tls::new(identity)?),
    };
    let accepts_second = match second {
        Some(identity) if lie.shares_tickets => Accepts::Both(Tls::new(identity)?.resuming(&sessions, 0)),
        Some(identity) if lie.asks => Accepts::Both(Tls::asking(identity)?),
        other => crate::accepts(other)?,
    };
    let (first, second) = (Endpoint::bind(port).await?, Endpoint::bind(0).await?);

    let address = |host: &str, port| Address { host: host.to_owned(), port };
    let there = address(lie.host, second.port());
    let lying = Claims::lying(address(lie.dialled, first.port()), lie.how, there.clone());
    // Who has come to the attacker is to stay: it is all that there is of the cluster.
    let harvesting = Claims::honest(
        match lie.how.topology() {
            // A Sentinel names an ordinary server.
            Topology::Sentinel => Topology::Standalone,
            other => other,
        },
        there,
    );
    let start = |endpoint: Endpoint, accepts, claims: Claims| {
        let store = Store::default();
        endpoint.serve(accepts, move |stream, recorder| {
            let session = Session::new(Access::Anyone, store.clone()).claiming(claims.clone());
            serve(stream, session, recorder)
        })
    };
    Ok((start(first, accepts_first, lying), start(second, accepts_second, harvesting)))
}
