use crate::clock::{Cpu, Meter, thread};
use crate::exchange::{Check, Exchange};
use crate::latency::Latencies;
use crate::link::{Link, Room};
use crate::{BenchError, Dial};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest time without any reply.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether to end, where nothing happens.
const TICK_MS: u8 = 100;

/// How long it is looked again and again for replies before the thread sleeps until one comes.
const POLL: Duration = Duration::from_millis(1);

/// Whether it is. A client that sleeps has to be woken by the server, and the quicker the client is the more often: that
/// would be a cost of the load generator in the server's time. With one processor it would keep the server from it.
pub(crate) fn polls() -> bool {
    let online = nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN);
    online.ok().flatten().is_some_and(|number| number > 1)
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Sample {
    pub(crate) counts: Counts,
    pub(crate) latencies: Latencies,
}

impl Sample {
    pub(crate) fn between(begun: &Mark, ended: &Mark, latencies: Latencies) -> Self {
        let server = ended.cpu.server.zip(begun.cpu.server);
        let counts = Counts {
            operations: ended.operations - begun.operations,
            elapsed: ended.time - begun.time,
            sent: ended.sent - begun.sent,
            received: ended.received - begun.received,
            client: ended.cpu.client.saturating_sub(begun.cpu.client + (ended.idle - begun.idle)),
            server: server.map(|(ended, begun)| ended.saturating_sub(begun)),
            machine: ended.cpu.machine.saturating_sub(begun.cpu.machine + (ended.idle - begun.idle)),
        };
        Self { counts, latencies }
    }

    /// Both together.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.counts = self.counts.and(other.counts);
        self.latencies.add(&other.latencies);
        self
    }
}

/// What was counted, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// Replies that came.
    pub(crate) operations: u64,
    /// In this time.
    pub(crate) elapsed: Duration,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) client: Duration,
    pub(crate) server: Option<Duration>,
    pub(crate) machine: Duration,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            elapsed: self.elapsed + other.elapsed,
            sent: self.sent + other.sent,
            received: self.received + other.received,
            client: self.client + other.client,
            server: self.server.zip(other.server).map(|(one, other)| one + other),
            machine: self.machine + other.machine,
        }
    }

    /// Operations per second.
    pub(crate) fn rate(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64()
    }
}

/// All counters at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) time: Instant,
    pub(crate) operations: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) cpu: Cpu,
    /// Processor time of the client in which it looked for replies, and none was there.
    pub(crate) idle: Duration,
}

/// Connections that all send the same pipeline again as soon as its last reply is there.
pub struct Load {
    dial: Dial,
    exchange: Arc<Exchange>,
    clients: Vec<Client>,
    epoll: Epoll,
    room: Room,
    polls: bool,
    operations: u64,
    idle: Duration,
    latencies: Latencies,
}

struct Client {
    link: Link,
    check: Check,
    written: usize,
    begun: Instant,
    /// The socket has no room.
    blocked: bool,
    busy: bool,
}

impl Client {
    /// Sends the rest of the pipeline. Whether all of it is out.
    fn send(&mut self, request: &[u8]) -> io::Result<bool> {
        self.written += self.link.write(request.get(self.written..).unwrap_or_default())?;
        Ok(self.written == request.len() && self.link.flush()?)
    }
}

fn system(error: nix::Error) -> BenchError {
    BenchError::System { what: "wait for replies", reason: error.to_string() }
}

