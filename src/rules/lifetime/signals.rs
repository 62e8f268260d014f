//! How containers are told to stop, and how long they are waited for.

use std::collections::BTreeMap;

use super::foreground;
use crate::command::{Effective, Simple};
use crate::container::{Container, Image, ProcessOrigin};
use crate::rules::{Cx, chain};
use crate::source::Span;
use crate::syntax::dockerfile::duration;
use crate::syntax::supervisor::{Program, Supervisor, has_expansions};

/// Seconds that the engine waits before it kills a container (`stop_grace_period` of Compose).
const GRACE: f64 = 10.0;

/// Seconds that supervisord waits before it kills a program (`stopwaitsecs`).
const STOPWAITSECS: u64 = 10;

/// `priority` of a program that has none.
const PRIORITY: i64 = 999;

/// Signals that official images are stopped with, where that is not SIGTERM: image, part of the tag, signal (STOPSIGNAL of
/// their Dockerfiles).
const IMAGES: &[(&str, &str, &str)] = &[
    ("drupal", "apache", "WINCH"),
    ("haproxy", "", "USR1"),
    ("httpd", "", "WINCH"),
    ("nginx", "", "QUIT"),
    ("nginxinc/nginx-unprivileged", "", "QUIT"),
    ("openresty/openresty", "", "QUIT"),
    ("php", "apache", "WINCH"),
    ("php", "fpm", "QUIT"),
    ("postgres", "", "INT"),
    ("wordpress", "apache", "WINCH"),
    ("wordpress", "fpm", "QUIT"),
];

/// Names and numbers of signals (`signal(7)`).
const SIGNALS: [(&str, &str); 10] = [
    ("HUP", "1"),
    ("INT", "2"),
    ("QUIT", "3"),
    ("KILL", "9"),
    ("USR1", "10"),
    ("USR2", "12"),
    ("TERM", "15"),
    ("CHLD", "17"),
    ("CONT", "18"),
    ("WINCH", "28"),
];

/// A signal by the name without `SIG`.
fn signal(text: &str) -> Option<&'static str> {
    let upper = text.trim().to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS.iter().find(|(name, number)| *name == bare || *number == bare).map(|(name, _)| *name)
}

/// What a program does at a signal that does not stop it (from their manuals). `first`: it is the first process of its
/// container, for which the kernel drops what it has no handler for.
fn instead(program: &str, signal: &str, first: bool) -> Option<&'static str> {
    let program = match program {
        "openresty" | "angie" => "nginx",
        "apache2" | "httpd" | "apache2-foreground" | "httpd-foreground" | "apache2ctl" | "apachectl" => "apache",
        "python3" => "python",
        name if name.starts_with("php-fpm") => "php-fpm",
        name => name,
    };
    Some(match (program, signal) {
        (_, "KILL") => "cannot handle, so that it finishes nothing",
        ("supervisord", "HUP") => "takes for an order to start everything anew",
        ("supervisord", "USR2") => "takes for an order to open its logs anew",
        ("nginx" | "php-fpm" | "gunicorn", "USR1") => "takes for an order to open its logs anew",
        ("nginx", "HUP") | ("php-fpm", "USR2") => "takes for an order to read its config anew",
        ("nginx" | "gunicorn", "USR2") => "takes for an order to start a second master",
        ("nginx", "WINCH") => "takes for an order to end its workers alone",
        ("gunicorn", "HUP") => "takes for an order to start its workers anew",
        ("apache", "HUP" | "USR1") => "takes for an order to start anew",
        ("haproxy", "USR2") => "takes for an order to read its config anew",
        ("haproxy", "HUP") => "takes for an order to write its state to the log",
        ("postgres", "HUP") => "takes for an order to read its config anew",
        ("celery" | "sshd", "HUP") => "takes for an order to start anew",
        ("redis-server" | "valkey-server", "HUP") => "ignores",
        ("java", "QUIT") => "answers with the stacks of its threads",
        ("supervisord", "USR1") if first => "ignores",
        ("node" | "python" | "uvicorn" | "bun" | "deno", "QUIT" | "USR2" | "HUP") if first => "ignores",
        ("python" | "uvicorn", "USR1") if first => "ignores",
        ("apache", "WINCH") => return None,
        // The kernel drops it unless there is a handler.
        (_, "WINCH") => "ignores",
        _ => return None,
    })
}

