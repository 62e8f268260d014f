//! When the support of a product's release ends (endoflife.date, MIT; the snapshot's date stands in the table).

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use jiff::civil::Date;

/// A release line of a product.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Product name as endoflife.date has it (`nodejs`).
    pub product: &'static str,
    /// Release line (`20`, `3.11`).
    pub cycle: &'static str,
    /// When support of any kind that the image gets ends: the extended one where the project itself gives it. The last
    /// day of the calendar where no end is known yet.
    pub ends: Date,
}

/// A release line and its code name.
type Release = (Cycle, &'static str);

/// The lines of a product in the table, which are read when it is asked for: a scan needs few of them.
struct Product {
    lines: &'static str,
    releases: OnceLock<Vec<Release>>,
}

/// The products by name. The lines of one stand together.
static TABLE: LazyLock<HashMap<&'static str, Product>> = LazyLock::new(|| {
    let mut rest = include_str!("eol.tsv");
    let mut table = HashMap::with_capacity(256);
    while let Some((product, _)) = rest.split_once('\t') {
        // The comments in front of the first line.
        if let Some((_, below)) = rest.split_once('\n').filter(|_| rest.starts_with('#')) {
            rest = below;
            continue;
        }
        let mut end = 0;
        while rest[end..].strip_prefix(product).is_some_and(|behind| behind.starts_with('\t')) {
            end = memchr::memchr(b'\n', &rest.as_bytes()[end..]).map_or(rest.len(), |length| end + length + 1);
        }
        let lines;
        (lines, rest) = rest.split_at(end);
        table.insert(product, Product { lines, releases: OnceLock::new() });
    }
    table
});

/// The release lines of a product. One that ended on an unknown day is left out.
fn releases(product: &str) -> Option<&'static [Release]> {
    let product = TABLE.get(product)?;
    Some(product.releases.get_or_init(|| product.lines.lines().filter_map(release).collect()))
}

fn release(line: &'static str) -> Option<Release> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    let (product, cycle, codename, end, extended) = (next()?, next()?, next()?, next()?, next()?);
    // Debian's long-term support is run by the project and reaches the images' users; other vendors sell theirs.
    let end = if product == "debian" && !extended.is_empty() { extended } else { end };
    // `False`: supported, and no end is known. `True`: ended, nobody knows when.
    let ends = if end == "False" { Date::MAX } else { end.parse().unwrap_or(Date::MIN) };
    let codename = codename.split(' ').next().unwrap_or_default();
    (ends != Date::MIN).then_some((Cycle { product, cycle, ends }, codename))
}

/// The day of the table's snapshot, from its first line: no release of a later day is in it.
static SNAPSHOT: LazyLock<Date> = LazyLock::new(|| {
    let first = include_str!("eol.tsv").lines().next().unwrap_or_default();
    let mut words = first.split([' ', ';']).skip_while(|word| *word != "snapshot");
    words.find_map(|word| word.parse().ok()).unwrap_or(Date::MIN)
});

