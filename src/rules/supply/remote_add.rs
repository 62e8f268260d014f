//! ADD from the network.

use super::super::Cx;
use super::{CHECKS, host};
use crate::finding::Severity;
use crate::syntax::dockerfile::{Dockerfile, Instruction, Invocation, Kind};

/// File name ends of what is there to check other files with.
const EVIDENCE: [&str; 7] = [".asc", ".sig", ".sign", ".sha256", ".sha512", ".sha256sum", ".minisig"];

/// What ADD fetches.
enum Source<'a> {
    /// A file over http(s) or ftp.
    File,
    /// A git repository, at the reference that is named.
    Git(Option<&'a str>),
}

/// What a source of ADD is, where it comes from the network (`ParseGitRef` and `isHTTPSource` of BuildKit).
fn source(written: &str) -> Option<Source<'_>> {
    let (address, fragment) = match written.split_once('#') {
        Some((address, fragment)) => (address, fragment.split(':').next().filter(|name| !name.is_empty())),
        None => (written, None),
    };
    let (address, query) = address.split_once('?').map_or((address, None), |(address, query)| (address, Some(query)));
    let web = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme));
    let git = ["git://", "ssh://", "git@"].iter().any(|scheme| address.starts_with(scheme));
    if git || (web && address.trim_end_matches('/').ends_with(".git")) {
        let asked = |key: &str| query?.split('&').find_map(|pair| pair.strip_prefix(key));
        let commit = asked("commit=").or_else(|| asked("checksum="));
        return Some(Source::Git(commit.or(fragment).or_else(|| asked("ref=")).or_else(|| asked("tag="))));
    }
    (web || address.starts_with("ftp://")).then_some(Source::File)
}

/// An answer of an API that is only there to make the cache of the build stale when a branch moves.
fn is_cache_key(address: &str) -> bool {
    address.contains("://api.github.com/") && (address.contains("/git/ref") || address.contains("/commits"))
}

pub(in crate::rules) fn remote_add_unverified(dockerfile: &Dockerfile, cx: &mut Cx) {
    for stage in &dockerfile.stages {
        let mut checked = None;
        for at in stage.body.clone() {
            let Some(instruction) = dockerfile.effective(at) else { continue };
            let Kind::Add(add) = &instruction.kind else { continue };
            if instruction.flag("checksum").is_some() {
                continue;
            }
            for text in &add.sources {
                let address = text.value.trim_matches(['"', '\'']);
                let Some(source) = source(address) else { continue };
                let path = address.split(['?', '#']).next().unwrap_or_default();
                if EVIDENCE.iter().any(|end| path.ends_with(end)) || is_cache_key(address) {
                    continue;
                }
                let last = *checked.get_or_insert_with(|| last_check(dockerfile, stage.body.clone()));
                if last > Some(at) {
                    continue;
                }
                let (message, help, low) = match source {
                    Source::Git(Some(name)) if is_commit(name) => continue,
                    Source::Git(Some(name)) => (
                        format!(
                            "ADD takes the git repository at `{name}`, which can be moved: nothing says which commit"
                        ),
                        "name the full commit behind `#`",
                        is_version(name),
                    ),
                    Source::Git(None) => (
                        "ADD takes whatever commit the git repository is at when the image is built".to_owned(),
                        "name the full commit behind `#`",
                        false,
                    ),
                    Source::File => {
                        let host = host(address).map_or("the server", |(_, host)| host);
                        let clear = if address.starts_with("https") { "" } else { ", or whoever is on the way," };
                        (
                            format!("ADD takes whatever `{host}`{clear} sends when the image is built"),
                            "add `--checksum=sha256:…`",
                            false,
                        )
                    }
                };
                let finding = cx.report(text.span, message).help(help);
                if low {
                    finding.severity(Severity::Low);
                }
                if let Some(name) = &stage.name {
                    finding.inside(&format!("stages.{}", name.value));
                }
            }
        }
    }
}

/// Index of the last RUN that checks a signature or a checksum.
fn last_check(dockerfile: &Dockerfile, body: std::ops::Range<usize>) -> Option<usize> {
    let checks = |instruction: &Instruction| {
        let Kind::Run(invocation) = &instruction.kind else { return false };
        let checks = |text: &str| CHECKS.iter().any(|name| text.contains(name));
        match invocation {
            Invocation::Shell(text) => checks(&text.value),
            Invocation::Exec(words) => words.iter().any(|word| checks(&word.value)),
        }
    };
    body.rev().find(|&at| dockerfile.effective(at).is_some_and(checks))
}

/// A full SHA-1 or SHA-256, or a variable, which may be one.
fn is_commit(name: &str) -> bool {
    name.contains('$') || (matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A name that looks like a release's tag.
fn is_version(name: &str) -> bool {
    name.contains(|c: char| c.is_ascii_digit()) && name.contains(['.', 'v', '-'])
}
