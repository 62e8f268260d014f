//! What is copied from the build context, and from elsewhere.

use std::collections::HashSet;

use super::super::Cx;
use super::body;
use crate::container::Container;
use crate::container::image::split;
use crate::finding::{Confidence, Severity};
use crate::project::StageNode;
use crate::source::Text;
use crate::syntax::compose::Build;
use crate::syntax::dockerfile::{Dockerfile, Instruction, Kind, Origin, Stage};
use crate::text;

/// What the ignore file of a build context says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ignored {
    /// There is none, or nothing is in it.
    Nothing,
    /// What it names is left out.
    Named,
    /// Everything is left out but for exceptions.
    Everything,
}

pub(in crate::rules) fn copy_whole_context(container: &Container, cx: &mut Cx) {
    let Some(built) = &container.built else { return };
    let Some(dockerfile) = cx.project.dockerfile(built.document) else { return };
    let shipped = built.config.transfers.iter().filter(|transfer| {
        transfer.origin == Origin::Context && transfer.sources.iter().any(|source| is_everything(&source.value))
    });
    let mut found: Vec<(&Instruction, bool)> = shipped
        .filter_map(|transfer| Some((dockerfile.effective(transfer.instruction)?, true)))
        .filter(|(instruction, _)| instruction.flag("exclude").is_none())
        .collect();
    for (index, stage) in dockerfile.stages.iter().enumerate() {
        if !built.config.chain.contains(&index) {
            found.extend(whole_copies(dockerfile, stage).map(|instruction| (instruction, false)));
        }
    }
    if found.is_empty() {
        return;
    }
    let ignored = ignored(container);
    if ignored == Ignored::Everything {
        return;
    }
    for (instruction, shipped) in found {
        let keyword = instruction.keyword.value.to_ascii_uppercase();
        let what = match ignored {
            Ignored::Named => "everything that the ignore file does not name",
            _ => "the whole build context, with `.git`, `.env` and whatever else lies there,",
        };
        let place = if shipped { "image" } else { "build stage" };
        let finding = cx.report(instruction.span, format!("{keyword} brings {what} into the {place}"));
        finding.help("copy what is needed by name, or begin `.dockerignore` with `*` and list the exceptions (`!src`)");
        finding.severity(match (shipped, ignored) {
            (true, Ignored::Named) | (false, Ignored::Nothing) => Severity::Low,
            (true, _) => Severity::Medium,
            (false, _) => Severity::Info,
        });
    }
}

/// The COPY and ADD of a stage that take everything. What ONBUILD keeps for later takes it from another repository.
fn whole_copies<'a>(dockerfile: &'a Dockerfile, stage: &Stage) -> impl Iterator<Item = &'a Instruction> {
    let instructions = dockerfile.instructions.get(stage.body.clone()).unwrap_or_default();
    instructions.iter().filter(|instruction| match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            instruction.flag("from").is_none()
                && instruction.flag("exclude").is_none()
                && transfer.sources.iter().any(|source| is_everything(source.value.trim_matches(['"', '\''])))
        }
        _ => false,
    })
}

/// Whether a source is the whole context, or all that lies at its top.
fn is_everything(source: &str) -> bool {
    let plain = source.trim_start_matches("./").trim_matches('/');
    matches!(plain, "." | "*" | "**" | "./*") || plain.is_empty() && !source.is_empty()
}

/// What the ignore file in force says.
fn ignored(container: &Container) -> Ignored {
    match container.context.as_ref().and_then(|context| context.ignore.as_ref()) {
        Some(ignore) if ignore.excludes_by_default() => Ignored::Everything,
        Some(ignore) if ignore.excludes_something() => Ignored::Named,
        _ => Ignored::Nothing,
    }
}

/// The official images of Docker Hub that are commonly named without a tag, so that a plain word may well be one.
const OFFICIAL: &[&str] = &[
    "adminer",
    "almalinux",
    "alpine",
    "amazoncorretto",
    "amazonlinux",
    "archlinux",
    "bash",
    "buildpack-deps",
    "busybox",
    "caddy",
    "cassandra",
    "centos",
    "chronograf",
    "clojure",
    "composer",
    "consul",
    "couchbase",
    "couchdb",
    "crate",
    "dart",
    "debian",
    "docker",
    "drupal",
    "eclipse-mosquitto",
    "eclipse-temurin",
    "elasticsearch",
    "elixir",
    "erlang",
    "fedora",
    "flink",
    "fluentd",
    "gcc",
    "ghost",
    "golang",
    "gradle",
    "groovy",
    "haproxy",
    "haskell",
    "hello-world",
    "httpd",
    "hylang",
    "ibmjava",
    "influxdb",
    "irssi",
    "jenkins",
    "jetty",
    "joomla",
    "jruby",
    "julia",
    "kapacitor",
    "kibana",
    "kong",
    "logstash",
    "mariadb",
    "mathesar",
    "matomo",
    "maven",
    "mediawiki",
    "memcached",
    "mongo",
    "mongo-express",
    "mono",
    "mysql",
    "nats",
    "neo4j",
    "nextcloud",
    "nginx",
    "node",
    "odoo",
    "openjdk",
    "opensuse",
    "oraclelinux",
    "perl",
    "photon",
    "php",
    "phpmyadmin",
    "postgres",
    "pypy",
    "python",
    "r-base",
    "rabbitmq",
    "redis",
    "redmine",
    "registry",
    "rethinkdb",
    "rockylinux",
    "ros",
    "ruby",
    "rust",
    "sapmachine",
    "scratch",
    "solr",
    "sonarqube",
    "spark",
    "storm",
    "swift",
    "swipl",
    "telegraf",
    "tomcat",
    "tomee",
    "traefik",
    "ubuntu",
    "unit",
    "varnish",
    "vault",
    "wordpress",
    "yourls",
    "zookeeper",
];

