//! Live capture that hands over each packet as it comes, for as long as one likes.
//!
//! A thread for each interface takes packets out of the kernel's ring, whatever is done with them: it waits for nobody
//! before [`MOST_WAITING`] bytes wait. Beyond, the ring fills, and what the kernel drops is counted.

use crate::CaptureError;
use crate::file::Captured;
use crate::live::{activate, link_type};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pcap::{Active, Capture};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long the kernel may hold packets back, in milliseconds. Its ring is 256 blocks, and a block is handed over after
/// this time even if nearly empty: a thread that does not run for 256 times as long, here five seconds, loses packets.
/// For people who look on, it is soon enough.
const HOLD_BACK_MS: i32 = 20;
/// How soon it is seen that the capture is to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// Bytes that are handed over at once.
const BATCH: usize = 256 << 10;
/// Bytes that wait to be looked at: 64 MiB, as much as the kernel's ring holds.
const MOST_WAITING: usize = 64 << 20;
/// Longest that packets from before the stop are still taken.
const LAST_ONES: Duration = Duration::from_secs(5);

/// Captures on `interfaces` (`any`: all of them) until `stop` is set or `each` says so; what was captured before `stop`
/// was set comes too. `filter` is a BPF expression and runs in the kernel. `each` gets `None` whenever all that was
/// taken was given to it. Packets of one interface come in the order in which they were captured; those of several
/// in the order of their times, as far as they are taken together.
///
/// Gives the number of packets that the kernel or the interface dropped.
///
/// # Errors
/// As for [`Live::open`](crate::Live::open); [`Filter`](CaptureError::Filter) for an expression that libpcap
/// does not take. The first error of any interface ends them all.
pub fn tap(
    interfaces: &[String],
    filter: Option<&str>,
    stop: &AtomicBool,
    mut each: impl FnMut(Option<Captured<'_>>) -> ControlFlow<()>,
) -> Result<u64, CaptureError> {
    let taps: Vec<Tap> =
        interfaces.iter().map(|interface| Tap::open(interface, filter)).collect::<Result<_, _>>()?;
    let line = Line::default();
    // Apart from `stop`, which is the caller's: whoever is told this stops at once.
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let takers: Vec<_> = taps
            .into_iter()
            .map(|tap| {
                let (line, over) = (&line, &over);
                line.lock().takers += 1;
                scope.spawn(move || {
                    // Also where it panics, so that nobody waits for it.
                    let _left = Leaves(line);
                    let lost = tap.take(line, stop, over);
                    if lost.is_err() {
                        over.store(true, Ordering::Relaxed);
                    }
                    lost
                })
            })
            .collect();
        let ends = Ends(&line, &over);
        while let Some(batches) = line.next() {
            if give(&batches, &mut each).is_break() {
                break;
            }
            line.give_back(batches);
        }
        drop(ends);
        let mut lost = 0;
        for taker in takers {
            // A thread that panicked has no count.
            lost += taker.join().unwrap_or(Ok(0))?;
        }
        Ok(lost)
    })
}

/// Gives packets in the order of their times; `None` where there are none.
fn give(
    batches: &[Batch],
    each: &mut impl FnMut(Option<Captured<'_>>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match batches {
        [] => each(None),
        [one] => one.packets().try_for_each(|packet| each(Some(packet))),
        several => {
            let mut all: Vec<_> = several.iter().flat_map(Batch::packets).collect();
            all.sort_by_key(|packet| packet.time);
            all.into_iter().try_for_each(|packet| each(Some(packet)))
        }
    }
}

/// A capture on one interface.
struct Tap {
    interface: String,
    capture: Capture<Active>,
    link_type: u16,
}

impl Tap {
    fn open(interface: &str, filter: Option<&str>) -> Result<Self, CaptureError> {
        let mut capture = activate(interface, true, HOLD_BACK_MS)?;
        if let Some(expression) = filter {
            capture
                .filter(expression, true)
                .map_err(|reason| CaptureError::Filter { expression: expression.to_owned(), reason })?;
        }
        Ok(Self { interface: interface.to_owned(), link_type: link_type(&capture), capture })
    }

