//! Commands and replies as bytes, for a relay that has read them.

use wirelab_wire::resp::Value;

fn header(kind: u8, number: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(number.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn line(kind: u8, text: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn text(kind: u8, body: &[u8], out: &mut Vec<u8>) {
    header(kind, body.len(), out);
    out.extend_from_slice(body);
    out.extend_from_slice(b"\r\n");
}

fn items(kind: u8, count: usize, items: &[Value], out: &mut Vec<u8>) {
    header(kind, count, out);
    for item in items {
        value(item, out);
    }
}

/// A bulk string.
pub(crate) fn bulk(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    text(b'$', body, &mut out);
    out
}

/// A command as an array of bulk strings.
pub(crate) fn command(words: &[Vec<u8>], out: &mut Vec<u8>) {
    header(b'*', words.len(), out);
    for word in words {
        text(b'$', word, out);
    }
}

/// A value as the server wrote it. The decoder bounds its depth.
pub(crate) fn value(given: &Value, out: &mut Vec<u8>) {
    match given {
        Value::Simple(body) => line(b'+', body, out),
        Value::Error(body) => line(b'-', body, out),
        Value::Integer(number) => line(b':', number.to_string().as_bytes(), out),
        Value::Bulk(Some(body)) => text(b'$', body, out),
        Value::Bulk(None) => line(b'$', b"-1", out),
        Value::Array(Some(values)) => items(b'*', values.len(), values, out),
        Value::Array(None) => line(b'*', b"-1", out),
        Value::Null => line(b'_', b"", out),
        Value::Boolean(yes) => line(b'#', if *yes { b"t" } else { b"f" }, out),
        Value::Double(body) => line(b',', body, out),
        Value::BigNumber(body) => line(b'(', body, out),
        Value::BulkError(body) => text(b'!', body, out),
        Value::Verbatim(body) => text(b'=', body, out),
        Value::Map(values) => items(b'%', values.len() / 2, values, out),
        Value::Set(values) => items(b'~', values.len(), values, out),
        Value::Push(values) => items(b'>', values.len(), values, out),
        Value::Attribute(values) => {
            items(b'|', values.len() / 2, values, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_wire::resp::Decoder;

    #[test]
    fn every_type_comes_out_as_it_went_in() {
        let text = b"+OK\r\n-ERR x\r\n:-5\r\n$2\r\nab\r\n$-1\r\n*2\r\n:1\r\n*0\r\n*-1\r\n_\r\n#t\r\n,1.50\r\n(9\r\n\
            !3\r\nbad\r\n=5\r\ntxt:a\r\n%1\r\n+k\r\n+v\r\n~1\r\n:1\r\n>2\r\n+a\r\n+b\r\n|1\r\n+k\r\n+v\r\n:9\r\n";
        let mut decoder = Decoder::replies();
        decoder.push(text);
        let mut out = Vec::new();
        while let Some(next) = decoder.next_value().unwrap() {
            value(&next, &mut out);
        }
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(text));
    }
}
