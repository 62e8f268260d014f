//! Read-only file systems under programs that have to write.

use std::collections::BTreeSet;

use crate::command::Simple;
use crate::container::{Container, Mount};
use crate::project::path::{absolute, below, directory};
use crate::rules::Cx;
use crate::source::{Span, Text};
use crate::syntax::compose::MountKind;
use crate::syntax::dockerfile::Kind;
use crate::syntax::supervisor::has_expansions;

/// Instructions of a Dockerfile that are searched for what they edit.
const MANY: usize = 500;

/// A folder that a program writes to.
struct Need {
    /// Absolute path, as the file system of the usual distributions has it.
    folder: String,
    /// Name of the program.
    program: &'static str,
    /// What says so.
    span: Span,
}

pub(in crate::rules) fn read_only_breaks_service(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    let Some(read_only) = service.read_only.as_ref().filter(|read_only| read_only.value) else { return };
    let unresolved = |mount: &Mount| mount.target.as_deref().is_none_or(|target| target.contains('$'));
    if container.partial || !service.uncommon.volumes_from.is_empty() || container.mounts.iter().any(unresolved) {
        return;
    }
    let mut needs = Vec::new();
    supervisord(container, cx, &mut needs);
    nginx(container, cx, &mut needs);
    of_image(container, cx, &mut needs);
    gunicorn(container, cx, &mut needs);
    let mut seen = BTreeSet::new();
    needs.retain(|need| !is_writable(container, &need.folder) && seen.insert((need.folder.clone(), need.program)));
    if needs.is_empty() {
        return;
    }
    let folders: BTreeSet<&str> = needs.iter().map(|need| need.folder.as_str()).collect();
    let list = |quote: &str| {
        let quoted: Vec<String> = folders.iter().map(|folder| format!("{quote}{folder}{quote}")).collect();
        quoted.join(", ")
    };
    let be = if folders.len() == 1 { "is neither tmpfs nor volume" } else { "are neither tmpfs nor volumes" };
    let message = format!(
        "`{}` cannot write what it has to: its file system is read-only, and {} {be}",
        container.name,
        list("`")
    );
    let help = match folders.contains("/") {
        true => format!("point what is written to a folder that is a tmpfs: {}", list("`")),
        false => format!("add `tmpfs: [{}]`", list("")),
    };
    let finding = cx.report(read_only.span, message);
    finding.help(help).evidence(list(""));
    finding.link(read_only.span, "the file system is read-only");
    for need in needs.iter().take(8) {
        finding.link(need.span, format!("{} writes to `{}`", need.program, need.folder));
    }
}

/// A path with the links that the usual distributions have.
fn plain(path: &str) -> String {
    let path = absolute("/", path);
    match [("/var/run", "/run"), ("/var/lock", "/run/lock")].iter().find_map(|(link, real)| {
        let rest = below(&path, link)?;
        Some(if rest.is_empty() { (*real).to_owned() } else { format!("{real}/{rest}") })
    }) {
        Some(real) => real,
        None => path,
    }
}

/// Whether a folder can be written to under a read-only root: the deepest mount at or above it decides, and a VOLUME of the
/// image that nothing is mounted at is an anonymous volume.
fn is_writable(container: &Container, folder: &str) -> bool {
    if ["/dev", "/proc", "/sys"].iter().any(|own| below(folder, own).is_some()) {
        return true;
    }
    let mounts = container.mounts.iter().filter_map(|mount| {
        let target = plain(mount.target.as_deref()?);
        below(folder, &target)?;
        let writes = matches!(mount.kind, MountKind::Tmpfs | MountKind::Volume | MountKind::Bind) && !mount.read_only;
        Some((target.len(), writes))
    });
    let volumes = container.built.iter().flat_map(|built| &built.config.volumes).filter_map(|volume| {
        let target = plain(&volume.value);
        below(folder, &target).map(|_| (target.len(), true))
    });
    let deepest = volumes.chain(mounts).max_by_key(|(length, _)| *length);
    deepest.is_some_and(|(_, writes)| writes)
}

fn commands<'a>(container: &'a Container, names: &'a [&str]) -> impl Iterator<Item = &'a Simple> {
    let commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    commands.filter(move |command| names.contains(&command.name.as_str()))
}

/// Whether the text of a RUN of the image holds one of the words: what it does to a config is not followed.
fn is_edited(container: &Container, words: &[&str], cx: &Cx) -> bool {
    let Some(built) = &container.built else { return false };
    let dockerfile = cx.project.dockerfile(built.document).filter(|it| it.instructions.len() <= MANY);
    let Some(dockerfile) = dockerfile else { return true };
    let stages = built.config.chain.iter().filter_map(|&stage| dockerfile.stages.get(stage));
    let instructions = stages.flat_map(|stage| dockerfile.instructions.get(stage.body.clone()).unwrap_or_default());
    let mut runs = instructions.filter(|instruction| matches!(instruction.kind, Kind::Run(_)));
    runs.any(|run| words.iter().any(|word| run.rest().is_some_and(|rest| rest.as_str().contains(word))))
}

