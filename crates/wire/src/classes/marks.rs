//! One pass over a value that tells where numbers may begin, and what cannot be in it at all.

use wide::u8x16;

/// Bytes that are looked at together: a bit of a `u64` each.
const BLOCK: usize = 64;

/// What a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// How many digits.
    pub(super) digits: u64,
    /// An `@` and a dot, as every address has.
    pub(super) address: bool,
}

/// Digits and capital letters of a block, the first byte in the lowest bit.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    digits: u64,
    capitals: u64,
}

/// `@` and dots of all blocks so far, in any place.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: u8x16,
    dot: u8x16,
}

/// Gives the places where a run of four or more digits begins, and those where two capital letters and two
/// digits stand, as in front of an account number.
pub(super) fn pass(value: &[u8], run: &mut impl FnMut(usize), account: &mut impl FnMut(usize)) -> Marks {
    let none = u8x16::splat(0);
    let (mut seen, mut digits, mut before) = (Seen { at: none, dot: none }, 0, Block::default());
    let (blocks, rest) = value.as_chunks::<BLOCK>();
    let mut each = |base: usize, bytes: &[u8; BLOCK]| {
        let block = read(bytes, &mut seen);
        digits += u64::from(block.digits.count_ones());
        // Places where the last of the four bytes stands: the first may lie in the block before.
        let digit = |back: u32| after(block.digits, before.digits, back);
        let capital = |back: u32| after(block.capitals, before.capitals, back);
        let two = block.digits & digit(1);
        let mut ends = two & digit(2) & digit(3) & !digit(4);
        while ends != 0 {
            run(base + place(ends) - 3);
            ends &= ends - 1;
        }
        let mut ends = two & capital(2) & capital(3);
        while ends != 0 {
            account(base + place(ends) - 3);
            ends &= ends - 1;
        }
        before = block;
    };
    for (index, bytes) in blocks.iter().enumerate() {
        each(index * BLOCK, bytes);
    }
    if !rest.is_empty() {
        // A zero is none of what is looked for.
        let mut room = [0; BLOCK];
        if let Some(room) = room.get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
        each(blocks.len() * BLOCK, &room);
    }
    Marks { digits, address: seen.at.to_bitmask() != 0 && seen.dot.to_bitmask() != 0 }
}

#[inline]
fn read(bytes: &[u8; BLOCK], seen: &mut Seen) -> Block {
    let mut block = Block::default();
    let (parts, _) = bytes.as_chunks::<16>();
    for (index, part) in parts.iter().enumerate() {
        let part = u8x16::new(*part);
        let digits = (part - u8x16::splat(b'0')).simd_lt(u8x16::splat(10));
        let capitals = (part - u8x16::splat(b'A')).simd_lt(u8x16::splat(26));
        seen.at |= part.simd_eq(u8x16::splat(b'@'));
        seen.dot |= part.simd_eq(u8x16::splat(b'.'));
        block.digits |= u64::from(digits.to_bitmask()) << (16 * index);
        block.capitals |= u64::from(capitals.to_bitmask()) << (16 * index);
    }
    block
}

/// Bits moved up by `back`, with those of the block before.
fn after(bits: u64, before: u64, back: u32) -> u64 {
    bits << back | before >> (64 - back)
}

/// The lowest bit.
fn place(bits: u64) -> usize {
    // At most 64.
    bits.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sees_what_a_look_at_each_byte_sees(
            value in proptest::collection::vec(proptest::sample::select(b"0199AZaz@./:\0\xff".to_vec()), 0..300),
        ) {
            let is = |at: usize, class: fn(&u8) -> bool| value.get(at).is_some_and(class);
            let (digit, capital): (fn(&u8) -> bool, fn(&u8) -> bool) = (u8::is_ascii_digit, u8::is_ascii_uppercase);
            let four = |at: usize, classes: [fn(&u8) -> bool; 4]| (0..4).all(|step| is(at + step, classes[step]));
            let begins = |at: &usize| *at == 0 || !is(at - 1, digit);
            let runs: Vec<_> = (0..value.len()).filter(|at| four(*at, [digit; 4]) && begins(at)).collect();
            let accounts: Vec<_> =
                (0..value.len()).filter(|at| four(*at, [capital, capital, digit, digit])).collect();
            let (mut seen_runs, mut seen_accounts) = (Vec::new(), Vec::new());
            let marks = pass(&value, &mut |at| seen_runs.push(at), &mut |at| seen_accounts.push(at));
            prop_assert_eq!(seen_runs, runs);
            prop_assert_eq!(seen_accounts, accounts);
            prop_assert_eq!(marks.digits, value.iter().filter(|byte| byte.is_ascii_digit()).count() as u64);
            prop_assert_eq!(marks.address, value.contains(&b'@') && value.contains(&b'.'));
        }
    }
}
