//! Secrets that show by their format alone: vendors' tokens, private keys, signed tokens, headers with a credential.
//!
//! The prefixes and lengths are those that the vendors publish for their tokens, so that leaked ones can be found.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;

use super::literals::Literals;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is, with its article (`a GitHub personal access token`).
    pub kind: &'static str,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// A vendor's sample, or a place-holder in the format.
    pub sample: bool,
}

/// What stands behind a prefix.
enum Tail {
    /// So many characters of an alphabet, at least and at most.
    Run(Alphabet, usize, usize),
    /// Whatever this function takes from the text at an offset: the bytes from before the prefix to the end.
    Other(fn(&str, usize) -> Option<Range<usize>>),
}

#[derive(Clone, Copy)]
enum Alphabet {
    /// `0-9a-f`.
    Hex,
    /// `A-Z0-9`.
    Upper,
    /// `0-9A-Za-z`.
    Alnum,
    /// Base64 for URLs: `0-9A-Za-z_-`.
    Url,
    /// [`Alphabet::Url`] and dots.
    Dotted,
    /// Base64 with its padding.
    Base64,
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Alphabet::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Alphabet::Upper => matches!(byte, b'0'..=b'9' | b'A'..=b'Z'),
            Alphabet::Alnum => byte.is_ascii_alphanumeric(),
            Alphabet::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Alphabet::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Alphabet::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
        }
    }
}

use Alphabet::{Alnum, Base64, Dotted, Hex, Upper, Url};
use Tail::{Other, Run};

/// Longest run that is looked at behind a prefix, in bytes.
const LONG: usize = 4096;

