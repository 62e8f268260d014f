//! Which image is meant.

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::Cx;
use super::official::is_official;
use crate::container::lifecycle::{self, Cycle};
use crate::container::{Image, ImagePlace};
use crate::finding::{Confidence, Severity};

/// Words in tags that follow whatever is newest in some sense.
const MOVING: &[&str] = &[
    "latest",
    "stable",
    "edge",
    "nightly",
    "dev",
    "devel",
    "develop",
    "development",
    "main",
    "master",
    "trunk",
    "head",
    "lts",
    "mainline",
    "current",
    "rolling",
    "canary",
    "unstable",
    "sid",
    "oldstable",
    "testing",
    "next",
    "release",
    "snapshot",
    "staging",
    "beta",
    "alpha",
    "preview",
    "experimental",
    "insiders",
    "daily",
    "prod",
    "production",
];

/// Words in tags that say how an image is made, not which version it holds.
const VARIANTS: &[&str] = &[
    "alpine",
    "slim",
    "apache",
    "fpm",
    "cli",
    "zts",
    "debian",
    "ubuntu",
    "oracle",
    "ubi",
    "ubi8",
    "ubi9",
    "management",
    "perl",
    "otel",
    "jdk",
    "jre",
    "windowsservercore",
    "nanoserver",
    "distroless",
    "nonroot",
    "debug",
    "rootless",
    "dind",
    "temurin",
    "community",
];

/// Code names of distribution releases, which name a version in the tags of the distribution's own images alone.
const CODENAMES: &[&str] = &[
    "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "trusty", "xenial", "bionic", "focal",
    "jammy", "noble", "plucky", "questing",
];

/// Images that are a distribution, or little more: the code name in their tag is their version.
const DISTRIBUTIONS: &[&str] = &["debian", "ubuntu", "buildpack-deps", "base", "baseimage", "rootfs"];

/// Images of tools whose `jdk17` names the Java that they come with.
const JAVA_TOOLS: &[&str] = &["gradle", "groovy", "jetty", "maven", "tomcat"];

/// Why a reference does not say which version is meant.
enum Moves<'a> {
    /// No tag.
    Untagged,
    /// A tag for whatever is newest.
    Alias(&'a str),
    /// A tag that names only a variant.
    Variant(&'a str),
}

/// Why an image that a registry gives is another one tomorrow; `None` where it is not, or nobody can tell.
fn moves(image: &Image) -> Option<Moves<'_>> {
    let Some(tag) = &image.tag else { return Some(Moves::Untagged) };
    let name = image.short_name();
    let distribution = DISTRIBUTIONS.iter().any(|known| name.ends_with(known));
    let moving = |part: &str| MOVING.iter().any(|word| part.eq_ignore_ascii_case(word));
    let codename = |part: &str| CODENAMES.contains(&part) && !distribution;
    let java = |part: &str| {
        let version = part.strip_prefix("jdk").or_else(|| part.strip_prefix("jre"));
        JAVA_TOOLS.contains(&name) && version.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let alpine = |part: &str| part.starts_with("alpine") && name != "alpine";
    let variant = |part: &str| VARIANTS.contains(&part) || codename(part) || java(part) || alpine(part);
    // `latest-pg16` follows the newest; `16-latest` stays in its release line.
    let mut parts = tag.split(['-', '_']);
    // What has no digit has no version either: `web-latest` of a repository for several programs.
    let unversioned = |part: &str| moving(part) || variant(part) || !tag.contains(|c: char| c.is_ascii_digit());
    if tag.starts_with("latest-") || (parts.clone().any(moving) && parts.clone().all(unversioned)) {
        return Some(Moves::Alias(tag));
    }
    parts.all(variant).then_some(Moves::Variant(tag))
}

/// Whether a character is one of names and tags, and not of a variable that has no value here.
fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-/".contains(c)
}

/// Whether a registry is asked for the image, by a reference that is all there.
fn is_pulled(image: &Image, cx: &Cx) -> bool {
    image.known && image.tag.iter().flat_map(|tag| tag.chars()).all(plain) && has_registry(image, cx)
}

