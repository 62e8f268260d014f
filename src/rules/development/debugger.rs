//! Debuggers that listen for a connection.

use crate::command::Simple;
use crate::container::{Container, Reach};
use crate::source::Span;

/// Every debugger of the container that listens beyond loopback: where that is written, and what it is.
pub(super) fn found(container: &Container) -> Vec<(Span, String)> {
    let mut found: Vec<(Span, String)> = Vec::new();
    let bare_port = runs_old_java(container);
    for process in &container.processes {
        for command in &process.effective.commands {
            found.extend(of_command(command, bare_port));
            found.extend(of_launcher(command));
        }
    }
    let set = container.env.iter().filter(|env| env.known).filter_map(|env| {
        let value = env.value.as_ref()?;
        Some((env.span, env.name.value.as_str(), value.value.as_str()))
    });
    let commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    let assigned = commands.flat_map(|command| &command.assignments).filter(|assignment| assignment.value.literal);
    let assigned = assigned.map(|assignment| {
        let span = assignment.name.span.to(assignment.value.text.span);
        (span, assignment.name.as_str(), assignment.value.text.as_str())
    });
    for (span, name, value) in set.chain(assigned) {
        if let Some(what) = of_variable(name, value, container, bare_port) {
            found.push((span, what));
        }
    }
    found
}

/// The debugger that a variable switches on.
fn of_variable(name: &str, value: &str, container: &Container, bare_port: bool) -> Option<String> {
    let mut options = value.split([' ', '\t', '"', '\'']).filter(|word| !word.is_empty());
    let is_java = matches!(name, "JAVA_OPTS" | "JAVA_TOOL_OPTIONS" | "_JAVA_OPTIONS" | "JDK_JAVA_OPTIONS")
        || name.ends_with("_OPTS")
        || name.ends_with("_JVM_OPTIONS");
    let hit = options.find_map(|option| match name {
        "NODE_OPTIONS" => node_inspector(option),
        _ if is_java => java_option(option, bare_port),
        _ => None,
    });
    if let Some(what) = hit {
        return Some(format!("`{what}` in `{name}`"));
    }
    if is_java && is_open_jmx(value.split_whitespace()) {
        return Some(format!("JMX without authentication in `{name}`"));
    }
    match name {
        "RUBY_DEBUG_HOST" if is_open(value) => Some(format!("`{name}={value}`")),
        "BPL_DEBUG_ENABLED" if value == "true" => Some(format!("the JVM's, which `{name}` switches on")),
        "JPDA_ADDRESS" if starts_jpda(container) && host_of(value).is_some_and(is_open) => {
            Some(format!("`{name}={value}`"))
        }
        _ => None,
    }
}

/// Whether Tomcat is started with its debugger (`catalina.sh jpda run`).
fn starts_jpda(container: &Container) -> bool {
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands);
    commands.any(|command| {
        command.name.starts_with("catalina") && command.args.iter().any(|word| word.text.value == "jpda")
    })
}

/// Whether a host lets others than the container itself in.
fn is_open(host: &str) -> bool {
    matches!(Reach::of(host), Reach::Everyone | Reach::Address | Reach::Private) || host.is_empty()
}

/// The host of `host:port`, `:port`, or nothing but a port.
fn host_of(address: &str) -> Option<&str> {
    address.rsplit_once(':').map(|(host, _)| host)
}

