//! Whoever has stolen the password of a user, and what that one may do with it.

use super::near::{error_text, report};
use super::{FAR, FarEnd, LinkSetup, Linked, port};
use crate::Login;
use crate::server::line::{Line, Place, connector};
use crate::server::program::io;
use crate::server::redis_server::{Config, Ports, RedisServer};
use crate::server::{ServerError, ServerTls};
use std::time::Instant;
use wirelab_model::{Canaries, ClientEnd, Link};
use wirelab_wire::resp::Value;

/// The user who may read and write one key.
const USER: &str = "shop";

impl LinkSetup<'_> {
    /// A server with the one user `default`, or with one more, who may read and write one key.
    pub(super) async fn with_users(&self) -> Result<FarEnd, ServerError> {
        let Canaries { password, key, forged, .. } = self.canaries;
        let Some(tls) = self.tls else {
            let server = RedisServer::start(self.config(Some(0), FAR), self.launcher).await?;
            let seen = port(&server);
            return Ok(FarEnd::of(server, seen));
        };
        let lines = [format!("user {USER} on >{password} ~{key} -@all +get +set")];
        let ports = Ports { plain: None, tls: Some((0, ServerTls { clients: None, ..tls })) };
        // The password of `default` is the operator's then, and no client has it.
        let config = Config { ports, lines: &lines, password: forged, ..self.config(None, FAR) };
        let server = RedisServer::start(config, self.launcher).await?;
        let seen = server.tls();
        Ok(FarEnd::of(server, seen))
    }

    /// What clients log in with.
    pub fn login(&self) -> Login {
        if self.user().is_some() { Login::User(USER) } else { Login::Password }
    }

    /// None: `default`.
    fn user(&self) -> Option<&'static str> {
        (self.link == Link::AclUser && self.tls.is_some()).then_some(USER)
    }

    /// Comes with the password: reads the value of its owner, and tries what that one has no need of. Each refusal is told
    /// of; `arrived` says whether the server holds what it had no right to write.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn steal(&self, far: &FarEnd) -> Result<Linked, ServerError> {
        let begun = Instant::now();
        let Canaries { password, key, forged, .. } = self.canaries;
        let tls = self.tls.is_some().then(|| connector(&self.front)).transpose()?;
        let thief = Line { place: Place::Port(far.port), user: self.user(), password: password.clone(), tls };
        let what = "cannot ask a server as the thief of a password";
        let (end, received) = match io(what, thief.ask(&["GET", key]).await)? {
            Value::Bulk(Some(value)) => {
                (ClientEnd::Worked, Some(String::from_utf8_lossy(&value).into_owned()))
            }
            _ => (ClientEnd::Failed { code: None }, None),
        };
        let attempts: [&[&str]; 4] =
            [&["SET", forged, forged], &["CONFIG", "GET", "requirepass"], &["ACL", "LIST"], &["KEYS", "*"]];
        let mut refusals = Vec::new();
        for attempt in attempts {
            let answer = io(what, thief.ask(attempt).await)?;
            if answer.is_error() {
                refusals.push(error_text(&answer));
            }
        }
        let error = (!refusals.is_empty()).then(|| refusals.join("; "));
        let arrived = Some(far.holds(forged, forged).await?);
        Ok(Linked { near: report(end, error, received, begun.elapsed()), near_port: None, arrived })
    }
}
