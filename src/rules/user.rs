//! Who processes run as.

use super::Cx;
use crate::command::Simple;
use crate::container::known::Role;
use crate::container::{
    BuiltFrom, CommandLine, CommandPlace, Container, Fact, ProcessOrigin, UserSource, Why, names_root,
};
use crate::finding::{Confidence, Severity};
use crate::source::Span;
use crate::syntax::nginx::Nginx;
use crate::syntax::shell::Word;
use crate::syntax::supervisor::{Program, SectionKind, Setting, Supervisor, has_expansions};

/// Servers that give up root for what they serve, or refuse to run as root (from their manuals).
const SELF_DROPPING: &[&str] = &[
    "apache2",
    "apache2-foreground",
    "apache2ctl",
    "apachectl",
    "avahi-daemon",
    "chronyd",
    "clamd",
    "cron",
    "crond",
    "dbus-daemon",
    "dnsmasq",
    "dovecot",
    "exim4",
    "freeradius",
    "freshclam",
    "httpd",
    "httpd-foreground",
    "mariadbd",
    "mariadbd-safe",
    "memcached",
    "mysqld",
    "mysqld_safe",
    "nginx",
    "opendkim",
    "openresty",
    "pgbouncer",
    "postfix",
    "postgres",
    "proftpd",
    "smbd",
    "squid",
    "sshd",
    "unbound",
    "varnishd",
    "vsftpd",
    "zabbix_agentd",
    "zabbix_server",
];

/// Programs with a flag that names the account to go on as.
const WITH_USER_FLAG: &[&str] =
    &["celery", "clickhouse", "gunicorn", "haproxy", "named", "ntpd", "pdns_server", "uwsgi", "vector"];

/// Init systems that start programs whose accounts stand in files that are not read here.
const OTHER_SUPERVISORS: &[&str] = &["init", "my_init", "runit", "runsvdir", "s6-svscan", "supervisord", "systemd"];

/// Parts of the names of images that say that they do not run as root.
const UNPRIVILEGED_NAMES: [&str; 4] = ["unprivileged", "nonroot", "non-root", "rootless"];

/// Programs that answer requests from the network.
const NETWORK_SERVERS: &[&str] = &[
    "bun",
    "caddy",
    "daphne",
    "deno",
    "dotnet",
    "flask",
    "granian",
    "gunicorn",
    "hypercorn",
    "java",
    "next",
    "node",
    "puma",
    "sanic",
    "streamlit",
    "uvicorn",
    "uwsgi",
    "waitress-serve",
];

/// Whether a privilege-drop tool is told an account that is not root; a variable stands for one.
fn is_other_account(word: Option<&Word>) -> bool {
    word.is_some_and(|word| !names_root(word.text.as_str()))
}

/// Whether a program gives up root by itself.
fn drops_itself(command: &Simple) -> bool {
    let name = command.name.as_str();
    is_other_account(command.dropped_to.as_ref())
        || SELF_DROPPING.contains(&name)
        || name.starts_with("php-fpm")
        || (WITH_USER_FLAG.contains(&name)
            && is_other_account(command.option(&["--user", "--uid", "--setuid", "-u"]).as_ref()))
}

/// What becomes of root after a container started as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    /// Nothing that is known gives it up.
    Kept,
    /// The processes that do the work run as another account.
    Dropped,
    /// supervisord starts the programs: `supervisor-program-as-root` speaks about each.
    Supervised,
    /// An init system whose files are not read starts the programs.
    Hidden,
}

fn fate_of_root(container: &Container, cx: &Cx) -> Root {
    if !container.supervisors.is_empty() {
        return Root::Supervised;
    }
    let processes = || container.processes.iter().filter(|p| !matches!(p.origin, ProcessOrigin::Program { .. }));
    let mut commands = processes().flat_map(|process| &process.effective.commands);
    if processes().any(|process| is_other_account(process.effective.dropped_to.as_ref()))
        || commands.clone().any(drops_itself)
    {
        return Root::Dropped;
    }
    let image_drops = container.known.is_some_and(|known| known.drops_root);
    let own_entrypoint = cx.project.service(container).is_some_and(|service| service.entrypoint.is_some())
        || container.built.as_ref().is_some_and(|built| built.config.entrypoint.is_some());
    // The entrypoint of the image drops root for its own server; a runtime's does so only for the servers above.
    let runtime = container.known.is_some_and(|known| known.role == Role::Runtime);
    let by_image = match own_entrypoint {
        true => commands.clone().any(|command| command.name.starts_with("docker-entrypoint")),
        false => processes().next().is_none() || !runtime,
    };
    if image_drops && by_image {
        return Root::Dropped;
    }
    match commands.any(|command| OTHER_SUPERVISORS.contains(&command.name.as_str())) {
        true => Root::Hidden,
        false => Root::Kept,
    }
}