/// Where the stop signal of a container comes from.
enum Source<'a> {
    Compose,
    Dockerfile,
    Image(&'a Image),
}

/// The signal that the container is stopped with, where it is not the default.
fn stop_signal<'a>(container: &'a Container, cx: &Cx) -> Option<(&'static str, Span, Source<'a>)> {
    if let Some(own) = cx.project.service(container).and_then(|service| service.uncommon.stop_signal.as_ref()) {
        return own.known.then(|| Some((signal(&own.value)?, own.span, Source::Compose)))?;
    }
    if let Some(built) = container.built.as_ref().and_then(|built| built.config.stop_signal.as_ref()) {
        return built.is_known().then(|| Some((signal(&built.value)?, built.span, Source::Dockerfile)))?;
    }
    let image = container.image.as_ref().filter(|image| image.known && !image.built_here)?;
    let tag = image.tag.as_deref().unwrap_or_default();
    let name = image.name();
    // The plain tags of WordPress and Drupal are those with Apache.
    let plain =
        |part: &str| part == "apache" && name != "php" && !["fpm", "cli"].iter().any(|other| tag.contains(other));
    let row = IMAGES.iter().find(|(known, part, _)| *known == name && (tag.contains(part) || plain(part)))?;
    Some((row.2, image.span, Source::Image(image)))
}

pub(in crate::rules) fn stop_signal_chain(container: &Container, cx: &mut Cx) {
    first_process(container, cx);
    for index in 0..container.supervisors.len() {
        let Some(supervisor) = cx.project.supervisor(container.supervisors[index]) else { continue };
        programs(supervisor, cx);
        grace_period(container, supervisor, cx);
    }
}

/// The signal of the container, and what its first process does at it.
fn first_process(container: &Container, cx: &mut Cx) {
    let Some((signal, span, source)) = stop_signal(container, cx) else { return };
    let Some((process, last)) = foreground(container) else { return };
    let service = cx.project.service(container);
    let init = service.and_then(|service| service.init.as_ref()).is_some_and(|init| init.value)
        || last
            .through
            .iter()
            .any(|wrapper| ["tini", "dumb-init", "docker-init", "catatonit"].contains(&wrapper.as_str()));
    if last.background || !last.program.literal {
        return;
    }
    let Some(does) = instead(&last.name, signal, !init) else { return };
    let (name, program) = (&container.name, &last.name);
    let message = match &source {
        Source::Image(image) => {
            format!("`{name}` is stopped with SIG{signal} as `{}` is, which `{program}` {does}", image.reference)
        }
        Source::Compose | Source::Dockerfile => {
            format!("`{name}` is stopped with SIG{signal}, which `{program}` {does}")
        }
    };
    let steps = chain::steps(container, Some(process), cx);
    let finding = cx.report(span, message);
    finding.evidence(format!("SIG{signal} {program}"));
    finding.help(match source {
        Source::Compose => "remove `stop_signal`, or set it to what the program stops at",
        Source::Dockerfile => "remove STOPSIGNAL, or set it to what the program stops at",
        Source::Image(_) if container.built.is_some() => "add `STOPSIGNAL SIGTERM` to the stage that is shipped",
        Source::Image(_) => "set `stop_signal: SIGTERM`",
    });
    if process.origin == ProcessOrigin::Main && last.span != span {
        finding.related(last.span, format!("`{program}` is started here"));
    }
    finding.links(steps);
}

