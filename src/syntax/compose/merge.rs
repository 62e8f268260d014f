//! Several Compose files as one, as compose-go's `override` package merges them: mappings by key, lists one behind the
//! other, scalars by the last; and what the specification says otherwise of single keys.
//!
//! The trees are merged before they become a model, so that every value keeps the place that it was written at. A list
//! that is merged with a mapping of the same meaning (`environment`) becomes a list whose items may be mappings of one
//! key: the readers of the model take both.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::model::is_reset;
use super::template::Template;
use super::{Variables, short};
use crate::source::{Span, Text};
use crate::syntax::clean_parts;
use crate::syntax::yaml::{Entry, Node, Scalar, Style, Value};

/// Mappings with more keys than this are searched through an index.
const FEW_KEYS: usize = 16;

/// Ports of one range that are told apart from others.
const MAX_RANGE: usize = 1_024;

/// How a value of an earlier file was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Another value stands in its place.
    Replaced,
    /// `!reset` took it away.
    Reset,
    /// `!override` put something else in its place.
    Overridden,
}

/// A value of an earlier file that a later one replaced or took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Logical path, with `.` between its parts (`services.web.read_only`).
    pub path: String,
    /// The value that was lost.
    pub base: Span,
    /// What stands in its place, or the `!reset`.
    pub over: Span,
    /// How.
    pub how: Loss,
}

/// Merges trees.
pub struct Merge<'a> {
    vars: &'a Variables<'a>,
    /// What was lost so far, in order.
    pub lost: Vec<Lost>,
}

/// How the values of a key are merged, where it is not by their kind.
enum Special {
    /// The later one alone counts.
    Replace,
    /// `key=value` pairs in either spelling, or a list that may be a single string.
    Pairs,
    /// A list of names that stands for a mapping with these as keys.
    Names,
    /// A list of names that stands for a mapping to conditions.
    Dependencies,
    /// A string that stands for `context`.
    Build,
    /// Options merge only under the same driver.
    Logging,
}

/// What makes an item of a list the same as another one.
#[derive(Clone, Copy)]
enum Unique {
    /// All of its text, or what is before its `=`.
    Key,
    /// All of its text: a host may have several addresses.
    Host,
    /// The path in the container.
    Mount,
    /// The path in the container of a device.
    Device,
    /// Where a secret or config is put; a name alone below this folder.
    Object(&'static str),
    /// Address, host port, container port and protocol.
    Port,
    /// `path` of the long spelling.
    EnvFile,
}

impl<'a> Merge<'a> {
    /// Nothing merged yet. `vars` gives the values of variables: what is the same is decided after interpolation.
    pub fn new(vars: &'a Variables<'a>) -> Self {
        Merge { vars, lost: Vec::new() }
    }

    /// What the files so far make with a further document on top. Lists are only appended to: see [`Merge::finish`].
    pub fn document(&mut self, base: Option<Node>, over: Cow<Node>) -> Node {
        let mut path = Vec::new();
        match base {
            Some(mut base) => {
                self.take_away(&mut base, &over, &mut path);
                self.node(base, &over, &mut path)
            }
            None => over.into_owned(),
        }
    }

    /// Leaves of what is the same in a list the last, once every document was merged: Compose does so after each, which
    /// comes to the same, since lists only grow or are taken away whole.
    pub fn finish(&mut self, mut merged: Node) -> Node {
        for entry in entries_mut(&mut merged).iter_mut().filter(|entry| entry.key.as_str() == Some("services")) {
            for service in entries_mut(&mut entry.value) {
                self.unique_service(&service.key, &mut service.value);
            }
        }
        merged
    }

    /// A service with the one that it extends below it.
    pub fn extend(&mut self, name: &str, mut base: Node, over: &Node) -> Node {
        let mut path = vec!["services".to_owned(), name.to_owned()];
        self.take_away(&mut base, over, &mut path);
        self.node(base, over, &mut path)
    }

