//! A peer that asks the client who it is: does the client tell whoever is there?

use crate::attack::impostor_or_relay;
use crate::{Finding, wire};
use wirelab_model::{CertificateSeen, Connection, Got, Trial, Verdict};

/// What an impostor gets, and the client's certificate beside it: a client that shows it before it knows whom
/// it talks to has told who it is, also where it turns away then.
pub(crate) fn ask(trial: &Trial) -> Finding {
    let found = impostor_or_relay(trial, false);
    let connections = trial.peer.iter().flat_map(|peer| &peer.connections);
    let Some((connection, identity)) =
        connections.clone().find_map(|c| Some((c, c.client_identity.as_ref()?)))
    else {
        return match connections.clone().any(|c| c.certificate_asked) {
            false if found.verdict == Verdict::Secure => {
                Finding::inconclusive("the rogue asked nobody for a certificate")
            }
            _ => found,
        };
    };
    let mut got = found.got;
    if !seen(trial, connection) {
        let why = "the rogue says that it was shown a certificate, but the wire shows no such handshake";
        return if got.is_empty() { Finding::inconclusive(why) } else { Finding { got, ..found } };
    }
    got.push(Got::ClientCertificate);
    let CertificateSeen { subject, issuer, names, .. } = identity;
    let mut why = format!("the client told the rogue who it is: {subject}");
    if !names.is_empty() {
        why += &format!(" ({})", names.join(", "));
    }
    why += &format!(", signed by {issuer}");
    if found.verdict == Verdict::Compromised {
        why += &format!("; {}", found.why);
    }
    Finding::compromised(got, why)
}

/// The second witness. Before TLS 1.3 the certificate itself is readable; in TLS 1.3 it is in a record of the
/// client's.
fn seen(trial: &Trial, connection: &Connection) -> bool {
    let Some(flow) = wire::flow_of(trial, connection).filter(|flow| wire::saw_hellos(flow)) else {
        return false;
    };
    flow.tls.as_ref().is_some_and(|tls| tls.client_certificate.is_some() || tls.client_records > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{connection, good, refusal};
    use wirelab_model::Transport;

    fn named() -> CertificateSeen {
        CertificateSeen {
            subject: "CN=wirelab client".into(),
            issuer: "CN=x".into(),
            ..CertificateSeen::default()
        }
    }

    #[test]
    fn who_shows_its_certificate_is_known_and_who_refuses_first_is_not() {
        let mut refused = refusal();
        connection(&mut refused).certificate_asked = true;
        assert_eq!(ask(&refused).verdict, Verdict::Secure);
        connection(&mut refused).certificate_asked = false;
        assert_eq!(ask(&refused).verdict, Verdict::Inconclusive, "nobody was asked");
        let mut told = good(Transport::MtlsUnverified);
        connection(&mut told).client_identity = Some(named());
        let found = ask(&told);
        assert_eq!(found.got, [Got::Credential, Got::Data, Got::ClientCertificate]);
        assert!(found.why.contains("CN=wirelab client"), "{}", found.why);
    }

    #[test]
    fn a_client_that_tells_and_turns_away_then_has_told_all_the_same() {
        let mut told = refusal();
        told.wire.flows[0].tls.as_mut().unwrap().client_records = 1;
        connection(&mut told).client_identity = Some(named());
        assert_eq!(ask(&told).got, [Got::ClientCertificate]);
        told.wire.flows[0].tls.as_mut().unwrap().client_records = 0;
        assert_eq!(ask(&told).verdict, Verdict::Inconclusive, "the wire shows no record of the client's");
    }
}
