//! What a value is, given that its name is a credential's: a secret, a default that everybody knows, or neither.

use std::sync::LazyLock;

use super::name::Shape;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing secret: empty, a reference, a path, a switch, a quantity, a fingerprint.
    Plain,
    /// Stands for a value that is to be put in.
    Placeholder,
    /// A password that everybody tries: a word from an example, or a place-holder that works as one.
    Default,
    /// A secret.
    Secret {
        /// It looks random: no person made it up.
        random: bool,
    },
}

/// Longest value that can be a guessable one, in bytes.
const MAX_GUESSABLE: usize = 64;

/// Beginnings of values that name a secret kept elsewhere.
const KEPT_ELSEWHERE: &[&str] = &[
    "op://",
    "vault:",
    "vault://",
    "ENC[",
    "sops:",
    "ref+",
    "arn:",
    "aws:",
    "awssm://",
    "ssm:",
    "secretsmanager:",
    "gcp-secret://",
    "keyvault:",
    "bws:",
    "doppler:",
    "file:",
    "env:",
    "akv:",
    "gsm:",
    "sha256:",
    "sha512:",
    "sha1:",
    "md5:",
    "ssh-rsa ",
    "ssh-ed25519 ",
    "ecdsa-sha2-",
    "age1",
    "-----BEGIN CERTIFICATE",
    "-----BEGIN PUBLIC",
    "urn:",
    "yaml:",
    "%(",
];

/// What `value` is under a name of `shape`.
pub fn judge(shape: Shape, value: &str) -> Verdict {
    let value = value.trim();
    // A list of one is as good as its item.
    let item = value.strip_prefix("[\"").and_then(|rest| rest.strip_suffix("\"]"));
    let value = item.unwrap_or(value).trim_matches(['"', '\'', '`']).trim();
    if is_plain(shape, value) {
        return Verdict::Plain;
    }
    if is_template(value) {
        return Verdict::Placeholder;
    }
    match guessable(value, &[]) {
        Some(Guess::Default) => return if shape == Shape::Key { Verdict::Placeholder } else { Verdict::Default },
        // Somebody else's key cannot be made up, so that such a value does not work; a password like that does.
        Some(Guess::Instruction) if shape >= Shape::Secret => return Verdict::Default,
        Some(Guess::Instruction) => return Verdict::Placeholder,
        // A token that is called a token.
        None if is_called(value) && shape <= Shape::Token => return Verdict::Placeholder,
        None => {}
    }
    let random = is_random(value);
    // Public keys are named by a hash.
    let fingerprint = matches!(value.len(), 8 | 16 | 40) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match shape {
        Shape::Key if !random || fingerprint => Verdict::Plain,
        Shape::Token if !random && is_identifier(value) => Verdict::Plain,
        _ => Verdict::Secret { random },
    }
}

/// Whether a value is nothing that needs hiding: what [`Verdict::Plain`] and obvious place-holders are.
pub fn may_be_shown(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'', '`']).trim();
    let short_number = value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit());
    short_number || is_switch(value) || is_reference(value) || is_path(value) || is_quantity(value) && value.len() < 8
}

/// Whether a value is made of nothing but words that examples are made of and of `names` that stand beside it.
pub fn is_made_of(value: &str, names: &[&str]) -> bool {
    guessable(value, names).is_some()
}

fn is_plain(shape: Shape, value: &str) -> bool {
    if value.is_empty() || is_switch(value) || is_path(value) || holds_reference(value) {
        return true;
    }
    if KEPT_ELSEWHERE.iter().any(|start| value.starts_with(start)) || is_plain_url(value) {
        return true;
    }
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match shape {
        Shape::Password => false,
        _ if digits => value.len() <= 6,
        _ => is_quantity(value) || value.matches(' ').count() >= 3 || value.starts_with('{') && value.ends_with('}'),
    }
}

