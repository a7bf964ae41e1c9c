use super::locks::Locks;
use super::session::Channel;
use super::{Item, Stuck, Wire, open};
use crate::Target;
use wirelab_tls::{
    AES_128_GCM_SHA256, ClientHello, Exchange, Keys, OldSession, Reader, Schedule, ServerHello, Ticket,
    Traffic, early_traffic, extension_type, group, handshake, kind, message_type, record, vector8, version,
};

/// Most records of the peer's that it goes through: as many as the longest message there can be takes, and some.
const MOST_RECORDS: usize = (1 << 10) + 64;

/// How it went.
pub(super) enum Outcome {
    /// There are keys.
    Secured(Box<Channel>),
    /// The peer did not answer with TLS.
    NoTls,
}

struct Handshake {
    hello: ClientHello,
    exchange: Exchange,
    schedule: Schedule,
    traffic: Option<Traffic>,
    open: Option<Keys>,
    /// Handshake messages that are not whole yet.
    messages: Vec<u8>,
    /// What came in clear and looks like replies.
    replies: Vec<u8>,
    answered: bool,
    /// The server wants a certificate; the context of its request.
    asked: Option<Vec<u8>>,
    /// Keys of what it sends before the server answers, and whether the server takes that.
    early: Option<Keys>,
    takes_early: bool,
    /// Of a server with TLS 1.2: the random of its hello, and its point on X25519.
    old_random: Vec<u8>,
    old_point: Option<Vec<u8>>,
    /// Keys of TLS 1.2, once there are any.
    old: Option<OldSession>,
}

/// Shakes hands with whatever is there.
///
/// With a ticket it resumes that session, and sends `early` at once where the ticket allows it.
pub(super) async fn shake(
    wire: &mut Wire,
    target: &Target,
    ticket: Option<Ticket>,
    early: &[u8],
) -> Result<Outcome, Stuck> {
    let mut state = Handshake::new(target)?;
    state.hello.early_data = ticket.as_ref().is_some_and(|ticket| early.len() <= ticket.most_early as usize);
    state.hello.resumes = ticket;
    let first = state.hello.write();
    state.schedule.note(&first);
    let mut flight = record(kind::HANDSHAKE, version::TLS10, &first);
    if let (Some(ticket), true) = (&state.hello.resumes, state.hello.early_data) {
        let mut keys = Traffic::keys(&early_traffic(&ticket.psk, &first));
        flight.extend(keys.seal(kind::APPLICATION_DATA, early));
        state.early = Some(keys);
    }
    wire.send(&flight).await?;
    for _ in 0..MOST_RECORDS {
        match wire.next().await {
            Item::Nothing if !state.answered => return Ok(Outcome::NoTls),
            Item::Nothing => return Err("the peer went away during the handshake".into()),
            // SERVER-HELLO of SSL 2.0: a length of two bytes, and the message's number.
            Item::Stray(bytes) if matches!(*bytes, [high, _, 4, ..] if high >= 0x80) => {
                state.answered = true;
                state.go_on_before_tls13(wire).await?;
            }
            Item::Stray(bytes) => state.replies.extend(bytes),
            Item::Record(kind::ALERT, alert) if state.open.is_none() => match *alert {
                [2, _] if !state.answered => return Ok(Outcome::NoTls),
                [2, code] => return Err(format!("the peer says {}", wirelab_tls::alert_name(code))),
                _ => {}
            },
            Item::Record(kind, payload) => {
                let opened = match (&mut state.open, kind) {
                    (Some(keys), kind::APPLICATION_DATA) => open(keys, &payload),
                    (None, kind::HANDSHAKE) if state.old.is_some() => {
                        // The server's Finished, which it does not compare: without the keys it does not open.
                        let old =
                            state.old.take().and_then(|mut old| old.server.open(kind, &payload).map(|_| old));
                        let old = old.ok_or("the peer's Finished cannot be opened")?;
                        return Ok(Outcome::Secured(Box::new(state.old_channel(old))));
                    }
                    _ => Some((kind, payload)),
                };
                let Some((kind, content)) = opened else { continue };
                match kind {
                    kind::HANDSHAKE => state.messages.extend(content),
                    kind::APPLICATION_DATA => state.replies.extend(content),
                    kind::ALERT if content.first() == Some(&2) => {
                        return Err("the peer sent an alert during the handshake".into());
                    }
                    _ => {}
                }
                if let Some(channel) = state.messages(wire).await? {
                    return Ok(Outcome::Secured(Box::new(channel)));
                }
            }
        }
    }
    Err("the handshake does not end".into())
}

