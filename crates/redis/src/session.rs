use crate::commands::first_key;
use crate::data::data;
use crate::encode::Encoder;
use crate::store::Store;
use crate::topology::{Claims, SWITCH_MASTER};
use crate::tracking::Tracking;
use wirelab_model::{Bait, CertificateSeen, Topology};
use wirelab_wire::resp::Decoder;

/// Most commands that are noted of a session.
const MOST_NOTED: usize = 256;
/// Most answers that sent the client elsewhere that are noted.
const MOST_REDIRECTED: usize = 16;

/// Who may log in.
#[derive(Debug, Clone)]
pub enum Access {
    /// The user `default` with this password.
    Password(String),
    /// Everybody, without a word: a server that has no password.
    Open,
    /// Whoever shows a certificate of this subject is logged in by that, and nobody by anything else. Redis 8.6 and Valkey 9
    /// do that with `tls-auth-clients-user CN`.
    Certificate(String),
    /// Anybody with any password: what a rogue server says.
    Anyone,
    /// Nobody gets what they came for: a rogue server that wants to be told more.
    Bait(Bait),
}

/// Whether a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does.
    Continue,
    /// It is to be closed once the replies are sent.
    Close,
}

/// One connection's conversation, without any I/O: bytes in, bytes out. It knows what clients send
/// when they connect, and the commands of a cache; anything else is an error reply as Redis gives it.
pub struct Session {
    access: Access,
    store: Store,
    claims: Option<Claims>,
    decoder: Decoder,
    resp3: bool,
    authenticated: bool,
    name: Vec<u8>,
    subscriptions: Vec<Vec<u8>>,
    tracking: Tracking,
    commands: Vec<String>,
    credentials: Vec<String>,
    redirected: Vec<String>,
}

impl Session {
    /// A new connection.
    pub fn new(access: Access, store: Store) -> Self {
        Self {
            authenticated: matches!(access, Access::Open),
            access,
            store,
            claims: None,
            decoder: Decoder::commands(),
            resp3: false,
            name: Vec::new(),
            subscriptions: Vec::new(),
            tracking: Tracking::default(),
            commands: Vec::new(),
            credentials: Vec::new(),
            redirected: Vec::new(),
        }
    }

    /// The same for a client that has shown this certificate; none: it has shown none.
    #[must_use]
    pub fn shown(mut self, certificate: Option<&CertificateSeen>) -> Self {
        self.authenticated |= matches!((&self.access, certificate),
            (Access::Certificate(wanted), Some(shown)) if shown.subject == *wanted);
        self
    }

    /// The same as a cluster node or a Sentinel, which says this of its topology.
    #[must_use]
    pub fn claiming(mut self, claims: Claims) -> Self {
        self.claims = Some(claims);
        self
    }

    /// Commands so far: `GET/1`.
    pub fn commands(&self) -> &[String] {
        &self.commands
    }

    /// Carriers of credentials so far: `AUTH`, `HELLO`.
    pub fn credentials(&self) -> &[String] {
        &self.credentials
    }

    /// Answers so far that sent the client elsewhere.
    pub fn redirected(&self) -> &[String] {
        &self.redirected
    }

