//! Live capture that hands over each packet as it comes, for as long as one likes.

use crate::CaptureError;
use crate::file::Captured;
use crate::live::{activate, link_type};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// How soon it is seen that the capture is to stop, in milliseconds.
const STOP_CHECK_MS: u8 = 50;

/// Captures on `interface` (`any`: all of them) until `stop` is set or `each` says so. `filter` is a BPF
/// expression and runs in the kernel. `each` gets `None` whenever nothing came for a moment.
///
/// Gives the number of packets that the kernel or the interface dropped.
///
/// # Errors
/// As for [`Live::open`](crate::Live::open); [`Filter`](CaptureError::Filter) for an expression that libpcap
/// does not take.
pub fn tap(
    interface: &str,
    filter: Option<&str>,
    stop: &AtomicBool,
    mut each: impl FnMut(Option<Captured<'_>>) -> ControlFlow<()>,
) -> Result<u64, CaptureError> {
    let open = |source| CaptureError::open(interface, source);
    let mut capture = activate(interface, true)?;
    if let Some(expression) = filter {
        capture
            .filter(expression, true)
            .map_err(|source| CaptureError::Filter { expression: expression.to_owned(), source })?;
    }
    let link_type = link_type(&capture);
    'capture: while !stop.load(Ordering::Relaxed) {
        loop {
            match capture.next_packet() {
                Ok(packet) => {
                    let header = packet.header;
                    // Opened with nanoseconds: the field is called otherwise.
                    let nanoseconds = u64::try_from(header.ts.tv_usec).unwrap_or_default();
                    let seconds = u64::try_from(header.ts.tv_sec).unwrap_or_default();
                    let captured = Captured {
                        time: seconds * 1_000_000_000 + nanoseconds,
                        wire_len: header.len,
                        link_type,
                        bytes: packet.data,
                    };
                    if each(Some(captured)).is_break() || stop.load(Ordering::Relaxed) {
                        break 'capture;
                    }
                }
                Err(pcap::Error::TimeoutExpired) => break,
                Err(error) => {
                    return Err(CaptureError::Ended {
                        interface: interface.to_owned(),
                        reason: error.to_string(),
                    });
                }
            }
        }
        if each(None).is_break() {
            break;
        }
        let mut ready = [PollFd::new(capture.as_fd(), PollFlags::POLLIN)];
        // An interrupted wait is no wait: the loop looks again.
        let _ = poll(&mut ready, PollTimeout::from(STOP_CHECK_MS));
    }
    let statistics = capture.stats().map_err(open)?;
    Ok(u64::from(statistics.dropped) + u64::from(statistics.if_dropped))
}

/// Packets that wait for whoever takes them, where several interfaces are captured at once. Beyond, the
/// kernel's ring fills, and what that drops is counted.
const MOST_WAITING: usize = 16_384;

/// [`tap`] on several interfaces at once; packets come in the order in which they were captured, as far as
/// the threads that capture them allow.
///
/// # Errors
/// As for [`tap`]: the first error of any interface ends them all.
pub fn tap_all(
    interfaces: &[String],
    filter: Option<&str>,
    stop: &AtomicBool,
    mut each: impl FnMut(Option<Captured<'_>>) -> ControlFlow<()>,
) -> Result<u64, CaptureError> {
    if let [one] = interfaces {
        return tap(one, filter, stop, each);
    }
    let (send, receive) = mpsc::sync_channel::<(u64, u32, u16, Vec<u8>)>(MOST_WAITING);
    // Apart from `stop`, which is the caller's: an error on one interface ends the others.
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let taps: Vec<_> = interfaces
            .iter()
            .map(|interface| {
                let (send, over) = (send.clone(), &over);
                scope.spawn(move || {
                    let lost = tap(interface, filter, over, |packet| {
                        let Some(Captured { time, wire_len, link_type, bytes }) = packet else {
                            return ControlFlow::Continue(());
                        };
                        match send.send((time, wire_len, link_type, bytes.to_vec())) {
                            Ok(()) => ControlFlow::Continue(()),
                            Err(_) => ControlFlow::Break(()),
                        }
                    });
                    over.store(over.load(Ordering::Relaxed) || lost.is_err(), Ordering::Relaxed);
                    lost
                })
            })
            .collect();
        drop(send);
        loop {
            let flow = match receive.recv_timeout(Duration::from_millis(u64::from(STOP_CHECK_MS))) {
                Ok((time, wire_len, link_type, bytes)) => {
                    each(Some(Captured { time, wire_len, link_type, bytes: &bytes }))
                }
                Err(mpsc::RecvTimeoutError::Timeout) => each(None),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            if flow.is_break() || stop.load(Ordering::Relaxed) {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        // Whoever still sends sees that nobody takes it.
        drop(receive);
        let mut lost = 0;
        for tap in taps {
            // A thread that panicked has no count.
            lost += tap.join().unwrap_or(Ok(0))?;
        }
        Ok(lost)
    })
}

/// A BPF expression for packets that come from a file, in which link types may differ.
pub struct Filter {
    expression: String,
    programs: Vec<(u16, pcap::BpfProgram)>,
}

impl Filter {
    /// Compiles it for Ethernet, to find mistakes early.
    ///
    /// # Errors
    /// [`CaptureError::Filter`].
    pub fn new(expression: &str) -> Result<Self, CaptureError> {
        let mut filter = Self { expression: expression.to_owned(), programs: Vec::new() };
        filter.program(wirelab_model::LINKTYPE_ETHERNET)?;
        Ok(filter)
    }

    /// Whether a packet passes.
    ///
    /// # Errors
    /// The expression makes no sense for its link type.
    pub fn passes(&mut self, link_type: u16, bytes: &[u8]) -> Result<bool, CaptureError> {
        Ok(self.program(link_type)?.filter(bytes))
    }

    fn program(&mut self, link_type: u16) -> Result<&pcap::BpfProgram, CaptureError> {
        let failed = |source| CaptureError::Filter { expression: self.expression.clone(), source };
        let index = match self.programs.iter().position(|(known, _)| *known == link_type) {
            Some(index) => index,
            None => {
                // libpcap speaks of DLT values, files of LINKTYPE values: the same but for raw IP.
                let dlt = if link_type == 101 { 12 } else { i32::from(link_type) };
                let dead = pcap::Capture::dead(pcap::Linktype(dlt)).map_err(failed)?;
                let program = dead.compile(&self.expression, true).map_err(failed)?;
                self.programs.push((link_type, program));
                self.programs.len() - 1
            }
        };
        // It was found or pushed just now.
        self.programs.get(index).map(|(_, program)| program).ok_or_else(|| failed(pcap::Error::InvalidString))
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({})", self.expression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_sorts_packets_and_names_a_mistake() {
        let mut filter = Filter::new("tcp port 6379").unwrap();
        // IPv4, TCP, ports 1 and 6379.
        let mut packet = vec![0; 40];
        packet[0] = 0x45;
        packet[3] = 40;
        packet[9] = 6;
        packet[20..24].copy_from_slice(&[0, 1, 24, 235]);
        assert!(filter.passes(101, &packet).unwrap());
        packet[23] = 0;
        assert!(!filter.passes(101, &packet).unwrap());
        let error = Filter::new("tcp prot 6379").unwrap_err();
        assert!(error.to_string().contains("tcp prot 6379"), "{error}");
    }
}