/// Whether something is mounted at or copied to one of the paths, or below.
fn is_placed(container: &Container, paths: &[&str]) -> bool {
    let below_one = |path: &str| paths.iter().any(|own| below(path, own).is_some() || below(own, path).is_some());
    let transfers = container.built.iter().flat_map(|built| &built.config.transfers);
    let whole = |path: &str| path != "/" && below_one(path);
    container.mounts.iter().filter_map(|mount| mount.target.as_deref()).any(whole)
        || transfers.into_iter().any(|transfer| whole(&transfer.destination.value))
}

/// supervisord's pid file, log, sockets, and the logs of its programs (Supervisor's `options.py` for the defaults).
fn supervisord(container: &Container, cx: &Cx, needs: &mut Vec<Need>) {
    let workdir = container.built.as_ref().and_then(|built| built.config.workdir.as_ref());
    let workdir = workdir.filter(|workdir| workdir.is_known()).map(|workdir| workdir.value.as_str());
    let overridden = |names: &[&str]| commands(container, &["supervisord"]).any(|command| command.has_flag(names));
    let mut put = |file: &Text| {
        let path = file.as_str();
        let special = path.starts_with("/dev/") || path.starts_with("/proc/") || has_expansions(file);
        let path = match workdir {
            _ if special => return,
            _ if path.starts_with('/') => plain(path),
            Some(workdir) => plain(&absolute(workdir, path)),
            None => return,
        };
        let folder = Some(directory(&path)).filter(|folder| !folder.is_empty()).unwrap_or("/").to_owned();
        needs.push(Need { folder, program: "supervisord", span: file.span });
    };
    for supervisor in container.supervisors.iter().filter_map(|&id| cx.project.supervisor(id)) {
        let main = supervisor.section("supervisord");
        for (key, flags) in [("logfile", ["-l", "--logfile"]), ("pidfile", ["-j", "--pidfile"])] {
            let value = main.and_then(|main| supervisor.get(main, key));
            if let Some(value) = value.filter(|_| !overridden(&flags)) {
                put(&value.value);
            }
        }
        let socket = supervisor.section("unix_http_server").and_then(|section| supervisor.get(section, "file"));
        socket.iter().for_each(|socket| put(&socket.value));
        for program in supervisor.programs() {
            for key in ["stdout_logfile", "stderr_logfile"] {
                let Some(value) = program.get(key) else { continue };
                let word = value.value.as_str();
                if !["none", "auto", "syslog"].iter().any(|special| word.eq_ignore_ascii_case(special)) {
                    put(&value.value);
                }
            }
        }
    }
}

/// The folders for what nginx keeps on disk while it answers, with the directive that moves each.
const TEMPORARY: [&str; 5] =
    ["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"];

/// nginx's pid file, its temporary folders, caches and logs (the paths that the official image is compiled with).
fn nginx(container: &Container, cx: &Cx, needs: &mut Vec<Need>) {
    let Some(image) = container.image.as_ref().filter(|image| image.known) else { return };
    let own_tmp = image.name() == "nginxinc/nginx-unprivileged";
    let runs = container.processes.is_empty() || commands(container, &["nginx"]).next().is_some();
    if !(own_tmp || image.name() == "nginx") || !runs || is_edited(container, &["nginx.conf", "temp_path"], cx) {
        return;
    }
    let documents = || container.servers.iter().filter_map(|&id| cx.project.nginx(id));
    let main = documents().find(|nginx| nginx.find("events").next().is_some() || nginx.find("http").next().is_some());
    let main_path = |target: &str| below("/etc/nginx/nginx.conf", target).is_some() && target != "/";
    let transfers = container.built.iter().flat_map(|built| &built.config.transfers);
    let replaced = container.mounts.iter().filter_map(|mount| mount.target.as_deref()).any(main_path)
        || transfers.into_iter().any(|transfer| main_path(&transfer.destination.value));
    // A main config that is not in sight says where things are.
    if main.is_none() && replaced {
        return;
    }
    let mut put = |path: &str, span: Span, file: bool| {
        if path.starts_with('/') && !path.contains('$') {
            let path = plain(path);
            let folder = if file { directory(&path).to_owned() } else { path };
            let folder = if folder.is_empty() { "/".to_owned() } else { folder };
            needs.push(Need { folder, program: "nginx", span });
        }
    };
    let flag = commands(container, &["nginx"]).find_map(|command| command.option(&["-g"]));
    let flag = flag.as_ref().and_then(|word| {
        let rest = word.text.as_str().split("pid ").nth(1)?;
        Some((rest.split(';').next()?.trim().to_owned(), word.text.span))
    });
    let pid =
        main.and_then(|main| main.find("pid").next()).and_then(|pid| Some((pid.argument(0)?.to_owned(), pid.span)));
    let place = main.and_then(|main| main.directives.first()).map_or(image.span, |first| first.span);
    if own_tmp && main.is_none() {
        put("/tmp", place, false);
    } else {
        let (pid, span) = flag.or(pid).unwrap_or_else(|| ("/run/nginx.pid".to_owned(), place));
        put(&pid, span, true);
        let visits = || documents().flat_map(|nginx| nginx.walk());
        for name in TEMPORARY {
            let moved: Vec<_> =
                visits().filter(|visit| visit.directive.is(name)).map(|visit| visit.directive).collect();
            match moved[..] {
                [] => put("/var/cache/nginx", place, false),
                _ => moved.iter().for_each(|it| put(it.argument(0).unwrap_or_default(), it.span, false)),
            }
        }
    }
    // The entrypoint makes configs of templates, and goes on without them where it cannot write.
    let templates = |target: &str| below(target, "/etc/nginx/templates").is_some();
    let template = container.mounts.iter().find(|mount| mount.target.as_deref().is_some_and(templates));
    let entrypoint = cx.project.service(container).is_some_and(|service| service.entrypoint.is_some());
    let moved = entrypoint || container.open_environment || container.env("NGINX_ENVSUBST_OUTPUT_DIR").is_some();
    if let Some(template) = template.filter(|_| !moved) {
        put("/etc/nginx/conf.d", template.span, false);
    }
    for visit in documents().flat_map(|nginx| nginx.walk()) {
        let directive = visit.directive;
        let value = directive.argument(0).unwrap_or_default();
        if directive.name.as_str().ends_with("_cache_path") {
            put(value, directive.span, false);
        }
        // The image links its usual logs to the standard streams.
        let usual =
            matches!(value, "/var/log/nginx/access.log" | "/var/log/nginx/error.log") || value.starts_with("/dev/");
        if matches!(directive.name.as_str(), "access_log" | "error_log") && !usual {
            put(value, directive.span, true);
        }
    }
}

