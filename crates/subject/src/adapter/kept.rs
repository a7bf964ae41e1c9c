//! What an adapter wrote during one case: evidence.

use crate::{OUTPUT_LIMIT, Target};
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;
use wirelab_model::{CanaryKind, ClientReport};

/// Hexadecimal digits at the end of a canary.
const DIGITS: usize = 24;

/// Standard output and standard error since the case before.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Bytes>>);

#[derive(Debug, Default)]
struct Bytes {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    cut: u64,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line of standard output.
    pub(super) fn add_stdout(&self, bytes: &[u8]) {
        let mut kept = self.lock();
        let Bytes { stdout, cut, .. } = &mut *kept;
        add(stdout, cut, bytes);
    }

    /// Reads standard error to its end, so that the adapter never waits.
    pub(super) fn copy_stderr(&self, mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
        let kept = self.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
                let mut kept = kept.lock();
                let Bytes { stderr, cut, .. } = &mut *kept;
                add(stderr, cut, buffer.get(..length).unwrap_or_default());
            }
        })
    }

    /// The last line of standard error that says something.
    pub(super) fn last_line(&self) -> Option<String> {
        crate::command::last_line(&self.lock().stderr)
    }

    /// Moves everything into a report. What is said late about an earlier case may hold its secrets, which
    /// nobody who masks this case knows: they are masked here.
    pub(super) fn take_into(&self, target: &Target, report: &mut ClientReport) {
        let mut kept = self.lock();
        report.stdout = take(&mut kept.stdout);
        report.stderr = take(&mut kept.stderr);
        report.output_cut = take(&mut kept.cut);
        drop(kept);
        mask_others(&mut report.stdout, target);
        mask_others(&mut report.stderr, target);
    }
}

fn add(kept: &mut Vec<u8>, count: &mut u64, bytes: &[u8]) {
    let room = OUTPUT_LIMIT.saturating_sub(kept.len());
    let (fits, cut) = bytes.split_at(room.min(bytes.len()));
    kept.extend_from_slice(fits);
    *count += cut.len() as u64;
}

/// Masks what [`mask_others`] masks.
pub(super) fn mask_text(text: &str, target: &Target) -> String {
    let mut bytes = text.as_bytes().to_vec();
    mask_others(&mut bytes, target);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Masks the secrets of other trials than this one.
fn mask_others(text: &mut [u8], target: &Target) {
    for kind in [CanaryKind::Password, CanaryKind::Key, CanaryKind::Value, CanaryKind::Forged] {
        let (prefix, own) = (kind.prefix().as_bytes(), target.canaries.get(kind).as_bytes());
        let mut at = 0;
        while let Some(found) = find(text.get(at..).unwrap_or_default(), prefix) {
            let begin = at + found;
            at = begin + prefix.len();
            if text.get(begin..).is_some_and(|rest| rest.starts_with(own)) {
                continue;
            }
            let rest = text.get_mut(at..).unwrap_or_default();
            for byte in rest.iter_mut().take(DIGITS).take_while(|byte| byte.is_ascii_hexdigit()) {
                *byte = b'*';
            }
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{Canaries, Transport};

    #[test]
    fn secrets_of_earlier_cases_are_masked_and_those_of_this_one_are_left_to_the_lab() {
        let target = crate::target::tests::target(Transport::Tls, 1, std::path::Path::new("/x"));
        let earlier = Canaries::new([[7; 12], [8; 12], [9; 12], [10; 12]]);
        let (own, old) = (&target.canaries.password, &earlier.password);
        let mut text = format!("{own} {old}{} wirelab-password-07", earlier.value).into_bytes();
        mask_others(&mut text, &target);
        let stars = "*".repeat(24);
        let expected = format!("{own} wirelab-password-{stars}wirelab-value-{stars} wirelab-password-**");
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }
}
