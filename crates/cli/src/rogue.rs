use crate::arguments::RogueOptions;
use crate::complain;
use std::io::Write;
use tokio::signal::unix::{SignalKind, signal};
use wirelab_model::{Attack, Connection, ExitCode, Topology, Transport};
use wirelab_runner::{AtWork, ByHand, Filter, did_you_mean, embedded, harvest, select};

/// Serves one attack until it is told to stop.
pub(crate) fn rogue(given: &RogueOptions) -> ExitCode {
    let (attack, topology) = match attack(given) {
        Ok(attack) => attack,
        Err(code) => return code,
    };
    for (option, address) in [("--listen", Some(given.listen)), ("--upstream", given.upstream)] {
        if let Some(address) = address
            && address.ip() != std::net::Ipv4Addr::LOCALHOST
        {
            complain(miette::miette!(
                help = "an attacker of the lab stays in the lab: use 127.0.0.1",
                "{option} {address} is not 127.0.0.1"
            ));
            return ExitCode::Usage;
        }
    }
    let folder = given.out.clone().unwrap_or_else(|| crate::run::default_folder("rogue").into());
    let by_hand = ByHand {
        attack,
        transport: if given.plaintext { Transport::Plaintext } else { Transport::Tls },
        port: given.listen.port(),
        topology,
        upstream: given.upstream,
        folder,
    };
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(Box::pin(serve(&by_hand, given)));
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(miette::miette!("cannot start the runtime: {error}"));
            ExitCode::Internal
        }
    }
}

/// The attack of the scenario and what clients must take it for, or the impostor or relay with the certificate.
fn attack(given: &RogueOptions) -> Result<(Attack, Topology), ExitCode> {
    if let Some(certificate) = given.certificate.clone() {
        // The scenario of a certificate says whether there is such a one.
        let known = select(&[format!("certificate/{certificate}")], &Filter::default()).is_ok()
            || select(&[format!("mitm/impostor-{certificate}")], &Filter::default()).is_ok();
        if !known {
            let sources = embedded().unwrap_or_default();
            let named = sources.iter().filter_map(|source| source.scenario.attack.certificate());
            complain(miette::miette!(
                help = did_you_mean(&certificate, named)
                    + "`wirelab list` shows them as certificate/NAME and mitm/impostor-NAME",
                "there is no certificate named `{certificate}`"
            ));
            return Err(ExitCode::Usage);
        }
        let attack = match given.upstream {
            None => Attack::Impostor { certificate },
            Some(_) => Attack::RelayRead { certificate },
        };
        return Ok((attack, Topology::Standalone));
    }
    let id = given.id.clone().unwrap_or_default();
    match select(std::slice::from_ref(&id), &Filter::default()).map_err(|error| (error.exit_code(), error)) {
        Ok(sources) => match <[_; 1]>::try_from(sources) {
            Ok([source]) => Ok((source.scenario.attack, source.scenario.topology)),
            Err(sources) => {
                complain(miette::miette!(
                    help = "name one of them",
                    "`{id}` stands for {} scenarios, and an attacker does one thing",
                    sources.len()
                ));
                Err(ExitCode::Usage)
            }
        },
        Err((code, error)) => {
            complain(error.into());
            Err(code)
        }
    }
}

async fn serve(by_hand: &ByHand, given: &RogueOptions) -> ExitCode {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        complain(miette::miette!("cannot listen for signals"));
        return ExitCode::Internal;
    };
    let mut at_work = match by_hand.start().await {
        Ok(at_work) => at_work,
        Err(error) => {
            let code = error.exit_code();
            complain(error.into());
            return code;
        }
    };
    eprintln!("{}", introduction(&at_work, given.plaintext));
    let mut number = 0;
    while given.limit.is_none_or(|limit| number < limit) {
        let connection = tokio::select! {
            connection = at_work.next() => connection,
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
        };
        let Some(connection) = connection else { break };
        number += 1;
        if tell(number, &connection, given).is_err() {
            // Whoever reads has seen enough: `wirelab rogue … | head`.
            break;
        }
    }
    eprintln!("{number} connections");
    ExitCode::AsExpected
}

fn introduction(at_work: &AtWork, plaintext: bool) -> String {
    let behind = if at_work.embedded { "; behind it is the embedded server" } else { "" };
    let trust =
        if plaintext { String::new() } else { format!("\n  to trust: {}", at_work.authority.display()) };
    format!(
        "connect to {}:{}{behind}{trust}\n  the rest, to source: {}\nCtrl-C ends it",
        at_work.host,
        at_work.port(),
        at_work.environment.display()
    )
}

fn tell(number: u64, connection: &Connection, given: &RogueOptions) -> std::io::Result<()> {
    let harvested = harvest(connection, given.reveal);
    let text = if given.json {
        wirelab_report::connection_json(number, connection, &harvested)
    } else {
        let now = time::OffsetDateTime::now_utc().time();
        let time = format!("{:02}:{:02}:{:02}", now.hour(), now.minute(), now.second());
        wirelab_report::connection(number, &time, connection, &harvested)
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
