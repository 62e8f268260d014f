//! Secrets in raw text, whatever the file is: what stands behind a credential's name, and tools' password flags.
//!
//! This is only for keeping secrets out of output, so it takes too much rather than too little. It also sees what no
//! parser models: comments, labels, scripts, extension fields.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, bytes};

use super::{Formats, name, value};

/// Words that a credential's name has one of, whatever their case.
pub const STEMS: &str = "pass|pwd|pword|_pw|secret|token|key|cred|auth|salt|cookie";

/// [`STEMS`]; a hit is widened to the whole name.
static STEM: LazyLock<Regex> = LazyLock::new(|| Regex::new(&format!("(?i-u){STEMS}")).expect("the pattern is valid"));

/// Flags of one letter that take a password, and settings that take it behind a blank.
static FLAGS: LazyLock<bytes::Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r#"(?-u)(?:\b(?:mysql|mysqldump|mysqladmin|mysqlcheck|mysqlimport|mysqlshow|mariadb(?:-[a-z]+)?|sshpass)\b"#,
        r#"[^\n]*?[\s"']-p|"#,
        r#"\b(?:redis-cli|valkey-cli)\b[^\n]*?[\s"']-a["',\s]+|"#,
        r#"\bcurl\b[^\n]*?[\s"'](?:-u|--user|--proxy-user|-U)["',=\s]*[^\s:"']*:|"#,
        r#"\b(?:mongo|mongosh|login)\b[^\n]*?[\s"']-p["',\s]+|"#,
        r#"\b(?:sqlcmd)\b[^\n]*?[\s"']-P["',\s]*|"#,
        r#"\b(?:requirepass|masterauth|IDENTIFIED BY)["',\s]+|"#,
        r#"\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC) )([^\s"',]{3,})"#
    );
    bytes::Regex::new(pattern).expect("the pattern is valid")
});

/// What a line has one of where [`FLAGS`] can match it.
static PROGRAMS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        "mysql|mariadb|sshpass|redis-cli|valkey-cli|curl|mongo|login|sqlcmd|requirepass|masterauth|IDENTIFIED|",
        "[Bb]earer|BEARER|[Bb]asic|BASIC"
    );
    Regex::new(pattern).expect("the pattern is valid")
});

/// Words behind which a name and its value follow, in lower case: of Dockerfiles and of nginx.
const SETTERS: [&str; 10] = [
    "env",
    "arg",
    "set",
    "setenv",
    "add_header",
    "proxy_set_header",
    "grpc_set_header",
    "fastcgi_param",
    "uwsgi_param",
    "scgi_param",
];

/// The bytes of `text` that may be secrets, in no order; `formats` is what was found in it already.
pub fn find(text: &str, formats: &Formats) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    found.extend(formats.tokens.iter().map(|token| token.range.clone()));
    found.extend(formats.connections.iter().map(|connection| connection.password.clone()));
    named(text, &mut found);
    flagged(text, &mut found);
    found
}

/// What is written out of a value: all of it, or the default where it is nothing but a variable with one.
fn fallback(text: &str, range: Range<usize>) -> Range<usize> {
    let value = &text[range.clone()];
    let Some(inner) = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else { return range };
    let name = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let operator = [":-", "-"].into_iter().find(|operator| inner[name..].starts_with(operator));
    match operator {
        Some(operator) if !inner.contains("${") => range.start + 2 + name + operator.len()..range.end - 1,
        _ => range,
    }
}

/// What stands behind flags of one letter.
fn flagged(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(hit) = PROGRAMS.find_at(text, from) {
        let start = memchr::memrchr(b'\n', &text.as_bytes()[..hit.start()]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &text.as_bytes()[hit.end()..]).map_or(text.len(), |length| hit.end() + length);
        for captures in FLAGS.captures_iter(&text.as_bytes()[start..end]) {
            let value = captures.get(1).map(|value| start + value.start()..start + value.end());
            found.extend(value.filter(|range| !value::may_be_shown(&text[range.clone()])));
        }
        from = end;
    }
}