pub(in crate::rules) fn copy_from_unknown_stage(node: &StageNode, cx: &mut Cx) {
    let Some((dockerfile, instructions)) = body(node, cx) else { return };
    // A name is one thing to correct, however often the stage uses it.
    let mut seen = HashSet::new();
    for instruction in instructions {
        let instruction = match &instruction.kind {
            Kind::Onbuild(trigger) => trigger,
            _ => instruction,
        };
        match &instruction.kind {
            Kind::Copy(_) => {
                let from = instruction.flag_value("from");
                if let Some(from) = from.filter(|from| seen.insert(from.value.clone())) {
                    source_stage(node, dockerfile, from, true, cx);
                }
            }
            Kind::Run(_) => {
                for mount in instruction.mounts() {
                    if let Some(from) = mount.from().filter(|from| seen.insert(from.value.clone())) {
                        source_stage(node, dockerfile, from, false, cx);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Judges what COPY or a mount takes its files from.
fn source_stage(node: &StageNode, dockerfile: &Dockerfile, from: &Text, copy: bool, cx: &mut Cx) {
    let name = from.value.as_str();
    if name.is_empty() {
        return;
    }
    if copy && name.bytes().all(|byte| byte.is_ascii_digit()) {
        let finding = match dockerfile.copy_origin(name) {
            Origin::Stage(_) => {
                let finding = cx.report(
                    from.span,
                    format!("stage {name} is named by its number, which changes when a stage is added"),
                );
                finding.help("name the stage (`FROM … AS build`) and use the name");
                finding.severity(Severity::Info)
            }
            _ => {
                let count = dockerfile.stages.len();
                cx.report(from.span, format!("there is no stage {name}: the file has {count}, counted from 0"))
                    .severity(Severity::Medium)
            }
        };
        finding.confidence(Confidence::Certain);
        return;
    }
    match dockerfile.mount_origin(name) {
        Origin::Unknown => {
            let finding = cx.report(from.span, "the build does not expand variables here, so that this is no stage");
            finding.help("give the image a stage of its own (`FROM $IMAGE AS source`) and copy from that");
            finding.severity(Severity::Medium).confidence(Confidence::Certain);
        }
        Origin::Image(_) if !is_image_or_context(node, name, cx) => {
            let names = dockerfile.stages.iter().filter_map(|stage| Some(stage.name.as_ref()?.value.as_str()));
            let near = text::closest(name, names);
            let message =
                format!("no stage is called `{name}`: unless a build context is, it is pulled from Docker Hub");
            // A build that no Compose service describes may well be given contexts on its command line.
            let described = builds(node, cx).next().is_some();
            let finding = cx.report(from.span, message);
            match near {
                Some(near) => finding.help(format!("did you mean the stage `{near}`?")),
                None => finding.help("name a stage of this file, or write the image with its registry or tag"),
            };
            if near.is_none() && !described {
                finding.severity(Severity::Info).confidence(Confidence::Guess);
            }
        }
        _ => {}
    }
}

/// Whether a name is meant for an image, by the way it is written, or is a context that a Compose service gives to the
/// build.
fn is_image_or_context(node: &StageNode, name: &str, cx: &Cx) -> bool {
    let parts = split(name);
    let plain = parts.registry.is_none() && parts.tag.is_none() && parts.digest.is_none() && !name.contains('/');
    if !plain || OFFICIAL.binary_search(&name).is_ok() {
        return true;
    }
    let mut contexts = builds(node, cx).flat_map(|build| &build.additional_contexts);
    contexts.any(|context| context.key.value.eq_ignore_ascii_case(name))
}

/// The `build` of every Compose service that builds the Dockerfile.
fn builds<'a>(node: &StageNode, cx: &Cx<'a>) -> impl Iterator<Item = &'a Build> {
    let project = cx.project;
    let owners = project.owners.get(node.scope.document).map_or(&[][..], Vec::as_slice);
    owners.iter().filter_map(|&owner| project.service(&project.containers[owner])?.build.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_images_are_sorted() {
        assert!(OFFICIAL.is_sorted());
    }
}
