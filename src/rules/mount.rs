//! Host paths and sockets inside containers.

use std::borrow::Cow;

use super::Cx;
use crate::container::{Container, Mount, Port, Reach};
use crate::finding::Severity;
use crate::project::path::{below, file_name};
use crate::source::Span;
use crate::syntax::compose::MountKind;

/// File names of the control sockets of container engines.
const SOCKETS: [&str; 10] = [
    "docker.sock",
    "docker-cli.sock",
    "docker.raw.sock",
    "podman.sock",
    "containerd.sock",
    "crio.sock",
    "cri-dockerd.sock",
    "dockershim.sock",
    "buildkitd.sock",
    "balena-engine.sock",
];

/// Folders with such a socket in them.
const SOCKET_FOLDERS: [&str; 6] =
    ["/run", "/run/docker", "/run/podman", "/run/containerd", "/run/crio", "/run/k3s/containerd"];

/// systemd's own socket, which starts any unit for root, and the folder that it is in.
const SYSTEMD: [&str; 2] = ["/run/systemd/private", "/run/systemd"];

/// Parts of the names of images that pass on a few read-only calls of the engine.
const SOCKET_PROXIES: [&str; 3] = ["socket-proxy", "dockerproxy", "docker-proxy"];

/// Parts of the names of images that read the host's state to report it.
const HOST_READERS: &[&str] = &[
    "alloy",
    "beszel-agent",
    "cadvisor",
    "datadog",
    "dd-agent",
    "filebeat",
    "fluent",
    "glances",
    "metricbeat",
    "netdata",
    "newrelic",
    "node-exporter",
    "node_exporter",
    "opentelemetry-collector",
    "process-exporter",
    "promtail",
    "telegraf",
    "vector",
    "zabbix-agent",
];

/// A host path in a container.
struct HostPath<'a> {
    /// Path on the host, `~` for the home of whoever starts the engine, without a slash at its end.
    path: Cow<'a, str>,
    mount: &'a Mount,
    /// The mount or the volume behind it is read-only.
    read_only: bool,
    /// The line that names the path, where that is not the mount.
    named: Option<Span>,
}

/// The host paths that a container gets: its binds, and its named volumes that are binds. Paths of the repository and
/// paths that begin with a variable are left out.
fn host_paths<'a>(container: &'a Container, cx: &Cx<'a>) -> Vec<HostPath<'a>> {
    let mut paths = Vec::new();
    for mount in &container.mounts {
        let Some(source) = mount.source.as_deref() else { continue };
        match mount.kind {
            MountKind::Bind | MountKind::NamedPipe => {
                if let Some(path) = host_path(source, mount.open) {
                    paths.push(HostPath { path, mount, read_only: mount.read_only, named: None });
                }
            }
            MountKind::Volume => {
                let device = volume_device(container, source, cx);
                if let Some((device, span, options)) = device
                    && let Some(path) = host_path(device, false)
                {
                    let read_only = mount.read_only || options.split(',').any(|word| word.trim() == "ro");
                    paths.push(HostPath { path, mount, read_only, named: Some(span) });
                }
            }
            _ => {}
        }
    }
    paths
}

/// The host path that the `local` driver binds for a named volume, and the options of the mount.
fn volume_device<'a>(container: &Container, name: &str, cx: &Cx<'a>) -> Option<(&'a str, Span, &'a str)> {
    let crate::container::Origin::Service { document, .. } = container.origin else { return None };
    let volume = cx.project.compose(document)?.volumes.iter().find(|volume| volume.name.value == name)?;
    let option = |name: &str| volume.driver_opts.iter().find(|option| option.key.value == name);
    let options = option("o")?.value.as_ref()?.value.as_str();
    let binds = options.split(',').any(|word| matches!(word.trim(), "bind" | "rbind"));
    let device = option("device")?.value.as_ref().filter(|device| binds && device.known)?;
    Some((device.value.as_str(), device.span, options))
}