/// Prefix, what follows it, and what that is.
const FORMATS: &[(&str, Tail, &str)] = &[
    ("-----BEGIN ", Other(private_key), "a private key"),
    ("eyJ", Other(signed), "a signed token (JWT)"),
    ("AKIA", Run(Upper, 16, 16), "an AWS access key id"),
    ("ASIA", Run(Upper, 16, 16), "a temporary AWS access key id"),
    ("ABIA", Run(Upper, 16, 16), "an AWS bearer token id"),
    ("ghp_", Run(Alnum, 36, 255), "a GitHub personal access token"),
    ("gho_", Run(Alnum, 36, 255), "a GitHub OAuth token"),
    ("ghu_", Run(Alnum, 36, 255), "a GitHub user token"),
    ("ghs_", Run(Alnum, 36, 255), "a GitHub server token"),
    ("ghr_", Run(Alnum, 36, 255), "a GitHub refresh token"),
    ("github_pat_", Run(Url, 60, 255), "a GitHub personal access token"),
    ("glpat-", Run(Dotted, 20, 300), "a GitLab personal access token"),
    ("gldt-", Run(Url, 20, 64), "a GitLab deploy token"),
    ("glrt-", Run(Dotted, 20, 300), "a GitLab runner token"),
    ("glcbt-", Run(Url, 20, 80), "a GitLab job token"),
    ("glptt-", Run(Url, 40, 64), "a GitLab trigger token"),
    ("glsoat-", Run(Url, 20, 64), "a GitLab SCIM token"),
    ("glagent-", Run(Url, 50, 300), "a GitLab agent token"),
    ("gloas-", Run(Url, 64, 64), "a GitLab application secret"),
    ("xoxb-", Run(Url, 20, 200), "a Slack bot token"),
    ("xoxp-", Run(Url, 20, 200), "a Slack user token"),
    ("xoxa-", Run(Url, 20, 200), "a Slack app token"),
    ("xoxr-", Run(Url, 20, 200), "a Slack refresh token"),
    ("xoxs-", Run(Url, 20, 200), "a Slack session token"),
    ("xapp-", Run(Url, 40, 200), "a Slack app token"),
    ("hooks.slack.com/services/", Other(slack_hook), "a Slack webhook address"),
    ("discord.com/api/webhooks/", Other(discord_hook), "a Discord webhook address"),
    ("discordapp.com/api/webhooks/", Other(discord_hook), "a Discord webhook address"),
    (":AA", Other(telegram), "a Telegram bot token"),
    ("sk_live_", Run(Alnum, 16, 255), "a Stripe secret key"),
    ("rk_live_", Run(Alnum, 16, 255), "a Stripe restricted key"),
    ("sk_test_", Run(Alnum, 16, 255), "a Stripe test key"),
    ("whsec_", Run(Base64, 24, 128), "a webhook signing secret"),
    ("AIza", Run(Url, 35, 35), "a Google API key"),
    ("GOCSPX-", Run(Url, 28, 28), "a Google OAuth client secret"),
    ("ya29.", Run(Url, 40, LONG), "a Google access token"),
    ("npm_", Run(Alnum, 36, 36), "an npm token"),
    ("pypi-AgE", Run(Url, 50, LONG), "a PyPI token"),
    ("SG.", Other(sendgrid), "a SendGrid API key"),
    ("SK", Run(Hex, 32, 32), "a Twilio API key"),
    ("key-", Run(Hex, 32, 32), "a Mailgun API key"),
    ("xkeysib-", Run(Url, 64, 100), "a Brevo API key"),
    ("sk-ant-", Run(Url, 40, 200), "an Anthropic API key"),
    ("sk-proj-", Run(Url, 40, 255), "an OpenAI project key"),
    ("sk-svcacct-", Run(Url, 40, 255), "an OpenAI service account key"),
    ("sk-or-v1-", Run(Hex, 64, 64), "an OpenRouter API key"),
    ("sk-lf-", Run(Url, 36, 36), "a Langfuse secret key"),
    ("sk-", Run(Alnum, 40, 64), "an OpenAI API key"),
    ("gsk_", Run(Alnum, 40, 64), "a Groq API key"),
    ("xai-", Run(Alnum, 60, 100), "an xAI API key"),
    ("pplx-", Run(Alnum, 40, 64), "a Perplexity API key"),
    ("r8_", Run(Alnum, 37, 40), "a Replicate API token"),
    ("hf_", Run(Alnum, 34, 40), "a Hugging Face token"),
    ("dop_v1_", Run(Hex, 64, 64), "a DigitalOcean access token"),
    ("doo_v1_", Run(Hex, 64, 64), "a DigitalOcean OAuth token"),
    ("dor_v1_", Run(Hex, 64, 64), "a DigitalOcean refresh token"),
    ("AccountKey=", Run(Base64, 86, 90), "an Azure storage key"),
    ("SharedAccessKey=", Run(Base64, 43, 46), "an Azure shared access key"),
    ("Q~", Other(azure_client), "an Azure client secret"),
    ("HRKU-", Run(Url, 36, 80), "a Heroku API key"),
    ("shpat_", Run(Hex, 32, 32), "a Shopify access token"),
    ("shpca_", Run(Hex, 32, 32), "a Shopify custom app token"),
    ("shppa_", Run(Hex, 32, 32), "a Shopify private app token"),
    ("shpss_", Run(Hex, 32, 32), "a Shopify shared secret"),
    ("hvs.", Run(Url, 24, 255), "a Vault token"),
    ("hvb.", Run(Url, 24, 255), "a Vault batch token"),
    (".atlasv1.", Other(terraform), "an HCP Terraform token"),
    ("dapi", Run(Hex, 32, 32), "a Databricks token"),
    ("dp.pt.", Run(Alnum, 40, 44), "a Doppler token"),
    ("dp.st.", Run(Dotted, 40, 80), "a Doppler service token"),
    ("lin_api_", Run(Alnum, 40, 40), "a Linear API key"),
    ("ntn_", Run(Alnum, 40, 60), "a Notion token"),
    ("figd_", Run(Url, 40, 60), "a Figma token"),
    ("PMAK-", Run(Url, 59, 59), "a Postman API key"),
    ("NRAK-", Run(Upper, 27, 27), "a New Relic API key"),
    ("glsa_", Run(Url, 41, 41), "a Grafana service account token"),
    ("glc_", Run(Base64, 32, 400), "a Grafana Cloud token"),
    ("sntrys_", Run(Base64, 60, 400), "a Sentry organisation token"),
    ("sntryu_", Run(Hex, 64, 64), "a Sentry user token"),
    ("dt0c01.", Run(Dotted, 80, 120), "a Dynatrace token"),
    ("pscale_tkn_", Run(Dotted, 32, 64), "a PlanetScale token"),
    ("pscale_pw_", Run(Dotted, 32, 64), "a PlanetScale password"),
    ("dckr_pat_", Run(Url, 27, 64), "a Docker Hub token"),
    ("rubygems_", Run(Hex, 48, 48), "a RubyGems API key"),
    ("CLOJARS_", Run(Alnum, 60, 60), "a Clojars token"),
    ("ATATT3", Run(Base64, 100, 300), "an Atlassian API token"),
    ("ATBB", Run(Alnum, 28, 40), "a Bitbucket app password"),
    ("CCIPAT_", Run(Url, 40, 120), "a CircleCI token"),
    ("tskey-", Run(Url, 20, 120), "a Tailscale key"),
    ("sq0atp-", Run(Url, 22, 64), "a Square access token"),
    ("sq0csp-", Run(Url, 43, 64), "a Square secret"),
    ("AKCp", Run(Alnum, 60, 80), "an Artifactory API key"),
    ("AGE-SECRET-KEY-1", Run(Upper, 58, 58), "an age secret key"),
    ("LTAI", Run(Alnum, 20, 24), "an Alibaba Cloud access key id"),
    ("ops_eyJ", Run(Url, 200, LONG), "a 1Password service account token"),
    ("sbp_", Run(Hex, 40, 40), "a Supabase access token"),
    ("nfp_", Run(Alnum, 36, 40), "a Netlify token"),
    ("pul-", Run(Hex, 40, 40), "a Pulumi token"),
    ("pnu_", Run(Alnum, 36, 36), "a Prefect token"),
    ("FlyV1 fm", Run(Base64, 60, LONG), "a Fly.io token"),
    ("shippo_live_", Run(Hex, 40, 40), "a Shippo token"),
    ("CFPAT-", Run(Url, 43, 43), "a Contentful token"),
    ("EZAK", Run(Alnum, 54, 54), "an EasyPost API key"),
    ("rdme_", Run(Alnum, 60, 80), "a ReadMe API key"),
    ("phx_", Run(Alnum, 43, 60), "a PostHog API key"),
    ("lsv2_pt_", Run(Url, 40, 64), "a LangSmith API key"),
    ("tvly-", Run(Url, 32, 64), "a Tavily API key"),
];