impl Load {
    /// Opens the connections and logs in.
    ///
    /// # Errors
    /// The target cannot be reached, or answers anything but what it must.
    pub fn open(dial: &Dial, exchange: Arc<Exchange>, connections: usize) -> Result<Self, BenchError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(system)?;
        let mut clients = Vec::new();
        for index in 0..connections {
            let what = format!("cannot open connection {} of {connections}", index + 1);
            let mut link = Link::open(dial).map_err(|error| dial.fault(&what, error))?;
            greet(dial, &mut link)?;
            epoll.add(&link, EpollEvent::new(EpollFlags::EPOLLIN, index as u64)).map_err(system)?;
            let (check, begun) = (Check::default(), Instant::now());
            clients.push(Client { link, check, written: 0, begun, blocked: false, busy: false });
        }
        let (dial, room, latencies) = (dial.clone(), Room::new(), Latencies::new());
        let (polls, operations, idle) = (polls(), 0, Duration::ZERO);
        Ok(Self { dial, exchange, clients, epoll, room, polls, operations, idle, latencies })
    }

    /// From the next run on, all connections send this.
    pub(crate) fn ask(&mut self, exchange: &Arc<Exchange>) {
        self.exchange = Arc::clone(exchange);
    }

    /// Version, suite and group of TLS.
    pub(crate) fn agreed(&self) -> Option<[String; 3]> {
        self.clients.first()?.link.agreed()
    }

    /// Runs for `warmup`, then measures for `duration`.
    ///
    /// # Errors
    /// A reply is not what it must be, none comes for 10 s, or `stop` is set.
    pub fn run(
        &mut self,
        warmup: Duration,
        duration: Duration,
        meter: Meter,
        stop: &AtomicBool,
    ) -> Result<Sample, BenchError> {
        let start = Instant::now();
        let mut begun = None;
        let mut ended = None;
        let result = self.drive(stop, |load, now| {
            if begun.is_none() && now >= start + warmup {
                load.latencies.clear();
                begun = Some(load.mark(meter)?);
            }
            if let Some(begun) = begun.filter(|begun: &Mark| ended.is_none() && now >= begun.time + duration)
            {
                ended = Some((begun, load.mark(meter)?, load.latencies.clone()));
            }
            Ok(ended.is_none())
        });
        result?;
        let (begun, ended, latencies) = ended.ok_or(BenchError::Interrupted)?;
        Ok(Sample::between(&begun, &ended, latencies))
    }

    /// Sends until so many operations were answered, and says how long that took: for benches that choose
    /// the number.
    ///
    /// # Errors
    /// As [`Load::run`].
    pub fn count(&mut self, operations: u64, stop: &AtomicBool) -> Result<Duration, BenchError> {
        let (start, first) = (Instant::now(), self.operations);
        let flight = (self.clients.len() * self.exchange.replies) as u64;
        let mut end = start;
        self.drive(stop, |load, now| {
            end = now;
            Ok(load.operations - first + flight <= operations)
        })?;
        let done = self.operations - first;
        // What was in flight at the end was answered as well: the time is that of the number asked for.
        Ok(start.elapsed().max(end - start).mul_f64(operations as f64 / done.max(1) as f64))
    }

    fn mark(&self, meter: Meter) -> Result<Mark, BenchError> {
        let sum = |of: fn(&Link) -> u64| self.clients.iter().map(|client| of(&client.link)).sum();
        Ok(Mark {
            time: Instant::now(),
            operations: self.operations,
            sent: sum(|link| link.sent),
            received: sum(|link| link.received),
            cpu: meter.read()?,
            idle: self.idle,
        })
    }

    /// Keeps all connections busy while `go_on` says so, then waits until all replies are there.
    fn drive(
        &mut self,
        stop: &AtomicBool,
        mut go_on: impl FnMut(&mut Self, Instant) -> Result<bool, BenchError>,
    ) -> Result<(), BenchError> {
        let begun = Instant::now();
        for index in 0..self.clients.len() {
            self.begin(index, begun)?;
        }
        let mut events = vec![EpollEvent::empty(); self.clients.len().max(1)];
        let (mut sending, mut last) = (true, begun);
        loop {
            let count = self.wait(&mut events)?;
            let now = Instant::now();
            if stop.load(Ordering::Relaxed) {
                return Err(BenchError::Interrupted);
            }
            sending = sending && go_on(self, now)?;
            for event in events.get(..count).unwrap_or_default() {
                let index = usize::try_from(event.data()).unwrap_or(usize::MAX);
                self.ready(index, event.events(), sending)?;
            }
            if count > 0 {
                last = now;
            } else if now - last > PATIENCE {
                let what = format!("no reply to {}", self.exchange.name);
                return Err(self.dial.fault(&what, format!("nothing came for {} s", PATIENCE.as_secs())));
            }
            if !sending && !self.clients.iter().any(|client| client.busy) {
                return Ok(());
            }
        }
    }

    /// Waits until something can be read or written, for a tick at most.
    fn wait(&mut self, events: &mut [EpollEvent]) -> Result<usize, BenchError> {
        let mut wait = |timeout: u8| match self.epoll.wait(events, timeout) {
            Err(nix::Error::EINTR) => Ok(0),
            result => result.map_err(system),
        };
        if self.polls {
            let count = wait(0)?;
            if count > 0 {
                return Ok(count);
            }
            let (begun, cpu) = (Instant::now(), thread()?);
            let count = loop {
                let count = wait(0)?;
                if count > 0 || begun.elapsed() > POLL {
                    break count;
                }
            };
            self.idle += thread()?.saturating_sub(cpu);
            if count > 0 {
                return Ok(count);
            }
        }
        wait(TICK_MS)
    }

    /// Sends a pipeline.
    fn begin(&mut self, index: usize, now: Instant) -> Result<(), BenchError> {
        let Some(client) = self.clients.get_mut(index) else { return Ok(()) };
        client.check = Check::default();
        client.written = 0;
        client.begun = now;
        client.busy = true;
        let what = "cannot send";
        let done = client.send(&self.exchange.request).map_err(|error| self.dial.fault(what, error))?;
        if done == client.blocked {
            client.blocked = !done;
            let mut wanted = EpollFlags::EPOLLIN;
            wanted.set(EpollFlags::EPOLLOUT, client.blocked);
            self.epoll.modify(&client.link, &mut EpollEvent::new(wanted, index as u64)).map_err(system)?;
        }
        Ok(())
    }

    /// Something can be read or written.
    fn ready(&mut self, index: usize, events: EpollFlags, sending: bool) -> Result<(), BenchError> {
        let Some(client) = self.clients.get_mut(index) else { return Ok(()) };
        if client.blocked {
            let done = client.send(&self.exchange.request);
            if done.map_err(|error| self.dial.fault("cannot send", error))? {
                client.blocked = false;
                let mut event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
                self.epoll.modify(&client.link, &mut event).map_err(system)?;
            }
        }
        if !events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            return Ok(());
        }
        let mut replies = 0;
        let (exchange, check) = (&self.exchange, &mut client.check);
        let read = client.link.read(&mut self.room, |bytes| {
            replies += check.take(exchange, bytes)?;
            Ok(())
        });
        read.map_err(|error| self.dial.fault(&format!("no good reply to {}", exchange.name), error))?;
        if replies > 0 {
            let now = Instant::now();
            self.operations += replies as u64;
            self.latencies.record(now - client.begun, replies as u64);
            if client.check.done(exchange) {
                client.busy = false;
                if sending {
                    return self.begin(index, now);
                }
            }
        }
        Ok(())
    }
}

