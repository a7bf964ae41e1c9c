//! One pass over a value that tells where numbers may begin. Nearly always: nowhere.

use wide::u8x16;

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

/// Gives the places where a run of four or more digits begins, and those where two capital letters and two
/// digits stand, as in front of an account number.
#[inline]
pub(super) fn pass(value: &[u8], run: &mut impl FnMut(usize), account: &mut impl FnMut(usize)) {
    let mut before = Block::default();
    let (blocks, rest) = value.as_chunks::<BLOCK>();
    let mut each = |base: usize, block: Block| {
        // Places where the last of the four bytes stands: the first may lie in the block before.
        let digit = |back: u32| after(block.digits, before.digits, back);
        let capital = |back: u32| after(block.capitals, before.capitals, back);
        let two = block.digits & digit(1);
        let mut runs = two & digit(2) & digit(3) & !digit(4);
        let mut accounts = two & capital(2) & capital(3);
        before = block;
        while runs != 0 {
            run(base + place(runs) - 3);
            runs &= runs - 1;
        }
        while accounts != 0 {
            account(base + place(accounts) - 3);
            accounts &= accounts - 1;
        }
    };
    for (index, bytes) in blocks.iter().enumerate() {
        let (parts, _) = bytes.as_chunks::<PART>();
        each(index * BLOCK, read(parts));
    }
    if !rest.is_empty() {
        // A zero is none of what is looked for.
        let mut room = [[0; PART]; BLOCK / PART];
        let parts = rest.len().div_ceil(PART);
        if let Some(room) = room.as_flattened_mut().get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
        each(blocks.len() * BLOCK, read(room.get(..parts).unwrap_or(&room)));
    }
}

#[inline]
fn read(parts: &[[u8; PART]]) -> Block {
    let mut block = Block::default();
    for (index, part) in parts.iter().enumerate() {
        let part = u8x16::new(*part);
        let digits = (part - u8x16::splat(b'0')).simd_lt(u8x16::splat(10));
        let capitals = (part - u8x16::splat(b'A')).simd_lt(u8x16::splat(26));
        block.digits |= u64::from(digits.to_bitmask()) << (PART * index);
        block.capitals |= u64::from(capitals.to_bitmask()) << (PART * index);
    }
    block
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
            let four = |at: usize, classes: [Class; 4]| (0..4).all(|step| is(at + step, classes[step]));
            let begins = |at: &usize| *at == 0 || !is(at - 1, digit);
            let runs: Vec<_> = (0..value.len()).filter(|at| four(*at, [digit; 4]) && begins(at)).collect();
            let accounts: Vec<_> =
                (0..value.len()).filter(|at| four(*at, [capital, capital, digit, digit])).collect();
            let (mut seen_runs, mut seen_accounts) = (Vec::new(), Vec::new());
            pass(&value, &mut |at| seen_runs.push(at), &mut |at| seen_accounts.push(at));
            prop_assert_eq!(seen_runs, runs);
            prop_assert_eq!(seen_accounts, accounts);
        }
    }
}