/// A source as a host path in one spelling.
fn host_path(source: &str, open: bool) -> Option<Cow<'_, str>> {
    let home = ["${HOME}", "$HOME", "${USERPROFILE}"].iter().find_map(|home| source.strip_prefix(home));
    let path: Cow<str> = match home {
        Some(rest) => Cow::Owned(format!("~{rest}")),
        None if open || source.starts_with('.') => return None,
        None => Cow::Borrowed(source),
    };
    let path = match path.trim_end_matches('/').len() {
        0 => Cow::Borrowed("/"),
        length if length < path.len() => Cow::Owned(path[..length].to_owned()),
        _ => path,
    };
    if path.starts_with("//./") {
        return Some(path);
    }
    if path.contains("//") || path.contains("/./") || path.contains("/../") || path.ends_with("/..") {
        return path.starts_with('/').then(|| Cow::Owned(crate::project::path::absolute("/", &path)));
    }
    Some(path)
}

/// Whether a mount gives the control socket of an engine, and whether of one without root.
fn engine_socket(path: &str) -> Option<bool> {
    let pipe = path.replace('\\', "/");
    if pipe.starts_with("//./pipe/docker_engine") {
        return Some(false);
    }
    let path = path.strip_prefix("/var").filter(|rest| rest.starts_with("/run")).unwrap_or(path);
    let rootless = path.starts_with("/run/user/") || path.starts_with('~') || path.starts_with("/home/");
    let known = SOCKETS.contains(&file_name(path)) || SOCKET_FOLDERS.contains(&path) || SYSTEMD.contains(&path);
    known.then_some(rootless)
}

/// The control socket of an engine in a container.
pub(super) struct Socket<'a> {
    /// Path on the host.
    path: Cow<'a, str>,
    /// The mount that brings it.
    pub mount: &'a Mount,
    /// The line that names the path, where that is not the mount.
    named: Option<Span>,
    /// The engine runs without root.
    rootless: bool,
}

/// The control sockets of engines that a container gets by its mounts.
pub(super) fn sockets<'a>(container: &'a Container, cx: &Cx<'a>) -> Vec<Socket<'a>> {
    let hosts = host_paths(container, cx).into_iter().map(|host| (host.path, host.mount, host.named));
    // Behind a variable without a default, the path in the container says what is mounted.
    let behind_variable = container.mounts.iter().filter(|mount| mount.open && mount.kind == MountKind::Bind);
    let behind_variable = behind_variable.filter_map(|mount| {
        let source = mount.source.as_deref().unwrap_or_default();
        let path =
            if SOCKETS.contains(&file_name(source)) { source } else { mount.target.as_deref().unwrap_or_default() };
        SOCKETS.contains(&file_name(path)).then_some((Cow::Borrowed(path), mount, None))
    });
    let sockets = hosts.chain(behind_variable);
    sockets
        .filter_map(|(path, mount, named)| engine_socket(&path).map(|rootless| Socket { path, mount, named, rootless }))
        .collect()
}

/// Whether a container passes calls on to an engine.
pub(super) fn is_socket_proxy(container: &Container) -> bool {
    container.image_is(&SOCKET_PROXIES)
}

/// Whether what is mounted at `target` of a container, from a volume of its engine, has the engine's socket in it.
pub(super) fn holds_socket(target: &str) -> bool {
    engine_socket(target).is_some()
}

/// The first path of the host that makes a container root there, and the mount that brings it.
pub(super) fn root_mount<'a>(container: &'a Container, cx: &Cx<'a>) -> Option<(Cow<'a, str>, &'a Mount)> {
    let mut paths = host_paths(container, cx).into_iter().filter(|host| !host.read_only);
    let root =
        paths.find(|host| engine_socket(&host.path).is_none() && holds(&host.path, false) == Some(Holds::Root))?;
    Some((root.path, root.mount))
}

