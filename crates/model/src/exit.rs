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

impl ExitCode {
    /// All of them, by number.
    pub const ALL: [Self; 8] = [
        Self::AsExpected,
        Self::Internal,
        Self::Usage,
        Self::Parse,
        Self::NothingSelected,
        Self::Inconclusive,
        Self::Unexpected,
        Self::Interrupted,
    ];

    /// In a few words, for help and documents.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::AsExpected => "everything is as expected",
            Self::Internal => "internal error",
            Self::Usage => "command line",
            Self::Parse => "a scenario, a capture or a saved bench does not parse",
            Self::NothingSelected => "nothing selected",
            Self::Inconclusive => "the lab could not tell, or may not capture",
            Self::Unexpected => {
                "a verdict is not what was expected, or what `--fail-on` or `--fail-over` names was found"
            }
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
