//! nginx configs.
//!
//! Every rule looks at a config with the files that it includes in their place ([`tree`]), so that what is inherited
//! is known. A file that another one includes is graded there and not on its own.

mod access;
mod backends;
mod ciphers;
mod files;
mod flow;
mod headers;
mod pattern;
mod tls;
mod tree;
mod value;

pub(super) use access::{allow_without_deny, return_bypasses_access_rules, status_page_open};
pub(super) use backends::{Front, Guard, fronts, speaks_tls, targets};
pub(super) use files::{alias_traversal, autoindex_on, filesystem_root_served, hidden_files_served};
pub(super) use flow::{host_header_forwarded, proxy_target_from_request, response_splitting};
pub(super) use headers::{header_inheritance_lost, version_disclosed};
pub(super) use tls::{tls_cipher_weak, tls_protocol_weak};

use super::Cx;
use tree::{Level, Tree};
pub(crate) use tree::{Trees, trees};

/// Directives that answer a request without looking for a file.
const HANDLERS: [&str; 16] = [
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "memcached_pass",
    "stub_status",
    "return",
    "content_by_lua",
    "content_by_lua_block",
    "content_by_lua_file",
    "js_content",
    "perl",
    "empty_gif",
    "passenger_enabled",
    "vhost_traffic_status_display",
];

/// Whether a client cannot ask for the location: `internal` stands in it or around it.
fn is_internal(tree: &Tree, level: Level) -> bool {
    tree.outwards(level).flatten().any(|level| tree.own(Some(level), "internal").next().is_some())
}

/// Whether a directive of the level answers every request for it.
fn has_handler(tree: &Tree, level: Level) -> bool {
    HANDLERS.iter().any(|name| tree.own(level, name).next().is_some())
}

/// Whether the level turns everyone away: `deny all` with no `allow`, or a `return` of an error.
fn refuses(tree: &Tree, level: Level) -> bool {
    let denied = tree.own(level, "deny").any(|at| tree.directive(at).argument(0) == Some("all"));
    let error = |code: &str| code.len() == 3 && code.starts_with('4');
    let returned = tree.own(level, "return").any(|at| tree.directive(at).argument(0).is_some_and(error));
    (denied && tree.own(level, "allow").next().is_none()) || returned || tree.own(level, "internal").next().is_some()
}

/// Whether users have to log in: `auth_basic`, `auth_request` or `auth_jwt` is in force in the level and not `off`.
fn authenticates(tree: &Tree, level: Level) -> bool {
    ["auth_basic", "auth_request", "auth_jwt", "auth_digest"].iter().any(|name| {
        let setting = tree.effective(level, name);
        setting.is_some_and(|at| tree.directive(at).argument(0) != Some("off"))
    })
}