pub(super) fn container_socket_mounted(container: &Container, cx: &mut Cx) {
    let name = &container.name;
    let service = cx.project.service(container);
    if let Some(api) = service.and_then(|service| service.uncommon.use_api_socket).filter(|api| api.value) {
        cx.report(api.span, format!("`{name}` controls the container engine, and with it the host"))
            .help("remove `use_api_socket`");
    }
    let writes = container.env("POST").and_then(|env| env.value.as_ref()).is_some_and(|value| value.value == "1");
    let proxy = is_socket_proxy(container) && container.ports.is_empty() && !writes;
    for Socket { path, mount, named, rootless } in sockets(container, cx) {
        let folder = !SOCKETS.contains(&file_name(&path)) && !path.contains("pipe");
        let message = match folder {
            true if SYSTEMD.iter().any(|systemd| path.ends_with(systemd)) => {
                format!("`{name}` gets the socket of the host's systemd with `{path}`, and with that the host")
            }
            true => format!("`{name}` gets `{path}` with the engine's socket in it, and with that the host"),
            false => format!("`{name}` controls the container engine, and with it the host"),
        };
        let finding = cx.report(mount.span, message);
        finding.evidence(path.as_ref());
        if proxy {
            finding
                .severity(Severity::Medium)
                .help("keep it off published ports, and allow only the calls that are used");
        } else {
            finding.help(match mount.read_only {
                true => {
                    "remove it: read-only does not keep calls out; or put a proxy in between that allows only the calls that are needed"
                }
                false => "remove it, or put a proxy in between that allows only the calls that are needed",
            });
            if rootless {
                finding.severity(Severity::High);
            }
        }
        if let Some(span) = named {
            finding.related(span, "the volume is this path");
        }
    }
}

pub(super) fn docker_api_exposed(container: &Container, cx: &mut Cx) {
    let name = &container.name;
    let help = "use TLS with client certificates on 2376, or a socket that stays on the host";
    let mut published = false;
    // Published under the number of the engine's port, something else is behind it unless the container has the engine.
    let holds_socket = || host_paths(container, cx).iter().any(|host| engine_socket(&host.path).is_some());
    let is_api = |port: &&Port| port.targets(2375) || (port.published == Some((2375, 2375)) && holds_socket());
    let ports: Vec<&Port> = super::exposure::published(container, cx).filter(is_api).collect();
    for port in ports {
        let severity = match port.reach {
            Reach::Loopback => continue,
            Reach::Everyone | Reach::Address => Severity::Critical,
            Reach::Private | Reach::Unknown => Severity::High,
        };
        published = true;
        let message = format!("`{name}` publishes the engine's API without TLS on port 2375");
        cx.report(port.span, message).severity(severity).help(help);
    }
    if published {
        return;
    }
    let open = Severity::High;
    for command in container.processes.iter().flat_map(|process| &process.effective.commands) {
        let daemon = matches!(command.name.as_str(), "dockerd" | "dockerd-entrypoint.sh");
        let listens = |word: &crate::syntax::shell::Word| {
            let address = word.text.as_str().rsplit_once("tcp://").map(|(_, address)| address);
            address.is_some_and(|address| !["127.", "localhost", "[::1]"].iter().any(|own| address.starts_with(own)))
        };
        let verifies = |word: &crate::syntax::shell::Word| {
            matches!(word.text.as_str(), "--tlsverify" | "--tlsverify=true" | "--tlsverify=1")
        };
        if daemon
            && !command.args.iter().any(verifies)
            && let Some(word) = command.args.iter().find(|word| listens(word))
        {
            let message = format!("the engine in `{name}` takes commands over TCP without TLS");
            cx.report(word.text.span, message).severity(open).help(help);
            return;
        }
    }
    let value = |name: &str| container.env(name).and_then(|env| Some((env.value.as_ref()?, env.known)));
    let engine = container.image.as_ref().is_some_and(|i| i.short_name() == "docker" || i.repository.contains("dind"));
    if let Some((directory, true)) = value("DOCKER_TLS_CERTDIR").filter(|_| engine)
        && directory.value.is_empty()
    {
        let message = format!("the engine in `{name}` listens without TLS on port 2375 of its networks");
        cx.report(directory.span, message).severity(open).help("leave `DOCKER_TLS_CERTDIR` as the image sets it");
    }
    let tls = value("DOCKER_TLS_VERIFY").is_some_and(|(verify, _)| !verify.value.is_empty() && verify.value != "0");
    if let Some((host, true)) = value("DOCKER_HOST").filter(|_| !tls)
        && let Some(address) = host.value.strip_prefix("tcp://")
        && is_outside(address)
    {
        let message = format!("`{name}` commands the engine at `{address}` without TLS");
        cx.report(host.span, message).severity(open).help(help);
    }
}

