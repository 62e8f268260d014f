//! Secrets in raw text, whatever the file is: what stands behind a credential's name, and tools' password flags.
//!
//! This is only for keeping secrets out of output, so it takes too much rather than too little. It also sees what no
//! parser models: comments, labels, scripts, extension fields.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;
use regex::{Regex, bytes};

use super::literals::Literals;
use super::{Formats, name, value};

/// Words that a credential's name has one of, whatever their case.
pub const STEMS: [&str; 11] =
    ["pass", "pwd", "pword", "_pw", "secret", "token", "key", "cred", "auth", "salt", "cookie"];

/// [`STEMS`]; a hit is widened to the whole name.
pub(super) static STEM: Literals<11> = Literals::folded(STEMS);

/// What stands in front of a password: flags of one letter with their programs, settings that take it behind a blank, the
/// schemes of a header, SQL, and the commands that store a login. Where the value ends, [`extent`] says.
static FLAGS: LazyLock<bytes::Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r#"(?-u)\b(?:mysql|mysqldump|mysqladmin|mysqlcheck|mysqlimport|mysqlshow|mariadb(?:-[a-z]+)?|sshpass)\b"#,
        r#"[^\n]*?[\s"']-p|"#,
        r#"\b(?:redis-cli|valkey-cli)\b[^\n]*?[\s"']-a["',\s]+|"#,
        r#"\bcurl\b[^\n]*?[\s"'](?:-[A-Za-z]{0,8}[uU]|--user|--proxy-user)["',=\s]*[^\s:"']*:|"#,
        r#"\b(?:mongo|mongosh|login|nuget|useradd|usermod)\b[^\n]*?[\s"']-p["',\s]+|"#,
        r#"\bsqlcmd\b[^\n]*?[\s"']-P["',\s]*|"#,
        r#"\b(?:requirepass|masterauth|IDENTIFIED BY)["',\s]+|"#,
        r#"\bvault["',\s]+login["',\s]+(?:-\S+["',\s]+)*|"#,
        r#"\blogin\s+\S+\s+password\s+|"#,
        r#"sonar\.login["',\s]*=|"#,
        r#"\bbundler?\b[^\n]*?\bconfig\b[^\n]*?\s[^\s:]+:|"#,
        r#"\bhttp-basic\.\S+\s+\S+\s+|\b(?:git(?:hub|lab)-(?:oauth|token)|bearer|pypi-token)\.\S+\s+|"#,
        r#"(?i:authorization)\\?["']?\s*(?:[:=]|\s\\?["'])\s*\\?["']?(?:[A-Za-z]{2,9}\s+)?|"#,
        r#"\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC) "#
    );
    bytes::Regex::new(pattern).expect("the pattern is valid")
});

/// What a line has one of where [`FLAGS`] can match it.
static PROGRAMS: Literals<27> = Literals::new([
    "mysql",
    "mariadb",
    "sshpass",
    "redis-cli",
    "valkey-cli",
    "curl",
    "mongo",
    "login",
    "sqlcmd",
    "requirepass",
    "masterauth",
    "IDENTIFIED",
    "nuget",
    "useradd",
    "usermod",
    "bundle",
    "http-basic",
    "-oauth",
    "-token",
    "bearer",
    "Bearer",
    "BEARER",
    "Basic",
    "basic",
    "BASIC",
    "uthorization",
    "UTHORIZATION",
]);

/// What reads a password from the standard input, behind a pipe.
static SINKS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r"\|\s*(?:sudo\s+)?(?:[\w./-]+/)?(chpasswd\b|passwd\b|sudo\s+-S|\w[^\n|]*-stdin\b|gh\s[^\n|]*--with-token)";
    Regex::new(pattern).expect("the pattern is valid")
});

/// Bytes of a line that are looked at to see what one place in it is.
const WINDOW: usize = 1024;

/// Longest value between quotes, in bytes.
const LONGEST: usize = 4096;

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
    let mut found: Vec<Range<usize>> = formats.ranges().collect();
    user_information(text, &mut found);
    named(text, &mut found);
    flagged(text, &mut found);
    piped(text, &mut found);
    password_files(text, &mut found);
    noise(text, &mut found);
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

/// What stands behind [`FLAGS`].
fn flagged(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(hit) = PROGRAMS.find_at(text, from) {
        let start = text.floor_char_boundary(hit.start - in_front(text, hit.start).len());
        let end = memchr::memchr(b'\n', &bytes[hit.end..]).map_or(bytes.len(), |length| hit.end + length);
        // A pattern may look at the rest of the line to find that it does not match: so much is enough for a command.
        let windows = (start..end).step_by(WINDOW).map(|at| (at, end.min(at + WINDOW + WINDOW / 4)));
        let flags = windows.flat_map(|(at, to)| FLAGS.find_iter(&bytes[at..to]).map(move |flag| at + flag.end()));
        for flag in flags {
            let range = extent(text, flag, end);
            // An address is no login.
            if range.len() >= 3 && !text[range.clone()].starts_with("//") && !value::may_be_shown(&text[range.clone()])
            {
                found.push(range);
            }
        }
        from = end;
    }
}

