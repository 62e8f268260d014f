//! Who processes run as.

mod accounts;
mod switch;
mod writes;

pub(super) use accounts::supervisor_user_absent_from_image;
pub(super) use switch::{compose_undoes_image_user, supervisor_cannot_switch_user};
pub(super) use writes::root_plus_writable_host_mount;

use super::{Cx, chain};
use crate::command::{Effective, Simple};
use crate::container::image::is_windows;
use crate::container::known::Role;
use crate::container::{
    BuiltFrom, CommandLine, CommandPlace, Container, Fact, Process, ProcessOrigin, UserSource, Why, names_root,
};
use crate::finding::{Confidence, Severity};
use crate::project::path::file_name;
use crate::source::{FileId, Span};
use crate::syntax::nginx::Nginx;
use crate::syntax::shell::Word;
use crate::syntax::supervisor::{Program, ProgramKind, Setting, Supervisor, has_expansions};

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
    "lighttpd",
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
    "radiusd",
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
const OTHER_SUPERVISORS: &[&str] =
    &["init", "my_init", "runit", "runit_bootstrap", "runsvdir", "runsvinit", "s6-svscan", "supervisord", "systemd"];

/// Parts of the names of images that do not run as root: they say so, or AWS Lambda starts them under an account of its own.
const UNPRIVILEGED_NAMES: [&str; 5] = ["unprivileged", "nonroot", "non-root", "rootless", "/lambda/"];

/// Programs that start whatever they are told: alone, they are a prompt.
const INTERPRETERS: &[&str] = &[
    "ash", "bash", "dash", "deno", "erl", "ghci", "iex", "irb", "jshell", "julia", "node", "php", "pypy", "python",
    "python3", "R", "sh", "swift", "zsh",
];

/// Daemons that read what the system or its network says, which takes root or gains little from another account.
const SYSTEM_DAEMONS: &[&str] =
    &["fail2ban-client", "fail2ban-server", "logrotate", "rsyslogd", "syslog-ng", "syslogd", "tcpdump"];

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

/// Whether a command goes through a script of /etc/init.d, which starts a daemon as its distribution means it to run.
fn is_init_script(command: &Simple) -> bool {
    command.name == "service" || command.program.text.as_str().starts_with("/etc/init.d/")
}

/// What a command starts; of `service nginx start`, which runs the script of that name in /etc/init.d, nginx.
fn program_name(command: &Simple) -> &str {
    match command.args.first() {
        Some(word) if command.name == "service" => word.text.as_str(),
        _ => &command.name,
    }
}

/// Whether a program gives up root by itself.
fn drops_itself(command: &Simple) -> bool {
    let name = program_name(command);
    is_other_account(command.dropped_to.as_deref())
        || (is_init_script(command) && WITH_USER_FLAG.contains(&name))
        || SELF_DROPPING.contains(&name)
        || name.starts_with("php-fpm")
        || (WITH_USER_FLAG.contains(&name)
            && is_other_account(command.option(&["--user", "--uid", "--setuid", "-u"]).as_ref()))
}

/// What becomes of root after a container started as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root<'a> {
    /// Nothing that is known gives it up.
    Kept,
    /// The processes that do the work run as another account.
    Dropped,
    /// supervisord starts the programs: `supervisor-program-as-root` speaks about each.
    Supervised,
    /// An init system whose files are not read starts the programs.
    Hidden,
    /// The script of that name decides, which is not in the repository.
    Script(&'a str),
}

fn fate_of_root<'a>(container: &'a Container, cx: &Cx) -> Root<'a> {
    if !container.supervisors.is_empty() {
        return Root::Supervised;
    }
    let processes = || container.processes.iter().filter(|p| !matches!(p.origin, ProcessOrigin::Program { .. }));
    let commands = processes().flat_map(|process| &process.effective.commands);
    if processes().any(|process| is_other_account(process.effective.dropped_to.as_deref()))
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
    if commands.clone().any(|command| OTHER_SUPERVISORS.contains(&command.name.as_str())) {
        return Root::Hidden;
    }
    let out_of_sight = |command: &&Simple| container.scripts_at(command.span).next().is_none();
    match commands.filter(out_of_sight).find_map(script_name) {
        Some(script) => Root::Script(script),
        None => Root::Kept,
    }
}