fn of_command(command: &Simple, bare_port: bool) -> Option<(Span, String)> {
    let words = || command.args.iter();
    // What stands behind the script is the script's.
    let own = || words().take_while(|word| word.text.value.starts_with('-'));
    match command.name.as_str() {
        "node" | "nodejs" => own().find_map(|word| {
            let what = node_inspector(word.text.as_str())?;
            Some((word.text.span, format!("`{what}`")))
        }),
        "nodemon" | "ts-node-dev" | "tsx" | "bun" | "deno" | "ts-node" => words().find_map(|word| {
            // `--exec` has a whole command in one word.
            let what = word.text.as_str().split_whitespace().find_map(node_inspector)?;
            Some((word.text.span, format!("`{what}`")))
        }),
        "java" => {
            let jdwp = words()
                .find_map(|word| Some((word.text.span, format!("`{}`", java_option(word.text.as_str(), bare_port)?))));
            jdwp.or_else(|| {
                let flags = || words().map(|word| word.text.as_str());
                let port = words().find(|word| word.text.value.contains("jmxremote"))?;
                is_open_jmx(flags()).then(|| (port.text.span, "JMX without authentication".to_owned()))
            })
        }
        "dlv" => {
            let listen = command.option(&["--listen", "-l"])?;
            let open = host_of(listen.text.as_str()).is_some_and(is_open);
            open.then(|| (listen.text.span, format!("Delve listens on `{}`", listen.text.as_str())))
        }
        "gdbserver" => {
            let address = words().find(|word| host_of(word.text.as_str()).is_some_and(is_open))?;
            Some((address.text.span, format!("gdbserver listens on `{}`", address.text.as_str())))
        }
        "rdbg" => {
            let host = command.option(&["--host"]).filter(|host| is_open(host.text.as_str()))?;
            Some((host.text.span, format!("rdbg listens on `{}`", host.text.as_str())))
        }
        _ => None,
    }
}

/// The address that debugpy, which is taken off the command that it starts, is told to listen on.
fn of_launcher(command: &Simple) -> Option<(Span, String)> {
    let launcher = command.through.iter().find(|name| matches!(name.as_str(), "debugpy" | "ptvsd"))?;
    let words = command.wrapping.iter().skip_while(|word| !matches!(word.text.as_str(), "--listen" | "--host"));
    let address = words.take(2).nth(1)?;
    let written = address.text.as_str();
    // A bare number is a port, and then it is the container alone.
    let host = host_of(written).or(written.contains('.').then_some(written))?;
    is_open(host).then(|| (address.text.span, format!("{launcher} listens on `{written}`")))
}

/// `--inspect=host:port` and its kin, where the host is not the container alone.
fn node_inspector(option: &str) -> Option<&str> {
    let names = ["--inspect", "--inspect-brk", "--inspect-wait", "--inspect-port"];
    let (name, address) = option.split_once('=')?;
    let host = host_of(address).or(address.contains('.').then_some(address))?;
    (names.contains(&name) && is_open(host)).then_some(option)
}

/// `-agentlib:jdwp=…,address=*:5005`, and `-Xrunjdwp:` before it. With `bare_port`, a port without a host lets everyone in.
fn java_option(option: &str, bare_port: bool) -> Option<&str> {
    let settings = option.strip_prefix("-agentlib:jdwp=").or_else(|| option.strip_prefix("-Xrunjdwp:"))?;
    let value = |name: &str| settings.split(',').find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='));
    let open = host_of(value("address")?).map_or(bare_port, is_open);
    (open && value("server") == Some("y")).then_some(option)
}

/// Whether the image has a Java up to 8 by its tag, whose debugger listens on every address when it is told a port alone.
fn runs_old_java(container: &Container) -> bool {
    const JAVA: [&str; 7] =
        ["openjdk", "java", "eclipse-temurin", "amazoncorretto", "adoptopenjdk", "zulu-openjdk", "ibmjava"];
    let Some((image, tag)) = container.image.as_ref().and_then(|image| Some((image, image.tag.as_deref()?))) else {
        return false;
    };
    let old = |part: &str| {
        let version = part.trim_start_matches("jdk").trim_start_matches("jre").trim_start_matches("1.");
        let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| &version[..end]);
        matches!(digits, "6" | "7" | "8")
    };
    let named = |part: &str| (part.starts_with("jdk") || part.starts_with("jre")) && old(part);
    let first = tag.split('-').next().unwrap_or(tag);
    tag.split('-').any(named) || JAVA.contains(&image.short_name()) && old(first)
}

fn is_open_jmx<'a>(options: impl Iterator<Item = &'a str> + Clone) -> bool {
    let has = |wanted: &str| options.clone().any(|option| option.starts_with(wanted));
    has("-Dcom.sun.management.jmxremote.port=") && has("-Dcom.sun.management.jmxremote.authenticate=false")
}
