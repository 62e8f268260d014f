//! Passwords inside connection strings: `scheme://user:password@host`, and `Server=…;Password=…`.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::name::Shape;
use super::value::{self, Verdict};

/// A connection string that a password stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The connection string without the password (`postgres://app@db`), to name it by.
    pub label: String,
    /// All of it from its scheme to its host, as bytes of the text.
    pub range: Range<usize>,
    /// The password: the default where it is a variable with one.
    pub password: Range<usize>,
    /// Nothing is given away: a place-holder, an example host.
    pub sample: bool,
}

/// Longest part between `://` and `@`, in bytes.
const MAX_USER: usize = 1024;

/// `Server=db;User Id=sa;Password=…` as ADO.NET, JDBC and ODBC write it.
static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r#"(?i-u)\b(?:server|data source|host|hostname|addr|dsn|driver|database|dbname|initial catalog|user id|uid)"#,
        r#"\s*=\s*([^\n"';]*);(?:[^\n"']*;)?\s*(?:password|pwd)\s*=\s*([^;"'\s]+)"#
    );
    Regex::new(pattern).expect("the pattern is valid")
});

/// `host=db user=app password=…` as libpq writes it.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?-u)\b(?:host|dbname|user)=([^\s"';]*)(?: +[a-z_]+=[^\s"';]*)* +password=([^\s"';]+)"#)
        .expect("the pattern is valid")
});

/// What every URL has.
static SCHEME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));

/// What every connection string of another form has one of.
static PASSWORD: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["assword", "ASSWORD", "wd=", "WD="].map(Finder::new));

/// The connection strings with a literal password in a text, in order.
pub fn find(text: &str) -> Vec<Connection> {
    let bytes = text.as_bytes();
    // Every form has one of them.
    if memchr::memchr2(b'=', b'/', bytes).is_none() {
        return Vec::new();
    }
    let mut found: Vec<Connection> = SCHEME.find_iter(bytes).filter_map(|at| url(text, at)).collect();
    if memchr::memchr(b'=', bytes).is_some() && PASSWORD.iter().any(|name| name.find(bytes).is_some()) {
        for pattern in [&PAIRS, &WORDS] {
            for captures in pattern.captures_iter(bytes) {
                let (Some(all), Some(first), Some(password)) = (captures.get(0), captures.get(1), captures.get(2))
                else {
                    continue;
                };
                if let Some((password, sample)) = literal(text, password.range()) {
                    let label = format!("the connection to `{}`", text[first.range()].trim());
                    found.push(Connection { label, range: all.range(), password, sample });
                }
            }
        }
        found.sort_by_key(|connection| connection.range.start);
    }
    found
}

/// The URL whose `://` is at `at`, where a literal password is in it.
fn url(text: &str, at: usize) -> Option<Connection> {
    let bytes = text.as_bytes();
    let front = bytes[..at].iter().rev().take(40);
    let scheme = front.take_while(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte)).count();
    let start = at + 3;
    let at_sign = user_end(&bytes[start..])? + start;
    let user = &text[start..at_sign];
    let colon = start + separator(user)?;
    let (password, sample) = literal(text, colon + 1..at_sign)?;
    let host = bytes[at_sign + 1..].iter().take(256);
    let host = host.take_while(|byte| byte.is_ascii_alphanumeric() || b".-_${}".contains(byte)).count();
    let end = at_sign + 1 + host;
    let name = &text[at_sign + 1..end];
    if host == 0 || scheme == 0 {
        return None;
    }
    let example = ["example.com", "example.org", "example.net", ".example"].iter().any(|known| name.ends_with(known));
    let scheme_at = at - scheme;
    let user = &text[start..colon];
    let scheme = &text[scheme_at..at];
    // Git hosts take a token in the place of the user's name.
    if value::is_random(user) || user.len() > 40 {
        let label = format!("`{scheme}://{name}`");
        return Some(Connection { label, range: scheme_at..end, password: start..at_sign, sample: example });
    }
    let label = format!("`{scheme}://{user}@{name}`");
    Some(Connection { label, range: scheme_at..end, password, sample: sample || example })
}

/// Where the user information of a URL ends: its last `@` before the path.
fn user_end(bytes: &[u8]) -> Option<usize> {
    let mut braces = 0usize;
    let mut end = None;
    for (at, &byte) in bytes.iter().enumerate().take(MAX_USER) {
        match byte {
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            b'@' if braces == 0 => end = Some(at),
            b'\n' | b'\r' => break,
            _ if braces > 0 => {}
            b' ' | b'\t' | b'"' | b'\'' | b'`' | b'/' | b'?' | b'#' | b',' | b')' | b'\\' | b'|' => break,
            _ => {}
        }
    }
    end
}

/// The colon between user and password.
fn separator(user: &str) -> Option<usize> {
    let mut braces = 0usize;
    user.bytes().position(|byte| {
        match byte {
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        byte == b':' && braces == 0
    })
}

/// What is written out of a password, and whether it is a place-holder; nothing where it comes from outside.
fn literal(text: &str, range: Range<usize>) -> Option<(Range<usize>, bool)> {
    let written = &text[range.clone()];
    let range = match written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        Some(inner) => {
            let name = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            let operator = ["-", ":-"].into_iter().find(|operator| inner[name..].starts_with(operator))?;
            range.start + 2 + name + operator.len()..range.end - 1
        }
        None => range,
    };
    let password = &text[range.clone()];
    let judged = value::judge(Shape::Password, password);
    // A switch or a path is a password where one is expected.
    let reference = password.contains('$') || password.contains("{{") || password.contains("%(");
    if password.is_empty() || reference {
        return None;
    }
    let asks = ["your", "Your", "YOUR"].iter().any(|asks| password.contains(asks));
    Some((range, judged == Verdict::Placeholder || asks || password.starts_with(['<', '[', '{', '%'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_password_is_found_and_a_reference_is_not() {
        for (text, expected) in [
            ("DATABASE_URL=postgres://app:hunter2@db:5432/x", Some(("`postgres://app@db`", "hunter2"))),
            ("redis://:hunter2@cache/0", Some(("`redis://@cache`", "hunter2"))),
            ("amqp://u:p@ss@mq", Some(("`amqp://u@mq`", "p@ss"))),
            ("postgres://app:${PW:-hunter2}@db", Some(("`postgres://app@db`", "hunter2"))),
            ("postgres://app:${PW}@db", None),
            ("postgres://app:$PW@db", None),
            ("postgres://app:@db", None),
            ("postgres://app@db", None),
            ("http://host:8080/a@b", None),
            ("git@github.com:a/b", None),
            ("https://${USER:-a}:${PASS:?set it}@host", None),
            ("Server=db;Database=x;User Id=sa;Password=Hunter22;", Some(("the connection to `db`", "Hunter22"))),
            ("host=db user=app password=hunter2", Some(("the connection to `db`", "hunter2"))),
            ("mysql --host=db --password=x", None),
        ] {
            let found = find(text);
            let found = found.first().map(|found| (found.label.as_str(), &text[found.password.clone()]));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn place_holders_and_example_hosts_are_samples() {
        for text in ["http://user:<password>@host", "http://u:your_password@host", "http://u:p@proxy.example.com:3128"]
        {
            assert!(find(text)[0].sample, "{text}");
        }
    }
}
