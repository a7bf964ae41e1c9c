//! Reads and checks one scenario file. Every error has its place, the value and what to do.

use crate::peer::HOST;
use miette::{Diagnostic, NamedSource, SourceSpan};
use std::collections::BTreeSet;
use thiserror::Error;
use wirelab_model::{Attack, Destination, Redirection, Scenario, Transport, Verdict};
use wirelab_pki::Shape;
use wirelab_rogue::misbehaviour;

/// A scenario that cannot be used. The fault is the file's.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(wirelab::scenario))]
pub struct ScenarioError {
    message: String,
    #[help]
    help: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("{label}")]
    place: SourceSpan,
    label: String,
}

/// Reads the text of a scenario file. `name` is its path, for messages.
///
/// # Errors
/// It is not TOML, has an unknown or missing key, names a certificate that the catalogue does not
/// have, or asks for something that could pass without proof.
pub fn parse(name: &str, text: &str) -> Result<Scenario, Box<ScenarioError>> {
    let scenario: Scenario = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Box::new(ScenarioError {
            message: format!("{name}: this is no valid scenario: {}", error.message()),
            help: "`wirelab schema scenario` prints all keys; `wirelab explain eavesdrop/session --toml` prints an example"
                .into(),
            source_code: NamedSource::new(name, text.to_owned()),
            place: span.into(),
            label: "here".into(),
        })
    })?;
    check(&scenario).map_err(|fault| {
        let start = text.find(&fault.at).unwrap_or(0);
        Box::new(ScenarioError {
            message: format!("{name}: {}", fault.message),
            help: fault.help,
            source_code: NamedSource::new(name, text.to_owned()),
            place: (start, if start == 0 { 0 } else { fault.at.len() }).into(),
            label: "here".into(),
        })
    })?;
    Ok(scenario)
}

struct Fault {
    message: String,
    help: String,
    /// Text to point at.
    at: String,
}

