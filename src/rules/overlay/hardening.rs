//! Overlays that take away what the base does for safety.

use std::collections::HashMap;

use super::by_name;
use crate::container::names_root;
use crate::finding::Severity;
use crate::project::stacks::Stack;
use crate::rules::Cx;
use crate::source::{FileId, Span};
use crate::syntax::compose::merge::{Loss, Lost};
use crate::syntax::compose::{Compose, Scalar, Service};

/// Something that keeps a container small.
struct Hardening {
    /// The key.
    key: &'static str,
    /// What the base does, in front of and behind the service's name.
    does: [&'static str; 2],
    /// Whether the first service has it under that key, and the second, which all files make together, has not.
    is_lost: fn(&Service, &Service) -> bool,
    /// How bad it is to lose it.
    severity: Severity,
}

const HARDENINGS: [Hardening; 8] = [
    Hardening {
        key: "read_only",
        does: ["makes the file system of", " read-only"],
        is_lost: |base, merged| is_read_only(base) && !is_read_only(merged),
        severity: Severity::Medium,
    },
    Hardening {
        key: "user",
        does: ["runs", " without root"],
        is_lost: |base, merged| has_account(base) && !has_account(merged),
        severity: Severity::Medium,
    },
    Hardening {
        key: "cap_drop",
        does: ["drops all capabilities of", ""],
        is_lost: |base, merged| drops_all(base) && !drops_all(merged),
        severity: Severity::Medium,
    },
    Hardening {
        key: "security_opt",
        does: ["forbids", " new privileges"],
        is_lost: |base, merged| no_new_privileges(base) && !no_new_privileges(merged),
        severity: Severity::Medium,
    },
    Hardening {
        key: "mem_limit",
        does: ["limits the memory of", ""],
        is_lost: |base, merged| base.mem_limit.as_ref().is_some_and(limits) && !limited(merged)[0],
        severity: Severity::Low,
    },
    Hardening {
        key: "pids_limit",
        does: ["limits the processes of", ""],
        is_lost: |base, merged| base.pids_limit.as_ref().is_some_and(limits) && !limited(merged)[1],
        severity: Severity::Low,
    },
    Hardening {
        key: "cpus",
        does: ["limits the processor time of", ""],
        is_lost: |base, merged| base.cpus.as_ref().is_some_and(limits) && !limited(merged)[2],
        severity: Severity::Low,
    },
    Hardening {
        key: "deploy",
        does: ["limits what", " may use"],
        is_lost: |base, merged| deployed(base).iter().zip(limited(merged)).any(|(base, merged)| *base && !merged),
        severity: Severity::Low,
    },
];

fn is_read_only(service: &Service) -> bool {
    service.read_only.is_some_and(|read_only| read_only.value)
}

fn has_account(service: &Service) -> bool {
    service.user.as_ref().is_some_and(|user| !user.value.is_empty() && !names_root(&user.value))
}

fn drops_all(service: &Service) -> bool {
    service.cap_drop.iter().any(|capability| capability.value.eq_ignore_ascii_case("all"))
}

/// Whether `deploy` limits memory, processes and processor time.
fn deployed(service: &Service) -> [bool; 3] {
    let Some(deploy) = &service.deploy else { return [false; 3] };
    [&deploy.memory_limit, &deploy.pids_limit, &deploy.cpus_limit].map(|limit| limit.as_ref().is_some_and(limits))
}

/// Whether anything limits memory, processes and processor time.
fn limited(service: &Service) -> [bool; 3] {
    let own = [&service.mem_limit, &service.pids_limit, &service.cpus].map(|limit| limit.as_ref().is_some_and(limits));
    let deployed = deployed(service);
    [0, 1, 2].map(|at| own[at] || deployed[at])
}

/// Whether a limit is one: zero and less stand for none. A variable without a value may be anything.
fn limits(limit: &Scalar) -> bool {
    let value = limit.value.trim();
    !limit.known || !value.is_empty() && !value.starts_with('-') && !value.trim_matches(['0', '.']).is_empty()
}

/// Whether the last word about new privileges forbids them.
fn no_new_privileges(service: &Service) -> bool {
    let mut words = service.security_opt.iter().rev().filter_map(|it| it.value.strip_prefix("no-new-privileges"));
    words.next().is_some_and(|rest| !rest.ends_with("false"))
}

pub(in crate::rules) fn overlay_drops_hardening(stack: &Stack, cx: &mut Cx) {
    let Some(model) = cx.model() else { return };
    if stack.superseded {
        return;
    }
    let services = by_name(model);
    let files = stack.files.iter().chain(&stack.parts).filter_map(|&file| cx.project.compose(file));
    let files: HashMap<FileId, Named> = files.map(|file| (file.file, (file, by_name(file)))).collect();
    for lost in &stack.lost {
        let mut parts = lost.path.splitn(4, '.');
        let (Some("services"), Some(name), Some(key)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let Some(merged) = services.get(name).copied().filter(|_| lost.base.file != lost.over.file) else { continue };
        let Some(hardening) = HARDENINGS.iter().find(|hardening| hardening.key == key) else { continue };
        let Some(base) = base_of(lost.base, name, &files) else { continue };
        if (hardening.is_lost)(base, merged) && !is_open(merged, key) {
            report(hardening, lost, name, cx);
        }
    }
    for merged in &model.services {
        contradicted(merged, cx);
    }
}

/// Whether a variable without a value decides it.
fn is_open(merged: &Service, key: &str) -> bool {
    key == "user" && merged.user.as_ref().is_some_and(|user| !user.known)
}

/// A file and its services by name.
type Named<'a> = (&'a Compose, HashMap<&'a str, &'a Service>);

/// The service that a lost value belongs to: the one that it stands in, else, of an anchor's, the one of that name.
fn base_of<'a>(base: Span, name: &str, files: &HashMap<FileId, Named<'a>>) -> Option<&'a Service> {
    let (compose, names) = files.get(&base.file)?;
    let start = |service: &Service| service.span.map_or(0, |span| span.start);
    let next = compose.services.partition_point(|service| start(service) <= base.start);
    let around = next.checked_sub(1).and_then(|at| compose.services.get(at));
    let around = around.filter(|service| service.span.is_some_and(|span| span.contains(base)));
    around.or_else(|| names.get(name).copied())
}

