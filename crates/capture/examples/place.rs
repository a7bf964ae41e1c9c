//! Says where this process may capture, and proves it with a packet of its own.
//!
//! To see it as a user without privilege, copy the built program to a folder that everybody can
//! read and run: `setpriv --reuid=65534 --regid=65534 --clear-groups ./place`

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use wirelab_capture::{Live, enter, libpcap_version};

const WITHIN: Duration = Duration::from_secs(2);

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example for the terminal")]
fn main() -> ExitCode {
    match look() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn look() -> Result<String, Box<dyn Error>> {
    let place = enter()?;
    let live = Live::open("lo")?;
    live.marker(WITHIN)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    client.write_all(b"PING\r\n")?;
    let (mut server, _) = listener.accept()?;
    server.read_exact(&mut [0; 6])?;
    let recording = live.collect(WITHIN)?;
    let seen = recording.frames.iter().filter(|f| f.bytes.ends_with(b"PING\r\n")).count();
    Ok(format!(
        "{place:?}: {} frames, {seen} with the payload, {} dropped ({})",
        recording.frames.len(),
        recording.dropped,
        libpcap_version()
    ))
}