/// Whether an image is a distribution or a language with nothing to start: a toolchain, a base for other images.
fn is_toolchain(container: &Container, built: &BuiltFrom) -> bool {
    let bare = built.config.entrypoint.is_none() && built.config.cmd.is_none();
    bare && container.known.is_none_or(|known| matches!(known.role, Role::Base | Role::Runtime))
}

pub(super) fn explicit_root_user(container: &Container, cx: &mut Cx) {
    let Some(user) = container.user.known().filter(|user| user.value.is_root()) else { return };
    let by_compose = user.value.by == UserSource::Compose;
    if user.value.by == UserSource::KnownImage {
        return;
    }
    let fate = fate_of_root(container, cx);
    if fate == Root::Supervised || (fate == Root::Dropped && !by_compose) {
        return;
    }
    // What `user:` undoes.
    let built_user = container.built.as_ref().and_then(|built| built.config.user.as_ref());
    let image_user = match built_user {
        Some(user) => user.is_known().then(|| (user.value.as_str(), user.span)),
        None => container.known.zip(container.image.as_ref()).map(|(known, image)| (known.user, image.span)),
    };
    let undone = image_user.filter(|(account, _)| by_compose && !names_root(account));
    let toolchain = container.built.as_ref().is_some_and(|built| is_toolchain(container, built));
    let severity = match fate {
        _ if undone.is_some() => Severity::High,
        Root::Dropped => Severity::Info,
        Root::Hidden => Severity::Low,
        _ if by_compose || toolchain => Severity::Medium,
        _ => Severity::High,
    };
    let finding = match fate {
        Root::Dropped if undone.is_none() => cx
            .report(user.span, format!("`{}` is started as root, which its image does and then drops", container.name)),
        _ => cx.report(user.span, format!("`{}` runs as root", container.name)),
    };
    finding.severity(severity);
    if fate == Root::Hidden {
        finding.confidence(Confidence::Guess);
    }
    if let Some((account, span)) = undone {
        finding.related(span, format!("the image runs as `{account}`"));
    }
    if by_compose {
        finding.help("remove `user`, or name an account that is not root");
    } else {
        finding.help("end with USER and an account that is not root");
    }
}

pub(super) fn missing_user(container: &Container, cx: &mut Cx) {
    let base = container.image.as_ref().map_or("scratch", |image| image.reference.as_str());
    let certain = match &container.user {
        Fact::Known(user) => match user.value.by {
            UserSource::KnownImage if user.value.is_root() => true,
            _ => return,
        },
        Fact::Absent(_) => true,
        Fact::Unknown(Why::UnknownImage) => false,
        Fact::Unknown(_) => return,
    };
    if fate_of_root(container, cx) != Root::Kept || container.known.is_some_and(|known| known.role == Role::Engine) {
        return;
    }
    let Some(built) = &container.built else {
        // Nothing but `user` can be changed here, and whether the image works with it is not known.
        if let Some(image) = container.image.as_ref().filter(|_| certain) {
            let message = format!("`{}` runs as root: `{base}` does, and no `user` is set", container.name);
            let finding = cx.report(image.span, message);
            finding.severity(Severity::Info).help("set `user` if the image can run as another account");
        }
        return;
    };
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    let Some(stage) = dockerfile.stages.get(built.stage) else { return };
    let nothing_to_start = built.config.entrypoint.is_none() && built.config.cmd.is_none();
    let windows = container.image.as_ref().is_some_and(|image| image.repository.starts_with("windows/"));
    if windows || (container.image.is_none() && nothing_to_start) || UNPRIVILEGED_NAMES.iter().any(|n| base.contains(n))
    {
        return;
    }
    let from = dockerfile.instructions[stage.from].span;
    let start = built.config.cmd.or(built.config.entrypoint).map(|at| dockerfile.instructions[at].span);
    let finding = if certain {
        cx.report(from, format!("`{}` runs as root: no USER, and `{base}` has none", container.name))
    } else {
        cx.report(from, format!("`{}` has no USER and runs as whatever `{base}` does", container.name))
    };
    if !certain {
        finding.severity(Severity::Low).confidence(Confidence::Guess);
    }
    if is_toolchain(container, built) {
        finding.severity(Severity::Info);
    }
    finding.help("create an account and switch to it with USER in front of what is started");
    if let Some(start) = start.filter(|start| start.file == from.file) {
        finding.related(start, "started as root");
    }
}

/// What is known of the account that supervisord runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Master {
    NotRoot,
    Unknown,
    /// Root; the line that decided it, where one did.
    Root(Option<Span>),
}