/// What the entrypoints and the default configs of database images and of httpd write to.
fn of_image(container: &Container, cx: &Cx, needs: &mut Vec<Need>) {
    let Some(image) = container.image.as_ref().filter(|image| image.known) else { return };
    let service = cx.project.service(container);
    let entrypoint = service.is_some_and(|service| service.entrypoint.is_some());
    if entrypoint || container.built.as_ref().is_some_and(|built| built.config.entrypoint.is_some()) {
        return;
    }
    let (program, servers, folders, moved, configs): (_, &[&str], &[&str], &[&str], &[&str]) = match image
        .name()
        .as_str()
    {
        "postgres" | "postgis/postgis" | "pgvector/pgvector" => (
            "postgres",
            &["postgres"],
            &["/run/postgresql"],
            &["unix_socket", "-k", "config_file"],
            &["/etc/postgresql"],
        ),
        "mysql" | "mariadb" => (
            "mysqld",
            &["mysqld", "mariadbd"],
            &["/run/mysqld", "/tmp"],
            &["--socket", "--tmpdir", "--defaults"],
            &["/etc/mysql", "/etc/my.cnf", "/etc/my.cnf.d"],
        ),
        "mongo" => ("mongod", &["mongod"], &["/tmp"], &["unix", "--config", "-f"], &["/etc/mongod.conf", "/etc/mongo"]),
        "httpd" => (
            "httpd",
            &["httpd", "httpd-foreground"],
            &["/usr/local/apache2/logs"],
            &["-f", "-c", "-C"],
            &["/usr/local/apache2/conf"],
        ),
        _ => return,
    };
    let mut started = commands(container, servers).peekable();
    let runs = container.processes.is_empty() || started.peek().is_some();
    let set = |word: &str| moved.iter().any(|part| word.contains(part));
    let moved = started.any(|command| command.args.iter().any(|word| set(word.text.as_str())));
    if runs && !moved && !is_placed(container, configs) && !is_edited(container, &["conf", "sock", "PidFile"], cx) {
        needs.extend(folders.iter().map(|folder| Need { folder: (*folder).to_owned(), program, span: image.span }));
    }
}

/// Gunicorn's workers keep a file each that they touch; Python looks for a folder for it in `TMPDIR`, `/tmp`, `/var/tmp`,
/// `/usr/tmp` and the working directory (`tempfile.gettempdir`).
fn gunicorn(container: &Container, cx: &Cx, needs: &mut Vec<Need>) {
    let Some(command) = commands(container, &["gunicorn"]).next() else { return };
    let built = container.built.as_ref();
    let own = built.is_some_and(|built| {
        let file = if built.context.is_empty() { String::new() } else { format!("{}/", built.context) };
        cx.sources.exists(&format!("{file}gunicorn.conf.py"))
    });
    let variables = ["GUNICORN_CMD_ARGS", "TMPDIR", "TEMP", "TMP"];
    let service = cx.project.service(container);
    let workdir = service.and_then(|service| service.working_dir.as_ref()).map(|workdir| workdir.value.as_str());
    let workdir = workdir.or_else(|| Some(built?.config.workdir.as_ref()?.value.as_str()));
    if own
        || container.open_environment
        || command.has_flag(&["-c", "--config", "--worker-tmp-dir", "--chdir"])
        || variables.iter().any(|name| container.env(name).is_some())
        || ["/tmp", "/var/tmp", "/usr/tmp"].into_iter().chain(workdir).any(|folder| is_writable(container, folder))
        || workdir.is_none()
    {
        return;
    }
    needs.push(Need { folder: "/tmp".to_owned(), program: "gunicorn", span: command.span });
}
