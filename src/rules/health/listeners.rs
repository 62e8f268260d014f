//! The ports that the programs of a container listen on, where all of them are known.

use crate::command::Simple;
use crate::container::{Container, ProcessOrigin};
use crate::rules::Cx;
use crate::source::Span;
use crate::syntax::shell::Word;

/// A port that a program listens on.
pub(super) struct Listener {
    /// Port.
    pub port: u16,
    /// What says so.
    pub span: Span,
    /// Name of the program.
    pub program: String,
    /// It surely does: not only where a config of the image is still in use.
    pub sure: bool,
}

/// Programs that listen nowhere, or only prepare what the others need.
const SILENT: &[&str] = &[
    ":",
    "[",
    "alembic",
    "awk",
    "beat",
    "cat",
    "cd",
    "celery",
    "chmod",
    "chown",
    "cp",
    "cron",
    "crond",
    "cut",
    "date",
    "echo",
    "env",
    "envsubst",
    "exec",
    "exit",
    "export",
    "false",
    "find",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "pg_isready",
    "printf",
    "pwd",
    "read",
    "return",
    "rm",
    "sed",
    "set",
    "shift",
    "sleep",
    "sort",
    "tail",
    "test",
    "touch",
    "tr",
    "trap",
    "true",
    "umask",
    "unset",
    "wait",
    "whoami",
];

/// Everything that listens in a container; `None` where a program of it is not known, or shares its network with others.
pub(super) fn listeners(container: &Container, cx: &Cx) -> Option<Vec<Listener>> {
    let service = cx.project.service(container);
    let shared =
        service.is_some_and(|service| service.network_mode.is_some() || !service.uncommon.volumes_from.is_empty());
    if shared || container.partial || container.open_environment {
        return None;
    }
    let mut found = Vec::new();
    if container.processes.is_empty() {
        let entrypoint = container.built.as_ref().is_some_and(|built| built.config.entrypoint.is_some());
        let image = container.image.as_ref().filter(|image| image.known && !entrypoint)?;
        let program = match image.name().as_str() {
            "nginx" => "nginx",
            "redis" => "redis-server",
            "valkey/valkey" => "valkey-server",
            "postgres" | "pgvector/pgvector" | "postgis/postgis" => "postgres",
            "memcached" => "memcached",
            _ => return None,
        };
        of_program(program, &[], image.span, container, cx, &mut found)?;
    }
    for process in &container.processes {
        let effective = &process.effective;
        let known = |name: &str| {
            let is = |other: &ProcessOrigin| matches!(other, ProcessOrigin::PackageScript(known) if known == name);
            container.processes.iter().any(|other| is(&other.origin))
        };
        if effective.partial || effective.package_scripts.iter().any(|script| !known(script.name.text.as_str())) {
            return None;
        }
        for command in &effective.commands {
            of_command(command, container, cx, &mut found)?;
        }
    }
    for supervisor in container.supervisors.iter().filter_map(|&id| cx.project.supervisor(id)) {
        let Some(section) = supervisor.section("inet_http_server") else { continue };
        let port = supervisor.get(section, "port")?;
        let number = port.value.as_str().rsplit(':').next()?.parse().ok()?;
        found.push(Listener { port: number, span: port.value.span, program: "supervisord".to_owned(), sure: true });
    }
    Some(found)
}

fn of_command(command: &Simple, container: &Container, cx: &Cx, found: &mut Vec<Listener>) -> Option<()> {
    let name = command.name.as_str();
    if !command.program.literal {
        // An entrypoint script's `exec "$@"`: its arguments are a process of their own.
        return matches!(name, "$@" | "${@}").then_some(());
    }
    if SILENT.contains(&name) {
        return Some(());
    }
    if name == "supervisord" {
        return (!container.supervisors.is_empty()).then_some(());
    }
    if command.is_script() {
        return container.scripts_at(command.span).next().map(|_| ());
    }
    of_program(name, &command.args, command.span, container, cx, found)
}