/// A word that switches something, or says that there is no value.
fn is_switch(value: &str) -> bool {
    const SWITCHES: [&str; 17] = [
        "",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "0",
        "1",
        "null",
        "nil",
        "none",
        "undefined",
        "enabled",
        "disabled",
        "auto",
        "~",
    ];
    SWITCHES.iter().any(|switch| value.eq_ignore_ascii_case(switch))
}

/// Nothing but a variable that is put in from outside.
pub(super) fn is_reference(value: &str) -> bool {
    let Some(rest) = value.strip_prefix('$') else {
        return value.starts_with("%(") && value.ends_with(")s");
    };
    let rest = rest.strip_prefix('$').unwrap_or(rest);
    let inner = match rest.strip_prefix('{') {
        Some(inner) => match inner.strip_suffix('}') {
            Some(inner) => {
                let name = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                // What is behind `?` is a message, what is behind `-` a value.
                let tail = inner[name..].trim_start_matches(':');
                if tail.is_empty() || tail == "-" || tail.starts_with('?') { &inner[..name] } else { " " }
            }
            None => return false,
        },
        None => rest,
    };
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A variable, a substitution or a template's tag stands in it.
fn holds_reference(value: &str) -> bool {
    let bytes = value.as_bytes();
    // Hashes of passwords (`$2y$10$…`) have a dollar in front of a digit.
    let dollar = |at: usize| bytes.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || b"_({$".contains(next));
    memchr::memchr_iter(b'$', bytes).any(dollar) && !value.starts_with("$2") && !value.starts_with("$apr1$")
        || value.contains("%(")
        || value.contains("{{")
        || value.starts_with("<%")
}

/// A path of a file.
fn is_path(value: &str) -> bool {
    let start = ["/", "./", "../", "~/", "C:\\", "@/"].iter().any(|start| value.starts_with(start));
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/\\:~@*$%{}() ".contains(&b));
    if start {
        return plain && (value.len() < 40 || value[1..].contains(['/', '.', '\\']));
    }
    let extension = value.rsplit_once('.').map_or("", |(_, extension)| extension);
    const FILES: [&str; 12] =
        ["pem", "key", "crt", "json", "txt", "yml", "yaml", "conf", "cnf", "env", "properties", "jks"];
    plain && value.contains('.') && FILES.contains(&extension)
}

/// A URL without credentials in it.
fn is_plain_url(value: &str) -> bool {
    value.split_once("://").is_some_and(|(scheme, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        scheme.len() < 16 && !authority.contains('@') && !rest.is_empty()
    })
}

/// A number with or without its unit, or a list of such.
fn is_quantity(value: &str) -> bool {
    const UNITS: [&str; 27] = [
        "", "ms", "s", "m", "h", "d", "w", "y", "k", "kb", "mb", "gb", "b", "g", "kib", "mib", "gib", "min", "sec",
        "day", "days", "hours", "hour", "minutes", "seconds", "%", "years",
    ];
    let number = value.trim_start_matches(['-', '+']);
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_'));
    number.len() > unit.len() && UNITS.iter().any(|known| unit.trim().eq_ignore_ascii_case(known))
}

/// A place-holder by its marks: `<password>`, `xxxx`, `[your key]`, `__TOKEN__`, `***`.
fn is_template(value: &str) -> bool {
    let bytes = value.as_bytes();
    let around = |open: &str, close: &str| value.len() > 2 && value.starts_with(open) && value.ends_with(close);
    let filler = bytes.iter().all(|b| matches!(b, b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'#' | b'?'));
    let angle = memchr::memchr(b'<', bytes).is_some_and(|at| memchr::memchr(b'>', &bytes[at..]).is_some());
    let run = value.contains("xxxx") || value.contains("XXXX") || value.contains("****") || value.contains("...");
    filler || angle || run || around("[", "]") || around("__", "__") || around("%", "%") || around("@@", "@@")
}

/// Words of letters of which the last says what the value is (`MyCloudflareApiToken`, `YOUR-CF-TOKEN`).
fn is_called(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let words = lower.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_ ".contains(&byte));
    words
        && (["token", "key", "secret", "password"].iter().any(|end| lower.ends_with(end)) || lower.starts_with("your"))
}