    /// Takes what the client sent and adds the replies to `out`.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Next {
        self.decoder.push(bytes);
        loop {
            match self.decoder.next_command() {
                Ok(None) => return Next::Continue,
                Ok(Some(words)) => {
                    if self.command(&words, out) == Next::Close {
                        return Next::Close;
                    }
                }
                Err(error) => {
                    Encoder { out, resp3: false }.error(&format!("ERR Protocol error: {error}"));
                    return Next::Close;
                }
            }
        }
    }

    fn command(&mut self, words: &[Vec<u8>], out: &mut Vec<u8>) -> Next {
        let Some((name, arguments)) = words.split_first() else { return Next::Continue };
        let name: String = name
            .iter()
            .take(32)
            .map(|byte| if byte.is_ascii_graphic() { char::from(*byte).to_ascii_uppercase() } else { '?' })
            .collect();
        if self.commands.len() < MOST_NOTED {
            self.commands.push(format!("{name}/{}", arguments.len()));
        }
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        let resp3 = self.resp3;
        if self.bait(&mut Encoder { out: &mut *out, resp3 }, &name, &arguments) {
            return Next::Continue;
        }
        let mut reply = Encoder { out, resp3 };
        match (name.as_str(), arguments.as_slice()) {
            ("AUTH", [password]) => self.auth(&mut reply, b"default", password),
            ("AUTH", [user, password]) => self.auth(&mut reply, user, password),
            ("HELLO", arguments) => self.hello(&mut reply, arguments),
            ("QUIT", _) => {
                reply.simple("OK");
                return Next::Close;
            }
            ("RESET", []) => {
                self.authenticated = matches!(self.access, Access::Open);
                self.resp3 = false;
                self.subscriptions.clear();
                self.tracking = Tracking::default();
                reply.simple("RESET");
            }
            (name, _) if !self.authenticated && !self.is_open(name) => {
                reply.error("NOAUTH Authentication required.");
            }
            (name, arguments) if self.topology(&mut reply, name, arguments) => {}
            ("SUBSCRIBE" | "PSUBSCRIBE", channels) if !channels.is_empty() => {
                self.subscribe(&mut reply, &name, channels);
            }
            ("UNSUBSCRIBE" | "PUNSUBSCRIBE", channels) => self.unsubscribe(&mut reply, &name, channels),
            ("PING", _) if !resp3 && !self.subscriptions.is_empty() => {
                reply.array(2);
                reply.bulk(b"pong");
                reply.bulk(arguments.first().copied().unwrap_or_default());
            }
            ("CLIENT", [subcommand, rest @ ..]) => self.client(&mut reply, subcommand, rest),
            ("INFO", _) => reply.bulk(
                format!("# Server\r\nredis_version:{VERSION}\r\nredis_mode:{}\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n", self.mode()).as_bytes(),
            ),
            ("PUBLISH", [channel, message]) if resp3 => self.publish(&mut reply, channel, message),
            (_, arguments) => {
                data(&mut reply, &self.store, &name, arguments);
                self.tracking.after(&mut reply, &name, arguments);
            }
        }
        Next::Continue
    }

    /// What a rogue does instead of answering; false where it answers as any server does.
    fn bait(&mut self, reply: &mut Encoder<'_>, name: &str, arguments: &[&[u8]]) -> bool {
        let Access::Bait(how) = self.access else { return false };
        let carrier = match (name, arguments) {
            ("AUTH", [_, ..]) => true,
            ("HELLO", arguments) => arguments.iter().any(|word| word.eq_ignore_ascii_case(b"AUTH")),
            _ => false,
        };
        let noted = |session: &mut Self| {
            if carrier && session.credentials.len() < MOST_NOTED {
                session.credentials.push(name.to_owned());
            }
        };
        match (how, name) {
            (Bait::Silent, _) => noted(self),
            (Bait::NoHello, "HELLO") => {
                noted(self);
                reply.error("ERR unknown command 'HELLO', with args beginning with: ");
            }
            (Bait::NoAuth, name) if !carrier && name != "QUIT" => {
                reply.error("NOAUTH Authentication required.");
            }
            _ => return false,
        }
        true
    }

    /// Whether the command is answered before anybody has logged in: Sentinels have no password here, as
    /// most have none.
    fn is_open(&self, name: &str) -> bool {
        let sentinel = self.claims.as_ref().is_some_and(|claims| claims.topology() == Topology::Sentinel);
        sentinel
            && ["SENTINEL", "PING", "INFO", "ROLE", "COMMAND", "CLIENT", "SUBSCRIBE", "PSUBSCRIBE"]
                .contains(&name)
    }

    /// Answers what only cluster nodes and Sentinels know; false where this is neither, or the command is
    /// like any other.
    fn topology(&mut self, reply: &mut Encoder<'_>, name: &str, arguments: &[&[u8]]) -> bool {
        let Some(claims) = &self.claims else { return false };
        let sent = match (claims.topology(), name, arguments) {
            (Topology::Cluster, "CLUSTER", [subcommand, rest @ ..]) => {
                claims.cluster(reply, subcommand, rest)
            }
            (Topology::Cluster, "ASKING" | "READONLY" | "READWRITE", []) => {
                reply.simple("OK");
                None
            }
            // One port is Sentinel and master in one: the second for whoever has logged in.
            (Topology::Sentinel, "ROLE", []) if !self.authenticated => {
                claims.sentinel_role(reply);
                None
            }
            (Topology::Sentinel, "SENTINEL", [subcommand, rest @ ..]) => {
                claims.sentinel(reply, subcommand, rest)
            }
            _ => match first_key(name, arguments).and_then(|key| claims.elsewhere(key)) {
                Some(to) => {
                    reply.error(&to);
                    Some(to)
                }
                None => return false,
            },
        };
        self.redirected.extend(sent);
        self.redirected.truncate(MOST_REDIRECTED);
        true
    }

    /// The word of HELLO and INFO.
    fn mode(&self) -> String {
        self.claims.as_ref().map_or(Topology::Standalone, Claims::topology).to_string()
    }

    fn auth(&mut self, reply: &mut Encoder<'_>, user: &[u8], password: &[u8]) {
        self.credentials.push("AUTH".into());
        self.credentials.truncate(MOST_NOTED);
        if self.log_in(user, password) {
            reply.simple("OK");
        } else {
            reply.error("WRONGPASS invalid username-password pair or user is disabled.");
        }
    }

    fn log_in(&mut self, user: &[u8], password: &[u8]) -> bool {
        let right = match &self.access {
            Access::Anyone | Access::Open => true,
            Access::Bait(how) => *how != Bait::WrongPassword,
            Access::Certificate(_) => false,
            Access::Password(wanted) => user == b"default" && password == wanted.as_bytes(),
        };
        self.authenticated |= right;
        right
    }

    /// <https://redis.io/docs/latest/commands/hello/>
    fn hello(&mut self, reply: &mut Encoder<'_>, arguments: &[&[u8]]) {
        let (version, mut options) = match arguments.split_first() {
            None => (None, [].as_slice()),
            Some((version, options)) => (Some(*version), options),
        };
        if version.is_some_and(|version| version != b"2" && version != b"3") {
            return reply.error("NOPROTO unsupported protocol version");
        }
        while let Some((option, rest)) = options.split_first() {
            match (option.to_ascii_uppercase().as_slice(), rest) {
                (b"AUTH", [user, password, rest @ ..]) => {
                    self.credentials.push("HELLO".into());
                    self.credentials.truncate(MOST_NOTED);
                    if !self.log_in(user, password) {
                        return reply.error("WRONGPASS invalid username-password pair or user is disabled.");
                    }
                    options = rest;
                }
                (b"SETNAME", [name, rest @ ..]) => {
                    self.name = name.to_vec();
                    options = rest;
                }
                _ => return reply.error("ERR Syntax error in HELLO option"),
            }
        }
        if !self.authenticated && !self.is_open("SENTINEL") {
            return reply.error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
            );
        }
        if let Some(version) = version {
            self.resp3 = version == b"3";
        }
        reply.resp3 = self.resp3;
        reply.map(7);
        for (key, value) in [("server", "redis"), ("version", VERSION)] {
            reply.bulk(key.as_bytes());
            reply.bulk(value.as_bytes());
        }
        reply.bulk(b"proto");
        reply.integer(if self.resp3 { 3 } else { 2 });
        reply.bulk(b"id");
        reply.integer(1);
        reply.bulk(b"mode");
        reply.bulk(self.mode().as_bytes());
        reply.bulk(b"role");
        reply.bulk(b"master");
        reply.bulk(b"modules");
        reply.array(0);
    }

    fn client(&mut self, reply: &mut Encoder<'_>, subcommand: &[u8], rest: &[&[u8]]) {
        match (subcommand.to_ascii_uppercase().as_slice(), rest) {
            (b"SETNAME", [name]) => {
                self.name = name.to_vec();
                reply.simple("OK");
            }
            (b"GETNAME", []) if self.name.is_empty() => reply.null(),
            (b"GETNAME", []) => reply.bulk(&self.name),
            (b"ID", []) => reply.integer(1),
            (b"TRACKING", [on, options @ ..]) => {
                self.tracking.switch(on.eq_ignore_ascii_case(b"ON") && reply.resp3, options);
                reply.simple("OK");
            }
            (b"SETINFO" | b"NO-EVICT" | b"NO-TOUCH", _) => reply.simple("OK"),
            (b"LIST" | b"INFO", _) => reply.bulk(b"id=1 addr=127.0.0.1:0 name= db=0\n"),
            _ => reply
                .error("ERR unknown subcommand or wrong number of arguments for 'client'. Try CLIENT HELP."),
        }
    }

    fn subscribe(&mut self, reply: &mut Encoder<'_>, name: &str, channels: &[&[u8]]) {
        for channel in channels {
            if self.subscriptions.len() < MOST_NOTED && !self.subscriptions.iter().any(|c| c == channel) {
                self.subscriptions.push(channel.to_vec());
            }
            self.subscription(reply, name, Some(channel));
            self.switch_master(reply, name, channel);
        }
    }

    /// A Sentinel that lies about it tells a new subscriber that the master has gone elsewhere.
    fn switch_master(&mut self, reply: &mut Encoder<'_>, name: &str, channel: &[u8]) {
        let pattern = name == "PSUBSCRIBE";
        let fits = channel == SWITCH_MASTER.as_bytes() || (pattern && [&b"*"[..], b"+*"].contains(&channel));
        let Some(message) = self.claims.as_ref().filter(|_| fits).and_then(|claims| claims.switch_master())
        else {
            return;
        };
        reply.push(if pattern { 4 } else { 3 });
        reply.bulk(if pattern { b"pmessage" } else { b"message" });
        if pattern {
            reply.bulk(channel);
        }
        reply.bulk(SWITCH_MASTER.as_bytes());
        reply.bulk(message.as_bytes());
        if self.redirected.len() < MOST_REDIRECTED {
            self.redirected.push(format!("{SWITCH_MASTER} {message}"));
        }
    }

    /// Tells this connection, where it has subscribed itself; others are not told here.
    fn publish(&self, reply: &mut Encoder<'_>, channel: &[u8], message: &[u8]) {
        let subscribed = self.subscriptions.iter().any(|own| own == channel);
        if subscribed {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(channel);
            reply.bulk(message);
        }
        reply.integer(i64::from(subscribed));
    }

    fn unsubscribe(&mut self, reply: &mut Encoder<'_>, name: &str, channels: &[&[u8]]) {
        if channels.is_empty() {
            self.subscriptions.clear();
            return self.subscription(reply, name, None);
        }
        for channel in channels {
            self.subscriptions.retain(|c| c != channel);
            self.subscription(reply, name, Some(channel));
        }
    }

    fn subscription(&self, reply: &mut Encoder<'_>, name: &str, channel: Option<&[u8]>) {
        reply.push(3);
        reply.bulk(name.to_ascii_lowercase().as_bytes());
        reply.bulk_or_null(channel);
        reply.integer(self.subscriptions.len() as i64);
    }
}

