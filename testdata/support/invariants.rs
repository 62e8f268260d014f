//! What must hold of every model and of every report, whatever the files hold.

use std::fmt::{self, Debug, Write as _};

use confscan::report::{Format, Options, Report, write};
use confscan::source::Source;
use confscan::text::{commands, visible};

/// Every place in `model` lies in `text`; the place of a value does not cut a character either.
pub fn places_lie_in(text: &str, model: &impl Debug) {
    let mut places = Places { text, state: State::Code, word: String::new(), escaped: false };
    write!(places, "{model:?}").expect("the sink takes everything");
}

/// A sink for the derived debug form of a model, which has every span and segment of it, also of what is private.
struct Places<'a> {
    text: &'a str,
    state: State,
    /// What was written since the last brace or parenthesis was opened, outside of strings.
    word: String,
    escaped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    /// Inside a string or character that ends with this.
    Quoted(char),
}

impl fmt::Write for Places<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for character in piece.chars() {
            match self.state {
                State::Quoted(_) if self.escaped => self.escaped = false,
                State::Quoted(_) if character == '\\' => self.escaped = true,
                State::Quoted(end) if character == end => self.state = State::Code,
                State::Quoted(_) => {}
                State::Code => match character {
                    '"' | '\'' => self.state = State::Quoted(character),
                    // `Span { file: FileId(0), start: 1, end: 2 }`, `Segment { logical: 0, source: 1 }`
                    '}' => {
                        self.place();
                        self.word.clear();
                    }
                    '{' => self.word.clear(),
                    _ if self.word.len() < 80 => self.word.push(character),
                    _ => {}
                },
            }
        }
        Ok(())
    }
}

impl Places<'_> {
    fn place(&self) {
        let word = self.word.trim();
        if let Some(fields) = word.strip_prefix("file: FileId(0), start: ") {
            let (start, end) = fields.split_once(", end: ").unwrap_or_default();
            let (Ok(start), Ok(end)) = (start.parse::<usize>(), end.parse::<usize>()) else { return };
            let range = start..end;
            assert!(self.text.get(range).is_some(), "{start}..{end} is no part of {:?}", self.text);
        } else if let Some((_, source)) = word.strip_prefix("logical: ").and_then(|word| word.split_once(", source: "))
        {
            let Ok(source) = source.parse::<usize>() else { return };
            assert!(source <= self.text.len(), "byte {source} is behind {:?}", self.text);
        }
    }
}

/// What must hold of a report: it tells of no error of our own, all that it points at is there, it can be written, nothing
/// in what is written acts on the terminal or the CI system that shows it, and each format is what it says it is. Every
/// format takes longer than the scan: what is not `thorough` tries one.
pub fn report_is_sound(report: &Report, thorough: bool) {
    if let Some(broken) = report.findings.iter().find(|finding| finding.rule.id == "internal-error") {
        panic!("{}: {}", report.sources.get(broken.primary().file).path, broken.message);
    }
    assert!(report.project.failures.is_empty(), "{:?}", report.project.failures);
    for finding in report.findings.iter().chain(report.suppressed.iter().map(|(finding, _)| finding)) {
        for label in finding.labels.iter().chain(&finding.chain) {
            let span = report.sources.resolve(label.span);
            let source = report.sources.get(span.file);
            let (start, end) = (span.start as usize, span.end as usize);
            assert!(start <= end && end <= source.text.len(), "{}: {}: {span:?}", source.path, finding.rule.id);
        }
    }
    for span in &report.secrets {
        let source = report.sources.get(span.file);
        assert!(span.end as usize <= source.text.len(), "{}: {span:?}", source.path);
    }
    if !thorough {
        return is_sound(Format::Human, &written(report, Format::Human, &Options::default()));
    }
    for format in Format::ALL {
        is_sound(format, &written(report, format, &Options::default()));
    }
    is_sound(Format::Human, &written(report, Format::Human, &Options { quiet: true, ..Options::default() }));
    let narrow = Options { width: Some(1), ..Options::default() };
    is_sound(Format::Human, &written(report, Format::Human, &narrow));
    let all = Options { include_suppressed: true, ..Options::default() };
    is_sound(Format::Sarif, &written(report, Format::Sarif, &all));
    let mut out = Vec::new();
    confscan::report::containers::write(report, &Options::default(), &mut out).expect("memory takes everything");
    is_sound(Format::Human, &String::from_utf8(out).expect("what is written is UTF-8"));
    let mut out = Vec::new();
    confscan::report::json::write_containers(report, &mut out).expect("memory takes everything");
    is_sound(Format::Json, &String::from_utf8(out).expect("what is written is UTF-8"));
    for (json, format) in [(false, Format::Human), (true, Format::Json)] {
        let mut out = Vec::new();
        confscan::listing::files(&report.sources, json, Options::default(), &mut out).expect("memory takes everything");
        is_sound(format, &String::from_utf8(out).expect("what is written is UTF-8"));
    }
}

