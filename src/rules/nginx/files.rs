//! Files that nginx serves.

use std::collections::HashMap;

use super::tree::{Level, Location, Tree};
use super::value::{Origin, Part, Variables, parts};
use super::{Cx, authenticates, has_handler, is_internal, refuses};
use crate::finding::{Confidence, Severity};
use crate::syntax::nginx::Nginx;

/// First words of location paths that hold files for everyone.
const PUBLIC_AREAS: [&str; 9] =
    ["download", "downloads", "pub", "public", "mirror", "mirrors", "releases", "files", "packages"];

/// Directories of the system that nobody serves on purpose.
const SYSTEM: [&str; 18] = [
    "/", "/etc", "/root", "/home", "/var", "/var/lib", "/var/log", "/var/run", "/run", "/proc", "/sys", "/dev", "/usr",
    "/boot", "/opt", "/tmp", "/bin", "/lib",
];

/// The same with everything below them.
const SYSTEM_TREES: [&str; 5] = ["/etc/", "/root/", "/proc/", "/sys/", "/dev/"];

/// Names of directories that a build fills with what is meant to be published.
const PUBLISHED: [&str; 12] =
    ["public", "dist", "build", "static", "html", "www", "web", "webroot", "pub", "assets", "_site", "out"];

pub(in crate::rules) fn autoindex_on(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for at in tree.named("autoindex").chain(tree.named("fancyindex")) {
        let directive = tree.directive(at);
        let level = tree.parent(at);
        if directive.argument(0) != Some("on") || is_internal(&tree, level) {
            continue;
        }
        let public = tree.enclosing(level, "location").is_some_and(|location| {
            let location = Location::of(tree.directive(location)).map_or("", Location::path);
            location.split(['/', '^', '$', '(', ')', '|']).any(|part| PUBLIC_AREAS.contains(&part))
        });
        let finding = tree.report(cx, at, "nginx lists the files of directories that have no index");
        finding.help(format!("remove `{} on`; it is off by default", directive.name.as_str()));
        if public {
            finding.severity(Severity::Info);
        } else if authenticates(&tree, level) {
            finding.severity(Severity::Low);
        }
    }
}

pub(in crate::rules) fn alias_traversal(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for at in tree.named("alias") {
        let owner = tree.outwards(tree.parent(at)).flatten().find(|&level| !tree.directive(level).is("if"));
        let Some(location) = owner else { continue };
        let Some(Location::Prefix(path)) = Location::of(tree.directive(location)) else { continue };
        let Some(target) = tree.directive(at).argument(0) else { continue };
        let span = tree.directive(location).span;
        match (path.ends_with('/'), target.ends_with('/')) {
            (false, true) if !is_internal(&tree, Some(location)) => {
                let message = format!("a request for `{path}../` reaches the directory above `{target}`");
                let finding = tree.report_at(cx, at, span, message);
                finding.evidence(format!("{path} {target}"));
                finding.help(format!("write `location {path}/`")).related(tree.directive(at).span, "ends with a slash");
            }
            (true, false) if !target.contains('$') => {
                let message = format!("`{path}name` is looked up as `{target}name`: the alias lacks the final slash");
                let finding = tree.report(cx, at, message);
                finding.help(format!("write `alias {target}/;`")).severity(Severity::Low);
            }
            _ => {}
        }
    }
}

pub(in crate::rules) fn filesystem_root_served(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    let defined = Variables::new(&tree);
    let mut known = HashMap::new();
    for at in tree.named("root").chain(tree.named("alias")) {
        let level = tree.parent(at);
        let Some(mut path) = literal(&defined, at) else { continue };
        if is_internal(&tree, level) || refuses(&tree, level) || !serves(&tree, at, &mut known) {
            continue;
        }
        let location = tree.outwards(level).flatten().find_map(|level| Location::of(tree.directive(level)));
        match location {
            Some(Location::Exact(_)) => continue,
            // The path of the request is appended to a root.
            Some(Location::Prefix(prefix)) if tree.directive(at).is("root") => {
                path = format!("{}{prefix}", path.trim_end_matches('/'));
            }
            Some(Location::Regex(pattern)) if tree.directive(at).is("root") => {
                let fixed = pattern.strip_prefix('^').map_or("", |rest| {
                    &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/_-".contains(c)).unwrap_or(rest.len())]
                });
                path = format!("{}{fixed}", path.trim_end_matches('/'));
            }
            // A file of that name, or a path that the expression's groups complete.
            Some(Location::Regex(_)) if !path.ends_with('/') => continue,
            _ => {}
        }
        if !is_of_system(&path) {
            continue;
        }
        let bare = without_slash(&path);
        let message = match bare {
            "/" => "the whole file system can be asked for".to_owned(),
            _ => format!("files of the system, in `{bare}`, can be asked for"),
        };
        let finding = tree.report(cx, at, message);
        finding.help("name the directory that holds the site and nothing else");
    }
    defined.note(nginx, cx);
}

