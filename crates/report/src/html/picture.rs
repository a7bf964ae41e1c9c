//! Who sits where on the wire, and what they get: one small picture an arm.

use askama::Template;
use wirelab_model::{ArmRecord, Attack, Verdict};

#[derive(Template)]
#[template(path = "picture.svg", escape = "html")]
struct Picture<'a> {
    /// Middle box; none where the attacker only listens.
    middle: Option<&'a str>,
    /// The attacker is the client.
    intruder: bool,
    /// The attacker listens at the wire.
    tap: bool,
    /// The good server takes part.
    server: bool,
    /// Text on the line from the client.
    line: &'a str,
    /// What the attacker got.
    gained: &'a str,
    /// Class of the colour: the verdict's word.
    class: String,
}

/// SVG without any outside reference; colours come from the page's style.
///
/// # Errors
/// Never for a record that wirelab made.
pub(crate) fn picture(arm: &ArmRecord, attack: &Attack, gained: &str) -> Result<String, askama::Error> {
    let picture = Picture {
        middle: match attack {
            Attack::Eavesdrop | Attack::Overhear | Attack::TlsPort | Attack::Intruder { .. } => None,
            Attack::Impostor { .. }
            | Attack::AskCertificate { .. }
            | Attack::Storm { .. }
            | Attack::Resume { .. }
            | Attack::Bait { .. } => Some("impostor"),
            Attack::Reconnect { .. }
            | Attack::RelayRead { .. }
            | Attack::RelayTamper { .. }
            | Attack::Tamper { .. } => Some("relay"),
            Attack::Corrupt => Some("corrupter"),
            Attack::Misbehave { .. }
            | Attack::Stall { .. }
            | Attack::Renegotiate { .. }
            | Attack::OnPath { .. }
            | Attack::HostileReply { .. } => Some("rogue"),
            Attack::Redirect { .. } => Some("redirector"),
        },
        intruder: matches!(attack, Attack::Intruder { .. }),
        tap: matches!(attack, Attack::Eavesdrop | Attack::Overhear | Attack::TlsPort),
        server: !matches!(
            attack,
            Attack::Impostor { .. }
                | Attack::AskCertificate { .. }
                | Attack::Storm { .. }
                | Attack::Resume { .. }
                | Attack::Bait { .. }
                | Attack::Misbehave { .. }
                | Attack::Stall { .. }
                | Attack::HostileReply { .. }
                | Attack::Redirect { .. }
        ),
        line: if arm.arm.is_tls() { "TLS" } else { "readable" },
        gained: match arm.verdict {
            Verdict::Secure => "gets nothing",
            Verdict::Compromised => gained,
            _ => "nobody can tell",
        },
        class: arm.verdict.to_string(),
    };
    picture.render()
}
