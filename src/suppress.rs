//! Applies exceptions to findings.
//!
//! A comment is about the line that it stands on, or, when it stands alone, about the line below it and the comments
//! that follow. Where a node starts on that line, it is about everything inside the node, and about what the node lacks.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use crate::config::{self, Config};
use crate::exception::{Asked, Exception, Ignore, Place, Since, Until, read};
use crate::finding::{Finding, Label};
use crate::outline::Outlines;
use crate::project::{Failure, Project};
use crate::rules;
use crate::source::{FileId, Source, Sources, Span, mask};
use crate::syntax::Document;
use crate::syntax::dockerfile::{Dockerfile, Kind};

/// What exceptions make of the findings of a scan.
#[derive(Debug, Default)]
pub struct Applied {
    /// What no exception hides.
    pub findings: Vec<Finding>,
    /// What one does, with its index in `exceptions`.
    pub suppressed: Vec<(Finding, usize)>,
    /// Every exception: by path and line, those of the configuration last.
    pub exceptions: Vec<Exception>,
    /// What broke meanwhile.
    pub failures: Vec<Failure>,
}

/// Hides the findings that an exception covers. With [`Config::no_ignores`] it only says which exceptions there are. Where it
/// breaks nothing is hidden.
pub fn apply(
    mut findings: Vec<Finding>,
    project: &Project,
    sources: &Sources,
    config: &Config,
    secrets: &[Span],
) -> Applied {
    let mut failures = Vec::new();
    let judged =
        Failure::or(None, "applying exceptions", || judge(&findings, project, sources, config, secrets, &mut failures));
    let (exceptions, mut hidden_by) = judged.unwrap_or_else(|failure| {
        failures.push(failure);
        (Vec::new(), Vec::new())
    });
    if config.no_ignores {
        hidden_by.clear();
    }
    let mut hides = hidden_by.iter();
    let hidden = findings.extract_if(.., |_| hides.next().is_some_and(Option::is_some));
    let suppressed = hidden.zip(hidden_by.iter().copied().flatten()).collect();
    Applied { findings, suppressed, exceptions, failures }
}

/// Every exception, and for each of the findings the one that hides it, by its index.
fn judge(
    findings: &[Finding],
    project: &Project,
    sources: &Sources,
    config: &Config,
    secrets: &[Span],
    failures: &mut Vec<Failure>,
) -> (Vec<Exception>, Vec<Option<usize>>) {
    let mut outlines = Outlines::new(&project.documents);
    let mut index = Index::default();
    let mut comments = Vec::new();
    for document in &project.documents {
        let found = Failure::or(Some(document.file()), "reading the exceptions of a file", || {
            #[cfg(test)]
            crate::broken::at("reading exceptions", &sources.get(document.file()).text);
            of_document(document, sources, config, secrets, &mut outlines)
        });
        match found {
            Ok(found) => {
                comments.extend(found.into_iter().map(|(exception, covers)| (exception, document.file(), covers)));
            }
            Err(failure) => failures.push(failure),
        }
    }
    comments.sort_by_key(|(exception, ..)| exception.span.map(|span| (&sources.get(span.file).path, span)));
    let mut exceptions = Vec::new();
    for (exception, file, covers) in comments {
        index.add(exceptions.len(), file, covers);
        exceptions.push(exception);
    }
    for (file, entry) in config.files.ignores() {
        let span = file.span(entry, sources);
        let ignore = of_config(file, entry, span, sources);
        index.config.push((exceptions.len(), file, &entry.value));
        exceptions.push(judged(ignore, span, config));
    }
    let mut used: Vec<HashSet<&'static str>> = vec![HashSet::new(); exceptions.len()];
    let mut hidden_by = Vec::with_capacity(findings.len());
    for finding in findings {
        #[cfg(test)]
        crate::broken::at("applying exceptions", &sources.get(finding.primary().file).text);
        let found = index.find(finding, |index| hides(&exceptions[index], finding), project, sources, &mut outlines);
        // What became a part of this finding is accepted where it stands, and would come up without the other: the
        // exception is used, but the finding that takes it in is another one and stays.
        for (rule, span) in &finding.contained {
            let Some(registered) = rules::find(rule) else { continue };
            let labels = vec![Label { span: *span, message: String::new() }];
            let part = Finding { rule: &registered.rule, gap: registered.rule.gap, labels, ..finding.clone() };
            let covers = |index: usize| hides(&exceptions[index], &part);
            if let Some(found) = index.find(&part, covers, project, sources, &mut outlines) {
                used[found].insert(registered.rule.id);
            }
        }
        if finding.gap && found.is_none() {
            let mute = |index: usize| would_hide(&exceptions[index], finding);
            if let Some(mute) = index.find(finding, mute, project, sources, &mut outlines) {
                let known = &mut exceptions[mute].mute;
                if !known.iter().any(|rule| rule == finding.rule.id) {
                    known.push(finding.rule.id.to_owned());
                }
            }
        }
        if let Some(found) = found {
            exceptions[found].hides += 1;
            used[found].insert(finding.rule.id);
        }
        hidden_by.push(found);
    }
    for (exception, used) in exceptions.iter_mut().zip(&used) {
        if !sees_all(exception, config, sources) {
            continue;
        }
        let mute = std::mem::take(&mut exception.mute);
        let ran =
            |id: &str| rules::find(id).is_some_and(|it| config.may_run(&it.rule)) && !mute.iter().any(|it| it == id);
        let unused = exception.ignore.rules.iter().filter(|id| ran(id) && !used.contains(id.as_str()));
        exception.unused = unused.cloned().collect();
        exception.mute = mute;
    }
    (exceptions, hidden_by)
}

