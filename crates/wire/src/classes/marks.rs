//! One pass over a value that tells where numbers may begin. Nearly always: nowhere.

use wide::i8x16;

/// Bytes that are looked at together: a bit of a `u64` each.
const BLOCK: usize = 64;
/// A vector of them.
const PART: usize = 16;

/// Digits and capital letters of a block, the first byte in the lowest bit.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    digits: u64,
    capitals: u64,
}

/// What begins at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A run of four or more digits, with no capital letter as the fifth byte.
    Run,
    /// Two capital letters and two digits, any byte, and three letters or digits, with neither in front: an account
    /// number has no fewer, and a space where the first group of it ends.
    Account,
}

/// Gives the places where something begins.
#[inline]
pub(super) fn pass(value: &[u8], give: &mut impl FnMut(Mark, usize)) {
    let mut before = Block::default();
    let (blocks, rest) = value.as_chunks::<BLOCK>();
    for (index, bytes) in blocks.iter().enumerate() {
        let mut block = Block::default();
        for (at, part) in bytes.as_chunks::<PART>().0.iter().enumerate() {
            block.add(look(part), at * PART);
        }
        places(index * BLOCK, block, u64::MAX, before, give);
        before = block;
    }
    if !rest.is_empty() {
        let there = u64::MAX >> (BLOCK - rest.len());
        places(value.len() - rest.len(), short(value, rest), there, before, give);
    }
}

/// Places whose last byte is in this block, of which some bytes are `there`: the first may lie in the block before.
#[inline]
fn places(base: usize, block: Block, there: u64, before: Block, give: &mut impl FnMut(Mark, usize)) {
    if block.digits | before.digits == 0 {
        return;
    }
    let digit = |back: u32| after(block.digits, before.digits, back);
    let capital = |back: u32| after(block.capitals, before.capitals, back);
    let either = |back: u32| digit(back) | capital(back);
    let mut runs = digit(1) & digit(2) & digit(3) & digit(4) & !digit(5) & !block.capitals & there;
    let two = digit(4) & digit(5) & capital(6) & capital(7);
    while runs != 0 {
        give(Mark::Run, base + place(runs) - 4);
        runs &= runs - 1;
    }
    if two == 0 {
        return;
    }
    let mut accounts = two & (block.digits | block.capitals) & either(1) & either(2) & !either(8);
    while accounts != 0 {
        give(Mark::Account, base + place(accounts) - 7);
        accounts &= accounts - 1;
    }
}

impl Block {
    #[inline]
    fn add(&mut self, (digits, capitals): (u32, u32), at: usize) {
        self.digits |= u64::from(digits) << at;
        self.capitals |= u64::from(capitals) << at;
    }
}

/// The end of a value, less than a block.
#[inline]
fn short(value: &[u8], rest: &[u8]) -> Block {
    let mut block = Block::default();
    let (parts, last) = rest.as_chunks::<PART>();
    for (at, part) in parts.iter().enumerate() {
        block.add(look(part), at * PART);
    }
    if last.is_empty() {
        return block;
    }
    let (digits, capitals) = match value.last_chunk::<PART>() {
        // The bytes in front of it were looked at already.
        Some(part) => {
            let (digits, capitals) = look(part);
            let known = PART - last.len();
            (digits >> known, capitals >> known)
        }
        None => {
            // A zero is none of what is looked for.
            let mut room = [0; PART];
            if let Some(room) = room.get_mut(..last.len()) {
                room.copy_from_slice(last);
            }
            look(&room)
        }
    };
    block.add((digits, capitals), parts.len() * PART);
    block
}

/// Digits and capital letters among these bytes, a bit each.
#[inline]
fn look(part: &[u8; PART]) -> (u32, u32) {
    let part = i8x16::new(part.map(u8::cast_signed));
    // Moved so that what is looked for are the lowest numbers: two instructions each.
    let among = |first: u8, count: i8| {
        let moved = part + i8x16::splat(0x80_u8.wrapping_sub(first).cast_signed());
        moved.simd_lt(i8x16::splat(i8::MIN + count)).to_bitmask()
    };
    (among(b'0', 10), among(b'A', 26))
}

/// Bits moved up by `back`, with those of the block before.
#[inline]
fn after(bits: u64, before: u64, back: u32) -> u64 {
    bits << back | before >> (64 - back)
}

/// The lowest bit.
#[inline]
fn place(bits: u64) -> usize {
    // At most 64.
    bits.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Class = fn(&u8) -> bool;

    proptest! {
        #[test]
        fn sees_what_a_look_at_each_byte_sees(
            value in proptest::collection::vec(proptest::sample::select(b"0199AZaz@./:\0\xff".to_vec()), 0..300),
        ) {
            let is = |at: usize, class: Class| value.get(at).is_some_and(class);
            let (digit, capital): (Class, Class) = (u8::is_ascii_digit, u8::is_ascii_uppercase);
            let either: Class = |byte| byte.is_ascii_digit() || byte.is_ascii_uppercase();
            let begins = |at: usize, class: Class| at == 0 || !is(at - 1, class);
            let run = |at: &usize| {
                (0..4).all(|step| is(at + step, digit))
                    && is(at + 4, |byte| !byte.is_ascii_uppercase())
                    && begins(*at, digit)
            };
            let account = |at: &usize| {
                let classes = [(0, capital), (1, capital), (2, digit), (3, digit), (5, either), (6, either), (7, either)];
                classes.iter().all(|(step, class)| is(at + step, *class)) && begins(*at, either)
            };
            let runs: Vec<_> = (0..value.len()).filter(run).collect();
            let accounts: Vec<_> = (0..value.len()).filter(account).collect();
            let (mut seen_runs, mut seen_accounts) = (Vec::new(), Vec::new());
            pass(&value, &mut |mark, at| match mark {
                Mark::Run => seen_runs.push(at),
                Mark::Account => seen_accounts.push(at),
            });
            prop_assert_eq!(seen_runs, runs);
            prop_assert_eq!(seen_accounts, accounts);
        }
    }
}
