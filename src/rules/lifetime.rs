//! Whether a container stays up, and whether it stops when it is told to.

mod signals;

pub(super) use signals::stop_signal_chain;

use super::supervisor::{FOREGROUND_SERVER, Servers};
use super::{Cx, chain};
use crate::command::Simple;
use crate::container::{Container, Process, ProcessOrigin};
use crate::finding::Confidence;
use crate::source::{FileId, Span, Text};
use crate::syntax::shell::{self, GroupKind, Joint, Script};

/// Scripts that start each other which are followed.
const MAX_CALLS: usize = 8;

/// What the first process of a container turns into: the last command of what is started, and of the scripts behind it.
/// Nothing where a script that is not in sight decides.
fn foreground(container: &Container) -> Option<(&Process, &Simple)> {
    let main = container.processes.iter().filter(|process| process.origin == ProcessOrigin::Main);
    let first = |process: &&Process| process.effective.commands.first().map_or(u32::MAX, |command| command.span.start);
    let mut current = main.min_by_key(first)?;
    let mut caller: Option<(&Process, &Simple)> = None;
    for _ in 0..MAX_CALLS {
        let effective = &current.effective;
        let last = effective.commands.last().filter(|_| !effective.partial)?;
        // What runs behind a script of `package.json` stands in front of the programs that were found.
        if effective.package_scripts.iter().any(|script| script.span.start > last.span.start) || last.background {
            return last.background.then_some((current, last));
        }
        let script = container.scripts_at(last.span).find(|script| script.span == last.span);
        let passes_on = matches!(last.program.text.as_str(), "$@" | "${@}" | "$*") && !last.program.literal;
        let entrypoint = last.name.starts_with("docker-") && last.is_script() && !last.args.is_empty();
        current = match (script, caller) {
            (Some(script), _) => {
                caller = Some((current, last));
                script
            }
            (None, Some((by, call))) if passes_on => {
                caller = None;
                arguments(container, by, call)?
            }
            // The entrypoints of the official images end in `exec "$@"`.
            (None, _) if entrypoint => arguments(container, current, last)?,
            (None, _) if passes_on || last.is_script() => return None,
            (None, _) => return Some((current, last)),
        };
    }
    None
}

/// What the arguments of a script start, which it passes on.
fn arguments<'a>(container: &'a Container, by: &Process, call: &Simple) -> Option<&'a Process> {
    let within = |command: &Simple| call.args.iter().any(|word| word.text.span.contains(command.program.text.span));
    let mut started =
        container.processes.iter().filter(|process| process.origin == by.origin && process.span == by.span);
    started.find(|process| process.effective.commands.first().is_some_and(within))
}

/// Whether the command runs only in a branch, a loop or a function, or where the one before it fails.
fn is_conditional(process: &Process, command: &Simple, cx: &Cx) -> bool {
    let file = |file: FileId| {
        let text = &cx.sources.get(file).text;
        shell::parse(&Text::verbatim(text.clone(), Span::new(file, 0..text.len())))
    };
    let within = |script: &Script| {
        let groups = script.groups.iter().filter(|group| !matches!(group.kind, GroupKind::Brace | GroupKind::Subshell));
        let mut commands = script.commands.iter();
        groups.into_iter().any(|group| group.span.contains(command.span))
            || commands.any(|other| other.joined_by == Joint::Or && other.span.contains(command.span))
    };
    if matches!(process.origin, ProcessOrigin::Script(_)) && within(&file(command.span.file)) {
        return true;
    }
    process.effective.scripts.iter().any(|text| within(&shell::parse(text)))
}

