/// What the process tells its caller. Scripts depend on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything was as expected.
    AsExpected = 0,
    /// wirelab itself is wrong: please report it.
    Internal = 1,
    /// The command line is wrong. (clap uses this number too.)
    Usage = 2,
    /// A scenario or a configuration does not parse.
    Parse = 3,
    /// The selection is empty: nothing was run.
    NothingSelected = 4,
    /// The lab could not tell: inconclusive, no privilege, missing subject, dropped packets.
    Inconclusive = 5,
    /// A verdict is not what was expected.
    Unexpected = 10,
    /// Interrupted by SIGINT or SIGTERM.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
