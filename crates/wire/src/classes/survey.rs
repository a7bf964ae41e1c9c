//! One look at many values at once. Nearly all hold nothing, and to begin a look at each of them costs more than the look.

use super::marks::{self, Mark};
use super::{Classifier, email, iban, numbers};

impl Classifier {
    /// Gives places in `bytes`, which are values with a zero byte behind each: every value in which [`Self::find`] finds
    /// something has one of them, and so have a few others. `place` says where the value ends: what more of the same kind is
    /// in front of that is left out.
    pub fn survey(&self, bytes: &[u8], place: &mut impl FnMut(usize) -> usize) {
        let mut from = 0;
        while let Some(at) = self.sieve.part(bytes, from, &self.anchors) {
            from = place(at).max(at + 1);
        }
        from = 0;
        while let Some(at) = self.sieve.short(bytes, from) {
            from = place(at).max(at + 1);
        }
        from = 0;
        email::each(bytes, &mut |at| {
            if at >= from && email::may_be(bytes, at).is_some() {
                from = place(at);
            }
        });
        from = 0;
        marks::pass(bytes, &mut |mark, start| {
            let may_be = match mark {
                Mark::Run => numbers::may_be_card(bytes, start),
                Mark::Account => iban::may_begin(bytes, start),
            };
            if start >= from && may_be {
                from = place(start);
            }
        });
        if self.national_ids {
            from = 0;
            numbers::each_run(bytes, &mut |start, _| {
                if start >= from {
                    from = place(start);
                }
            });
        }
    }
}
