//! What the request decides: proxy targets, headers, redirects, the host name.

use std::ops::Range;

use super::pattern::{Characters, NEWLINE};
use super::tree::{Location, Tree};
use super::value::{Leaf, Origin, Part, Subject, Variables, parts, variables};
use super::{Cx, is_internal};
use crate::finding::{Confidence, Severity};
use crate::source::Text;
use crate::syntax::nginx::Nginx;

/// Directives that hand a request on, with the target as their argument.
const PASSES: [&str; 6] = ["proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass"];

/// Sets inside sets that are followed for a target.
const MAX_DEPTH: usize = 8;

/// Tests of one level that are looked at.
const MAX_TESTS: usize = 100;

/// Characters that let a group choose another host: a dot, or what ends a host name.
const HOST_BREAKERS: Characters = 1 << b'.' | 1 << b'/' | 1 << b'?' | 1 << b'#' | 1 << b'@' | 1 << b':';

pub(in crate::rules) fn proxy_target_from_request(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    let variables = Variables::new(&tree);
    for name in PASSES {
        for at in tree.named(name) {
            let Some(target) = tree.directive(at).arguments.first().filter(|target| target.text.value.contains('$'))
            else {
                continue;
            };
            let web = matches!(name, "proxy_pass" | "grpc_pass");
            let mut reading =
                Target { variables: &variables, at: if web { Place::Scheme } else { Place::Host }, found: None };
            reading.read(target.text.as_str(), at, 0);
            let Some((variable, place)) = reading.found else { continue };
            if is_internal(&tree, tree.parent(at)) || (variable == "host" && !is_catch_all(&tree, at)) {
                continue;
            }
            let what = match place {
                Place::Port => "port",
                _ => "host",
            };
            let span = tree.directive(at).span;
            let message = format!("`{name}` takes its {what} from the request, through `${variable}`");
            let finding = tree.report_at(cx, at, span, message);
            finding.help("name the upstream, or choose it with a `map` that lists every host that is allowed");
            if place == Place::Port {
                finding.severity(Severity::Medium);
            }
        }
    }
    variables.note(nginx, cx);
}

/// Which part of a target is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Scheme,
    Host,
    Port,
    Path,
}

/// Reads a target piece by piece, up to the first one that the request decides.
struct Target<'v, 't, 'a> {
    variables: &'v Variables<'t, 'a>,
    at: Place,
    found: Option<(String, Place)>,
}

impl Target<'_, '_, '_> {
    fn read(&mut self, value: &str, at: usize, depth: usize) {
        for part in parts(value) {
            if self.at == Place::Path || self.found.is_some() {
                return;
            }
            match part {
                Part::Literal(text) => self.literal(text),
                Part::Variable(name, _) => self.variable(name, at, depth),
            }
        }
    }

    fn literal(&mut self, text: &str) {
        let mut rest = text;
        if self.at == Place::Scheme {
            match rest.find("://") {
                Some(end) => rest = &rest[end + 3..],
                None => return,
            }
            self.at = Place::Host;
        }
        if rest.starts_with("unix:") || rest.contains(['/', '?']) {
            self.at = Place::Path;
        } else if rest.ends_with(':') {
            self.at = Place::Port;
        }
    }

    fn variable(&mut self, name: &str, at: usize, depth: usize) {
        let start = self.at;
        let mut end = None;
        for origin in self.variables.origins(name, at) {
            self.at = start;
            match origin {
                Origin::Value(value, at) if depth < MAX_DEPTH => self.read(value, at, depth + 1),
                Origin::Capture(group, subject) => {
                    let requested = match subject {
                        Subject::Path => true,
                        Subject::Host => false,
                        Subject::Value(value, at) => variables(value).any(|name| {
                            let leaf = |leaf: Leaf| match leaf {
                                Leaf::Builtin(name) => is_requested(name) || name == "uri" || name == "request_uri",
                                Leaf::Group(_) => true,
                            };
                            self.variables.any(name, at, &leaf)
                        }),
                    };
                    let free = group.classes & HOST_BREAKERS != 0 || start == Place::Port && group.classes != 0;
                    if group.starts_with_slash && start != Place::Scheme {
                        self.at = Place::Path;
                    } else if requested && free {
                        self.found = Some((name.to_owned(), start));
                    }
                }
                Origin::Builtin if is_requested(name) => self.found = Some((name.to_owned(), start)),
                // A path ends the host name.
                Origin::Builtin if is_path(name) && start != Place::Scheme => self.at = Place::Path,
                _ => {}
            }
            if self.found.is_some() {
                return;
            }
            end.get_or_insert(self.at);
        }
        self.at = end.unwrap_or(start);
    }
}