/// Whether an address with its port lies outside of the container networks of the file: those have names without dots.
fn is_outside(address: &str) -> bool {
    let address = address.split('/').next().unwrap_or_default();
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "2375"));
    port != "2376" && host != "127.0.0.1" && host.contains(['.', ':'])
}

/// What a host path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Whoever writes there is root on the host.
    Root,
    /// Configuration that programs of the host read.
    Configuration,
    /// Programs and libraries of the host: nothing secret.
    Programs,
    /// State of the kernel and of devices.
    State,
    /// Everything that somebody has, keys included.
    Home,
    /// Keys to other systems.
    Credentials,
}

/// Names in /etc that programs run or trust as root.
const ETC_AS_ROOT: [&str; 25] = [
    "bash.bashrc",
    "containerd",
    "cron.d",
    "cron.daily",
    "cron.hourly",
    "cron.monthly",
    "cron.weekly",
    "crontab",
    "docker",
    "environment",
    "group",
    "init.d",
    "kubernetes",
    "ld.so.conf.d",
    "ld.so.preload",
    "modprobe.d",
    "pam.d",
    "passwd",
    "profile",
    "profile.d",
    "shadow",
    "ssh",
    "sudoers",
    "sudoers.d",
    "systemd",
];

/// Names in /etc that hold nothing secret, and that containers get to agree with their host.
const ETC_PUBLIC: [&str; 15] = [
    "ca-certificates",
    "group",
    "hostname",
    "hosts",
    "letsencrypt",
    "localtime",
    "machine-id",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki",
    "resolv.conf",
    "ssl",
    "timezone",
    "lsb-release",
];

/// Files and folders of a home that hold keys.
const CREDENTIALS: &[&str] = &[
    ".aws",
    ".azure",
    ".cargo/credentials.toml",
    ".config/doctl",
    ".config/gcloud",
    ".config/gh",
    ".config/rclone",
    ".config/sops",
    ".docker",
    ".gem/credentials",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".m2/settings.xml",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".oci",
    ".password-store",
    ".pgpass",
    ".pypirc",
    ".ssh",
    ".terraform.d",
    ".vault-token",
];

/// What a host path holds that is worth a finding.
fn holds(path: &str, read_only: bool) -> Option<Holds> {
    if let Some(found) = home(path) {
        return Some(found).filter(|found| *found != Holds::State);
    }
    if let Some(rest) = below(path, "/etc").filter(|_| path != "/") {
        let first = rest.split('/').next().unwrap_or_default();
        return match first {
            "localtime" | "timezone" => None,
            "" => Some(Holds::Root),
            _ if read_only => (ETC_AS_ROOT.contains(&first) && !ETC_PUBLIC.contains(&first)).then_some(Holds::Root),
            _ if ETC_AS_ROOT.contains(&first) => Some(Holds::Root),
            "letsencrypt" | "hostname" | "hosts" | "resolv.conf" => None,
            _ => Some(Holds::Configuration),
        };
    }
    let inside = |folder: &str| below(path, folder).is_some();
    if matches!(path, "/" | "/var" | "/var/lib" | "/proc" | "/var/lib/kubelet" | "/etc/kubernetes") {
        return Some(Holds::Root);
    }
    if inside("/proc") {
        // /proc/sys and /proc/sysrq-trigger change the kernel that all share.
        return Some(if read_only { Holds::State } else { Holds::Root });
    }
    for engine in ["/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/rancher"] {
        if let Some(rest) = below(path, engine) {
            // The data of one volume is that volume's.
            let one_volume = rest.strip_prefix("volumes/").is_some_and(|volume| !volume.is_empty());
            return (!one_volume).then_some(Holds::Root);
        }
    }
    if inside("/var/spool/cron") {
        // What cron starts as root.
        return (!read_only).then_some(Holds::Root);
    }
    let programs =
        ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local/bin", "/usr/local/sbin"];
    let systems = ["/bin", "/sbin", "/lib", "/lib64", "/boot"];
    if matches!(path, "/usr" | "/usr/local" | "/usr/local/lib") || systems.iter().chain(&programs).any(|f| inside(f)) {
        return Some(if read_only { Holds::Programs } else { Holds::Root });
    }
    let raw_disk = ["/dev/sd", "/dev/nvme", "/dev/mapper", "/dev/disk", "/dev/mem"];
    if inside("/sys") || path == "/dev" || raw_disk.iter().any(|disk| path.starts_with(disk)) {
        return Some(Holds::State);
    }
    None
}

