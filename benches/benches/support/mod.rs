//! What the benches of TLS share: a server with both ports, and how it is reached.
#![allow(dead_code, reason = "each bench uses a part of this")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use wirelab_bench::{Address, Cipher, Dial, Login, Place, Resume, Trust};
use wirelab_pki::{Lab, ServerKey};
use wirelab_subject::{Pair, ServerKind};

pub(crate) const SERVERS: [(ServerKind, &str); 2] =
    [(ServerKind::Embedded, "embedded"), (ServerKind::Redis, "redis-server")];

/// A server at work.
pub(crate) struct Both {
    pair: Pair,
    lab: Lab,
    folder: PathBuf,
    // The server needs it to end.
    runtime: Runtime,
    /// Server and client on processors of their own, where there are two.
    place: Option<Place>,
}

const PASSWORD: &str = "only-for-benches";

impl Both {
    /// None where there is no such server, which is said.
    pub(crate) fn start(kind: ServerKind, key: ServerKey) -> Option<Self> {
        if let Err(error) = kind.describe() {
            println!("skipped: {error}");
            return None;
        }
        let now = OffsetDateTime::now_utc();
        let lab = Lab::new(now).unwrap();
        let identity = lab.good_with(key, now).unwrap();
        let folder = std::env::temp_dir().join(format!("wirelab-benches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let place = Place::new().unwrap();
        place.iter().for_each(|place| place.serve().unwrap());
        let runtime = Runtime::new().unwrap();
        // This program is its own supervisor: see `supervise`.
        let launcher = wirelab_subject::launcher(&std::env::current_exe().unwrap());
        let pair = Pair::start(kind, PASSWORD, &identity, &folder, &launcher);
        let pair = runtime.block_on(pair).unwrap();
        place.iter().for_each(|place| place.load().unwrap());
        Some(Self { pair, lab, folder, runtime, place })
    }

    fn address(port: u16) -> Address {
        Address { host: "localhost".into(), socket: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) }
    }

    fn login() -> Option<Login> {
        Some(Login { user: "default".into(), password: PASSWORD.into() })
    }

    pub(crate) fn plain(&self) -> Dial {
        Dial { address: Self::address(self.pair.plain()), tls: None, login: Self::login() }
    }

    pub(crate) fn tls(&self, cipher: Option<Cipher>, resume: Resume) -> Dial {
        let trust = Trust { authorities: vec![self.lab.authority_der().clone()], client: None };
        let config = trust.config(rustls::ALL_VERSIONS, cipher, None, resume).unwrap();
        let name = "localhost".try_into().unwrap();
        Dial { address: Self::address(self.pair.tls()), tls: Some((config, name)), login: Self::login() }
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.pair.stop(std::time::Duration::from_secs(1)));
        drop(std::fs::remove_dir_all(self.folder));
    }
}

/// Acts as the supervisor of a server where this program was started as one.
pub(crate) fn supervise() {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "supervise") {
        std::process::exit(wirelab_subject::supervise(&words[2..]).into());
    }
}
