//! Who may ask: `allow` and `deny`, and what goes past them.

use super::tree::{Level, Location, Tree};
use super::{Cx, authenticates, is_internal, refuses};
use crate::finding::{Confidence, Severity};
use crate::syntax::nginx::Nginx;

/// Directives that show the state of the server (`ngx_http_stub_status_module` and common extra modules).
const STATUS: [&str; 6] =
    ["stub_status", "vhost_traffic_status_display", "check_status", "upstream_show", "dav_status", "sts_display"];

pub(in crate::rules) fn allow_without_deny(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    let mut last = None;
    for at in tree.named("allow") {
        let level = tree.parent(at);
        if tree.directive(at).argument(0) == Some("all") || level == last {
            continue;
        }
        // A `deny` of the level, whatever it denies, means that the list was thought through: exceptions from it.
        let denies = tree.own(level, "deny").next().is_some();
        if denies || tree.is_open(level) || is_internal(&tree, level) || either(&tree, level) {
            continue;
        }
        last = level;
        let span = tree.directive(at).span;
        let outer = tree.outwards(level).skip(1).find_map(|level| tree.own(level, "deny").next());
        let finding =
            tree.report_at(cx, at, span, "nobody is turned away: `allow` stands without a `deny all` beside it");
        finding.help("end the list with `deny all;`");
        if authenticates(&tree, level) {
            finding.severity(Severity::Medium);
        }
        if let Some(outer) = outer {
            finding.related(tree.directive(outer).span, "not inherited by a level that has rules of its own");
        }
    }
}

/// Whether an address that is not listed is still asked to log in.
fn either(tree: &Tree, level: Level) -> bool {
    let satisfy = tree.effective(level, "satisfy").and_then(|at| tree.directive(at).argument(0));
    satisfy == Some("any") && authenticates(tree, level)
}

pub(in crate::rules) fn return_bypasses_access_rules(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for at in tree.named("return").chain(tree.named("rewrite")) {
        let level = tree.parent(at);
        let Some((rule, severity)) = guard(&tree, level).zip(harm(&tree, at)) else { continue };
        let guard = tree.directive(rule).name.as_str();
        let name = tree.directive(at).name.as_str();
        let message = format!("`{name}` answers before `{guard}` is looked at, so everyone gets the answer");
        let finding = tree.report(cx, at, message);
        finding.severity(severity).related(tree.directive(rule).span, "has no effect on this answer");
        finding.help(format!("move the `{name}` to a location of its own that `try_files` or `error_page` leads to"));
    }
}

/// The rule of the level that would keep someone out.
fn guard(tree: &Tree, level: Level) -> Option<usize> {
    tree.own(level, "deny").next().or_else(|| {
        let names = ["auth_basic", "auth_request", "auth_jwt"];
        let mut found = names.iter().filter_map(|name| tree.own(level, name).next());
        found.find(|&at| tree.directive(at).argument(0) != Some("off"))
    })
}

/// How bad it is that everyone gets the answer: an error tells nothing and a redirect little.
fn harm(tree: &Tree, at: usize) -> Option<Severity> {
    let directive = tree.directive(at);
    if directive.is("rewrite") {
        let every =
            matches!(directive.argument(0), Some("^" | "." | ".*" | "^.*$" | "(.*)" | "^(.*)$" | "^/(.*)$" | "^/"));
        let flagged = matches!(directive.argument(2), Some("redirect" | "permanent"));
        return (every && flagged).then_some(Severity::Low);
    }
    match directive.argument(0)?.as_bytes() {
        [b'2', _, _] if directive.argument(1).is_some_and(|body| !body.is_empty()) => Some(Severity::High),
        [b'3', _, _] => Some(Severity::Low),
        [b'0'..=b'9', _, _] => None,
        _ => Some(Severity::Low),
    }
}