/// What stands in front of `at` on its line, the last [`WINDOW`] bytes of it at most.
fn in_front(text: &str, at: usize) -> &str {
    let from = text.ceil_char_boundary(at.saturating_sub(WINDOW));
    let start = memchr::memrchr(b'\n', &text.as_bytes()[from..at]).map_or(from, |end| from + end + 1);
    &text[start..at]
}

/// The value from `at` on, before `end`: inside quotes all that they hold, else a word.
fn extent(text: &str, at: usize, end: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    // The quote stands at the value, or in front of the word that it is the end of (`"-pX"`, `'user:X'`).
    let own = bytes[at..end].iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b'\\')).count();
    let before = bytes[..at].iter().rev().take(256).find(|byte| byte.is_ascii_whitespace() || b"\"'".contains(byte));
    let quote = match own {
        0 => before.copied().filter(|byte| !byte.is_ascii_whitespace()),
        _ => Some(bytes[at + own - 1]),
    };
    let start = at + own;
    let rest = &bytes[start..end];
    let blank = |at: usize| rest.get(at).is_none_or(|byte| byte.is_ascii_whitespace());
    let length = match quote {
        Some(quote) => (0..rest.len().min(LONGEST)).find(|&at| rest[at] == quote && (at == 0 || rest[at - 1] != b'\\')),
        // What ends a command or an item ends the word where a blank follows.
        None => (0..rest.len()).find(|&at| match rest[at] {
            b'"' | b'\'' => rest.get(at + 1).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'\\'),
            b';' | b',' | b')' | b']' => blank(at + 1),
            b'}' => blank(at + 1) && !rest[..at].contains(&b'{'),
            _ => blank(at),
        }),
    };
    start..start + length.unwrap_or(rest.len())
}

/// What `echo` and `printf` hand to a program that takes a password from its standard input.
fn piped(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    // No such program can be named without one of these.
    if !["passwd", "sudo", "-stdin", "--with-token"].iter().any(|sign| memmem::find(bytes, sign.as_bytes()).is_some()) {
        return;
    }
    for captures in SINKS.captures_iter(text) {
        let (Some(pipe), Some(sink)) = (captures.get(0), captures.get(1)) else { continue };
        let written = in_front(text, pipe.start());
        let line = pipe.start() - written.len();
        let Some(echo) = ["echo ", "printf "].iter().filter_map(|word| Some(written.rfind(word)? + word.len())).max()
        else {
            continue;
        };
        let mut start = line + echo;
        // Options, and the format where something is formatted.
        while let Some(word) = text[start..pipe.start()].split_whitespace().next() {
            let format = matches!(word.trim_matches(['"', '\'']), "%s" | "%s\\n" | "%s:%s");
            if !(word.starts_with('-') || format) {
                break;
            }
            start = text[start..].find(word).map_or(pipe.start(), |at| start + at + word.len());
        }
        if sink.as_str() == "chpasswd" {
            start = text[start..pipe.start()].find(':').map_or(start, |colon| start + colon + 1);
        }
        let around = [' ', '\t', '"', '\''];
        let rest = text[start..pipe.start()].trim_start_matches(around);
        let start = pipe.start() - rest.len();
        let range = start..start + rest.trim_end_matches(around).len();
        if range.len() >= 3 && !value::may_be_shown(&text[range.clone()]) {
            found.push(range);
        }
    }
}

/// `host:port:database:user:password`, the lines of a `.pgpass`.
fn password_files(text: &str, found: &mut Vec<Range<usize>>) {
    if memmem::find(text.as_bytes(), b"pgpass").is_none() {
        return;
    }
    for line in text.lines() {
        let mut fields = line.trim().trim_matches(['"', '\'']).splitn(5, ':');
        let port = fields.nth(1).is_some_and(|port| port == "*" || port.parse::<u16>().is_ok());
        if let Some(password) = fields.nth(2).filter(|password| port && !password.is_empty()) {
            let start = password.as_ptr() as usize - text.as_ptr() as usize;
            // A line of the file itself, or of a command that writes one.
            let own = line.split(':').next().is_some_and(|host| !host.trim_start().contains(' '));
            let word = password.split_whitespace().next().map_or(0, str::len);
            found.push(start..start + if own { password.len() } else { word });
        }
    }
}

