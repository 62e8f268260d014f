//! Volumes of databases that do not hold the data.

use crate::container::{Container, Image, Mount};
use crate::finding::Confidence;
use crate::project::path::{absolute, below};
use crate::rules::Cx;
use crate::source::Span;
use crate::syntax::compose::MountKind;

/// Where an image keeps its data.
struct Kept {
    /// Absolute path.
    data: String,
    /// What moved it there, where something did.
    moved_by: Option<Span>,
    /// Where a volume belongs.
    belongs: String,
    /// The image's own VOLUMEs: one that nothing is mounted at becomes a volume without a name.
    volumes: Vec<String>,
    /// With a volume here it does not start.
    refuses: Option<&'static str>,
    /// The tag stands for whatever is newest.
    moving: bool,
}

/// A database whose data stays where it is whatever the version.
struct Store {
    image: &'static str,
    /// Start of the tags that it is so for; empty for all.
    tags: &'static str,
    /// Programs that serve.
    programs: &'static [&'static str],
    data: &'static str,
    /// The image's own VOLUMEs at or above the data.
    volume: Option<&'static str>,
    /// Flags that move the data.
    flags: &'static [&'static str],
}

const MYSQL: [&str; 3] = ["mysqld", "mariadbd", "docker-entrypoint.sh"];

/// From the Dockerfiles of the images (docker-library/*, ClickHouse, Elastic, Meilisearch, Qdrant).
#[rustfmt::skip]
const STORES: &[Store] = &[
    Store { image: "mysql", tags: "", programs: &MYSQL, data: "/var/lib/mysql", volume: Some("/var/lib/mysql"), flags: &["--datadir", "-h"] },
    Store { image: "mariadb", tags: "", programs: &MYSQL, data: "/var/lib/mysql", volume: Some("/var/lib/mysql"), flags: &["--datadir", "-h"] },
    Store { image: "percona", tags: "", programs: &MYSQL, data: "/var/lib/mysql", volume: Some("/var/lib/mysql"), flags: &["--datadir", "-h"] },
    Store { image: "mongo", tags: "", programs: &["mongod"], data: "/data/db", volume: Some("/data/db"), flags: &["--dbpath"] },
    Store { image: "redis", tags: "", programs: &["redis-server"], data: "/data", volume: Some("/data"), flags: &["--dir"] },
    Store { image: "valkey/valkey", tags: "", programs: &["valkey-server"], data: "/data", volume: Some("/data"), flags: &["--dir"] },
    Store { image: "influxdb", tags: "1", programs: &["influxd"], data: "/var/lib/influxdb", volume: Some("/var/lib/influxdb"), flags: &[] },
    Store { image: "influxdb", tags: "2", programs: &["influxd"], data: "/var/lib/influxdb2", volume: Some("/var/lib/influxdb2"), flags: &["--bolt-path", "--engine-path"] },
    Store { image: "cassandra", tags: "", programs: &["cassandra"], data: "/var/lib/cassandra/data", volume: Some("/var/lib/cassandra"), flags: &[] },
    Store { image: "couchdb", tags: "", programs: &["couchdb"], data: "/opt/couchdb/data", volume: Some("/opt/couchdb/data"), flags: &[] },
    Store { image: "clickhouse/clickhouse-server", tags: "", programs: &["clickhouse-server"], data: "/var/lib/clickhouse", volume: Some("/var/lib/clickhouse"), flags: &[] },
    Store { image: "elasticsearch", tags: "", programs: &["elasticsearch"], data: "/usr/share/elasticsearch/data", volume: None, flags: &[] },
    Store { image: "docker.elastic.co/elasticsearch/elasticsearch", tags: "", programs: &["elasticsearch"], data: "/usr/share/elasticsearch/data", volume: None, flags: &[] },
    Store { image: "qdrant/qdrant", tags: "", programs: &["qdrant"], data: "/qdrant/storage", volume: None, flags: &[] },
    Store { image: "mcr.microsoft.com/mssql/server", tags: "", programs: &["sqlservr"], data: "/var/opt/mssql/data", volume: None, flags: &[] },
];

