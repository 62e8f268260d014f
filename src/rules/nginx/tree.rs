//! A config as nginx sees it: the files that it includes stand where their `include` was.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::prelude::*;

use crate::finding::Finding;
use crate::limit::{Exceeded, NGINX_DEPTH, NGINX_NODES};
use crate::project::Project;
use crate::rules::Cx;
use crate::source::{FileId, Span};
use crate::syntax::Document;
use crate::syntax::nginx::{Directive, Nginx};

/// A level: the directive whose block it is; `None` is the top of the file.
pub(crate) type Level = Option<usize>;

/// A directive of the tree.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// The directive.
    pub directive: &'a Directive,
    /// The level that it stands in.
    pub parent: Level,
    /// Index just past the last directive of its block.
    end: usize,
    /// It is an entry of a table such as `map`, or stands below one.
    data: bool,
    /// Directives stand in its block that are not seen.
    open: bool,
}

/// A config with its includes, in the order of the text.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    by_name: HashMap<&'a str, Vec<usize>>,
    by_level: HashMap<(Level, &'a str), Vec<usize>>,
    /// Directives stand at the top that are not seen.
    open: bool,
    /// What was left out.
    exceeded: Vec<Exceeded>,
}

/// What is being read while the tree is made.
enum Frame<'a> {
    Block(std::slice::Iter<'a, Directive>, Level),
    /// The file, the level that it stands in, and how many files lead to it.
    File(std::slice::Iter<'a, Directive>, FileId, Level, usize),
}

/// The trees of the configs of a project, by their files; `None` for a config that others include.
pub(crate) type Trees<'a> = HashMap<FileId, Option<Arc<Tree<'a>>>>;

/// The trees of the configs of a project: every rule about nginx asks for them.
pub(crate) fn trees(project: &Project) -> Trees<'_> {
    let configs: Vec<&Nginx> = project.documents.iter().filter_map(nginx).collect();
    let made = configs.par_iter().filter_map(|nginx| {
        // What breaks here breaks again in the rules that need it, and is said there.
        let tree = catch_unwind(AssertUnwindSafe(|| Tree::new(nginx, project))).ok()?;
        Some((nginx.file, tree.map(Arc::new)))
    });
    made.collect()
}

fn nginx(document: &Document) -> Option<&Nginx> {
    match document {
        Document::Nginx(nginx) => Some(nginx),
        _ => None,
    }
}

