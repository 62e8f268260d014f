//! What a config passes requests on to, and what it puts in front of that.

use std::collections::HashMap;
use std::sync::Arc;

use super::Cx;
use super::tree::{Level, Tree};
use crate::limit::NGINX_TARGETS;
use crate::source::Span;
use crate::syntax::nginx::Nginx;

/// Directives that pass a request on, and the port that they take where none is written.
const PASSES: [(&str, Option<u16>); 6] = [
    ("proxy_pass", Some(80)),
    ("grpc_pass", Some(80)),
    ("fastcgi_pass", None),
    ("uwsgi_pass", None),
    ("scgi_pass", None),
    ("memcached_pass", Some(11211)),
];

/// A host that a config passes requests on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Target {
    /// Name or address as written.
    pub host: String,
    /// Port; `None` where none is written and the directive has no default.
    pub port: Option<u16>,
    /// The argument that names it.
    pub span: Span,
    /// It stands for a host for sure: what has no port may be an `upstream` that is not in sight.
    pub certain: bool,
}

/// A directive that passes requests on, with what guards it.
#[derive(Debug)]
pub(in crate::rules) struct Front {
    /// Where the requests go.
    pub target: Target,
    /// The directive.
    pub span: Span,
    /// What has to be passed first.
    pub guards: Vec<(Guard, Span)>,
}

/// What has to be passed before a request is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Guard {
    /// A login.
    Login,
    /// A list of addresses.
    Addresses,
    /// A client certificate.
    Certificate,
    /// Nothing but encryption.
    Tls,
}

/// Every host that the configs of one nginx pass requests on to, once for each place that names it: servers of `upstream`
/// blocks and what the directives themselves name. Hosts with a variable in them are left out.
pub(in crate::rules) fn targets(configs: &[&Nginx], cx: &Cx) -> Vec<Target> {
    let trees: Vec<Arc<Tree>> = configs.iter().filter_map(|nginx| Tree::of(nginx, cx)).collect();
    let upstreams = upstreams(&trees, cx);
    let mut targets: Vec<Target> = upstreams.values().flatten().cloned().collect();
    for (_, target) in trees.iter().flat_map(|tree| passes(tree)) {
        if upstreams.contains_key(target.host.as_str()) {
            continue;
        }
        if targets.len() >= NGINX_TARGETS.most {
            cx.exceeded(&NGINX_TARGETS, target.span);
            break;
        }
        targets.push(target);
    }
    targets.sort_by_key(|target| target.span);
    targets
}

/// What the configs of one nginx pass on from behind a guard.
pub(in crate::rules) fn fronts(configs: &[&Nginx], cx: &Cx) -> Vec<Front> {
    let trees: Vec<Arc<Tree>> = configs.iter().filter_map(|nginx| Tree::of(nginx, cx)).collect();
    let upstreams = upstreams(&trees, cx);
    let mut fronts = Vec::new();
    for (tree, (at, target)) in trees.iter().flat_map(|tree| passes(tree).into_iter().map(move |pass| (tree, pass))) {
        let guards = guards(tree, tree.parent(at));
        if guards.is_empty() {
            continue;
        }
        if fronts.len() >= NGINX_TARGETS.most {
            cx.exceeded(&NGINX_TARGETS, tree.directive(at).span);
            break;
        }
        let servers = upstreams.get(target.host.as_str()).cloned().unwrap_or_else(|| vec![target]);
        let span = tree.directive(at).span;
        fronts.extend(servers.into_iter().map(|target| Front { target, span, guards: guards.clone() }));
    }
    fronts
}

