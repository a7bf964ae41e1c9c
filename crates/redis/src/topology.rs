//! What a cluster node or a Sentinel says of the servers that clients are to use. It stands for one
//! server only; an honest one is that server itself.

use crate::encode::Encoder;
use crc16::{State, XMODEM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wirelab_model::{Redirection, Topology};

/// Hash slots of a cluster.
const SLOTS: u16 = 16384;
/// A node's id: 40 hexadecimal digits.
const NODE_ID: &str = "776972656c6162000000000000000000000000a1";
/// Name of the only group of servers that a Sentinel watches.
pub const SERVICE: &str = "wirelab";

/// The channel on which Sentinels say that a master has gone elsewhere.
pub const SWITCH_MASTER: &str = "+switch-master";

/// Where a client is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or address, as it is sent. Empty: the host that answers.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// What a server says of its topology.
#[derive(Debug, Clone)]
pub struct Claims {
    topology: Topology,
    /// Itself, as clients dial it.
    own: Address,
    /// Where it sends clients, and by which answer.
    lie: Option<(Redirection, Address)>,
    /// Somebody was told that the master has gone elsewhere.
    switched: Arc<AtomicBool>,
}

impl Claims {
    /// The truth: one server, which is the one that answers.
    pub fn honest(topology: Topology, own: Address) -> Self {
        Self { topology, own, lie: None, switched: Arc::default() }
    }

    /// The same, but one kind of answer sends clients elsewhere.
    pub fn lying(own: Address, how: Redirection, to: Address) -> Self {
        Self { topology: how.topology(), own, lie: Some((how, to)), switched: Arc::default() }
    }

    pub(crate) fn topology(&self) -> Topology {
        self.topology
    }

    /// The address that this kind of answer names, and whether it sends the client elsewhere.
    fn named(&self, how: Redirection) -> (&Address, bool) {
        match &self.lie {
            Some((lie, to)) if *lie == how => (to, true),
            Some((Redirection::Switch, to))
                if how == Redirection::Master && self.switched.load(Ordering::Relaxed) =>
            {
                (to, true)
            }
            _ => (&self.own, false),
        }
    }

    /// Where the holder of a key is elsewhere: `MOVED 42 host:port`, or the same with `ASK`. A node that says by its map that
    /// others have the slots says so of a key, too.
    pub(crate) fn elsewhere(&self, key: &[u8]) -> Option<String> {
        let (how, to) = self.lie.as_ref()?;
        let word = match how {
            Redirection::Moved | Redirection::Map => "MOVED",
            Redirection::Ask => "ASK",
            Redirection::Master | Redirection::Switch => return None,
        };
        Some(format!("{word} {} {}:{}", slot(key), to.host, to.port))
    }

    /// Answers CLUSTER. What it gives back is where the answer sends the client, if elsewhere.
    /// <https://redis.io/docs/latest/commands/cluster-slots/> and its neighbours.
    pub(crate) fn cluster(
        &self,
        reply: &mut Encoder<'_>,
        subcommand: &[u8],
        rest: &[&[u8]],
    ) -> Option<String> {
        let (node, elsewhere) = self.named(Redirection::Map);
        let name = subcommand.to_ascii_uppercase();
        match (name.as_slice(), rest) {
            (b"SLOTS", []) => {
                reply.array(1);
                reply.array(3);
                reply.integer(0);
                reply.integer(i64::from(SLOTS - 1));
                reply.array(4);
                reply.bulk(node.host.as_bytes());
                reply.integer(i64::from(node.port));
                reply.bulk(NODE_ID.as_bytes());
                reply.array(0);
            }
            (b"SHARDS", []) => shards(reply, node),
            (b"NODES", []) => {
                let Address { host, port } = node;
                // The bus is on another port, which nobody listens on here: clients have no use for it.
                let line = format!(
                    "{NODE_ID} {host}:{port}@{} myself,master - 0 0 1 connected 0-{}\n",
                    u32::from(*port) + 10000,
                    SLOTS - 1
                );
                reply.bulk(line.as_bytes());
            }
            (b"INFO", []) => {
                reply.bulk(
                    b"cluster_enabled:1\r\ncluster_state:ok\r\ncluster_slots_assigned:16384\r\n\
                      cluster_slots_ok:16384\r\ncluster_known_nodes:1\r\ncluster_size:1\r\n",
                );
                return None;
            }
            (b"MYID", []) => {
                reply.bulk(NODE_ID.as_bytes());
                return None;
            }
            (b"KEYSLOT", [key]) => {
                reply.integer(i64::from(slot(key)));
                return None;
            }
            _ => {
                reply.error("ERR unknown subcommand or wrong number of arguments for 'cluster'.");
                return None;
            }
        }
        let asked = String::from_utf8_lossy(&name).into_owned();
        elsewhere.then(|| format!("CLUSTER {asked} names {}:{}", node.host, node.port))
    }

    /// What a Sentinel publishes on [`SWITCH_MASTER`] where it says that the master has gone elsewhere: name, old
    /// address, new address. Whoever asks is told the new one from then on.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#pubsub-messages>
    pub(crate) fn switch_master(&self) -> Option<String> {
        let Some((Redirection::Switch, to)) = &self.lie else { return None };
        self.switched.store(true, Ordering::Relaxed);
        let own = &self.own;
        Some(format!("{SERVICE} {} {} {} {}", own.host, own.port, to.host, to.port))
    }

    /// Answers ROLE as a Sentinel. <https://redis.io/docs/latest/commands/role/>
    pub(crate) fn sentinel_role(&self, reply: &mut Encoder<'_>) {
        reply.array(2);
        reply.bulk(b"sentinel");
        reply.array(1);
        reply.bulk(SERVICE.as_bytes());
    }

    /// Answers SENTINEL, in the same way. <https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/>
    pub(crate) fn sentinel(
        &self,
        reply: &mut Encoder<'_>,
        subcommand: &[u8],
        rest: &[&[u8]],
    ) -> Option<String> {
        let (master, elsewhere) = self.named(Redirection::Master);
        let name = subcommand.to_ascii_uppercase();
        match (name.as_slice(), rest) {
            (b"GET-MASTER-ADDR-BY-NAME", [service]) if *service == SERVICE.as_bytes() => {
                reply.array(2);
                reply.bulk(master.host.as_bytes());
                reply.bulk(master.port.to_string().as_bytes());
            }
            (b"GET-MASTER-ADDR-BY-NAME", [_]) => {
                reply.null_array();
                return None;
            }
            (b"MASTERS", []) => {
                reply.array(1);
                watched(reply, master);
            }
            (b"MASTER", [service]) if *service == SERVICE.as_bytes() => watched(reply, master),
            (b"MASTER" | b"SENTINELS" | b"REPLICAS" | b"SLAVES", [service])
                if *service != SERVICE.as_bytes() =>
            {
                reply.error("ERR No such master with that name");
                return None;
            }
            (b"SENTINELS" | b"REPLICAS" | b"SLAVES", [_]) => {
                reply.array(0);
                return None;
            }
            (b"MYID", []) => {
                reply.bulk(NODE_ID.as_bytes());
                return None;
            }
            _ => {
                reply.error("ERR unknown subcommand or wrong number of arguments for 'sentinel'.");
                return None;
            }
        }
        let asked = String::from_utf8_lossy(&name).into_owned();
        elsewhere.then(|| format!("SENTINEL {asked} names {}:{}", master.host, master.port))
    }
}

fn shards(reply: &mut Encoder<'_>, node: &Address) {
    reply.array(1);
    reply.map(2);
    reply.bulk(b"slots");
    reply.array(2);
    reply.integer(0);
    reply.integer(i64::from(SLOTS - 1));
    reply.bulk(b"nodes");
    reply.array(1);
    reply.map(7);
    reply.bulk(b"id");
    reply.bulk(NODE_ID.as_bytes());
    // Redis gives `port`, `tls-port` or both; clients over TLS prefer the second.
    for name in ["port", "tls-port"] {
        reply.bulk(name.as_bytes());
        reply.integer(i64::from(node.port));
    }
    for (name, text) in [("ip", node.host.as_str()), ("endpoint", &node.host), ("role", "master")] {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    reply.bulk(b"health");
    reply.bulk(b"online");
}

/// A master as a Sentinel describes it.
fn watched(reply: &mut Encoder<'_>, master: &Address) {
    let port = master.port.to_string();
    let fields = [
        ("name", SERVICE),
        ("ip", &master.host),
        ("port", &port),
        ("runid", NODE_ID),
        ("flags", "master"),
        ("link-pending-commands", "0"),
        ("role-reported", "master"),
        ("num-slaves", "0"),
        ("num-other-sentinels", "0"),
        ("quorum", "1"),
    ];
    reply.map(fields.len());
    for (name, value) in fields {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
}

/// Hash slot of a key: of what is between the first braces, where there is anything.
/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>
fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    });
    State::<XMODEM>::calculate(tag.unwrap_or(key)) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Session, Store};

    fn address(host: &str, port: u16) -> Address {
        Address { host: host.into(), port }
    }

    /// It tells those who listen, by channel or by pattern, and from then on everybody.
    #[test]
    fn a_sentinel_that_switches_is_honest_until_somebody_listens() {
        let ask = "SENTINEL get-master-addr-by-name wirelab\r\n";
        let lying = || Claims::lying(address("localhost", 7000), Redirection::Switch, address("evil", 7001));
        let (out, redirected) = talk(lying(), &format!("{ask}SUBSCRIBE other\r\n{ask}"));
        assert!(!out.contains("evil") && redirected.is_empty(), "{out}");
        let (out, redirected) = talk(lying(), &format!("{ask}SUBSCRIBE +switch-master\r\n{ask}"));
        let message = "$7\r\nmessage\r\n$14\r\n+switch-master\r\n$32\r\nwirelab localhost 7000 evil 7001\r\n";
        assert!(out.starts_with("*2\r\n$9\r\nlocalhost\r\n") && out.contains(message), "{out}");
        assert!(out.ends_with("*2\r\n$4\r\nevil\r\n$4\r\n7001\r\n") && redirected.len() == 2, "{out}");
        let (out, redirected) = talk(lying(), "PSUBSCRIBE *\r\n");
        assert!(out.contains("$8\r\npmessage\r\n$1\r\n*\r\n") && redirected.len() == 1, "{out}");
    }

    fn talk(claims: Claims, lines: &str) -> (String, Vec<String>) {
        let mut session = Session::new(Access::Anyone, Store::default()).claiming(claims);
        let mut out = Vec::new();
        session.receive(lines.as_bytes(), &mut out);
        (String::from_utf8(out).unwrap(), session.redirected().to_vec())
    }

    /// Values of the cluster specification, and of `CLUSTER KEYSLOT` of Redis 7.
    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"{foo}bar"), 12182);
        assert_ne!(slot(b"{}foo"), slot(b"foo"));
    }

    #[test]
    fn an_honest_node_names_itself_and_serves() {
        let own = address("localhost", 7000);
        let text = "AUTH pw\r\nCLUSTER SLOTS\r\nSET k v\r\nCLUSTER NODES\r\n";
        let (out, redirected) = talk(Claims::honest(Topology::Cluster, own), text);
        assert!(out.contains("$9\r\nlocalhost\r\n:7000\r\n") && out.contains("+OK\r\n$"), "{out}");
        assert!(out.contains("localhost:7000@17000 myself,master - 0 0 1 connected 0-16383"), "{out}");
        assert!(redirected.is_empty());
    }

    #[test]
    fn each_lie_is_told_by_its_own_answer_alone() {
        let lie = |how| Claims::lying(address("localhost", 7000), how, address("evil", 7001));
        let text = "AUTH pw\r\nCLUSTER SLOTS\r\nCLUSTER SHARDS\r\nCLUSTER NODES\r\nGET foo\r\nASKING\r\n";
        let (out, redirected) = talk(lie(Redirection::Moved), text);
        assert!(out.contains("-MOVED 12182 evil:7001\r\n") && !out.contains("$4\r\nevil"), "{out}");
        assert_eq!(redirected, ["MOVED 12182 evil:7001"]);
        let (out, redirected) = talk(lie(Redirection::Ask), text);
        assert!(out.contains("-ASK 12182 evil:7001\r\n") && !out.contains("$4\r\nevil"), "{out}");
        assert_eq!(redirected, ["ASK 12182 evil:7001"]);
        let (out, redirected) = talk(lie(Redirection::Map), text);
        assert!(!out.contains("localhost") && out.ends_with("-MOVED 12182 evil:7001\r\n+OK\r\n"), "{out}");
        assert_eq!(redirected.len(), 4);
    }

    /// A Sentinel is asked before anybody has authenticated.
    #[test]
    fn a_sentinel_names_its_master() {
        let text = "SENTINEL get-master-addr-by-name wirelab\r\nSENTINEL MASTERS\r\nSENTINEL get-master-addr-by-name other\r\n";
        let honest = Claims::honest(Topology::Sentinel, address("localhost", 7000));
        let (out, redirected) = talk(honest, text);
        assert!(out.starts_with("*2\r\n$9\r\nlocalhost\r\n$4\r\n7000\r\n"), "{out}");
        assert!(out.ends_with("*-1\r\n") && redirected.is_empty(), "{out}");
        let lying = Claims::lying(address("localhost", 7000), Redirection::Master, address("evil", 7001));
        let (out, redirected) = talk(lying, text);
        assert!(out.starts_with("*2\r\n$4\r\nevil\r\n$4\r\n7001\r\n") && !out.contains("localhost"), "{out}");
        assert_eq!(redirected.len(), 2);
    }
}