impl<'a> Tree<'a> {
    /// The tree of a config; `None` for one that others include, which is graded where it stands in them.
    pub fn of(nginx: &'a Nginx, cx: &Cx<'a>) -> Option<Arc<Tree<'a>>> {
        let tree = match cx.trees.and_then(|trees| trees.get(&nginx.file)) {
            Some(tree) => tree.clone(),
            None => Tree::new(nginx, cx.project).map(Arc::new),
        }?;
        tree.exceeded.iter().for_each(|exceeded| cx.exceeded(exceeded.limit, exceeded.span));
        Some(tree)
    }

    fn new(nginx: &'a Nginx, project: &'a Project) -> Option<Tree<'a>> {
        if project.includes.is_included(nginx.file) {
            return None;
        }
        let mut nodes: Vec<Node<'a>> = Vec::new();
        let mut open = false;
        let mut exceeded = Vec::new();
        let mut frames = vec![Frame::File(nginx.directives.iter(), nginx.file, None, 1)];
        // The files of the frames.
        let mut pending = HashSet::from([nginx.file]);
        let mut brought = 0;
        while let Some(frame) = frames.last_mut() {
            let (Frame::Block(directives, level) | Frame::File(directives, _, level, _)) = frame;
            let parent = *level;
            let Some(directive) = directives.next() else {
                match (frames.pop(), parent) {
                    (Some(Frame::Block(..)), Some(owner)) => nodes[owner].end = nodes.len(),
                    (Some(Frame::File(_, file, ..)), _) => drop(pending.remove(&file)),
                    _ => {}
                }
                continue;
            };
            let data = parent.is_some_and(|parent| nodes[parent].data || holds_data(nodes[parent].directive));
            if directive.is("include") && !data {
                let depth = frames.iter().rev().find_map(|frame| match frame {
                    Frame::File(.., depth) => Some(*depth),
                    Frame::Block(..) => None,
                });
                let depth = depth.unwrap_or_default();
                let files = included(directive, project, &pending, depth, &mut exceeded);
                // A file counts, too: it may hold nothing but includes.
                brought += files.len();
                let fits = nodes.len() + brought < NGINX_NODES.most;
                if !files.is_empty() && !fits {
                    exceeded.push(Exceeded { span: directive.span, limit: &NGINX_NODES });
                }
                if !files.is_empty() && fits {
                    pending.extend(files.iter().map(|nginx| nginx.file));
                    frames.extend(
                        files
                            .into_iter()
                            .rev()
                            .map(|nginx| Frame::File(nginx.directives.iter(), nginx.file, parent, depth + 1)),
                    );
                    continue;
                }
                if holds_rules(directive) {
                    *parent.map_or(&mut open, |parent| &mut nodes[parent].open) = true;
                }
            }
            let index = nodes.len();
            nodes.push(Node { directive, parent, end: index + 1, data, open: false });
            if !directive.children().is_empty() {
                frames.push(Frame::Block(directive.children().iter(), Some(index)));
            }
        }
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_level: HashMap<(Level, &str), Vec<usize>> = HashMap::new();
        for (index, node) in nodes.iter().enumerate().filter(|(_, node)| !node.data) {
            by_name.entry(node.directive.name.as_str()).or_default().push(index);
            by_level.entry((node.parent, node.directive.name.as_str())).or_default().push(index);
        }
        // A part of a config stands in a level that is not seen.
        open |= !by_level.contains_key(&(None, "http"));
        Some(Tree { nodes, by_name, by_level, open, exceeded })
    }

    /// The directive at `at`.
    pub fn directive(&self, at: usize) -> &'a Directive {
        self.nodes[at].directive
    }

    /// The level that `at` stands in.
    pub fn parent(&self, at: usize) -> Level {
        self.nodes[at].parent
    }

    /// Every directive of that name, in the order of the text.
    pub fn named(&self, name: &str) -> impl Iterator<Item = usize> + '_ {
        self.by_name.get(name).map_or(&[][..], Vec::as_slice).iter().copied()
    }

    /// The directives of that name that stand directly in a level.
    pub fn own<'t>(&'t self, level: Level, name: &'t str) -> impl DoubleEndedIterator<Item = usize> + 't {
        self.by_level.get(&(level, name)).map_or(&[][..], Vec::as_slice).iter().copied()
    }

    /// The last directive of that name that stands directly in a level and before `at`.
    pub fn last_before(&self, level: Level, name: &str, at: usize) -> Option<usize> {
        let found = self.by_level.get(&(level, name))?;
        found[..found.partition_point(|&index| index < at)].last().copied()
    }

    /// The directives of that name anywhere below a level.
    pub fn below(&self, level: Level, name: &str) -> impl Iterator<Item = usize> + '_ {
        let found = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let (start, end) = level.map_or((0, self.nodes.len()), |level| (level + 1, self.nodes[level].end));
        let from = found.partition_point(|&at| at < start);
        found[from..].iter().copied().take_while(move |&at| at < end)
    }

    /// A level and those around it, the innermost first and the top of the file last.
    pub fn outwards(&self, level: Level) -> impl Iterator<Item = Level> + '_ {
        let mut next = Some(level);
        std::iter::from_fn(move || {
            let level = next?;
            next = level.map(|at| self.nodes[at].parent);
            Some(level)
        })
    }

    /// The directives of that name that are in force in a level: those of the nearest level that has any.
    pub fn effective(&self, level: Level, name: &str) -> Option<usize> {
        self.outwards(level).find_map(|level| self.own(level, name).last())
    }

    /// The nearest block of that name that is `level` or around it.
    pub fn enclosing(&self, level: Level, name: &str) -> Option<usize> {
        self.outwards(level).flatten().find(|&at| self.nodes[at].directive.is(name))
    }

    /// Whether directives stand in the level that are not seen: an include leads out of the repository, or it is the
    /// top of a part of a config. Includes that hold tables or parameters do not count.
    pub fn is_open(&self, level: Level) -> bool {
        level.map_or(self.open, |level| self.nodes[level].open)
    }

    /// Whether the level or one around it is open.
    pub fn may_inherit(&self, level: Level) -> bool {
        self.outwards(level).any(|level| self.is_open(level))
    }

    /// Server and locations around `at`, which tell it apart from others whatever lines they move to.
    pub fn path(&self, at: usize) -> String {
        let mut parts: Vec<String> = Vec::new();
        for level in self.outwards(self.nodes[at].parent).flatten() {
            let directive = self.nodes[level].directive;
            if directive.is("server") {
                let words = |name| self.own(Some(level), name).flat_map(|at| &self.nodes[at].directive.arguments);
                let names: Vec<&str> = words("server_name").map(|argument| argument.text.as_str()).collect();
                let listen = self.own(Some(level), "listen").next();
                let listen = listen.and_then(|at| self.nodes[at].directive.argument(0)).unwrap_or_default();
                parts.push(
                    format!("server {} {listen}", names.join(" ")).split_whitespace().collect::<Vec<_>>().join(" "),
                );
            } else if !directive.is("http") {
                let words = directive.arguments.iter().map(|argument| argument.text.as_str());
                parts.push([directive.name.as_str()].into_iter().chain(words).collect::<Vec<_>>().join(" "));
            }
        }
        parts.reverse();
        parts.join("/")
    }

    /// Reports a finding about `at`.
    pub fn report<'c>(&self, cx: &'c mut Cx, at: usize, message: impl Into<String>) -> &'c mut Finding {
        self.report_at(cx, at, self.nodes[at].directive.span, message)
    }

    /// Reports a finding about `at` whose label is `span`.
    pub fn report_at<'c>(&self, cx: &'c mut Cx, at: usize, span: Span, message: impl Into<String>) -> &'c mut Finding {
        let path = self.path(at);
        let finding = cx.report(span, message);
        if !path.is_empty() {
            finding.inside(&path);
        }
        finding
    }
}