/// Notes the ports of a server; `None` where the program or its port is not known.
fn of_program(
    name: &str,
    args: &[Word],
    span: Span,
    container: &Container,
    cx: &Cx,
    found: &mut Vec<Listener>,
) -> Option<()> {
    let arguments = crate::command::Arguments { program: name, words: args };
    let has_env = |names: &[&str]| names.iter().any(|name| container.env(name).is_some());
    let mut put = |port: u16, span: Span| found.push(Listener { port, span, program: name.to_owned(), sure: true });
    // What a flag says, else the default.
    let mut flag = |names: &[&str], default: Option<u16>| {
        let (port, span) = match arguments.option(names) {
            Some(word) => (number(&word)?, word.text.span),
            None => (default?, span),
        };
        put(port, span);
        Some(())
    };
    match name {
        "nginx" => return of_nginx(span, container, cx, found),
        "gunicorn" | "hypercorn" => {
            if has_env(&["GUNICORN_CMD_ARGS"]) || arguments.has_flag(&["-c", "--config"]) {
                return None;
            }
            // More than one address may be given.
            let again = args.iter().filter(|word| {
                let word = word.text.as_str();
                word.starts_with("-b") || word.starts_with("--bind") || word == "--insecure-bind"
            });
            if again.count() != 1 {
                return None;
            }
            let address = arguments.option(&["-b", "--bind"])?;
            if address.text.as_str().starts_with("unix:") {
                return Some(());
            }
            put(number(&address)?, address.text.span);
        }
        "uvicorn" if has_env(&["UVICORN_PORT"]) || arguments.has_flag(&["--uds", "--fd"]) => return None,
        "uvicorn" | "granian" => flag(&["--port"], Some(8000))?,
        "daphne" if arguments.has_flag(&["-e", "--endpoint", "-u", "--fd"]) => return None,
        "daphne" => flag(&["-p", "--port"], Some(8000))?,
        "flask" if has_env(&["FLASK_RUN_PORT"]) => return None,
        "flask" if args.iter().any(|word| word.text.as_str() == "run") => flag(&["-p", "--port"], Some(5000))?,
        "streamlit" => flag(&["--server.port"], None)?,
        "next" if has_env(&["PORT"]) => return None,
        "next" if args.first().is_some_and(|word| matches!(word.text.as_str(), "start" | "dev")) => {
            flag(&["-p", "--port"], Some(3000))?;
        }
        "http.server" => match arguments.positional(&["-b", "--bind", "-d", "--directory"]).first() {
            Some(word) => put(number(word)?, word.text.span),
            None => put(8000, span),
        },
        "redis-server" | "valkey-server" => {
            let config = args.first().is_some_and(|word| !word.text.as_str().starts_with('-'));
            if config {
                return None;
            }
            flag(&["--port"], Some(6379))?;
        }
        "postgres" => {
            let settings = args.iter().any(|word| {
                let word = word.text.as_str();
                word.contains("port") || word.contains("config_file")
            });
            if settings {
                return None;
            }
            flag(&["-p"], Some(5432))?;
        }
        "memcached" => flag(&["-p", "--port"], Some(11211))?,
        _ if name.starts_with("python") || name == "manage.py" => {
            let at = args.iter().position(|word| word.text.as_str() == "runserver")?;
            let address = args[at + 1..].iter().find(|word| !word.text.as_str().starts_with('-'));
            match address {
                Some(address) => put(number(address)?, address.text.span),
                None => put(8000, span),
            }
        }
        _ => return None,
    }
    Some(())
}

/// The ports of the `listen` directives, and the one of the image's own config, which may still be there.
fn of_nginx(span: Span, container: &Container, cx: &Cx, found: &mut Vec<Listener>) -> Option<()> {
    // What is mounted from outside of the repository may listen anywhere, and so may what a command edits.
    let nginx = |target: &str| target.starts_with("/etc/nginx") || target == "/etc";
    let open = container
        .mounts
        .iter()
        .any(|mount| mount.target.as_deref().is_none_or(|target| nginx(target) && mount.repository_path.is_none()));
    let image = container.image.as_ref().filter(|image| image.known)?;
    if open || image.name() != "nginx" && container.servers.is_empty() {
        return None;
    }
    let mut ports = vec![(80, image.span)];
    for nginx in container.servers.iter().filter_map(|&id| cx.project.nginx(id)) {
        for visit in nginx.walk().filter(|visit| visit.directive.is("listen")) {
            let address = visit.directive.arguments.first()?;
            let value = address.text.as_str();
            if value.starts_with("unix:") {
                continue;
            }
            let port = value.rsplit(':').next().unwrap_or(value);
            match port.parse() {
                Ok(port) => ports.push((port, address.text.span)),
                // An address without a port.
                Err(_) if !value.contains('$') => {}
                Err(_) => return None,
            }
        }
        // What is included from elsewhere.
        let includes = nginx.walk().filter(|visit| visit.directive.is("include"));
        let foreign =
            |path: &str| !path.contains("mime.types") && !path.contains("_params") && !path.contains("conf.d");
        if includes.filter_map(|visit| visit.directive.argument(0)).any(foreign) {
            return None;
        }
    }
    let own = container.servers.is_empty();
    found.extend(ports.into_iter().enumerate().map(|(at, (port, place))| {
        let program = "nginx".to_owned();
        // The first is the image's own, which a config may have taken the place of.
        Listener { port, span: if at == 0 { span } else { place }, program, sure: at > 0 || own }
    }));
    Some(())
}

/// The port of a word: a number, or what is behind the colon of an address.
fn number(word: &Word) -> Option<u16> {
    let text = word.text.as_str();
    word.literal.then(|| text.rsplit(':').next()?.parse().ok())?
}