/// What a comment is about.
#[derive(Debug)]
enum Covers {
    /// Nothing: it cannot be read.
    Nothing,
    /// The file.
    File,
    /// A line (from 1), and the nodes of the file's outline whose header is on it.
    Line(u32, Vec<usize>),
}

/// Which exceptions are about which places, by their indices.
#[derive(Debug, Default)]
struct Index<'a> {
    lines: BTreeMap<(FileId, u32), Vec<usize>>,
    nodes: HashMap<(FileId, usize), Vec<usize>>,
    files: HashMap<FileId, Vec<usize>>,
    config: Vec<(usize, &'a config::File, &'a config::Ignore)>,
}

impl<'a> Index<'a> {
    fn add(&mut self, exception: usize, file: FileId, covers: Covers) {
        match covers {
            Covers::Nothing => {}
            Covers::File => self.files.entry(file).or_default().push(exception),
            Covers::Line(line, nodes) => {
                self.lines.entry((file, line)).or_default().push(exception);
                for node in nodes {
                    self.nodes.entry((file, node)).or_default().push(exception);
                }
            }
        }
    }

    /// The nearest exception about the place of `finding` that does what `hides` says of its index, and of equally near ones
    /// the first.
    fn find(
        &self,
        finding: &Finding,
        hides: impl Fn(usize) -> bool,
        project: &Project,
        sources: &Sources,
        outlines: &mut Outlines,
    ) -> Option<usize> {
        if self.lines.is_empty() && self.files.is_empty() && self.config.is_empty() {
            return None;
        }
        let fits = |&&index: &&usize| hides(index);
        // A text inside a file is nearer than what stands around it.
        for place in finding.inside.into_iter().chain([finding.primary()]) {
            let (file, source) = (place.file, sources.get(place.file));
            let lines = source.position(place.start).line..=source.position(last_byte(source, place)).line;
            let on_line = self.lines.range((file, *lines.start())..=(file, *lines.end())).flat_map(|(_, found)| found);
            if let Some(found) = on_line.clone().find(fits) {
                return Some(*found);
            }
            if let Some(outline) = outlines.of(file, source) {
                let around = outline.around(place.start).filter_map(|node| self.nodes.get(&(file, node)));
                if let Some(found) = around.flatten().find(fits) {
                    return Some(*found);
                }
            }
            if let Some(found) = self.files.get(&file).into_iter().flatten().find(fits) {
                return Some(*found);
            }
        }
        // What the node lacks may show in another file. What is so for other nodes as well is not for this one to say.
        if let Some(about) = finding.about.as_ref().filter(|_| finding.also.is_empty())
            && let Some(document) = project.documents.get(about.document)
        {
            let file = document.file();
            if let Some(outline) = outlines.of(file, sources.get(file)) {
                let node = about.stage.map_or_else(|| outline.named(&about.path), |stage| outline.stage(stage));
                let around = node.into_iter().flat_map(|node| outline.outwards(node));
                let around = around.filter_map(|node| self.nodes.get(&(file, node)));
                if let Some(found) = around.flatten().find(fits) {
                    return Some(*found);
                }
            }
            if let Some(found) = self.files.get(&file).into_iter().flatten().find(fits) {
                return Some(*found);
            }
        }
        let shown = sources.get(finding.primary().file).path.as_str();
        let configured = self.config.iter().filter(|(index, ..)| hides(*index));
        let mut configured = configured.filter(|(_, file, ignore)| {
            let covers = |name: Option<&str>| file.covers(ignore, finding.rule.id, shown, name.into_iter());
            // What is so for several containers is left out when it is accepted for each of them.
            covers(finding.container.as_deref()) && finding.also.iter().all(|name| covers(Some(name)))
        });
        configured.next().map(|(index, ..)| *index)
    }
}

