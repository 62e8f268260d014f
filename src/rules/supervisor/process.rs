//! What supervisord starts, and supervisord itself: who stays in the foreground, and where the output goes.

mod daemons;

pub(in crate::rules) use daemons::{FOREGROUND_SERVER, Servers, last_setting};

use super::Merged;
use crate::command::{Effective, Simple};
use crate::container::{Container, Process, ProcessOrigin};
use crate::finding::Severity;
use crate::rules::Cx;
use crate::source::Text;
use crate::syntax::Document;
use crate::syntax::nginx::Nginx;
use crate::syntax::supervisor::{
    Program, Section, SectionKind, Setting, Supervisor, has_expansions, known_option, suggested_option,
};
use crate::text;

pub(in crate::rules) fn supervisor_daemonised(supervisor: &Supervisor, cx: &mut Cx) {
    let Some(section) = supervisor.section("supervisord") else { return };
    let nodaemon = Merged::new(supervisor, cx).get(section, "nodaemon");
    // A value that is neither yes nor no is refused or comes from a variable.
    if nodaemon.is_some_and(|setting| setting.as_bool() != Some(false)) {
        return;
    }
    let Some(start) = cx.containers().find_map(daemonised) else { return };
    let span = nodaemon.map_or(section.header, |setting| setting.value.span);
    let message = "supervisord goes to the background, so its container stops as soon as it has started";
    let finding = cx.report(span, message);
    finding.inside("supervisord").evidence("nodaemon");
    finding.help("set `nodaemon=true` in `[supervisord]`, or start supervisord with `-n`");
    finding.related(start.span, "started here without `-n`");
}

/// The commands of a container that start supervisord as the last thing that their script or command line does.
fn starts(container: &Container) -> impl Iterator<Item = &Simple> {
    let started = |process: &&Process| !matches!(process.origin, ProcessOrigin::Program { .. });
    container.processes.iter().filter(started).filter_map(|process| {
        let last = process.effective.commands.last()?;
        let shown = !process.effective.partial && last.args.iter().all(|word| word.literal);
        (last.name == "supervisord" && shown && !last.background).then_some(last)
    })
}

/// The command that starts supervisord in the background.
fn daemonised(container: &Container) -> Option<&Simple> {
    let stays = |start: &Simple| start.has_flag(&["-n", "--nodaemon", "-h", "--help", "-v", "--version"]);
    let first = starts(container).next()?;
    (!starts(container).any(stays)).then_some(first)
}

pub(in crate::rules) fn supervisor_child_daemonises(supervisor: &Supervisor, cx: &mut Cx) {
    let mut found = Vec::new();
    let servers = Servers::of(cx.containers().collect(), cx);
    for program in supervisor.programs() {
        let Some(command) = program.get("command") else { continue };
        let mut effective = Effective::of_supervisor(&command.value);
        let Some(last) = effective.commands.pop().filter(|_| !effective.partial) else { continue };
        let name = &program.name.value;
        let left = last.background && last.through.iter().any(|wrapper| wrapper.ends_with("sh"));
        let (message, daemon) = if left {
            let message = format!("the shell of `{name}` leaves `{}` in the background and ends", last.name);
            (message, daemons::Background::by_shell())
        } else {
            let Some(daemon) = servers.goes_to_background(&last) else { continue };
            (daemon.message(&last, name), daemon)
        };
        found.push((program, last, message, daemon));
    }
    for (program, last, message, daemon) in found {
        let finding = cx.report(last.span, message);
        finding.inside(&program.section.name.value).evidence(&last.name).confidence(daemon.confidence);
        finding.help(daemon.help);
        if let Some(span) = daemon.told {
            finding.related(span, "its config says so here");
        }
        if daemons::outlives_its_wrapper(&last) {
            finding.severity(Severity::Medium);
        } else if runs_once(&program) {
            finding.severity(Severity::Low);
        }
    }
}

/// Whether the program is meant to end: supervisord neither waits for it to stay up nor starts it again.
fn runs_once(program: &Program) -> bool {
    let startsecs = program.get("startsecs").map(|setting| setting.value.as_str().trim());
    let restarts = program.get("autorestart").and_then(Setting::as_bool) == Some(true);
    startsecs == Some("0") && !restarts
}

