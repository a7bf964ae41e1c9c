//! What is wrong with a scenario of a link between servers, or of an environment.

use wirelab_model::{Attack, Link, Scenario, Transport};

/// Message, remedy, and the text to point at.
pub(crate) fn fault(scenario: &Scenario) -> Option<(String, &'static str, String)> {
    if let Some(environment) = &scenario.environment {
        let name = &environment.name;
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(usable) {
            let help = "a name is made of a-z, 0-9 and `-`, such as `staging`";
            return Some((format!("the environment `{name}` has no usable name"), help, name.clone()));
        }
        if !scenario.arms.iter().any(|arm| arm.transport == environment.transport) {
            return Some((
                format!(
                    "the scenario has no arm `{}`, which is that of its environment",
                    environment.transport
                ),
                "add an `[[arm]]` with this transport",
                "environment".into(),
            ));
        }
    }
    let link = scenario.link?;
    let fits = match &scenario.attack {
        Attack::Eavesdrop => !matches!(link, Link::OpenPort | Link::AclUser),
        Attack::Impostor { .. } => {
            matches!(link, Link::Replication | Link::Sentinel | Link::TlsAtMasterOnly)
        }
        Attack::Intruder { certificate } => {
            matches!(link, Link::OpenPort | Link::AclUser) && certificate == "none"
        }
        _ => false,
    };
    if !fits {
        return Some((
            format!("the link `{link}` cannot be attacked like this"),
            "`eavesdrop` is for all but `open-port` and `acl-user`, which are for the `intruder` with the certificate `none`; `impostor` is for `replication`, `sentinel` and `tls-at-master-only`",
            "[attack]".into(),
        ));
    }
    let other = |transport| !matches!(transport, Transport::Plaintext | Transport::Tls);
    let arm = scenario.arms.iter().find(|arm| other(arm.transport))?;
    Some((
        format!("a link between servers has no arm `{}`", arm.transport),
        "keep the arms `plaintext` and `tls`: redis-server shows its certificate and checks the other one whenever it has TLS",
        arm.transport.to_string(),
    ))
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn a_link_is_attacked_in_ways_that_there_are() {
        let good = include_str!("../../../scenarios/links/replication-listen.toml");
        parse("good.toml", good).unwrap();
        let cases = [
            ("\"replication\"", "\"open-port\"", "cannot be attacked"),
            ("\"tls\"", "\"mtls\"", "has no arm `mtls`"),
            ("\"replication\"", "\"replicas\"", "unknown variant"),
        ];
        for (from, to, expected) in cases {
            let error = parse("bad.toml", &good.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(expected), "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn an_environment_has_a_name_and_its_arm() {
        let good = include_str!("../../../scenarios/posture/staging/session.toml");
        parse("good.toml", good).unwrap();
        for (from, to, expected) in [
            ("name = \"staging\"", "name = \"Stage 1\"", "no usable name"),
            ("transport = \"tls\" }", "transport = \"mtls\" }", "no arm `mtls`"),
        ] {
            let error = parse("bad.toml", &good.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(expected), "{from} -> {to}: {error}");
        }
    }
}