/// Whether the scan would have found all that an exception is about. What is found in a file depends on those around it.
fn sees_all(exception: &Exception, config: &Config, sources: &Sources) -> bool {
    match &exception.ignore.place {
        Place::Comment(span) | Place::File(span) => config.sees_all_of(&sources.get(span.file).path),
        Place::Config { path, .. } => {
            let file = config.files.iter().find(|file| file.path == *path);
            file.is_none_or(|file| match &file.folder {
                config::Folder::Above(prefix) => prefix.is_empty() && config.sees_all_of(""),
                config::Folder::Below(folder) => config.sees_all_of(folder),
            })
        }
    }
}

/// Whether an exception is for the finding's rule and holds. What was not graded takes a reason to be left out.
fn hides(exception: &Exception, finding: &Finding) -> bool {
    (!finding.gap || exception.ignore.reason.is_some()) && would_hide(exception, finding)
}

/// The same, whether or not it has a reason.
fn would_hide(exception: &Exception, finding: &Finding) -> bool {
    exception.holds() && exception.ignore.rules.iter().any(|rule| rule == finding.rule.id)
}

/// The offset of the last byte of `span` that is not a line end.
fn last_byte(source: &Source, span: Span) -> u32 {
    let text = source.slice(span).trim_end_matches(['\n', '\r']);
    span.start + (text.len() as u32).saturating_sub(1)
}

