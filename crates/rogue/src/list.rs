//! Serves a list of revoked certificates over HTTP, and counts who asks for it.

use crate::RogueError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::Ending;
use wirelab_redis::{Accepts, Endpoint, Recorder, Running, Stream, ending};

/// Most bytes of a request.
const MOST_REQUEST: usize = 8 << 10;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// A port of 127.0.0.1 at which a list will be: certificates name it before there is one.
#[derive(Debug)]
pub struct ListPort {
    endpoint: Endpoint,
    /// New each time. Clients keep lists by their address, .NET on disk and beyond the run, and ports come again.
    path: String,
}

impl ListPort {
    /// Any free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn bind() -> Result<Self, RogueError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self { endpoint: Endpoint::bind(0).await?, path: format!("/{:x}.crl", now.as_nanos()) })
    }

    /// Where the list will be.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.endpoint.port(), self.path)
    }

    pub(crate) fn serve(self, list: Vec<u8>) -> ListServer {
        let fetched = Arc::<AtomicU64>::default();
        let (count, list) = (Arc::clone(&fetched), Arc::new(list));
        let wanted: Arc<str> = format!("GET {} HTTP/1.", self.path).into();
        let running = self.endpoint.serve(Accepts::Raw, move |stream, recorder| {
            answer(stream, recorder, Arc::clone(&wanted), Arc::clone(&list), Arc::clone(&count))
        });
        ListServer { running, fetched }
    }
}

/// The list at work. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct ListServer {
    running: Running,
    fetched: Arc<AtomicU64>,
}

impl ListServer {
    pub(crate) fn port(&self) -> u16 {
        self.running.port()
    }

    /// How often it was fetched so far.
    pub(crate) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }
}

/// One request, one response (RFC 9112), and the end.
async fn answer(
    mut stream: Box<dyn Stream>,
    recorder: Recorder,
    wanted: Arc<str>,
    list: Arc<Vec<u8>>,
    fetched: Arc<AtomicU64>,
) {
    let mut request = Vec::new();
    let read = async {
        while request.len() < MOST_REQUEST && !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut bytes = [0; 1024];
            match stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return false,
                Ok(length) => request.extend_from_slice(bytes.get(..length).unwrap_or_default()),
            }
        }
        true
    };
    if !tokio::time::timeout(PATIENCE, read).await.unwrap_or(false) {
        return recorder.ended(Ending::ClientClosed);
    }
    let found = request.starts_with(wanted.as_bytes());
    let (status, body) = if found { ("200 OK", list.as_slice()) } else { ("404 Not Found", &[][..]) };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/pkix-crl\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let sent = stream.write_all(&[head.as_bytes(), body].concat()).await;
    if found && sent.is_ok() {
        fetched.fetch_add(1, Ordering::Relaxed);
    }
    drop(stream.shutdown().await);
    recorder.ended(sent.map_or_else(|error| ending(&error), |()| Ending::ServerClosed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn the_list_is_given_to_who_asks_for_it_and_nothing_else_counts() {
        let port = ListPort::bind().await.unwrap();
        let (url, path) = (port.url(), port.path.clone());
        assert!(url.starts_with("http://127.0.0.1:") && url.ends_with(&path));
        assert_ne!(ListPort::bind().await.unwrap().path, path, "what a client has kept is not asked for");
        let server = port.serve(b"list".to_vec());
        for (path, status, body) in [("/other", " 404 ", ""), (path.as_str(), " 200 ", "list")] {
            let mut client = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
            client.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.contains(status) && answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
        }
        assert_eq!(server.fetched(), 1);
    }
}