/// What a path in a home holds; [`Holds::State`] for a project, which is nobody else's business.
fn home(path: &str) -> Option<Holds> {
    let is_root = below(path, "/root").is_some() && path != "/";
    let rest = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ if is_root => path.strip_prefix("/root")?,
        _ => {
            let users = ["/home", "/Users"].iter().find_map(|homes| path.strip_prefix(homes))?;
            match users.strip_prefix('/') {
                None if users.is_empty() => "",
                None => return None,
                Some(user) => user.find('/').map_or("", |slash| &user[slash..]),
            }
        }
    };
    let rest = rest.trim_start_matches('/');
    let key = CREDENTIALS.iter().find(|name| below(rest, name).is_some() && !rest.is_empty());
    match key {
        // What others may know of a key, and whom it trusts.
        Some(_) if rest.ends_with(".pub") || rest.ends_with("known_hosts") => Some(Holds::State),
        Some(_) if is_root && matches!(rest, ".ssh" | ".ssh/authorized_keys") => Some(Holds::Root),
        Some(_) => Some(Holds::Credentials),
        None if rest.is_empty() && is_root => Some(Holds::Root),
        None if rest.is_empty() => Some(Holds::Home),
        None => Some(Holds::State),
    }
}

/// The mounts that the rules about sockets and host paths speak of.
pub(super) fn speaks_of(container: &Container, cx: &Cx) -> Vec<Span> {
    let paths = host_paths(container, cx).into_iter();
    let told = |host: &HostPath| engine_socket(&host.path).is_some() || holds(&host.path, host.read_only).is_some();
    let spoken = paths.filter(told);
    spoken.map(|host| host.mount.span).collect()
}

pub(super) fn root_equivalent_host_mount(container: &Container, cx: &mut Cx) {
    for HostPath { path, mount, read_only, named } in host_paths(container, cx) {
        if read_only || engine_socket(&path).is_some() {
            continue;
        }
        let name = &container.name;
        let (message, severity) = match holds(&path, false) {
            Some(Holds::Root) => {
                (format!("`{name}` can write `{path}` of the host, and so become root there"), Severity::Critical)
            }
            Some(Holds::Configuration) => {
                (format!("`{name}` can write `{path}`, where programs of the host keep their settings"), Severity::Low)
            }
            _ => continue,
        };
        let finding = cx.report(mount.span, message);
        finding.severity(severity).evidence(path.as_ref());
        finding.help("mount only the directory that is needed, read-only (`:ro`) where it is only read");
        if let Some(span) = named {
            finding.related(span, "the volume is this path");
        }
    }
}

