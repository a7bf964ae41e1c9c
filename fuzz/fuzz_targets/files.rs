//! Any bytes as a capture file: read to the damage, and never more than there is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ops::ControlFlow;
use wirelab_capture::Item;

fuzz_target!(|data: &[u8]| {
    let packed = data.starts_with(&[0x1f, 0x8b]) || data.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let mut bytes = 0;
    let mut items = 0;
    let end = wirelab_capture::read("fuzz", data, |item| {
        items += 1;
        if let Item::Packet(packet) = item {
            bytes += packet.bytes.len();
        }
        // What is packed may unpack to very much.
        if items < 10_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(packed || bytes <= data.len(), "{bytes} bytes of packets in {} bytes", data.len());
    if end.is_err() {
        assert_eq!(items, 0, "what cannot be read at all gives nothing");
    }
});
