use std::mem;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::setsockopt;
use nix::{libc, setsockopt_impl, sockopt_impl};
use pcap::{Active, Capture, Precision};
use wirelab_model::Frame;

use crate::CaptureError;
use crate::marker::{Marker, Token};

/// The loopback device of Linux.
pub(crate) const LOOPBACK: &str = "lo";
/// Bytes of a frame that are kept. libpcap's own greatest value: no frame is cut on loopback, where
/// one may be 64 KiB and more.
const SNAPLEN: i32 = 262_144;
/// Bytes of the kernel's ring.
const KERNEL_BUFFER: i32 = 64 << 20;
/// How long the kernel may hold a packet back before it hands it over, in milliseconds.
///
/// libpcap's "immediate mode" is quicker (a marker takes 0.02 ms, not 1 ms), but its ring has slots of
/// one size: measured on loopback with this buffer, it holds 1,023 packets of any size. Without it
/// packets lie back to back: 65,000 of 100 bytes, 1,000 of 60,000 bytes. It has a limit of its own:
/// the ring is 256 blocks and a block is handed over after this time even if nearly empty, so a
/// capture thread that does not run for a quarter of a second loses packets. They are counted.
pub(crate) const HOLD_BACK_MS: i32 = 1;
/// How soon the capture thread sees that it is to stop.
const STOP_CHECK_MS: u8 = 50;
/// Bytes of memory one recording may take: the frames and what is kept with each.
const MAX_RECORDING: usize = 256 << 20;
/// A marker may be lost in a drop as any packet may: it is sent again this often.
const RESEND: Duration = Duration::from_millis(20);

/// What one capture saw between two markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Every frame once, in the order of the kernel. Times may step back a little: each processor
    /// stamps its own packets. The marker packets are not among them.
    pub frames: Vec<Frame>,
    /// Link type of the frames. <https://www.tcpdump.org/linktypes.html>
    pub link_type: u16,
    /// Packets the kernel (ring full) or the interface dropped since the marker before. The
    /// interface's part counts for everybody's traffic on it. Not 0: the recording proves nothing.
    pub dropped: u64,
    /// Frames that were captured and not kept because the recording had reached 256 MiB.
    pub cut: u64,
}

/// A capture that is running: one thread reads packets into memory until this is dropped.
///
/// All methods block. Every packet whose sending was over before [`marker`](Self::marker) was called
/// is before the recording, and every one sent and delivered between it and
/// [`collect`](Self::collect) is in it. Dropping takes up to about 50 ms where a packet is lost, else a millisecond.
pub struct Live {
    interface: String,
    shared: Arc<Shared>,
    /// The number of the marker sent last. Held for a whole wait: one caller at a time.
    marker: Mutex<(Marker, u64)>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Told when a recording was finished, and when the thread ends.
    changed: Condvar,
    stop: AtomicBool,
}

#[derive(Default)]
struct State {
    frames: Vec<Frame>,
    /// Memory that `frames` takes, in bytes.
    size: usize,
    cut: u64,
    /// The marker that ends this recording.
    awaited: Option<u64>,
    finished: Option<Recording>,
    /// Why the thread ended.
    ended: Option<String>,
}