/// Every prefix.
static PREFIXES: Literals<{ FORMATS.len() }> = {
    let mut prefixes = [""; FORMATS.len()];
    let mut at = 0;
    while at < FORMATS.len() {
        prefixes[at] = FORMATS[at].0;
        at += 1;
    }
    Literals::new(prefixes)
};

/// What every login in a header has.
static AUTHORIZATION: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| ["uthorization", "UTHORIZATION"].map(Finder::new));

/// A header that logs in, as configs, curl and nginx write it.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i-u)authorization\\?["']?\s*[:=]?\s*\\?["']?(basic|bearer|token)\s+([A-Za-z0-9+/=._~-]{12,})"#)
        .expect("the pattern is valid")
});

/// Shorter texts, in bytes, hold no token: most values that are asked about are words.
const SHORTEST: usize = 16;

/// The secrets in a text, sorted and without overlap.
pub fn find(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    if bytes.len() < SHORTEST {
        return Vec::new();
    }
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(hit) = PREFIXES.find_at(text, at) {
        // Prefixes may begin one another, so that each that fits here is tried.
        let rest = &text[hit.start..];
        let fits = FORMATS.iter().filter(|(prefix, ..)| rest.starts_with(prefix));
        let token = fits.filter_map(|(prefix, tail, kind)| take(text, hit.start, prefix, tail, kind)).next();
        at = hit.start + 1;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        if let Some(token) = token {
            at = at.max(token.range.end);
            if found.last().is_none_or(|last| last.range.end <= token.range.start) {
                found.push(token);
            }
        }
    }
    if AUTHORIZATION.iter().any(|name| name.find(bytes).is_some()) {
        for captures in HEADER.captures_iter(text) {
            let Some(value) = captures.get(2) else { continue };
            if found.iter().any(|token| token.range.start < value.end() && value.start() < token.range.end) {
                continue;
            }
            let sample = is_sample(value.as_str()) || !value.as_str().bytes().any(|byte| byte.is_ascii_digit());
            found.push(Token { kind: "a login in a header", range: value.range(), sample });
        }
        found.sort_by_key(|token| token.range.start);
    }
    found
}

fn take(text: &str, at: usize, prefix: &str, tail: &Tail, kind: &'static str) -> Option<Token> {
    let bytes = text.as_bytes();
    match tail {
        Run(alphabet, least, most) => {
            let boundary = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
            let start = at + prefix.len();
            let length = bytes[start..].iter().take(most + 1).take_while(|byte| alphabet.has(**byte)).count();
            let fits = boundary && (*least..=*most).contains(&length);
            let range = at..start + length;
            fits.then(|| Token { kind, sample: is_sample(&text[start..start + length]), range })
        }
        Other(function) => {
            let range = function(text, at)?;
            let sample = is_sample(&text[range.clone()]);
            Some(Token { kind, range, sample })
        }
    }
}

