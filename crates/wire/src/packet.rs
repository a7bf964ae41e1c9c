//! One captured frame, from the link header to the TCP payload.

use etherparse::{
    EtherType, LaxIpPayloadSlice, LaxNetSlice, LaxSlicedPacket, LenSource, TcpSlice, TransportSlice,
    ether_type, ip_number,
};
use std::net::{IpAddr, SocketAddr};
use wirelab_model::{Frame, LINKTYPE_ETHERNET};

/// Link type 0 of the pcap registry: BSD loopback, a 4-byte address family in the byte order of the
/// host in front of the IP packet. <https://www.tcpdump.org/linktypes.html>
pub const LINKTYPE_NULL: u16 = 0;
/// Link type 101: an IP packet without a link header.
pub const LINKTYPE_RAW: u16 = 101;
/// Link type 108: as 0, in network byte order.
pub const LINKTYPE_LOOP: u16 = 108;

/// Link type 113: Linux cooked capture, a header of 16 bytes that ends with the protocol.
pub const LINKTYPE_LINUX_SLL: u16 = 113;
/// Link type 276: Linux cooked capture v2, a header of 20 bytes that begins with the protocol.
pub const LINKTYPE_LINUX_SLL2: u16 = 276;
/// Link types 228 and 229: as 101, of one version only.
const LINKTYPE_IPV4: u16 = 228;
const LINKTYPE_IPV6: u16 = 229;
/// What some systems write for 101.
const OLD_RAW: [u16; 2] = [12, 14];

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; none without the ACK flag.
    pub ack: Option<u32>,
    /// SYN flag.
    pub syn: bool,
    /// FIN flag.
    pub fin: bool,
    /// RST flag.
    pub rst: bool,
    /// What was captured of the payload; the padding of short Ethernet frames is no part of it.
    pub payload: &'a [u8],
    /// Offset of the payload in the frame.
    pub at: usize,
    /// Payload bytes that were on the wire and that the capture cut off.
    pub cut: u32,
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// TCP.
    Tcp(Segment<'a>),
    /// A piece of an IP packet: see [`crate::defrag`].
    Fragment(Fragment<'a>),
    /// Anything else that is well formed as far as it was read: the payload of UDP, of IP, or of
    /// the link.
    Other(&'a [u8]),
    /// Headers that are cut or contradict themselves, or a link type that is not known.
    Damaged,
}

/// A piece of an IP packet (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// What the pieces of one packet have in common.
    pub id: u32,
    /// Protocol number of what they hold together.
    pub protocol: u8,
    /// Where the piece lies in the whole, in bytes.
    pub offset: u32,
    /// More pieces follow this one.
    pub more: bool,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads `frame`, which was captured on a link of type `link_type`: see [`read_bytes`].
pub fn read(frame: &Frame, link_type: u16) -> Packet<'_> {
    read_bytes(&frame.bytes, frame.wire_len, link_type)
}

/// Reads the bytes of a frame that had `wire_len` bytes on a link of type `link_type`, the number of the
/// pcap registry: Ethernet (with VLAN tags), Linux cooked, raw IP and BSD loopback are known. Checksums
/// are not looked at: network cards fill them in after the capture.
#[inline]
pub fn read_bytes(bytes: &[u8], wire_len: u32, link_type: u16) -> Packet<'_> {
    match plain(bytes, link_type) {
        Some(segment) => Packet::Tcp(segment),
        None => read_any(bytes, wire_len, link_type),
    }
}

