//! Compose files on top of others: what they do not take away, and what they do.

mod automatic;
mod hardening;

pub(super) use automatic::override_file_auto_merged;
pub(super) use hardening::overlay_drops_hardening;

use std::collections::{HashMap, HashSet};

use super::Cx;
use crate::container::{Environment, Port, Reach};
use crate::finding::{Confidence, Severity};
use crate::project::stacks::Stack;
use crate::source::{FileId, Span};
use crate::syntax::compose::{Compose, Service};

/// Entries that one finding shows.
const MOST_SHOWN: usize = 3;

/// The lists of a service that an overlay adds to.
const LISTS: [&str; 5] = ["ports", "volumes", "devices", "cap_add", "security_opt"];

/// The entries of a list of a service.
fn entries(service: &Service, key: &str) -> Vec<Span> {
    match key {
        "ports" => service.ports.iter().map(|port| port.span).collect(),
        "volumes" => service.mounts.iter().map(|mount| mount.span).collect(),
        "devices" => service.uncommon.devices.iter().map(|device| device.span).collect(),
        "cap_add" => service.cap_add.iter().map(|capability| capability.span).collect(),
        "security_opt" => service.security_opt.iter().map(|option| option.span).collect(),
        _ => Vec::new(),
    }
}

/// The services of a file, or of several merged, by name.
fn by_name(compose: &Compose) -> HashMap<&str, &Service> {
    compose.services.iter().filter_map(|service| Some((service.name.as_ref()?.value.as_str(), service))).collect()
}

/// The key of a service, at its last place.
fn key(service: &Service, name: &str) -> Option<Span> {
    service.keys.iter().rev().find(|key| key.value == name).map(|key| key.span)
}

/// A port in the short spelling.
fn shown(port: &Port) -> String {
    let range = |(first, last): (u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let address = port.host_ip.as_ref().map(|address| format!("{address}:")).unwrap_or_default();
    let published = port.published.map(|published| format!("{}:", range(published))).unwrap_or_default();
    format!("{address}{published}{}", range(port.target))
}

/// How wide a port is open; the higher, the wider.
fn width(reach: Reach) -> Option<u8> {
    match reach {
        Reach::Loopback => Some(0),
        Reach::Private => Some(1),
        Reach::Address => Some(2),
        Reach::Everyone => Some(3),
        Reach::Unknown => None,
    }
}

pub(super) fn overlay_appends_instead_of_replacing(stack: &Stack, cx: &mut Cx) {
    let [_, overlays @ ..] = stack.files.as_slice() else { return };
    let Some(model) = cx.model() else { return };
    let merged = by_name(model);
    let files = stack.files.iter().chain(&stack.parts).filter_map(|&file| cx.project.compose(file));
    let files: HashMap<FileId, HashMap<&str, &Service>> = files.map(|file| (file.file, by_name(file))).collect();
    for &overlay in overlays {
        let Some(overlay) = cx.project.compose(overlay) else { continue };
        for own in &overlay.services {
            let Some(name) = own.name.as_ref().map(|name| name.value.as_str()) else { continue };
            let Some(&merged) = merged.get(name) else { continue };
            for list in LISTS {
                let Some(place) = key(own, list) else { continue };
                added(Added { merged, files: &files, own, name, list, place }, cx);
            }
        }
    }
}

/// A list of an overlay's service, and what it became.
struct Added<'a> {
    /// The service of all files together.
    merged: &'a Service,
    /// The services of every file.
    files: &'a HashMap<FileId, HashMap<&'a str, &'a Service>>,
    /// The service of the overlay.
    own: &'a Service,
    name: &'a str,
    list: &'a str,
    /// The key in the overlay.
    place: Span,
}

