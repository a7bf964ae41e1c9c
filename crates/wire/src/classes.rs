//! Classes of data in values: tokens, keys, e-mail addresses, card numbers and so on, by their form.
//!
//! A false alarm counts as a fault. Where a form alone says too little, more is asked for: a JWT must
//! decode, a card number must pass its check digit, belong to an issuer, and be in groups or near a word that names
//! it, a session id must look random.

mod email;
mod iban;
mod marks;
mod numbers;
mod sieve;
mod survey;
mod tokens;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use marks::Mark;
use sieve::Sieve;
use std::ops::Range;

/// Most findings in one value.
pub const MAX_FINDINGS: usize = 256;

/// Fewer digits are in no number that is looked for: six are in `AB123456C`, seven in some account
/// numbers.
const FEWEST_DIGITS: usize = 6;
/// The shortest that is looked for: `ab@cd.ef`.
const SHORTEST: usize = 8;
/// How much of the end of a name is looked at.
const MAX_NAME: usize = 64;

/// What a piece of a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `Bearer` and a token that is no JWT (RFC 6750).
    BearerToken,
    /// A JSON web token (RFC 7519), signed or encrypted.
    Jwt,
    /// The id of a session: by its name, or a random value of a cookie.
    Session,
    /// A private key in PEM (RFC 7468, OpenSSH, PGP).
    PrivateKey,
    /// An access key id or a secret access key of AWS.
    AwsKey,
    /// The key file of a Google Cloud service account.
    GcpServiceAccount,
    /// A shared key of Azure.
    AzureKey,
    /// A token of GitHub.
    GithubToken,
    /// A token of Slack.
    SlackToken,
    /// A secret key of Stripe.
    StripeKey,
    /// An e-mail address.
    Email,
    /// The number of a payment card.
    Card,
    /// An international bank account number (ISO 13616).
    Iban,
    /// A number like that of a person (United States, United Kingdom). Looked for only when asked.
    NationalId,
}

impl Class {
    /// As it is written in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BearerToken => "bearer-token",
            Self::Jwt => "jwt",
            Self::Session => "session",
            Self::PrivateKey => "private-key",
            Self::AwsKey => "aws-key",
            Self::GcpServiceAccount => "gcp-service-account",
            Self::AzureKey => "azure-key",
            Self::GithubToken => "github-token",
            Self::SlackToken => "slack-token",
            Self::StripeKey => "stripe-key",
            Self::Email => "email",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::NationalId => "national-id",
        }
    }
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub class: Class,
    /// Which bytes of the value.
    pub range: Range<usize>,
}

/// What the words of the first pass introduce.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    Jwt,
    Bearer,
    Pem,
    CookieHeader,
    SessionName,
    SessionKey,
    AwsId,
    AwsSecret,
    Gcp,
    Azure(usize),
    Github,
    GithubFine,
    Slack,
    Stripe,
}

/// Words that introduce something, in the cases in which they are written. None is a part of another
/// unless it is a later part of it.
const ANCHORS: [(&str, Anchor); 46] = [
    ("eyJ", Anchor::Jwt),
    ("earer ", Anchor::Bearer),
    ("EARER ", Anchor::Bearer),
    ("-----BEGIN ", Anchor::Pem),
    ("ookie:", Anchor::CookieHeader),
    ("OOKIE:", Anchor::CookieHeader),
    ("PHPSESSID", Anchor::SessionName),
    ("JSESSIONID", Anchor::SessionName),
    ("ASP.NET_SessionId", Anchor::SessionName),
    ("connect.sid", Anchor::SessionName),
    ("laravel_session", Anchor::SessionName),
    ("sessionid", Anchor::SessionName),
    ("sessionId", Anchor::SessionName),
    ("SESSIONID", Anchor::SessionName),
    ("session_id", Anchor::SessionName),
    ("SESSION_ID", Anchor::SessionName),
    ("session_token", Anchor::SessionName),
    ("sessionToken", Anchor::SessionName),
    ("sess:", Anchor::SessionKey),
    ("session:", Anchor::SessionKey),
    ("sessions:", Anchor::SessionKey),
    ("PHPREDIS_SESSION:", Anchor::SessionKey),
    ("AKIA", Anchor::AwsId),
    ("ASIA", Anchor::AwsId),
    ("aws_secret_access_key", Anchor::AwsSecret),
    ("AWS_SECRET_ACCESS_KEY", Anchor::AwsSecret),
    ("SecretAccessKey", Anchor::AwsSecret),
    ("secretAccessKey", Anchor::AwsSecret),
    ("service_account", Anchor::Gcp),
    ("AccountKey=", Anchor::Azure(88)),
    ("SharedAccessKey=", Anchor::Azure(44)),
    ("ghp_", Anchor::Github),
    ("gho_", Anchor::Github),
    ("ghu_", Anchor::Github),
    ("ghs_", Anchor::Github),
    ("ghr_", Anchor::Github),
    ("github_pat_", Anchor::GithubFine),
    ("xoxa-", Anchor::Slack),
    ("xoxb-", Anchor::Slack),
    ("xoxp-", Anchor::Slack),
    ("xoxr-", Anchor::Slack),
    ("xoxs-", Anchor::Slack),
    ("xapp-", Anchor::Slack),
    ("k_live_", Anchor::Stripe),
    ("k_test_", Anchor::Stripe),
    ("whsec_", Anchor::Stripe),
];