fn report(hardening: &Hardening, lost: &Lost, name: &str, cx: &mut Cx) {
    let how = match lost.how {
        Loss::Reset => "takes it away",
        Loss::Replaced | Loss::Overridden => "says otherwise",
    };
    let [before, behind] = hardening.does;
    let message = format!("the base {before} `{name}`{behind}, and this {how}");
    let finding = cx.report(lost.over, message);
    finding.severity(hardening.severity).evidence(format!("{} of {name}", hardening.key));
    finding.help("remove it here, or loosen no more than this container needs");
    finding.link(lost.base, "what the base says").link(lost.over, how);
    finding.inside("services").inside(name);
    finding.container = Some(name.to_owned());
}

/// Lists are added up: `no-new-privileges:false` behind the base's `true` is the last word.
fn contradicted(merged: &Service, cx: &mut Cx) {
    let option = |off: bool| {
        merged.security_opt.iter().rev().find(move |option| {
            option.value.strip_prefix("no-new-privileges").is_some_and(|rest| rest.ends_with("false") == off)
        })
    };
    let (Some(on), Some(off), Some(name)) = (option(false), option(true), &merged.name) else { return };
    if no_new_privileges(merged) || on.span.file == off.span.file {
        return;
    }
    let message = format!("the base forbids `{}` new privileges, and this says otherwise", name.value);
    let finding = cx.report(off.span, message);
    finding.evidence(format!("security_opt of {}", name.value));
    finding.help("remove it here, or loosen no more than this container needs");
    finding.link(on.span, "what the base says").link(off.span, "says otherwise");
    finding.inside("services").inside(&name.value);
    finding.container = Some(name.value.clone());
}