/// A report as a text.
pub fn written(report: &Report, format: Format, options: &Options) -> String {
    let mut out = Vec::new();
    write(report, format, options, &mut out).expect("memory takes everything");
    String::from_utf8(out).unwrap_or_else(|error| panic!("{format:?} is not UTF-8: {error}"))
}

/// Nothing in the text acts on what shows it, and it is of its format.
fn is_sound(format: Format, out: &str) {
    for line in out.split('\n') {
        if format != Format::Github {
            let command = line.trim_start().strip_prefix("::");
            let named = command.is_some_and(|command| command.starts_with(|first: char| first.is_ascii_alphabetic()));
            assert!(!named, "{format:?}: a workflow command: {line:?}");
        }
        // The data of GitHub's commands keeps two of them as they are, behind a line's end that it escapes.
        assert!(commands(line).next().is_none(), "{format:?}: a command: {line:?}");
        let shown = visible(line);
        assert!(*shown == *line, "{format:?}: {line:?} should be {shown:?}");
    }
    match format {
        Format::Json | Format::Sarif | Format::Gitlab | Format::GitlabSast => {
            let json: Result<serde_json::Value, _> = serde_json::from_str(out);
            assert!(json.is_ok(), "{format:?}: {:?}: {out}", json.err());
        }
        Format::Junit | Format::Checkstyle => {
            is_xml(out).unwrap_or_else(|problem| panic!("{format:?}: {problem}: {out}"))
        }
        Format::Github => {
            for line in out.lines().filter(|line| line.trim_start().starts_with("::")) {
                let known = ["::error file=", "::warning file=", "::notice file="].iter().any(|c| line.starts_with(c));
                assert!(known, "{line:?}");
                let properties = line[2..].split_once("::").unwrap_or_else(|| panic!("{line:?} does not end")).0;
                let names: Vec<&str> =
                    properties.split(',').filter_map(|pair| pair.split_once('=')).map(|p| p.0).collect();
                assert_eq!(names.len(), 5, "{line:?}");
            }
        }
        _ => {}
    }
}

/// Whether the text is XML as far as the reports use it: a declaration, elements that are closed in their order,
/// attributes in double quotes, the five entities, and no `<` or `&` but these.
pub fn is_xml(text: &str) -> Result<(), String> {
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
    let mut open: Vec<&str> = Vec::new();
    let mut roots = 0;
    while let Some(at) = rest.find('<') {
        let between = &rest[..at];
        is_character_data(between)?;
        if open.is_empty() && !between.trim().is_empty() {
            return Err(format!("{between:?} outside of an element"));
        }
        rest = &rest[at + 1..];
        let end = rest.find('>').ok_or("a tag does not end")?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(format!("<{name}> is no element"));
        }
        roots += usize::from(open.is_empty());
        is_attributes(attributes)?;
        if !empty {
            open.push(name);
        }
    }
    match (open.pop(), roots, rest.trim()) {
        (None, 1, "") => Ok(()),
        left => Err(format!("{left:?} at the end")),
    }
}

fn is_attributes(mut text: &str) -> Result<(), String> {
    let mut names: Vec<&str> = Vec::new();
    while !text.trim_start().is_empty() {
        let (name, rest) = text.trim_start().split_once("=\"").ok_or_else(|| format!("{text:?} is no attribute"))?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase()) || names.contains(&name) {
            return Err(format!("{name:?} is no name of an attribute, or twice"));
        }
        names.push(name);
        let (value, rest) = rest.split_once('"').ok_or_else(|| format!("{rest:?} does not end"))?;
        is_character_data(value)?;
        text = rest;
    }
    Ok(())
}

/// No `&` but of an entity, and no character that XML 1.0 has not.
fn is_character_data(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"].iter().any(|entity| text[at..].starts_with(entity));
        if !known {
            return Err(format!("{:?} is no entity", &text[at..]));
        }
    }
    match text
        .chars()
        .find(|c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'))
    {
        Some(character) => Err(format!("{character:?} is no character of XML")),
        None => Ok(()),
    }
}

/// Positions and lines of a file can be asked for at any byte.
pub fn lines_can_be_found(source: &Source) {
    for offset in 0..=source.text.len().min(200) {
        let position = source.position(offset as u32);
        assert!(position.line >= 1 && position.column >= 1);
        let (line, start) = source.line(position.line);
        assert!(start as usize + line.len() <= source.text.len());
    }
}