pub(in crate::rules) fn status_page_open(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for name in STATUS {
        for at in tree.named(name).filter(|&at| tree.directive(at).argument(0) != Some("off")) {
            if is_guarded(&tree, tree.parent(at)) {
                continue;
            }
            let message = format!("`{name}` shows the server's state to everyone who asks");
            let unseen = tree.may_inherit(tree.parent(at));
            let finding = tree.report(cx, at, message);
            finding.help("add `allow` for the monitoring host and `deny all`, or listen on 127.0.0.1 only");
            if unseen {
                finding.confidence(Confidence::Likely);
            }
        }
    }
    for at in tree.named("fastcgi_pass") {
        let level = tree.parent(at);
        let Some(location) = level.filter(|&level| is_fpm_status(&tree, level)) else { continue };
        if is_guarded(&tree, level) {
            continue;
        }
        let message = "PHP-FPM's status page, with every request that runs, is shown to everyone who asks";
        let finding = tree.report_at(cx, location, tree.directive(location).span, message);
        finding.help("add `allow 127.0.0.1;` and `deny all;` to the location").confidence(Confidence::Likely);
    }
    for at in tree.named("proxy_pass") {
        let level = tree.parent(at);
        let location = level.and_then(|level| Some((level, Location::of(tree.directive(level))?)));
        let Some((location, path)) = location.filter(|(_, path)| is_metrics(*path)) else { continue };
        if is_guarded(&tree, level) || refuses(&tree, Some(location)) {
            continue;
        }
        let message = format!("`{}` hands the metrics of an application to everyone who asks", path.path());
        let finding = tree.report_at(cx, location, tree.directive(location).span, message);
        finding.help("add `allow` for the monitoring host and `deny all` to the location");
        finding.severity(Severity::Low).confidence(Confidence::Guess);
    }
}

/// Whether the location is for the metrics of an application, by the usual paths, and for nothing wider.
fn is_metrics(location: Location) -> bool {
    let path = match location {
        Location::Exact(path) | Location::Prefix(path) => path,
        Location::Regex(pattern) => pattern.trim_start_matches('^').trim_end_matches(['$', '?']),
        Location::Named => return false,
    };
    let path = path.trim_end_matches('/');
    path.ends_with("/metrics") || path.ends_with("/actuator/prometheus")
}

/// Whether the location is for PHP-FPM's `pm.status_path` and nothing wider.
fn is_fpm_status(tree: &Tree, level: usize) -> bool {
    let Some(location) = Location::of(tree.directive(level)) else { return false };
    let path = location.path().trim_start_matches(['^', '/', '(']).trim_end_matches(['$', '/', ')']);
    let status = |word: &str| matches!(word, "status" | "fpm-status" | "php-status" | "fpm_status" | "php_status");
    path.split(['|', '(', ')']).any(status)
}

/// Whether strangers are kept out of a level: by address, by a login, because it is internal, or because the server
/// listens on the machine itself alone.
fn is_guarded(tree: &Tree, level: Level) -> bool {
    let addresses = tree
        .outwards(level)
        .find(|&level| tree.own(level, "allow").next().is_some() || tree.own(level, "deny").next().is_some());
    let denied =
        addresses.is_some_and(|level| tree.own(level, "deny").any(|at| tree.directive(at).argument(0) == Some("all")));
    let tested = tree.outwards(level).any(|level| tree.own(level, "if").next().is_some());
    let unseen = tree.outwards(level).flatten().any(|level| tree.is_open(Some(level)));
    denied || tested || unseen || authenticates(tree, level) || is_internal(tree, level) || listens_locally(tree, level)
}

fn listens_locally(tree: &Tree, level: Level) -> bool {
    let Some(server) = tree.enclosing(level, "server") else { return false };
    let mut listens = tree.own(Some(server), "listen").peekable();
    listens.peek().is_some()
        && listens.all(|at| {
            let address = tree.directive(at).argument(0).unwrap_or_default();
            ["127.", "localhost", "[::1]", "unix:"].iter().any(|start| address.starts_with(start))
        })
}
