//! Settings of servers' own config files, read as the servers read them.

use std::ops::Range;

/// A setting of a line: its words, and where the line stands (bytes of the text).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The words, without quotes.
    pub words: Vec<String>,
    /// The line without the blanks around it.
    pub range: Range<usize>,
}

impl Line {
    /// The word at `index`; empty where there is none.
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", String::as_str)
    }
}

/// The lines of a text with their places, without the blanks around them.
fn lines(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at + (line.len() - line.trim_start().len());
        *at += line.len();
        let trimmed = line.trim();
        Some((trimmed, start.min(*at)..(start + trimmed.len()).min(*at)))
    })
}

/// The settings of a redis.conf: one on a line, comments on lines of their own, words as `sdssplitargs` of Redis takes them
/// apart. A line whose quotes do not match, at which Redis does not start, is left out.
pub(super) fn redis(text: &str) -> Vec<Line> {
    let settings = lines(text).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    settings.filter_map(|(line, range)| Some(Line { words: redis_words(line)?, range })).collect()
}

/// Words between blanks; `"…"` with backslash escapes, `'…'` with `\'` alone. A closing quote has to end the word.
fn redis_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut characters = line.chars().peekable();
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        if characters.peek().is_none() {
            return Some(words);
        }
        let mut word = String::new();
        while let Some(character) = characters.next_if(|character| !character.is_whitespace()) {
            if !matches!(character, '"' | '\'') {
                word.push(character);
                continue;
            }
            loop {
                match characters.next()? {
                    end if end == character => break,
                    '\\' if character == '"' => word.push(characters.next()?),
                    '\\' if characters.peek() == Some(&'\'') => word.extend(characters.next()),
                    other => word.push(other),
                }
            }
            if characters.peek().is_some_and(|next| !next.is_whitespace()) {
                return None;
            }
            break;
        }
        words.push(word);
    }
}

/// The settings of a mosquitto.conf: the key, a blank, and the rest of the line; `#` begins a comment at the start of a line.
pub(super) fn mosquitto(text: &str) -> Vec<Line> {
    let settings = lines(text).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    settings.map(|(line, range)| Line { words: line.split_whitespace().map(str::to_owned).collect(), range }).collect()
}

/// The records of a pg_hba.conf: fields between blanks, several values of a field between commas, `"…"` around what is to be
/// taken by its letters (kept as a quote in front, since a quoted keyword is none), `#` before a comment, and a backslash at
/// the end of a line that goes on (PostgreSQL's `hba.c`).
pub(super) fn pg_hba(text: &str) -> Vec<Line> {
    let mut records = Vec::new();
    let mut open: Option<Line> = None;
    for (line, range) in lines(text) {
        let (line, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        let mut record = open.take().unwrap_or(Line { words: Vec::new(), range: range.clone() });
        record.range.end = range.end;
        pg_fields(line, &mut record.words);
        match goes_on {
            true => open = Some(record),
            false if !record.words.is_empty() => records.push(record),
            false => {}
        }
    }
    records.extend(open.filter(|record| !record.words.is_empty()));
    records
}

fn pg_fields(line: &str, fields: &mut Vec<String>) {
    let mut field = String::new();
    let mut quoted = false;
    // A blank behind a comma is inside the field.
    let mut ended = false;
    for character in line.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                if quoted {
                    if ended && !field.ends_with(',') {
                        fields.push(std::mem::take(&mut field));
                    }
                    field.push('"');
                    ended = false;
                }
            }
            _ if quoted => field.push(character),
            '#' => break,
            character if character.is_whitespace() => ended = !field.is_empty(),
            _ => {
                if ended && character != ',' && !field.ends_with(',') {
                    fields.push(std::mem::take(&mut field));
                }
                ended = false;
                field.push(character);
            }
        }
    }
    if !field.is_empty() {
        fields.push(field);
    }
}

/// What a pg_hba.conf says to a client of any address: the record that lets it in without a password.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// By this record.
    Trust(Range<usize>),
    /// Nobody comes in without one.
    Asks,
    /// A part of the file is not in sight.
    Unknown,
}

/// Goes through the records in their order: the first that fits decides.
pub(super) fn pg_decision(records: &[Line]) -> Decision {
    for record in records {
        if record.word(0).starts_with("include") {
            return Decision::Unknown;
        }
        if !matches!(record.word(0), "host" | "hostnossl" | "hostssl") {
            continue;
        }
        let masked = record.word(3) == "0.0.0.0" && record.word(4) == "0.0.0.0";
        let everyone = masked || matches!(record.word(3), "all" | "0.0.0.0/0" | "::/0" | "::0/0");
        if !everyone {
            continue;
        }
        let has_all = |field: &str| field.split(',').any(|value| value == "all");
        match record.word(if masked { 5 } else { 4 }) {
            "trust" => return Decision::Trust(record.range.clone()),
            _ if has_all(record.word(1)) && has_all(record.word(2)) && record.word(0) == "host" => {
                return Decision::Asks;
            }
            _ => {}
        }
    }
    Decision::Asks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(lines: &[Line]) -> Vec<Vec<&str>> {
        lines.iter().map(|line| line.words.iter().map(String::as_str).collect()).collect()
    }

    #[test]
    fn redis_words_are_split_as_redis_does() {
        let text = "# a comment\n  bind 127.0.0.1 -::1 \r\nrequirepass \"a \\\"b\\\" c\"\nx ''\nopen \"quote\ny \"a\"b\nz 'it\\'s'\n";
        let expected: [&[&str]; 4] =
            [&["bind", "127.0.0.1", "-::1"], &["requirepass", "a \"b\" c"], &["x", ""], &["z", "it's"]];
        let found = redis(text);
        assert_eq!(words(&found), expected);
        assert_eq!(&text[found[0].range.clone()], "bind 127.0.0.1 -::1");
    }

    #[test]
    fn fields_of_pg_hba_keep_their_lists_and_quotes() {
        let text = "host all,app , \"all\" ::1/128 trust # no\nhost \\\n all all all md5\n\n#x\nlocal \"a b\" all peer";
        let expected: [&[&str]; 3] = [
            &["host", "all,app,\"all", "::1/128", "trust"],
            &["host", "all", "all", "all", "md5"],
            &["local", "\"a b", "all", "peer"],
        ];
        assert_eq!(words(&pg_hba(text)), expected);
    }

    #[test]
    fn the_first_record_that_fits_decides() {
        for (text, expected) in [
            ("local all all trust\nhost all all 127.0.0.1/32 trust\n", false),
            ("host all all all scram-sha-256\nhost all all all trust\n", false),
            ("host app all all scram-sha-256\nhost all all 0.0.0.0/0 trust\n", true),
            ("hostssl all all all cert\nhost all all all trust\n", true),
            ("host all all 0.0.0.0 0.0.0.0 trust\n", true),
            ("host all all 0.0.0.0 0.0.0.0 md5\n", false),
            ("host all all ::/0 reject\nhost all all all trust\n", false),
            ("host replication all 0.0.0.0/0 trust\n", true),
        ] {
            assert_eq!(matches!(pg_decision(&pg_hba(text)), Decision::Trust(_)), expected, "{text}");
        }
        assert_eq!(pg_decision(&pg_hba("include other.conf\nhost all all all trust")), Decision::Unknown);
    }
}
