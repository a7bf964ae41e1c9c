use crate::clock::Meter;
use crate::exchange::{Check, Exchange};
use crate::latency::Latencies;
use crate::link::{Link, Room};
use crate::load::{Mark, greeting};
use crate::{BenchError, Dial, Sample};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use rustls::HandshakeKind;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest time for one connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether to end, where nothing happens.
const TICK_MS: u8 = 100;

/// Connections that are opened, log in, ask for one PONG, and are closed, so many at once.
pub struct Storm {
    dial: Dial,
    steps: Vec<Exchange>,
    slots: Vec<Option<Slot>>,
    epoll: Epoll,
    room: Room,
    operations: u64,
    sent: u64,
    received: u64,
    resumed: u64,
    latencies: Latencies,
}

struct Slot {
    link: Link,
    begun: Instant,
    step: usize,
    check: Check,
}

fn system(error: nix::Error) -> BenchError {
    BenchError::System { what: "wait for connections", reason: error.to_string() }
}

impl Storm {
    /// So many at once.
    ///
    /// # Errors
    /// The system gives no epoll.
    pub fn new(dial: &Dial, parallel: usize) -> Result<Self, BenchError> {
        Ok(Self {
            dial: dial.clone(),
            steps: greeting(dial),
            slots: (0..parallel).map(|_| None).collect(),
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(system)?,
            room: Room::new(),
            operations: 0,
            sent: 0,
            received: 0,
            resumed: 0,
            latencies: Latencies::new(),
        })
    }

    /// Runs for `warmup`, then measures for `duration`. Returns also how many of the connections resumed
    /// a session.
    ///
    /// # Errors
    /// A connection is refused or closed, a reply is not what it must be, or `stop` is set.
    pub fn run(
        &mut self,
        warmup: Duration,
        duration: Duration,
        meter: Meter,
        stop: &AtomicBool,
    ) -> Result<(Sample, u64), BenchError> {
        let start = Instant::now();
        // The first ones have no session to resume: those that were open when the last run ended took theirs
        // with them.
        let primed = self.operations + 2 * self.slots.len() as u64;
        let mut begun: Option<(Mark, u64)> = None;
        let sample = self.drive(stop, |storm, now| {
            match begun {
                None if now >= start + warmup && storm.operations >= primed => {
                    storm.latencies.clear();
                    begun = Some((storm.mark(meter)?, storm.resumed));
                }
                Some((mark, resumed)) if now >= mark.time + duration => {
                    let sample = Sample::between(&mark, &storm.mark(meter)?, storm.latencies.clone());
                    return Ok(Some((sample, storm.resumed - resumed)));
                }
                _ => {}
            }
            Ok(None)
        });
        self.clear();
        sample
    }

    /// Opens so many connections, and says how long that took.
    ///
    /// # Errors
    /// As [`Storm::run`].
    pub fn count(&mut self, connections: u64) -> Result<Duration, BenchError> {
        let (start, first) = (Instant::now(), self.operations);
        let never = AtomicBool::new(false);
        let took = self.drive(&never, |storm, now| {
            Ok((storm.operations - first >= connections).then(|| {
                // The last ones came together.
                (now - start).mul_f64(connections as f64 / (storm.operations - first).max(1) as f64)
            }))
        });
        self.clear();
        took
    }

    fn mark(&self, meter: Meter) -> Result<Mark, BenchError> {
        let (time, cpu) = (Instant::now(), meter.read()?);
        let (operations, sent, received) = (self.operations, self.sent, self.received);
        Ok(Mark { time, operations, sent, received, cpu, idle: Duration::ZERO })
    }

    fn drive<T>(
        &mut self,
        stop: &AtomicBool,
        mut ended: impl FnMut(&mut Self, Instant) -> Result<Option<T>, BenchError>,
    ) -> Result<T, BenchError> {
        for index in 0..self.slots.len() {
            self.open(index)?;
        }
        let mut events = vec![EpollEvent::empty(); self.slots.len().max(1)];
        let mut last = Instant::now();
        loop {
            let count = match self.epoll.wait(&mut events, TICK_MS) {
                Err(nix::Error::EINTR) => 0,
                result => result.map_err(system)?,
            };
            let now = Instant::now();
            if stop.load(Ordering::Relaxed) {
                return Err(BenchError::Interrupted);
            }
            if let Some(result) = ended(self, now)? {
                return Ok(result);
            }
            for event in events.get(..count).unwrap_or_default() {
                self.ready(usize::try_from(event.data()).unwrap_or(usize::MAX))?;
            }
            if count > 0 {
                last = now;
            } else if now - last > PATIENCE {
                let reason = format!("nothing came for {} s", PATIENCE.as_secs());
                return Err(self.dial.fault("a connection does not get ready", reason));
            }
        }
    }

    fn open(&mut self, index: usize) -> Result<(), BenchError> {
        let begun = Instant::now();
        let mut link = Link::open(&self.dial).map_err(|error| self.dial.fault("cannot connect", error))?;
        self.epoll.add(&link, EpollEvent::new(EpollFlags::EPOLLIN, index as u64)).map_err(system)?;
        let request = self.steps.first().map(|step| step.request.as_slice()).unwrap_or_default();
        send(&mut link, request).map_err(|error| self.dial.fault("cannot send", error))?;
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Some(Slot { link, begun, step: 0, check: Check::default() });
        }
        Ok(())
    }

    fn ready(&mut self, index: usize) -> Result<(), BenchError> {
        let Some(place) = self.slots.get_mut(index) else { return Ok(()) };
        let (Some(slot), dial) = (place.as_mut(), &self.dial) else { return Ok(()) };
        let Some(exchange) = self.steps.get(slot.step) else { return Ok(()) };
        let what = || format!("no good reply to {} on a new connection", exchange.name);
        let check = &mut slot.check;
        slot.link
            .read(&mut self.room, |bytes| check.take(exchange, bytes).map(drop))
            .and_then(|()| slot.link.flush())
            .map_err(|error| dial.fault(&what(), error))?;
        if !slot.check.done(exchange) {
            return Ok(());
        }
        slot.step += 1;
        slot.check = Check::default();
        if let Some(next) = self.steps.get(slot.step) {
            return send(&mut slot.link, &next.request).map_err(|error| dial.fault(&what(), error));
        }
        self.latencies.record(slot.begun.elapsed(), 1);
        self.operations += 1;
        self.resumed += u64::from(slot.link.handshake() == Some(HandshakeKind::Resumed));
        self.sent += slot.link.sent;
        self.received += slot.link.received;
        if let Some(slot) = place.take() {
            slot.link.abort();
        }
        self.open(index)
    }

    fn clear(&mut self) {
        for slot in self.slots.iter_mut().filter_map(Option::take) {
            slot.link.abort();
        }
    }
}

/// A hello or a login is far smaller than the room in a new socket.
fn send(link: &mut Link, request: &[u8]) -> io::Result<()> {
    if link.write(request)? == request.len() {
        return Ok(());
    }
    Err(io::Error::other("a new connection takes no bytes"))
}