    /// Takes away what the tags `!reset` and `!override` of a later document say. Only mappings are looked through, so
    /// that nothing inside a list is taken away (compose-go's `ResetProcessor`).
    fn take_away(&mut self, base: &mut Node, over: &Node, path: &mut Vec<String>) {
        if base.is_sequence()
            && over.is_mapping()
            && matches!(special(path), Some(Special::Names | Special::Dependencies))
        {
            self.take_names_away(base, over, path);
            return;
        }
        let Value::Mapping(entries) = &mut base.value else { return };
        for entry in over.entries() {
            let Some(key) = entry.key.as_str() else { continue };
            let how = match entry.value.tag.as_deref() {
                Some("!reset") => Loss::Reset,
                Some("!override") => Loss::Overridden,
                _ => {
                    if let Some(known) = entries.iter_mut().find(|known| known.key.as_str() == Some(key)) {
                        path.push(key.to_owned());
                        self.take_away(&mut known.value, &entry.value, path);
                        path.pop();
                    }
                    continue;
                }
            };
            if let Some(at) = entries.iter().position(|known| known.key.as_str() == Some(key)) {
                let taken = entries.remove(at);
                if !is_reset(&taken.value) {
                    path.push(key.to_owned());
                    let base = taken.key.span.to(taken.value.span);
                    self.lost.push(Lost { path: path.join("."), base, over: entry.key.span.to(entry.value.span), how });
                    path.pop();
                }
            }
        }
    }

    /// Takes away what the tags of a mapping say of a list of names, which is a mapping for Compose by then.
    fn take_names_away(&mut self, base: &mut Node, over: &Node, path: &[String]) {
        let Value::Sequence(items) = &mut base.value else { return };
        for entry in over.entries() {
            let how = match entry.value.tag.as_deref() {
                Some("!reset") => Loss::Reset,
                Some("!override") => Loss::Overridden,
                _ => continue,
            };
            let Some(key) = entry.key.as_str() else { continue };
            if let Some(at) = items.iter().position(|item| item.as_str() == Some(key)) {
                let taken = items.remove(at);
                let over = entry.key.span.to(entry.value.span);
                self.lost.push(Lost { path: format!("{}.{key}", path.join(".")), base: taken.span, over, how });
            }
        }
    }

    /// `over` on top of `base`.
    fn node(&mut self, base: Node, over: &Node, path: &mut Vec<String>) -> Node {
        if is_reset(&base) {
            return over.clone();
        }
        match special(path) {
            Some(Special::Replace) => self.replace(&base, over, path),
            // An empty value of a later file leaves what is there.
            _ if over.is_null() => base,
            Some(Special::Pairs) => self.pairs(base, over, path),
            Some(Special::Names) => self.kinds(named(base, |_| None), &named(over.clone(), |_| None), path),
            Some(Special::Dependencies) => {
                let started = |item: &Node| Some(vec![entry_of(item, "condition", "service_started")]);
                self.kinds(named(base, started), &named(over.clone(), started), path)
            }
            Some(Special::Build) => self.kinds(long_build(base), &long_build(over.clone()), path),
            Some(Special::Logging) => {
                let driver = |node: &Node| node.get("driver").and_then(Node::as_str).map(str::to_owned);
                match (driver(&base), driver(over)) {
                    (Some(before), Some(now)) if before != now => self.replace(&base, over, path),
                    _ => self.kinds(base, over, path),
                }
            }
            None => self.kinds(base, over, path),
        }
    }

    /// Merges by the kinds of the two: mappings by key, lists one behind the other, else the later one.
    fn kinds(&mut self, mut base: Node, over: &Node, path: &mut Vec<String>) -> Node {
        match (&mut base.value, &over.value) {
            (Value::Mapping(entries), Value::Mapping(more)) => {
                self.mapping(entries, more, path);
                base
            }
            (Value::Sequence(items), Value::Sequence(more)) => {
                items.extend(more.iter().filter(|item| !is_reset(item)).cloned());
                base
            }
            _ => self.replace(&base, over, path),
        }
    }

    fn mapping(&mut self, entries: &mut Vec<Entry>, more: &[Entry], path: &mut Vec<String>) {
        let index: Option<HashMap<String, usize>> = (entries.len() > FEW_KEYS).then(|| {
            let keys = entries.iter().enumerate();
            keys.filter_map(|(at, entry)| Some((entry.key.as_str()?.to_owned(), at))).collect()
        });
        let before = entries.len();
        for entry in more {
            let key = entry.key.as_str().unwrap_or_default();
            let known = match &index {
                Some(index) => index.get(key).copied(),
                None => entries[..before].iter().position(|known| known.key.as_str() == Some(key)),
            };
            let Some(at) = known else {
                entries.push(entry.clone());
                continue;
            };
            path.push(key.to_owned());
            let value = std::mem::replace(&mut entries[at].value, empty(entry.value.span));
            let extension = key.starts_with("x-");
            let merged = if extension { entry.value.clone() } else { self.node(value, &entry.value, path) };
            // The key of a value that was replaced is the later one's.
            if merged.span == entry.value.span {
                entries[at].key = entry.key.clone();
            }
            entries[at].value = merged;
            path.pop();
        }
    }

