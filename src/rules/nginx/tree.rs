//! A config as nginx sees it: the files that it includes stand where their `include` was.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
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

/// A directive of the tree. Its numbers are smaller than those of [`Level`], because a project has very many of it.
#[derive(Debug)]
struct Node<'a> {
    /// The directive.
    directive: &'a Directive,
    /// The level that it stands in.
    parent: Option<u32>,
    /// Index just past the last directive of its block.
    end: u32,
    /// It is an entry of a table such as `map`, or stands below one.
    data: bool,
    /// Directives stand in its block that are not seen.
    open: bool,
}

/// A config with its includes, in the order of the text.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: Box<[Node<'a>]>,
    /// Which part of `by_name` and of `by_level` has the directives of a name.
    names: HashMap<&'a str, Range<u32>>,
    /// The directives that are no data, those of one name in the order of the text.
    by_name: Box<[u32]>,
    /// The same, those of one name by the level that they stand in and then in the order of the text.
    by_level: Box<[u32]>,
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
                    (Some(Frame::Block(..)), Some(owner)) => nodes[owner].end = nodes.len() as u32,
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
            let parent = parent.map(|parent| parent as u32);
            nodes.push(Node { directive, parent, end: index as u32 + 1, data, open: false });
            if !directive.children().is_empty() {
                frames.push(Frame::Block(directive.children().iter(), Some(index)));
            }
        }
        let graded = || nodes.iter().enumerate().filter(|(_, node)| !node.data);
        let mut names: HashMap<&str, Range<u32>> = HashMap::new();
        for (_, node) in graded() {
            names.entry(node.directive.name.as_str()).or_insert(0..0).end += 1;
        }
        let mut count = 0;
        for part in names.values_mut() {
            let start = count;
            count += part.end;
            *part = start..start;
        }
        let mut by_name = vec![0; count as usize].into_boxed_slice();
        for (index, node) in graded() {
            if let Some(part) = names.get_mut(node.directive.name.as_str()) {
                by_name[part.end as usize] = index as u32;
                part.end += 1;
            }
        }
        let mut by_level = by_name.clone();
        for part in names.values() {
            by_level[slice(part)].sort_unstable_by_key(|&at| (nodes[at as usize].parent, at));
        }
        let mut tree = Tree { nodes: nodes.into_boxed_slice(), names, by_name, by_level, open, exceeded };
        // A part of a config stands in a level that is not seen.
        tree.open |= tree.in_level(None, "http").is_empty();
        Some(tree)
    }

    /// The directive at `at`.
    pub fn directive(&self, at: usize) -> &'a Directive {
        self.nodes[at].directive
    }

    /// The level that `at` stands in.
    pub fn parent(&self, at: usize) -> Level {
        self.nodes[at].parent.map(|parent| parent as usize)
    }

    /// The directives of that name, in the order of the text.
    fn all(&self, name: &str) -> &[u32] {
        self.names.get(name).map_or(&[], |part| &self.by_name[slice(part)])
    }

    /// The directives of that name that stand directly in a level, in the order of the text.
    fn in_level(&self, level: Level, name: &str) -> &[u32] {
        let all = self.names.get(name).map_or(&[][..], |part| &self.by_level[slice(part)]);
        let level = level.map(|level| level as u32);
        let parent = |at: u32| self.nodes[at as usize].parent;
        let from = &all[all.partition_point(|&at| parent(at) < level)..];
        &from[..from.partition_point(|&at| parent(at) == level)]
    }

    /// Every directive of that name, in the order of the text.
    pub fn named(&self, name: &str) -> impl Iterator<Item = usize> + '_ {
        self.all(name).iter().map(|&at| at as usize)
    }

    /// The directives of that name that stand directly in a level.
    pub fn own<'t>(&'t self, level: Level, name: &'t str) -> impl DoubleEndedIterator<Item = usize> + 't {
        self.in_level(level, name).iter().map(|&at| at as usize)
    }

    /// The last directive of that name that stands directly in a level and before `at`.
    pub fn last_before(&self, level: Level, name: &str, at: usize) -> Option<usize> {
        let found = self.in_level(level, name);
        found[..found.partition_point(|&index| (index as usize) < at)].last().map(|&index| index as usize)
    }

    /// The directives of that name anywhere below a level.
    pub fn below(&self, level: Level, name: &str) -> impl Iterator<Item = usize> + '_ {
        let found = self.all(name);
        let (start, end) = level.map_or((0, self.nodes.len()), |level| (level + 1, self.nodes[level].end as usize));
        let from = found.partition_point(|&at| (at as usize) < start);
        found[from..].iter().map(|&at| at as usize).take_while(move |&at| at < end)
    }

    /// A level and those around it, the innermost first and the top of the file last.
    pub fn outwards(&self, level: Level) -> impl Iterator<Item = Level> + '_ {
        let mut next = Some(level);
        std::iter::from_fn(move || {
            let level = next?;
            next = level.map(|at| self.parent(at));
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
        for level in self.outwards(self.parent(at)).flatten() {
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

fn slice(part: &Range<u32>) -> Range<usize> {
    part.start as usize..part.end as usize
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
