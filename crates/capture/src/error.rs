use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a capture, or the file it is written to, failed.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The process may not open a packet socket. [`enter`](crate::enter) may find a way.
    #[error("no permission to capture on `{interface}`: CAP_NET_RAW is missing")]
    NoPermission {
        /// The interface asked for.
        interface: String,
    },
    /// There is no interface of that name in this network namespace.
    #[error("cannot capture on `{interface}`: there is no such interface; `ip link` lists those there are")]
    NoInterface {
        /// The interface asked for.
        interface: String,
    },
    /// libpcap refused for another reason.
    #[error("cannot capture on `{interface}`: {reason}")]
    Open {
        /// The interface asked for.
        interface: String,
        /// What libpcap says.
        reason: pcap::Error,
    },
    /// The thread that reads packets, or the sockets of the marker, could not be made.
    #[error("cannot start capturing on `{interface}`: {reason}")]
    Start {
        /// The interface asked for.
        interface: String,
        /// What the system says.
        reason: io::Error,
    },
    /// A marker packet could not be sent.
    #[error("cannot send a marker packet over 127.0.0.1: {reason}")]
    SendMarker {
        /// What the system says.
        reason: io::Error,
    },
    /// The marker packet did not come by in time.
    #[error(
        "the capture on `{interface}` did not see its own marker packet within {within:?}; markers go over \
         127.0.0.1, so the interface must be the loopback device (`lo`) or `any`, and the machine must not be \
         so busy that the capture thread never runs"
    )]
    MarkerTimeout {
        /// The interface captured on.
        interface: String,
        /// How long was waited.
        within: Duration,
    },
    /// The thread that reads packets has ended. The capture is of no more use.
    #[error("the capture on `{interface}` has ended: {reason}")]
    Ended {
        /// The interface captured on.
        interface: String,
        /// What libpcap said last.
        reason: String,
    },
    /// A filter expression that libpcap does not take.
    #[error("the filter `{expression}` cannot be used: {reason}; `man pcap-filter` has the language")]
    Filter {
        /// The expression.
        expression: String,
        /// What libpcap says.
        reason: pcap::Error,
    },
    /// A pcapng file could not be written.
    #[error("cannot write the capture file {path}: {reason}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

impl CaptureError {
    /// Sorts what libpcap says on opening. It gives text only, and the text of a missing permission
    /// differs between versions.
    pub(crate) fn open(interface: &str, reason: pcap::Error) -> Self {
        let interface = interface.to_owned();
        let text = reason.to_string().to_lowercase();
        let denied = ["permission", "permitted", "cap_net_raw"];
        if denied.iter().any(|word| text.contains(word)) {
            return Self::NoPermission { interface };
        }
        Self::Open { interface, reason }
    }
}