/// `user:password@host` without a scheme, as Go's drivers, file shares and registries have it, and a token in the place of
/// the user (`https://token@host`).
fn user_information(text: &str, found: &mut Vec<Range<usize>>) {
    /// What stands in front of a colon and is no user.
    const SCHEMES: [&str; 8] = ["mailto", "npm", "github", "workspace", "patch", "file", "git", "link"];
    let bytes = text.as_bytes();
    for at in memchr::memchr_iter(b'@', bytes) {
        let part = |byte: &&u8| !byte.is_ascii_whitespace() && !b"/\"'`,;(){}<>|=@\\".contains(byte);
        let start = at - bytes[..at].iter().rev().take(256).take_while(part).count();
        let host = &text[at + 1..];
        if !host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
            || !text.is_char_boundary(start)
        {
            continue;
        }
        let (front, user) = (&text[..start], &text[start..at]);
        let mixed = |text: &str, least: usize, digits: usize| {
            let count = |kind: fn(&u8) -> bool| text.bytes().filter(kind).count();
            text.len() >= least && count(u8::is_ascii_digit) >= digits && count(u8::is_ascii_alphabetic) > 0
        };
        let range = match user.split_once(':') {
            None if front.ends_with("://") && mixed(user, 8, 2) => start..at,
            Some((name, password)) if !SCHEMES.contains(&name) && !host.starts_with("sha") => {
                let sure = front.ends_with("//") || ["tcp(", "unix("].iter().any(|address| host.starts_with(address));
                if !(sure && password.len() >= 3 || mixed(password, 6, 1)) {
                    continue;
                }
                at - password.len()..at
            }
            _ => continue,
        };
        if !value::may_be_shown(&text[range.clone()]) {
            found.push(range);
        }
    }
}