    fn replace(&mut self, base: &Node, over: &Node, path: &[String]) -> Node {
        if base.span != over.span && !base.is_null() {
            self.lost.push(Lost { path: path.join("."), base: base.span, over: over.span, how: Loss::Replaced });
        }
        over.clone()
    }

    /// Pairs, each of them a list or a mapping: what is written the same way stays so.
    fn pairs(&mut self, base: Node, over: &Node, path: &mut Vec<String>) -> Node {
        if base.is_null() {
            return over.clone();
        }
        if base.is_mapping() && over.is_mapping() {
            // A key alone takes its value from the environment; it replaces what was there.
            let mut base = base;
            if let Value::Mapping(entries) = &mut base.value {
                for entry in over.entries() {
                    let key = entry.key.as_str();
                    match entries.iter().position(|known| known.key.as_str() == key) {
                        Some(at) => {
                            path.push(key.unwrap_or_default().to_owned());
                            let before = entries[at].key.span.to(entries[at].value.span);
                            let over = entry.key.span.to(entry.value.span);
                            self.lost.push(Lost { path: path.join("."), base: before, over, how: Loss::Replaced });
                            path.pop();
                            entries[at] = entry.clone();
                        }
                        None => entries.push(entry.clone()),
                    }
                }
            }
            return base;
        }
        let span = base.span;
        let (mut items, more) = (list(base), list(over.clone()));
        items.extend(more.into_iter().filter(|item| !is_reset(item)));
        Node { span, alias: None, tag: None, value: Value::Sequence(items) }
    }

    /// Leaves of each list whose items are told apart by something only the last of the same, where the first stood.
    fn unique_service(&mut self, name: &Node, service: &mut Node) {
        let mut path = vec!["services".to_owned(), name.as_str().unwrap_or_default().to_owned()];
        for entry in entries_mut(service) {
            let key = entry.key.as_str().unwrap_or_default().to_owned();
            path.push(key.clone());
            match key.as_str() {
                "cap_add" | "cap_drop" | "dns" | "dns_opt" | "dns_search" | "environment" | "labels"
                | "annotations" | "links" | "profiles" | "sysctls" | "tmpfs" | "expose" => {
                    self.unique(&mut entry.value, Unique::Key, &path);
                }
                "extra_hosts" => self.unique(&mut entry.value, Unique::Host, &path),
                "networks" => {
                    for network in entries_mut(&mut entry.value) {
                        path.push(network.key.as_str().unwrap_or_default().to_owned());
                        for entry in entries_mut(&mut network.value) {
                            if matches!(entry.key.as_str(), Some("aliases" | "link_local_ips")) {
                                self.unique(&mut entry.value, Unique::Key, &path);
                            }
                        }
                        path.pop();
                    }
                }
                "volumes" => self.unique(&mut entry.value, Unique::Mount, &path),
                "devices" => self.unique(&mut entry.value, Unique::Device, &path),
                "secrets" => self.unique(&mut entry.value, Unique::Object("/run/secrets/"), &path),
                "configs" => self.unique(&mut entry.value, Unique::Object("/"), &path),
                "ports" => self.unique(&mut entry.value, Unique::Port, &path),
                "env_file" => self.unique(&mut entry.value, Unique::EnvFile, &path),
                "build" | "deploy" => {
                    for entry in entries_mut(&mut entry.value) {
                        let key = entry.key.as_str().unwrap_or_default().to_owned();
                        let by = match key.as_str() {
                            "args" | "additional_contexts" | "labels" | "tags" | "platforms" => Unique::Key,
                            "extra_hosts" => Unique::Host,
                            _ => continue,
                        };
                        path.push(key);
                        self.unique(&mut entry.value, by, &path);
                        path.pop();
                    }
                }
                _ => {}
            }
            path.pop();
        }
    }

