//! A client at an attacker, told line by line.

use std::fmt::Write as _;
use wirelab_model::{CertificateSeen, Connection, Ending, Handshake, Harvest, Listener, Offered, Opening};

/// A few lines for people: how it opened, what happened, what was harvested, how it ended.
pub fn connection(number: u64, time: &str, connection: &Connection, harvested: &[Harvest]) -> String {
    let place = if connection.listener == Listener::Announced { " where it was sent" } else { "" };
    let mut text = format!("{time} #{number} {}{place}: ", connection.client);
    match (connection.opening, &connection.tls) {
        (Opening::Silent, _) => text.push_str("said nothing\n"),
        (Opening::Plaintext, _) => text.push_str("talks without TLS\n"),
        (Opening::Tls, None) => {
            text.push_str("TLS, not opened");
            if let Some(hello) = &connection.hello {
                let _ = writeln!(text, ", {}\n{}", name(hello.sni.as_deref()), offers(&hello.offered));
            } else {
                text.push('\n');
            }
        }
        (Opening::Tls, Some(tls)) => {
            let _ = writeln!(text, "TLS, {}", name(tls.sni.as_deref()));
            if let Some(offered) = &tls.offered {
                let _ = writeln!(text, "{}", offers(offered));
            }
            let outcome = match &tls.handshake {
                Handshake::Completed => format!(
                    "accepted it ({}, {})",
                    tls.version.as_deref().unwrap_or("?"),
                    tls.cipher.as_deref().unwrap_or("?")
                ),
                Handshake::Refused { alert } => format!("refused it with the alert {alert}"),
                Handshake::Closed => "closed the connection during the handshake".to_owned(),
                Handshake::WentOn { with } => format!("went on with {with}"),
                Handshake::Failed { reason } => format!("the handshake failed: {reason}"),
            };
            let _ = writeln!(text, "  was shown `{}`, and {outcome}", tls.certificate);
        }
    }
    for harvest in harvested {
        let user = harvest.user.as_ref().map(|user| format!(" of {user}")).unwrap_or_default();
        let secret = harvest.secret.as_deref().unwrap_or("none");
        let _ = writeln!(text, "  gave away: {}{user}: {secret}", harvest.carrier);
    }
    if let Some(identity) = &connection.client_identity {
        let _ = writeln!(text, "  showed its own certificate: {}", identity_in_words(identity));
    }
    if !connection.commands.is_empty() {
        let _ = writeln!(text, "  commands: {}", connection.commands.join(" "));
    }
    for what in &connection.tampered {
        let _ = writeln!(text, "  the attacker {what}");
    }
    if let Some(alert) = &connection.declined {
        let _ = writeln!(text, "  declined with {alert}");
    }
    let _ = writeln!(
        text,
        "  {} bytes read, {} sent; {}",
        connection.client_bytes,
        connection.server_bytes,
        ending(&connection.ended)
    );
    text
}

fn name(sni: Option<&str>) -> String {
    sni.map_or_else(|| "no server name".to_owned(), |sni| format!("asks for {sni}"))
}

fn offers(offered: &Offered) -> String {
    let alpn =
        if offered.alpn.is_empty() { String::new() } else { format!("ALPN {}; ", offered.alpn.join(", ")) };
    let (versions, suites) = (offered.versions.join(", "), offered.ciphers.len());
    format!("  offers {versions}; {suites} suites; {alpn}JA4 {}", offered.ja4)
}

/// What a certificate says of its owner, in one line.
pub(crate) fn identity_in_words(identity: &CertificateSeen) -> String {
    let CertificateSeen { subject, issuer, names, .. } = identity;
    let names = if names.is_empty() { String::new() } else { format!(", also {}", names.join(", ")) };
    format!("{subject}{names}, signed by {issuer}")
}

/// The same for machines: one line.
pub fn connection_json(number: u64, connection: &Connection, harvested: &[Harvest]) -> String {
    let line = serde_json::json!({
        "event": "connection", "number": number, "connection": connection, "harvested": harvested,
    });
    line.to_string() + "\n"
}

fn ending(ended: &Ending) -> String {
    match ended {
        Ending::ClientClosed => "the client closed".into(),
        Ending::ClientReset => "the client reset the connection".into(),
        Ending::ClientAlert { alert } => format!("the client sent the alert {alert}"),
        Ending::ServerClosed => "the server closed".into(),
        Ending::Open => "still open".into(),
        Ending::Error { reason } => reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Offered, TlsFacts, Witnessed};

    #[test]
    fn people_see_what_a_client_did_and_gave_away() {
        let mut seen = Connection {
            listener: Listener::Dialled,
            redirected: Vec::new(),
            hello: None,
            declined: None,
            client: "127.0.0.1:50000".parse().unwrap(),
            upstream: None,
            opening: Opening::Tls,
            tls: Some(TlsFacts {
                certificate: "self-signed".into(),
                sni: Some("localhost".into()),
                offered: Some(Offered {
                    versions: vec!["TLSv1.3".into(), "TLSv1.2".into()],
                    ciphers: vec!["TLS_AES_128_GCM_SHA256".into()],
                    alpn: Vec::new(),
                    ja3: "0".into(),
                    ja4: "t13d".into(),
                }),
                shown: None,
                resumed: false,
                certificate_sent: true,
                version: Some("TLSv1.3".into()),
                cipher: Some("TLS13_AES_128_GCM_SHA256".into()),
                handshake: Handshake::Completed,
            }),
            commands: vec!["AUTH/2".into()],
            credentials: vec!["AUTH".into()],
            client_bytes: 40,
            early_bytes: 0,
            replay: false,
            before_attack: false,
            server_bytes: 5,
            certificate_asked: false,
            client_certificate: false,
            client_identity: None,
            tampered: Vec::new(),
            flaw_after_finished: false,
            ended: Ending::ClientClosed,
            witnessed: Witnessed::default(),
            read: Vec::new(),
            written: Vec::new(),
        };
        let harvested =
            Harvest { carrier: "AUTH".into(), user: Some("bob".into()), secret: Some("********".into()) };
        let accepted = connection(1, "12:00:00", &seen, &[harvested]);
        seen.tls.as_mut().unwrap().handshake = Handshake::Refused { alert: "UnknownCA".into() };
        seen.commands.clear();
        let refused = connection(2, "12:00:01", &seen, &[]);
        insta::assert_snapshot!("connections", accepted + &refused);
        // Who passes it on unopened tells what the client offers all the same.
        let offered = seen.tls.take().and_then(|tls| tls.offered).unwrap();
        seen.hello = Some(wirelab_model::Hello { sni: Some("localhost".into()), offered });
        seen.declined = Some("NoRenegotiation".into());
        let passed_on = connection(3, "12:00:02", &seen, &[]);
        assert!(
            passed_on.contains("TLS, not opened, asks for localhost\n  offers TLSv1.3, TLSv1.2; 1 suites")
        );
        assert!(passed_on.contains("declined with NoRenegotiation"), "{passed_on}");
        seen.listener = Listener::Announced;
        let sent = connection(4, "12:00:03", &seen, &[]);
        assert!(sent.starts_with("12:00:03 #4 127.0.0.1:50000 where it was sent: TLS"), "{sent}");
    }
}
