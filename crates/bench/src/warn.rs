//! What makes the numbers less than they seem.

use crate::statistics::width;
use wirelab_model::{BenchCell, BenchRecord, BenchSide};

/// Processors of others from which on a machine is too noisy.
const NOISE: f64 = 0.25;
/// Share of a processor from which on it is saturated.
const SATURATED: f64 = 0.95;
/// Width of an interval, in percent of the ratio, from which on it says little where nothing else was asked for.
const WIDE: f64 = 10.0;

pub(crate) fn warnings(record: &BenchRecord, debug: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if debug {
        warnings.push("this is a debug build of wirelab: the client needs more time than it would; use a release build for figures to show".to_owned());
    }
    let loads = record.cells.len();
    // `out_of`: how many there could be. More than one, and all of them, need no list.
    let mut say = |what: &str, cells: Vec<String>, out_of: usize| match cells.len() {
        0 => {}
        all if all == out_of && all > 1 => warnings.push(format!("{what}: all {loads} loads")),
        _ => warnings.push(format!("{what}: {}", cells.join("; "))),
    };
    let cells = |of: &dyn Fn(&BenchCell) -> bool| {
        record.cells.iter().filter(|cell| of(cell)).map(BenchCell::load).collect::<Vec<_>>()
    };
    let side = |of: &dyn Fn(&BenchSide) -> bool| {
        let with = |cell: &BenchCell, side: &BenchSide, name: &str| {
            of(side).then(|| format!("{} ({name})", cell.load()))
        };
        let both =
            record.cells.iter().map(|cell| [with(cell, &cell.plain, "plain"), with(cell, &cell.tls, "TLS")]);
        both.flatten().flatten().collect::<Vec<_>>()
    };
    say(
        "the machine is noisy, other programs kept more than a quarter of a processor busy",
        cells(&|cell| cell.others_cores.is_some_and(|cores| cores > NOISE)),
        loads,
    );
    say(
        "there is no interval, from one round alone or with a round without any reply",
        cells(&|cell| cell.throughput.is_none()),
        loads,
    );
    let most = record.setup.precision.unwrap_or(WIDE);
    say(
        &format!(
            "the interval is wider than {most} % of the ratio; more time or a quieter machine makes it narrower"
        ),
        cells(&|cell| cell.throughput.as_ref().is_some_and(|one| width(one) > most)),
        loads,
    );
    say(
        "the client kept its processor busy all the time, the server could do more",
        side(&|side| side.client_busy > SATURATED && side.server_busy.is_none_or(|busy| busy <= SATURATED)),
        2 * loads,
    );
    say(
        "the target is the bottleneck: it kept a processor busy all the time, so throughput is its limit, and latency is waiting in its queue",
        side(&|side| side.server_busy.is_some_and(|busy| busy > SATURATED)),
        2 * loads,
    );
    if record.cells.iter().any(|cell| cell.plain.server_cpu.is_none()) {
        warnings.push("the processor time of the server is not known, since wirelab did not start it: whether it is the bottleneck, and whether other programs were busy, cannot be told".to_owned());
    }
    if let Some(handshakes) = &record.handshakes {
        if handshakes.resumed.is_none() {
            warnings.push("the server resumes no sessions (or fewer than 95 %): each reconnection costs a whole handshake".to_owned());
        }
        if handshakes.full.client_busy > SATURATED {
            warnings.push("new connections: the client kept its processor busy, so the rate is its own limit; the server's time for each is still right".to_owned());
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn told(change: impl Fn(&mut BenchRecord)) -> String {
        let mut record = fixture::record();
        change(&mut record);
        warnings(&record, false).join("\n")
    }

    fn first(record: &mut BenchRecord) -> &mut BenchCell {
        record.cells.first_mut().unwrap()
    }

    #[test]
    fn each_doubt_is_told_and_a_good_run_has_none() {
        assert_eq!(told(|_| {}), "");
        assert!(warnings(&fixture::record(), true).join("").contains("debug build"));
        let noisy = told(|record| first(record).others_cores = Some(0.3));
        assert!(noisy.contains("noisy") && noisy.contains("SET 256 B"), "{noisy}");
        assert!(told(|record| first(record).throughput = None).contains("one round"));
        let wide = told(|record| first(record).throughput.as_mut().unwrap().low = 0.5);
        assert!(wide.contains("wider than 5 %"), "{wide}");
        let given = told(|record| {
            record.setup.precision = None;
            first(record).throughput.as_mut().unwrap().low = 0.70;
        });
        assert_eq!(given, "", "10 % where nothing else was asked for");
        let client = told(|record| first(record).tls.client_busy = 0.99);
        assert!(client.contains("(TLS)") && client.contains("server could do more"), "{client}");
        let server = told(|record| first(record).plain.server_busy = Some(0.99));
        assert!(server.contains("bottleneck") && server.contains("(plain)"), "{server}");
        let all = told(|record| {
            let second = first(record).clone();
            record.cells.push(second);
            record.cells.iter_mut().for_each(|cell| cell.others_cores = Some(0.3));
        });
        assert!(all.ends_with(&format!("busy: all {} loads", fixture::record().cells.len() + 1)), "{all}");
        assert!(told(|record| first(record).plain.server_cpu = None).contains("did not start it"));
        assert!(told(|record| record.handshakes.as_mut().unwrap().resumed = None).contains("resumes no"));
    }
}
