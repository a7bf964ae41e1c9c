//! Somebody listens, where more than the session itself gives a client away.

use crate::attack::eavesdrop;
use crate::{Finding, wire};
use wirelab_model::{CertificateSeen, ClientEnd, Direction, Got, Trial, Verdict};

/// A client at a port that speaks TLS alone. What it says in clear before the server turns it away counts as
/// what it says in a session.
pub(crate) fn tls_port(trial: &Trial) -> Finding {
    let found = eavesdrop(trial);
    if found.verdict == Verdict::Compromised && trial.stored == Some(true) {
        return Finding::inconclusive(
            "the server took a session in clear, so its port does not speak TLS alone",
        );
    }
    found
}

/// A good server of TLS 1.2 that demands a certificate: it goes by in clear.
pub(crate) fn overhear(trial: &Trial) -> Finding {
    let flows = || wire::to_peer(trial).filter_map(|flow| flow.tls.as_ref());
    let overheard = flows().find_map(|tls| tls.client_certificate.as_ref());
    if let Some(CertificateSeen { subject, issuer, .. }) = overheard {
        let mut got = wire::leaked(&trial.wire);
        got.push(Got::ClientCertificate);
        return Finding::compromised(
            got,
            format!("readable on the wire: the client's certificate, {subject}, signed by {issuer}"),
        );
    }
    let refused = flows().any(|tls| {
        let fatal = |from| tls.alerts.iter().any(|alert| alert.fatal && alert.from == from);
        tls.client_hello && (fatal(Direction::Server) || fatal(Direction::Client))
    });
    let failed = matches!(trial.client.end, ClientEnd::Failed { .. });
    if !(wire::leaked(&trial.wire).is_empty() && refused && failed) {
        return eavesdrop(trial);
    }
    match wire::capture_fault(trial) {
        Some(fault) => Finding::inconclusive(fault),
        None => Finding::secure("the client does not speak TLS 1.2, and showed no certificate in clear"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{good, refusal};
    use wirelab_model::{TlsAlertSeen, Transport};

    #[test]
    fn a_password_in_clear_is_lost_although_the_port_does_not_take_it() {
        let mut trial = good(Transport::Plaintext);
        trial.stored = Some(false);
        trial.client.end = ClientEnd::Failed { code: None };
        assert_eq!(tls_port(&trial).verdict, Verdict::Compromised);
        trial.stored = Some(true);
        assert_eq!(tls_port(&trial).verdict, Verdict::Inconclusive, "it took it");
        assert_eq!(tls_port(&good(Transport::Tls)).verdict, Verdict::Secure);
    }

    #[test]
    fn a_certificate_in_clear_is_overheard_and_one_in_tls13_is_not() {
        let mut trial = good(Transport::Mtls);
        assert_eq!(overhear(&trial).verdict, Verdict::Secure);
        let tls = trial.wire.flows[0].tls.as_mut().unwrap();
        tls.client_certificate = Some(CertificateSeen::default());
        assert_eq!(overhear(&trial).got, [Got::ClientCertificate]);
    }

    #[test]
    fn who_does_not_speak_tls12_shows_nothing() {
        let mut trial = refusal();
        assert_eq!(overhear(&trial).verdict, Verdict::Inconclusive, "no alert was seen");
        let tls = trial.wire.flows[0].tls.as_mut().unwrap();
        let description = "protocol_version".into();
        tls.alerts.push(TlsAlertSeen { from: Direction::Server, description, fatal: true });
        assert_eq!(overhear(&trial).verdict, Verdict::Secure);
        trial.wire.dropped = 1;
        assert_eq!(overhear(&trial).verdict, Verdict::Inconclusive, "a hole in the capture");
    }
}