/// What nearly all frames are: whole, IPv4 without options or fragments, and TCP. None for any other.
#[inline]
fn plain(bytes: &[u8], link_type: u16) -> Option<Segment<'_>> {
    let at = match link_type {
        LINKTYPE_ETHERNET if bytes.get(12..14)? == [8, 0] => 14,
        LINKTYPE_LINUX_SLL if bytes.get(14..16)? == [8, 0] => 16,
        LINKTYPE_LINUX_SLL2 if bytes.get(..2)? == [8, 0] => 20,
        LINKTYPE_RAW => 0,
        _ => return None,
    };
    let rest = bytes.get(at..)?;
    let [version, _, l1, l2, _, _, f1, f2, _, protocol, _, _, s1, s2, s3, s4, d1, d2, d3, d4] =
        *rest.first_chunk::<20>()?;
    let length = usize::from(u16::from_be_bytes([l1, l2]));
    // All but the flag that forbids fragments.
    let fragmented = u16::from_be_bytes([f1, f2]) & 0x3fff != 0;
    if version != 0x45 || protocol != ip_number::TCP.0 || fragmented {
        return None;
    }
    let tcp = rest.get(20..length)?;
    let [sp1, sp2, dp1, dp2, q1, q2, q3, q4, a1, a2, a3, a4, offset, flags, ..] = *tcp.first_chunk::<20>()?;
    let header = usize::from(offset >> 4) * 4;
    if header < 20 {
        return None;
    }
    let payload = tcp.get(header..)?;
    Some(Segment {
        source: SocketAddr::from(([s1, s2, s3, s4], u16::from_be_bytes([sp1, sp2]))),
        destination: SocketAddr::from(([d1, d2, d3, d4], u16::from_be_bytes([dp1, dp2]))),
        seq: u32::from_be_bytes([q1, q2, q3, q4]),
        ack: (flags & 0x10 != 0).then(|| u32::from_be_bytes([a1, a2, a3, a4])),
        syn: flags & 2 != 0,
        fin: flags & 1 != 0,
        rst: flags & 4 != 0,
        payload,
        at: at + 20 + header,
        cut: 0,
    })
}

fn read_any(bytes: &[u8], wire_len: u32, link_type: u16) -> Packet<'_> {
    let sliced = match link_type {
        LINKTYPE_ETHERNET => LaxSlicedPacket::from_ethernet(bytes).ok(),
        LINKTYPE_RAW | LINKTYPE_IPV4 | LINKTYPE_IPV6 => ip(bytes),
        LINKTYPE_NULL | LINKTYPE_LOOP => bytes.get(4..).and_then(ip),
        LINKTYPE_LINUX_SLL => cooked(bytes, 14, 16),
        LINKTYPE_LINUX_SLL2 => cooked(bytes, 0, 20),
        raw if OLD_RAW.contains(&raw) => ip(bytes),
        _ => None,
    };
    let Some(sliced) = sliced else { return Packet::Damaged };
    if sliced.stop_err.is_some() {
        return Packet::Damaged;
    }
    let (source, destination, ip) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(v4)) => {
            let header = v4.header();
            let extensions = v4.extensions().auth.map_or(0, |auth| auth.slice().len());
            let declared = usize::from(header.total_len()).saturating_sub(header.slice().len() + extensions);
            (
                IpAddr::from(header.source_addr()),
                IpAddr::from(header.destination_addr()),
                Ip { declared, payload: v4.payload().clone() },
            )
        }
        Some(LaxNetSlice::Ipv6(v6)) => {
            let header = v6.header();
            let declared = usize::from(header.payload_length()).saturating_sub(v6.extensions().slice().len());
            (
                IpAddr::from(header.source_addr()),
                IpAddr::from(header.destination_addr()),
                Ip { declared, payload: v6.payload().clone() },
            )
        }
        // ARP and the like: well formed, but not IP.
        _ => return Packet::Other(bytes),
    };
    if ip.payload.fragmented
        && let Some((id, offset, more)) = piece(sliced.net.as_ref())
    {
        let protocol = ip.payload.ip_number.0;
        return Packet::Fragment(Fragment {
            source,
            destination,
            id,
            protocol,
            offset,
            more,
            bytes: ip.payload.payload,
        });
    }
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let at = tcp.payload().as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
            Packet::Tcp(segment(source, destination, tcp, at, ip.cut(bytes.len(), wire_len)))
        }
        Some(TransportSlice::Udp(udp)) => Packet::Other(udp.payload()),
        _ => Packet::Other(ip.payload.payload),
    }
}

/// The TCP segment that the pieces of a packet hold together; its `at` is an offset in them.
pub fn reassembled(source: IpAddr, destination: IpAddr, protocol: u8, bytes: &[u8]) -> Option<Segment<'_>> {
    if protocol != ip_number::TCP.0 {
        return None;
    }
    let tcp = TcpSlice::from_slice(bytes).ok()?;
    Some(segment(source, destination, &tcp, bytes.len() - tcp.payload().len(), 0))
}

fn segment<'a>(source: IpAddr, destination: IpAddr, tcp: &TcpSlice<'a>, at: usize, cut: u32) -> Segment<'a> {
    Segment {
        source: SocketAddr::new(source, tcp.source_port()),
        destination: SocketAddr::new(destination, tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: tcp.payload(),
        at,
        cut,
    }
}

