//! Health checks that call what the image does not have.

use super::probe::Probe;
use crate::container::contents::{Change, holds_programs};
use crate::container::tools::{Presence, presence};
use crate::container::{Container, Healthcheck};
use crate::finding::Confidence;
use crate::rules::Cx;
use crate::source::Span;
use crate::syntax::dockerfile::Base;

pub(in crate::rules) fn healthcheck_tool_missing(container: &Container, cx: &mut Cx) {
    let Some(probe) = Probe::of(container, cx) else { return };
    if probe.is_guarded() {
        return;
    }
    let mut called = probe.tools();
    if let Some(shell) = probe.shell {
        called.insert(0, (shell, probe.span));
    }
    let lacks = |tool: &str| lack(container, tool, cx);
    let Some((tool, span, why)) = called.iter().find_map(|(tool, span)| Some((*tool, *span, lacks(tool)?))) else {
        return;
    };
    // One of several ways to ask is enough.
    if probe.alternatives().any(|name| name.is_none_or(|name| name != tool && lacks(name).is_none())) {
        return;
    }
    let through_shell = Some(tool) == probe.shell && span == probe.span;
    let image = container.image.as_ref();
    let base = image.map_or("scratch", |image| image.reference.as_str());
    let what = if through_shell { "is run by" } else { "calls" };
    let message = format!(
        "the health check of `{}` {what} `{tool}`, which its image does not have: it never becomes healthy",
        container.name
    );
    let help = help(container, tool, through_shell, cx);
    let place = cx.project.dockerfile(container.built.as_ref().map_or(usize::MAX, |built| built.document));
    let from = place.zip(container.built.as_ref()).and_then(|(dockerfile, built)| {
        let first = dockerfile.stages.get(*built.config.chain.first()?)?;
        Some(dockerfile.instructions.get(first.from)?.span)
    });
    let checked = container.healthcheck.known().map(|known| &known.value);
    let finding = cx.report(span, message);
    finding.help(help).evidence(tool);
    let from = image.map(|image| image.span).or(from);
    let Some(from) = from else { return };
    if matches!(checked, Some(Healthcheck::Compose)) && container.built.is_none() {
        finding.related(from, format!("`{base}` does not bring `{tool}`"));
        return;
    }
    finding.link(span, format!("the check {what} `{tool}`"));
    match why {
        Lack::Removed(place) => {
            finding.link(place, format!("`{tool}` is taken away again here"));
        }
        Lack::Absent { packages } => {
            let rest = if packages { "none of the packages is it" } else { "nothing adds it" };
            finding.link(from, format!("`{base}` does not bring `{tool}`, and {rest}"));
            if packages {
                finding.confidence(Confidence::Likely);
            }
        }
    }
}

/// Why a tool is not there.
enum Lack {
    /// A command takes it away.
    Removed(Span),
    /// The base lacks it, and nothing adds it.
    Absent {
        /// Other packages are installed.
        packages: bool,
    },
}

/// Whether a tool is certainly not in a container.
fn lack(container: &Container, tool: &str, cx: &Cx) -> Option<Lack> {
    let service = cx.project.service(container);
    if container.partial || service.is_some_and(|service| !service.uncommon.volumes_from.is_empty()) {
        return None;
    }
    let mounted = |target: &str| holds_programs(target) || target.rsplit('/').next() == Some(tool);
    if container.mounts.iter().any(|mount| mount.target.as_deref().is_none_or(mounted)) {
        return None;
    }
    // What is started may well install it first.
    let started = container.processes.iter().any(|process| {
        let words = process.effective.commands.iter().flat_map(|command| &command.args);
        words.chain(process.effective.commands.iter().map(|command| &command.program)).any(|word| {
            let word = word.text.as_str();
            word.rsplit('/').next() == Some(tool) || word.starts_with(tool) && tool.len() > 2
        })
    });
    if started {
        return None;
    }
    let Some(built) = &container.built else {
        let image = container.image.as_ref().filter(|_| service.is_none_or(|service| service.build.is_none()))?;
        return (presence(image, tool) == Presence::Missing).then_some(Lack::Absent { packages: false });
    };
    let base = match (&built.config.base, &container.image) {
        (Base::Scratch, _) => Presence::Missing,
        (Base::Image(_), Some(image)) => presence(image, tool),
        (Base::Image(_), None) => Presence::Unknown,
    };
    if base != Presence::Missing || !crate::container::tools::TOOLS.contains(&tool) {
        return None;
    }
    let contents = built.contents(cx.project.dockerfile(built.document)?);
    match contents.change(tool) {
        Change::Removed(span) => Some(Lack::Removed(span)),
        Change::Brought => None,
        // Packages that are not known may well need an interpreter, hardly ever a second client.
        Change::None if contents.packages && !matches!(tool, "curl" | "wget" | "nc") => None,
        Change::None => (!contents.open).then_some(Lack::Absent { packages: contents.packages }),
    }
}

/// What to do instead, with a tool that is there.
fn help(container: &Container, tool: &str, through_shell: bool, cx: &Cx) -> String {
    let base = container.image.as_ref();
    let there = |name: &str| {
        let brought = container.built.as_ref().is_some_and(|built| {
            let dockerfile = cx.project.dockerfile(built.document);
            dockerfile.is_some_and(|dockerfile| built.contents(dockerfile).change(name) == Change::Brought)
        });
        brought || base.is_some_and(|image| presence(image, name) == Presence::There)
    };
    let same: &[(&str, &str)] = match tool {
        "mysqladmin" | "mysql" => &[("mariadb-admin", "call `mariadb-admin ping` or `healthcheck.sh --connect`")],
        "mongo" => &[("mongosh", "call `mongosh --quiet --eval 'db.adminCommand(\"ping\")'`")],
        _ => &[
            ("wget", "ask with `wget -q -O /dev/null URL`, which is there"),
            ("curl", "ask with `curl -fsS URL`, which is there"),
            (
                "python3",
                "ask with `python3 -c \"import urllib.request as u; u.urlopen('URL')\"`, or install it in the image",
            ),
            ("node", "ask with `node -e \"fetch('URL').then(r => process.exit(r.ok ? 0 : 1))\"`, or install it"),
        ],
    };
    let other = same.iter().find(|(name, _)| *name != tool && there(name));
    match other.filter(|_| !through_shell && matches!(tool, "curl" | "wget" | "mysqladmin" | "mysql" | "mongo")) {
        Some((_, help)) => (*help).to_owned(),
        None if through_shell => {
            format!("write it as a list behind `CMD`, with a program that is in the image: there is no `{tool}`")
        }
        None => format!("install `{tool}` in the image, or call a program that is there"),
    }
}