/// Whether a token is made up for an example: it says so, or hardly varies.
fn is_sample(token: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "EXAMPLE",
        "example",
        "xxxx",
        "XXXX",
        "0000000",
        "1234567890",
        "abcdefghij",
        "your",
        "YOUR",
        "dummy",
        "fake",
        "laceholder",
    ];
    let mut seen = [false; 256];
    token.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&seen| seen).count();
    distinct < 7 || SIGNS.iter().any(|sign| token.contains(sign)) || is_sample_claim(token)
}

/// The token of <https://jwt.io>, and the demonstration keys that Supabase ships with its Compose file.
fn is_sample_claim(token: &str) -> bool {
    let Some(payload) = token.starts_with("eyJ").then(|| token.split('.').nth(1)).flatten() else { return false };
    let payload = decode(payload);
    let has = |needle: &[u8]| memchr::memmem::find(&payload, needle).is_some();
    has(b"supabase-demo") || has(b"\"1234567890\"")
}

/// Base64 for URLs; what is no character of it ends it.
fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => break,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    out
}

/// The characters of `alphabet` from `at`, no more than `most`.
fn run(text: &str, at: usize, alphabet: Alphabet, most: usize) -> usize {
    text.as_bytes()[at..].iter().take(most).take_while(|byte| alphabet.has(**byte)).count()
}

/// `-----BEGIN … PRIVATE KEY-----` to its end, where a body stands behind it.
fn private_key(text: &str, at: usize) -> Option<Range<usize>> {
    /// A key of 16,384 bits takes some 12 KiB.
    const MAX: usize = 32 * 1024;
    let rest = &text[at + "-----BEGIN ".len()..];
    let label = rest.find("-----").filter(|&end| end < 40)?;
    if !rest[..label].contains("PRIVATE KEY") {
        return None;
    }
    let start = at + "-----BEGIN ".len() + label + 5;
    let end = text.len().min(start + MAX);
    let window = &text.as_bytes()[start..end];
    let close = memchr::memmem::find(window, b"-----END");
    let body = &window[..close.unwrap_or(window.len().min(4096))];
    let letters = body.iter().filter(|byte| Alphabet::Base64.has(**byte)).count();
    // What names the markers alone, as a test of a file does, holds no key.
    // Without an end it is cut at a number of bytes, which may be inside a character of what is no key.
    (letters >= 64).then(|| start..text.floor_char_boundary(start + body.len()))
}

/// `header.payload.signature`, each base64.
fn signed(text: &str, at: usize) -> Option<Range<usize>> {
    // A start inside a longer word is none, and looking behind each would take quadratic time.
    if at.checked_sub(1).is_some_and(|before| Url.has(text.as_bytes()[before])) {
        return None;
    }
    let header = run(text, at, Url, LONG);
    let payload_at = at + header + 1;
    if header < 16 || !text.as_bytes().get(at + header..)?.starts_with(b".eyJ") {
        return None;
    }
    let payload = run(text, payload_at, Url, LONG);
    let signature_at = payload_at + payload;
    if text.as_bytes().get(signature_at) != Some(&b'.') {
        return None;
    }
    let signature = run(text, signature_at + 1, Url, LONG);
    (payload >= 16 && signature >= 20).then(|| at..signature_at + 1 + signature)
}

/// `T…/B…/…`.
fn slack_hook(text: &str, at: usize) -> Option<Range<usize>> {
    let start = at + "hooks.slack.com/services/".len();
    let length = text.as_bytes()[start..]
        .iter()
        .take(200)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'/')
        .count();
    let path = &text[start..start + length];
    (path.starts_with('T') && length >= 30 && path.matches('/').count() == 2).then(|| start..start + length)
}

/// The number of the webhook, a slash and its token.
fn discord_hook(text: &str, at: usize) -> Option<Range<usize>> {
    let start = at + text[at..].find("/webhooks/")? + "/webhooks/".len();
    let digits = text.as_bytes()[start..].iter().take(24).take_while(|byte| byte.is_ascii_digit()).count();
    let token = start + digits + 1;
    if digits < 15 || text.as_bytes().get(token - 1) != Some(&b'/') {
        return None;
    }
    let length = run(text, token, Url, 128);
    (length >= 40).then(|| start..token + length)
}

/// The bot's number in front of the colon, 35 characters behind it.
fn telegram(text: &str, at: usize) -> Option<Range<usize>> {
    let digits = text.as_bytes()[..at].iter().rev().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let length = run(text, at + 1, Url, 64);
    ((8..=11).contains(&digits) && length == 35).then(|| at - digits..at + 1 + length)
}