/// What an `include` brings in, but not a file that is being read already.
fn included<'a>(
    include: &Directive,
    project: &'a Project,
    pending: &HashSet<FileId>,
    depth: usize,
    exceeded: &mut Vec<Exceeded>,
) -> Vec<&'a Nginx> {
    let documents = project.includes.of(include.span).iter();
    let configs = documents.filter_map(|&id| project.nginx(id));
    let configs: Vec<&Nginx> = configs.filter(|nginx| !pending.contains(&nginx.file)).collect();
    if depth > NGINX_DEPTH.most && !configs.is_empty() {
        exceeded.push(Exceeded { span: include.span, limit: &NGINX_DEPTH });
        return Vec::new();
    }
    configs
}

/// Whether an include may hold more than tables and parameters, which decide nothing.
fn holds_rules(include: &Directive) -> bool {
    let name = include.argument(0).unwrap_or_default();
    !(name.ends_with("mime.types")
        || name.ends_with("_params")
        || name.ends_with("fastcgi.conf")
        || name.contains("modules"))
}

/// Blocks whose entries are data, not directives.
fn holds_data(directive: &Directive) -> bool {
    matches!(
        directive.name.as_str(),
        "map" | "geo" | "types" | "split_clients" | "charset_map" | "match" | "geoip2" | "upstream"
    )
}

/// A location's modifier and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location<'a> {
    /// `location = /path`.
    Exact(&'a str),
    /// `location /path` and `location ^~ /path`.
    Prefix(&'a str),
    /// `location ~ regex` and `location ~* regex`.
    Regex(&'a str),
    /// `location @name`.
    Named,
}

impl<'a> Location<'a> {
    /// Reads the arguments of a `location`, which may be glued together (`ngx_http_core_location`).
    pub fn of(directive: &'a Directive) -> Option<Location<'a>> {
        let first = directive.argument(0).filter(|_| directive.is("location"))?;
        let (modifier, path) = match directive.argument(1) {
            Some(path) => (first, path),
            None => ["=", "^~", "~*", "~"]
                .iter()
                .find_map(|modifier| Some((*modifier, first.strip_prefix(modifier)?)))
                .unwrap_or(("", first)),
        };
        match modifier {
            "=" => Some(Location::Exact(path)),
            "~" | "~*" => Some(Location::Regex(path)),
            "" if path.starts_with('@') => Some(Location::Named),
            "" | "^~" => Some(Location::Prefix(path)),
            _ => None,
        }
    }

    /// Its path or regular expression.
    pub fn path(self) -> &'a str {
        match self {
            Location::Exact(path) | Location::Prefix(path) | Location::Regex(path) => path,
            Location::Named => "",
        }
    }
}