pub(super) fn container_exits_at_once(container: &Container, cx: &mut Cx) {
    let Some((process, last)) = foreground(container) else { return };
    let Some(exit) = exit(container, last, cx) else { return };
    if is_conditional(process, last, cx) {
        return;
    }
    let name = &container.name;
    let service = cx.project.service(container);
    let restarts = service
        .and_then(|service| service.restart.as_ref())
        .is_some_and(|restart| restart.known && matches!(restart.value.as_str(), "always" | "unless-stopped"));
    let then = if restarts { "ends and is started again, in a loop" } else { "ends as soon as it has started" };
    let what = match exit.help {
        _ if exit.by_shell => format!("the shell leaves `{}` in the background", last.name),
        FOREGROUND_SERVER => format!("`{}` leaves a server in the background", last.name),
        _ => format!("`{}` goes to the background", last.name),
    };
    let steps = chain::steps(container, Some(process), cx);
    let finding = cx.report(last.span, format!("`{name}` {then}: {what}"));
    finding.help(exit.help).confidence(exit.confidence).evidence(&last.name);
    if let Some(told) = exit.told {
        finding.related(told, "its config says so here");
    }
    finding.links(steps);
}

/// Why a container ends.
struct Exit {
    help: &'static str,
    confidence: Confidence,
    told: Option<Span>,
    /// The program stays, but the shell that started it does not wait.
    by_shell: bool,
}

/// Base images whose configs of servers are those of a distribution or of the server's own packages: without a word about
/// the foreground.
const STOCK: &[&str] = &[
    "almalinux",
    "alpine",
    "amazonlinux",
    "centos",
    "debian",
    "fedora",
    "nginx",
    "openresty/openresty",
    "oraclelinux",
    "rockylinux",
    "ubuntu",
];

fn exit(container: &Container, last: &Simple, cx: &Cx) -> Option<Exit> {
    if last.background {
        let help = "remove the `&` and start it with `exec`";
        return Some(Exit { help, confidence: Confidence::Certain, told: None, by_shell: true });
    }
    match last.name.as_str() {
        "supervisord" => return supervisord(container, last, cx),
        // It waits for its server.
        "mysqld_safe" | "mariadbd-safe" => return None,
        _ => {}
    }
    let daemon = Servers::of(vec![container], cx).goes_to_background(last)?;
    // What the config of an image says that is not in sight is not known.
    let stock = container.image.as_ref().is_some_and(|image| STOCK.contains(&image.repository.as_str()));
    let own_config = last.has_flag(&["-c"]) && matches!(last.name.as_str(), "nginx" | "openresty" | "angie");
    if daemon.confidence < Confidence::Certain && (!stock || own_config) {
        return None;
    }
    Some(Exit { help: daemon.help, confidence: daemon.confidence, told: daemon.told, by_shell: false })
}

/// supervisord goes to the background unless its config or a flag says otherwise. Of a config that is here,
/// `supervisor-daemonised` speaks; this is about the distribution's, which says nothing.
fn supervisord(container: &Container, last: &Simple, cx: &Cx) -> Option<Exit> {
    let stays = last.has_flag(&["-n", "--nodaemon", "-h", "--help", "-v", "--version"]);
    let literal = last.args.iter().all(|word| word.literal);
    let mut configs = container.supervisors.iter().filter_map(|&id| cx.project.supervisor(id)).peekable();
    if stays || !literal || configs.peek().is_none() || configs.any(|config| config.section("supervisord").is_some()) {
        return None;
    }
    // A config of its own that is not in sight may say it.
    let own =
        container.built.iter().flat_map(|built| &built.config.transfers).map(|copy| copy.destination.value.as_str());
    let mut own = own.chain(container.mounts.iter().filter_map(|mount| mount.target.as_deref()));
    if own.any(|target| target.ends_with("/supervisord.conf") || matches!(target.trim_end_matches('/'), "" | "/etc")) {
        return None;
    }
    let dockerfile = container.built.as_ref().and_then(|built| cx.project.dockerfile(built.document));
    if dockerfile.is_some_and(|dockerfile| cx.sources.get(dockerfile.file).text.contains("nodaemon")) {
        return None;
    }
    Some(Exit { help: "start it with `-n`", confidence: Confidence::Likely, told: None, by_shell: false })
}