impl Handshake {
    fn new(target: &Target) -> Result<Self, Stuck> {
        let exchange = Exchange::new().map_err(|_| "no random numbers for a key".to_owned())?;
        // Public values: what is random in a key share will do for both.
        let random = Exchange::new().map_err(|_| "no random numbers for a hello".to_owned())?.public;
        let hello = ClientHello {
            legacy_version: version::TLS12,
            session_id: random.clone(),
            random,
            suites: vec![AES_128_GCM_SHA256, 0xC02B, 0xC02F, 0x002F],
            server_name: Some(target.host.clone()),
            versions: vec![version::TLS13, version::TLS12, version::TLS11, version::TLS10],
            groups: vec![group::X25519, group::SECP256R1],
            schemes: vec![0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0807],
            shares: vec![(group::X25519, exchange.public.clone())],
            cookie: None,
            resumes: None,
            early_data: false,
            extensions: Vec::new(),
        };
        Ok(Self {
            hello,
            exchange,
            schedule: Schedule::default(),
            traffic: None,
            open: None,
            messages: Vec::new(),
            replies: Vec::new(),
            answered: false,
            asked: None,
            early: None,
            takes_early: false,
            old_random: Vec::new(),
            old_point: None,
            old: None,
        })
    }

    async fn messages(&mut self, wire: &mut Wire) -> Result<Option<Channel>, Stuck> {
        while let Some((of, message)) = Reader(&self.messages).handshake() {
            let message = message.to_vec();
            self.messages.drain(..message.len());
            match of {
                message_type::SERVER_HELLO => {
                    if let Some(hello) = ServerHello::read(&message) {
                        self.server_hello(&hello, &message, wire).await?;
                        continue;
                    }
                }
                message_type::CERTIFICATE_REQUEST => {
                    self.asked = message.get(4..).and_then(|body| Reader(body).vector8()).map(<[u8]>::to_vec);
                }
                message_type::ENCRYPTED_EXTENSIONS => {
                    let block = message.get(4..).and_then(|body| Reader(body).vector16()).unwrap_or_default();
                    let early = |(kind, _): &(u16, &[u8])| *kind == extension_type::EARLY_DATA;
                    self.takes_early = Reader(block).extensions().iter().any(early);
                }
                message_type::SERVER_KEY_EXCHANGE => self.old_point = point(&message),
                message_type::SERVER_HELLO_DONE if self.traffic.is_none() => {
                    self.schedule.note(&message);
                    self.go_on_before_tls13(wire).await?;
                    continue;
                }
                message_type::FINISHED if self.traffic.is_some() => {
                    self.schedule.note(&message);
                    return self.finish(wire).await.map(Some);
                }
                _ => {}
            }
            self.schedule.note(&message);
        }
        Ok(None)
    }

    async fn server_hello(
        &mut self,
        hello: &ServerHello,
        message: &[u8],
        wire: &mut Wire,
    ) -> Result<(), Stuck> {
        self.answered = true;
        if hello.is_retry() {
            self.schedule.retry();
            self.schedule.note(message);
            let cookie = hello.extension(extension_type::COOKIE).and_then(|body| Reader(body).vector16());
            self.hello.cookie = cookie.map(<[u8]>::to_vec);
            let again = self.hello.write();
            self.schedule.note(&again);
            return wire.send(&record(kind::HANDSHAKE, version::TLS12, &again)).await;
        }
        self.schedule.note(message);
        self.old_random = hello.random.to_vec();
        if hello.is_tls13() && self.traffic.is_none() {
            let shared = self.exchange.shared(hello.share().unwrap_or_default());
            if let Some(ticket) = self.hello.resumes.as_ref().filter(|_| hello.resumes()) {
                self.schedule.resume(&ticket.psk);
            }
            let traffic = self.schedule.handshake(&shared);
            self.open = Some(Traffic::keys(&traffic.server));
            self.traffic = Some(traffic);
        }
        Ok(())
    }