/// Identification, offset in bytes and more-fragments flag.
fn piece(net: Option<&LaxNetSlice<'_>>) -> Option<(u32, u32, bool)> {
    match net? {
        LaxNetSlice::Ipv4(v4) => {
            let header = v4.header();
            let offset = u32::from(header.fragments_offset().byte_offset());
            Some((u32::from(header.identification()), offset, header.more_fragments()))
        }
        LaxNetSlice::Ipv6(v6) => v6.extensions().clone().into_iter().find_map(|extension| match extension {
            etherparse::Ipv6ExtensionSlice::Fragment(fragment) => {
                let offset = u32::from(fragment.fragment_offset().byte_offset());
                Some((fragment.identification(), offset, fragment.more_fragments()))
            }
            _ => None,
        }),
        LaxNetSlice::Arp(_) => None,
    }
}

/// Behind a Linux cooked header, whose protocol is an EtherType.
fn cooked(bytes: &[u8], protocol: usize, header: usize) -> Option<LaxSlicedPacket<'_>> {
    let protocol = bytes.get(protocol..protocol + 2)?.first_chunk::<2>()?;
    Some(LaxSlicedPacket::from_ether_type(EtherType(u16::from_be_bytes(*protocol)), bytes.get(header..)?))
}

fn ip(bytes: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    // By the version and not by the address family of the link header, whose numbers differ
    // between systems.
    let ether_type = match bytes.first()? >> 4 {
        4 => ether_type::IPV4,
        6 => ether_type::IPV6,
        _ => return None,
    };
    Some(LaxSlicedPacket::from_ether_type(ether_type, bytes))
}

struct Ip<'a> {
    /// Length of the payload after the IP header and its extensions, as the header says.
    declared: usize,
    payload: LaxIpPayloadSlice<'a>,
}