/// Version that the server says it has: clients choose their commands by it.
const VERSION: &str = "7.4.0";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn talk(session: &mut Session, line: &str) -> String {
        let mut out = Vec::new();
        session.receive(format!("{line}\r\n").as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_without_the_right_password() {
        let mut session = Session::new(Access::Password("pw".into()), Store::default());
        assert!(talk(&mut session, "GET k").starts_with("-NOAUTH"));
        assert!(talk(&mut session, "AUTH no").starts_with("-WRONGPASS"));
        assert!(talk(&mut session, "HELLO 3 AUTH default no").starts_with("-WRONGPASS"));
        assert!(talk(&mut session, "HELLO 3").starts_with("-NOAUTH"));
        assert!(talk(&mut session, "GET k").starts_with("-NOAUTH"));
        assert_eq!(talk(&mut session, "AUTH default pw"), "+OK\r\n");
        assert_eq!(talk(&mut session, "SET k v"), "+OK\r\n");
        assert_eq!(talk(&mut session, "GET k"), "$1\r\nv\r\n");
        assert_eq!(talk(&mut session, "GET none"), "$-1\r\n");
        assert!(talk(&mut session, "HELLO 3").starts_with("%7\r\n"));
        assert_eq!(talk(&mut session, "GET none"), "_\r\n");
        assert_eq!(session.credentials(), ["AUTH", "HELLO", "AUTH"]);
    }

    /// Who is who is told by the certificate, and a password changes nothing.
    #[test]
    fn a_certificate_logs_in_whom_it_names_and_nobody_else() {
        let certificate = |subject: &str| CertificateSeen {
            subject: subject.into(),
            issuer: String::new(),
            serial: String::new(),
            names: vec![],
            not_before: String::new(),
            not_after: String::new(),
        };
        let access = Access::Certificate("CN=app".into());
        for (shown, starts) in [(Some("CN=app"), "$-1"), (Some("CN=other"), "-NOAUTH"), (None, "-NOAUTH")] {
            let shown = shown.map(certificate);
            let mut session = Session::new(access.clone(), Store::default()).shown(shown.as_ref());
            assert!(talk(&mut session, "GET k").starts_with(starts), "{shown:?}");
            assert!(talk(&mut session, "AUTH app guess").starts_with("-WRONGPASS"));
            assert!(talk(&mut session, "GET k").starts_with(starts), "{shown:?}");
        }
        let mut open = Session::new(Access::Open, Store::default());
        assert!(talk(&mut open, "GET k").starts_with("$-1"));
    }

    #[test]
    fn a_password_in_quotes_is_one_word() {
        let mut session = Session::new(Access::Password("my pass word".into()), Store::default());
        assert_eq!(talk(&mut session, "AUTH default 'my pass word'"), "+OK\r\n");
        assert_eq!(talk(&mut session, r#"ECHO "\x41 b""#), "$3\r\nA b\r\n");
    }

    /// What a rogue says that wants more; what it was given it knows all the same.
    #[test]
    fn each_bait_takes_the_password_and_lets_nobody_in() {
        let says = |how: Bait, lines: &[&str]| {
            let mut session = Session::new(Access::Bait(how), Store::default());
            let replies: Vec<String> = lines.iter().map(|line| talk(&mut session, line)).collect();
            (replies, session.credentials().len())
        };
        let lines = ["HELLO 3 AUTH a b", "AUTH a b", "AUTH b", "GET k"];
        let starts = |replies: &[String], starts: [&str; 4]| {
            replies.iter().zip(starts).all(|(reply, start)| reply.starts_with(start))
        };
        let (replies, taken) = says(Bait::Silent, &lines);
        assert!(replies.iter().all(String::is_empty) && taken == 3, "{replies:?}");
        let (replies, taken) = says(Bait::WrongPassword, &lines);
        assert!(starts(&replies, ["-WRONGPASS", "-WRONGPASS", "-WRONGPASS", "-NOAUTH"]) && taken == 3);
        let (replies, taken) = says(Bait::NoAuth, &lines);
        assert!(starts(&replies, ["%7", "+OK", "+OK", "-NOAUTH"]) && taken == 3, "{replies:?}");
        let (replies, taken) = says(Bait::NoHello, &lines);
        assert!(starts(&replies, ["-ERR unknown command", "+OK", "+OK", "$-1"]) && taken == 3, "{replies:?}");
    }

    #[test]
    fn a_rogue_takes_any_password() {
        let mut session = Session::new(Access::Anyone, Store::default());
        assert_eq!(talk(&mut session, "AUTH anybody anything"), "+OK\r\n");
        assert_eq!(talk(&mut session, "ECHO abc"), "$3\r\nabc\r\n");
        assert_eq!(talk(&mut session, "SUBSCRIBE a"), "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
        assert!(talk(&mut session, "NO\u{1}PE").starts_with("-ERR"));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>) {
            let mut session = Session::new(Access::Anyone, Store::default());
            session.receive(b"AUTH a b\r\n", &mut Vec::new());
            session.receive(&bytes, &mut Vec::new());
        }
    }
}