/// Variables that a client writes.
fn is_requested(name: &str) -> bool {
    name.starts_with("arg_")
        || name.starts_with("cookie_")
        || name.starts_with("http_")
        || matches!(
            name,
            "args" | "query_string" | "host" | "ssl_server_name" | "ssl_preread_server_name" | "request_body"
        )
}

/// Variables that start with the slash of a path.
fn is_path(name: &str) -> bool {
    matches!(name, "uri" | "document_uri" | "request_uri" | "is_args" | "fastcgi_script_name" | "request_filename")
}

/// Whether the server answers for host names that it does not list.
fn is_catch_all(tree: &Tree, at: usize) -> bool {
    let Some(server) = tree.enclosing(tree.parent(at), "server") else { return false };
    let level = Some(server);
    let default = tree.own(level, "listen").any(|at| {
        let arguments = &tree.directive(at).arguments;
        arguments.iter().any(|argument| matches!(argument.text.as_str(), "default_server" | "default"))
    });
    let names = tree.own(level, "server_name").flat_map(|at| &tree.directive(at).arguments);
    let mut names = names.map(|argument| argument.text.as_str()).peekable();
    let unnamed = names.peek().is_none() && !tree.is_open(level);
    default
        || unnamed
        || names.any(|name| matches!(name, "_" | "" | "*" | "~^" | "~." | "~.*" | "~^.*$" | "~^(.+)$" | "~^.+$"))
}

/// Whether a leaf can hold a newline: nginx decodes `%0a` in the path and nowhere else.
fn holds_newline(leaf: Leaf) -> bool {
    match leaf {
        Leaf::Builtin(name) => {
            matches!(name, "uri" | "document_uri" | "request_filename" | "fastcgi_script_name" | "fastcgi_path_info")
        }
        Leaf::Group(group) => group.characters() & NEWLINE != 0,
    }
}

/// The first variable of a value that can hold a newline.
fn splitting<'v>(tree: &Tree, defined: &Variables, value: &'v str, at: usize) -> Option<(&'v str, Range<usize>)> {
    if !value.contains('$') || path_is_fixed(tree, at) {
        return None;
    }
    // A redirect of `rewrite` escapes the captures of its own expression (`ngx_http_script_copy_capture_code`).
    let escaped = tree.directive(at).is("rewrite");
    parts(value).into_iter().find_map(|part| match part {
        Part::Variable(name, range) => {
            let capture = name.starts_with(|c: char| c.is_ascii_digit());
            let found = !(escaped && capture) && flows(defined, name, at);
            found.then_some((name, range))
        }
        Part::Literal(_) => None,
    })
}

fn flows(defined: &Variables, name: &str, at: usize) -> bool {
    defined.origins(name, at).into_iter().any(|origin| match origin {
        Origin::Builtin => holds_newline(Leaf::Builtin(name)),
        Origin::Value(value, at) => variables(value).any(|name| defined.any(name, at, &holds_newline)),
        Origin::Capture(group, Subject::Path) => holds_newline(Leaf::Group(&group)),
        Origin::Capture(group, Subject::Value(value, at)) => {
            holds_newline(Leaf::Group(&group)) && variables(value).any(|name| defined.any(name, at, &holds_newline))
        }
        Origin::Capture(_, Subject::Host) | Origin::Fixed => false,
    })
}