/// One word of letters: the name of a setting rather than a token.
fn is_identifier(value: &str) -> bool {
    value.len() < 20 && value.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_. ".contains(&byte))
}

/// Whether no person made a value up: long, and of many different characters of more than one kind.
pub fn is_random(value: &str) -> bool {
    let value = value.strip_prefix("base64:").unwrap_or(value);
    let bytes = value.as_bytes();
    if bytes.len() < 16 || bytes.iter().any(|byte| byte.is_ascii_whitespace()) {
        return false;
    }
    let mut seen = [false; 256];
    bytes.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&seen| seen).count();
    let has = |kind: fn(&u8) -> bool| bytes.iter().any(kind);
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let kinds = [has(u8::is_ascii_digit), has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase)];
    let mixed = kinds.iter().filter(|&&kind| kind).count() >= 2;
    // Words with separators have few changes between letters and digits.
    let changes = bytes.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let upper = bytes.windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count();
    distinct >= 8 && mixed && (changes >= 4 && digits >= 3 || upper * 3 >= bytes.len())
}

/// Why a value can be guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guess {
    /// It is made of the words that examples are made of.
    Default,
    /// It asks whoever reads it to put their own in.
    Instruction,
}

const FILLER: u8 = 1;
const CORE: u8 = 2;
const ASKS: u8 = 4;

/// The words that examples of passwords are made of.
const WORDS: &[(u8, &str)] = &[
    (
        CORE,
        "password passwd passwort passphrase pass pw pwd passw0rd pssw0rd pssword p4ssw0rd p4ssword passwrd secret secrets s3cret s3cr3t \
         admin administrator adminadmin root toor guest user username test testing tests example sample demo default \
         letmein welcome qwerty abc123 foobar foo bar baz postgres postgresql mysql mariadb mongo mongodb redis rabbitmq \
         minio minioadmin elastic elasticsearch kibana neo4j airflow grafana wordpress nextcloud gitea keycloak sa oracle \
         token key clickhouse cassandra django laravel symfony magento drupal joomla ghost vault consul sonar jenkins \
         gitlab zabbix odoo cluecon changeme changeit changethis change temp temporary dummy fake insecure unsafe \
         hunter2 monkey dragon master 123 1234 12345 123456 12345678 123456789 homestead magic sekret geheim credential \
         credentials login qwertz random randomly alphanumeric harbor sysdba sentry onlyoffice application pls iloveyou sql php rails notsecure",
    ),
    (
        ASKS,
        "your yours insert enter choose replace replaceme replacethis put fill generate generated todo tbd fixme some \
         something placeholder redacted removed edit",
    ),
    (
        FILLER,
        "me this it now here before use using please must be in production prod with to too a an the of for own my very \
         super strong secure secury long string value length chars characters char at least min \
         minimum and or not is bad good real actual db database data web app application api access server service site \
         account client private public session encryption jwt auth safe local localhost hidden anything word words dev \
         development one two new old set needs need should that only x char32 hex base64 shared signing key2 host id \
         cookie invite on install first run deploy deployment deploying docker compose container stack salt hash bit \
         make up optional sudo duper pls invite rpc hashids bytes byte mail smtp email file env",
    ),
];

/// The words with their kinds, by their first bytes.
static BY_FIRST: LazyLock<[Vec<(u8, &'static str)>; 256]> = LazyLock::new(|| {
    let mut words = std::array::from_fn(|_| Vec::new());
    for (kind, list) in WORDS {
        for word in list.split_ascii_whitespace() {
            words[usize::from(word.as_bytes()[0])].push((*kind, word));
        }
    }
    words
});

