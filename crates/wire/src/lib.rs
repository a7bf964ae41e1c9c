//! Bytes in, events out: links, IP, TCP streams, RESP, TLS records, canaries. No I/O and no clock.

pub mod resp;