/// A directory without the slash at its end.
fn without_slash(path: &str) -> &str {
    let bare = path.trim_end_matches('/');
    if bare.is_empty() { "/" } else { bare }
}

/// Whether a directory belongs to the system.
fn is_of_system(path: &str) -> bool {
    let bare = without_slash(path);
    let below = SYSTEM_TREES.iter().any(|tree| bare.starts_with(tree)) && !bare.starts_with("/etc/nginx/html");
    SYSTEM.contains(&bare) || below && !is_file(bare)
}

/// The value of a `root` or `alias` where variables that are set once are resolved; `None` where it depends on others.
fn literal(defined: &Variables, at: usize) -> Option<String> {
    let mut path = String::new();
    for part in parts(defined.argument(at)?) {
        match part {
            Part::Literal(text) => path.push_str(text),
            Part::Variable(name, _) => match defined.origins(name, at).as_slice() {
                [Origin::Value(value, _)] if !value.contains('$') => path.push_str(value),
                _ => return None,
            },
        }
    }
    path.starts_with('/').then_some(path)
}

/// Whether the last part of a path looks like a file's name.
fn is_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.trim_start_matches('.').contains('.') && !name.ends_with(".d"))
}

/// Whether a request can be answered with a file from below the `root` or `alias` at `at`; `known` holds the servers
/// that were looked at.
fn serves(tree: &Tree, at: usize, known: &mut HashMap<usize, bool>) -> bool {
    let level = tree.parent(at);
    let in_location = tree.enclosing(level, "location").is_some();
    if in_location || tree.directive(at).is("alias") {
        return !has_handler(tree, level);
    }
    let Some(server) = tree.enclosing(level, "server") else { return true };
    *known.entry(server).or_insert_with(|| tree.is_open(Some(server)) || serves_from(tree, server))
}

/// Whether a server answers with files of its own root: some location does, or there is none for `/`.
fn serves_from(tree: &Tree, server: usize) -> bool {
    if tree.own(Some(server), "return").next().is_some() {
        return false;
    }
    let mut whole = false;
    for at in tree.own(Some(server), "location") {
        let level = Some(at);
        let location = Location::of(tree.directive(at));
        whole |= matches!(location, Some(Location::Prefix("/")));
        let path = location.map_or("", Location::path);
        let own = tree.own(level, "root").chain(tree.own(level, "alias")).next().is_some();
        let narrow =
            path.contains("well-known") || matches!(location, Some(Location::Exact(_) | Location::Named) | None);
        if !(own || narrow || has_handler(tree, level) || refuses(tree, level) || tree.is_open(level)) {
            return true;
        }
    }
    !whole
}

pub(in crate::rules) fn hidden_files_served(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for server in tree.named("server") {
        let level = Some(server);
        let Some((root, path)) = site_root(&tree, server) else { continue };
        // Of a whole system that is served, the hidden files are the least.
        if tree.is_open(level) || is_of_system(path) {
            continue;
        }
        let cover = tree.below(level, "location").chain(tree.below(level, "if")).map(|at| covers(&tree, at));
        let (cover, partial) =
            cover.fold(
                (Cover::None, None),
                |(best, at), (cover, place)| {
                    if cover > best { (cover, Some(place)) } else { (best, at) }
                },
            );
        if cover == Cover::All {
            continue;
        }
        let message = format!("files such as `.env` and `.git/config` below `{path}` can be asked for");
        let finding = tree.report_at(cx, root, tree.directive(root).span, message);
        finding.help("add `location ~ /\\.(?!well-known/) { deny all; }` to the server");
        finding.confidence(Confidence::Likely);
        if let Some(partial) = partial {
            finding.related(tree.directive(partial).span, "keeps only some hidden files back");
        }
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if PUBLISHED.contains(&name) {
            finding.severity(Severity::Low);
        }
    }
}

