//! Which names are those of credentials.

use std::ops::Range;

/// What kind of credential a name speaks of. It decides how a value is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// Some key: only a value that looks random is a secret.
    Key,
    /// Issued by someone else (an API key, an access token): an example value does not work anywhere.
    Token,
    /// Chosen by whoever deploys: a signing key, a shared secret.
    Secret,
    /// A password.
    Password,
}

/// Longest name that is looked at, in bytes.
const MAX_NAME: usize = 128;

/// Stems of which a credential's name has at least one.
const STEMS: [&[u8]; 11] =
    [b"pass", b"pwd", b"secret", b"token", b"key", b"cred", b"auth", b"salt", b"cookie", b"pword", b"_pw"];

/// Last words of names that say something about a credential and are not one.
const ABOUT: &[&str] = &[
    "access",
    "age",
    "alg",
    "algo",
    "algorithm",
    "alias",
    "arn",
    "attempts",
    "attribute",
    "audience",
    "auth",
    "authentication",
    "authenticator",
    "backend",
    "backends",
    "bits",
    "bucket",
    "change",
    "charset",
    "checksum",
    "claim",
    "class",
    "complexity",
    "cost",
    "count",
    "days",
    "dir",
    "directory",
    "domain",
    "email",
    "enabled",
    "encoder",
    "encryption",
    "endpoint",
    "engine",
    "environment",
    "exp",
    "expiration",
    "expire",
    "expires",
    "expiry",
    "field",
    "file",
    "filename",
    "files",
    "fingerprint",
    "format",
    "generator",
    "grace",
    "hash",
    "hasher",
    "hashes",
    "header",
    "hint",
    "host",
    "hours",
    "id",
    "ids",
    "index",
    "interval",
    "issuer",
    "json",
    "label",
    "len",
    "length",
    "level",
    "lifespan",
    "lifetime",
    "limit",
    "limits",
    "link",
    "list",
    "location",
    "login",
    "manager",
    "max",
    "message",
    "method",
    "methods",
    "min",
    "minutes",
    "mode",
    "mount",
    "name",
    "names",
    "number",
    "only",
    "option",
    "options",
    "param",
    "parameter",
    "path",
    "paths",
    "pattern",
    "period",
    "policy",
    "port",
    "prefix",
    "prompt",
    "property",
    "provider",
    "ref",
    "refresh",
    "regex",
    "region",
    "reset",
    "rotation",
    "rounds",
    "rule",
    "rules",
    "scheme",
    "scope",
    "scopes",
    "seconds",
    "service",
    "size",
    "source",
    "state",
    "status",
    "storage",
    "store",
    "strategy",
    "strength",
    "string",
    "suffix",
    "template",
    "text",
    "threshold",
    "timeout",
    "title",
    "ttl",
    "type",
    "types",
    "uri",
    "url",
    "user",
    "username",
    "users",
    "validation",
    "validator",
    "validators",
    "validity",
    "version",
    "volume",
    "window",
];

/// Words that make a name something else wherever they stand.
const ELSEWHERE: &[&str] = &[
    "allow",
    "allowed",
    "public",
    "pub",
    "publishable",
    "disable",
    "disabled",
    "enable",
    "enabled",
    "empty",
    "forgot",
    "min",
    "max",
    "no",
    "prompt",
    "random",
    "require",
    "required",
    "requires",
    "skip",
    "use",
    "without",
    "with",
    "validate",
    "verify",
    "tokenizer",
    "tokenizers",
    "fingerprint",
    "dummy",
    "sock",
    "gpg",
    "pgp",
    "stdin",
    "reset",
];

/// Words that may stand behind the one that says what a credential is.
const BEHIND: &[&str] = &[
    "admin",
    "root",
    "value",
    "prod",
    "production",
    "dev",
    "development",
    "staging",
    "default",
    "plain",
    "plaintext",
    "base",
    "new",
    "old",
    "current",
    "key",
    "primary",
    "secondary",
    "main",
    "raw",
    "override",
];

/// What a key is for that whoever deploys makes up.
const CHOSEN_KEYS: &[&str] = &[
    "secret",
    "encryption",
    "encrypt",
    "encrypted",
    "enc",
    "signing",
    "sign",
    "signature",
    "master",
    "app",
    "application",
    "session",
    "cookie",
    "hmac",
    "crypto",
    "cipher",
    "crypt",
    "jwt",
    "private",
    "security",
    "deterministic",
    "db",
    "otp",
    "settings",
    "unseal",
];

/// What a key is for that someone else issues.
const ISSUED_KEYS: &[&str] =
    &["api", "access", "account", "auth", "admin", "service", "subscription", "deploy", "license", "licence", "shared"];

