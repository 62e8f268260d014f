//! Response headers: what a level drops, and what nginx says about itself.

use super::Cx;
use super::tree::{Level, Tree};
use crate::finding::{Confidence, Severity};
use crate::syntax::nginx::Nginx;

/// Headers that browsers enforce something by. Lower case, sorted.
const SECURITY: [&str; 10] = [
    "content-security-policy",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "feature-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
];

/// Maps of one config among which a variable is looked for.
const MAX_MAPS: usize = 100;

pub(in crate::rules) fn header_inheritance_lost(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for name in ["add_header", "add_trailer"] {
        let mut last = None;
        for at in tree.named(name) {
            let level = tree.parent(at);
            if level.is_none() || level == last {
                continue;
            }
            last = level;
            if tree.is_open(level) || merges(&tree, level, name) || answers_without_page(&tree, level) {
                continue;
            }
            let Some(outer) = tree.outwards(level).skip(1).find(|&level| tree.own(level, name).next().is_some()) else {
                continue;
            };
            lost(&tree, at, level, outer, cx);
        }
    }
}

/// Reports the headers that `outer` sets and `level`, whose first one is at `at`, does not.
fn lost(tree: &Tree, at: usize, level: Level, outer: Level, cx: &mut Cx) {
    let directive = tree.directive(at);
    let name = directive.name.as_str();
    let header = |at: usize| tree.directive(at).argument(0).unwrap_or_default();
    let here: Vec<String> = tree.own(level, name).map(|at| header(at).to_ascii_lowercase()).collect();
    let mut dropped: Vec<usize> = Vec::new();
    for above in tree.own(outer, name) {
        let lower = header(above).to_ascii_lowercase();
        // A header without a value is not sent.
        let sent = tree.directive(above).argument(1).is_none_or(|value| !value.is_empty());
        if sent && !here.contains(&lower) && !dropped.iter().any(|&known| header(known).eq_ignore_ascii_case(&lower)) {
            dropped.push(above);
        }
    }
    let is_security = |at: &usize| {
        SECURITY.binary_search(&header(*at).to_ascii_lowercase().as_str()).is_ok() && !depends_on_type(tree, *at)
    };
    let (security, others): (Vec<usize>, Vec<usize>) = dropped.into_iter().partition(is_security);
    let shown = if security.is_empty() { &others } else { &security };
    let Some(&first) = shown.first() else { return };
    let mut names = shown.iter().take(4).map(|&at| format!("`{}`", header(at))).collect::<Vec<_>>().join(", ");
    if shown.len() > 4 {
        names.push_str(&format!(" and {} more", shown.len() - 4));
    }
    let message = format!("this level drops {names}: one `{name}` of its own and nothing is inherited");
    let severity = if security.is_empty() { Severity::Low } else { Severity::Medium };
    let finding = tree.report(cx, at, message);
    finding.severity(severity).evidence(names);
    finding.related(tree.directive(first).span, "set here, for the levels that have none of their own");
    finding
        .help(format!("repeat them here or include them from one file, or set `{name}_inherit merge` (nginx 1.29.3)"));
}

/// Whether the value of the header at `at` is chosen by a `map` on the type of the answer, so that many answers go without
/// it anyway, or by one that is out of sight.
fn depends_on_type(tree: &Tree, at: usize) -> bool {
    let Some(value) = tree.directive(at).argument(1).filter(|value| value.starts_with('$')) else { return false };
    let mut defined = tree.named("map").map(|map| tree.directive(map)).take(MAX_MAPS);
    match defined.find(|map| map.argument(1) == Some(value)) {
        Some(map) => matches!(map.argument(0), Some("$sent_http_content_type" | "$upstream_http_content_type")),
        None => tree.is_open(None) && !tree.named("set").any(|set| tree.directive(set).argument(0) == Some(value)),
    }
}

/// Whether `add_header_inherit merge` is in force (`ngx_http_headers_module`, from nginx 1.29.3).
fn merges(tree: &Tree, level: Level, name: &str) -> bool {
    let setting =
        tree.effective(level, if name == "add_header" { "add_header_inherit" } else { "add_trailer_inherit" });
    setting.is_some_and(|at| tree.directive(at).argument(0) == Some("merge"))
}

/// Whether the level answers with a redirect, an empty answer or an error, in which such headers protect nothing.
fn answers_without_page(tree: &Tree, level: Level) -> bool {
    let mut returns = tree.own(level, "return");
    returns.next().is_some_and(|at| {
        let directive = tree.directive(at);
        let code = directive.argument(0).unwrap_or_default();
        code == "204" || !code.starts_with('2') || directive.argument(1).is_none_or(str::is_empty)
    })
}

pub(in crate::rules) fn version_disclosed(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for at in tree.named("server_tokens") {
        let value = tree.directive(at).argument(0).unwrap_or_default();
        if matches!(value, "on" | "build") && !replaces_server(&tree) {
            let finding = tree.report(cx, at, "the `Server` header and the error pages name nginx's version");
            finding.help("write `server_tokens off;`");
        }
    }
    for http in tree.named("http").filter(|&at| tree.parent(at).is_none()) {
        let level = Some(http);
        let set_by_all = || {
            let mut servers = tree.below(level, "server").peekable();
            let unset =
                |server| tree.own(Some(server), "server_tokens").next().is_none() && !tree.is_open(Some(server));
            servers.peek().is_some() && !tree.is_open(level) && !servers.any(unset)
        };
        if tree.own(level, "server_tokens").next().is_some() || set_by_all() || replaces_server(&tree) {
            continue;
        }
        let message = "the `Server` header and the error pages name nginx's version: `server_tokens` is on by default";
        let finding = tree.report(cx, http, message);
        finding.help("write `server_tokens off;` in `http`").evidence("server_tokens");
        finding.confidence(if tree.is_open(level) { Confidence::Guess } else { Confidence::Likely });
    }
}

/// Whether the headers-more module takes the header away or replaces it.
fn replaces_server(tree: &Tree) -> bool {
    tree.named("more_clear_headers").chain(tree.named("more_set_headers")).any(|at| {
        let mut arguments = tree.directive(at).arguments.iter().map(|argument| argument.text.as_str());
        arguments.any(|argument| argument.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("server")))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::SECURITY.is_sorted());
    }
}
