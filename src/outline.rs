//! The logical nodes of a document: services, stages, sections and blocks, and the smaller nodes inside them that a
//! comment above their first line is about.
//!
//! They give a finding its logical path, and an ignore on a node's header everything inside the node.

use std::collections::HashMap;

use crate::source::{FileId, Source, Span};
use crate::syntax::Document;
use crate::syntax::compose::Compose;
use crate::syntax::dockerfile::Dockerfile;
use crate::syntax::nginx::{Directive, Nginx};
use crate::syntax::supervisor::Supervisor;

/// Characters of one name in a logical path: longer ones are cut.
const LONGEST_NAME: usize = 120;

/// The nodes of one document, each before those inside it.
#[derive(Debug, Default)]
pub struct Outline {
    nodes: Vec<Node>,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// All of it.
    pub span: Span,
    /// Its first line or lines: a comment there is about the whole node.
    pub header: Span,
    /// Name in the logical path; nothing where it has no place in it.
    name: Option<String>,
    /// Index of the stage in its Dockerfile.
    stage: Option<usize>,
    parent: Option<usize>,
}

impl Outline {
    /// The nodes of `document`, which was read from `source`.
    pub fn of(document: &Document, source: &Source) -> Outline {
        let mut nodes = match document {
            Document::Dockerfile(dockerfile) => of_dockerfile(dockerfile, source),
            Document::Compose(compose) => of_compose(compose),
            Document::Supervisor(supervisor) => of_supervisor(supervisor, source),
            Document::Nginx(nginx) => of_nginx(nginx),
            Document::Dotenv(_) => Vec::new(),
        };
        nodes.sort_by_key(|node| (node.span.start, std::cmp::Reverse(node.span.end), node.name.is_none()));
        let mut open: Vec<usize> = Vec::new();
        for index in 0..nodes.len() {
            while open.last().is_some_and(|&outer| !nodes[outer].span.contains(nodes[index].span)) {
                open.pop();
            }
            nodes[index].parent = open.last().copied();
            open.push(index);
        }
        Outline { nodes }
    }

    /// Indices of the nodes that hold the byte at `offset`, the innermost first. The place just past a node's last byte
    /// belongs to it, too: that is where something missing would be written.
    pub fn around(&self, offset: u32) -> impl Iterator<Item = usize> {
        let mut at = self.nodes.partition_point(|node| node.span.start <= offset).checked_sub(1);
        std::iter::from_fn(move || {
            let index = at?;
            at = self.nodes[index].parent;
            Some(index)
        })
        .filter(move |&index| self.nodes[index].span.end >= offset)
    }

    /// The node `index`.
    pub fn get(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }

    /// Indices of the nodes whose first byte is one of `range`.
    pub fn starting_in(&self, range: std::ops::Range<u32>) -> impl Iterator<Item = usize> {
        let first = self.nodes.partition_point(|node| node.span.start < range.start);
        let nodes = self.nodes[first..].iter().take_while(move |node| node.span.start < range.end);
        nodes.enumerate().map(move |(index, _)| first + index)
    }

    /// The logical path of what stands at `offset`: `services.web`, `stages.build`, `server example.org/location /`.
    pub fn path(&self, offset: u32) -> String {
        let mut names: Vec<&str> = self.around(offset).filter_map(|index| self.nodes[index].name.as_deref()).collect();
        names.reverse();
        names.join("/")
    }

    /// Index of the node that is the build stage `stage`.
    pub fn stage(&self, stage: usize) -> Option<usize> {
        self.nodes.iter().position(|node| node.stage == Some(stage))
    }

    /// Index of the node at the top with the logical path `path`.
    pub fn named(&self, path: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name.as_deref() == Some(path))
    }

    /// `index` and the nodes around it.
    pub fn outwards(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(index), |&index| self.nodes.get(index)?.parent)
    }
}

fn node(span: Span, header: Span, name: Option<String>) -> Node {
    let name = name.map(|name| match name.char_indices().nth(LONGEST_NAME) {
        Some((cut, _)) => name[..cut].to_owned(),
        None => name,
    });
    Node { span, header, name, stage: None, parent: None }
}

