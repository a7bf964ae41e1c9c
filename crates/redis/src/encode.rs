//! Replies in RESP2 or RESP3.

/// Writes replies in the version of the protocol that the client asked for.
pub(crate) struct Encoder<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) resp3: bool,
}

impl Encoder<'_> {
    fn header(&mut self, kind: char, number: impl std::fmt::Display) {
        self.out.extend_from_slice(format!("{kind}{number}\r\n").as_bytes());
    }

    pub(crate) fn simple(&mut self, text: &str) {
        self.header('+', text);
    }

    /// Line ends in `text` become blanks: it may repeat what the client sent.
    pub(crate) fn error(&mut self, text: &str) {
        self.header('-', text.replace(['\r', '\n'], " "));
    }

    pub(crate) fn integer(&mut self, number: i64) {
        self.header(':', number);
    }

    pub(crate) fn bulk(&mut self, bytes: &[u8]) {
        self.header('$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"$-1\r\n" });
    }

    pub(crate) fn null_array(&mut self) {
        self.out.extend_from_slice(if self.resp3 { b"_\r\n" } else { b"*-1\r\n" });
    }

    pub(crate) fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    pub(crate) fn array(&mut self, length: usize) {
        self.header('*', length);
    }

    pub(crate) fn map(&mut self, pairs: usize) {
        if self.resp3 { self.header('%', pairs) } else { self.header('*', pairs * 2) }
    }

    pub(crate) fn push(&mut self, length: usize) {
        self.header(if self.resp3 { '>' } else { '*' }, length);
    }
}