    /// Where the server has a key on X25519, both have keys of TLS 1.2 now. Of all else it has none; who answers a
    /// finished hello at all has gone on.
    async fn go_on_before_tls13(&mut self, wire: &mut Wire) -> Result<(), Stuck> {
        let exchange = handshake(message_type::CLIENT_KEY_EXCHANGE, &vector8(&self.exchange.public));
        self.schedule.note(&exchange);
        if let Some(point) = &self.old_point {
            let shared = self.exchange.shared(point);
            let mut old = OldSession::new(&shared, &self.hello.random, &self.old_random);
            let content = old.client_finished(&self.schedule.hash());
            let finished = old.client.seal(kind::HANDSHAKE, &handshake(message_type::FINISHED, &content));
            self.old = Some(old);
            let flight = [
                record(kind::HANDSHAKE, version::TLS12, &exchange),
                record(kind::CHANGE_CIPHER_SPEC, version::TLS12, &[1]),
                finished,
            ];
            return wire.send(&flight.concat()).await;
        }
        let finished = handshake(message_type::FINISHED, &[0; 12]);
        let flight = [
            record(kind::HANDSHAKE, version::TLS12, &exchange),
            record(kind::CHANGE_CIPHER_SPEC, version::TLS12, &[1]),
            record(kind::HANDSHAKE, version::TLS12, &finished),
        ];
        wire.send(&flight.concat()).await
    }

    fn old_channel(&mut self, old: OldSession) -> Channel {
        Channel {
            locks: Locks::Old { seal: old.client, open: old.server },
            replies: std::mem::take(&mut self.replies),
            schedule: self.schedule.clone(),
            hello: self.hello.write(),
            ticket: None,
            early_taken: false,
        }
    }

    async fn finish(&mut self, wire: &mut Wire) -> Result<Channel, Stuck> {
        let Some(traffic) = self.traffic.take() else { return Err("Finished before ServerHello".into()) };
        let mut later = self.schedule.clone();
        let application = later.application();
        let mut seal = Traffic::keys(&traffic.client);
        let mut flight = record(kind::CHANGE_CIPHER_SPEC, version::TLS12, &[1]);
        if let (Some(keys), true) = (&mut self.early, self.takes_early) {
            let end = handshake(message_type::END_OF_EARLY_DATA, &[]);
            for schedule in [&mut self.schedule, &mut later] {
                schedule.note(&end);
            }
            flight.extend(keys.seal(kind::HANDSHAKE, &end));
        }
        if let Some(context) = self.asked.take() {
            let none = [vector8(&context), vec![0, 0, 0]].concat();
            let certificate = handshake(message_type::CERTIFICATE, &none);
            for schedule in [&mut self.schedule, &mut later] {
                schedule.note(&certificate);
            }
            flight.extend(seal.seal(kind::HANDSHAKE, &certificate));
        }
        let finished = handshake(message_type::FINISHED, &self.schedule.finished(&traffic.client));
        later.note(&finished);
        flight.extend(seal.seal(kind::HANDSHAKE, &finished));
        wire.send(&flight).await?;
        Ok(Channel {
            locks: Locks::Modern {
                seal: Traffic::keys(&application.client),
                open: Traffic::keys(&application.server),
            },
            replies: std::mem::take(&mut self.replies),
            schedule: later,
            hello: self.hello.write(),
            ticket: None,
            early_taken: self.takes_early,
        })
    }
}

/// The key of a ServerKeyExchange, where it is one on X25519 (RFC 8422 section 5.4).
fn point(message: &[u8]) -> Option<Vec<u8>> {
    let [3, high, low, rest @ ..] = message.get(4..)? else { return None };
    let on = u16::from_be_bytes([*high, *low]) == group::X25519;
    Reader(rest).vector8().filter(|_| on).map(<[u8]>::to_vec)
}