impl Live {
    /// Starts to capture on `interface`. For markers to work it must be one that carries 127.0.0.1:
    /// `lo`, or `any`. Promiscuous mode stays off. Time stamps are in nanoseconds.
    ///
    /// # Errors
    ///
    /// [`NoInterface`](CaptureError::NoInterface), [`NoPermission`](CaptureError::NoPermission), or
    /// what libpcap and the system say.
    pub fn open(interface: &str) -> Result<Self, CaptureError> {
        let start = |reason| CaptureError::Start { interface: interface.to_owned(), reason };
        let mut capture = activate(interface, false, HOLD_BACK_MS)?;
        let before = Drops::read(&mut capture).map_err(|e| CaptureError::open(interface, e))?;
        let marker = Marker::new().map_err(start)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let reader = Reader {
            link_type: link_type(&capture),
            capture,
            token: marker.token(),
            before,
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new()
            .name(format!("capture {interface}"))
            .spawn(move || reader.run())
            .map_err(start)?;
        let marker = Mutex::new((marker, 0));
        Ok(Self { interface: interface.to_owned(), shared, marker, thread: Some(thread) })
    }

    /// Sends a marker packet, waits until the capture has seen it, and forgets all that came before
    /// it: a new recording starts. Blocks for at most about `within`.
    ///
    /// # Errors
    ///
    /// [`MarkerTimeout`](CaptureError::MarkerTimeout), [`Ended`](CaptureError::Ended) or
    /// [`SendMarker`](CaptureError::SendMarker).
    pub fn marker(&self, within: Duration) -> Result<(), CaptureError> {
        self.pass(within).map(drop)
    }

    /// Sends a marker packet, waits until the capture has seen it, and returns what came between it
    /// and the marker before: a new recording starts. Blocks for at most about `within`.
    ///
    /// # Errors
    ///
    /// As for [`marker`](Self::marker). After a timeout the recording goes on, and a later call
    /// returns all of it.
    pub fn collect(&self, within: Duration) -> Result<Recording, CaptureError> {
        self.pass(within)
    }

    fn pass(&self, within: Duration) -> Result<Recording, CaptureError> {
        let begin = Instant::now();
        let mut marker = self.marker.lock().unwrap_or_else(PoisonError::into_inner);
        marker.1 += 1;
        let (marker, number) = (&marker.0, marker.1);
        let mut state = self.shared.lock();
        state.awaited = Some(number);
        loop {
            drop(state);
            marker.send(number).map_err(|reason| CaptureError::SendMarker { reason })?;
            state = self.shared.lock();
            let left = within.saturating_sub(begin.elapsed());
            (state, _) = self
                .shared
                .changed
                .wait_timeout_while(state, left.min(RESEND), |s| s.finished.is_none() && s.ended.is_none())
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(recording) = state.finished.take() {
                return Ok(recording);
            }
            if let Some(reason) = self.ended(&state) {
                return Err(CaptureError::Ended { interface: self.interface.clone(), reason });
            }
            if begin.elapsed() >= within {
                // A marker that comes by from now on is left out of the recording and ends nothing.
                state.awaited = None;
                return Err(CaptureError::MarkerTimeout { interface: self.interface.clone(), within });
            }
        }
    }

    /// Why the thread no longer runs, if so.
    fn ended(&self, state: &State) -> Option<String> {
        let gone = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        state.ended.clone().or_else(|| gone.then(|| "its thread panicked".to_owned()))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // The thread sees it at the next packet: this is one. Without it the thread sees it a little later.
        let marker = self.marker.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(marker.0.send(0));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by its own hook, and to the caller that waited.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The capture thread.
struct Reader {
    capture: Capture<Active>,
    link_type: u16,
    token: Token,
    /// The drop counters at the marker before.
    before: Drops,
    shared: Arc<Shared>,
}

impl Reader {
    fn run(mut self) {
        if let Err(reason) = self.read() {
            self.shared.lock().ended = Some(reason);
        }
        self.shared.changed.notify_all();
    }

    /// Reads until told to stop, or until libpcap fails.
    fn read(&mut self) -> Result<(), String> {
        while !self.shared.stop.load(Ordering::Relaxed) {
            match self.capture.next_packet() {
                Ok(packet) => {
                    if let Some(number) = self.token.read(packet.data) {
                        self.finish(number).map_err(|e| format!("cannot read its drop counters: {e}"))?;
                    } else {
                        self.shared.lock().keep(&packet);
                    }
                }
                Err(pcap::Error::TimeoutExpired) => self.wait()?,
                Err(e) => return Err(e.to_string()),
            }
        }
        Ok(())
    }

    /// Waits until there is something to read, or it is time to look at the stop flag.
    fn wait(&self) -> Result<(), String> {
        let mut fds = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(STOP_CHECK_MS)) {
            // What an error on the descriptor means, libpcap says when it is asked to read.
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(e) => Err(format!("cannot wait for packets: {e}")),
        }
    }

    /// Closes the recording if marker `number` is the one waited for; one that was resent, or came
    /// too late, is left out and does nothing.
    fn finish(&mut self, number: u64) -> Result<(), pcap::Error> {
        if self.shared.lock().awaited != Some(number) {
            return Ok(());
        }
        // Not under the lock: it reads a file of the system.
        let now = Drops::read(&mut self.capture)?;
        let mut state = self.shared.lock();
        if state.awaited != Some(number) {
            // The caller gave up meanwhile: the recording goes on, and these drops belong to it.
            return Ok(());
        }
        let dropped = now.since(&self.before);
        self.before = now;
        let done = mem::take(&mut *state);
        state.finished =
            Some(Recording { frames: done.frames, link_type: self.link_type, dropped, cut: done.cut });
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl State {
    fn keep(&mut self, packet: &pcap::Packet<'_>) {
        let size = packet.data.len() + size_of::<Frame>();
        if self.size + size > MAX_RECORDING {
            self.cut += 1;
            return;
        }
        self.size += size;
        let time = packet.header.ts;
        // With nanosecond precision libpcap puts nanoseconds into the field named microseconds.
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(time.tv_usec).unwrap_or(0);
        self.frames.push(Frame {
            time: seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
            wire_len: packet.header.len,
            bytes: packet.data.to_vec(),
        });
    }
}

/// The drop counters of a capture; both wrap around.
struct Drops {
    kernel: u32,
    interface: u32,
}

impl Drops {
    fn read(capture: &mut Capture<Active>) -> Result<Self, pcap::Error> {
        capture.stats().map(|s| Self { kernel: s.dropped, interface: s.if_dropped })
    }

    fn since(&self, before: &Self) -> u64 {
        u64::from(self.kernel.wrapping_sub(before.kernel))
            + u64::from(self.interface.wrapping_sub(before.interface))
    }
}

/// Opens `interface` for reading without waiting. The kernel holds packets back for `hold_back` milliseconds at most.
pub(crate) fn activate(
    interface: &str,
    promiscuous: bool,
    hold_back: i32,
) -> Result<Capture<Active>, CaptureError> {
    // libpcap reports a missing interface, like all else, as text: ask the system. `any` is
    // libpcap's own name for all of them.
    if interface != "any" && matches!(if_nametoindex(interface), Err(Errno::ENODEV | Errno::EINVAL)) {
        return Err(CaptureError::NoInterface { interface: interface.to_owned() });
    }
    let capture = Capture::from_device(interface)
        .and_then(|capture| {
            capture
                .snaplen(SNAPLEN)
                .buffer_size(KERNEL_BUFFER)
                .promisc(promiscuous)
                .precision(Precision::Nano)
                .timeout(hold_back)
                .open()
        })
        .and_then(Capture::setnonblock)
        .map_err(|e| CaptureError::open(interface, e))?;
    if interface == LOOPBACK {
        ignore_outgoing(&capture);
    }
    Ok(capture)
}

// From linux/if_packet.h; nix and libc do not have it.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
sockopt_impl!(IgnoreOutgoing, SetOnly, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, bool);

/// Linux shows each packet on loopback twice, on its way out and on its way in. libpcap hides the
/// first, but only after it took a place in the ring, and where the ring is full both are counted as
/// dropped. This keeps the first out of ring and count. A kernel before 4.20 refuses: then the ring
/// holds half as much, and drops count up to double.
///
/// Not by a filter (`inbound`): measured with libpcap 1.10.3, the first packets after it is set are
/// then lost, and not counted as dropped.
fn ignore_outgoing(capture: &Capture<Active>) {
    let _ = setsockopt(&capture.as_fd(), IgnoreOutgoing, &true);
}

/// libpcap speaks of DLT values, files of LINKTYPE values: the same numbers, but for raw IP.
pub(crate) fn link_type(capture: &Capture<Active>) -> u16 {
    const DLT_RAW: i32 = 12;
    const LINKTYPE_RAW: u16 = 101;
    match capture.get_datalink().0 {
        DLT_RAW => LINKTYPE_RAW,
        other => u16::try_from(other).unwrap_or(u16::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn open() -> Option<Live> {
        match Live::open(LOOPBACK) {
            Err(CaptureError::NoPermission { .. }) => {
                println!("skipped: no permission to capture");
                None
            }
            opened => Some(opened.unwrap()),
        }
    }

    fn packet<'a>(header: &'a pcap::PacketHeader, data: &'a [u8]) -> pcap::Packet<'a> {
        pcap::Packet { header, data }
    }

    #[test]
    fn a_recording_is_bounded_and_counts_what_it_cuts() {
        let data = vec![1; 1 << 20];
        let ts = libc::timeval { tv_sec: 2, tv_usec: 999_999_999 };
        let header = pcap::PacketHeader { ts, caplen: 1 << 20, len: 1 << 21 };
        let mut state = State::default();
        for _ in 0..300 {
            state.keep(&packet(&header, &data));
        }
        assert_eq!(state.frames.len(), 255, "256 would fit without what is kept with each");
        assert_eq!(state.cut, 45);
        assert_eq!(state.frames[0].time, 2_999_999_999);
        assert_eq!(state.frames[0].wire_len, 1 << 21);
    }

    #[test]
    fn drop_counters_wrap_around() {
        let before = Drops { kernel: u32::MAX, interface: 5 };
        assert_eq!(Drops { kernel: 1, interface: 7 }.since(&before), 4);
    }

    #[test]
    fn markers_are_left_out_also_when_sent_again() {
        const WITHIN: Duration = Duration::from_secs(5);
        let Some(live) = open() else { return };
        live.marker(WITHIN).unwrap();
        let token = {
            let marker = live.marker.lock().unwrap();
            for number in [0, 1, 1, 3] {
                marker.0.send(number).unwrap();
            }
            marker.0.token()
        };
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        other.send_to(b"not a marker", other.local_addr().unwrap()).unwrap();
        let recording = live.collect(WITHIN).unwrap();
        assert!(recording.frames.iter().all(|f| token.read(&f.bytes).is_none()));
        assert!(recording.frames.iter().any(|f| f.bytes.ends_with(b"not a marker")));
    }

    #[test]
    fn each_packet_that_the_kernel_drops_is_counted_once() {
        const SENT: u64 = 4000;
        const WITHIN: Duration = Duration::from_secs(5);
        let Some(live) = open() else { return };
        live.marker(WITHIN).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (own, payload) = (socket.local_addr().unwrap(), vec![1; 60_000]);
        // The capture thread cannot keep its next frame while this is held: the ring fills up.
        let stalled = live.shared.lock();
        for _ in 0..SENT {
            socket.send_to(&payload, own).unwrap();
        }
        drop(stalled);
        let recording = live.collect(WITHIN).unwrap();
        let kept = recording.frames.iter().filter(|f| f.bytes.len() == 14 + 28 + 60_000).count() as u64;
        let lost = SENT - kept;
        println!("kept {kept}, lost {lost}, counted {}", recording.dropped);
        assert!(kept > 0 && lost > 1000, "240 MB do not fit");
        // Packets of others may have been dropped as well; counted twice it would be 2 * lost.
        assert!((lost..lost * 3 / 2).contains(&recording.dropped), "{lost} lost, {}", recording.dropped);
        assert_eq!(live.collect(WITHIN).unwrap().dropped, 0, "drops belong to one recording");
    }
}
