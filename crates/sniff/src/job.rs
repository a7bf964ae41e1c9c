use crate::aside::Aside;
use crate::data;
use crate::json::Json;
use crate::summary::Summary;
use crate::text::Text;
use miette::Diagnostic;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;
use wirelab_capture::{CaptureError, FileEnd, FileError, Filter, Item, Writer, read_ahead, tap};
use wirelab_model::ExitCode;
use wirelab_wire::classes::Classifier;
use wirelab_wire::sniff::{Event, FlowEnd, Settings, Sniffer, Totals};

/// Where packets come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A capture file.
    File(PathBuf),
    /// A capture on standard input.
    Stdin,
    /// Network interfaces, or `any`.
    Interfaces(Vec<String>),
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line a command and a summary, for people.
    Text,
    /// The summary for people.
    Summary,
    /// JSON lines.
    Json,
    /// The `summary` line of JSON.
    JsonSummary,
}

/// What makes the job fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// A readable connection.
    Plaintext,
    /// A readable credential.
    Credential,
    /// A readable credential, key or value.
    Leak,
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where from.
    pub source: Source,
    /// What to write.
    pub format: Format,
    /// Ports of Redis; none: the usual ones, and whatever looks like Redis on others.
    pub ports: Vec<u16>,
    /// BPF expression.
    pub filter: Option<String>,
    /// Only this flow.
    pub follow: Option<u64>,
    /// Stop after so many commands.
    pub limit: Option<u64>,
    /// Key logs (`SSLKEYLOGFILE`) of TLS sessions to decrypt.
    pub key_logs: Vec<PathBuf>,
    /// Write the packets to this file.
    pub write: Option<PathBuf>,
    /// When to fail.
    pub fail_on: Option<FailOn>,
    /// Look for data of known classes in values.
    pub data: bool,
    /// Look for numbers like those of persons too.
    pub national_ids: bool,
    /// Show secrets.
    pub reveal: bool,
    /// Colour.
    pub color: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// What the process returns.
    pub exit_code: ExitCode,
}

/// Why a capture was not read.
#[derive(Debug, Error, Diagnostic)]
pub enum SniffError {
    /// The file.
    #[error(transparent)]
    #[diagnostic(
        code(wirelab::capture_file),
        help("`file NAME` tells what a file is; `editcap -F pcapng IN OUT` converts captures")
    )]
    File(#[from] FileError),
    /// The file cannot be opened.
    #[error("cannot open {}: {reason}", path.display())]
    #[diagnostic(code(wirelab::capture_file))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// A key log without a line that can be used.
    #[error("{} holds no key of a TLS session", path.display())]
    #[diagnostic(
        code(wirelab::key_log),
        help(
            "a key log has lines such as `CLIENT_RANDOM <hex> <hex>`; programs write one where SSLKEYLOGFILE names a file"
        )
    )]
    NoKeys {
        /// The file.
        path: PathBuf,
    },
    /// The name of an interface, the filter or the file to write.
    #[error("{0}")]
    #[diagnostic(code(wirelab::capture))]
    Given(CaptureError),
    /// The capture itself.
    #[error("{0}")]
    #[diagnostic(
        code(wirelab::capture),
        help("capturing needs root or cap_net_raw: sudo setcap cap_net_raw,cap_net_admin=eip PROGRAM")
    )]
    Capture(CaptureError),
    /// Standard output.
    #[error("cannot write the output: {0}")]
    #[diagnostic(code(wirelab::output))]
    Output(#[from] io::Error),
}

impl From<CaptureError> for SniffError {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Filter { .. } | CaptureError::NoInterface { .. } | CaptureError::Write { .. } => {
                Self::Given(error)
            }
            _ => Self::Capture(error),
        }
    }
}

impl SniffError {
    /// What the process returns.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoKeys { .. } | Self::File(FileError::NoCapture { .. } | FileError::Header { .. }) => {
                ExitCode::Parse
            }
            Self::File(FileError::Read { .. }) | Self::Open { .. } | Self::Given(_) => ExitCode::Usage,
            Self::Capture(_) => ExitCode::Inconclusive,
            Self::Output(_) => ExitCode::Internal,
        }
    }
}

