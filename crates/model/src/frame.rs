/// Link type 1 of the pcap registry: Ethernet. Linux captures its loopback device as Ethernet with
/// zero addresses. <https://www.tcpdump.org/linktypes.html>
pub const LINKTYPE_ETHERNET: u16 = 1;

/// One captured frame, as the link layer delivered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// Length on the wire in bytes. `bytes` is shorter where the capture cut the frame.
    pub wire_len: u32,
    /// What was captured, from the link header on.
    pub bytes: Vec<u8>,
}
