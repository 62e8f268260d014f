//! The config files of servers whose formats are not parsed.

use super::{Landed, Landing, sources_of, workdir};
use crate::container::{ConfigFile, Container};
use crate::project::link::Linker;
use crate::project::path;
use crate::source::Kind;

/// Servers whose command lines name files that say who may connect, or that they go to the background.
const SERVERS: [&str; 11] = [
    "redis-server",
    "valkey-server",
    "keydb-server",
    "uwsgi",
    "gunicorn",
    "mongod",
    "mongos",
    "haproxy",
    "postgres",
    "mosquitto",
    "redis-stack-server",
];

/// Where servers look for their config by themselves, as their images set them up.
const DEFAULTS: [&str; 4] = [
    "/usr/share/elasticsearch/config/elasticsearch.yml",
    "/usr/share/opensearch/config/opensearch.yml",
    "/mosquitto/config/mosquitto.conf",
    "/var/lib/postgresql/data/pg_hba.conf",
];

/// Config files that are read for one container.
const MAX_FILES: usize = 64;

/// Reads the files of the repository that the programs of [`SERVERS`] name on their command lines, and those that
/// servers find by themselves.
pub(super) fn attach(linker: &mut Linker, container: &mut Container, landings: &[Landing]) {
    let workdir = workdir(linker, container);
    let mut named = Vec::new();
    let mut php = false;
    for command in container.processes.iter().flat_map(|process| &process.effective.commands) {
        php |= command.name.starts_with("php") && command.name.contains("fpm");
        if SERVERS.contains(&command.name.as_str()) && named.len() < MAX_FILES {
            let values = command.args.iter().map(|word| word.text.as_str());
            let values = values.map(|word| word.split_once('=').map_or(word, |(_, value)| value));
            named.extend(values.filter(|v| v.contains(['/', '.'])).map(|value| path::absolute(&workdir, value)));
        }
    }
    named.extend(DEFAULTS.iter().map(|path| (*path).to_owned()));
    named.sort();
    named.dedup();
    let mut found: Vec<(String, String)> = Vec::new();
    for inside in named {
        let file = sources_of(container, &inside).into_iter().find(|path| linker.sources.exists(path));
        found.extend(file.map(|file| (file, inside)));
    }
    let of_php = |landing: &&Landing| php && landing.inside.contains("fpm") && landing.inside.ends_with(".conf");
    found.extend(landings.iter().filter(of_php).filter_map(|landing| match &landing.what {
        Landed::File(file) => Some((file.clone(), landing.inside.clone())),
        Landed::Text(_) => None,
    }));
    for (file, inside) in found.into_iter().take(MAX_FILES) {
        if let Ok(file) = linker.sources.load(&file, Kind::Auxiliary, "config of a server") {
            container.configs.push(ConfigFile { inside, file });
        }
    }
}
