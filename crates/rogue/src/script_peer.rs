//! The client on the other end of a script: what is sent to it, and what it answers.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::{Ending, Handshake, Offered};
use wirelab_redis::{Next, Recorder, Session, Stream, ending};
use wirelab_tls::{
    ClientHello, Keys, MOST_CIPHERTEXT, Reader, Schedule, Traffic, alert_name, kind, message_type,
    split_record,
};

/// Most bytes of handshake that are kept until a message is whole.
const MOST_HELLO: usize = 64 << 10;
/// Most records that are read before the handshake ends.
const MOST_RECORDS: usize = 64;

pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    recorder: Recorder,
    buffer: Vec<u8>,
    out: Vec<u8>,
    pub(crate) schedule: Schedule,
    seal: Option<Keys>,
    /// Handshake secrets, once there are keys.
    traffic: Option<Traffic>,
    open: Option<Keys>,
    pub(crate) application: Option<Traffic>,
    /// First bytes of the client, as they came.
    heard: Vec<u8>,
    /// A request for another hello was sent that may not be sent.
    pub(crate) asked_wrongly: bool,
    told: bool,
}

/// What came from the client.
enum Came {
    /// A record, opened where it was protected.
    Record(u8, Vec<u8>),
    /// Something that is no record, or cannot be opened.
    Unreadable(String),
    /// The end.
    End(Ending),
}

impl Peer {
    pub(crate) fn new(stream: Box<dyn Stream>, recorder: Recorder) -> Self {
        Self {
            stream,
            recorder,
            buffer: Vec::new(),
            out: Vec::new(),
            schedule: Schedule::default(),
            seal: None,
            traffic: None,
            open: None,
            application: None,
            heard: Vec::new(),
            asked_wrongly: false,
            told: false,
        }
    }

    /// Queues bytes.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Queues a protected record. Nothing where there are no keys: scripts have them first.
    pub(crate) fn seal(&mut self, kind: u8, content: &[u8]) {
        if let Some(keys) = &mut self.seal {
            self.out.extend(keys.seal(kind, content));
        }
    }

    /// Queues a protected record of this inner plaintext.
    pub(crate) fn seal_inner(&mut self, inner: &[u8]) {
        if let Some(keys) = &mut self.seal {
            self.out.extend(keys.seal_inner(inner));
        }
    }

    pub(crate) fn sealing(&self) -> bool {
        self.seal.is_some()
    }

    /// There are keys for the handshake.
    pub(crate) fn handshake(&mut self, traffic: &Traffic) {
        self.seal = Some(Traffic::keys(&traffic.server));
        self.open = Some(Traffic::keys(&traffic.client));
        self.traffic = Some(traffic.clone());
    }

    /// The server is done: it sends with the keys of the application.
    pub(crate) fn finished(&mut self, traffic: Traffic) {
        let application = self.schedule.clone().application();
        self.seal = Some(Traffic::keys(&application.server));
        self.traffic = Some(traffic);
        self.application = Some(application);
    }

    /// What is queued, which is then queued no more.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Notes what is wrong with what was sent, once.
    pub(crate) fn tell(&mut self, flaw: &str) {
        if !std::mem::replace(&mut self.told, true) {
            self.recorder.note(|connection| connection.tampered.push(flaw.to_owned()));
        }
    }