/// Parts of paths that hold something else than the data.
const OTHER: &[&str] = &[
    "archive",
    "backup",
    "certificates",
    "certs",
    "cnf",
    "conf",
    "config",
    "csv",
    "dictionar",
    "dump",
    "entrypoint",
    "etc",
    "export",
    "extension",
    "home",
    "import",
    "init",
    "initdb",
    "keys",
    "log",
    "migration",
    "mnt",
    "module",
    "plugin",
    "restore",
    "run",
    "script",
    "secret",
    "seed",
    "shared",
    "snapshot",
    "socket",
    "source",
    "sql",
    "ssl",
    "sync",
    "template",
    "tls",
    "tmp",
    "wal",
    "workspace",
];

/// Whether a part of a path names something else than the data: a long word anywhere in it, a short one as its start.
fn is_other(part: &str) -> bool {
    OTHER.iter().any(|word| match word.len() {
        0..5 => {
            part.strip_prefix(word).is_some_and(|rest| matches!(rest, "" | "s") || rest.starts_with(['-', '_', '.']))
        }
        _ => part.contains(word),
    })
}

pub(in crate::rules) fn database_volume_wrong_path(container: &Container, cx: &mut Cx) {
    let unresolved = |mount: &Mount| mount.target.as_deref().is_none_or(|target| target.contains('$'));
    if container.mounts.is_empty() || container.partial || container.mounts.iter().any(unresolved) {
        return;
    }
    let Some(service) = cx.project.service(container) else { return };
    if service.entrypoint.is_some() || !service.uncommon.volumes_from.is_empty() || is_configured(container) {
        return;
    }
    let Some((image, kept)) = container.image.as_ref().and_then(|image| Some((image, kept(image, container)?))) else {
        return;
    };
    // The deepest of what lies at or above the data holds it.
    let above = |path: &str| below(&kept.data, path).map(|_| path.trim_end_matches('/').len());
    let mounted = container.mounts.iter().filter_map(|mount| above(mount.target.as_deref()?)).max();
    let built = container.built.iter().flat_map(|built| &built.config.volumes);
    let own = kept.volumes.iter().map(String::as_str).chain(built.map(|volume| volume.value.as_str()));
    let own = own.filter_map(above).max();
    if mounted.is_some_and(|mounted| own.is_none_or(|own| own <= mounted)) {
        return;
    }
    // A part of the data has a volume of its own: what is left out of it may be meant to be.
    let parts = container.mounts.iter().filter_map(|mount| mount.target.as_deref());
    if parts.into_iter().any(|target| below(target, &kept.data).is_some()) {
        return;
    }
    let Some(mount) = container.mounts.iter().find(|mount| is_for_data(mount)) else { return };
    let Some(target) = mount.target.as_deref() else { return };
    let refuses = kept.refuses == Some(target);
    let (reference, name, data) = (&image.reference, &container.name, &kept.data);
    let end = if refuses {
        "and refuses to start with a volume here"
    } else if own.is_some() {
        "which becomes an anonymous volume"
    } else {
        "which is lost with the container"
    };
    let message = format!(
        "the volume at `{target}` does not hold the data of `{name}`: `{reference}` keeps it in `{data}`, {end}"
    );
    let finding = cx.report(mount.span, message);
    finding.help(format!("mount it at `{}`, after moving what is in the volume already", kept.belongs));
    finding.evidence(target);
    if kept.moving {
        finding.confidence(Confidence::Likely);
    }
    match kept.moved_by {
        Some(span) => finding.related(span, format!("this puts the data into `{data}`")),
        None => finding.related(image.span, format!("this version keeps its data in `{data}`")),
    };
}

/// Whether a config that may move the data is mounted.
fn is_configured(container: &Container) -> bool {
    container.mounts.iter().filter_map(|mount| mount.target.as_deref()).any(|target| {
        let clock = matches!(target, "/etc/localtime" | "/etc/timezone");
        target.starts_with("/etc/") && !clock
            || target.starts_with("/usr/local/etc")
            || [".conf", ".cnf", ".yml", ".yaml", ".ini", ".xml"].iter().any(|end| target.ends_with(end))
    })
}

/// Whether a mount is there to keep data.
fn is_for_data(mount: &Mount) -> bool {
    let (Some(target), Some(_)) = (mount.target.as_deref(), &mount.source) else { return false };
    let other = target.split('/').any(is_other);
    let data = || target.contains("data") || target.starts_with("/var/lib/") || target.contains("storage");
    let kind = match mount.kind {
        MountKind::Volume => true,
        MountKind::Bind => data() && !target.rsplit('/').next().is_some_and(|name| name.contains('.')),
        _ => false,
    };
    kind && !other && !mount.read_only
}