/// `SG.`, 22 characters, a dot, 43 characters.
fn sendgrid(text: &str, at: usize) -> Option<Range<usize>> {
    let first = run(text, at + 3, Url, 64);
    let second = at + 3 + first + 1;
    if first != 22 || text.as_bytes().get(second - 1) != Some(&b'.') {
        return None;
    }
    let length = run(text, second, Url, 64);
    (length == 43).then(|| at..second + length)
}

/// Three characters, a digit, `Q~` and 31 to 34 characters.
fn azure_client(text: &str, at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(4)?;
    let bytes = text.as_bytes();
    let front =
        bytes[start..at - 1].iter().all(|byte| Dotted.has(*byte) || *byte == b'~') && bytes[at - 1].is_ascii_digit();
    let length = bytes[at + 2..].iter().take(40).take_while(|byte| Dotted.has(**byte) || **byte == b'~').count();
    (front && (31..=34).contains(&length)).then(|| start..at + 2 + length)
}

/// 14 characters in front of `.atlasv1.`, at least 60 behind it.
fn terraform(text: &str, at: usize) -> Option<Range<usize>> {
    let front = text.as_bytes()[..at].iter().rev().take(15).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let start = at + ".atlasv1.".len();
    let length = run(text, start, Url, 128);
    (front == 14 && length >= 60).then(|| at - front..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many characters that look random, made so that no token stands in this file.
    fn noise(length: usize, alphabet: &str) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length).map(|at| alphabet[(at * 7 + at * at * 3 + 5) % alphabet.len()]).collect()
    }

    const MIXED: &str = "aB3dE6gH9jKmN0pQrStUvWxYz";

    #[test]
    fn every_format_is_found_between_quotes_and_nothing_around_it() {
        for (prefix, tail, kind) in FORMATS {
            let Run(alphabet, least, _) = tail else { continue };
            let characters = match alphabet {
                Hex => "0a1b2c3d4e5f6978",
                Upper => "A7B2C3D4E5F6G8H9",
                _ => MIXED,
            };
            let token = format!("{prefix}{}", noise(*least, characters));
            let text = format!("x: \"{token}\" # end");
            let found = find(&text);
            assert_eq!(found.len(), 1, "{kind}: {found:?}");
            assert!(!found[0].sample && text[found[0].range.clone()] == token, "{kind}");
        }
    }

    #[test]
    fn formats_of_several_parts_are_found() {
        let part = |length| noise(length, MIXED);
        let key = format!("-----BEGIN RSA {} KEY-----\n{}\n-----END", "PRIVATE", part(200));
        for (text, kind) in [
            (format!("eyJ{}.eyJ{}.{}", part(20), part(40), part(43)), "a signed token (JWT)"),
            (
                format!("https://hooks.slack.com/services/T{}/B{}/{}", part(9), part(10), part(24)),
                "a Slack webhook address",
            ),
            (format!("https://discord.com/api/webhooks/123451234512345123/{}", part(68)), "a Discord webhook address"),
            (format!("987612345:AA{}", part(33)), "a Telegram bot token"),
            (format!("SG.{}.{}", part(22), part(43)), "a SendGrid API key"),
            (format!("abc8Q~{}", part(33)), "an Azure client secret"),
            (format!("{}.atlasv1.{}", part(14), part(64)), "an HCP Terraform token"),
            (format!("proxy_set_header Authorization \"Basic {}\"", part(20)), "a login in a header"),
            (key, "a private key"),
        ] {
            let found = find(&text);
            assert!(found.len() == 1 && found[0].kind == kind && !found[0].sample, "{text}: {found:?}");
        }
    }

    #[test]
    fn a_key_without_an_end_is_cut_between_characters() {
        let text = format!("-----BEGIN {} KEY-----\n{}é{}", "PRIVATE", "A".repeat(4094), "é".repeat(20_000));
        let found = find(&text);
        assert!(
            found.len() == 1 && text.get(found[0].range.clone()).is_some_and(|key| key.ends_with('A')),
            "{found:?}"
        );
    }

    #[test]
    fn samples_and_lookalikes_are_told_apart() {
        let sample = find("AKIAIOSFODNN7EXAMPLE");
        assert!(sample.len() == 1 && sample[0].sample);
        for text in
            ["ghp_short", "sk-1234", "SKIP_THIS", "key-value", "xAKIAA7B2C3D4E5F6G8H9", "grep 'BEGIN PRIVATE KEY'"]
        {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
