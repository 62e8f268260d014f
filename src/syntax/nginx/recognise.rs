//! Whether a file is an nginx config, by what stands in it.

use memchr::memchr2;

use super::{Directive, Visit, names, parse};
use crate::source::FileId;

/// Arguments that a directive may have without being another format's lines up to the next `;`. The names of
/// `server_name` and the like can be more.
const MOST_WORDS: usize = 64;

/// Whether the text is an nginx config or a part of one: a whole file, a bare `server { … }` or `location … { … }`, or
/// nothing but directives such as `ssl_protocols …;`.
///
/// A file counts when what it holds are mostly directives that nginx has, in the shape that nginx wants.
pub fn looks_like(text: &str) -> bool {
    if memchr2(b'{', b';', text.as_bytes()).is_none() {
        return false;
    }
    let config = parse(FileId(0), text.trim_start_matches('\u{feff}'));
    let mut shaped = 0usize;
    let mut distinct = 0usize;
    let mut plausible = 0usize;
    let mut unknown = 0usize;
    for visit in config.walk() {
        if visit.parent().is_some_and(|parent| holds_data(&parent.name.value)) || is_placeholder(visit.directive) {
            continue;
        }
        let directive = visit.directive;
        if directive.arguments.len() > MOST_WORDS && !names::is_known(directive.name.as_str()) {
            return false;
        }
        match judge(&visit) {
            Judgement::Shaped => shaped += 1,
            Judgement::Distinct => distinct += 1,
            Judgement::Plausible => plausible += 1,
            Judgement::Unknown => unknown += 1,
        }
    }
    if shaped > 0 {
        let broken = distinct == 0 && !config.errors.is_empty();
        return !broken && shaped + distinct + plausible >= unknown;
    }
    if distinct > 0 {
        return distinct + plausible > unknown;
    }
    plausible > 0 && unknown == 0 && config.errors.is_empty()
}

/// How much a directive speaks for nginx.
enum Judgement {
    /// A block of nginx with the arguments that it takes.
    Shaped,
    /// A name that hardly any other program has.
    Distinct,
    /// A common word, but used as nginx does.
    Plausible,
    Unknown,
}

fn judge(visit: &Visit) -> Judgement {
    let directive = visit.directive;
    let name = directive.name.as_str();
    let arguments = directive.arguments.len();
    let first = directive.argument(0).unwrap_or_default();
    let last = directive.arguments.last().map_or("", |argument| argument.text.as_str());
    if let Some(block) = &directive.block {
        let shaped = match name {
            "http" | "events" | "server" | "stream" | "mail" | "types" => arguments == 0,
            "location" => matches!(arguments, 1 | 2),
            "upstream" => arguments == 1 && (block.directives.is_empty() || block.find("server").next().is_some()),
            "map" | "split_clients" => arguments == 2 && last.starts_with('$'),
            "geo" => matches!(arguments, 1 | 2) && last.starts_with('$'),
            "limit_except" => arguments > 0,
            _ => block.lua.is_some(),
        };
        return match (shaped, name) {
            (true, _) => Judgement::Shaped,
            (false, "if") if first.starts_with('(') => Judgement::Plausible,
            _ => Judgement::Unknown,
        };
    }
    if first == "=" {
        return Judgement::Unknown;
    }
    if names::is_known(name) {
        return Judgement::Distinct;
    }
    let plausible = match name {
        "return" => {
            arguments <= 2 && (is_status(first) || first.starts_with("http") || first.starts_with('$')) && arguments > 0
        }
        "allow" | "deny" => arguments == 1 && (first == "all" || first == "unix:" || is_network(first)),
        "set" => arguments == 2 && first.starts_with('$'),
        "rewrite" => matches!(arguments, 2 | 3),
        "root" | "alias" => arguments == 1 && first.starts_with(['/', '$']),
        "include" => {
            arguments == 1
                && (first.contains("nginx")
                    || first.ends_with(".conf")
                    || first.ends_with(".types")
                    || first.ends_with("_params"))
        }
        "server" => arguments > 0 && (first.contains(':') || first.contains('.')),
        "user" | "pid" | "daemon" | "charset" | "etag" | "aio" | "zone" | "hash" => matches!(arguments, 1..=3),
        "break" => arguments == 0,
        _ => false,
    };
    if plausible { Judgement::Plausible } else { Judgement::Unknown }
}

/// Blocks whose entries are data, not directives.
fn holds_data(name: &str) -> bool {
    matches!(name, "map" | "geo" | "types" | "split_clients" | "charset_map" | "match")
}

fn is_placeholder(directive: &Directive) -> bool {
    let name = directive.name.as_str();
    name.starts_with("${") || name.starts_with("{{")
}

fn is_status(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// An address, or one with a prefix length.
fn is_network(word: &str) -> bool {
    let address = word.split_once('/').map_or(word, |(address, _)| address);
    address.parse::<std::net::IpAddr>().is_ok()
}