/// Reads the source to its end, or until `stop` is set, and writes what it holds to `out`.
///
/// # Errors
/// See [`SniffError`]. A reader that closes the output ends the job in order.
pub fn sniff(options: &Options, out: impl Write, stop: &AtomicBool) -> Result<Done, SniffError> {
    let mut filter = options.filter.as_deref().map(Filter::new).transpose()?;
    let mut writer = options.write.as_deref().map(Writer::create).transpose()?;
    let settings = match options.ports.as_slice() {
        [] => Settings::default(),
        ports => Settings { ports: ports.to_vec(), only_ports: true, streams: false },
    };
    let mut sniffer = Sniffer::new(settings);
    let mut view = View::new(options, out);
    let mut dropped = 0;
    let mut failed: Option<SniffError> = None;
    let name = match &options.source {
        Source::Interfaces(names) => names.join(", "),
        Source::File(path) => path.display().to_string(),
        Source::Stdin => "standard input".to_owned(),
    };
    for path in &options.key_logs {
        let log = std::fs::read(path).map_err(|reason| SniffError::Open { path: path.clone(), reason })?;
        if sniffer.add_keys(&log) == 0 {
            return Err(SniffError::NoKeys { path: path.clone() });
        }
        // Whoever opens what is written is to see the inside too.
        if let Some(writer) = &mut writer {
            writer.key_log(&log)?;
        }
    }
    let mut each = |item: Item<'_>| {
        let packet = match item {
            Item::Packet(packet) => packet,
            Item::KeyLog(log) => {
                sniffer.add_keys(log);
                return match writer.as_mut().map(|writer| writer.key_log(log)) {
                    Some(Err(error)) => {
                        failed = Some(error.into());
                        ControlFlow::Break(())
                    }
                    Some(Ok(())) | None => ControlFlow::Continue(()),
                };
            }
            Item::Dropped(count) => {
                dropped += count;
                return ControlFlow::Continue(());
            }
            // Whoever looks on is to see what there is.
            Item::Pause => {
                view.flush();
                return view.goes_on();
            }
        };
        let packet = &packet;
        if let Some(writer) = &mut writer
            && let Err(error) = writer.packet(&name, packet)
        {
            failed = Some(error.into());
            return ControlFlow::Break(());
        }
        sniffer.push(packet.bytes, packet.wire_len, packet.link_type, packet.time, &mut |event| {
            view.event(&event, packet.time);
        });
        view.goes_on()
    };
    let mut from_file = |item: Item<'_>| {
        if stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        if let Item::Packet(packet) = &item
            && let Some(filter) = &mut filter
            // A link type for which the filter makes no sense has no packet that passes.
            && !filter.passes(packet.link_type, packet.bytes).unwrap_or(false)
        {
            return ControlFlow::Continue(());
        }
        each(item)
    };
    let end = match &options.source {
        Source::File(path) => {
            let file = File::open(path).map_err(|reason| SniffError::Open { path: path.clone(), reason })?;
            read_ahead(&name, file, &mut from_file)?
        }
        Source::Stdin => read_ahead(&name, io::stdin(), &mut from_file)?,
        Source::Interfaces(interfaces) => {
            dropped = tap(interfaces, options.filter.as_deref(), stop, |packet| {
                each(packet.map_or(Item::Pause, Item::Packet))
            })?;
            FileEnd::Whole
        }
    };
    if let Some(error) = failed {
        return Err(error);
    }
    if let Some(writer) = writer {
        writer.finish()?;
    }
    let last = view.last;
    let totals = sniffer.finish(&mut |event| view.event(&event, last));
    let damage = match &end {
        FileEnd::Whole => None,
        FileEnd::Damaged(what) => Some(what.as_str()),
    };
    view.gather();
    view.finish(&totals, dropped, damage)?;
    let leaks = match options.fail_on {
        None => false,
        Some(FailOn::Plaintext) => totals.plaintext + totals.mixed > 0,
        Some(FailOn::Credential) => view.summary.credentials > 0,
        Some(FailOn::Leak) => view.summary.credentials + view.summary.data > 0,
    };
    // A pass is never vacuous: something of Redis or TLS was seen, all of it, and nothing contradicts it.
    let nothing_seen = totals.plaintext + totals.tls == 0;
    let missed = dropped
        + totals.damaged
        + totals.fragments
        + totals.gaps
        + totals.unread
        + totals.truncated
        + totals.conflicts
        + totals.after_reset;
    let unsure = damage.is_some() || nothing_seen || missed > 0 || view.stopped_early();
    let exit_code = match (leaks, options.fail_on.is_some() && unsure) {
        (true, _) => ExitCode::Unexpected,
        // What was missed may be what was looked for: no pass.
        (false, true) => ExitCode::Inconclusive,
        (false, false) => ExitCode::AsExpected,
    };
    Ok(Done { exit_code })
}

enum Sink<W: Write> {
    Text(Text<W>),
    Json(Json<W>),
}

/// Who looks for data of known classes.
enum Look {
    Nobody,
    /// Each finding is told where it is found.
    Here(Box<Classifier>),
    /// Findings are only counted, and keys with them.
    Aside(Aside),
}

/// Where events go.
struct View<W: Write> {
    sink: Sink<W>,
    /// Only the summary.
    quiet: bool,
    follow: Option<u64>,
    limit: u64,
    seen: u64,
    summary: Summary,
    look: Look,
    reveal: bool,
    color: bool,
    last: u64,
    error: Option<io::Error>,
}