impl Ip<'_> {
    fn cut(&self, captured: usize, wire_len: u32) -> u32 {
        let not_captured = wire_len.saturating_sub(u32::try_from(captured).unwrap_or(u32::MAX));
        if self.payload.incomplete {
            // Padding that was cut is no loss.
            let missing = self.declared.saturating_sub(self.payload.payload.len());
            not_captured.min(u32::try_from(missing).unwrap_or(u32::MAX))
        } else if self.payload.len_source == LenSource::Slice {
            // The header gives no length: packets over 64 KiB that the kernel did not split yet.
            not_captured
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{Side, frame, tcp};
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    fn segment(packet: Packet<'_>) -> Segment<'_> {
        if let Packet::Tcp(segment) = packet { segment } else { panic!("{packet:?}") }
    }

    #[test]
    fn reads_tcp_and_leaves_padding_out() {
        let mut packet = tcp(Side::Client, 7, Some(9), "SA", b"x");
        packet.bytes.extend_from_slice(&[0; 5]);
        packet.wire_len += 5;
        let segment = segment(read(&packet, LINKTYPE_ETHERNET));
        assert_eq!(segment.source, "127.0.0.1:40000".parse().unwrap());
        assert_eq!(segment.destination, "127.0.0.1:6379".parse().unwrap());
        assert_eq!((segment.seq, segment.ack, segment.payload, segment.cut), (7, Some(9), &b"x"[..], 0));
        assert!(segment.syn && !segment.fin && !segment.rst);
        assert_eq!(&packet.bytes[segment.at..=segment.at], b"x");
    }

    #[test]
    fn counts_what_the_snap_length_cut() {
        let mut packet = tcp(Side::Client, 0, None, "", &[7; 100]);
        packet.bytes.truncate(packet.bytes.len() - 60);
        let segment = segment(read(&packet, LINKTYPE_ETHERNET));
        assert_eq!((segment.payload.len(), segment.cut), (40, 60));
        packet.bytes.truncate(40);
        assert_eq!(read(&packet, LINKTYPE_ETHERNET), Packet::Damaged);
    }

    #[test]
    fn other_links_and_ipv6() {
        let v4 = tcp(Side::Client, 1, None, "", b"hello").bytes.split_off(14);
        assert_eq!(segment(read(&frame(v4.clone()), LINKTYPE_RAW)).payload, b"hello");
        for link in [LINKTYPE_NULL, LINKTYPE_LOOP] {
            let with_family = frame([&[2, 0, 0, 0][..], &v4].concat());
            assert_eq!(segment(read(&with_family, link)).payload, b"hello");
        }
        let mut v6 = Vec::new();
        let loopback = std::net::Ipv6Addr::LOCALHOST.octets();
        PacketBuilder::ipv6(loopback, loopback, 64).tcp(1, 2, 3, 4).write(&mut v6, b"six").unwrap();
        let mut packet = frame(v6);
        let whole = packet.clone();
        let six = segment(read(&whole, LINKTYPE_RAW));
        assert_eq!((six.payload, six.source), (&b"six"[..], "[::1]:1".parse().unwrap()));
        packet.bytes.pop();
        assert_eq!(segment(read(&packet, LINKTYPE_RAW)).cut, 1);
        assert_eq!(read(&packet, 9999), Packet::Damaged);
    }

    #[test]
    fn udp_and_arp_are_no_damage() {
        let mut udp = Vec::new();
        PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4([127, 0, 0, 1], [127, 0, 0, 1], 64)
            .udp(1, 2)
            .write(&mut udp, b"marker")
            .unwrap();
        assert_eq!(read(&frame(udp), LINKTYPE_ETHERNET), Packet::Other(b"marker"));
        let lldp = frame([&[0; 12][..], &[0x88, 0xcc, 1, 2, 3]].concat());
        assert!(matches!(read(&lldp, LINKTYPE_ETHERNET), Packet::Other(_)));
        assert_eq!(read(&frame(vec![1, 2, 3]), LINKTYPE_ETHERNET), Packet::Damaged);
    }

    #[test]
    fn cooked_links_and_vlan_tags() {
        let v4 = tcp(Side::Client, 1, None, "", b"hello").bytes.split_off(14);
        let sll = [&[0; 14][..], &[8, 0], &v4].concat();
        assert_eq!(segment(read(&frame(sll), LINKTYPE_LINUX_SLL)).payload, b"hello");
        let sll2 = [&[8, 0][..], &[0; 18], &v4].concat();
        assert_eq!(segment(read(&frame(sll2), LINKTYPE_LINUX_SLL2)).payload, b"hello");
        let (vlan, inner) = ([0x81, 0, 0, 5, 8, 0], [0x88, 0xa8, 0, 6, 0x81, 0, 0, 5, 8, 0]);
        for tags in [&vlan[..], &inner] {
            let tagged = [&[0; 12][..], tags, &v4].concat();
            assert_eq!(segment(read(&frame(tagged), LINKTYPE_ETHERNET)).payload, b"hello");
        }
    }

    proptest! {
        #[test]
        fn hostile_frames_never_panic(
            noise in proptest::collection::vec(any::<(usize, u8)>(), 0..20), keep in 0_usize..120, link in 0_u16..300,
        ) {
            let mut packet = tcp(Side::Server, 1, Some(2), "PA", &[3; 60]);
            for (at, byte) in noise {
                let at = at % packet.bytes.len();
                packet.bytes[at] = byte;
            }
            packet.bytes.truncate(keep);
            read(&packet, link);
            read(&packet, LINKTYPE_ETHERNET);
        }

        #[test]
        fn what_is_read_quickly_is_read_the_same_thoroughly(
            noise in proptest::collection::vec((0_usize..80, any::<u8>()), 0..3),
            keep in 30_usize..130, payload in 0_usize..40, link in 0_usize..4, more in 0_u32..9,
        ) {
            let packet = tcp(Side::Client, 7, Some(9), "PA", &vec![b'x'; payload]).bytes;
            let (link, header) = [
                (LINKTYPE_ETHERNET, &packet[..14]),
                (LINKTYPE_RAW, &[]),
                (LINKTYPE_LINUX_SLL, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
                (LINKTYPE_LINUX_SLL2, &[8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ][link];
            // Padding behind the packet, or a part of it.
            let mut bytes = [header, &packet[14..], &[0; 6]].concat();
            bytes.truncate(keep);
            for (at, byte) in noise {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            let wire_len = u32::try_from(bytes.len()).unwrap() + more;
            if let Some(segment) = plain(&bytes, link) {
                prop_assert_eq!(Packet::Tcp(segment), read_any(&bytes, wire_len, link));
            }
            prop_assert_eq!(read_bytes(&bytes, wire_len, link), read_any(&bytes, wire_len, link));
        }
    }
}
