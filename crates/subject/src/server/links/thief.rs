//! Whoever has stolen the password of a user, and what that one may do with it.

use super::near::{error_text, report};
use super::{FarEnd, LinkSetup, Linked};
use crate::server::ServerError;
use crate::server::line::{Line, Place, connector};
use crate::server::program::io;
use std::time::Instant;
use wirelab_model::{Canaries, ClientEnd};
use wirelab_wire::resp::Value;

impl LinkSetup<'_> {
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