/// Looks for classes. Made once, used for every value.
#[derive(Debug)]
pub struct Classifier {
    sieve: Sieve,
    anchors: AhoCorasick,
    national_ids: bool,
}

impl Classifier {
    /// `national_ids`: look for numbers like those of persons too.
    ///
    /// # Panics
    /// Never: the words are fixed and few.
    pub fn new(national_ids: bool) -> Self {
        let words = ANCHORS.iter().map(|(word, _)| word);
        let anchors = AhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::DFA))
            .build(words)
            .expect("46 short words fit");
        Self { sieve: Sieve::new(), anchors, national_ids }
    }

    /// Classes in a value, in the order of their places, at most [`MAX_FINDINGS`]. `name` is the key or
    /// field that holds the value, or empty: `order:17` makes a number no card.
    pub fn find(&self, name: &[u8], value: &[u8]) -> Vec<Finding> {
        let mut findings = Findings::default();
        if value.len() < SHORTEST {
            return findings.0;
        }
        let name = name.get(name.len().saturating_sub(MAX_NAME)..).unwrap_or_default();
        if self.sieve.may_hold(value) {
            self.anchored(value, &mut findings);
        }
        email::each(value, &mut |at| findings.add(Class::Email, email::address(value, at)));
        self.numbers(name, value, &mut findings);
        findings.0.sort_by_key(|finding| (finding.range.start, finding.class));
        findings.0
    }

    fn numbers(&self, name: &[u8], value: &[u8], findings: &mut Findings) {
        let (mut cards, mut accounts) = (Findings::default(), Findings::default());
        marks::pass(value, &mut |mark, start| match mark {
            Mark::Run if numbers::may_be_card(value, start) => {
                cards.add(Class::Card, numbers::card(name, value, start));
            }
            Mark::Account if iban::may_begin(value, start) => {
                accounts.add(Class::Iban, iban::number(value, start));
            }
            Mark::Run | Mark::Account => {}
        });
        if (self.national_ids || !cards.0.is_empty() || !accounts.0.is_empty())
            && value.iter().filter(|byte| byte.is_ascii_digit()).count() >= FEWEST_DIGITS
        {
            for number in cards.0.into_iter().chain(accounts.0) {
                findings.add(number.class, Some(number.range));
            }
            if self.national_ids {
                numbers::each_run(value, &mut |start, _| {
                    findings.add(Class::NationalId, numbers::national_id(value, start));
                });
            }
        }
    }

    fn anchored(&self, value: &[u8], findings: &mut Findings) {
        let (mut gcp_done, mut cookies_to) = (false, 0);
        for hit in self.anchors.find_iter(value) {
            if findings.0.len() >= MAX_FINDINGS {
                return;
            }
            let (start, end) = (hit.start(), hit.end());
            let Some((_, anchor)) = ANCHORS.get(hit.pattern().as_usize()) else { continue };
            let (class, range) = match anchor {
                Anchor::Jwt => (Class::Jwt, tokens::jwt(value, start)),
                Anchor::Bearer => (Class::BearerToken, tokens::bearer(value, start, end)),
                Anchor::Pem => (Class::PrivateKey, tokens::private_key(value, start, end)),
                // It lies within a cookie.
                Anchor::CookieHeader if start < cookies_to => continue,
                Anchor::CookieHeader => {
                    cookies_to = tokens::cookies(value, start, end, &mut |range| {
                        findings.add(Class::Session, Some(range));
                    });
                    continue;
                }
                Anchor::SessionName => (Class::Session, tokens::named_session(value, start, end)),
                Anchor::SessionKey => (Class::Session, tokens::session_key(value, start, end)),
                Anchor::AwsId => (Class::AwsKey, tokens::aws_id(value, start)),
                Anchor::AwsSecret => (Class::AwsKey, tokens::aws_secret(value, end)),
                Anchor::Gcp if std::mem::replace(&mut gcp_done, true) => continue,
                Anchor::Gcp => (Class::GcpServiceAccount, tokens::service_account(value, start, end)),
                Anchor::Azure(length) => (Class::AzureKey, tokens::azure_key(value, end, *length)),
                Anchor::Github => (Class::GithubToken, tokens::github(value, start, end)),
                Anchor::GithubFine => (Class::GithubToken, tokens::github_fine(value, start, end)),
                Anchor::Slack => (Class::SlackToken, tokens::slack(value, start, end)),
                Anchor::Stripe => (Class::StripeKey, tokens::stripe(value, start, end)),
            };
            findings.add(class, range);
        }
    }
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, class: Class, range: Option<Range<usize>>) {
        if let Some(range) = range
            && self.0.len() < MAX_FINDINGS
            && !self.0.iter().rev().take(8).any(|finding| finding.class == class && finding.range == range)
        {
            self.0.push(Finding { class, range });
        }
    }
}

/// Whether nothing that could belong to a word stands before this place.
fn begins_word(value: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| value.get(at));
    before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-'))
        // The `n` of an escaped line end.
        || start >= 2 && value.get(start - 2..start).is_some_and(|before| matches!(before, b"\\n" | b"\\r" | b"\\t"))
}

/// The end of the bytes from `start` on that pass.
fn run(value: &[u8], start: usize, pass: impl Fn(&u8) -> bool) -> usize {
    start + value.get(start..).unwrap_or_default().iter().take_while(|byte| pass(byte)).count()
}

#[cfg(test)]
#[path = "classes_tests.rs"]
mod tests;