/// The stages, and every instruction with its continuation lines and here-documents. A stage without a name is counted
/// among those, from the last, so that a stage that is put before it does not rename it.
fn of_dockerfile(dockerfile: &Dockerfile, source: &Source) -> Vec<Node> {
    let mut nodes = Vec::new();
    // From the start of the line to the end of the last line, here-documents included.
    let whole = |index: usize| {
        let instruction = dockerfile.instructions.get(index)?;
        let (last, start) = source.line(instruction.lines.1);
        let end = (start + last.len() as u32).max(instruction.span.end);
        Some(Span { end, ..instruction.span })
    };
    for index in 0..dockerfile.instructions.len() {
        if let Some(span) = whole(index) {
            nodes.push(node(span, dockerfile.instructions[index].keyword.span, None));
        }
    }
    let mut unnamed = 0;
    for (index, stage) in dockerfile.stages.iter().enumerate().rev() {
        let name = stage.name.as_ref().map(|name| name.value.clone()).unwrap_or_else(|| {
            unnamed += 1;
            (unnamed - 1).to_string()
        });
        let last = stage.body.end.checked_sub(1).filter(|last| *last > stage.from).unwrap_or(stage.from);
        if let (Some(from), Some(last)) = (whole(stage.from), whole(last)) {
            let stage_node = node(from.to(last), from, Some(format!("stages.{name}")));
            nodes.push(Node { stage: Some(index), ..stage_node });
        }
    }
    nodes
}

/// The services and their keys, each with all that is below it, and the configs whose content stands in the file.
fn of_compose(compose: &Compose) -> Vec<Node> {
    let mut nodes = Vec::new();
    for service in &compose.services {
        let (Some(name), Some(span)) = (&service.name, service.span) else { continue };
        nodes.push(node(span, name.span, Some(format!("services.{}", name.value))));
        // Keys that are merged in stand somewhere else.
        let mut keys: Vec<Span> = service.keys.iter().map(|key| key.span).filter(|key| span.contains(*key)).collect();
        keys.sort_unstable();
        for (index, key) in keys.iter().enumerate() {
            let end = keys.get(index + 1).map_or(span.end, |next| next.start);
            nodes.push(node(Span { end, ..*key }, *key, None));
        }
    }
    for config in &compose.configs {
        if let Some(content) =
            config.content.as_ref().filter(|content| content.text().span.file == config.name.span.file)
        {
            nodes.push(node(config.name.span.to(content.text().span), config.name.span, None));
        }
    }
    nodes
}

/// The sections, each to the next header, and the options with their continuation lines.
fn of_supervisor(supervisor: &Supervisor, source: &Source) -> Vec<Node> {
    let file = supervisor.file;
    let mut nodes: Vec<Node> = Vec::new();
    // A section may be written in several places, of which the model knows the first.
    for line in 1..=source.line_count() {
        let (text, start) = source.line(line);
        let start = start as usize + if line == 1 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = text.trim_start_matches('\u{feff}');
        let Some(name) = text.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).map(|(name, _)| name) else {
            continue;
        };
        if let Some(before) = nodes.last_mut() {
            before.span.end = (start as u32).saturating_sub(1).max(before.header.end);
        }
        let header = Span::new(file, start..start + text.len());
        let all = Span::new(file, start..source.text.len());
        nodes.push(node(all, header, Some(name.trim().replace(':', "."))));
    }
    for option in supervisor.sections.iter().flat_map(|section| &section.options) {
        nodes.push(node(option.name.span.to(option.value.span), option.name.span, None));
    }
    nodes
}

/// The blocks, and directives that go over several lines.
fn of_nginx(nginx: &Nginx) -> Vec<Node> {
    nginx.walk().map(|visit| of_directive(visit.directive)).collect()
}

fn of_directive(directive: &Directive) -> Node {
    let Some(block) = &directive.block else {
        return node(directive.span, directive.name.span, None);
    };
    let words = |directive: &Directive| -> String {
        directive.arguments.iter().map(|argument| argument.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    // A server is known by its name rather than by its address, which is more likely to change.
    let own = match directive.name.as_str() {
        "http" => None,
        "server" => Some(["server_name", "listen"].iter().find_map(|name| block.find(name).next()).map(words)),
        _ => Some(Some(words(directive))),
    };
    let name = own.map(|words| format!("{} {}", directive.name.value, words.unwrap_or_default()).trim_end().to_owned());
    node(directive.span.to(block.span), directive.span, name)
}

/// The outlines of a project's documents, each made when it is first asked for.
#[derive(Debug)]
pub struct Outlines<'a> {
    documents: &'a [Document],
    by_file: HashMap<FileId, usize>,
    made: HashMap<FileId, Outline>,
}

impl<'a> Outlines<'a> {
    /// Those of `documents`.
    pub fn new(documents: &'a [Document]) -> Self {
        let by_file = documents.iter().enumerate().rev().map(|(index, document)| (document.file(), index)).collect();
        Outlines { documents, by_file, made: HashMap::new() }
    }

    /// The outline of what was read from `file`; nothing where that is no config.
    pub fn of(&mut self, file: FileId, source: &Source) -> Option<&Outline> {
        let document = self.documents.get(*self.by_file.get(&file)?)?;
        Some(self.made.entry(file).or_insert_with(|| Outline::of(document, source)))
    }
}

#[cfg(test)]
mod tests;
