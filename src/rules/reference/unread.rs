//! Configs that are put where the server does not look for them.

use crate::container::{Container, Fact};
use crate::project::path;
use crate::rules::Cx;
use crate::source::Span;
use crate::syntax::compose::MountKind;
use crate::syntax::dockerfile::Origin;

/// A server of public images, and where it reads its config.
struct Server {
    /// Names of the images.
    images: &'static [&'static str],
    /// Name of the config, as repositories call it.
    config: &'static str,
    /// Where it is read from by itself: files, and folders with a `/` behind them.
    reads: &'static [&'static str],
    /// How it is told of another path.
    told: &'static str,
}

/// From the images' Dockerfiles and the servers' manuals.
const SERVERS: &[Server] = &[
    Server { images: &["redis"], config: "redis.conf", reads: &[], told: "command: redis-server PATH" },
    Server { images: &["valkey/valkey"], config: "valkey.conf", reads: &[], told: "command: valkey-server PATH" },
    Server {
        images: &["postgres", "postgis/postgis", "pgvector/pgvector", "timescale/timescaledb"],
        config: "postgresql.conf",
        reads: &["/var/lib/postgresql/"],
        told: "command: -c config_file=PATH",
    },
    Server {
        images: &["postgres", "postgis/postgis", "pgvector/pgvector", "timescale/timescaledb"],
        config: "pg_hba.conf",
        reads: &["/var/lib/postgresql/"],
        told: "command: -c hba_file=PATH",
    },
    Server {
        images: &["mysql", "mariadb", "percona"],
        config: "my.cnf",
        reads: &["/etc/my.cnf", "/etc/mysql/", "/etc/my.cnf.d/", "/root/.my.cnf"],
        told: "command: --defaults-file=PATH",
    },
    Server { images: &["mongo"], config: "mongod.conf", reads: &[], told: "command: --config PATH" },
    Server {
        images: &["nginx", "nginxinc/nginx-unprivileged"],
        config: "nginx.conf",
        reads: &["/etc/nginx/"],
        told: "command: nginx -c PATH -g 'daemon off;'",
    },
    Server {
        images: &["haproxy"],
        config: "haproxy.cfg",
        reads: &["/usr/local/etc/haproxy/"],
        told: "command: haproxy -f PATH",
    },
    Server {
        images: &["rabbitmq"],
        config: "rabbitmq.conf",
        reads: &["/etc/rabbitmq/"],
        told: "`RABBITMQ_CONFIG_FILE`",
    },
    Server {
        images: &["eclipse-mosquitto"],
        config: "mosquitto.conf",
        reads: &["/mosquitto/config/mosquitto.conf"],
        told: "command: mosquitto -c PATH",
    },
    Server {
        images: &["prom/prometheus"],
        config: "prometheus.yml",
        reads: &["/etc/prometheus/prometheus.yml"],
        told: "command: --config.file=PATH",
    },
    Server {
        images: &["caddy"],
        config: "Caddyfile",
        reads: &["/etc/caddy/"],
        told: "command: caddy run --config PATH",
    },
];

/// The paths at which supervisord looks for its config when it is told none, its folders among them.
const SUPERVISOR: &[&str] = &[
    "/etc/supervisord.conf",
    "/etc/supervisor.conf",
    "/usr/local/etc/supervisord.conf",
    "/etc/supervisor/",
    "/etc/supervisord/",
    "/etc/supervisor.d/",
    "/etc/supervisord.d/",
];

pub(in crate::rules) fn config_never_loaded(container: &Container, cx: &mut Cx) {
    if container.partial {
        return;
    }
    let placed = placed(container);
    if placed.is_empty() {
        return;
    }
    let image = container.image.as_ref().filter(|image| image.known).map(|image| image.name());
    for (span, inside) in placed {
        let name = path::file_name(&inside);
        if let Some(server) = image
            .as_deref()
            .and_then(|image| SERVERS.iter().find(|server| server.config == name && server.images.contains(&image)))
        {
            if !server.reads.iter().any(|place| is_at(&inside, place)) && !is_named(container, &inside, cx) {
                let program = server.images[0].rsplit('/').next().unwrap_or_default();
                report(span, container, &inside, program, &server.told.replace("PATH", &inside), cx);
            }
        } else if name == "supervisord.conf" && starts_supervisor(container) {
            let home = container.built.as_ref().and_then(|built| built.config.workdir.as_ref());
            let home = home.map_or("/", |workdir| workdir.value.as_str());
            let beside = [path::absolute(home, "supervisord.conf"), path::absolute(home, "etc/supervisord.conf")];
            let read = SUPERVISOR.iter().any(|place| is_at(&inside, place)) || beside.contains(&inside);
            if !read && !is_named(container, &inside, cx) {
                report(span, container, &inside, "supervisord", &format!("supervisord -c {inside}"), cx);
            }
        }
    }
}