/// The signals of the programs of supervisord.
fn programs(supervisor: &Supervisor, cx: &mut Cx) {
    for program in supervisor.programs() {
        let Some(setting) = program.get("stopsignal").filter(|setting| !has_expansions(&setting.value)) else {
            continue;
        };
        let Some(signal) = signal(setting.value.as_str()) else { continue };
        let Some(last) = last_command(&program) else { continue };
        let Some(does) = instead(&last.name, signal, false) else { continue };
        let message =
            format!("program `{}` is stopped with SIG{signal}, which `{}` {does}", program.name.value, last.name);
        let finding = cx.report(setting.value.span, message);
        finding.inside(&program.section.name.value.replace(':', ".")).evidence(format!("SIG{signal} {}", last.name));
        finding.help("remove `stopsignal` for SIGTERM, or set it to what the program stops at");
    }
}

/// What a program runs, where that is known.
fn last_command(program: &Program) -> Option<Simple> {
    let mut effective = Effective::of_supervisor(&program.get("command")?.value);
    let last = effective.commands.pop().filter(|_| !effective.partial)?;
    (last.program.literal && !last.is_script()).then_some(last)
}

/// How long supervisord may take to stop its programs, and how long it is given. It stops them in the order of their
/// priorities, those of one priority together (`stop_all` of `supervisor/supervisord.py`).
fn grace_period(container: &Container, supervisor: &Supervisor, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    let grace = match &service.uncommon.stop_grace_period {
        Some(grace) if !grace.known => return,
        Some(grace) => match duration(&grace.value) {
            Some(seconds) => seconds,
            None => return,
        },
        None => GRACE,
    };
    let number =
        |program: &Program, key: &str| program.get(key).and_then(|set| set.value.as_str().trim().parse::<i64>().ok());
    let mut longest: BTreeMap<i64, u64> = BTreeMap::new();
    let mut slowest: Option<(u64, Span, &str)> = None;
    let programs: Vec<Program> = supervisor.programs().collect();
    for program in &programs {
        let set = number(program, "stopwaitsecs").and_then(|seconds| u64::try_from(seconds).ok());
        let seconds = set.unwrap_or(STOPWAITSECS);
        let known = longest.entry(number(program, "priority").unwrap_or(PRIORITY)).or_default();
        *known = seconds.max(*known);
        if let (Some(seconds), Some(setting)) = (set, program.get("stopwaitsecs"))
            && slowest.is_none_or(|(most, ..)| seconds > most)
        {
            slowest = Some((seconds, setting.value.span, program.name.value.as_str()));
        }
    }
    // Where nobody said a time, nobody relies on one.
    let Some((seconds, waits, program)) = slowest.filter(|(seconds, ..)| *seconds as f64 > 0.0) else { return };
    let total = longest.values().fold(0_u64, |sum, seconds| sum.saturating_add(*seconds));
    if total as f64 <= grace || (seconds as f64 <= grace && service.uncommon.stop_grace_period.is_none()) {
        return;
    }
    let process = container
        .processes
        .iter()
        .find(|process| matches!(&process.origin, ProcessOrigin::Program { name, .. } if name == program));
    let steps = chain::steps(container, process, cx);
    let name = &container.name;
    let default = if service.uncommon.stop_grace_period.is_none() { ", the default," } else { "" };
    let message = match longest.len() {
        1 => format!(
            "`{name}` is killed after {grace} s{default} while program `{program}` is given {seconds} s to stop"
        ),
        _ => format!("`{name}` is killed after {grace} s{default} while its programs are given {total} s to stop"),
    };
    let primary = service.uncommon.stop_grace_period.as_ref().map_or(waits, |grace| grace.span);
    let finding = cx.report(primary, message);
    finding.evidence(format!("stopwaitsecs {total}"));
    finding.help(format!("set `stop_grace_period: {}s` in the service", total.saturating_add(5)));
    if primary != waits {
        finding.related(waits, format!("`{program}` is given {seconds} s"));
    }
    finding.links(steps);
}
