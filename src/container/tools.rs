//! What programs public images bring: a small table, compiled in.

use std::sync::LazyLock;

use super::image::Image;
use super::known::Table;

/// The programs that are told of: what health checks call.
pub const TOOLS: &[&str] = &[
    "bash",
    "curl",
    "dig",
    "grpc_health_probe",
    "healthcheck.sh",
    "jq",
    "mariadb-admin",
    "mongo",
    "mongosh",
    "mysql",
    "mysqladmin",
    "nc",
    "ncat",
    "netcat",
    "netstat",
    "node",
    "nslookup",
    "perl",
    "pg_isready",
    "pgrep",
    "php",
    "ping",
    "pkill",
    "ps",
    "psql",
    "python",
    "python3",
    "redis-cli",
    "ruby",
    "sh",
    "ss",
    "supervisorctl",
    "telnet",
    "valkey-cli",
    "wget",
];

/// Whether a program is in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// It is not.
    Missing,
    /// It cannot be told.
    Unknown,
}

/// What an image is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Debian: bash, and nothing that talks to a network.
    Debian,
    /// Ubuntu: the same.
    Ubuntu,
    /// Alpine: busybox.
    Alpine,
    /// busybox alone.
    Busybox,
    /// CentOS, Fedora and the like: curl comes with the package manager.
    Enterprise,
    /// No shell and no tools.
    Nothing,
}

/// What neither the minimal Debian nor any other family brings.
const EXTRA: &[&str] = &[
    "dig",
    "grpc_health_probe",
    "healthcheck.sh",
    "jq",
    "mariadb-admin",
    "mongo",
    "mongosh",
    "mysql",
    "mysqladmin",
    "ncat",
    "netcat",
    "node",
    "pg_isready",
    "php",
    "psql",
    "redis-cli",
    "ruby",
    "supervisorctl",
    "valkey-cli",
];

impl Family {
    fn presence(self, tool: &str) -> Presence {
        let (there, missing): (&[&str], &[&str]) = match self {
            Family::Nothing => return Presence::Missing,
            Family::Debian | Family::Ubuntu => (
                &["sh", "bash", "perl"],
                &["curl", "wget", "nc", "python", "python3", "netstat", "ss", "ping", "telnet", "nslookup"],
            ),
            Family::Alpine => (
                &["sh", "wget", "nc", "ps", "pgrep", "pkill", "netstat", "ping", "nslookup"],
                &["bash", "curl", "perl", "python", "python3", "ss", "telnet"],
            ),
            Family::Busybox => (
                &["sh", "wget", "nc", "ps", "pgrep", "pkill", "netstat", "ping", "nslookup", "telnet"],
                &["bash", "curl", "perl", "python", "python3", "ss"],
            ),
            Family::Enterprise => (&["sh", "bash", "curl"], &["wget", "nc", "telnet"]),
        };
        // Ubuntu's image has procps, Debian's has not.
        let processes = self == Family::Debian && matches!(tool, "ps" | "pgrep" | "pkill");
        if there.contains(&tool) {
            Presence::There
        } else if missing.contains(&tool) || EXTRA.contains(&tool) || processes {
            Presence::Missing
        } else {
            Presence::Unknown
        }
    }
}

/// A row of the table.
struct Row {
    family: Option<Family>,
    with: Vec<&'static str>,
    without: Vec<&'static str>,
}

static TABLE: LazyLock<Table<Row>> =
    LazyLock::new(|| Table::new(include_str!("image-tools.tsv").lines().filter_map(parse_row)));

/// The pattern of a row and what it says.
fn parse_row(line: &'static str) -> Option<(&'static str, Row)> {
    let mut columns = line.split('\t').filter(|_| !line.starts_with('#'));
    let (pattern, family) = (columns.next()?, columns.next()?);
    let mut list = || -> Option<Vec<&'static str>> {
        Some(columns.next()?.split(',').filter(|name| TOOLS.contains(name)).collect())
    };
    let family = match family {
        "debian" => Some(Family::Debian),
        "ubuntu" => Some(Family::Ubuntu),
        "alpine" => Some(Family::Alpine),
        "busybox" => Some(Family::Busybox),
        "enterprise" => Some(Family::Enterprise),
        "nothing" => Some(Family::Nothing),
        "-" => None,
        _ => return None,
    };
    Some((pattern, Row { family, with: list()?, without: list()? }))
}

/// Whether `image`, left as it is, has the program `tool`, which is one of [`TOOLS`].
pub fn presence(image: &Image, tool: &str) -> Presence {
    let Some(row) = Some(image).filter(|image| image.known).and_then(|image| TABLE.find(image)) else {
        return Presence::Unknown;
    };
    if row.with.contains(&tool) {
        Presence::There
    } else if row.without.contains(&tool) {
        Presence::Missing
    } else {
        row.family.map_or(Presence::Unknown, |family| family.presence(tool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::facet::Scope;
    use crate::container::image::{ImagePlace, split};
    use crate::source::{FileId, Span};

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("image-tools.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(TABLE.len(), rows);
        assert!(TOOLS.is_sorted());
    }

    #[test]
    fn images_bring_what_their_dockerfiles_say() {
        for (reference, tool, expected) in [
            ("python:3.13-slim", "curl", Presence::Missing),
            ("python:3.13", "curl", Presence::There),
            ("python:3.13-alpine", "wget", Presence::There),
            ("node:22-alpine3.20", "curl", Presence::Missing),
            ("nginx:1.27-alpine", "curl", Presence::There),
            ("nginx:1.27-alpine-slim", "curl", Presence::Missing),
            ("nginx:1.17", "curl", Presence::Unknown),
            ("nginx", "wget", Presence::Missing),
            ("mariadb:10.11", "mysqladmin", Presence::There),
            ("mariadb:11", "mysqladmin", Presence::Missing),
            ("mongo:7", "mongo", Presence::Missing),
            ("gcr.io/distroless/static-debian12", "sh", Presence::Missing),
            ("gcr.io/distroless/static:debug", "sh", Presence::Unknown),
            ("rockylinux:9", "curl", Presence::There),
            ("acme/app:alpine", "curl", Presence::Unknown),
        ] {
            let parts = split(reference);
            let image = Image {
                scope: Scope { document: 0, stage: None, container: None, path: Default::default() },
                place: ImagePlace::From,
                span: Span::at(FileId(0), 0),
                reference: reference.to_owned(),
                registry: parts.registry,
                repository: parts.repository,
                tag: parts.tag,
                digest: parts.digest,
                known: true,
                variable: false,
                built_here: false,
            };
            assert_eq!(presence(&image, tool), expected, "{reference} {tool}");
        }
    }
}