/// The name of the script that a command runs: itself, what a shell is given, or one of /etc/init.d.
fn script_name(command: &Simple) -> Option<&str> {
    if command.is_script() || is_init_script(command) {
        return Some(program_name(command));
    }
    let shell = matches!(command.name.as_str(), "sh" | "bash" | "ash" | "dash");
    let file = command.args.iter().map(|word| word.text.as_str()).find(|word| !word.starts_with(['-', '+']))?;
    (shell && file.ends_with(".sh")).then(|| file_name(file))
}

/// The containers that a file is part of.
fn owners<'a>(file: FileId, cx: &Cx<'a>) -> impl Iterator<Item = &'a Container> + Clone + use<'a> {
    let document = cx.project.document_of(file);
    let owners = document.and_then(|id| cx.project.owners.get(id)).map_or(&[][..], Vec::as_slice);
    let containers = &cx.project.containers;
    owners.iter().map(move |&owner| &containers[owner])
}

/// Whether neither the stages nor a service say what to start, or nothing but a prompt.
fn starts_nothing(container: &Container, built: &BuiltFrom) -> bool {
    let bare = built.config.entrypoint.is_none() && built.config.cmd.is_none();
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands).peekable();
    let prompt = |command: &Simple| INTERPRETERS.contains(&command.name.as_str()) && command.args.is_empty();
    let own = |command: &Simple| !command.name.starts_with("docker-entrypoint");
    let prompts_only = commands.peek().is_some() && commands.filter(|command| own(command)).all(prompt);
    (bare && container.processes.is_empty()) || prompts_only
}

/// Whether an image is a distribution or a language with nothing to start: a toolchain, a base for other images.
fn is_toolchain(container: &Container, built: &BuiltFrom) -> bool {
    let base = container.known.is_none_or(|known| matches!(known.role, Role::Base | Role::Runtime));
    base && starts_nothing(container, built)
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
        Some(user) => user.is_known().then_some((user.value.as_str(), user.span)),
        None => container.known.zip(container.image.as_ref()).map(|(known, image)| (known.user, image.span)),
    };
    let undone = image_user.filter(|(account, _)| by_compose && !names_root(account));
    let toolchain = container.built.as_ref().is_some_and(|built| is_toolchain(container, built));
    let severity = match fate {
        _ if undone.is_some() => Severity::High,
        Root::Dropped => Severity::Info,
        Root::Hidden => Severity::Low,
        _ if by_compose || toolchain || matches!(fate, Root::Script(_)) => Severity::Medium,
        _ => Severity::High,
    };
    let finding = match fate {
        Root::Dropped if undone.is_none() => cx
            .report(user.span, format!("`{}` is started as root, which its image does and then drops", container.name)),
        Root::Script(script) => {
            let message = format!("`{}` runs as root, unless `{script}` switches to another account", container.name);
            cx.report(user.span, message)
        }
        _ => cx.report(user.span, format!("`{}` runs as root", container.name)),
    };
    finding.severity(severity);
    if matches!(fate, Root::Hidden | Root::Script(_)) {
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
    let script = match fate_of_root(container, cx) {
        Root::Kept => None,
        Root::Script(script) => Some(script),
        Root::Dropped | Root::Supervised | Root::Hidden => return,
    };
    if container.known.is_some_and(|known| known.role == Role::Engine) {
        return;
    }
    let Some(built) = &container.built else {
        // Nothing but `user` can be changed here, and whether the image works with it is not known.
        if let Some(image) = container.image.as_ref().filter(|_| certain && script.is_none()) {
            let message = format!("`{}` runs as root: `{base}` does, and no `user` is set", container.name);
            let finding = cx.report(image.span, message);
            finding
                .severity(Severity::Info)
                .evidence("no user")
                .help("set `user` if the image can run as another account");
        }
        return;
    };
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    let Some(stage) = dockerfile.stages.get(built.stage) else { return };
    let idle = starts_nothing(container, built);
    // Of an image that starts nothing of its own, only a base that is known says something.
    if idle && (container.image.is_none() || !certain) {
        return;
    }
    let platform = built.config.platform.as_deref();
    let windows = container.image.as_ref().is_some_and(|image| is_windows(&image.reference, platform));
    if windows || UNPRIVILEGED_NAMES.iter().any(|name| base.contains(name)) {
        return;
    }
    let from = dockerfile.instructions[stage.from].span;
    let start = built.config.cmd.or(built.config.entrypoint).map(|at| dockerfile.instructions[at].span);
    let name = &container.name;
    let message = match (certain, script) {
        (true, None) => format!("`{name}` runs as root: no USER here or in `{base}`"),
        (true, Some(script)) => {
            format!("`{name}` runs as root unless `{script}` switches: no USER here or in `{base}`")
        }
        (false, _) => format!("`{name}` has no USER and runs as whatever `{base}` does"),
    };
    let finding = cx.report(from, message);
    if !certain || script.is_some() {
        finding.severity(Severity::Low).confidence(Confidence::Guess);
    }
    if is_toolchain(container, built) {
        finding.severity(Severity::Info);
    } else if idle {
        finding.severity(Severity::Low);
    }
    finding.evidence("no USER").help("create an account and switch to it with USER in front of what is started");
    if let Some(start) = start.filter(|start| start.file == from.file) {
        finding.related(start, "USER belongs in front of this");
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
fn master<'a>(supervisor: &'a Supervisor, readers: &[&Container], cx: &Cx<'a>) -> Master {
    let user = |supervisor: &'a Supervisor| {
        let section = supervisor.section("supervisord")?;
        let user = supervisor.get(section, "user")?;
        Some((user.value.as_str().trim(), user.value.span)).filter(|(account, _)| !account.is_empty())
    };
    let switches = |supervisor: &'a Supervisor| user(supervisor).is_some_and(|(account, _)| !names_root(account));
    if switches(supervisor) {
        return Master::NotRoot;
    }
    let of_container = |container: &&Container| {
        let mut configs = container.supervisors.iter().filter_map(|&id| cx.project.supervisor(id));
        let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands);
        if configs.any(switches)
            || commands.any(|c| c.name == "supervisord" && is_other_account(c.dropped_to.as_deref()))
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
    let started_as = readers.iter().map(of_container).max().unwrap_or(Master::Unknown);
    match user(supervisor) {
        // `user=root` says that it stays root; started as another account it would refuse.
        Some((_, span)) if started_as != Master::NotRoot => Master::Root(Some(span)),
        _ => started_as,
    }
}