/// What stands behind the names of credentials.
fn named(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(hit) = STEM.find_at(text, from) {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let before = bytes[from..hit.start()].iter().rev().take(128).take_while(|byte| is_part(byte)).count();
        let start = hit.start() - before;
        let end = hit.end() + bytes[hit.end()..].iter().take(128).take_while(|byte| is_part(byte)).count();
        from = end;
        let name = &text[start..end];
        if name::is_sensitive(name.trim_start_matches('-'))
            && let Some(range) = behind(text, start, end)
            && !value::may_be_shown(&text[range.clone()])
        {
            from = from.max(range.end);
            found.push(fallback(text, range));
        }
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
}

/// The value behind the name in `start..end`: behind `=` or `:`, or behind a blank for a flag and for ENV.
fn behind(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b'\n');
    let skip = |mut at: usize, what: &[u8]| {
        while at < bytes.len() && what.contains(&bytes[at]) {
            at += 1;
        }
        at
    };
    let outer = start.checked_sub(1).map(byte).filter(|quote| matches!(quote, b'"' | b'\''));
    let mut at = skip(end, b"\\\"']");
    let closed = at > end;
    let blank = at;
    at = skip(at, b" \t");
    let separated = matches!(byte(at), b'=' | b':');
    let line = memchr::memrchr(b'\n', &bytes[..start]).map_or(0, |at| at + 1);
    if separated {
        at = skip(at, b"=:>~+");
        // `name:latest` and the like have something behind the colon that is judged as any value is.
        at = skip(at, b" \t");
    } else {
        let keyword = text[line..start].trim_end_matches([' ', '\t', '$', '"', '\'']).rsplit([' ', '\t']).next();
        let keyword = keyword.unwrap_or_default().to_ascii_lowercase();
        let flag = byte(start) == b'-';
        if !(at > blank || closed) || !(flag || SETTERS.contains(&keyword.as_str())) {
            return None;
        }
        at = skip(blank, b", \t[\"'");
        at = if matches!(byte(at - 1), b'"' | b'\'') { at - 1 } else { at };
    }
    // YAML's anchors and tags stand in front of the value, and a block's text below.
    while matches!(byte(at), b'&' | b'!') && separated {
        let word = bytes[at..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        if !matches!(byte(at + word), b' ' | b'\t') {
            break;
        }
        at = skip(at + word, b" \t");
    }
    if matches!(byte(at), b'|' | b'>') {
        return block(bytes, line, at);
    }
    let quoted = skip(at, b"\\\"'`");
    let closing = (quoted > at).then(|| byte(quoted - 1)).or(if closed { None } else { outer });
    let line_end = memchr::memchr2(b'\n', b'\r', &bytes[quoted..]).map_or(bytes.len(), |length| quoted + length);
    let rest = &bytes[quoted..line_end];
    let length = match closing {
        Some(quote) => {
            rest.iter().enumerate().position(|(at, byte)| *byte == quote && (at == 0 || rest[at - 1] != b'\\'))
        }
        None => rest.iter().position(u8::is_ascii_whitespace),
    };
    let range = quoted..quoted + length.unwrap_or(rest.len());
    (!range.is_empty()).then_some(range)
}

/// The text of a YAML block below the line that starts at `line`: the lines that are indented more.
fn block(bytes: &[u8], line: usize, at: usize) -> Option<Range<usize>> {
    let indent = |line: usize| bytes[line..].iter().take_while(|byte| **byte == b' ').count();
    let own = indent(line);
    let next = |at: usize| memchr::memchr(b'\n', &bytes[at..]).map(|length| at + length + 1);
    let start = next(at)?;
    let mut end = start;
    while end < bytes.len() && (indent(end) > own || matches!(bytes.get(end), Some(b'\n' | b'\r'))) {
        end = next(end).unwrap_or(bytes.len());
    }
    (end > start).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Vec<Range<usize>> {
        super::find(text, &Formats::of(text))
    }

    #[test]
    fn what_stands_behind_a_credentials_name_is_found_in_any_spelling() {
        for text in [
            "# DB_PASSWORD=hunter2",
            "password = hunter2",
            "\"password\": \"hunter2\"",
            "{\\\"password\\\":\\\"hunter2\\\"}",
            "POSTGRES_PASSWORD: hunter2 # note",
            "x: &pw\n  DB_PASSWORD: &pw hunter2",
            "SECRET_KEY: |\n  hunter2\nother: 1",
            "--requirepass hunter2",
            "[\"redis-server\", \"--requirepass\", \"hunter2\"]",
            "# ENV API_TOKEN hunter2",
            "mysqladmin ping -uroot -phunter2",
            "curl -fsS -u admin:hunter2 http://x",
            "proxy_set_header X-Api-Key \"hunter2\";\nproxy_set_header Authorization \"Basic hunter2\";",
            "url: postgres://a:hunter2@b/c",
            "o: \"username=a,password=hunter2\"",
            "- \"DB_PASSWORD=hunter2\"",
        ] {
            let covered = find(text).iter().any(|range| text[range.clone()].contains("hunter2"));
            assert!(covered, "{text}: {:?}", find(text));
        }
    }

    #[test]
    fn of_a_variable_with_a_default_only_that_is_a_secret() {
        let text = "POSTGRES_PASSWORD: ${DB_PASSWORD:-hunter2}";
        let found: Vec<&str> = find(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["hunter2"]);
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        for text in [
            "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD}",
            "DB_PASSWORD_FILE=/run/secrets/db",
            "ALLOW_EMPTY_PASSWORD=yes",
            "proxy_pass http://app:8080;",
            "ssl_certificate_key /etc/nginx/key.pem;",
            "PUBLIC_KEY=abcdefgh",
            "the password is asked for",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }
}
