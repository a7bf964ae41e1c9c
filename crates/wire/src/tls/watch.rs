//! The facts of a connection.

use super::{
    APPLICATION_DATA, CHANGE_CIPHER_SPEC, ClientHello, MAX_ALERTS, ServerHello, TLS_1_3, TlsEvent, alert_text,
};
use wirelab_model::{Direction, Resumption, TlsAlertSeen, TlsSeen};

/// Collects what both sides say.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// What is known so far.
    pub seen: TlsSeen,
    /// The session that the client wanted to resume.
    session_id: Vec<u8>,
    ticket: bool,
}

impl Watch {
    /// Whether a version before 1.3 was negotiated.
    pub fn is_old(&self) -> bool {
        self.seen.version.as_deref().is_some_and(|version| version != TLS_1_3)
    }

    /// Adds an event that `from` sent.
    pub fn note(&mut self, from: Direction, event: TlsEvent) {
        let seen = &mut self.seen;
        match event {
            TlsEvent::Record(APPLICATION_DATA) => match from {
                Direction::Client => seen.client_records += 1,
                Direction::Server => seen.server_records += 1,
            },
            TlsEvent::Record(CHANGE_CIPHER_SPEC) => self.keys_without_exchange(from),
            TlsEvent::Record(_) => {}
            TlsEvent::HelloRetryRequest => seen.retried = true,
            TlsEvent::ClientHello(hello) => self.client_hello(*hello),
            TlsEvent::ServerHello(hello) => self.server_hello(*hello),
            TlsEvent::Certificate(certificate) => {
                let place = match from {
                    Direction::Client => &mut seen.client_certificate,
                    Direction::Server => &mut seen.server_certificate,
                };
                if place.is_none() {
                    *place = certificate.map(|certificate| *certificate);
                }
            }
            TlsEvent::KeyExchange(group) => {
                seen.group.get_or_insert(group);
            }
            TlsEvent::Alpn(protocol) => {
                seen.alpn.get_or_insert(protocol);
            }
            TlsEvent::CertificateRequest => seen.client_certificate_asked = true,
            TlsEvent::Alert { code, fatal } => {
                if seen.alerts.len() < MAX_ALERTS {
                    seen.alerts.push(TlsAlertSeen { from, description: alert_text(code), fatal });
                }
            }
        }
    }

    fn client_hello(&mut self, hello: ClientHello) {
        let seen = &mut self.seen;
        if !seen.client_hello {
            seen.alpn_offered = hello.alpn;
        }
        seen.client_hello = true;
        seen.sni = seen.sni.take().or(hello.sni);
        seen.ja3.get_or_insert(hello.ja3);
        seen.ja4.get_or_insert(hello.ja4);
        self.session_id = hello.session_id;
        self.ticket = hello.ticket;
    }

    fn server_hello(&mut self, hello: ServerHello) {
        let seen = &mut self.seen;
        seen.server_hello = true;
        // TLS 1.3 sends the client's id back for show.
        seen.resumed = if hello.version == TLS_1_3 {
            hello.psk.then_some(Resumption::Psk)
        } else if hello.session_id.is_empty() || hello.session_id != self.session_id {
            None
        } else if self.ticket {
            Some(Resumption::Ticket)
        } else {
            Some(Resumption::SessionId)
        };
        seen.version.get_or_insert(hello.version);
        seen.cipher.get_or_insert(hello.cipher);
        seen.group = seen.group.take().or(hello.group);
        seen.alpn = seen.alpn.take().or(hello.alpn);
    }

    /// RFC 5077 section 3.4: a server may take a ticket without an id to say so; then it sends neither
    /// certificate nor key exchange before it changes ciphers.
    fn keys_without_exchange(&mut self, from: Direction) {
        let nothing_sent = self.seen.server_certificate.is_none() && self.seen.group.is_none();
        if from == Direction::Server && self.is_old() && self.ticket && nothing_sent {
            self.seen.resumed.get_or_insert(Resumption::Ticket);
        }
    }
}
