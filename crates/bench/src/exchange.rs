use wirelab_model::BenchOperation;

/// What a connection sends again and again, and what must come back, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The whole pipeline.
    pub(crate) request: Vec<u8>,
    /// All replies to it.
    pub(crate) expected: Vec<u8>,
    /// Number of replies. All are of the same length.
    pub(crate) replies: usize,
    /// For people.
    pub(crate) name: String,
}

impl Exchange {
    /// The same command so many times: a key, and a value of so many bytes.
    pub fn new(operation: BenchOperation, key: &str, payload: usize, pipeline: usize) -> Self {
        let value = value(payload);
        let (request, reply) = match operation {
            BenchOperation::Set => (command(&[b"SET", key.as_bytes(), &value]), b"+OK\r\n".to_vec()),
            BenchOperation::Get => {
                let head = format!("${payload}\r\n").into_bytes();
                (command(&[b"GET", key.as_bytes()]), [&head, value.as_slice(), b"\r\n"].concat())
            }
        };
        Self {
            request: request.repeat(pipeline),
            expected: reply.repeat(pipeline),
            replies: pipeline,
            name: operation.to_string(),
        }
    }

    /// One command with this one reply.
    pub(crate) fn once(words: &[&[u8]], reply: &[u8]) -> Self {
        let name = words.first().map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default();
        Self { request: command(words), expected: reply.to_vec(), replies: 1, name }
    }

    /// Bytes of one reply.
    pub(crate) fn reply(&self) -> usize {
        self.expected.len() / self.replies.max(1)
    }
}

/// Bytes that neither repeat at once nor hold a line end.
fn value(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

/// <https://redis.io/docs/latest/develop/reference/protocol-spec/#arrays>
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// How far the replies have come.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Check {
    at: usize,
}

impl Check {
    /// Takes bytes that came; returns the number of replies that are now whole. An error is what came
    /// instead of a reply, for people.
    pub(crate) fn take(&mut self, exchange: &Exchange, bytes: &[u8]) -> Result<usize, String> {
        let rest = exchange.expected.get(self.at..).unwrap_or_default();
        if rest.get(..bytes.len()) != Some(bytes) {
            return Err(self.complain(exchange, bytes));
        }
        let before = self.at / exchange.reply();
        self.at += bytes.len();
        Ok(self.at / exchange.reply() - before)
    }

    /// Whether all replies are there.
    pub(crate) fn done(&self, exchange: &Exchange) -> bool {
        self.at == exchange.expected.len()
    }

    /// The wrong reply from its start on.
    fn complain(self, exchange: &Exchange, bytes: &[u8]) -> String {
        let rest = exchange.expected.get(self.at..).unwrap_or_default();
        let same = rest.iter().zip(bytes).take_while(|(expected, real)| expected == real).count();
        let wrong = self.at + same;
        // The start of the reply that the first wrong byte is in.
        let start = wrong / exchange.reply() * exchange.reply();
        let mut reply = exchange.expected.get(start..self.at.max(start)).unwrap_or_default().to_vec();
        reply.extend_from_slice(bytes.get(start.saturating_sub(self.at)..).unwrap_or_default());
        let line = reply.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let text = String::from_utf8_lossy(line.get(..line.len().min(120)).unwrap_or_default());
        let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        if wrong >= exchange.expected.len() {
            return format!("it sent more than the replies to {}: `{text}`", exchange.name);
        }
        format!("it answered {} with `{text}`", exchange.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_are_what_redis_speaks() {
        let set = Exchange::new(BenchOperation::Set, "k", 3, 2);
        assert_eq!(set.request, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabc\r\n".repeat(2));
        assert_eq!(set.expected, b"+OK\r\n+OK\r\n");
        let get = Exchange::new(BenchOperation::Get, "k", 3, 1);
        assert_eq!(get.request, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
        assert_eq!(get.expected, b"$3\r\nabc\r\n");
    }

    #[test]
    fn replies_are_counted_wherever_they_are_cut() {
        let get = Exchange::new(BenchOperation::Get, "k", 3, 4);
        for cut in 1..get.expected.len() {
            let mut check = Check::default();
            let pieces = get.expected.chunks(cut).map(|piece| check.take(&get, piece).unwrap());
            assert_eq!(pieces.sum::<usize>(), 4, "{cut}");
            assert!(check.done(&get));
        }
    }

    #[test]
    fn a_wrong_reply_is_told_from_its_start_on() {
        let get = Exchange::new(BenchOperation::Get, "k", 3, 2);
        let told = |pieces: &[&[u8]]| {
            let mut check = Check::default();
            pieces.iter().find_map(|piece| check.take(&get, piece).err())
        };
        let error = Some("it answered GET with `-NOAUTH x`".to_owned());
        assert_eq!(told(&[b"-NOAUTH x\r\n"]), error);
        assert_eq!(told(&[b"$3\r\nabc\r\n-NOAUTH x\r\n"]), error);
        assert_eq!(told(&[b"$3\r\nabc\r\n", b"-NOAUTH x\r\n"]), error);
        assert_eq!(told(&[b"$3\r\nab", b"X\r\n"]), Some("it answered GET with `$3`".to_owned()));
        let all = b"$3\r\nabc\r\n".repeat(2);
        assert_eq!(told(&[&all, b"+more\r\n"]), Some("it sent more than the replies to GET: `+more`".into()));
        assert_eq!(told(&[&all]), None);
    }
}