/// The login and a PING, and their right replies.
pub(crate) fn greeting(dial: &Dial) -> Vec<Exchange> {
    let login = dial.login.as_ref().map(|login| {
        Exchange::once(&[b"AUTH", login.user.as_bytes(), login.password.as_bytes()], b"+OK\r\n")
    });
    login.into_iter().chain([Exchange::once(&[b"PING"], b"+PONG\r\n")]).collect()
}

/// Shakes hands, logs in and asks for a PONG.
pub(crate) fn greet(dial: &Dial, link: &mut Link) -> Result<(), BenchError> {
    greeting(dial).iter().try_for_each(|exchange| once(dial, link, exchange))
}

/// One exchange, waited for.
pub(crate) fn once(dial: &Dial, link: &mut Link, exchange: &Exchange) -> Result<(), BenchError> {
    let fault = |error: io::Error| dial.fault(&format!("no good reply to {}", exchange.name), error);
    let mut room = Room::new();
    let mut check = Check::default();
    let mut written = 0;
    let until = Instant::now() + PATIENCE;
    while !check.done(exchange) {
        if written < exchange.request.len() {
            written += link.write(exchange.request.get(written..).unwrap_or_default()).map_err(fault)?;
        }
        let sent = link.flush().map_err(fault)? && written == exchange.request.len();
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(fault(io::Error::other(format!("nothing came for {} s", PATIENCE.as_secs()))));
        }
        let mut wanted = nix::poll::PollFlags::POLLIN;
        wanted.set(nix::poll::PollFlags::POLLOUT, !sent);
        let descriptor = std::os::fd::AsFd::as_fd(&*link);
        let mut waiting = [nix::poll::PollFd::new(descriptor, wanted)];
        let timeout = nix::poll::PollTimeout::from(TICK_MS);
        match nix::poll::poll(&mut waiting, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(system(error)),
        }
        link.read(&mut room, |bytes| check.take(exchange, bytes).map(drop)).map_err(fault)?;
    }
    Ok(())
}