pub(super) fn supervisor_program_as_root(supervisor: &Supervisor, cx: &mut Cx) {
    if supervisor.programs().next().is_none() {
        return;
    }
    let readers: Vec<&Container> = owners(supervisor.file, cx).collect();
    let master = master(supervisor, &readers, cx);
    if master == Master::NotRoot {
        return;
    }
    let mut as_master = Vec::new();
    for program in supervisor.programs().filter(|program| stays_root(program, &readers)) {
        if master == Master::Unknown && account(&program).is_none() {
            as_master.push(program);
        } else {
            program_as_root(&program, master, &readers, cx);
        }
    }
    // One unknown account decides about all of them.
    let Some(first) = as_master.first() else { return };
    let name = &first.name.value;
    let message = match as_master.len() - 1 {
        0 => format!("program `{name}` has no `user` and runs as supervisord does, by default as root"),
        more => {
            let programs = if more == 1 { "program" } else { "programs" };
            format!(
                "`{name}` and {more} more {programs} have no `user` and run as supervisord does, by default as root"
            )
        }
    };
    let finding = cx.report(first.header, message);
    finding.inside(&first.section.name.value.replace(':', ".")).severity(Severity::Low).confidence(Confidence::Guess);
    finding.help("set `user=` in `[supervisord]`, or in each program, with an account that is not root");
}

/// The account that the program's own section names.
fn account<'a>(program: &Program<'a>) -> Option<&'a Setting> {
    program.get("user").filter(|user| !user.value.as_str().trim().is_empty())
}

/// How serious a program that runs as root is: high where it answers requests and root was asked for.
fn gravity(program: &Program, commands: &[Simple], asked_for: bool) -> Severity {
    let is = |names: &[&str]| commands.iter().any(|command| names.contains(&command.name.as_str()));
    match () {
        // It signals supervisord, which takes the same account.
        () if program.kind == ProgramKind::EventListener || is(SYSTEM_DAEMONS) => Severity::Low,
        () if asked_for && is(NETWORK_SERVERS) => Severity::High,
        () => Severity::Medium,
    }
}

/// What the command of the program starts.
fn started(program: &Program) -> Vec<Simple> {
    program.get("command").map_or_else(Vec::new, |command| Effective::of_supervisor(&command.value).commands)
}

