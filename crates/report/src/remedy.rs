//! What to write in an application, client by client, where it differs from one to another.

use wirelab_model::Weakness;

/// Clients and what mends them, in the order in which people are told. Empty where all of them get it
/// right unless somebody switches it off.
pub(crate) fn remedies(weakness: Weakness) -> &'static [(&'static str, &'static str)] {
    match weakness {
        Weakness::NoTls => &NO_TLS,
        Weakness::Chain => &CHAIN,
        Weakness::Name => &NAME,
        Weakness::Usage => &USAGE,
        Weakness::Time | Weakness::Constraint | Weakness::Encoding => &WHOLE_RESULT,
        Weakness::Key => &KEY,
        Weakness::Revocation => &REVOCATION,
        Weakness::Version => &VERSION,
        Weakness::Redirect => &REDIRECT,
        Weakness::ClientCertificate => &CLIENT_CERTIFICATE,
        Weakness::Integrity | Weakness::Handshake | Weakness::Fallback | Weakness::Robustness => &[],
    }
}

const NO_TLS: [(&str, &str); 6] = [
    (
        "StackExchange.Redis",
        "`ssl=true`; `sslHost=` alone leaves TLS off, and `sslcert=`, `sslkey=` are no keys of it",
    ),
    (
        "redis-py",
        "`rediss://` or `ssl=True`; `ssl_ca_certs=` alone leaves TLS off; Sentinel needs `sentinel_kwargs` too",
    ),
    (
        "node-redis",
        "`rediss://` or `socket: { tls: true }`, exactly `true`; `tls` outside of `socket` does nothing",
    ),
    ("go-redis", "`rediss://` or `TLSConfig: &tls.Config{…}`"),
    ("Jedis", "`rediss://` or `.ssl(true)` with `SslOptions`"),
    ("Lettuce", "`rediss://` or `RedisURI.Builder.withSsl(true)`"),
];

const CHAIN: [(&str, &str); 6] = [
    (
        "StackExchange.Redis",
        "2.8.16 or newer with `TrustIssuer(\"ca.crt\")`; no `CertificateValidation` that returns true; Microsoft's cache package brings 2.7.27, so name StackExchange.Redis itself",
    ),
    ("redis-py", "`ssl_ca_certs=\"ca.crt\"`; no `ssl_cert_reqs=\"none\"`"),
    ("node-redis", "`socket: { tls: true, ca }`; no `rejectUnauthorized: false`"),
    ("go-redis", "`tls.Config{RootCAs: pool}`; no `InsecureSkipVerify`, no `skip_verify=true` in a URL"),
    ("Jedis", "`SslOptions` with a trust store; no `SslVerifyMode.INSECURE`"),
    ("Lettuce", "`SslOptions` with a trust store; no `withVerifyPeer(false)`, no `verifyPeer=NONE`"),
];

const NAME: [(&str, &str); 6] = [
    (
        "StackExchange.Redis",
        "name what the certificate says with `sslHost=`; a callback must not drop `RemoteCertificateNameMismatch`",
    ),
    ("redis-py", "6.0.0 or newer; before that `ssl_check_hostname=True`"),
    (
        "node-redis",
        "checked unless `checkServerIdentity` is replaced; give `servername` where one dials an address",
    ),
    ("go-redis", "checked unless `InsecureSkipVerify`; `ServerName` says another name"),
    (
        "Jedis",
        "7.5.0 or newer, or `SslVerifyMode.FULL`; own `SSLParameters` need `setEndpointIdentificationAlgorithm(\"HTTPS\")`",
    ),
    ("Lettuce", "`SslVerifyMode.FULL`, the default; `CA` leaves the name out"),
];

const USAGE: [(&str, &str); 2] = [
    ("StackExchange.Redis", "2.8.0 or newer: `TrustIssuer` before it did not look at the usage"),
    ("others", "checked by the TLS library unless a callback of yours decides alone"),
];