impl<W: Write> View<W> {
    fn new(options: &Options, out: W) -> Self {
        let sink = match options.format {
            Format::Text | Format::Summary => Sink::Text(Text::new(out, options.reveal, options.color)),
            Format::Json | Format::JsonSummary => Sink::Json(Json::new(out, options.reveal)),
        };
        let quiet = matches!(options.format, Format::Summary | Format::JsonSummary);
        let look = match options.data.then(|| Box::new(Classifier::new(options.national_ids))) {
            None => Look::Nobody,
            Some(classifier) if quiet => Aside::new(classifier).map_or_else(Look::Here, Look::Aside),
            Some(classifier) => Look::Here(classifier),
        };
        Self {
            sink,
            quiet,
            follow: options.follow,
            limit: options.limit.unwrap_or(u64::MAX),
            seen: 0,
            summary: Summary::default(),
            look,
            reveal: options.reveal,
            color: options.color,
            last: 0,
            error: None,
        }
    }

    /// The limit ended it: what came after was not looked at.
    fn stopped_early(&self) -> bool {
        self.seen >= self.limit
    }

    /// Breaks where nothing more is wanted, or nobody reads any more.
    fn goes_on(&self) -> ControlFlow<()> {
        if self.error.is_some() || self.stopped_early() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Writes what was told so far.
    fn flush(&mut self) {
        let flushed = match &mut self.sink {
            Sink::Json(json) => json.out.flush(),
            Sink::Text(text) => text.out.flush(),
        };
        self.error = self.error.take().or_else(|| flushed.err());
    }

    fn event(&mut self, event: &Event<'_>, time: u64) {
        self.last = time;
        let mut found = Vec::new();
        match event {
            Event::Command(command) => {
                let keys = self.summary.command(command);
                if let Look::Here(classifier) = &self.look {
                    data::in_command(classifier, command, &mut found);
                }
                match &mut self.look {
                    Look::Aside(aside) => aside.command(command, keys),
                    Look::Here(_) | Look::Nobody => {
                        keys.iter().for_each(|index| self.summary.keys.count(command.words.get(index)));
                    }
                }
            }
            Event::Reply(reply) => {
                self.summary.reply(reply);
                match &mut self.look {
                    Look::Nobody => {}
                    Look::Here(classifier) => data::in_reply(classifier, reply, &mut found),
                    Look::Aside(aside) => aside.reply(reply),
                }
            }
            Event::Credential(credential) => self.summary.credential(credential),
            Event::Flow(FlowEnd { tls: Some(tls), .. }) => self.summary.tls(tls),
            _ => {}
        }
        for data in &found {
            self.summary.found(data);
        }
        let flow = match event {
            Event::Command(command) => command.flow,
            Event::Reply(reply) => reply.flow,
            Event::Credential(credential) => credential.flow,
            Event::Tls { flow, .. } | Event::Gap { flow, .. } => *flow,
            Event::Flow(end) => end.flow,
            // Not asked for.
            Event::Stream { .. } | Event::Message { .. } => return,
        };
        let wanted = self.follow.is_none_or(|followed| followed == flow);
        if wanted {
            self.seen += u64::from(matches!(event, Event::Command(_)));
        }
        if self.quiet || !wanted || self.error.is_some() {
            return;
        }
        let written = match &mut self.sink {
            Sink::Json(json) => match event {
                Event::Command(command) => json.command(command),
                Event::Reply(reply) => json.reply(reply),
                Event::Credential(credential) => json.credential(credential),
                Event::Tls { flow, frame, seen } => json.tls(*flow, *frame, seen),
                Event::Gap { flow, direction, bytes } => json.gap(*flow, *direction, *bytes),
                Event::Flow(end) => json.flow(end),
                Event::Stream { .. } | Event::Message { .. } => Ok(()),
            },
            Sink::Text(text) => match event {
                Event::Command(command) => text.command(command, &found),
                Event::Reply(reply) => text.reply(reply, &found),
                // The command's own line shows it, and the summary counts it.
                Event::Credential(_) | Event::Stream { .. } | Event::Message { .. } => Ok(()),
                Event::Tls { flow, seen, .. } => text.tls(*flow, time, seen),
                Event::Gap { flow, direction, bytes } => text.gap(*flow, time, *direction, *bytes),
                Event::Flow(end) => text.flow(end),
            },
        };
        let written = written.and_then(|()| match &mut self.sink {
            Sink::Json(json) => found.iter().try_for_each(|data| json.data(data)),
            // They stand in the line of the command or reply.
            Sink::Text(_) => Ok(()),
        });
        self.error = written.err();
    }

    /// Waits for what is looked at aside.
    fn gather(&mut self) {
        if let Look::Aside(aside) = std::mem::replace(&mut self.look, Look::Nobody) {
            let counted = aside.finish();
            self.summary.classes.extend(counted.classes);
            self.summary.keys = counted.keys;
        }
    }

    fn finish(&mut self, totals: &Totals, dropped: u64, damage: Option<&str>) -> io::Result<()> {
        let written = match self.error.take() {
            Some(error) => Err(error),
            None => match &mut self.sink {
                Sink::Json(json) => {
                    json.summary(totals, dropped, damage, &self.summary).and_then(|()| json.out.flush())
                }
                Sink::Text(text) => {
                    let summary = self.summary.text(totals, dropped, damage, self.reveal, self.color);
                    write!(text.out, "{summary}").and_then(|()| text.out.flush())
                }
            },
        };
        match written {
            // Whoever reads has seen enough: `wirelab sniff ... | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