/// Files in which supervisord cannot seek, so that it cannot tell how much it has written: pipes and terminals.
fn is_stream(path: &str) -> bool {
    const STREAMS: [&str; 7] =
        ["/dev/stdout", "/dev/stderr", "/dev/fd/", "/dev/pts/", "/dev/tty", "/dev/console", "/proc/self/fd/"];
    let pid = || {
        path.strip_prefix("/proc/").is_some_and(|rest| {
            rest.split_once("/fd/").is_some_and(|(pid, _)| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    STREAMS.iter().any(|stream| path.starts_with(stream)) || pid()
}

/// Whether a size (`50MB`, `byte_size` of Supervisor's `datatypes.py`) is nothing; unknown where it holds a variable.
fn is_zero(value: &Text) -> Option<bool> {
    let digits = value.as_str().trim().to_ascii_lowercase();
    let digits = digits.trim_end_matches(['k', 'm', 'g', 'b']);
    (!has_expansions(value)).then(|| !digits.is_empty() && digits.bytes().all(|byte| byte == b'0'))
}

/// Flags of supervisord that take the place of `logfile` and `logfile_maxbytes`.
const OWN_LOG: &[&str] = &["-l", "--logfile", "-y", "--logfile_maxbytes"];

pub(in crate::rules) fn supervisor_stdout_rotation(supervisor: &Supervisor, cx: &mut Cx) {
    let merged = Merged::new(supervisor, cx);
    for section in &supervisor.sections {
        let logs: &[(&str, &str)] = match section.kind() {
            SectionKind::Supervisord => &[("logfile", "logfile_maxbytes")],
            SectionKind::Program | SectionKind::FcgiProgram | SectionKind::EventListener => {
                &[("stdout_logfile", "stdout_logfile_maxbytes"), ("stderr_logfile", "stderr_logfile_maxbytes")]
            }
            _ => continue,
        };
        for (log, size) in logs {
            let get = |key| merged.get(section, key);
            let Some(file) = get(log).filter(|file| is_stream(file.value.as_str())) else { continue };
            let merged = || get("redirect_stderr").and_then(Setting::as_bool) == Some(true);
            if *log == "stderr_logfile" && merged() {
                continue;
            }
            if *log == "logfile" && cx.containers().flat_map(starts).any(|start| start.has_flag(OWN_LOG)) {
                continue;
            }
            let maxbytes = get(size);
            if maxbytes.is_some_and(|setting| is_zero(&setting.value) != Some(false)) {
                continue;
            }
            let path = file.value.as_str();
            let limit = maxbytes.map_or("50MB by default", |setting| setting.value.as_str());
            let span = maxbytes.map_or(file.value.span, |setting| setting.value.span);
            // Its own first line ends supervisord, where a program's lines are errors that it survives.
            let own = *log == "logfile";
            let then = if own { "it does not start" } else { "all output of the program causes errors" };
            let message = format!("supervisord cannot rotate `{path}`, but `{size}` is {limit}: {then}");
            let finding = cx.report(span, message);
            finding.inside(&section.name.value).evidence(*log);
            if own {
                finding.severity(Severity::High);
            }
            finding.help(format!("set `{size}=0`"));
        }
    }
}

pub(in crate::rules) fn supervisor_unknown_key(supervisor: &Supervisor, cx: &mut Cx) {
    for section in &supervisor.sections {
        let kind = section.kind();
        let name = &section.name.value;
        if kind == SectionKind::Other {
            unknown_section(section, cx);
            continue;
        }
        for setting in section.options.iter().filter(|setting| !known_option(kind, &setting.name.value)) {
            let key = text::visible(cx.text(setting.name.span));
            let message = format!("`[{name}]` has no option `{key}`: Supervisor ignores it without a word");
            let suggested = suggested_option(kind, &setting.name.value);
            let finding = cx.report(setting.name.span, message);
            finding.inside(name);
            match suggested {
                Some(suggested) => finding.help(format!("did you mean `{suggested}`?")),
                None => finding.help("remove it, or move it to the section or the program that it is for"),
            };
        }
    }
}

/// A section whose name is nearly one that Supervisor knows.
fn unknown_section(section: &Section, cx: &mut Cx) {
    const PLAIN: [&str; 5] = ["supervisord", "supervisorctl", "unix_http_server", "inet_http_server", "include"];
    const NAMED: [&str; 6] = ["program", "fcgi-program", "eventlistener", "group", "rpcinterface", "ctlplugin"];
    let name = section.name.value.as_str();
    let (suggested, rest) = match name.split_once(':') {
        Some((kind, rest)) => (text::closest(&kind.trim().to_ascii_lowercase(), NAMED), rest),
        None => (text::closest(&name.trim().to_ascii_lowercase(), PLAIN), ""),
    };
    let Some(suggested) = suggested else { return };
    let colon = if name.contains(':') { ":" } else { "" };
    let finding = cx.report(section.name.span, format!("Supervisor knows no section `[{name}]` and ignores it"));
    finding.inside(name).help(format!("did you mean `[{suggested}{colon}{}]`?", rest.trim()));
}

/// Whether a text with nginx directives keeps nginx in the foreground.
fn daemon_off(text: &str) -> bool {
    text.split([';', '"', '\'', '\n', '\\']).any(|directive| {
        let mut words = directive.split_whitespace().rev();
        words.next() == Some("off") && words.next() == Some("daemon")
    })
}

/// Whether an nginx config keeps nginx in the foreground; nothing where it does not say.
fn daemon_directive(nginx: &Nginx) -> Option<bool> {
    nginx.find("daemon").last().map(|directive| directive.argument(0) != Some("off"))
}

/// The nginx configs that the containers read; every one of the project where there is no container.
fn nginx_configs<'a>(cx: &Cx<'a>, containers: &[&'a Container]) -> Vec<&'a Nginx> {
    let project = cx.project;
    if !containers.is_empty() {
        let servers = containers.iter().flat_map(|container| &container.servers);
        return servers.filter_map(|&id| project.nginx(id)).collect();
    }
    let nginx = |document: &'a Document| match document {
        Document::Nginx(nginx) => Some(nginx),
        _ => None,
    };
    project.documents.iter().filter_map(nginx).collect()
}