const WHOLE_RESULT: [(&str, &str); 3] = [
    (
        "StackExchange.Redis",
        "a `CertificateValidation` callback returns true for `SslPolicyErrors.None` only; `TrustIssuer` from 2.8.16 on",
    ),
    (
        "go-redis",
        "with `VerifyPeerCertificate` call `x509.Certificate.Verify` yourself, with a name and the present time",
    ),
    ("others", "keep the verification of the TLS library, and remove switches that turn parts of it off"),
];

const KEY: [(&str, &str); 5] = [
    (
        "StackExchange.Redis",
        "with OpenSSL: `CipherString = DEFAULT@SECLEVEL=2` in `openssl.cnf`; a chain that `TrustIssuer` accepts is not held to it",
    ),
    ("redis-py", "`ssl_ciphers=\"DEFAULT@SECLEVEL=2\"`"),
    ("node-redis", "`socket: { ciphers: \"DEFAULT@SECLEVEL=2\" }`"),
    ("go-redis", "RSA below 1024 bits is refused; look at `PeerCertificates` for more"),
    ("Jedis and Lettuce", "`jdk.certpath.disabledAlgorithms` in `java.security`"),
];

const REVOCATION: [(&str, &str); 5] = [
    ("StackExchange.Redis", "`checkCertificateRevocation=true`, the default; `TrustIssuer` does not ask"),
    ("redis-py", "`ssl_validate_ocsp_stapled=True` (needs cryptography and pyOpenSSL)"),
    ("node-redis", "none built in: `requestOCSP` and a listener of your own"),
    ("go-redis", "none built in: `VerifyConnection` with `OCSPResponse`"),
    (
        "Jedis and Lettuce",
        "`com.sun.net.ssl.checkRevocation=true` and `jdk.tls.client.enableStatusRequestExtension=true`",
    ),
];

const VERSION: [(&str, &str); 6] = [
    ("StackExchange.Redis", "`sslProtocols=Tls12|Tls13`"),
    ("redis-py", "`ssl_min_version=ssl.TLSVersion.TLSv1_2`"),
    ("node-redis", "`socket: { minVersion: \"TLSv1.2\" }`"),
    ("go-redis", "`tls.Config{MinVersion: tls.VersionTLS12}`"),
    ("Jedis", "`SslOptions.builder().sslProtocol(…)` or `SSLParameters.setProtocols`"),
    ("Lettuce", "`SslOptions.builder().protocols(\"TLSv1.2\", \"TLSv1.3\")`"),
];

const REDIRECT: [(&str, &str); 6] = [
    (
        "StackExchange.Redis",
        "TLS stays on for all nodes; each is checked against the seed's name or `sslHost=`",
    ),
    ("redis-py", "TLS stays on in a cluster; for Sentinel give `sentinel_kwargs={\"ssl\": True, …}` too"),
    (
        "node-redis",
        "put TLS into `defaults: { socket: { tls: true, ca } }`: `rootNodes` alone leaves other nodes in plaintext",
    ),
    ("go-redis", "TLS stays on; `ParseClusterURL` checks each node against the seed's name"),
    ("Jedis", "TLS stays on; 7.5.0 or newer for the name of each node"),
    ("Lettuce", "TLS stays on; each node is checked against its own name"),
];

const CLIENT_CERTIFICATE: [(&str, &str); 6] = [
    (
        "StackExchange.Redis",
        "`SetUserPemCertificate` or `SetUserPfxCertificate`; a missing file in `SERedis_ClientCertPemPath` means no certificate, silently",
    ),
    ("redis-py", "`ssl_certfile=`, `ssl_keyfile=`"),
    ("node-redis", "`socket: { tls: true, cert, key }`"),
    ("go-redis", "`tls.Config{Certificates: …}`"),
    ("Jedis", "`SslOptions` with a key store"),
    ("Lettuce", "`SslOptions` with `keystore` or `keyManager`"),
];