/// Whether a registry is asked for the image, by a name that is all there.
fn has_registry(image: &Image, cx: &Cx) -> bool {
    let policy = image.scope.container.filter(|_| image.place == ImagePlace::Service).and_then(|container| {
        let service = cx.project.service(cx.project.containers.get(container)?)?;
        service.uncommon.pull_policy.as_ref().map(|policy| policy.value.as_str())
    });
    !image.built_here
        && !image.repository.is_empty()
        && image.repository.chars().all(plain)
        // Anything else of one part is a build context, or was built on this machine: no registry has it.
        && (image.registry.is_some() || image.repository.contains('/') || is_official(&image.repository))
        // Podman's name for what was built on this machine.
        && image.registry.as_deref() != Some("localhost")
        && !matches!(policy, Some("never" | "build"))
}

/// What a reference's place does with it, for a message.
fn each_time(image: &Image) -> &'static str {
    match image.place {
        ImagePlace::From | ImagePlace::CopyFrom | ImagePlace::MountFrom => "each build",
        ImagePlace::Service | ImagePlace::Hook => "each pull",
    }
}

pub(in crate::rules) fn unpinned_image(image: &Image, cx: &mut Cx) {
    if image.digest.is_some() || !is_pulled(image, cx) {
        return;
    }
    let Some(moves) = moves(image) else { return };
    let (name, time) = (image.name(), each_time(image));
    let message = match moves {
        Moves::Untagged => format!("`{name}` has no tag, which means `latest`: {time} can bring another version"),
        Moves::Alias(tag) => format!("`{name}:{tag}` follows the newest image: {time} can bring another version"),
        Moves::Variant(tag) => {
            format!("`{name}:{tag}` names a variant but no version: {time} can bring another one")
        }
    };
    let release = name.starts_with("gcr.io/distroless/") && name.contains("-debian");
    let finding = cx.report(image.span, message);
    finding.evidence(image.reference.clone());
    finding.help(if release {
        "add a digest (`@sha256:…`)"
    } else {
        "name a version, or better a digest (`@sha256:…`)"
    });
    if release {
        finding.severity(Severity::Low);
    }
    if image.variable {
        finding.confidence(Confidence::Likely);
    }
}

pub(in crate::rules) fn untrusted_registry(image: &Image, cx: &mut Cx) {
    let path = &cx.sources.get(image.span.file).path;
    let name = image.full_name();
    if cx.policy.trusts(path, &name) != Some(false) || !has_registry(image, cx) {
        return;
    }
    // A variable without a value may stand in the tag alone.
    let written = cx.text(image.span).split('$').next().unwrap_or_default();
    if !image.known && !written.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) {
        return;
    }
    let finding = cx.report(image.span, format!("`{name}` is not one of the images that `images.trusted` allows"));
    finding.help("take it from a trusted registry, or add it to `images.trusted` in confscan.toml");
    finding.evidence(name);
    if image.variable {
        finding.confidence(Confidence::Likely);
    }
}

pub(in crate::rules) fn image_without_digest(image: &Image, cx: &mut Cx) {
    if image.digest.is_some() || !is_pulled(image, cx) || moves(image).is_some() {
        return;
    }
    let message = format!("`{}` can be replaced in the registry: no digest says which image is meant", image.reference);
    cx.report(image.span, message)
        .help("add the digest behind the tag (`@sha256:…`)")
        .evidence(image.reference.clone());
}