/// The exceptions in the comments of a document, in their order, each with what it is about.
fn of_document(
    document: &Document,
    sources: &Sources,
    config: &Config,
    secrets: &[Span],
    outlines: &mut Outlines,
) -> Vec<(Exception, Covers)> {
    let file = document.file();
    let source = sources.get(file);
    let mut found = Vec::new();
    let comments = comments(document, source);
    let mut alone: Option<HashMap<u32, u32>> = None;
    for &span in comments.iter() {
        let comment = source.slice(span);
        // Most comments are about something else. Whoever writes `Confscan` is told so.
        let ours = memchr::memmem::find(comment.as_bytes(), b"onfscan").is_some();
        // Where it stands in the file, if this is a text inside one.
        let place = sources.resolve(span);
        let Some(asked) = ours.then(|| read(&mask(comment, place, secrets), place)).flatten() else { continue };
        let alone = alone.get_or_insert_with(|| lone_comments(&comments, source));
        let line = source.position(span.start).line;
        let (ignore, malformed) = match asked {
            Asked::Malformed(problem) => (None, Some(problem)),
            Asked::Ignore { file: true, ignore } if !is_at_the_top(document, source, line, alone) => {
                (Some(ignore), Some("`ignore-file` belongs to the top of the file".to_owned()))
            }
            Asked::Ignore { ignore, .. } => (Some(ignore), None),
        };
        let covers = match &ignore {
            _ if malformed.is_some() => Covers::Nothing,
            Some(Ignore { place: Place::File(_), .. }) => Covers::File,
            _ => lines_of(alone.get(&line).copied().unwrap_or(line), source, file, outlines),
        };
        let ignore = ignore.unwrap_or_else(|| Ignore {
            rules: Vec::new(),
            reason: None,
            until: None,
            since: None,
            place: Place::Comment(place),
        });
        found.push((Exception { malformed, ..judged(ignore, Some(place), config) }, covers));
    }
    if let Document::Dockerfile(dockerfile) = document {
        for span in misplaced(dockerfile, source) {
            let place = sources.resolve(span);
            let text = mask(source.slice(span), place, secrets);
            if !matches!(read(&text, place), Some(Asked::Ignore { .. })) {
                continue;
            }
            let why = "Docker takes a `#` behind an instruction for a part of it: write it on a line above".to_owned();
            let (rules, written) = (Vec::new(), Place::Comment(place));
            let ignore = Ignore { rules, reason: None, until: None, since: None, place: written };
            found.push((Exception { malformed: Some(why), ..judged(ignore, Some(place), config) }, Covers::Nothing));
        }
    }
    found
}

/// What looks like a comment for confscan behind an instruction, or behind a part of it on a line of its own: from the
/// `#` to the end of the line. Here-documents are not looked into, for they hold files of other kinds.
fn misplaced<'a>(dockerfile: &'a Dockerfile, source: &'a Source) -> impl Iterator<Item = Span> + 'a {
    dockerfile.instructions.iter().flat_map(move |instruction| {
        let text = source.slice(instruction.span);
        memchr::memmem::find_iter(text.as_bytes(), b"confscan:").filter_map(move |at| {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            let hash = line + text[line..at].rfind('#')?;
            let between = text[hash + 1..at].trim().is_empty();
            // A line that starts with it is a comment, also between the lines of an instruction.
            let behind = !text[line..hash].trim().is_empty() && text[line..hash].ends_with([' ', '\t']);
            let end = text[at..].find(['\r', '\n']).map_or(text.len(), |end| at + end);
            let (start, end) = (instruction.span.start + hash as u32, instruction.span.start + end as u32);
            (between && behind).then_some(Span { start, end, ..instruction.span })
        })
    })
}

/// The comments of a document, in their order: those of the format, and of a Dockerfile also those of the scripts in its
/// here-documents.
fn comments<'a>(document: &'a Document, source: &Source) -> Cow<'a, [Span]> {
    let comments = document.comments();
    let Document::Dockerfile(dockerfile) = document else { return Cow::Borrowed(comments) };
    let runs = dockerfile.instructions.iter().filter(|instruction| matches!(instruction.kind, Kind::Run(_)));
    let mut scripts = runs.flat_map(|instruction| &instruction.heredocs).map(|heredoc| heredoc.body.span).peekable();
    if scripts.peek().is_none() {
        return Cow::Borrowed(comments);
    }
    let mut all = comments.to_vec();
    for script in scripts {
        let mut start = script.start;
        for line in source.slice(script).split_inclusive('\n') {
            let (end, text) = (start + line.len() as u32, line.trim_end());
            let indent = text.len() - text.trim_start().len();
            if text[indent..].starts_with('#') {
                all.push(Span { start: start + indent as u32, end: start + text.len() as u32, ..script });
            }
            start = end;
        }
    }
    all.sort_unstable();
    Cow::Owned(all)
}