fn report(span: Span, container: &Container, inside: &str, program: &str, told: &str, cx: &mut Cx) {
    let message = format!("`{program}` in `{}` does not read `{inside}`: its settings have no effect", container.name);
    let finding = cx.report(span, message);
    finding.help(format!("name it (`{told}`), or put it where the image reads it")).evidence(inside);
    if let Some(process) = container.processes.first() {
        finding.link(span, "the config is put here").link(process.span, "this starts the server without it");
    }
}

/// Whether a path is a place, or below it when that is a folder.
fn is_at(inside: &str, place: &str) -> bool {
    match place.strip_suffix('/') {
        Some(folder) => path::below(inside, folder).is_some(),
        None => inside == place,
    }
}

/// The files of the repository that mounts and COPY put under names of their own: where that is said, and where they are.
fn placed(container: &Container) -> Vec<(Span, String)> {
    let mounts =
        container.mounts.iter().filter(|mount| mount.kind == MountKind::Bind && mount.repository_path.is_some());
    let mut placed: Vec<(Span, String)> =
        mounts.filter_map(|mount| Some((mount.span, mount.target.clone()?))).collect();
    let transfers = container.built.iter().flat_map(|built| &built.config.transfers);
    for transfer in transfers.filter(|transfer| transfer.origin == Origin::Context) {
        let destination = &transfer.destination;
        for source in transfer.sources.iter().filter(|source| source.unresolved().is_empty()) {
            let name = path::file_name(source.value.trim_end_matches('/'));
            let folder = destination.value.ends_with('/') || transfer.sources.len() > 1;
            let inside = if folder { path::absolute(&destination.value, name) } else { destination.value.clone() };
            if destination.unresolved().is_empty() && name.contains(['.', 'C']) {
                placed.push((destination.span, inside));
            }
        }
    }
    placed
}

/// Whether supervisord is started, for all that can be seen.
fn starts_supervisor(container: &Container) -> bool {
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    commands.any(|command| command.name == "supervisord")
}

/// Whether something names the file: a command, a variable, an instruction, a link in the Dockerfile. What cannot be read may
/// do so, too.
fn is_named(container: &Container, inside: &str, cx: &Cx) -> bool {
    let (folder, name) = (path::directory(inside), path::file_name(inside));
    let hidden = container.processes.iter().any(|process| {
        let unread = |command: &crate::command::Simple| {
            command.is_script() && !container.scripts_at(command.span).any(|script| script.span == command.span)
        };
        process.effective.commands.iter().any(unread)
    });
    let entry = |text: &str| {
        text.contains(inside)
            || text.contains(name) && !text.contains("COPY")
            || text.contains(folder) && folder.len() > 4
    };
    let words = container.processes.iter().any(|process| {
        process.effective.commands.iter().any(|command| entry(cx.text(command.span)))
            || process.effective.commands.iter().flat_map(|command| &command.args).any(|word| entry(word.text.as_str()))
    });
    let service = cx.project.service(container);
    let invoked = [service.and_then(|it| it.command.as_ref()), service.and_then(|it| it.entrypoint.as_ref())];
    let invoked = invoked.into_iter().flatten().any(|invocation| entry(cx.text(invocation.span)));
    let variables = container
        .env
        .iter()
        .filter_map(|env| env.value.as_ref())
        .any(|value| value.value.contains(folder) && folder.len() > 1);
    let copied = |span: Span| cx.text(span).contains(inside);
    let built = container.built.as_ref().and_then(|built| Some((built, cx.project.dockerfile(built.document)?)));
    let instructions = built.is_some_and(|(built, dockerfile)| {
        built.config.chain.iter().filter_map(|&stage| dockerfile.stages.get(stage)).any(|stage| {
            let body = stage.body.clone().filter_map(|at| dockerfile.effective(at));
            body.filter(|it| {
                !matches!(it.kind, crate::syntax::dockerfile::Kind::Copy(_) | crate::syntax::dockerfile::Kind::Add(_))
            })
            .any(|it| copied(it.span) || cx.text(it.span).contains(name))
        })
    });
    let unknown = matches!(container.user, Fact::Unknown(crate::container::Why::MissingDockerfile));
    hidden || words || invoked || variables || instructions || unknown
}