fn added(added: Added, cx: &mut Cx) {
    let Added { merged, files, own, name, list, place } = added;
    let mine = entries(own, list);
    // What earlier files put there and is still there.
    let below: Vec<Span> = entries(merged, list).into_iter().filter(|span| span.file != place.file).collect();
    if below.is_empty() {
        return;
    }
    if mine.is_empty() {
        // `tmpfs` is read as mounts, too: an empty list is one that stands empty.
        let message = format!("the empty `{list}` takes nothing away: `{name}` keeps what the earlier files give it");
        report(place, message, Severity::High, name, list, &below, "it stays", cx);
        return;
    }
    if list == "ports" {
        narrowed(merged, name, place, cx);
    }
    // Whoever writes out again what the base has already believes that the rest is gone.
    let text = |span: &Span| cx.text(*span).trim_matches(['"', '\'']).to_owned();
    let written: Vec<String> = mine.iter().map(text).collect();
    let base = files.get(&below[0].file).and_then(|services| services.get(name));
    let all: HashSet<String> = base.into_iter().flat_map(|base| entries(base, list)).map(|span| text(&span)).collect();
    let repeated = written.iter().filter(|own| all.contains(*own)).count();
    let live = cx.environment() >= Environment::Unmarked;
    if repeated > 0 && live && below.iter().any(|span| matters(list, cx.text(*span))) {
        let message = format!(
            "`{list}` of `{name}` is added to that of the earlier files, of which it repeats a part: the rest stays"
        );
        let finding = report(place, message, Severity::Medium, name, list, &below, "it stays", cx);
        finding.confidence(Confidence::Guess);
    }
}

/// Whether an entry that stays is worth a word: a named volume more is none.
fn matters(list: &str, entry: &str) -> bool {
    let entry = entry.trim_start_matches(['"', '\'']);
    match list {
        "volumes" => entry.starts_with(['.', '/', '~']) || entry.contains("type: bind"),
        _ => true,
    }
}

/// Ports that the overlay binds to a narrower address, while the base's wider entry stays.
fn narrowed(merged: &Service, name: &str, place: Span, cx: &mut Cx) {
    let ports: Vec<Port> = merged.ports.iter().map(Port::from_compose).collect();
    let (mine, below): (Vec<&Port>, Vec<&Port>) = ports.iter().partition(|port| port.span.file == place.file);
    for port in mine {
        let same = |other: &&&Port| other.target == port.target && other.protocol == port.protocol && !other.open;
        let Some(own) = width(port.reach).filter(|_| !port.open) else { continue };
        for wider in below.iter().filter(same) {
            let Some(width) = width(wider.reach).filter(|width| *width > own) else { continue };
            let (wide, narrow) = (shown(wider), shown(port));
            let clash = if wider.published == port.published && port.published.is_some() {
                ", and the engine cannot bind both"
            } else {
                ""
            };
            let message = format!(
                "`{name}` is published as `{wide}` as well as `{narrow}`: lists of `ports` are added up{clash}"
            );
            let severity = if width > 1 { Severity::High } else { Severity::Medium };
            let finding = cx.report(port.span, message);
            finding.severity(severity).evidence(format!("ports {narrow}"));
            finding.help("write `ports: !override` (Compose 2.24.4) above it, or move the wider entry out of the base");
            finding.link(wider.span, "the entry of the base, which stays");
            finding.link(port.span, "this is added to it");
            finding.inside("services").inside(name);
            finding.container = Some(name.to_owned());
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one finding")]
fn report<'c>(
    place: Span,
    message: String,
    severity: Severity,
    name: &str,
    list: &str,
    below: &[Span],
    stays: &str,
    cx: &'c mut Cx,
) -> &'c mut crate::finding::Finding {
    let finding = cx.report(place, message);
    finding.severity(severity).evidence(format!("{list} of {name}"));
    finding.help(format!("write `{list}: !override` (Compose 2.24.4), or `{list}: !reset []` to take all of it away"));
    finding.inside("services").inside(name);
    finding.container = Some(name.to_owned());
    for &span in below.iter().take(MOST_SHOWN) {
        finding.link(span, stays);
    }
    finding
}