pub(super) fn sensitive_host_path(container: &Container, cx: &mut Cx) {
    for HostPath { path, mount, read_only, named } in host_paths(container, cx) {
        if engine_socket(&path).is_some() {
            continue;
        }
        let name = &container.name;
        let found = holds(&path, read_only);
        let (what, severity) = match found {
            Some(Holds::Root) if read_only => ("state of the host with secrets in it", Severity::High),
            Some(Holds::State) => ("state of the host's kernel and devices", Severity::High),
            Some(Holds::Home) => ("everything in it, keys and history included", Severity::High),
            Some(Holds::Credentials) => ("keys to other systems", Severity::High),
            Some(Holds::Programs) => ("the host's programs and libraries", Severity::Low),
            _ => continue,
        };
        // What every host has loaded, and the sources of its kernel, are public.
        if read_only && ["/lib/modules", "/usr/lib/modules", "/usr/src"].iter().any(|f| below(&path, f).is_some()) {
            continue;
        }
        let severity = match severity {
            Severity::High if read_only && container.image_is(HOST_READERS) => Severity::Low,
            Severity::High if path.starts_with("/sys/fs/cgroup") || path.starts_with("/sys/class") => Severity::Medium,
            Severity::High if found == Some(Holds::State) && read_only => Severity::Medium,
            other => other,
        };
        let verb = if read_only { "reads" } else { "gets" };
        let finding = cx.report(mount.span, format!("`{name}` {verb} `{path}`: {what}"));
        finding.severity(severity).evidence(path.as_ref());
        finding.help(match found {
            Some(Holds::Credentials) => "pass the one key that is needed as a secret",
            _ => "mount only the files that are needed",
        });
        if let Some(span) = named {
            finding.related(span, "the volume is this path");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_path_is_known_by_what_it_holds() {
        for (path, written, read) in [
            ("/", Some(Holds::Root), Some(Holds::Root)),
            ("/etc", Some(Holds::Root), Some(Holds::Root)),
            ("/etc/cron.d/job", Some(Holds::Root), Some(Holds::Root)),
            ("/etc/passwd", Some(Holds::Root), None),
            ("/etc/nginx", Some(Holds::Configuration), None),
            ("/etc/localtime", None, None),
            ("/etcetera", None, None),
            ("/var", Some(Holds::Root), Some(Holds::Root)),
            ("/var/lib", Some(Holds::Root), Some(Holds::Root)),
            ("/var/lib/postgresql", None, None),
            ("/var/lib/docker/containers", Some(Holds::Root), Some(Holds::Root)),
            ("/var/lib/docker/volumes/app/_data", None, None),
            ("/usr/bin/docker", Some(Holds::Root), Some(Holds::Programs)),
            ("/usr/share/zoneinfo", None, None),
            ("/var/spool/cron/crontabs", Some(Holds::Root), None),
            ("/var/spool/mail", None, None),
            ("/sys/fs/cgroup", Some(Holds::State), Some(Holds::State)),
            ("/dev", Some(Holds::State), Some(Holds::State)),
            ("/dev/null", None, None),
            ("/dev/net/tun", None, None),
            ("/root", Some(Holds::Root), Some(Holds::Root)),
            ("/root/.ssh", Some(Holds::Root), Some(Holds::Root)),
            ("/root/.kube/config", Some(Holds::Credentials), Some(Holds::Credentials)),
            ("/root/app", None, None),
            ("/home", Some(Holds::Home), Some(Holds::Home)),
            ("/home/me", Some(Holds::Home), Some(Holds::Home)),
            ("/home/me/project/data", None, None),
            ("/homework", None, None),
            ("~", Some(Holds::Home), Some(Holds::Home)),
            ("~/.aws", Some(Holds::Credentials), Some(Holds::Credentials)),
            ("~/.m2", None, None),
            ("~/.m2/settings.xml", Some(Holds::Credentials), Some(Holds::Credentials)),
            ("~/.ssh/known_hosts", None, None),
            ("~/.sshfs", None, None),
            ("~/data", None, None),
            ("/opt/app", None, None),
            ("/srv", None, None),
        ] {
            assert_eq!((holds(path, false), holds(path, true)), (written, read), "{path}");
        }
    }

    #[test]
    fn one_path_has_one_spelling() {
        for (source, open, expected) in [
            ("/etc/", false, Some("/etc")),
            ("//", false, Some("/")),
            ("/srv/../etc", false, Some("/etc")),
            ("${HOME}/.ssh", true, Some("~/.ssh")),
            ("./data", false, None),
            ("${DATA}/x", true, None),
            (r"\\.\pipe\docker_engine", false, Some(r"\\.\pipe\docker_engine")),
        ] {
            assert_eq!(host_path(source, open).as_deref(), expected, "{source}");
        }
    }
}
