//! Which processors client and server run on.

use crate::BenchError;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Processors of their own for client and server. Where the system moves them to and fro, that is what rounds differ
/// in most: on two processors, intervals are several times as wide. A thread hands its processors down to threads and
/// processes that it starts. Dropping this takes the thread back to where it was.
pub struct Place {
    before: CpuSet,
    server: Vec<usize>,
    client: usize,
}

fn failed(error: nix::Error) -> BenchError {
    BenchError::System { what: "choose processors for client and server", reason: error.to_string() }
}

fn stay(processors: &[usize]) -> Result<(), BenchError> {
    let mut set = CpuSet::new();
    processors.iter().try_for_each(|number| set.set(*number)).map_err(failed)?;
    sched_setaffinity(Pid::from_raw(0), &set).map_err(failed)
}

impl Place {
    /// None where this thread may use one processor only.
    ///
    /// # Errors
    /// The system does not say which ones.
    pub fn new() -> Result<Option<Self>, BenchError> {
        let before = sched_getaffinity(Pid::from_raw(0)).map_err(failed)?;
        let all: Vec<usize> =
            (0..CpuSet::count()).filter(|number| before.is_set(*number).unwrap_or(false)).collect();
        let siblings = |number: usize| {
            let path = format!("/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list");
            std::fs::read_to_string(path).map(|text| list(&text)).unwrap_or_default()
        };
        Ok(split(&all, siblings).map(|(server, client)| Self { before, server, client }))
    }

    /// What is started from now on is the server.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn serve(&self) -> Result<(), BenchError> {
        stay(&self.server)
    }

    /// This thread is the client.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn load(&self) -> Result<(), BenchError> {
        stay(&[self.client])
    }

    /// For people.
    pub(crate) fn describe(&self) -> String {
        let server: Vec<String> = self.server.iter().map(ToString::to_string).collect();
        format!("server on {}, client on {}", server.join(", "), self.client)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It could be there before.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}

/// The last one for the client, since the system itself likes the first one, and the others for the server; but none
/// that shares its core with the client, as long as any other is left.
fn split(all: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Option<(Vec<usize>, usize)> {
    let (client, others) = all.split_last()?;
    let shared = siblings(*client);
    let apart: Vec<usize> = others.iter().copied().filter(|number| !shared.contains(number)).collect();
    let server = if apart.is_empty() { others.to_vec() } else { apart };
    (!server.is_empty()).then_some((server, *client))
}

/// Reads `0-1,4`: <https://docs.kernel.org/admin-guide/cputopology.html>
fn list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?.min(CpuSet::count()))
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_has_a_core_to_itself_where_there_is_one() {
        for (all, siblings, expected) in [
            (vec![], "", None),
            (vec![3], "3", None),
            (vec![0, 1], "1", Some((vec![0], 1))),
            (vec![0, 1], "0-1", Some((vec![0], 1))),
            (vec![0, 1, 2, 3], "1,3", Some((vec![0, 2], 3))),
            (vec![0, 1, 2, 3], "2-3", Some((vec![0, 1], 3))),
            (vec![2, 5, 7], "what", Some((vec![2, 5], 7))),
        ] {
            assert_eq!(split(&all, |_| list(siblings)), expected, "{all:?} {siblings}");
        }
        assert_eq!(list("0-2,5,7-8\n"), [0, 1, 2, 5, 7, 8]);
        assert_eq!(list("0-99999999999999").len(), CpuSet::count() + 1);
    }

    #[test]
    fn what_is_started_stays_where_its_thread_was_and_the_thread_comes_back() {
        let here = || std::thread::available_parallelism().unwrap().get();
        let before = here();
        let Some(place) = Place::new().unwrap() else {
            println!("skipped: one processor only");
            return;
        };
        place.serve().unwrap();
        assert_eq!(std::thread::spawn(here).join().unwrap(), place.server.len());
        place.load().unwrap();
        assert_eq!(here(), 1);
        drop(place);
        assert_eq!(here(), before);
    }
}