    /// Takes packets until `stop` is set, and those from before that; or until `over` is.
    fn take(mut self, line: &Line, stop: &AtomicBool, over: &AtomicBool) -> Result<u64, CaptureError> {
        let mut batch = Batch::default();
        // When it was seen that `stop` is set, on either clock.
        let mut last: Option<(Instant, u64)> = None;
        let held_back = Duration::from_millis(2 * u64::from(HOLD_BACK_MS.unsigned_abs()));
        'capture: while !over.load(Ordering::Relaxed) {
            if last.is_none() && stop.load(Ordering::Relaxed) {
                let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
                last = Some((Instant::now(), u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)));
            }
            loop {
                match self.capture.next_packet() {
                    Ok(packet) => {
                        let header = packet.header;
                        // Opened with nanoseconds: the field is called otherwise.
                        let nanoseconds = u64::try_from(header.ts.tv_usec).unwrap_or_default();
                        let seconds = u64::try_from(header.ts.tv_sec).unwrap_or_default();
                        let time = seconds * 1_000_000_000 + nanoseconds;
                        if last.is_some_and(|(_, last)| time > last) {
                            break 'capture;
                        }
                        batch.add(time, header.len, self.link_type, packet.data);
                        if batch.bytes.len() >= BATCH {
                            break;
                        }
                    }
                    Err(pcap::Error::TimeoutExpired) => {
                        if last.is_some_and(|(seen, _)| seen.elapsed() > held_back) {
                            break 'capture;
                        }
                        break;
                    }
                    Err(error) => {
                        let reason = error.to_string();
                        return Err(CaptureError::Ended { interface: self.interface, reason });
                    }
                }
            }
            if last.is_some_and(|(seen, _)| seen.elapsed() > LAST_ONES) {
                break;
            }
            let full = batch.bytes.len() >= BATCH;
            if !batch.packets.is_empty() {
                batch = line.put(batch);
            }
            if !full {
                let wait = if last.is_some() { held_back } else { STOP_CHECK };
                let mut ready = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
                // An interrupted wait is no wait: the loop looks again.
                let _ = poll(&mut ready, PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO));
            }
        }
        if !batch.packets.is_empty() {
            line.put(batch);
        }
        let statistics =
            self.capture.stats().map_err(|reason| CaptureError::open(&self.interface, reason))?;
        Ok(u64::from(statistics.dropped) + u64::from(statistics.if_dropped))
    }
}

/// Packets that go over at once.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    packets: Vec<Header>,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    time: u64,
    wire_len: u32,
    link_type: u16,
    /// Where its bytes end; those of the next one begin there.
    end: usize,
}

impl Batch {
    fn add(&mut self, time: u64, wire_len: u32, link_type: u16, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.packets.push(Header { time, wire_len, link_type, end: self.bytes.len() });
    }

    fn packets(&self) -> impl Iterator<Item = Captured<'_>> {
        let mut start = 0;
        self.packets.iter().map(move |&Header { time, wire_len, link_type, end }| {
            let bytes = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            Captured { time, wire_len, link_type, bytes }
        })
    }

    /// Bytes of memory that it holds.
    fn held(&self) -> usize {
        self.bytes.len() + self.packets.len() * size_of::<Header>()
    }
}