/// What a key is for that is no credential.
const PLAIN_KEYS: &[&str] = &[
    "cache",
    "sort",
    "partition",
    "primary",
    "foreign",
    "site",
    "object",
    "map",
    "routing",
    "hot",
    "range",
    "hash",
    "index",
    "group",
    "row",
    "column",
    "sharding",
    "shard",
    "lookup",
    "json",
    "registry",
    "config",
    "setting",
    "label",
    "tag",
    "metadata",
    "host",
    "ssl",
    "tls",
    "keyboard",
    "archive",
    "keyring",
    "apt",
    "rpm",
    "release",
    "distribution",
];

/// What the name of a variable, an option or a flag says its value is; nothing where it is no credential.
pub fn shape(name: &str) -> Option<Shape> {
    if !has_stem(name) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let words = words(name, &lower);
    let last = *words.last()?;
    if words.iter().any(|word| ELSEWHERE.contains(word)) || (words.len() > 1 && ABOUT.contains(&last)) {
        return match words[..] {
            ["redis", "auth"] => Some(Shape::Password),
            _ => None,
        };
    }
    kinds(&words).max()
}

/// Whether a value under this name is kept out of every output: wider than [`shape`], since a secret that is shown does
/// harm and a plain value that is not shown does none.
pub fn is_sensitive(name: &str) -> bool {
    if !has_stem(name) {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let words = words(name, &lower);
    let public = words.iter().any(|word| matches!(*word, "public" | "pub" | "publishable" | "gpg" | "pgp" | "sock"));
    let about = |word: &&str| {
        ["password", "passwd", "passphrase", "secret"].iter().any(|ending| word.ends_with(ending))
            || matches!(*word, "secrets" | "credentials")
    };
    let last = words.last().copied().unwrap_or_default();
    // Traefik's labels have users and the hashes of their passwords in one.
    let users = last == "users" && ["basicauth", "digestauth"].iter().any(|auth| words.concat().contains(auth));
    let named = kinds(&words).next().is_some() || last == "auth" || users || words.iter().any(about);
    !public && named
}

/// What each word of a name says.
fn kinds<'a>(words: &'a [&'a str]) -> impl Iterator<Item = Shape> + 'a {
    let end = words.len();
    words.iter().enumerate().filter_map(move |(at, &word)| {
        let last = at + 1 == end;
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        let ends = |ending: &[&str]| ending.iter().any(|ending| word.ends_with(ending));
        // What may stand behind the word that says it: `PASSWORD_ADMIN`.
        let closes = last || words[at + 1..].iter().all(|word| BEHIND.contains(word));
        const PASSWORDS: [&str; 8] =
            ["password", "passwd", "passphrase", "passwort", "pword", "passcode", "requirepass", "masterauth"];
        if closes && ends(&PASSWORDS) {
            return Some(Shape::Password);
        }
        // `proxy_pass` and the like are directives of nginx.
        let directive = ["proxy", "fastcgi", "uwsgi", "scgi", "grpc", "by", "memcached", "auth"].contains(&before);
        if last && word.ends_with("pass") && !matches!(word, "bypass" | "compass" | "sshpass") && !directive {
            return Some(Shape::Password);
        }
        if last && word.ends_with("pwd") && end + usize::from(word.len() > 3) > 1 && word != "oldpwd" {
            return Some(Shape::Password);
        }
        if last && word == "pw" && at > 0 {
            return Some(Shape::Password);
        }
        if closes && ends(&["secret", "secretkey"]) || last && matches!(word, "salt" | "creds") {
            return Some(Shape::Secret);
        }
        if last && matches!(word, "credential" | "credentials") || word == "cookie" && before == "erlang" {
            return Some(Shape::Secret);
        }
        if last && ends(&["token", "apikey", "authkey", "accesskey"]) {
            return Some(Shape::Token);
        }
        // `SECRET_KEY_BASE`: what Rails derives its keys from.
        let key = word == "key" && (last || words[at + 1..] == ["base"]);
        let base = at >= 1 && word == "key" && !last;
        match before {
            _ if !key => None,
            _ if CHOSEN_KEYS.contains(&before) || base => Some(Shape::Secret),
            _ if ISSUED_KEYS.contains(&before) => Some(Shape::Token),
            "" => None,
            // `ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY` of Rails.
            "primary" if at >= 2 && CHOSEN_KEYS.contains(&words[at - 2]) => Some(Shape::Secret),
            _ if PLAIN_KEYS.contains(&before) => None,
            _ => Some(Shape::Key),
        }
    })
}

/// Whether a name holds one of [`STEMS`], in any case.
fn has_stem(name: &str) -> bool {
    let bytes = name.as_bytes();
    let starts = |at: usize| {
        let rest = &bytes[at..];
        STEMS.iter().any(|stem| rest.len() >= stem.len() && rest[..stem.len()].eq_ignore_ascii_case(stem))
    };
    // The first two letters of the stems rule nearly all places out at once.
    let first = |pair: &[u8]| {
        matches!(
            (pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase()),
            (b'p', b'a' | b'w')
                | (b's', b'e' | b'a')
                | (b't', b'o')
                | (b'k', b'e')
                | (b'c', b'r' | b'o')
                | (b'a', b'u')
                | (b'_', b'p')
        )
    };
    bytes.len() <= MAX_NAME && bytes.windows(2).enumerate().any(|(at, pair)| first(pair) && starts(at))
}

/// The words of a name in lower case: what stands between signs, and what camel case sets apart; digits behind a word do
/// not count. `lower` is the name in lower case, which they are parts of.
fn words<'a>(name: &str, lower: &'a str) -> Vec<&'a str> {
    let bytes = name.as_bytes();
    let mut words = Vec::with_capacity(8);
    let mut start = 0;
    let mut close = |word: Range<usize>| {
        let trimmed = lower[word].trim_end_matches(|c: char| c.is_ascii_digit());
        if !trimmed.is_empty() {
            words.push(trimmed);
        }
    };
    for (at, &byte) in bytes.iter().enumerate() {
        if !byte.is_ascii_alphanumeric() {
            // Between the bytes of a longer character there is nothing to close.
            if start < at {
                close(start..at);
            }
            start = at + 1;
            continue;
        }
        let before = at.checked_sub(1).map_or(b'_', |before| bytes[before]);
        let next = bytes.get(at + 1).copied().unwrap_or(b'_');
        if byte.is_ascii_uppercase()
            && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && next.is_ascii_lowercase())
        {
            close(start..at);
            start = at;
        }
    }
    close(start.min(bytes.len())..bytes.len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_into_words_and_never_matched_in_their_middle() {
        for (name, expected) in [
            ("POSTGRES_PASSWORD", Some(Shape::Password)),
            ("PGPASSWORD", Some(Shape::Password)),
            ("dbPassword", Some(Shape::Password)),
            ("PAPERLESS_DBPASS", Some(Shape::Password)),
            ("MYSQL_PWD", Some(Shape::Password)),
            ("TV_RELAY_PW", Some(Shape::Password)),
            ("RECORD_ENCRYPTION_PRIMARY_KEY", Some(Shape::Secret)),
            ("PRIMARY_KEY", None),
            ("MAX_PW", None),
            ("--requirepass", Some(Shape::Password)),
            ("REDIS_AUTH", Some(Shape::Password)),
            ("SFTPGO_DATA_PROVIDER__PASSWORD", Some(Shape::Password)),
            ("SECRET_KEY_BASE", Some(Shape::Secret)),
            ("GITLAB_SECRETS_OTP_KEY_BASE", Some(Shape::Secret)),
            ("JWT_SECRET", Some(Shape::Secret)),
            ("APP_KEY", Some(Shape::Secret)),
            ("OPENAI_API_KEY", Some(Shape::Token)),
            ("apiKey", Some(Shape::Token)),
            ("APIKey", Some(Shape::Token)),
            ("GITHUB_TOKEN", Some(Shape::Token)),
            ("SPAMHAUS_DQS_KEY", Some(Shape::Key)),
            ("RABBITMQ_ERLANG_COOKIE", Some(Shape::Secret)),
            ("PUBLIC_KEY", None),
            ("KEY_NAME", None),
            ("SSH_AUTH_SOCK", None),
            ("DB_PASSWORD_FILE", None),
            ("KMS_KEY_ALIAS", None),
            ("AWS_ACCESS_KEY_ID", None),
            ("PASSWORD_PROMPT_STRING", None),
            ("TOKEN_TTL", None),
            ("MAX_TOKENS", None),
            ("ALLOW_EMPTY_PASSWORD", None),
            ("MYSQL_RANDOM_ROOT_PASSWORD", None),
            ("GPG_KEY", None),
            ("NGINX_GPGKEY", None),
            ("PWD", None),
            ("OLDPWD", None),
            ("CC", None),
            ("COMPASS", None),
            ("proxy_pass", None),
            ("MONKEY", None),
            ("CACHE_KEY", None),
            ("--password-stdin", None),
            ("--disabled-password", None),
            ("MAILCOW_PASS_SCHEME", None),
            ("REGISTRY_AUTH_TOKEN_SERVICE", None),
            ("PASSWORD_HASH", None),
            ("SECRET_FORCED_LANGUAGE", None),
            ("INSTALL_SSHPASS", None),
            ("DB_PASSWORD_PROD", Some(Shape::Password)),
        ] {
            assert_eq!(shape(name), expected, "{name}");
        }
    }

    #[test]
    fn names_about_a_credential_are_kept_out_of_output_too() {
        for name in ["PASSWORD_HASH", "DB_PASSWORD", "TOKEN", "BASIC_AUTH", "MASTER_KEY"] {
            assert!(is_sensitive(name), "{name}");
        }
        for name in ["SSH_AUTH_SOCK", "PUBLIC_KEY", "GPG_KEY", "PORT", "PATH"] {
            assert!(!is_sensitive(name), "{name}");
        }
    }
}
