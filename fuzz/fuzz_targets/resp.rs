//! Any bytes as RESP: the walker agrees with the decoder, and pieces do not matter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelab_wire::resp::Decoder;
use wirelab_wire::scan::{Scan, Walk};

fuzz_target!(|data: &[u8]| {
    let Some((step, bytes)) = data.split_first() else { return };
    let step = usize::from(*step).max(1);
    let mut decoder = Decoder::replies();
    decoder.push(bytes);
    let mut values = 0;
    let failed = loop {
        match decoder.next_value() {
            Ok(Some(_)) => values += 1,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let (mut start, mut there, mut walked) = (0, 0, 0);
    let mut scan = Scan::default();
    'bytes: while there < bytes.len() {
        there = (there + step).min(bytes.len());
        loop {
            match scan.walk(&bytes[start..there]) {
                Walk::Whole(end) => {
                    assert!(end > 0 && start + end <= there);
                    for word in scan.words() {
                        assert!(word.end <= end);
                    }
                    start += end;
                    walked += 1;
                    scan.reset();
                }
                Walk::Partial => break,
                Walk::Foreign => break 'bytes,
            }
        }
    }
    // The decoder has narrower limits and looks into numbers; what it takes, the walker takes too.
    assert!(walked >= values, "{walked} walked, {values} decoded");
    if !failed {
        assert_eq!(walked, values);
    }
});
