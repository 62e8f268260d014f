//! supervisord's remote control outside of its container.

use super::{Cx, Exposure, Listens, Login, Merged, listens, mode, sections};
use crate::container::{Container, Mount, Origin};
use crate::finding::Severity;
use crate::project::path::below;
use crate::source::Span;
use crate::syntax::compose::MountKind;
use crate::syntax::supervisor::{SectionKind, Supervisor, has_expansions};

pub(in crate::rules) fn supervisor_port_published(container: &Container, cx: &mut Cx) {
    if !matches!(container.origin, Origin::Service { .. }) {
        return;
    }
    for &id in &container.supervisors {
        if let Some(supervisor) = cx.project.supervisor(id) {
            let merged = Merged::of(supervisor, container.supervisors.clone(), cx);
            port(container, supervisor, &merged, cx);
            socket(container, supervisor, &merged, cx);
        }
    }
}

fn port(container: &Container, supervisor: &Supervisor, merged: &Merged, cx: &mut Cx) {
    for section in sections(supervisor, SectionKind::InetHttpServer) {
        let Some(port) = supervisor.get(section, "port") else { continue };
        let (listens, number) = listens(cx, std::iter::once(container), &port.value);
        if listens != Listens::Network {
            continue;
        }
        let (part, open, empty) = match merged.login(section) {
            Login::None => ("supervisor-http-open", true, None),
            Login::Empty(setting) => ("supervisor-http-open", true, Some(setting)),
            Login::Asked { .. } => ("supervisor-http-exposed", false, None),
            Login::Incomplete { .. } => continue,
        };
        let exposure = Exposure::in_container(cx, container, number);
        let (span, everyone) = match exposure {
            Exposure::Published(span) | Exposure::HostNetwork(span) => (span, true),
            Exposure::Private(span) => (span, false),
            Exposure::Inside | Exposure::Unknown | Exposure::Declared(_) => continue,
        };
        let severity = match (open, everyone) {
            (true, true) => Severity::Critical,
            (true, false) | (false, true) => Severity::High,
            (false, false) => Severity::Medium,
        };
        let asks = match open {
            true => "which asks for no password",
            false => "which takes its password over plain HTTP",
        };
        let message = format!("`{}` opens supervisord's remote control to the outside, {asks}", container.name);
        let finding = cx.report(span, message);
        finding.severity(severity).help("do not publish it: use `docker exec … supervisorctl`, or a proxy with TLS");
        let step = match exposure {
            Exposure::HostNetwork(_) => "the container has the network of the host",
            _ => "the port is published here, past `ufw` and `firewalld`",
        };
        finding.link(span, step);
        finding.link(port.value.span, format!("`[{}]` listens on it, {asks}", section.name.value));
        if let Some(setting) = empty {
            finding.related(setting.name.span, "empty, which Supervisor takes for none");
        }
        finding.contains(part, port.value.span);
        for rule in ["port-on-all-interfaces", "exposed-admin-interface"] {
            finding.contains(rule, span);
        }
    }
}

/// The folder of the socket is a volume that another service has, too.
fn socket(container: &Container, supervisor: &Supervisor, merged: &Merged, cx: &mut Cx) {
    let Some(model) = cx.project.model_of(container) else { return };
    let Some((reach, own)) = cx.project.place(container) else { return };
    for section in sections(supervisor, SectionKind::UnixHttpServer) {
        let Some(file) = supervisor.get(section, "file").filter(|file| !has_expansions(&file.value)) else { continue };
        if matches!(merged.login(section), Login::Asked { .. }) {
            continue;
        }
        let Some(volume) = container.mounts.iter().find(|mount| covers(mount, file.value.as_str())) else { continue };
        let chmod = merged.get(section, "chmod").map_or(Some(0o700), |chmod| mode(chmod.value.as_str()));
        let closed = chmod.is_some_and(|mode| mode & 0o077 == 0);
        let others = (0..model.services.len()).filter(|&service| service != own);
        let others = others.filter_map(|service| Some(&cx.project.containers[reach.container(service)?]));
        let mut found: Vec<(String, Span)> = Vec::new();
        for other in others {
            // The socket is for the account of supervisord alone unless it says otherwise.
            let stranger = other.user.known().is_some_and(|user| !user.value.is_root());
            if closed && stranger {
                continue;
            }
            let shares = |mount: &&Mount| mount.kind == volume.kind && mount.source == volume.source;
            found.extend(other.mounts.iter().find(shares).map(|mount| (other.name.clone(), mount.span)));
        }
        for (name, span) in found {
            let message = format!("`{name}` gets supervisord's control socket of `{}` with the volume", container.name);
            let finding = cx.report(span, message);
            finding.severity(Severity::High).container = Some(name);
            finding.help("keep the socket in a folder that is no volume, such as `/run`");
            finding.link(span, "the volume is mounted here").link(volume.span, format!("and in `{}`", container.name));
            finding.link(file.value.span, "where supervisord keeps its socket");
        }
    }
}

/// Whether a mount brings the folder that a file is in, from something that others can have, too.
fn covers(mount: &Mount, file: &str) -> bool {
    let shared = matches!(mount.kind, MountKind::Volume | MountKind::Bind) && mount.source.is_some() && !mount.open;
    shared && mount.target.as_deref().is_some_and(|target| below(file, target).is_some_and(|rest| !rest.is_empty()))
}