/// Whether a config ends TLS, or knows of something in front that does: a listener with `ssl`, a redirect to HTTPS, what a
/// proxy in front says of the client.
pub(in crate::rules) fn speaks_tls(nginx: &Nginx, cx: &Cx) -> bool {
    let Some(tree) = Tree::of(nginx, cx) else { return false };
    let listens = tree.named("listen").flat_map(|at| &tree.directive(at).arguments).any(|argument| {
        let word = argument.text.as_str();
        matches!(word, "ssl" | "quic" | "proxy_protocol" | "443") || word.ends_with(":443")
    });
    let names = ["ssl_certificate", "ssl", "set_real_ip_from", "real_ip_header", "include"];
    // What an include that is not in sight brings is not known.
    let unseen = |name: &str, at: usize| name != "include" || tree.is_open(tree.parent(at));
    let told = names.iter().any(|name| tree.named(name).any(|at| unseen(name, at)));
    let redirects = ["return", "rewrite"]
        .iter()
        .flat_map(|name| tree.named(name))
        .any(|at| tree.directive(at).arguments.iter().any(|argument| argument.text.as_str().starts_with("https://")));
    let forwarded = |argument: &str| {
        let argument = argument.to_ascii_lowercase();
        ["$http_x_forwarded", "$http_cf_", "$http_x_real_ip", "$proxy_protocol"]
            .iter()
            .any(|name| argument.contains(name))
    };
    listens || told || redirects || {
        let names = ["proxy_set_header", "map", "if", "set", "fastcgi_param", "uwsgi_param"];
        let directives = names.iter().flat_map(|name| tree.named(name)).map(|at| tree.directive(at));
        directives.flat_map(|directive| &directive.arguments).any(|argument| forwarded(argument.text.as_str()))
    }
}

/// The servers of the `upstream` blocks, by the name of the block.
fn upstreams<'a>(trees: &[Arc<Tree<'a>>], cx: &Cx) -> HashMap<&'a str, Vec<Target>> {
    let mut upstreams: HashMap<&str, Vec<Target>> = HashMap::new();
    let mut count = 0;
    let blocks = trees.iter().flat_map(|tree| tree.named("upstream").map(move |at| tree.directive(at)));
    for upstream in blocks {
        let Some(name) = upstream.argument(0) else { continue };
        let servers = upstreams.entry(name).or_default();
        for server in upstream.children().iter().filter(|directive| directive.is("server")) {
            let Some(argument) = server.arguments.first() else { continue };
            if count >= NGINX_TARGETS.most {
                cx.exceeded(&NGINX_TARGETS, argument.text.span);
                return upstreams;
            }
            count += 1;
            let server = target(argument.text.as_str(), Some(80), argument.text.span);
            servers.extend(server.map(|server| Target { certain: true, ..server }));
        }
    }
    upstreams
}

/// The directives that pass requests on, and to which host.
fn passes(tree: &Tree) -> Vec<(usize, Target)> {
    let mut found = Vec::new();
    for (name, port) in PASSES {
        for at in tree.named(name) {
            let Some(argument) = tree.directive(at).arguments.first() else { continue };
            let written = argument.text.as_str();
            let (scheme, rest) = written.split_once("://").unwrap_or(("", written));
            let port = if scheme == "https" || scheme == "grpcs" { Some(443) } else { port };
            found.extend(target(rest, port, argument.text.span).map(|target| (at, target)));
        }
    }
    found
}

/// The host and port of `host:port/path`.
fn target(written: &str, default: Option<u16>, span: Span) -> Option<Target> {
    let authority = written.split('/').next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['$', '{', '[']) || authority.starts_with("unix:") {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (authority, default),
    };
    Some(Target { host: host.to_owned(), port, span, certain: authority.contains(':') })
}

/// What a request has to pass in a level.
fn guards(tree: &Tree, level: Level) -> Vec<(Guard, Span)> {
    let mut guards = Vec::new();
    let setting = |name: &str| {
        let at = tree.effective(level, name)?;
        let directive = tree.directive(at);
        (directive.argument(0) != Some("off")).then_some(directive.span)
    };
    let logins = ["auth_basic", "auth_request", "auth_jwt", "auth_digest"];
    guards.extend(logins.iter().find_map(|name| setting(name)).map(|span| (Guard::Login, span)));
    let verified = tree.effective(level, "ssl_verify_client").map(|at| tree.directive(at));
    guards.extend(verified.filter(|it| it.argument(0) == Some("on")).map(|it| (Guard::Certificate, it.span)));
    let addresses = tree
        .outwards(level)
        .find(|&level| tree.own(level, "allow").next().is_some() || tree.own(level, "deny").next().is_some());
    let denied = addresses.and_then(|level| {
        tree.own(level, "deny").map(|at| tree.directive(at)).find(|directive| directive.argument(0) == Some("all"))
    });
    guards.extend(denied.map(|directive| (Guard::Addresses, directive.span)));
    if let Some(server) = tree.enclosing(level, "server") {
        let mut listens = tree.own(Some(server), "listen").map(|at| tree.directive(at));
        let encrypted = listens.find(|listen| listen.arguments.iter().any(|argument| argument.text.as_str() == "ssl"));
        guards.extend(encrypted.map(|directive| (Guard::Tls, directive.span)));
    }
    guards
}
