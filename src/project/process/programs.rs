//! The programs that the entrypoints of public images put in front of their command.

use crate::container::Image;

/// When an entrypoint adds its program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// In front of a command that begins with a flag (the official images' `docker-entrypoint.sh`).
    Flag,
    /// In front of every command: the entrypoint is the program, or knows its subcommands.
    Always,
}

/// Names of images, and what their entrypoint starts (from their Dockerfiles and entrypoint scripts).
const PROGRAMS: &[(&str, &str, When)] = &[
    ("cockroachdb/cockroach", "cockroach", When::Always),
    ("codercom/code-server", "code-server", When::Flag),
    ("eqalpha/keydb", "keydb-server", When::Flag),
    ("filebrowser/filebrowser", "filebrowser", When::Flag),
    ("haproxy", "haproxy", When::Flag),
    ("hashicorp/vault", "vault", When::Always),
    ("mariadb", "mariadbd", When::Flag),
    ("memcached", "memcached", When::Flag),
    ("mongo", "mongod", When::Flag),
    ("mysql", "mysqld", When::Flag),
    ("mysql/mysql-server", "mysqld", When::Flag),
    ("nats", "nats-server", When::Flag),
    ("percona", "mysqld", When::Flag),
    ("pgvector/pgvector", "postgres", When::Flag),
    ("postgis/postgis", "postgres", When::Flag),
    ("postgres", "postgres", When::Flag),
    ("redis", "redis-server", When::Flag),
    ("surrealdb/surrealdb", "surreal", When::Always),
    ("timescale/timescaledb", "postgres", When::Flag),
    ("traefik", "traefik", When::Flag),
    ("valkey/valkey", "valkey-server", When::Flag),
    ("vault", "vault", When::Always),
];

/// The program that the entrypoint of `image` puts in front of a command whose first word is `first`.
pub(super) fn in_front(image: &Image, first: &str) -> Option<&'static str> {
    let flag = first.starts_with('-');
    if flag && image.repository == "docker" && image.tag.as_deref().is_some_and(|tag| tag.contains("dind")) {
        return Some("dockerd");
    }
    let name = image.name();
    let (_, program, when) = PROGRAMS.iter().find(|(known, ..)| *known == name)?;
    let named = first.rsplit('/').next() == Some(*program);
    let shell = matches!(first, "sh" | "bash" | "/bin/sh" | "/bin/bash");
    // Redis and Valkey take a config file alone, too.
    let config = program.ends_with("-server") && first.ends_with(".conf");
    (flag || config || *when == When::Always && !named && !shell).then_some(*program)
}