/// Where the image of a container keeps its data, where it serves and that is certain.
fn kept(image: &Image, container: &Container) -> Option<Kept> {
    if !image.known || image.digest.is_some() && image.tag.is_none() {
        return None;
    }
    let name = image.name();
    let tag = image.tag.as_deref().unwrap_or("latest");
    if matches!(
        name.as_str(),
        "postgres" | "postgis/postgis" | "pgvector/pgvector" | "timescale/timescaledb" | "timescale/timescaledb-ha"
    ) {
        return postgres(&name, tag, container);
    }
    let store = STORES.iter().find(|store| store.image == name && tag.starts_with(store.tags))?;
    let moved = serves(container, store.programs, store.flags)?;
    let moved_by = moved.as_ref().map(|(_, span)| *span);
    let data = moved.map_or_else(|| store.data.to_owned(), |(data, _)| data);
    let volumes = store.volume.iter().map(|volume| (*volume).to_owned()).collect();
    Some(Kept { belongs: data.clone(), data, moved_by, volumes, refuses: None, moving: false })
}

/// `Some` where a container runs one of the programs as its image does; with the value of a flag that moves the data.
fn serves(container: &Container, programs: &[&str], flags: &[&str]) -> Option<Option<(String, Span)>> {
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands).peekable();
    if commands.peek().is_none() {
        let own = container.built.as_ref().is_some_and(|built| built.config.entrypoint.is_some());
        return (!own).then_some(None);
    }
    let command = commands.find(|command| programs.contains(&command.name.as_str()))?;
    let configured = command.args.iter().any(|word| {
        let word = word.text.as_str();
        ["config", "defaults-", "data_directory", ".conf"].iter().any(|part| word.contains(part))
    });
    if configured {
        return None;
    }
    match command.option(flags) {
        Some(word) if word.literal && word.text.as_str().starts_with('/') => {
            Some(Some((absolute("/", word.text.as_str()), word.text.span)))
        }
        Some(_) => None,
        None => Some(None),
    }
}

/// PostgreSQL: up to 17 the data is in `/var/lib/postgresql/data`, which is the VOLUME; from 18 on in a folder of the version
/// below `/var/lib/postgresql`, which is the VOLUME then (docker-library/postgres#1259).
fn postgres(name: &str, tag: &str, container: &Container) -> Option<Kept> {
    let leading = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        text[..digits].parse::<u32>().ok()
    };
    let moving = name == "postgres" && leading(tag).is_none() && !tag.contains("pg");
    let version = match name {
        "postgres" | "postgis/postgis" => leading(tag),
        _ => tag.rfind("pg").and_then(|at| leading(&tag[at + 2..])),
    };
    let version = match version {
        Some(version) => version,
        // 18 was the newest for a year; those after it do the same.
        None if moving && is_plain(tag) => 18,
        None => return None,
    };
    let moved = serves(container, &["postgres"], &["-D"])?;
    let variable = container.env("PGDATA");
    if variable.is_some_and(|env| !env.known) || container.open_environment {
        return None;
    }
    let variable = variable.and_then(|env| Some((absolute("/", &env.value.as_ref()?.value), env.span)));
    let (home, own, belongs) = match name {
        "timescale/timescaledb-ha" => ("/home/postgres/pgdata/data".to_owned(), None, "/home/postgres/pgdata"),
        _ if version >= 18 => {
            let data = format!("/var/lib/postgresql/{version}/docker");
            (data, Some("/var/lib/postgresql"), "/var/lib/postgresql")
        }
        _ => {
            let data = "/var/lib/postgresql/data";
            (data.to_owned(), Some(data), data)
        }
    };
    let moved = moved.or(variable).filter(|(data, _)| *data != home);
    let refuses = (version >= 18 && moved.is_none() && own.is_some()).then_some("/var/lib/postgresql/data");
    let moved_by = moved.as_ref().map(|(_, span)| *span);
    let belongs = moved.as_ref().map_or_else(|| belongs.to_owned(), |(data, _)| data.clone());
    let data = moved.map_or(home, |(data, _)| data);
    let volumes = own.iter().map(|volume| (*volume).to_owned()).collect();
    Some(Kept { data, moved_by, belongs, volumes, refuses, moving })
}

/// Whether a tag stands for the newest version, on whatever distribution.
fn is_plain(tag: &str) -> bool {
    ["latest", "alpine", "bookworm", "trixie"].iter().any(|start| tag.starts_with(start))
}
