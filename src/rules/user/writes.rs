//! What root in a container writes on the host.

use super::{Cx, Master, Root, fate_of_root, master, script_name, scripts, started, stays_root, switch};
use crate::container::known::Role;
use crate::container::{Container, Fact, Mount, Process, ProcessOrigin, UserSource};
use crate::finding::Severity;
use crate::limit::RULE_ITEMS;
use crate::project::path::{below, file_name};
use crate::rules::chain::{self, Step};
use crate::rules::mount::speaks_of;
use crate::source::Span;
use crate::syntax::compose::MountKind;

/// Host paths that hold the state of the system, not files: what is written there is for its programs.
const STATE: [&str; 8] =
    ["/dev", "/proc", "/sys", "/run", "/var/run", "/tmp/.X11-unix", "/etc/localtime", "/etc/timezone"];

/// Further mounts that are shown.
const MAX_SHOWN: usize = 10;

/// What root can do with a mount, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Writes<'a> {
    /// It changes one file.
    File,
    /// It leaves files of root, those that run as root for everyone included.
    Folder,
    /// It changes the file at that path, from which the host starts containers.
    Definition(&'a str),
}

/// What root can do with a mount; nothing where that is another rule's business or no file of the host.
fn writes<'a>(mount: &Mount, container: &Container, cx: &Cx<'a>) -> Option<Writes<'a>> {
    let source = mount.source.as_deref()?;
    let name = file_name(source);
    let state = || STATE.iter().any(|folder| below(source, folder).is_some());
    let quiet = mount.kind != MountKind::Bind || mount.read_only || mount.open || name.contains(".sock") || state();
    if quiet {
        return None;
    }
    let named_file = name.trim_start_matches('.').contains('.') || name.eq_ignore_ascii_case("caddyfile");
    let Some(path) = &mount.repository_path else {
        return Some(if named_file { Writes::File } else { Writes::Folder });
    };
    if !path.is_empty() && (cx.sources.exists(path) || named_file && cx.sources.list(path).is_empty()) {
        return Some(Writes::File);
    }
    let files = cx.project.stack(container).map_or(&[][..], |stack| &stack.files);
    let documents = files.iter().copied().chain(container.built.as_ref().map(|built| built.document));
    let mut paths = documents.filter_map(|id| Some(cx.sources.get(cx.project.documents.get(id)?.file()).path.as_str()));
    let definition = paths.find(|file| path.is_empty() || below(file, path).is_some());
    Some(definition.map_or(Writes::Folder, Writes::Definition))
}

/// The process that keeps root, where supervisord starts it: one whose program has no account and no drop.
fn program_of_root<'a>(container: &'a Container, cx: &Cx) -> Option<&'a Process> {
    for id in &container.supervisors {
        let Some(supervisor) = cx.project.supervisor(*id) else { continue };
        let readers = [container];
        if !matches!(master(supervisor, &readers, cx), Master::Root(_)) {
            continue;
        }
        let unseen = |program: &_| {
            started(program).iter().any(|command| script_name(command).is_some())
                && scripts(program, &readers).next().is_none()
        };
        let mut programs = cx.within(&RULE_ITEMS, container.span, supervisor.programs());
        let kept = programs.find(|program| stays_root(program, &readers) && !unseen(program));
        if let Some(program) = kept {
            let is_it = |process: &&Process| matches!(&process.origin, ProcessOrigin::Program { document, name } if document == id && *name == program.name.value);
            return container.processes.iter().find(is_it);
        }
    }
    None
}

/// The steps that make the container's processes root: nothing where they are not, or not for sure.
fn root_steps(container: &Container, cx: &Cx) -> Option<Vec<Step>> {
    let decided: Option<(Span, &str)> = match &container.user {
        Fact::Known(user) if user.value.is_root() => Some((
            user.span,
            match user.value.by {
                UserSource::KnownImage => "starts as root, since nothing else is said",
                UserSource::Compose | UserSource::Dockerfile => "starts as root",
            },
        )),
        Fact::Absent(_) => None,
        _ => return None,
    };
    let mut steps = match fate_of_root(container, cx) {
        Root::Kept => chain::to_image(container, cx),
        Root::Supervised => chain::steps(container, Some(program_of_root(container, cx)?), cx),
        Root::Dropped | Root::Hidden | Root::Script(_) => return None,
    };
    if let Some((span, message)) = decided {
        let image = 1 + steps.iter().rposition(|(_, message)| message.starts_with("builds")).unwrap_or(0);
        steps.insert(image.min(steps.len()), (span, message.to_owned()));
    }
    Some(steps)
}

pub(in crate::rules) fn root_plus_writable_host_mount(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container).filter(|_| !container.mounts.is_empty()) else { return };
    // In a user namespace of its own, root is somebody else on the host.
    let mapped = service.uncommon.userns_mode.as_ref().is_some_and(|mode| mode.value != "host");
    if mapped || container.known.is_some_and(|known| known.role == Role::Engine) || switch::only_prepares(container) {
        return;
    }
    let mut found: Vec<(&Mount, Writes)> =
        container.mounts.iter().filter_map(|mount| Some((mount, writes(mount, container, cx)?))).collect();
    if found.is_empty() {
        return;
    }
    let spoken = speaks_of(container, cx);
    found.retain(|(mount, _)| !spoken.contains(&mount.span));
    // The worst first, in their order.
    found.sort_by_key(|(mount, writes)| (std::cmp::Reverse(*writes), mount.span));
    let Some((mount, writes)) = found.first() else { return };
    let Some(mut steps) = root_steps(container, cx) else { return };
    steps.push((mount.span, "and may write here".to_owned()));
    let name = &container.name;
    let source = mount.source.as_deref().unwrap_or_default();
    let (message, severity) = match writes {
        Writes::Definition(path) => (
            format!("`{name}` runs as root and can rewrite `{path}` of the host, and with it what is started there"),
            Severity::High,
        ),
        Writes::Folder => {
            (format!("`{name}` runs as root and writes to `{source}` of the host as root"), Severity::Medium)
        }
        Writes::File => (format!("`{name}` runs as root and can rewrite `{source}` of the host"), Severity::Low),
    };
    let finding = cx.report(mount.span, message);
    finding.severity(severity).evidence(source);
    finding.help(match writes {
        Writes::File => "mount it read-only (`:ro`), or run the container as another account",
        _ => "run the container as another account, or mount it read-only (`:ro`); a named volume keeps data off the host's folders",
    });
    finding.links(steps);
    for (mount, _) in found.iter().skip(1).take(MAX_SHOWN) {
        finding.related(mount.span, "and this");
    }
}