fn check(scenario: &Scenario) -> Result<(), Fault> {
    let fault = |message: String, help: &str, at: &str| {
        Err(Fault { message, help: help.to_owned(), at: at.to_owned() })
    };
    let id = &scenario.id;
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "/-".contains(c))
    {
        return fault(
            format!("the id `{id}` is not usable"),
            "an id is made of a-z, 0-9, `-` and `/`, such as `mitm/relay-read`",
            id,
        );
    }
    if let Some(certificate) = scenario.attack.certificate()
        && wirelab_pki::find(certificate).is_none()
    {
        let near = crate::did_you_mean(certificate, wirelab_pki::all().iter().map(|entry| entry.id));
        return fault(
            format!("there is no certificate named `{certificate}`"),
            &(near + "`wirelab list` shows all of them, as certificate/NAME"),
            certificate,
        );
    }
    if let Attack::Intruder { certificate } = &scenario.attack
        && wirelab_pki::intruder(certificate).is_none()
    {
        let known: Vec<_> = wirelab_pki::intruders().iter().map(|intruder| intruder.id).collect();
        return fault(
            format!("there is no intruder named `{certificate}`"),
            &format!("there are: {}", known.join(", ")),
            certificate,
        );
    }
    if let Some(how) = scenario.attack.how()
        && !misbehaviour::find(how).is_some_and(|entry| entry.is(&scenario.attack))
    {
        let of_kind = misbehaviour::all().iter().filter(|entry| entry.is(&scenario.attack));
        let near = crate::did_you_mean(how, of_kind.map(|entry| entry.id));
        return fault(
            format!("there is no misbehaviour of this kind named `{how}`"),
            &(near + "`wirelab list` shows all of them, in handshake, stall, path and cleartext"),
            how,
        );
    }
    if let Attack::AskCertificate { certificate }
    | Attack::Reconnect { certificate }
    | Attack::Storm { certificate }
    | Attack::Resume { certificate, .. } = &scenario.attack
        && !wirelab_pki::find(certificate)
            .is_some_and(|entry| entry.shape() == Shape::Direct && entry.host == HOST)
    {
        return fault(
            format!("`{certificate}` is not what this attacker can show"),
            "name a certificate for localhost without an authority in between, such as `self-signed`: the \
             attacker without its flaw has one like that",
            certificate,
        );
    }
    if let Attack::Redirect { how, host, to } = &scenario.attack {
        let asked_otherwise = !scenario.topology.asks_over_tls() && *how != Redirection::Master;
        if scenario.topology.role() != how.topology() || asked_otherwise {
            let topology = how.topology();
            return fault(
                format!(
                    "a client that takes its peer for `{}` is not sent elsewhere like this",
                    scenario.topology
                ),
                &format!("set `topology = \"{topology}\"` before `[attack]`"),
                how.word(),
            );
        }
        let needs_name = match to {
            Destination::AnnouncedName => Some(("its certificate would be a good one", "announced-name")),
            Destination::SharedTickets => Some(("its session would be a good one", "shared-tickets")),
            Destination::Plaintext | Destination::Certificate(_) => None,
        };
        if let Some((why, word)) = needs_name.filter(|_| !host.is_other_name()) {
            return fault(
                format!("the announced host is the one that the client was told to connect to, so {why}"),
                "set `host = \"address\"` or `host = \"ipv6\"`",
                word,
            );
        }
    }
    if let Some((message, help, at)) = crate::scenario_link::fault(scenario) {
        return fault(message, help, &at);
    }
    if scenario.arms.is_empty() {
        return fault(
            "there is no arm".into(),
            "add at least one `[[arm]]` with `transport` and `expect`",
            "arm",
        );
    }
    let mut seen = BTreeSet::new();
    for arm in &scenario.arms {
        let transport = arm.transport;
        if !seen.insert(transport) {
            return fault(format!("the arm `{transport}` is there twice"), "keep one of them", "[[arm]]");
        }
        let expected = arm.expect.verdicts();
        // A client that waits for ever is what shows that one can be kept waiting.
        let held = matches!(scenario.attack, Attack::Stall { .. }) && transport != Transport::Tls;
        if held && expected != [Verdict::Hung] {
            return fault(
                format!("the arm `{transport}` is there to show that a client can be kept waiting"),
                "expect `hung`",
                &format!("\"{transport}\""),
            );
        }
        let usable = |v: &Verdict| held || matches!(v, Verdict::Secure | Verdict::Compromised);
        if let Some(other) = expected.iter().find(|v| !usable(v)) {
            return fault(
                format!("an arm cannot expect `{other}`"),
                "expect `secure` or `compromised`: the other verdicts say that the lab cannot tell, or that the client hangs",
                &other.to_string(),
            );
        }
        if expected.is_empty() {
            return fault("an arm expects no verdict".into(), "expect `secure` or `compromised`", "expect");
        }
        if arm.expect.allows(Verdict::Secure) && !arm.got.is_empty() {
            return fault(
                "an arm that may be `secure` cannot expect that the attacker got something".into(),
                "remove `got`",
                "got",
            );
        }
        let proof = matches!(scenario.attack, Attack::Intruder { .. })
            && transport == Transport::Tls
            && scenario.link.is_none();
        if arm.expect.allows(Verdict::Secure) && (!transport.is_verified() || proof) {
            return fault(
                format!("the arm `{transport}` cannot be secure: it is there to show that the attack works"),
                "expect `compromised`",
                &format!("\"{transport}\""),
            );
        }
        if transport.is_verified() && !proof && wirelab_judge::liveness_sibling(scenario, transport).is_none()
        {
            return fault(
                format!("nothing shows that the attack is live, so the `{transport}` arm could never pass"),
                match scenario.attack {
                    Attack::Intruder { .. } => "add an arm with transport `tls` that expects `compromised`",
                    _ => {
                        "add an arm with transport `plaintext` or `tls-unverified` that expects `compromised`"
                    }
                },
                &format!("\"{transport}\""),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
id = "x/y"
title = "t"
description = "d"
importance = "high"
weakness = "chain"
[attack]
kind = "impostor"
certificate = "self-signed"
[[arm]]
transport = "plaintext"
expect = "compromised"
[[arm]]
transport = "tls"
expect = "secure"
"#;

    /// What is of the catalogue of misbehaviour, and of its kind, and what a stall may expect.
    #[test]
    fn misbehaviour_is_of_the_catalogue_and_of_its_kind() {
        let good = include_str!("../../../scenarios/stall/stall-silent.toml");
        parse("good.toml", good).unwrap();
        let cases = [
            ("how = \"stall-silent\"", "how = \"stall-silence\"", "stall-silence"),
            ("kind = \"stall\"", "kind = \"misbehave\"", "of this kind"),
            ("\"hung\"", "\"compromised\"", "expect `hung`"),
            ("\"secure\"", "\"hung\"", "cannot expect `hung`"),
        ];
        for (from, to, expected) in cases {
            let error = parse("bad.toml", &good.replace(from, to)).unwrap_err();
            let shown = format!("{error} {} {}", error.label, error.help);
            assert!(shown.contains(expected), "{from} -> {to}: {shown}");
        }
    }

    /// Another shape would be refused for its shape: the rogue without its flaw does not have it.
    #[test]
    fn who_waits_for_clients_to_come_back_has_a_plain_certificate() {
        let good = include_str!("../../../scenarios/reconnect/forged-self-signed.toml");
        parse("good.toml", good).unwrap();
        for other in ["issuer-not-ca", "address-as-dns-name", "anchor-expired"] {
            let error =
                parse("bad.toml", &good.replace("\"self-signed\"", &format!("\"{other}\""))).unwrap_err();
            assert!(error.to_string().contains(other), "{error}");
        }
    }

    /// One change to a good file, and what people are told.
    #[test]
    fn faults_have_place_value_and_remedy() {
        parse("good.toml", GOOD).unwrap();
        let cases = [
            ("title", "titel", "unknown field `titel`"),
            ("self-signed", "self-singed", "self-singed"),
            ("\"impostor\"", "\"imposter\"", "imposter"),
            ("\"plaintext\"", "\"tls-unverified\"", ""),
            ("\"secure\"", "\"skipped\"", "cannot expect `skipped`"),
            ("\"compromised\"", "\"secure\"", "cannot be secure"),
            ("[[arm]]\ntransport = \"plaintext\"\nexpect = \"compromised\"", "", "nothing shows"),
            ("\"secure\"", "[\"secure\", \"compromised\"]", ""),
            ("\"secure\"", "[\"secure\", \"hung\"]", "cannot expect `hung`"),
            ("\"secure\"", "[]", "expects no verdict"),
            ("\"secure\"", "\"save\"", "expected a verdict such as"),
            ("\"compromised\"", "[\"secure\", \"compromised\"]", "cannot be secure"),
            ("\"tls\"", "\"plaintext\"", "twice"),
            ("x/y", "X Y", "not usable"),
            (
                "\"impostor\"\ncertificate = \"self-signed\"",
                "\"intruder\"\ncertificate = \"nobody\"",
                "no intruder named",
            ),
            (
                "\"impostor\"\ncertificate = \"self-signed\"",
                "\"intruder\"\ncertificate = \"none\"",
                "cannot be secure",
            ),
        ];
        for (from, to, expected) in cases {
            let text = GOOD.replace(from, to);
            match parse("bad.toml", &text) {
                Ok(_) => assert!(expected.is_empty(), "{from} -> {to} must be refused"),
                Err(error) => {
                    let shown = format!("{error} {} {}", error.label, error.help);
                    assert!(!expected.is_empty() && shown.contains(expected), "{from} -> {to}: {shown}");
                    assert!(shown.contains("bad.toml"), "{shown}");
                }
            }
        }
    }
}
