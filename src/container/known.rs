//! What public images are known to do: a small table, compiled in.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::image::Image;

/// What is known of a public image.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownImage {
    /// Repository, with its registry unless that is Docker Hub, and sometimes a tag; `*` stands for anything.
    pub pattern: &'static str,
    /// The account that the first process starts as.
    pub user: &'static str,
    /// Root is given up by the entrypoint, or the workers run under an account of their own.
    pub drops_root: bool,
    /// What the image is for.
    pub role: Role,
    /// The ports that it listens on.
    pub ports: Vec<u16>,
    /// Where it keeps its data.
    pub data: Option<&'static str>,
    /// Whether it asks who connects.
    pub auth: Auth,
    /// It brings a HEALTHCHECK.
    pub healthcheck: bool,
}

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A distribution, or less.
    Base,
    /// A language runtime.
    Runtime,
    /// A database, search engine or object store.
    Database,
    /// A cache.
    Cache,
    /// A message broker or a part of one.
    Broker,
    /// An administration or monitoring interface.
    Admin,
    /// Something that is meant to face the outside: a web server, a reverse proxy.
    Edge,
    /// A container engine.
    Engine,
    /// Some other application.
    App,
}

/// Whether an image asks who connects, left as it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Auth {
    /// It asks, or refuses to start.
    Closed,
    /// It lets everyone in unless one of these variables is set; none of them helps when the list is empty.
    Open {
        /// Names of the variables.
        unless: Vec<&'static str>,
    },
}

/// Every row, in the order of the table: the first that matches counts.
static TABLE: LazyLock<Table<KnownImage>> = LazyLock::new(|| {
    let rows = include_str!("known-images.tsv").lines().filter_map(parse_row);
    Table::new(rows.map(|row| (row.pattern, row)))
});

fn parse_row(line: &'static str) -> Option<KnownImage> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    let (pattern, user, drops, role) = (next()?, next()?, next()?, next()?);
    let (ports, data, auth, health) = (next()?, next()?, next()?, next()?);
    let role = match role {
        "base" => Role::Base,
        "runtime" => Role::Runtime,
        "database" => Role::Database,
        "cache" => Role::Cache,
        "broker" => Role::Broker,
        "admin" => Role::Admin,
        "edge" => Role::Edge,
        "engine" => Role::Engine,
        "app" => Role::App,
        _ => return None,
    };
    let auth = match auth.split_once(' ') {
        _ if auth == "open" => Auth::Open { unless: Vec::new() },
        Some(("open-unless", names)) => Auth::Open { unless: names.split(' ').collect() },
        _ => Auth::Closed,
    };
    Some(KnownImage {
        pattern,
        user,
        drops_root: drops == "yes",
        role,
        ports: ports.split(',').filter_map(|port| port.parse().ok()).collect(),
        data: Some(data).filter(|data| *data != "-"),
        auth,
        healthcheck: health == "yes",
    })
}

/// What is known of the image that a reference names, whoever built it.
pub fn lookup(image: &Image) -> Option<&'static KnownImage> {
    TABLE.find(image)
}

/// Rows by patterns of image names, of which the first that an image fits counts. A pattern is a name, or a name and a
/// tag; `*` stands for anything.
pub(super) struct Table<T> {
    /// The pattern of the tag, and the row.
    rows: Vec<(Option<&'static str>, T)>,
    /// The rows whose name holds no `*`, in their order.
    by_name: HashMap<&'static str, Vec<usize>>,
    /// The patterns of the names of the other rows, in their order.
    wild: Vec<(&'static str, usize)>,
}

impl<T> Table<T> {
    pub(super) fn new(rows: impl Iterator<Item = (&'static str, T)>) -> Self {
        let mut table = Table { rows: Vec::new(), by_name: HashMap::new(), wild: Vec::new() };
        for (pattern, row) in rows {
            // A colon behind the last slash separates a tag pattern.
            let split = pattern.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
            let (name, tag) = split.map_or((pattern, None), |(name, tag)| (name, Some(tag)));
            let index = table.rows.len();
            match name.contains('*') {
                true => table.wild.push((name, index)),
                false => table.by_name.entry(name).or_default().push(index),
            }
            table.rows.push((tag, row));
        }
        table
    }

    /// Number of rows.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The first row that the image fits.
    pub(super) fn find(&self, image: &Image) -> Option<&T> {
        let name = image.name();
        let tag = image.tag.as_deref().unwrap_or("latest");
        let fits = |index: &usize| self.rows[*index].0.is_none_or(|pattern| matches(pattern, tag));
        let named = self.by_name.get(name.as_str()).into_iter().flatten().copied().find(fits);
        let mut wild = self.wild.iter().take_while(|(_, index)| named.is_none_or(|named| *index < named));
        let wild = wild.find(|(pattern, index)| matches(pattern, &name) && fits(index)).map(|(_, index)| *index);
        wild.or(named).map(|index| &self.rows[index].1)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut open = false;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        open = true;
        if parts.peek().is_none() {
            return part.is_empty() || rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    open || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("known-images.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(TABLE.len(), rows);
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("redis", "redis", true),
            ("redis", "redis-stack", false),
            ("bitnami/*", "bitnami/redis", true),
            ("*dind*", "27-dind-rootless", true),
            ("*apache*", "8.3-fpm", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
