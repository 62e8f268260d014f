//! `confscan containers`: every container with what decided it, for a person.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Options, Place, Report, facts};
use crate::container::facet::Reach;
use crate::container::{Container, Environment, Fact, ProcessOrigin, Why};
use crate::project::stacks::{Basis, Stack};
use crate::source::Span;
use crate::text::{line_start, path_line_start, visible};

/// Columns of the names of rows.
const NAME: usize = 12;
/// Ports, mounts and processes that are shown of one container; the others are counted.
const ROWS: usize = 12;
/// Columns of a value: what is longer is cut.
const VALUE: usize = 96;

/// Writes the containers, stack by stack, then those that no stack runs.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let view = View { report, color: options.color };
    let containers = &report.project.containers;
    if containers.is_empty() {
        return writeln!(out, "no containers");
    }
    let stack = |container: &Container| report.project.stack(container).map(std::ptr::from_ref);
    for (index, group) in containers.chunk_by(|a, b| stack(a) == stack(b)).enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        view.heading(group, out)?;
        for container in group {
            view.container(container, out)?;
        }
    }
    let stacks = report.project.stacks.len();
    writeln!(out, "\n{} in {}", counted(containers.len(), "container"), counted(stacks, "stack"))
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What is needed to lay out a part of the list.
struct View<'a> {
    report: &'a Report,
    color: bool,
}

/// How a value is to be seen.
#[derive(Clone, Copy)]
enum Tone {
    Plain,
    /// Nothing that anyone has to look at.
    Calm,
    /// Worth a look.
    Alert,
}