/// Image names ([`Image::name`](super::Image::name)) and the products that their tags name.
const PRODUCTS: &[(&str, &str)] = &[
    ("alpine", "alpine-linux"),
    ("almalinux", "almalinux"),
    ("amazoncorretto", "amazon-corretto"),
    ("amazonlinux", "amazon-linux"),
    ("bitnami/elasticsearch", "elasticsearch"),
    ("bitnami/mariadb", "mariadb"),
    ("bitnami/mongodb", "mongodb"),
    ("bitnami/mysql", "mysql"),
    ("bitnami/nginx", "nginx"),
    ("bitnami/node", "nodejs"),
    ("bitnami/postgresql", "postgresql"),
    ("bitnami/rabbitmq", "rabbitmq"),
    ("bitnami/redis", "redis"),
    ("cassandra", "apache-cassandra"),
    ("centos", "centos"),
    ("clickhouse/clickhouse-server", "clickhouse"),
    ("composer", "composer"),
    ("consul", "consul"),
    ("couchdb", "apache-couchdb"),
    ("debian", "debian"),
    ("drupal", "drupal"),
    ("eclipse-temurin", "eclipse-temurin"),
    ("elasticsearch", "elasticsearch"),
    ("elixir", "elixir"),
    ("envoyproxy/envoy", "envoy"),
    ("erlang", "erlang"),
    ("fedora", "fedora"),
    ("gitlab/gitlab-ce", "gitlab"),
    ("gitlab/gitlab-ee", "gitlab"),
    ("golang", "go"),
    ("grafana/grafana", "grafana"),
    ("haproxy", "haproxy"),
    ("hashicorp/consul", "consul"),
    ("hashicorp/vault", "hashicorp-vault"),
    ("httpd", "apache-http-server"),
    ("influxdb", "influxdb"),
    ("jboss/keycloak", "keycloak"),
    ("kibana", "kibana"),
    ("logstash", "logstash"),
    ("mariadb", "mariadb"),
    ("mcr.microsoft.com/dotnet/aspnet", "dotnet"),
    ("mcr.microsoft.com/dotnet/core/aspnet", "dotnet"),
    ("mcr.microsoft.com/dotnet/core/runtime", "dotnet"),
    ("mcr.microsoft.com/dotnet/core/sdk", "dotnet"),
    ("mcr.microsoft.com/dotnet/runtime", "dotnet"),
    ("mcr.microsoft.com/dotnet/runtime-deps", "dotnet"),
    ("mcr.microsoft.com/dotnet/sdk", "dotnet"),
    ("memcached", "memcached"),
    ("mongo", "mongodb"),
    ("mysql", "mysql"),
    ("neo4j", "neo4j"),
    ("nextcloud", "nextcloud"),
    ("nginx", "nginx"),
    ("node", "nodejs"),
    ("opensearchproject/opensearch", "opensearch"),
    ("oraclelinux", "oracle-linux"),
    ("perl", "perl"),
    ("photon", "vmware-photon"),
    ("php", "php"),
    ("phpmyadmin", "phpmyadmin"),
    ("postgres", "postgresql"),
    ("postgis/postgis", "postgresql"),
    ("prom/prometheus", "prometheus"),
    ("python", "python"),
    ("quay.io/keycloak/keycloak", "keycloak"),
    ("quay.io/prometheus/prometheus", "prometheus"),
    ("rabbitmq", "rabbitmq"),
    ("redis", "redis"),
    ("rockylinux", "rocky-linux"),
    ("ruby", "ruby"),
    ("solr", "solr"),
    ("telegraf", "telegraf"),
    ("tomcat", "tomcat"),
    ("traefik", "traefik"),
    ("ubuntu", "ubuntu"),
    ("valkey/valkey", "valkey"),
    ("vault", "hashicorp-vault"),
    ("zookeeper", "zookeeper"),
];

/// Debian and Ubuntu code names stand in the tags of many images.
const DISTRIBUTIONS: [&str; 2] = ["debian", "ubuntu"];

/// Registries that serve Docker Hub's official images, with the path that these have there.
const MIRRORS: [&str; 3] = ["public.ecr.aws/docker/library/", "mirror.gcr.io/library/", "mirror.gcr.io/"];

/// Docker Hub's accounts with the official images for one architecture.
const ARCHITECTURES: [&str; 8] =
    ["amd64/", "arm32v5/", "arm32v6/", "arm32v7/", "arm64v8/", "i386/", "ppc64le/", "s390x/"];

/// The release lines that an image's name and tag stand for: that of the product itself, and that of the distribution
/// whose code name (`bullseye`) or version (`alpine3.16`) the tag holds.
pub fn cycles(name: &str, tag: &str) -> Vec<&'static Cycle> {
    let mut found = Vec::new();
    if let Some(product) = product(name) {
        found.extend(line(product, tag.split('-').next().unwrap_or_default()));
    }
    if let Some((_, version)) = name.strip_prefix("gcr.io/distroless/").and_then(|name| name.rsplit_once("-debian")) {
        found.extend(line("debian", version));
    }
    // ROS has releases that are called like Ubuntu's.
    let distributions = if name.ends_with("ros") { &[][..] } else { &DISTRIBUTIONS };
    for part in tag.split('-') {
        for distribution in distributions {
            found.extend(by_codename(distribution, part));
        }
        if let Some(version) = part.strip_prefix("alpine").filter(|version| !version.is_empty()) {
            found.extend(line("alpine-linux", version));
        }
    }
    found.dedup();
    found
}

/// The release line of an image's product whose support ends last, for a tag that names none; only where it had ended
/// when the table was made, since newer ones may have come since.
pub fn last_cycle(name: &str) -> Option<&'static Cycle> {
    last(product(name)?, "").filter(|cycle| cycle.ends < *SNAPSHOT)
}

/// The product that an image's name stands for.
fn product(name: &str) -> Option<&'static str> {
    let name = MIRRORS.iter().find_map(|mirror| name.strip_prefix(mirror)).unwrap_or(name);
    let name = ARCHITECTURES.iter().find_map(|account| name.strip_prefix(account)).unwrap_or(name);
    PRODUCTS.iter().find(|(known, _)| *known == name).map(|(_, product)| *product)
}

/// The release line that a version belongs to. A version that stands for several is left out where one that came after
/// the table may be meant.
fn line(product: &str, version: &str) -> Option<&'static Cycle> {
    let (cycle, exact) = by_version(product, version)?;
    (exact || cycle.ends < *SNAPSHOT).then_some(cycle)
}