/// Words that no person made up, whatever stands in front of them: long, of letters of both cases and of digits.
fn noise(text: &str, found: &mut Vec<Range<usize>>) {
    const SHORTEST: usize = 16;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + SHORTEST <= bytes.len() {
        // Whatever begins here is too short where this byte is no part of a word.
        if !bytes[at + SHORTEST - 1].is_ascii_alphanumeric() {
            at += SHORTEST;
            continue;
        }
        let before = bytes[..at + SHORTEST - 1].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let start = at + SHORTEST - 1 - before.min(at + SHORTEST - 1);
        let end = at + SHORTEST + bytes[at + SHORTEST..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        at = end;
        let word = &text[start..end];
        let has = |kind: fn(&u8) -> bool| word.bytes().filter(kind).count();
        let kinds =
            has(u8::is_ascii_digit) >= 2 && has(u8::is_ascii_lowercase) >= 2 && has(u8::is_ascii_uppercase) >= 2;
        // Checksums and public keys are there to be seen.
        let front = &text[text.floor_char_boundary(start.saturating_sub(8))..start];
        let public = ["sha256-", "sha384-", "sha512-", "SHA256:"].iter().any(|sum| front.ends_with(sum));
        if word.len() >= SHORTEST && kinds && value::is_random(word) && !public && !word.starts_with("AAAA") {
            let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+=".contains(byte);
            found.push(start..end + bytes[end..].iter().take_while(|byte| base64(byte)).count());
        }
    }
}

/// What stands behind the names of credentials.
fn named(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(hit) = STEM.find_at(text, from) {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let before = bytes[from..hit.start].iter().rev().take(128).take_while(|byte| is_part(byte)).count();
        let start = hit.start - before;
        let end = hit.end + bytes[hit.end..].iter().take(128).take_while(|byte| is_part(byte)).count();
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
    // A line that goes on behind its end.
    let joined = |at: usize| match &bytes[at.min(bytes.len())..] {
        [b'\\', b'\n', ..] => skip(at + 2, b" \t"),
        [b'\\', b'\r', b'\n', ..] => skip(at + 3, b" \t"),
        _ => at,
    };
    let outer = start.checked_sub(1).map(byte).filter(|quote| matches!(quote, b'"' | b'\''));
    let mut at = skip(end, b"\"']");
    if byte(at) == b'\\' && matches!(byte(at + 1), b'"' | b'\'') {
        at = skip(at, b"\\\"']");
    }
    let closed = at > end;
    let blank = at;
    at = skip(at, b" \t");
    let compared = byte(at) == b'~' || byte(at) == b'!' && matches!(byte(at + 1), b'=' | b'~');
    let separated = matches!(byte(at), b'=' | b':') || compared;
    let in_front = in_front(text, start);
    let line = start - in_front.len();
    let (mut spaced, mut alone) = (false, false);
    if separated {
        spaced = at > blank;
        at = skip(at, b"=:>~+!");
        // `name:latest` and the like have something behind the colon that is judged as any value is.
        let value = joined(skip(at, b" \t"));
        spaced |= value > at && byte(at - 1) == b':';
        at = value;
    } else {
        let mut words = in_front.trim_end_matches([' ', '\t', '$', '"', '\'']).rsplit([' ', '\t']);
        let keyword = words.next().unwrap_or_default().to_ascii_lowercase();
        let flag = byte(start) == b'-';
        // `WITH PASSWORD '…'` in SQL.
        let sql = text[start..end].eq_ignore_ascii_case("password") && byte(at) == b'\'';
        // `NAME value`, where a `=` was forgotten.
        alone = in_front.trim().is_empty()
            && !text[start..end].bytes().any(|byte| byte.is_ascii_lowercase())
            && text[at..].lines().next().is_some_and(|rest| rest.split_whitespace().count() == 1);
        if !(at > blank || closed) || !(flag || sql || alone || SETTERS.contains(&keyword.as_str())) {
            return None;
        }
        at = joined(skip(blank, b", \t[\"'"));
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
    match (byte(at), byte(skip(at + 1, b" \t"))) {
        // What is in a mapping has names of its own.
        (b'{', b'"' | b'\'' | b'\\') => return None,
        (b'[', _) if separated => at = skip(at, b"[ \t"),
        _ => {}
    }
    let quoted = skip(at, b"\\\"'`");
    let closing = (quoted > at).then(|| byte(quoted - 1)).or(if closed { None } else { outer });
    let line_of = |bytes: &[u8]| memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
    // Asked for only where the value may take all of it: many names may stand on one long line.
    let rest = || &bytes[quoted..quoted + line_of(&bytes[quoted..])];
    let closing_at = |rest: &[u8], quote: u8| {
        rest.iter()
            .take(LONGEST)
            .enumerate()
            .position(|(at, byte)| *byte == quote && (at == 0 || rest[at - 1] != b'\\'))
    };
    let length = match closing {
        // Only what is not closed on its line goes on below, as a key in a `.env` file does.
        Some(quote) => {
            let near = &bytes[quoted..bytes.len().min(quoted + LONGEST)];
            match closing_at(&near[..line_of(near)], quote) {
                None if quoted > at && !closed && starts_line(in_front) => closing_at(&bytes[quoted..], quote),
                length => length,
            }
        }
        None if separated && starts_line(in_front) && (spaced || is_setting(&text[start..end])) => {
            let rest = rest();
            let end = [" #", "\t#", " ;"].iter().filter_map(|sign| memmem::find(rest, sign.as_bytes())).min();
            let value = rest[..end.unwrap_or(rest.len())].trim_ascii_end();
            Some(value.strip_suffix(b"\\").unwrap_or(value).trim_ascii_end().len())
        }
        None => bytes[quoted..].iter().position(u8::is_ascii_whitespace),
    };
    let range = quoted..quoted + length.unwrap_or_else(|| rest().len());
    (range.len() >= if alone { 6 } else { 1 }).then_some(range)
}

/// Whether nothing but what may begin a line stands in front of a name: it is one of a list, a comment or an `export`.
fn starts_line(in_front: &str) -> bool {
    let front = in_front.trim_start_matches([' ', '\t', '#', ';', '-', '"', '\'']);
    front.trim_end().is_empty() || front.trim_end() == "export"
}

/// Whether a name is one of a config file rather than that of a variable: a blank does not end such a value.
fn is_setting(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_uppercase())
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
            "docker login -u ci -p 'a, b;hunter2' r",
            "mysql -p'hunter2' -e x",
            "curl -sSfu ci:hunter2 http://x",
            "echo \"hunter2\" | docker login -u ci --password-stdin",
            "echo root:hunter2 | sudo chpasswd",
            "printf '%s' 'hunter2' | sudo -S true",
            "machine x login y password hunter2",
            "echo db:5432:a:b:hunter2 > ~/.pgpass",
            "DSN: root:hunter2@tcp(db:3306)/x",
            "device: //user:hunter2@nas/share",
            "git clone https://hunter22@git.acme.dev/a",
            "ALTER USER a WITH PASSWORD 'hunter2'",
            "password = correct horse hunter2",
            "DB_PASSWORD=\\\n  hunter2",
            "if ($http_x_api_key != \"hunter2\") {",
            "DB_PASSWORD hunter2",
            "token: [\"hunter2\"]",
            "vault login hunter2",
            "app hunter2aB3dE6gH9jKmN",
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
            "--requirepass ${REDIS_PASSWORD}",
            "echo $TOKEN | docker login --password-stdin",
            "image: nginx:1.25@sha256:0a1b2c3d4e5f6978",
            "FROM python:3.12-slim@sha256:4bb5Aa",
            "git@github.com:org/repo.git",
            "integrity sha512-AbCdEf0123456789aBcDeFgHiJ",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
            "ENV GPG_KEY E3FF2839C048B25C084DEBE9B26995E310250568",
            "docker run -p 80:80 nginx",
            "auth: {\"type\": \"basic\"}",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }
}