/// The account of supervisord over all containers that read the config: root if one of them runs it as root.
fn master(supervisor: &Supervisor, cx: &Cx) -> Master {
    let switches = |supervisor: &Supervisor| {
        let section = supervisor.section("supervisord");
        let user = section.and_then(|section| supervisor.get(section, "user"));
        user.is_some_and(|user| !names_root(user.value.as_str().trim()))
    };
    if switches(supervisor) {
        return Master::NotRoot;
    }
    let document = cx.project.documents.iter().position(|document| document.file() == supervisor.file);
    let owners = document.and_then(|id| cx.project.owners.get(id)).map_or(&[][..], Vec::as_slice);
    let of_container = |container: &Container| {
        let mut configs = container.supervisors.iter().filter_map(|&id| cx.project.supervisor(id));
        let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands);
        if configs.any(switches) || commands.any(|c| c.name == "supervisord" && is_other_account(c.dropped_to.as_ref()))
        {
            return Master::NotRoot;
        }
        match &container.user {
            Fact::Known(user) if user.value.is_root() => {
                Master::Root((user.value.by != UserSource::KnownImage).then_some(user.span))
            }
            Fact::Known(_) => Master::NotRoot,
            Fact::Absent(_) => Master::Root(None),
            Fact::Unknown(_) => Master::Unknown,
        }
    };
    owners.iter().map(|&owner| of_container(&cx.project.containers[owner])).max().unwrap_or(Master::Unknown)
}

pub(super) fn supervisor_program_as_root(supervisor: &Supervisor, cx: &mut Cx) {
    if supervisor.programs().next().is_none() {
        return;
    }
    let master = master(supervisor, cx);
    if master == Master::NotRoot {
        return;
    }
    for program in supervisor.programs() {
        program_as_root(&program, master, cx);
    }
}

fn program_as_root(program: &Program, master: Master, cx: &mut Cx) {
    let name = &program.name.value;
    let node = program.section.name.value.replace(':', ".");
    let user = program.get("user").filter(|user| !user.value.as_str().trim().is_empty());
    if user.is_some_and(|user| has_expansions(&user.value) || !names_root(user.value.as_str().trim())) {
        return;
    }
    let command = program.get("command");
    let effective = command.map(|command| crate::command::Effective::of_supervisor(&command.value));
    let commands = effective.as_ref().map_or(&[][..], |effective| &effective.commands);
    if commands.iter().any(drops_itself) {
        return;
    }
    let serves = commands.iter().any(|command| NETWORK_SERVERS.contains(&command.name.as_str()));
    let help = "add `user=` with an account that is not root to the program";
    match user {
        Some(Setting { value, .. }) => {
            let finding = cx.report(value.span, format!("program `{name}` runs as root"));
            finding.inside(&node).help("name an account that is not root");
            finding.severity(if serves { Severity::High } else { Severity::Medium });
        }
        None if program.section.kind() == SectionKind::EventListener && master == Master::Unknown => {}
        None => {
            let finding = match master {
                Master::Unknown => cx.report(
                    program.header,
                    format!("program `{name}` has no `user` and runs as supervisord does, by default as root"),
                ),
                _ => cx.report(program.header, format!("program `{name}` has no `user` and runs as root")),
            };
            finding.inside(&node).help(help);
            match master {
                Master::Root(Some(span)) => {
                    finding.related(span, "supervisord is started as root");
                }
                Master::Unknown => {
                    finding.severity(Severity::Low).confidence(Confidence::Guess);
                }
                _ => {}
            }
        }
    }
}

pub(super) fn worker_runs_as_root(nginx: &Nginx, cx: &mut Cx) {
    for directive in nginx.find("user").filter(|directive| directive.argument(0).is_some_and(names_root)) {
        let document = cx.project.documents.iter().position(|document| document.file() == nginx.file);
        let owners = document.and_then(|id| cx.project.owners.get(id)).map_or(&[][..], Vec::as_slice);
        // nginx that is not started as root cannot switch, and ignores the directive.
        let unprivileged = |&owner: &usize| {
            let user = cx.project.containers[owner].user.known();
            user.is_some_and(|user| !user.value.is_root())
        };
        if !owners.is_empty() && owners.iter().all(unprivileged) {
            continue;
        }
        let finding = cx.report(directive.span, "nginx workers, which read every request, run as root");
        finding.help("name an account that is not root (`user nginx;`), or remove the directive");
    }
}

pub(super) fn sudo_in_run(command: &CommandLine, cx: &mut Cx) {
    if command.place != CommandPlace::Run {
        return;
    }
    let mut uses = command.script.commands.iter().filter(|command| command.name() == Some("sudo"));
    let Some(word) = uses.next().and_then(|first| first.words.first()) else { return };
    let more = uses.count();
    let message = match more {
        0 => "RUN calls sudo".to_owned(),
        _ => format!("RUN calls sudo {} times", more + 1),
    };
    let finding = cx.report(word.text.span, message);
    finding.help("switch with USER around the instruction, and leave sudo out of the image");
}
