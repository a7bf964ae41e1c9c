use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto, socket,
};
use nix::unistd::{getegid, geteuid};

use crate::CaptureError;
use crate::live::{HOLD_BACK_MS, LOOPBACK, activate};

/// Where this process captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the host's own loopback device: everybody's traffic is there too.
    Host,
    /// On the loopback device of a network namespace that only this process and its children are in.
    /// It ends with them.
    Namespace,
}

/// Why there is no place to capture in.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Neither the host nor a namespace of its own is open to this process.
    #[error(
        "cannot capture packets: this process has no CAP_NET_RAW, and it cannot enter a network namespace of \
         its own: {step} failed: {source}\n\
         Any one of these helps:\n  \
         - give the program the right to capture: sudo setcap cap_net_raw,cap_net_admin=eip {program}\n  \
         - run it with sudo\n  \
         - allow user namespaces: sudo sysctl kernel.unprivileged_userns_clone=1 (on Ubuntu: sudo sysctl \
         kernel.apparmor_restrict_unprivileged_userns=0)\n  \
         - in a container: start it with --cap-add NET_RAW",
        program = program.display()
    )]
    Refused {
        /// What was tried last.
        step: &'static str,
        /// What the system says to it, with its error number.
        source: io::Error,
        /// The running program's file.
        program: PathBuf,
    },
    /// A namespace is needed, and threads were started before it was asked for.
    #[error(
        "cannot enter a namespace: the process already has {threads} threads, and Linux allows it to a \
         process of one thread only. This is a fault of the lab: `enter` must come first in `main`"
    )]
    Threads {
        /// Threads there are.
        threads: usize,
    },
    /// The capture failed for a reason that no namespace mends.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// Finds a place where this process may capture: the host if it has the right to, else a user and
/// network namespace of its own, which is entered here and now, for good.
///
/// **Call it first in `main`, before any thread is started** (so before an async runtime is made):
/// the kernel lets only a process of one thread change its user namespace.
///
/// In the namespace the process keeps its user and group, and holds every capability over the
/// namespace until it executes another program; so children do not have them, unless they run as
/// root. After an error the process may be half inside: end it.
///
/// # Errors
///
/// See [`PlaceError`].
pub fn enter() -> Result<Place, PlaceError> {
    match activate(LOOPBACK, false, HOLD_BACK_MS) {
        Ok(_) => return Ok(Place::Host),
        Err(CaptureError::NoPermission { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    let threads = fs::read_dir("/proc/self/task").map_err(at("reading /proc/self/task"))?.count();
    if threads != 1 {
        return Err(PlaceError::Threads { threads });
    }
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(at("unshare(CLONE_NEWUSER | CLONE_NEWNET)"))?;
    // user_namespaces(7): a process may map its own user and group without privilege, the group only
    // once setgroups is given up. Each is mapped to itself: files keep their owner.
    let write = |path, text: &str| fs::write(path, text);
    write("/proc/self/setgroups", "deny").map_err(at("writing /proc/self/setgroups"))?;
    write("/proc/self/uid_map", &format!("{user} {user} 1")).map_err(at("writing /proc/self/uid_map"))?;
    write("/proc/self/gid_map", &format!("{group} {group} 1")).map_err(at("writing /proc/self/gid_map"))?;
    loopback_up().map_err(at("setting `lo` up"))?;
    match activate(LOOPBACK, false, HOLD_BACK_MS) {
        Ok(_) => Ok(Place::Namespace),
        Err(CaptureError::NoPermission { .. }) => {
            Err(at("opening a capture on the `lo` of the namespace")(Errno::EPERM))
        }
        Err(e) => Err(e.into()),
    }
}

/// Says at which step it ended.
fn at<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> PlaceError {
    move |source| {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("PROGRAM"));
        PlaceError::Refused { step, source: source.into(), program }
    }
}

/// Sets `lo` up, by one request to the kernel over rtnetlink(7), which needs no unsafe code.
fn loopback_up() -> Result<(), Errno> {
    let index = if_nametoindex(LOOPBACK)?;
    let socket =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let kernel = NetlinkAddr::new(0, 0);
    bind(socket.as_raw_fd(), &kernel)?;
    sendto(socket.as_raw_fd(), &link_up_request(index), &kernel, MsgFlags::empty())?;
    let mut reply = [0; 256];
    let length = recv(socket.as_raw_fd(), &mut reply, MsgFlags::empty())?;
    acknowledged(reply.get(..length).unwrap_or_default())
}

/// struct nlmsghdr (16 bytes, netlink(7)) and struct ifinfomsg (16 bytes, rtnetlink(7)).
fn link_up_request(index: u32) -> [u8; 32] {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    let mut message = [0; 32];
    message[0..4].copy_from_slice(&32_u32.to_ne_bytes());
    message[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
    message[6..8].copy_from_slice(&NLM_F_REQUEST_ACK.to_ne_bytes());
    message[20..24].copy_from_slice(&index.to_ne_bytes());
    message[24..28].copy_from_slice(&IFF_UP.to_ne_bytes()); // flags
    message[28..32].copy_from_slice(&IFF_UP.to_ne_bytes()); // which of them to change
    message
}

/// Reads a struct nlmsgerr: after the header of 16 bytes a negative error number, or 0.
fn acknowledged(reply: &[u8]) -> Result<(), Errno> {
    const NLMSG_ERROR: u16 = 2;
    let field = |from: usize| reply.get(from..from + 4).and_then(|b| b.first_chunk::<4>().copied());
    let kind = field(4).map(|[a, b, _, _]| u16::from_ne_bytes([a, b]));
    match (kind, field(16).map(i32::from_ne_bytes)) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(Errno::from_raw(error.saturating_neg())),
        _ => Err(Errno::EBADMSG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(kind: u16, error: i32) -> Vec<u8> {
        let mut bytes = vec![0; 36];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[16..20].copy_from_slice(&error.to_ne_bytes());
        bytes
    }

    #[test]
    fn the_kernels_answer_is_read() {
        assert_eq!(acknowledged(&reply(2, 0)), Ok(()));
        assert_eq!(acknowledged(&reply(2, -1)), Err(Errno::EPERM));
        assert_eq!(acknowledged(&reply(2, i32::MIN)), Err(Errno::UnknownErrno));
        assert_eq!(acknowledged(&reply(3, 0)), Err(Errno::EBADMSG));
        assert_eq!(acknowledged(&[2; 17]), Err(Errno::EBADMSG));
    }

    #[test]
    fn the_message_names_step_number_and_remedies() {
        let error = at("unshare(CLONE_NEWUSER | CLONE_NEWNET)")(Errno::ENOSPC);
        let text = error.to_string();
        for part in
            ["unshare", "os error 28", "setcap cap_net_raw", "sudo", "apparmor_restrict", "--cap-add NET_RAW"]
        {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        let program = std::env::current_exe().unwrap();
        assert!(text.contains(&program.display().to_string()), "{text}");
    }
}
