//! When the support of a product's release ends (endoflife.date, MIT; the snapshot's date stands in the table).

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Date;

/// A release line of a product.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Product name as endoflife.date has it (`nodejs`).
    pub product: &'static str,
    /// Release line (`20`, `3.11`).
    pub cycle: &'static str,
    /// When support of any kind that the image gets ends: the extended one where the project itself gives it.
    pub ends: Date,
}

/// Release lines by product. A line without a date of its own (`True`, `False`, nothing) is left out.
static TABLE: LazyLock<HashMap<&'static str, Vec<(Cycle, &'static str)>>> = LazyLock::new(|| {
    let mut table: HashMap<&str, Vec<_>> = HashMap::new();
    for line in include_str!("eol.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let [product, cycle, codename, end, extended] = columns[..] else { continue };
        // Debian's long-term support is run by the project and reaches the images' users; other vendors sell theirs.
        let end = if product == "debian" && !extended.is_empty() { extended } else { end };
        let Ok(ends) = end.parse() else { continue };
        let codename = codename.split(' ').next().unwrap_or_default();
        table.entry(product).or_default().push((Cycle { product, cycle, ends }, codename));
    }
    table
});

/// Image repositories and the products that their tags name.
const PRODUCTS: &[(&str, &str)] = &[
    ("alpine", "alpine-linux"),
    ("almalinux", "almalinux"),
    ("amazoncorretto", "amazon-corretto"),
    ("amazonlinux", "amazon-linux"),
    ("cassandra", "apache-cassandra"),
    ("centos", "centos"),
    ("composer", "composer"),
    ("debian", "debian"),
    ("drupal", "drupal"),
    ("eclipse-temurin", "eclipse-temurin"),
    ("elasticsearch", "elasticsearch"),
    ("elixir", "elixir"),
    ("erlang", "erlang"),
    ("fedora", "fedora"),
    ("golang", "go"),
    ("grafana/grafana", "grafana"),
    ("haproxy", "haproxy"),
    ("httpd", "apache-http-server"),
    ("influxdb", "influxdb"),
    ("kibana", "kibana"),
    ("logstash", "logstash"),
    ("mariadb", "mariadb"),
    ("mongo", "mongodb"),
    ("mysql", "mysql"),
    ("nextcloud", "nextcloud"),
    ("nginx", "nginx"),
    ("node", "nodejs"),
    ("oraclelinux", "oracle-linux"),
    ("perl", "perl"),
    ("php", "php"),
    ("phpmyadmin", "phpmyadmin"),
    ("postgres", "postgresql"),
    ("postgis/postgis", "postgresql"),
    ("python", "python"),
    ("rabbitmq", "rabbitmq"),
    ("redis", "redis"),
    ("rockylinux", "rocky-linux"),
    ("ruby", "ruby"),
    ("tomcat", "tomcat"),
    ("traefik", "traefik"),
    ("ubuntu", "ubuntu"),
    ("valkey/valkey", "valkey"),
    ("zookeeper", "zookeeper"),
];

/// Debian and Ubuntu code names stand in the tags of many images.
const DISTRIBUTIONS: [&str; 2] = ["debian", "ubuntu"];

/// The release lines that an image's repository and tag name: that of the product itself, and that of the distribution
/// whose code name (`bullseye`) or version (`alpine3.16`) the tag holds.
pub fn cycles(repository: &str, tag: &str) -> Vec<&'static Cycle> {
    let mut found = Vec::new();
    let product = PRODUCTS.iter().find(|(name, _)| *name == repository).map(|(_, product)| *product);
    if let Some(product) = product {
        found.extend(by_version(product, tag.split('-').next().unwrap_or_default()));
    }
    for part in tag.split('-') {
        for distribution in DISTRIBUTIONS {
            found.extend(by_codename(distribution, part));
        }
        if let Some(version) = part.strip_prefix("alpine").filter(|version| !version.is_empty()) {
            found.extend(by_version("alpine-linux", version));
        }
    }
    found.dedup();
    found
}

/// The release line that a version belongs to: the longest run of its leading parts that is one.
fn by_version(product: &str, version: &str) -> Option<&'static Cycle> {
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let cycles = TABLE.get(product)?;
    let mut rest = version;
    loop {
        if let Some((cycle, _)) = cycles.iter().find(|(cycle, _)| cycle.cycle == rest) {
            return Some(cycle);
        }
        rest = &rest[..rest.rfind('.')?];
    }
}

fn by_codename(product: &str, name: &str) -> Option<&'static Cycle> {
    let cycles = TABLE.get(product)?;
    cycles.iter().find(|(_, codename)| !name.is_empty() && codename.eq_ignore_ascii_case(name)).map(|(cycle, _)| cycle)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
