//! A master that hands a data set of one key to whoever wants to be its replica.
//! <https://redis.io/docs/latest/operate/oss_and_stack/management/replication/>

use crate::endpoint::Stream;
use crate::record::{Recorder, ending};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::Ending;
use wirelab_wire::resp::Decoder;

/// Most commands that are noted of a connection.
const MOST_NOTED: usize = 256;

/// What replicas are given.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// The only key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where it is not what the real master holds: how that is told.
    pub forged: Option<&'static str>,
}

impl DataSet {
    /// As an RDB file: version 9, one string, no checksum, which Redis does not miss.
    /// <https://rdb.fnordig.de/file_format.html>
    fn rdb(&self) -> Vec<u8> {
        let mut rdb = b"REDIS0009\xfe\x00\x00".to_vec();
        for text in [&self.key, &self.value] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            rdb.push(0x80);
            rdb.extend_from_slice(&length.to_be_bytes());
            rdb.extend_from_slice(text.as_bytes());
        }
        rdb.push(0xff);
        rdb.extend_from_slice(&[0; 8]);
        rdb
    }
}

/// Takes any password, hands the data set to a replica, and sends nothing more.
pub async fn serve_replica(mut stream: Box<dyn Stream>, data: Arc<DataSet>, recorder: Recorder) {
    let mut decoder = Decoder::commands();
    let mut buffer = vec![0; 16 << 10];
    let mut commands = 0;
    loop {
        let bytes = match stream.read(&mut buffer).await {
            Ok(0) => return recorder.ended(Ending::ClientClosed),
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(error) => return recorder.ended(ending(&error)),
        };
        recorder.read(bytes);
        decoder.push(bytes);
        let mut out = Vec::new();
        loop {
            let words = match decoder.next_command() {
                Ok(Some(words)) => words,
                Ok(None) => break,
                Err(error) => return recorder.ended(Ending::Error { reason: error.to_string() }),
            };
            let Some((name, arguments)) = words.split_first() else { continue };
            let name = String::from_utf8_lossy(name.get(..32).unwrap_or(name)).to_ascii_uppercase();
            commands += 1;
            recorder.note(|connection| {
                if commands <= MOST_NOTED {
                    connection.commands.push(format!("{name}/{}", arguments.len()));
                }
                if name == "AUTH" && connection.credentials.is_empty() {
                    connection.credentials.push(name.clone());
                }
            });
            match name.as_str() {
                "PING" => out.extend_from_slice(b"+PONG\r\n"),
                "PSYNC" => {
                    let rdb = data.rdb();
                    let id = "0123456789abcdef0123456789abcdef01234567";
                    out.extend_from_slice(format!("+FULLRESYNC {id} 0\r\n${}\r\n", rdb.len()).as_bytes());
                    out.extend_from_slice(&rdb);
                    if let Some(how) = data.forged {
                        recorder.note(|connection| connection.tampered.push(how.to_owned()));
                    }
                }
                // What a replica sends once it has the data wants no answer.
                "REPLCONF" if arguments.first().is_some_and(|word| word.eq_ignore_ascii_case(b"ACK")) => {}
                _ => out.extend_from_slice(b"+OK\r\n"),
            }
        }
        recorder.written(&out);
        let sent = match stream.write_all(&out).await {
            Ok(()) => stream.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return recorder.ended(ending(&error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_has_one_string_with_the_lengths_of_both() {
        let data = DataSet { key: "k".into(), value: "vw".into(), forged: None };
        let expected =
            b"REDIS0009\xfe\x00\x00\x80\x00\x00\x00\x01k\x80\x00\x00\x00\x02vw\xff\0\0\0\0\0\0\0\0";
        assert_eq!(data.rdb(), expected);
    }
}