    fn unique(&mut self, list: &mut Node, by: Unique, path: &[String]) {
        let Value::Sequence(items) = &mut list.value else { return };
        if items.len() < 2 {
            return;
        }
        let mut places: HashMap<String, usize> = HashMap::with_capacity(items.len());
        let mut kept: Vec<Node> = Vec::with_capacity(items.len());
        // The ports of ranges so far.
        let mut ranged: HashSet<String> = HashSet::new();
        for item in std::mem::take(items) {
            let identity = self.identity(&item, by);
            if let (Unique::Port, Some(whole)) = (by, &identity) {
                let each = ports(whole);
                let known = each.iter().all(|port| ranged.contains(port) || places.contains_key(port));
                if !each.is_empty() && known && (each.len() > 1 || !places.contains_key(&each[0])) {
                    continue;
                }
                if each.len() > 1 {
                    ranged.extend(each);
                }
            }
            match identity.map(|key| *places.entry(key).or_insert(kept.len())) {
                Some(at) if at < kept.len() => {
                    let (base, over) = (kept[at].span, item.span);
                    if base.file != over.file {
                        self.lost.push(Lost { path: path.join("."), base, over, how: Loss::Replaced });
                    }
                    kept[at] = item;
                }
                _ => kept.push(item),
            }
        }
        *items = kept;
    }

    /// What makes an item of a list the same as another one.
    fn identity(&self, item: &Node, by: Unique) -> Option<String> {
        let field = |name: &str| self.text(item.get(name)?);
        match by {
            Unique::Key => match item.entries() {
                [only] => self.text(&only.key).map(Cow::into_owned),
                _ => {
                    // A name is seldom made of variables, a value often is.
                    let raw = item.as_str()?;
                    let name = raw.split('=').next().filter(|name| name.len() < raw.len() && !name.contains('$'));
                    if let Some(name) = name {
                        return Some(name.to_owned());
                    }
                    let text = self.text(item)?;
                    Some(short::find(&text, b'=').map_or(&*text, |at| &text[..at]).to_owned())
                }
            },
            Unique::Host => match item.entries() {
                [only] => Some(format!("{}={}", self.text(&only.key)?, self.text(&only.value)?)),
                _ => self.text(item).map(|text| text.replacen([':', '='], "=", 1)),
            },
            Unique::Mount => {
                let target = match item.is_mapping() {
                    true => field("target")?.into_owned(),
                    false => {
                        let raw = item.as_str()?;
                        let (volume, error) = short::volume(raw);
                        let target = &raw[volume.target];
                        if error.is_none() && volume.source.is_some() && !target.contains('$') {
                            return Some(clean(target));
                        }
                        let text = self.text(item)?;
                        let (volume, _) = short::volume(&text);
                        text[volume.target].to_owned()
                    }
                };
                Some(clean(&target))
            }
            Unique::Device => match item.is_mapping() {
                true => field("target").or_else(|| field("source")).map(Cow::into_owned),
                false => {
                    let text = self.text(item)?;
                    let mut parts = text.split(':');
                    let source = parts.next().unwrap_or_default();
                    Some(parts.next().filter(|target| target.starts_with('/')).unwrap_or(source).to_owned())
                }
            },
            Unique::Object(folder) => match item.is_mapping() {
                true => field("target").map(Cow::into_owned).or_else(|| Some(format!("{folder}{}", field("source")?))),
                false => Some(format!("{folder}{}", self.text(item)?)),
            },
            Unique::Port => self.port(item),
            Unique::EnvFile => match item.is_mapping() {
                true => field("path").map(Cow::into_owned),
                false => self.text(item).map(Cow::into_owned),
            },
        }
    }

    fn port(&self, item: &Node) -> Option<String> {
        let describe = |address: &str, published: &str, target: &str, protocol: &str| {
            let address = if address.is_empty() { "0.0.0.0" } else { address };
            let protocol = if protocol.is_empty() { "tcp" } else { protocol };
            format!("{address}:{published}:{target}/{}", protocol.to_ascii_lowercase())
        };
        if item.is_mapping() {
            let field = |name: &str| item.get(name).and_then(|node| self.text(node)).unwrap_or_default();
            return Some(describe(&field("host_ip"), &field("published"), &field("target"), &field("protocol")));
        }
        let text = self.text(item)?;
        let parts = short::port(&text);
        let part = |range: Option<std::ops::Range<usize>>| range.map_or("", |range| &text[range]);
        Some(describe(part(parts.host_ip), part(parts.published), &text[parts.target], part(parts.protocol)))
    }

    /// The text of a scalar after interpolation.
    fn text<'n>(&self, node: &'n Node) -> Option<Cow<'n, str>> {
        let text = &node.scalar()?.text;
        if memchr::memchr(b'$', text.value.as_bytes()).is_none() {
            return Some(Cow::Borrowed(text.as_str()));
        }
        let (template, _) = Template::parse(text.clone());
        Some(Cow::Owned(template.resolve(&|name| (self.vars)(text.span.file, name)).0))
    }
}