    /// Sends what is queued.
    pub(crate) async fn send(&mut self) -> std::io::Result<()> {
        let out = std::mem::take(&mut self.out);
        self.stream.write_all(&out).await?;
        self.stream.flush().await
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Handshake> {
        self.send().await.map_err(|error| {
            self.recorder.ended(ending(&error));
            Handshake::Closed
        })
    }

    async fn next(&mut self) -> Came {
        loop {
            match self.buffer.first() {
                Some(first) if !(20..=24).contains(first) => {
                    let bytes = std::mem::take(&mut self.buffer);
                    self.recorder.read(&bytes);
                    return Came::Unreadable("the client sent what is no TLS".into());
                }
                _ => {}
            }
            if let Some((kind, payload, end)) = split_record(&self.buffer) {
                let payload = payload.to_vec();
                self.buffer.drain(..end);
                return match (&mut self.open, kind) {
                    (Some(keys), kind::APPLICATION_DATA) => match keys.open(&payload) {
                        Some((kind, content)) => Came::Record(kind, content),
                        None => Came::Unreadable("a record of the client cannot be opened".into()),
                    },
                    _ => Came::Record(kind, payload),
                };
            }
            if self.buffer.len() > MOST_CIPHERTEXT + 5 {
                return Came::Unreadable("the client sent a record that is too long".into());
            }
            let mut bytes = vec![0; 4096];
            match self.stream.read(&mut bytes).await {
                Ok(0) => return Came::End(Ending::ClientClosed),
                Ok(length) => {
                    let bytes = bytes.get(..length).unwrap_or_default();
                    let room = MOST_HELLO - self.heard.len().min(MOST_HELLO);
                    self.heard.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                    self.buffer.extend_from_slice(bytes);
                }
                Err(error) => return Came::End(ending(&error)),
            }
        }
    }

    /// The client's first message. None where that is something else, as is then recorded.
    pub(crate) async fn client_hello(&mut self) -> Option<ClientHello> {
        match self.hello().await {
            Ok(hello) => Some(hello),
            Err(how) => {
                let reason = format!("there was no ClientHello: {how:?}");
                self.recorder.ended(Ending::Error { reason });
                None
            }
        }
    }

    /// What the client's first hello offers; none where it did not come whole.
    pub(crate) fn offered(&self) -> Option<Offered> {
        wirelab_redis::offered(&self.heard)
    }

    /// A ClientHello, or how the client broke off instead.
    pub(crate) async fn hello(&mut self) -> Result<ClientHello, Handshake> {
        let mut message = Vec::new();
        for _ in 0..MOST_RECORDS {
            match self.next().await {
                Came::Record(kind::HANDSHAKE, payload) => message.extend(payload),
                Came::Record(kind::CHANGE_CIPHER_SPEC, _) => continue,
                Came::Record(kind, payload) => return Err(self.broken_off(kind, &payload)),
                Came::Unreadable(reason) => return Err(Handshake::Failed { reason }),
                Came::End(ended) => return Err(self.end(ended)),
            }
            if let Some((_, whole)) = Reader(&message).handshake() {
                self.schedule.note(whole);
                return ClientHello::read(whole)
                    .ok_or_else(|| Handshake::Failed { reason: "the hello cannot be read".into() });
            }
            if message.len() > MOST_HELLO {
                break;
            }
        }
        Err(Handshake::Failed { reason: "the client's hello does not end".into() })
    }

    fn end(&self, ended: Ending) -> Handshake {
        self.recorder.ended(ended);
        Handshake::Closed
    }

    /// What a record that is no handshake amounts to.
    fn broken_off(&self, kind: u8, content: &[u8]) -> Handshake {
        match (kind, content) {
            (kind::ALERT, [_, code]) if *code != 0 => {
                let alert = alert_name(*code);
                self.recorder.ended(Ending::ClientAlert { alert: alert.clone() });
                Handshake::Refused { alert }
            }
            (kind::ALERT, _) => self.end(Ending::ClientClosed),
            _ => Handshake::Failed { reason: format!("the client sent a record of type {kind} instead") },
        }
    }

    /// What the client makes of the script: the handshake as it ended.
    pub(crate) async fn answer(&mut self) -> Handshake {
        let mut messages = Vec::new();
        let mut exchanged = false;
        for _ in 0..MOST_RECORDS {
            match self.next().await {
                // Before TLS 1.3 the client has keys now. With its part of the exchange alone it may still
                // have noticed that there are none to be had.
                Came::Record(kind::CHANGE_CIPHER_SPEC, _) if exchanged => {
                    return Handshake::WentOn { with: "ClientKeyExchange and ChangeCipherSpec".into() };
                }
                Came::Record(kind::CHANGE_CIPHER_SPEC, _) => {}
                Came::Record(kind::HANDSHAKE, content) => messages.extend(content),
                Came::Record(kind, content) => return self.broken_off(kind, &content),
                Came::Unreadable(reason) => {
                    self.recorder.ended(Ending::Error { reason: reason.clone() });
                    return Handshake::Failed { reason };
                }
                Came::End(ended) => return self.end(ended),
            }
            while let Some((of, message)) = Reader(&messages).handshake() {
                let message = message.to_vec();
                messages.drain(..message.len());
                exchanged |= of == message_type::CLIENT_KEY_EXCHANGE;
                if let Some(handshake) = self.message(of, &message) {
                    return handshake;
                }
            }
            if messages.len() > MOST_HELLO {
                break;
            }
        }
        Handshake::Failed { reason: "the client's handshake does not end".into() }
    }

    fn message(&mut self, of: u8, message: &[u8]) -> Option<Handshake> {
        let traffic = self.traffic.as_ref()?;
        if of == message_type::CERTIFICATE {
            // An empty list is four bytes behind the header: it has none.
            let shown = message.len() > 8;
            self.recorder.note(|connection| connection.client_certificate |= shown);
        }
        if of != message_type::FINISHED {
            self.schedule.note(message);
            return None;
        }
        let right = message.get(4..) == Some(&self.schedule.finished(&traffic.client));
        if !right {
            let reason = String::from("the client's Finished is not over what both sides said");
            self.recorder.ended(Ending::Error { reason: reason.clone() });
            return Some(Handshake::Failed { reason });
        }
        self.open = self.application.as_ref().map(|traffic| Traffic::keys(&traffic.client));
        Some(Handshake::Completed)
    }

    /// Leads a session under the keys of the application, until either side ends it.
    pub(crate) async fn serve(&mut self, mut session: Session) {
        loop {
            let bytes = match self.next().await {
                Came::Record(kind::APPLICATION_DATA, content) => content,
                Came::Record(kind::ALERT, content) => {
                    return match *content {
                        [_, 0] | [] => self.recorder.ended(Ending::ClientClosed),
                        [_, code, ..] | [code] => {
                            self.recorder.ended(Ending::ClientAlert { alert: alert_name(code) });
                        }
                    };
                }
                Came::Record(..) => continue,
                Came::Unreadable(reason) => return self.recorder.ended(Ending::Error { reason }),
                Came::End(ended) => return self.recorder.ended(ended),
            };
            self.recorder.read(&bytes);
            let mut out = Vec::new();
            let next = session.receive(&bytes, &mut out);
            self.recorder.note(|connection| {
                connection.commands = session.commands().to_vec();
                connection.credentials = session.credentials().to_vec();
            });
            self.recorder.written(&out);
            for part in out.chunks(1 << 14) {
                self.seal(kind::APPLICATION_DATA, part);
            }
            if self.flush().await.is_err() {
                return;
            }
            if next == Next::Close {
                return self.recorder.ended(Ending::ClientClosed);
            }
        }
    }
}