/// The `root` that a server's own files come from, and its path.
fn site_root<'a>(tree: &Tree<'a>, server: usize) -> Option<(usize, &'a str)> {
    let is_main = |at: &usize| matches!(Location::of(tree.directive(*at)), Some(Location::Prefix("/")));
    let main: Option<Level> = tree.own(Some(server), "location").find(is_main).map(Some);
    let closed = |level| has_handler(tree, level) || refuses(tree, level) || tree.is_open(level);
    if main.is_some_and(|main| closed(main) || elsewhere(tree, main)) {
        return None;
    }
    let inside = main.and_then(|main| tree.own(main, "root").chain(tree.own(main, "alias")).last());
    let root = inside.or_else(|| tree.effective(Some(server), "root"))?;
    let refused = refuses(tree, Some(server)) || tree.own(Some(server), "return").next().is_some();
    let path = tree.directive(root).argument(0).filter(|_| !refused)?;
    Some((root, path))
}

/// Whether `try_files` looks for other files than the one that the request names.
fn elsewhere(tree: &Tree, level: Level) -> bool {
    tree.own(level, "try_files").last().is_some_and(|at| {
        let mut files = tree.directive(at).arguments.iter().map(|argument| argument.text.as_str());
        !files
            .any(|file| ["$uri", "${uri}", "$request_uri", "$request_filename"].iter().any(|uri| file.starts_with(uri)))
    })
}

/// How many of the hidden files a location or a test keeps back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cover {
    None,
    Some,
    All,
}

fn covers(tree: &Tree, at: usize) -> (Cover, usize) {
    let directive = tree.directive(at);
    let pattern = if directive.is("if") {
        match (directive.argument(0), directive.argument(1), directive.argument(2)) {
            (
                Some("($uri" | "($request_uri" | "($document_uri" | "($request_filename"),
                Some("~" | "~*"),
                Some(pattern),
            ) => Some(pattern.strip_suffix(')').unwrap_or(pattern)),
            _ => None,
        }
    } else {
        match Location::of(directive) {
            Some(Location::Regex(pattern)) => Some(pattern),
            Some(Location::Prefix(path)) if path.starts_with("/.") && !path.starts_with("/.well-known") => {
                return (if refuses(tree, Some(at)) { Cover::Some } else { Cover::None }, at);
            }
            _ => None,
        }
    };
    let level: Level = Some(at);
    let cover = pattern.filter(|_| refuses(tree, level) || tree.is_open(level)).map_or(Cover::None, hidden);
    (cover, at)
}

/// Which hidden files an expression matches.
fn hidden(pattern: &str) -> Cover {
    let mut best = Cover::None;
    for dot in ["\\.", "[.]"] {
        for (start, _) in pattern.match_indices(dot) {
            let before = pattern[..start].trim_end_matches(['(', '?', ':', '\\', '+', '*']);
            let at_start = before.ends_with(['/', '^', '|']) || before.ends_with("/)") || before.ends_with("^)");
            if !at_start {
                continue;
            }
            let after = &pattern[start + dot.len()..];
            let names = |word: &str| after.contains(word);
            let cover = if after.starts_with("well-known") {
                Cover::None
            } else if after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                Cover::Some
            } else if after.starts_with('(') && !after.starts_with("(?!") {
                if names("git") && (names("env") || names("ht")) { Cover::All } else { Cover::Some }
            } else {
                Cover::All
            };
            best = best.max(cover);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_for_hidden_files_are_told_from_others() {
        for (pattern, all, some) in [
            ("/\\.", true, false),
            ("/\\.(?!well-known)", true, false),
            ("(^|/)\\.(?!well-known/)", true, false),
            ("/[.]", true, false),
            ("/\\.ht", false, true),
            ("/\\.(ht|svn)", false, true),
            ("/\\.(ht|git|env)", true, false),
            ("^/\\.well-known/", false, false),
            ("\\.php$", false, false),
            ("/.+\\.php", false, false),
        ] {
            let found = hidden(pattern);
            assert_eq!((found == Cover::All, found == Cover::Some), (all, some), "{pattern}");
        }
    }
}