/// The release line that a version belongs to: the longest run of its leading parts that is one, and true. Where there is
/// none (`5` of MySQL), the version stands for the last of the release lines below it.
fn by_version(product: &str, version: &str) -> Option<(&'static Cycle, bool)> {
    let version = bare(product, version);
    if !version.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let cycles = releases(product)?;
    let mut rest = version;
    loop {
        if let Some((cycle, _)) = cycles.iter().find(|(cycle, _)| cycle.cycle == rest) {
            return Some((cycle, true));
        }
        match rest.rfind('.') {
            Some(dot) => rest = &rest[..dot],
            None => return last(product, &format!("{version}.")).map(|cycle| (cycle, false)),
        }
    }
}

/// A version without what some put in front of it (`v1.2`, `centos7`).
fn bare<'a>(product: &str, version: &'a str) -> &'a str {
    version.strip_prefix(['v', 'V']).or_else(|| version.strip_prefix(product)).unwrap_or(version)
}

/// The release line that came next, for a version that the table has no line for: one too old for it, or an unstable one
/// between two.
pub fn next_cycle(name: &str, tag: &str) -> Option<&'static Cycle> {
    let numbers = |version: &str| version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>();
    let product = product(name)?;
    let version = bare(product, tag.split('-').next().unwrap_or_default());
    let wanted = numbers(version).filter(|_| by_version(product, version).is_none())?;
    let cycles = releases(product)?.iter().filter_map(|(cycle, _)| Some((numbers(cycle.cycle)?, cycle)));
    cycles.filter(|(line, _)| *line > wanted).min_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, cycle)| cycle)
}

/// Of the release lines that begin with `prefix`, the one whose support ends last.
fn last(product: &str, prefix: &str) -> Option<&'static Cycle> {
    let cycles = releases(product)?.iter().map(|(cycle, _)| cycle);
    cycles.filter(|cycle| cycle.cycle.starts_with(prefix)).max_by_key(|cycle| cycle.ends)
}

fn by_codename(product: &str, name: &str) -> Option<&'static Cycle> {
    let cycles = releases(product)?;
    cycles.iter().find(|(_, codename)| !name.is_empty() && codename.eq_ignore_ascii_case(name)).map(|(cycle, _)| cycle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_belongs_to_its_product() {
        let lines: Vec<&str> = include_str!("eol.tsv").lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(TABLE.values().map(|product| product.lines.lines().count()).sum::<usize>(), lines.len());
        let known: usize = TABLE.keys().filter_map(|product| releases(product)).map(<[Release]>::len).sum();
        assert_eq!(known, lines.iter().filter_map(|line| release(line)).count());
        assert!(lines.iter().all(|line| line.split('\t').count() == 5));
    }

    #[test]
    fn a_tag_names_its_release_lines() {
        let names = |repository, tag| -> Vec<String> {
            cycles(repository, tag).iter().map(|cycle| format!("{} {}", cycle.product, cycle.cycle)).collect()
        };
        assert_eq!(names("python", "3.11-slim-bullseye"), ["python 3.11", "debian 11"]);
        assert_eq!(names("node", "18.20.1-alpine3.16"), ["nodejs 18", "alpine-linux 3.16"]);
        assert_eq!(names("debian", "bookworm-slim"), ["debian 12"]);
        assert_eq!(names("ubuntu", "focal-20240101"), ["ubuntu 20.04"]);
        assert_eq!(names("centos", "7.9.2009"), ["centos 7"]);
        assert_eq!(names("acme/python", "3.6"), [""; 0]);
        assert_eq!(names("alpine", "edge"), [""; 0]);
        assert_eq!(names("mysql", "5"), ["mysql 5.7"]);
        assert_eq!(names("centos", "centos7"), ["centos 7"]);
        assert_eq!(names("public.ecr.aws/docker/library/python", "3.8"), ["python 3.8"]);
        assert_eq!(names("gcr.io/distroless/static-debian11", "nonroot"), ["debian 11"]);
        assert_eq!(names("osrf/ros", "kinetic-desktop"), [""; 0]);
        assert_eq!(names("ghcr.io/python", "3.8"), [""; 0]);
        for (repository, tag, expected) in [
            ("nginx", "1.13-alpine", Some("1.14")),
            ("nginx", "1.14", None),
            ("elasticsearch", "5", Some("6")),
            ("clickhouse/clickhouse-server", "23.3.7.5-alpine", Some("25.1")),
            ("redis", "99", None),
            ("alpine", "20230901", None),
            ("python", "slim", None),
            ("acme/nginx", "1.13", None),
        ] {
            assert_eq!(next_cycle(repository, tag).map(|cycle| cycle.cycle), expected, "{repository}:{tag}");
        }
        // Newer ones may have come since.
        assert_eq!(names("gitlab/gitlab-ce", "19"), [""; 0]);
        assert_eq!(last_cycle("gitlab/gitlab-ce"), None);
        assert!(*SNAPSHOT > Date::MIN);
        assert_eq!(last_cycle("centos").map(|cycle| cycle.cycle), Some("7"));
    }
}