/// The line `line` with the nodes that start on it, and those whose header goes on to it.
fn lines_of(line: u32, source: &Source, file: FileId, outlines: &mut Outlines) -> Covers {
    let (text, start) = source.line(line);
    let mut nodes = Vec::new();
    if let Some(outline) = outlines.of(file, source) {
        nodes.extend(outline.starting_in(start..start + text.len() as u32));
        let indent = text.len() - text.trim_start().len();
        let on_header = outline.around(start + indent as u32).filter(|&node| {
            outline.get(node).is_some_and(|node| {
                let first = source.position(node.header.start).line;
                first < line && line <= source.position(last_byte(source, node.header)).line
            })
        });
        nodes.extend(on_header);
    }
    Covers::Line(line, nodes)
}

/// The lines that hold nothing but a comment, each with the line below it and the comments that follow it.
fn lone_comments(comments: &[Span], source: &Source) -> HashMap<u32, u32> {
    let mut below = HashMap::new();
    for span in comments.iter().rev().filter(|span| stands_alone(source, **span)) {
        let line = source.position(span.start).line;
        below.insert(line, below.get(&(line + 1)).copied().unwrap_or(line + 1));
    }
    below
}

/// Whether nothing but blanks stands before a comment on its line.
fn stands_alone(source: &Source, comment: Span) -> bool {
    let (_, start) = source.line(source.position(comment.start).line);
    source.slice(Span { start, end: comment.start, ..comment }).trim_matches(['\u{feff}', ' ', '\t']).is_empty()
}

/// Whether only blank lines, comments, parser directives and the start of a YAML document stand above `line`.
fn is_at_the_top(document: &Document, source: &Source, line: u32, alone: &HashMap<u32, u32>) -> bool {
    let directives: HashSet<u32> = match document {
        Document::Dockerfile(dockerfile) => {
            dockerfile.directives.iter().map(|directive| source.position(directive.name.span.start).line).collect()
        }
        _ => HashSet::new(),
    };
    let first = (1..line).find(|above| {
        let text = source.line(*above).0.trim_matches(['\u{feff}', ' ', '\t']);
        let yaml = matches!(document, Document::Compose(_)) && (text == "---" || text.starts_with('%'));
        !(text.is_empty() || yaml || alone.contains_key(above) || directives.contains(above))
    });
    first.is_none() && alone.contains_key(&line)
}

/// An exception before it was applied.
fn judged(ignore: Ignore, span: Option<Span>, config: &Config) -> Exception {
    Exception {
        span,
        since: ignore.since.map(|date| Since { date, at_least: false }),
        malformed: None,
        expired: ignore.has_expired(config.today),
        unreasoned: config.require_reason && ignore.reason.is_none(),
        mute: Vec::new(),
        unknown: ignore.rules.iter().filter(|rule| rules::find(rule).is_none()).cloned().collect(),
        unused: Vec::new(),
        hides: 0,
        ignore,
    }
}

/// An accepted finding of a configuration file as an exception; `span` is where it stands.
fn of_config(file: &config::File, entry: &config::At<config::Ignore>, span: Option<Span>, sources: &Sources) -> Ignore {
    let accepted = &entry.value;
    let line = span.map_or(1, |span| sources.position(span).0.line);
    Ignore {
        rules: accepted.rule.0.iter().map(|name| name.value.0.to_owned()).collect(),
        reason: accepted.reason.clone().filter(|reason| !reason.trim().is_empty()),
        until: accepted.until.as_ref().map(|day| Until { text: day.value.0.to_string(), date: Some(day.value.0) }),
        since: accepted.since.as_ref().map(|day| day.value.0),
        place: Place::Config { path: file.path.clone(), line },
    }
}

/// `in 3 days`, `today`: how long an exception still holds on the day `today`; nothing where it has no end.
pub fn left(ignore: &Ignore, today: Date) -> Option<String> {
    Some(match ignore.days_left(today)? {
        0 => "today is its last day".to_owned(),
        1 => "1 day left".to_owned(),
        days if days > 0 => format!("{days} days left"),
        _ => "over".to_owned(),
    })
}

#[cfg(test)]
mod tests;