impl View<'_> {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// `path:line` of a span.
    fn place(&self, span: Span) -> String {
        let Place { path, start, .. } = self.report.place(span);
        format!("{}:{}", visible(path), start.line)
    }

    fn path(&self, document: usize) -> String {
        let file = self.report.project.documents[document].file();
        visible(&self.report.sources.get(file).path).into_owned()
    }

    /// The files of a stack and how it was found, or the heading of what no stack runs.
    fn heading(&self, group: &[Container], out: &mut dyn Write) -> io::Result<()> {
        let bold = Style::new().bold().underline();
        let Some(stack) = group.first().and_then(|container| self.report.project.stack(container)) else {
            return writeln!(out, "{}", self.paint(bold, "images that no service builds"));
        };
        let files: Vec<String> = stack.files.iter().map(|&file| self.path(file)).collect();
        let files = path_line_start(&files.join(" + "));
        let (heading, rest) = match &stack.name {
            Some(name) => (visible(&self.report.value(name)).into_owned(), format!("  {files}")),
            None => (files, String::new()),
        };
        writeln!(out, "{}{rest}{}", self.paint(bold, &heading), self.dim(&self.basis(stack)))
    }

    fn basis(&self, stack: &Stack) -> String {
        let mut text = match stack.basis {
            Basis::Alone => String::new(),
            Basis::AutomaticOverride => "  Compose merges the override file by itself".to_owned(),
            Basis::ComposeFile(span) => format!("  COMPOSE_FILE, {}", self.place(span)),
            Basis::CommandLine(span) => format!("  command line, {}", self.place(span)),
            Basis::Configured => "  configured".to_owned(),
            Basis::Matched => "  the overlay and the file that has its services".to_owned(),
            Basis::Fragment => "  what it is a part of was not found".to_owned(),
        };
        if let Some(profiles) = &stack.profiles {
            let names: Vec<_> =
                profiles.iter().map(|profile| visible(&self.report.value(&profile.value)).into_owned()).collect();
            match names[..] {
                [] => text.push_str("  no profile is active"),
                _ => text.push_str(&format!("  active profiles: {}", names.join(", "))),
            }
        }
        if stack.superseded {
            text.push_str("  runs in production under other files, and is not graded alone");
        }
        text
    }

    /// A row: its name, a value, and the line that decided it.
    fn row(&self, name: &str, tone: Tone, value: &str, by: Option<Span>, out: &mut dyn Write) -> io::Result<()> {
        let value = cut(&visible(&self.report.value(value)));
        let value = match tone {
            Tone::Plain => value,
            Tone::Calm => self.dim(&value),
            Tone::Alert => self.paint(Style::new().fg_color(Some(AnsiColor::BrightRed.into())), &value),
        };
        let by = by.map(|span| self.dim(&format!("  {}", self.place(span)))).unwrap_or_default();
        writeln!(
            out,
            "    {}{value}{by}",
            self.paint(Style::new().fg_color(Some(AnsiColor::Cyan.into())), &format!("{name:NAME$}"))
        )
    }

    fn container(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        let environment = &container.environment;
        let mark = match environment.environment {
            Environment::Unmarked => self.dim("unmarked"),
            marked => {
                let reason = visible(&self.report.value(&environment.reason)).into_owned();
                format!("{} {}", marked.name(), self.dim(&format!("({reason})")))
            }
        };
        let by = environment.decided_by.map(|span| self.dim(&format!("  {}", self.place(span)))).unwrap_or_default();
        let name = self.paint(Style::new().bold(), &line_start(&self.report.value(&container.name)));
        writeln!(out, "  {name}  {mark}{by}")?;
        self.image(container, out)?;
        self.user(container, out)?;
        self.command(container, out)?;
        self.ports(container, out)?;
        self.mounts(container, out)?;
        self.healthcheck(container, out)?;
        if !container.profiles.is_empty() {
            let profiles: Vec<&str> = container.profiles.iter().map(|profile| profile.value.as_str()).collect();
            self.row("profiles", Tone::Plain, &profiles.join(", "), container.profiles.first().map(|it| it.span), out)?;
        }
        let stack = self.report.project.stack(container);
        for gap in stack.into_iter().flat_map(|stack| stack.gaps_of(&container.name)) {
            let text = format!("{} {} ({})", gap.kind.name(), gap.target, gap.why.name());
            self.row("not seen", Tone::Alert, &text, Some(gap.span), out)?;
        }
        Ok(())
    }

    fn image(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        let project = &self.report.project;
        if let Some(built) = &container.built {
            let path = self.path(built.document);
            let dockerfile = project.dockerfile(built.document);
            let stage = dockerfile.map(|dockerfile| facts::stage_name(dockerfile, built.stage));
            let several = dockerfile.is_some_and(|dockerfile| dockerfile.stages.len() > 1);
            let stage = stage.filter(|_| several).map(|stage| format!(" stage {stage}")).unwrap_or_default();
            let target = project.service(container).and_then(|service| service.build.as_ref()?.target.as_ref());
            self.row("build", Tone::Plain, &format!("{path}{stage}"), target.map(|target| target.span), out)?;
        }
        let name = if container.built.is_some() { "base" } else { "image" };
        match &container.image {
            Some(image) => self.row(name, Tone::Plain, &image.reference, Some(image.span), out),
            None if container.built.is_some() => self.row(name, Tone::Calm, "scratch", None, out),
            None if container.partial => self.row(name, Tone::Calm, "not in sight", None, out),
            None => Ok(()),
        }
    }

    fn user(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        match &container.user {
            Fact::Known(user) => {
                let tone = if user.value.is_root() { Tone::Alert } else { Tone::Plain };
                let text = format!("{} ({})", user.value.name, facts::user_source(user.value.by));
                self.row("user", tone, &text, Some(user.span), out)
            }
            Fact::Absent(_) => self.row("user", Tone::Alert, "root (nothing sets another)", None, out),
            Fact::Unknown(why) => self.row("user", Tone::Calm, &format!("not known: {}", reason(*why)), None, out),
        }
    }

    fn command(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        match &container.command {
            Some(command) => {
                let text = facts::command(self.report, &command.words);
                self.row("command", Tone::Plain, &text, Some(command.span), out)?;
            }
            None => self.row("command", Tone::Calm, "the image's", None, out)?,
        }
        let followed = container.processes.iter().filter(|process| process.origin != ProcessOrigin::Main);
        let mut rest = 0usize;
        for (index, process) in followed.enumerate() {
            if index >= ROWS {
                rest += 1;
                continue;
            }
            let name = facts::process_name(self.report, process).unwrap_or_default();
            let user = facts::process_user(self.report, container, process);
            let (row, text) = match &process.origin {
                ProcessOrigin::Program { .. } => {
                    let user = user.map(|user| format!(" as {user}")).unwrap_or_default();
                    let text = self.report.masked(process.span);
                    ("program", format!("{name}{user}: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")))
                }
                _ => {
                    let commands = process.effective.commands.iter();
                    let starts: Vec<_> = commands.map(|command| facts::program(self.report, command)).collect();
                    ("script", format!("{name}: {}", starts.join(", ")))
                }
            };
            self.row(row, Tone::Plain, &text, Some(process.span), out)?;
        }
        if rest > 0 {
            self.row("", Tone::Calm, &format!("and {rest} more"), None, out)?;
        }
        for &document in container.supervisors.iter().chain(&container.servers) {
            self.row("config", Tone::Plain, &self.path(document), None, out)?;
        }
        Ok(())
    }

    fn ports(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        for port in container.ports.iter().take(ROWS) {
            let address = port.host_ip.as_deref().unwrap_or("0.0.0.0");
            let published = port.published.map_or_else(|| "any".to_owned(), facts::range);
            let reach = match port.reach {
                Reach::Everyone => "everyone, past the host's firewall",
                Reach::Address => "everyone who reaches that address",
                Reach::Private => "the private network",
                Reach::Loopback => "only the host",
                Reach::Unknown => "not known",
            };
            let target = facts::range(port.target);
            let text = format!("{address}:{published} -> {target}/{}: {reach}", port.protocol);
            let tone = if port.reach.is_public() { Tone::Alert } else { Tone::Plain };
            self.row("port", tone, &text, Some(port.span), out)?;
        }
        if container.ports.len() > ROWS {
            self.row("", Tone::Calm, &format!("and {} more", container.ports.len() - ROWS), None, out)?;
        }
        Ok(())
    }

    fn mounts(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        for mount in container.mounts.iter().take(ROWS) {
            let source = mount.source.as_deref().unwrap_or_else(|| facts::mount_kind(mount.kind));
            let mode = if mount.read_only { " (read-only)" } else { "" };
            let text = format!("{source} -> {}{mode}", mount.target.as_deref().unwrap_or("?"));
            let host = source.starts_with('/') && !mount.read_only;
            self.row("mount", if host { Tone::Alert } else { Tone::Plain }, &text, Some(mount.span), out)?;
        }
        if container.mounts.len() > ROWS {
            self.row("", Tone::Calm, &format!("and {} more", container.mounts.len() - ROWS), None, out)?;
        }
        Ok(())
    }

    fn healthcheck(&self, container: &Container, out: &mut dyn Write) -> io::Result<()> {
        match &container.healthcheck {
            Fact::Known(check) => {
                let (present, source) = facts::healthcheck_source(&check.value);
                let text = if present { format!("yes ({source})") } else { "switched off".to_owned() };
                self.row("healthcheck", Tone::Plain, &text, Some(check.span), out)
            }
            Fact::Absent(_) => self.row("healthcheck", Tone::Calm, "none", None, out),
            Fact::Unknown(why) => {
                self.row("healthcheck", Tone::Calm, &format!("not known: {}", reason(*why)), None, out)
            }
        }
    }
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::UnknownImage => "the image decides",
        Why::MissingDockerfile => "its Dockerfile is not in sight",
        Why::Variable => "a variable has no value",
        Why::Partial => "a part of the service is not in sight",
    }
}

/// A value that fits.
fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}
