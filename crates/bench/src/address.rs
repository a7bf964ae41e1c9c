use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use thiserror::Error;

/// Host and port on the loopback interface: a bench is a load test, and nobody else's machine gets one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As it was given; also the name that a certificate must have.
    pub host: String,
    /// What is connected to.
    pub socket: SocketAddr,
}

/// Why it is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not of the form.
    #[error("`{0}` is not HOST:PORT, for instance 127.0.0.1:6379")]
    Form(String),
    /// Another machine, or a name that could be one.
    #[error(
        "`{0}` is not on loopback: wirelab bench puts full load on its target, so it takes localhost, 127.0.0.0/8 and [::1] only; run it on the machine of the server"
    )]
    NotLoopback(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let form = || AddressError::Form(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
        let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(form)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(form());
        }
        // No name is looked up: it could be anybody by the time it is connected to.
        let ip = if host.eq_ignore_ascii_case("localhost") {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            host.parse().map_err(|_| AddressError::NotLoopback(text.to_owned()))?
        };
        if !ip.is_loopback() {
            return Err(AddressError::NotLoopback(text.to_owned()));
        }
        Ok(Self { host: host.to_owned(), socket: SocketAddr::new(ip, port) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback() {
        for (text, socket) in [
            ("127.0.0.1:6379", "127.0.0.1:6379"),
            ("127.9.9.9:1", "127.9.9.9:1"),
            ("localhost:6380", "127.0.0.1:6380"),
            ("LOCALHOST:6380", "127.0.0.1:6380"),
            ("[::1]:6379", "[::1]:6379"),
            ("::1:6379", "[::1]:6379"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), socket, "{text}");
        }
        for text in ["10.0.0.1:6379", "redis.example:6379", "0.0.0.0:6379", "[::]:6379", "127.1:6379"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::NotLoopback(text.into())));
        }
        for text in ["", "6379", "localhost", "localhost:", "localhost:0", "localhost:99999", ":6379"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Form(text.into())));
        }
    }
}