/// The scripts of the repository that the program starts, as the containers that read the config find them.
fn scripts<'a>(program: &Program, readers: &'a [&Container]) -> impl Iterator<Item = &'a Process> {
    let place = program.get("command").map(|command| command.value.span);
    readers.iter().flat_map(move |reader| place.into_iter().flat_map(|place| reader.scripts_at(place)))
}

/// Whether neither the program's section nor what it starts names an account that is not root.
fn stays_root(program: &Program, readers: &[&Container]) -> bool {
    let named = |user: &Setting| has_expansions(&user.value) || !names_root(user.value.as_str().trim());
    let mut in_scripts = scripts(program, readers).flat_map(|process| &process.effective.commands);
    !account(program).is_some_and(named) && !started(program).iter().any(drops_itself) && !in_scripts.any(drops_itself)
}

fn program_as_root(program: &Program, master: Master, readers: &[&Container], cx: &mut Cx) {
    let name = &program.name.value;
    let user = account(program);
    let commands = started(program);
    let unseen = commands.iter().find_map(script_name).filter(|_| scripts(program, readers).next().is_none());
    let span = user.map_or(program.header, |user| user.value.span);
    let message = match (user, unseen) {
        (Some(_), _) => format!("program `{name}` runs as root"),
        (None, Some(script)) => format!("program `{name}` has no `user` and runs as root unless `{script}` switches"),
        (None, None) => format!("program `{name}` has no `user` and runs as root"),
    };
    let severity = gravity(program, &commands, user.is_some());
    let finding = cx.report(span, message);
    finding.inside(&program.section.name.value.replace(':', ".")).severity(severity).help(match user {
        Some(_) => "name an account that is not root",
        None => "add `user=` with an account that is not root to the program",
    });
    if user.is_none() && unseen.is_some() {
        finding.severity(Severity::Low).confidence(Confidence::Guess);
    }
    if let (None, Master::Root(Some(span))) = (user, master) {
        finding.related(span, "supervisord runs as root");
    }
}

pub(super) fn worker_runs_as_root(nginx: &Nginx, cx: &mut Cx) {
    for directive in nginx.find("user").filter(|directive| directive.argument(0).is_some_and(names_root)) {
        // nginx that is not started as root cannot switch, and ignores the directive.
        let obeys = |container: &&Container| container.user.known().is_none_or(|user| user.value.is_root());
        let mut owners = owners(nginx.file, cx).peekable();
        let read = owners.peek().is_some();
        let reader = owners.find(obeys);
        if read && reader.is_none() {
            continue;
        }
        let steps = reader.map_or_else(Vec::new, |container| {
            let runs = |process: &&Process| process.effective.commands.iter().any(|command| command.name == "nginx");
            let process = container.processes.iter().find(runs);
            let mut steps = chain::steps(container, process, cx);
            steps.extend(chain::placed(container, nginx.file, cx));
            steps
        });
        let finding = cx.report(directive.span, "nginx workers, which read every request, run as root");
        finding.help("name an account that is not root (`user nginx;`), or remove the directive");
        finding.links(steps);
    }
}

pub(super) fn sudo_in_run(command: &CommandLine, cx: &mut Cx) {
    if command.place != CommandPlace::Run {
        return;
    }
    let named = command.script.commands.iter().filter(|command| command.name() == Some("sudo"));
    let mut uses: Vec<Span> = named.filter_map(|command| Some(command.words.first()?.text.span)).collect();
    // Those inside `sh -c "…"` and behind `env` and their like.
    if cx.text(command.span).contains("sudo") {
        let inner = Effective::of_script(&command.script);
        let wrapping = inner.commands.iter().flat_map(|command| &command.wrapping);
        let is_sudo = |word: &&Word| word.text.as_str().rsplit('/').next() == Some("sudo");
        uses.extend(wrapping.filter(is_sudo).map(|word| word.text.span));
        uses.sort();
        uses.dedup_by_key(|span| span.start);
    }
    let Some(first) = uses.first() else { return };
    let message = match uses.len() {
        1 => "RUN calls sudo".to_owned(),
        times => format!("RUN calls sudo {times} times"),
    };
    let finding = cx.report(*first, message);
    finding.help("switch with USER around the instruction, and leave sudo out of the image");
}
