//! Any bytes as frames: events add up, and memory stays bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ops::ControlFlow;
use wirelab_capture::Item;
use wirelab_wire::keys::Rule;
use wirelab_wire::sniff::{Event, Settings, Sniffer};

fuzz_target!(|data: &[u8]| {
    let (mut commands, mut replies, mut flows) = (0_u64, 0_u64, 0_u64);
    let mut count = |event: Event<'_>| match event {
        Event::Command(command) => {
            for word in command.words.iter() {
                assert!(word.len() <= 1 << 20);
            }
            let keys = Rule::of(&command.words.get(0).to_ascii_uppercase()).places(command.words);
            assert!(keys.iter().all(|index| index < command.words.len() && keys.holds(index)));
            commands += 1;
        }
        Event::Reply(reply) => replies += u64::from(!reply.push),
        Event::Flow(_) => flows += 1,
        _ => {}
    };
    let mut sniffer = Sniffer::new(Settings::default());
    let mut frames = 0;
    // A capture where it is one, else frames of raw IP with a length of two bytes in front of each.
    let read = wirelab_capture::read("fuzz", data, |item| {
        if let Item::Packet(packet) = item {
            frames += 1;
            sniffer.push(packet.bytes, packet.wire_len, packet.link_type, packet.time, &mut count);
        }
        if frames < 10_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if read.is_err() {
        let mut rest = data;
        while let Some(([high, low], after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
            let (frame, later) = after.split_at(length);
            let wire = u32::try_from(length).unwrap_or(u32::MAX);
            sniffer.push(frame, wire, 101, 0, &mut count);
            rest = later;
        }
    }
    let totals = sniffer.finish(&mut count);
    assert_eq!(totals.commands + totals.decrypted, commands);
    assert_eq!(totals.replies, replies);
    assert_eq!(totals.plaintext + totals.tls + totals.other, flows);
});
