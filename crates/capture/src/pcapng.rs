use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use wirelab_model::Frame;

use crate::CaptureError;
use crate::file::Captured;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
const TLS_KEY_LOG: u32 = 0x544c_534b;
const OPT_END: u16 = 0;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
/// 10^-9 s: the time stamps are nanoseconds.
const NANOSECONDS: u8 = 9;

/// Writes `frames` to a new pcapng file: see [`Writer`]. `key_log`, where it is not empty, goes with them, so
/// that Wireshark shows what is inside of TLS.
///
/// # Errors
///
/// [`CaptureError::Write`], also where the file exists: nothing is ever overwritten.
pub fn write(
    path: &Path,
    interface: &str,
    link_type: u16,
    frames: &[Frame],
    key_log: &[u8],
) -> Result<(), CaptureError> {
    let mut writer = Writer::create(path)?;
    // Also where there is no packet, the file says where it comes from.
    writer.interface(interface, link_type)?;
    if !key_log.is_empty() {
        writer.key_log(key_log)?;
    }
    for frame in frames {
        let Frame { time, wire_len, bytes } = frame;
        writer.packet(interface, &Captured { time: *time, wire_len: *wire_len, link_type, bytes })?;
    }
    writer.finish()
}

/// A pcapng file in the making, that only its owner may read: it holds what was on the wire, secrets too.
/// One section, an interface for each link type, time stamps in nanoseconds.
///
/// Format: draft-ietf-opsawg-pcapng, sections 4.1 (section header), 4.2 (interface description), 4.3
/// (enhanced packet).
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    out: Out,
    link_types: Vec<u16>,
}

impl Writer {
    /// A new file.
    ///
    /// # Errors
    /// [`CaptureError::Write`], also where the file exists.
    pub fn create(path: &Path) -> Result<Self, CaptureError> {
        let begin = || -> io::Result<Out> {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            let mut out = BufWriter::with_capacity(1 << 20, file);
            section_header(&mut out)?;
            Ok(out)
        };
        let out = begin().map_err(|reason| CaptureError::Write { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), out, link_types: Vec::new() })
    }

    /// Adds a packet. `interface` names where packets of its link type come from.
    ///
    /// # Errors
    /// [`CaptureError::Write`].
    pub fn packet(&mut self, interface: &str, packet: &Captured<'_>) -> Result<(), CaptureError> {
        let number = self.interface(interface, packet.link_type)?;
        let written = enhanced_packet(&mut self.out, number, packet);
        self.done(written)
    }

    /// Adds secrets of TLS sessions (decryption secrets block, section 4.7); they must come before the
    /// packets that they open.
    ///
    /// # Errors
    /// [`CaptureError::Write`].
    pub fn key_log(&mut self, log: &[u8]) -> Result<(), CaptureError> {
        let written = u32::try_from(log.len()).map_err(too_long).and_then(|length| {
            let head = [TLS_KEY_LOG.to_le_bytes(), length.to_le_bytes()].concat();
            block(&mut self.out, DECRYPTION_SECRETS, &[&head, log])
        });
        self.done(written)
    }

    fn interface(&mut self, name: &str, link_type: u16) -> Result<u32, CaptureError> {
        let number = self.link_types.iter().position(|known| *known == link_type);
        let number = match number {
            Some(number) => number,
            None => {
                let written = interface_description(&mut self.out, name, link_type);
                self.done(written)?;
                self.link_types.push(link_type);
                self.link_types.len() - 1
            }
        };
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Writes out what is still in memory.
    ///
    /// # Errors
    /// [`CaptureError::Write`].
    pub fn finish(mut self) -> Result<(), CaptureError> {
        let written = self.out.flush();
        self.done(written)
    }

    fn done(&self, written: io::Result<()>) -> Result<(), CaptureError> {
        written.map_err(|reason| CaptureError::Write { path: self.path.clone(), reason })
    }
}

type Out = BufWriter<File>;

fn section_header(out: &mut Out) -> io::Result<()> {
    const LENGTH_UNKNOWN: i64 = -1;
    let mut body = Vec::with_capacity(16);
    body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
    body.extend(1_u16.to_le_bytes()); // major version
    body.extend(0_u16.to_le_bytes()); // minor version
    body.extend(LENGTH_UNKNOWN.to_le_bytes());
    block(out, SECTION_HEADER, &[&body])
}

fn interface_description(out: &mut Out, name: &str, link_type: u16) -> io::Result<()> {
    let mut body = Vec::with_capacity(64);
    body.extend(link_type.to_le_bytes());
    body.extend(0_u16.to_le_bytes()); // reserved
    body.extend(0_u32.to_le_bytes()); // snaplen: no limit
    option(&mut body, IF_NAME, name.as_bytes())?;
    option(&mut body, IF_TSRESOL, &[NANOSECONDS])?;
    option(&mut body, OPT_END, &[])?;
    block(out, INTERFACE_DESCRIPTION, &[&body])
}

fn enhanced_packet(out: &mut Out, interface: u32, frame: &Captured<'_>) -> io::Result<()> {
    let captured = u32::try_from(frame.bytes.len()).map_err(too_long)?;
    let mut head = [0; 20];
    let fields =
        [interface, (frame.time >> 32) as u32, frame.time as u32, captured, frame.wire_len.max(captured)];
    for (place, field) in head.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    block(out, ENHANCED_PACKET, &[&head, frame.bytes])
}

/// Writes a block: type, length, body padded to 32 bits, length again.
fn block(out: &mut Out, kind: u32, body: &[&[u8]]) -> io::Result<()> {
    let unpadded: usize = body.iter().map(|part| part.len()).sum();
    let padding = padding(unpadded);
    let length = u32::try_from(12 + unpadded + padding.len()).map_err(too_long)?.to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length)?;
    for part in body {
        out.write_all(part)?;
    }
    out.write_all(padding)?;
    out.write_all(&length)
}

/// Appends an option: code, length without padding, value padded to 32 bits.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) -> io::Result<()> {
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).map_err(too_long)?.to_le_bytes());
    body.extend(value);
    body.extend(padding(value.len()));
    Ok(())
}

fn padding(length: usize) -> &'static [u8] {
    &[0; 3][..(4 - length % 4) % 4]
}

fn too_long(_: std::num::TryFromIntError) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "a field is too long for the pcapng format")
}