/// Where batches wait.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Batch>,
    /// Memory of those that wait.
    held: usize,
    /// One to fill again.
    free: Option<Batch>,
    /// Threads that take packets.
    takers: usize,
    /// Nobody looks at them any more.
    closed: bool,
    /// All that came was looked at, and somebody was told so.
    told: bool,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a batch, and gives an empty one.
    fn put(&self, batch: Batch) -> Batch {
        let mut state = self.lock();
        while state.held >= MOST_WAITING && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.held += batch.held();
        state.waiting.push_back(batch);
        self.changed.notify_all();
        state.free.take().unwrap_or_default()
    }

    /// What waits, of several interfaces all of it; nothing once, when there is nothing; none when nothing comes any more.
    fn next(&self) -> Option<Vec<Batch>> {
        let mut state = self.lock();
        loop {
            if let Some(first) = state.waiting.pop_front() {
                let several = state.takers > 1;
                let rest = if several { state.waiting.drain(..).collect() } else { Vec::new() };
                let batches: Vec<_> = [first].into_iter().chain(rest).collect();
                state.held -= batches.iter().map(Batch::held).sum::<usize>();
                state.told = false;
                self.changed.notify_all();
                return Some(batches);
            }
            if state.takers == 0 {
                return None;
            }
            if !std::mem::replace(&mut state.told, true) {
                return Some(Vec::new());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, batches: Vec<Batch>) {
        if let Some(mut one) = batches.into_iter().next() {
            one.bytes.clear();
            one.packets.clear();
            self.lock().free = Some(one);
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// Whoever looks at packets; ends the threads that take them when this is dropped, also where it panics.
struct Ends<'l>(&'l Line, &'l AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.1.store(true, Ordering::Relaxed);
        self.0.close();
    }
}

/// A thread that takes packets, which leaves when this is dropped.
struct Leaves<'l>(&'l Line);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.lock().takers -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    /// Waits until a condition holds.
    fn until(what: &str, condition: impl Fn() -> bool) {
        let begin = Instant::now();
        while !condition() {
            assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
            thread::yield_now();
        }
    }

    #[test]
    fn packets_are_taken_while_nobody_looks_at_them() {
        // A lock that the tests of whole captures take too: they would flood each other.
        let lock = std::fs::File::create(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tmp/live.lock"));
        let _alone = lock.map(|lock| lock.lock());
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap();
        let filter = format!("udp dst port {}", own.port());
        let tap = match Tap::open("lo", Some(&filter)) {
            Err(CaptureError::NoPermission { .. }) => return println!("skipped: no permission to capture"),
            tap => tap.unwrap(),
        };
        const PAYLOAD: usize = 60_000;
        // More than the kernel's ring of 64 MiB holds.
        const SENT: usize = 1600;
        let (line, stop, over) = (Line::default(), AtomicBool::new(false), AtomicBool::new(false));
        line.lock().takers = 1;
        let (mut seen, mut lost) = (0, 0);
        thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let _left = Leaves(&line);
                tap.take(&line, &stop, &over).unwrap()
            });
            for sent in 1..=SENT {
                socket.send_to(&[7; PAYLOAD], own).unwrap();
                if sent % 200 == 0 {
                    // Those that wait below the limit.
                    let room = (sent * PAYLOAD).min(MOST_WAITING);
                    until("taken", || line.lock().held >= room);
                }
            }
            stop.store(true, Ordering::Relaxed);
            while let Some(batches) = line.next() {
                seen += batches.iter().flat_map(Batch::packets).count();
            }
            lost = taker.join().unwrap();
        });
        assert_eq!((seen, lost), (SENT, 0));
        assert_eq!(line.lock().held, 0);
    }

    #[test]
    fn packets_of_several_interfaces_are_put_in_order() {
        let mut batches = [Batch::default(), Batch::default()];
        for (batch, times) in batches.iter_mut().zip([[1, 4, 9], [2, 3, 10]]) {
            for time in times {
                batch.add(time, 1, 1, &[u8::try_from(time).unwrap()]);
            }
        }
        let mut seen = Vec::new();
        let flow = give(&batches, &mut |packet| {
            let packet = packet.unwrap();
            assert_eq!(packet.bytes, [u8::try_from(packet.time).unwrap()]);
            seen.push(packet.time);
            if packet.time == 9 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((seen, flow.is_break()), (vec![1, 2, 3, 4, 9], true));
    }
}