/// Whether a value is made of nothing but words that examples are made of, by letters and digits alone.
fn guessable(value: &str, names: &[&str]) -> Option<Guess> {
    if value.len() > 2 * MAX_GUESSABLE {
        return None;
    }
    let normal: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect();
    let one = normal.first().is_some_and(|first| normal.iter().all(|byte| byte == first));
    let counting = |run: &[u8]| run.windows(normal.len()).any(|window| window == normal);
    let digits = normal.iter().all(u8::is_ascii_digit);
    if normal.is_empty() || one {
        return Some(Guess::Default);
    }
    if normal.len() > MAX_GUESSABLE {
        return None;
    }
    if digits && (counting(b"01234567890123456789") || counting(b"9876543210987654321")) {
        return Some(Guess::Default);
    }
    // What can be reached at each place, and through which kinds of words.
    let mut reached = [0u8; MAX_GUESSABLE + 1];
    reached[0] = FILLER;
    for at in 0..normal.len() {
        let so_far = reached[at];
        if so_far == 0 {
            continue;
        }
        let rest = &normal[at..];
        // `123` is what everybody tries behind a word, and nothing in the middle of a longer number.
        let digit = |at: Option<usize>| at.and_then(|at| normal.get(at)).is_some_and(u8::is_ascii_digit);
        let in_number = |end: usize| digit(at.checked_sub(1)) || digit(Some(end));
        for (kind, word) in &BY_FIRST[usize::from(rest[0])] {
            let end = at + word.len();
            let fits = rest.starts_with(word.as_bytes());
            if fits && !(word.bytes().all(|byte| byte.is_ascii_digit()) && in_number(end)) {
                reached[end] |= so_far | kind;
            }
        }
        for name in names.iter().filter(|name| name.len() >= 2 && rest.len() >= name.len()) {
            if rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
                reached[at + name.len()] |= so_far | CORE;
            }
        }
        let digits = rest.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
        for length in 1..=digits {
            reached[at + length] |= so_far;
        }
    }
    match reached[normal.len()] {
        kinds if kinds & ASKS != 0 => Some(Guess::Instruction),
        kinds if kinds & CORE != 0 => Some(Guess::Default),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_judged_by_what_it_is_and_by_what_its_name_says() {
        use Shape::{Key, Password, Secret, Token};
        let secret = |random| Verdict::Secret { random };
        for (shape, value, expected) in [
            (Password, "", Verdict::Plain),
            (Password, "${DB_PASSWORD}", Verdict::Plain),
            (Password, "/run/secrets/db", Verdict::Plain),
            (Password, "true", Verdict::Plain),
            (Secret, "3600", Verdict::Plain),
            (Token, "30m", Verdict::Plain),
            (Token, "bearer", Verdict::Plain),
            (Secret, "op://vault/item/field", Verdict::Plain),
            (Secret, "https://auth.example.com/token", Verdict::Plain),
            (Password, "<your password>", Verdict::Placeholder),
            (Password, "xxxxxxxx", Verdict::Placeholder),
            (Token, "your-api-key", Verdict::Placeholder),
            (Token, "{{ token }}", Verdict::Plain),
            (Token, "MyCloudflareApiToken", Verdict::Placeholder),
            (Password, "your_password", Verdict::Default),
            (Password, "changeme", Verdict::Default),
            (Secret, "!changeme!", Verdict::Default),
            (Secret, "[\"vLp92kQz\"]", secret(false)),
            (Password, "P@ssw0rd", Verdict::Default),
            (Password, "ChooseYourOwnPasswordHere1234", Verdict::Default),
            (Password, "very-secure-database-root-password", Verdict::Default),
            (Password, "123456", Verdict::Default),
            (Password, "postgres", Verdict::Default),
            (Secret, "long-and-random-alphanumeric-string", Verdict::Default),
            (Password, "hunter3x", secret(false)),
            (Password, "84712", secret(false)),
            (Password, "84712391", secret(false)),
            (Password, "db123", Verdict::Default),
            (Secret, "6eKz1nYhNmpf8w3HoMeCdnIoUqCF8Q1aif3BGks74pU", secret(true)),
            (Key, "email", Verdict::Plain),
            (Key, "8aff725d2e16ef31fbc42", secret(true)),
        ] {
            assert_eq!(judge(shape, value), expected, "{shape:?} {value}");
        }
    }
}