pub(in crate::rules) fn end_of_life_base_image(image: &Image, cx: &mut Cx) {
    let place = matches!(image.place, ImagePlace::From | ImagePlace::Service | ImagePlace::Hook);
    if !place || !image.known || image.built_here {
        return;
    }
    let name = image.name();
    let tag = image.tag.as_deref().unwrap_or_default();
    let mut cycles = lifecycle::cycles(&name, tag);
    let mut kind = "";
    if cycles.is_empty() && image.digest.is_none() && moves(image).is_some() {
        cycles.extend(lifecycle::last_cycle(&name));
        kind = "its last supported release ";
    }
    let today = cx.policy.today();
    cycles.retain(|cycle| cycle.ends < today);
    let older = lifecycle::next_cycle(&name, tag).filter(|next| next.ends < today);
    let Some(first) = cycles.iter().copied().chain(older).map(|cycle| cycle.ends).min() else { return };
    let named = |cycle: &Cycle| format!("of {kind}{} {}", display(cycle.product), cycle.cycle);
    let ended = cycles.iter().enumerate().map(|(index, cycle)| match index {
        0 => format!("support {} ended on {}", named(cycle), cycle.ends),
        _ => format!("that {} on {}", named(cycle), cycle.ends),
    });
    let older = older.map(|next| {
        format!("it is older than {} {}, whose support ended on {}", display(next.product), next.cycle, next.ends)
    });
    let ended = older.into_iter().chain(ended).collect::<Vec<String>>().join(", ");
    let shown = image.reference.split('@').next().unwrap_or_default();
    let message = format!("`{shown}` gets no security fixes any more: {ended}");
    let finding = cx.report(image.span, message);
    finding.help("move to a release that is supported").evidence(image.reference.clone());
    if first < year_before(today) {
        finding.severity(Severity::High);
    }
    if image.variable {
        finding.confidence(Confidence::Likely);
    }
}

fn year_before(date: Date) -> Date {
    date.saturating_sub(1.year())
}

/// A product's name as its project writes it, where the table's differs by more than capitals would explain.
fn display(product: &str) -> &str {
    const NAMES: &[(&str, &str)] = &[
        ("almalinux", "AlmaLinux"),
        ("alpine-linux", "Alpine Linux"),
        ("amazon-corretto", "Amazon Corretto"),
        ("amazon-linux", "Amazon Linux"),
        ("apache-couchdb", "CouchDB"),
        ("apache-cassandra", "Cassandra"),
        ("apache-http-server", "Apache httpd"),
        ("centos", "CentOS"),
        ("debian", "Debian"),
        ("dotnet", ".NET"),
        ("eclipse-temurin", "Eclipse Temurin"),
        ("elasticsearch", "Elasticsearch"),
        ("fedora", "Fedora"),
        ("go", "Go"),
        ("haproxy", "HAProxy"),
        ("mariadb", "MariaDB"),
        ("mongodb", "MongoDB"),
        ("grafana", "Grafana"),
        ("influxdb", "InfluxDB"),
        ("kibana", "Kibana"),
        ("logstash", "Logstash"),
        ("mysql", "MySQL"),
        ("nextcloud", "Nextcloud"),
        ("perl", "Perl"),
        ("tomcat", "Tomcat"),
        ("traefik", "Traefik"),
        ("clickhouse", "ClickHouse"),
        ("consul", "Consul"),
        ("envoy", "Envoy"),
        ("gitlab", "GitLab"),
        ("hashicorp-vault", "Vault"),
        ("keycloak", "Keycloak"),
        ("memcached", "Memcached"),
        ("neo4j", "Neo4j"),
        ("opensearch", "OpenSearch"),
        ("prometheus", "Prometheus"),
        ("solr", "Solr"),
        ("telegraf", "Telegraf"),
        ("valkey", "Valkey"),
        ("vmware-photon", "Photon OS"),
        ("zookeeper", "ZooKeeper"),
        ("nodejs", "Node.js"),
        ("oracle-linux", "Oracle Linux"),
        ("php", "PHP"),
        ("postgresql", "PostgreSQL"),
        ("python", "Python"),
        ("rabbitmq", "RabbitMQ"),
        ("redis", "Redis"),
        ("rocky-linux", "Rocky Linux"),
        ("ruby", "Ruby"),
        ("ubuntu", "Ubuntu"),
    ];
    NAMES.iter().find(|(id, _)| *id == product).map_or(product, |(_, name)| name)
}
