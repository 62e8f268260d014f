//! TLS of the listeners.

use super::Cx;
use super::ciphers;
use super::tree::{Level, Tree};
use crate::finding::Severity;
use crate::syntax::nginx::Nginx;

/// Protocols that nobody should speak any more (RFC 6176, RFC 7568, RFC 8996).
const WEAK: [&str; 4] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"];

pub(in crate::rules) fn tls_protocol_weak(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for at in tree.named("ssl_protocols") {
        let arguments = &tree.directive(at).arguments;
        let weak = arguments
            .iter()
            .filter(|argument| WEAK.iter().any(|weak| argument.text.as_str().eq_ignore_ascii_case(weak)));
        let weak: Vec<_> = weak.map(|argument| &argument.text).collect();
        let (Some(first), Some(last)) = (weak.first(), weak.last()) else { continue };
        if !takes_effect(&tree, at) {
            continue;
        }
        let names = weak.iter().map(|text| format!("`{}`", text.as_str())).collect::<Vec<_>>().join(", ");
        let message = format!("the server still speaks {names}");
        // One run of words where they stand side by side, else the directive.
        let together = arguments.iter().skip_while(|argument| argument.text.span != first.span);
        let together = together.take(weak.len()).last().is_some_and(|argument| argument.text.span == last.span);
        let span = if together { first.span.to(last.span) } else { tree.directive(at).span };
        let finding = tree.report_at(cx, at, span, message);
        finding.help("write `ssl_protocols TLSv1.2 TLSv1.3;`").evidence(names);
    }
}

pub(in crate::rules) fn tls_cipher_weak(nginx: &Nginx, cx: &mut Cx) {
    let Some(tree) = Tree::of(nginx, cx) else { return };
    for at in tree.named("ssl_ciphers") {
        let Some(list) = tree.directive(at).arguments.first().map(|argument| &argument.text) else { continue };
        let weak = ciphers::weak(list.as_str());
        let Some(worst) = weak.first().filter(|_| takes_effect(&tree, at)) else { continue };
        let kinds: Vec<&str> = weak.iter().map(|entry| entry.family.name()).collect();
        let message = ciphers::describe(list.as_str(), &weak);
        let only_anonymous = weak.iter().all(|entry| entry.family == ciphers::Family::Anonymous && entry.by_group);
        let finding = tree.report_at(cx, at, list.span_of(worst.range.clone()), message);
        finding.evidence(kinds.join(", ")).help(match only_anonymous {
            true => "add `!aNULL` to the list",
            false => "use `HIGH:!aNULL:!MD5`, nginx's default, or a list of ECDHE suites with AES-GCM or ChaCha20",
        });
        if only_anonymous {
            finding.severity(Severity::Low);
        }
    }
}

/// Whether a TLS setting is used by a listener: its server has TLS, or a server below it that has no setting of its
/// own. What is not seen may.
fn takes_effect(tree: &Tree, at: usize) -> bool {
    let name = tree.directive(at).name.as_str();
    let level = tree.parent(at);
    if let Some(server) = tree.enclosing(level, "server") {
        return speaks_tls(tree, server);
    }
    if tree.is_open(level) {
        return true;
    }
    let mut servers = tree.below(level, "server");
    servers.any(|server| tree.own(Some(server), name).next().is_none() && speaks_tls(tree, server))
}

fn speaks_tls(tree: &Tree, server: usize) -> bool {
    let level: Level = Some(server);
    let listens = tree.own(level, "listen").flat_map(|at| &tree.directive(at).arguments);
    let ssl = |word: &str| matches!(word, "ssl" | "quic") || word.contains("${") || word.contains("{{");
    let mut listens = listens.map(|argument| argument.text.as_str()).peekable();
    let unknown = listens.peek().is_none() || tree.is_open(level) || tree.enclosing(level, "mail").is_some();
    let switched = tree.own(level, "ssl").any(|at| tree.directive(at).argument(0) == Some("on"));
    unknown || switched || listens.any(ssl)
}