/// Every port of a range, of `address:published:target/protocol`; of what is no range, itself.
fn ports(whole: &str) -> Vec<String> {
    let split = || {
        let (front, target) = whole.rsplit_once(':')?;
        let (address, published) = front.rsplit_once(':')?;
        let (target, protocol) = target.split_once('/')?;
        if !target.contains('-') {
            return None;
        }
        let (published, target) = (short::port_range(published)?, short::port_range(target)?);
        let same = published.1 - published.0 == target.1 - target.0;
        same.then(|| {
            let each = (0..=target.1 - target.0).take(MAX_RANGE);
            each.map(|at| format!("{address}:{}:{}/{protocol}", published.0 + at, target.0 + at)).collect()
        })
    };
    split().unwrap_or_else(|| vec![whole.to_owned()])
}

/// What compose-go merges in a way of its own (`mergeSpecials` of its package `override`).
fn special(path: &[String]) -> Option<Special> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let special = match path.as_slice() {
        ["networks" | "volumes", _, "labels"] => Special::Pairs,
        ["services", _, rest @ ..] => match rest {
            ["command" | "entrypoint"] | ["healthcheck", "test"] | ["ulimits", _] => Special::Replace,
            [
                "annotations" | "dns" | "dns_opt" | "dns_search" | "env_file" | "environment" | "extra_hosts"
                | "label_file" | "labels" | "sysctls" | "tmpfs",
            ]
            | ["build", "args" | "additional_contexts" | "extra_hosts" | "labels"]
            | ["deploy", "labels"] => Special::Pairs,
            ["build"] => Special::Build,
            ["depends_on"] => Special::Dependencies,
            ["networks" | "models"] => Special::Names,
            ["logging"] => Special::Logging,
            _ => return None,
        },
        _ => return None,
    };
    Some(special)
}

/// A list of names as the mapping that it stands for; `value` makes what each is mapped to.
fn named(mut node: Node, value: impl Fn(&Node) -> Option<Vec<Entry>>) -> Node {
    if let Value::Sequence(items) = &mut node.value {
        let entries = std::mem::take(items).into_iter().map(|key| {
            let place = empty(key.span);
            let value = value(&key)
                .map_or_else(|| place.clone(), |entries| Node { value: Value::Mapping(entries), ..place.clone() });
            Entry { key, value }
        });
        node.value = Value::Mapping(entries.collect());
    }
    node
}

/// `build: PATH` as `build: {context: PATH}`.
fn long_build(node: Node) -> Node {
    if node.scalar().is_none() || node.is_null() {
        return node;
    }
    let key = scalar_at("context", node.span);
    let span = node.span;
    Node { span, alias: None, tag: None, value: Value::Mapping(vec![Entry { key, value: node }]) }
}

/// The items of a list; of a mapping, one for each entry; of a scalar, itself.
fn list(node: Node) -> Vec<Node> {
    match node.value {
        Value::Sequence(items) => items,
        Value::Mapping(entries) => entries
            .into_iter()
            .map(|entry| {
                let span = entry.key.span.to(entry.value.span);
                let tag = entry.value.tag.clone().filter(|tag| tag == "!reset");
                Node { span, alias: entry.key.alias, tag, value: Value::Mapping(vec![entry]) }
            })
            .collect(),
        Value::Scalar(_) => vec![node],
    }
}

/// `key: value`, both written where `node` stands.
fn entry_of(node: &Node, key: &str, value: &str) -> Entry {
    Entry { key: scalar_at(key, node.span), value: scalar_at(value, node.span) }
}

/// A scalar that stands for something written at `span`.
fn scalar_at(value: &str, span: Span) -> Node {
    let span = Span { end: span.start, ..span };
    let text = Text::verbatim(value, span);
    Node { span, alias: None, tag: None, value: Value::Scalar(Scalar { text, style: Style::SingleQuoted }) }
}

/// An empty node at the place of something else.
fn empty(span: Span) -> Node {
    let span = Span { end: span.start, ..span };
    let text = Text::verbatim("", span);
    Node { span, alias: None, tag: None, value: Value::Scalar(Scalar { text, style: Style::Plain }) }
}

/// A path without what changes nothing in it (Go's `path.Clean`).
fn clean(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", clean_parts(path).join("/"))
}

fn entries_mut(node: &mut Node) -> &mut [Entry] {
    match &mut node.value {
        Value::Mapping(entries) => entries,
        _ => &mut [],
    }
}