/// Whether the location that `at` stands in leaves no room in the path: an exact one, or an anchored expression without
/// a newline.
fn path_is_fixed(tree: &Tree, at: usize) -> bool {
    let locations = tree.outwards(tree.parent(at)).flatten().filter_map(|level| Location::of(tree.directive(level)));
    for location in locations {
        match location {
            Location::Exact(_) => return true,
            Location::Regex(pattern)
                if pattern.starts_with('^')
                    && pattern.ends_with('$')
                    && super::pattern::groups(pattern).first().is_some_and(|all| all.characters() & NEWLINE == 0) =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

pub(in crate::rules) fn response_splitting(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    let defined = Variables::new(&tree);
    for name in ["return", "rewrite", "add_header", "add_trailer", "proxy_set_header", "proxy_pass"] {
        for at in tree.named(name) {
            let Some((text, sink)) = sink(&tree, at) else { continue };
            let Some((variable, range)) = splitting(&tree, &defined, text.as_str(), at) else { continue };
            let message = format!("`${variable}` can hold a line break and goes into {sink}");
            let help = match variable {
                "uri" | "document_uri" => format!("use `$request_uri`, which stays encoded, instead of `${variable}`"),
                _ => "let the expression exclude white space, such as `[^/\\s]+`, or use `$request_uri`".to_owned(),
            };
            let finding = tree.report_at(cx, at, text.span_of(range), message);
            finding.help(help).evidence(format!("{name} ${variable}"));
        }
    }
    defined.note(nginx, cx);
}

/// The value of a directive that ends up in a line of a response or of a request, and which that is.
fn sink<'a>(tree: &Tree<'a>, at: usize) -> Option<(&'a Text, &'static str)> {
    let directive = tree.directive(at);
    let argument = |index: usize| directive.arguments.get(index).map(|argument| &argument.text);
    match directive.name.as_str() {
        "return" => {
            let target = match directive.argument(0)? {
                "301" | "302" | "303" | "307" | "308" => argument(1)?,
                _ if directive.arguments.len() == 1 => argument(0)?,
                _ => return None,
            };
            Some((target, "the `Location` of a redirect"))
        }
        "rewrite" => {
            let target = argument(1)?;
            let flagged = matches!(directive.argument(2), Some("redirect" | "permanent"));
            let absolute = ["http://", "https://", "$scheme"].iter().any(|start| target.as_str().starts_with(start));
            (flagged || absolute).then_some((target, "the `Location` of a redirect"))
        }
        "add_header" | "add_trailer" => Some((argument(1)?, "a header of the response")),
        "proxy_set_header" => Some((argument(1)?, "a header of the request to the upstream")),
        "proxy_pass" => Some((argument(0)?, "the request line to the upstream")),
        _ => None,
    }
}

pub(in crate::rules) fn host_header_forwarded(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    let defined = Variables::new(&tree);
    let from_client = |leaf: Leaf| match leaf {
        Leaf::Builtin(name) => ["http_", "arg_", "cookie_"].iter().any(|start| name.starts_with(start)),
        Leaf::Group(_) => false,
    };
    for at in tree.named("proxy_set_header").chain(tree.named("grpc_set_header")) {
        let directive = tree.directive(at);
        let is_host = directive.argument(0).is_some_and(|name| name.eq_ignore_ascii_case("host"));
        let Some(value) = directive.argument(1).filter(|_| is_host) else { continue };
        let Some(variable) = variables(value).find(|name| defined.any(name, at, &from_client)) else { continue };
        if checks_host(&tree, at) {
            continue;
        }
        let message = format!("the upstream gets the `Host` that the client wrote, through `${variable}`");
        let finding = tree.report(cx, at, message);
        finding.help("send `$host`, which nginx has matched against `server_name`");
    }
    for at in tree.named("return").chain(tree.named("rewrite")) {
        let Some((target, _)) = sink(&tree, at) else { continue };
        let Some(host) = redirect_host(target.as_str()) else { continue };
        let wide = host == "host" && is_catch_all(&tree, at);
        if checks_host(&tree, at) || !(wide || defined.any(host, at, &from_client)) {
            continue;
        }
        let message = format!("the redirect goes to the host that the client names, through `${host}`");
        let finding = tree.report(cx, at, message);
        finding.help("redirect to the name of the site, or give the server a `server_name` and close the default one");
        if wide {
            finding.severity(Severity::Low).confidence(Confidence::Likely);
        }
    }
    defined.note(nginx, cx);
}

/// The variable that is the whole host of an absolute redirect.
fn redirect_host(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once("://")?;
    match parts(rest).into_iter().next()? {
        Part::Variable(name, _) => Some(name),
        Part::Literal(_) => None,
    }
}

/// Whether the server compares the host name before.
fn checks_host(tree: &Tree, at: usize) -> bool {
    tree.outwards(tree.parent(at)).any(|level| {
        let own = tree.own(level, "if").take(MAX_TESTS).chain(level.filter(|&level| tree.directive(level).is("if")));
        own.into_iter().any(|test| {
            let subject = tree.directive(test).argument(0).unwrap_or_default();
            matches!(subject.trim_start_matches('('), "$host" | "$http_host")
                && tree.directive(test).arguments.len() > 1
        })
    })
}
