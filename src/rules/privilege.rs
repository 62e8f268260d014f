//! Capabilities, namespaces, devices, security profiles.

use super::Cx;
use super::health::overlays;
use crate::container::{Container, Origin};
use crate::finding::Severity;
use crate::source::Span;
use crate::syntax::compose::{Network, Scalar, Service};

/// Parts of the names of images that build networks of their own.
const VPN_IMAGES: &[&str] = &[
    "amnezia",
    "firezone",
    "gluetun",
    "headscale",
    "ipsec",
    "netbird",
    "netmaker",
    "nordvpn",
    "openconnect",
    "openvpn",
    "softether",
    "strongswan",
    "tailscale",
    "transmission-vpn",
    "vpn",
    "wg-easy",
    "wireguard",
    "zerotier",
];

/// Parts of the names of images that watch the host they run on.
const MONITORING_IMAGES: &[&str] = &[
    "beszel-agent",
    "cadvisor",
    "collectd",
    "datadog",
    "dd-agent",
    "glances",
    "netdata",
    "newrelic",
    "node-exporter",
    "node_exporter",
    "ntopng",
    "opentelemetry-collector",
    "process-exporter",
    "scaphandre",
    "telegraf",
    "zabbix-agent",
];

/// Parts of the names of images that find devices by broadcast or multicast, or route for the host.
const DISCOVERY_IMAGES: &[&str] = &[
    "adguardhome",
    "avahi",
    "dhcp",
    "emby",
    "esphome",
    "fail2ban",
    "home-assistant",
    "homeassistant",
    "homebridge",
    "jellyfin",
    "keepalived",
    "matter-server",
    "music-assistant",
    "pihole",
    "plex",
    "samba",
    "scrypted",
    "unifi",
    "upsnap",
    "watchyourlan",
];

/// Capabilities that alone are enough to run code on the host (capabilities(7)).
const HOST_CODE: [&str; 4] = ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO"];

/// Capabilities that act on what all containers and the host share (capabilities(7)), and what they allow.
const HOST_REACHING: [(&str, &str); 13] = [
    ("NET_ADMIN", "change interfaces, routes and firewalls"),
    ("BPF", "load programs into the kernel"),
    ("SYS_BOOT", "load another kernel on the host"),
    ("DAC_READ_SEARCH", "read every file of a host file system that a mount comes from"),
    ("SYS_TIME", "set the host's clock"),
    ("PERFMON", "watch every process of the host"),
    ("SYSLOG", "read the kernel's log and its addresses"),
    ("SYS_NICE", "take CPU time from every process of the host"),
    ("IPC_LOCK", "lock memory past its limit"),
    ("LEASE", "hold up other processes at their files"),
    ("MAC_ADMIN", "change the host's access policy"),
    ("MAC_OVERRIDE", "step over the host's access policy"),
    ("AUDIT_CONTROL", "switch the host's audit off"),
];

/// Capabilities of those that cost the host its performance rather than its secrets.
const SLOWING: [&str; 3] = ["SYS_NICE", "IPC_LOCK", "LEASE"];

/// Parts of the names of images whose documentation asks for one of [`SLOWING`].
const SLOWING_IMAGES: &[&str] =
    &["clickhouse", "elasticsearch", "mariadb", "mysql", "openbao", "opensearch", "percona", "vault"];

/// The service of a container whose privileges are still worth grading: `privileged: true` includes all of them, and has a
/// rule of its own.
fn confined<'a>(container: &Container, cx: &Cx<'a>) -> Option<&'a Service> {
    cx.project.service(container).filter(|service| !service.privileged.is_some_and(|privileged| privileged.value))
}

/// A capability as the kernel names it, without `CAP_`.
fn capability(scalar: &Scalar) -> String {
    let name = scalar.value.trim().to_ascii_uppercase();
    name.strip_prefix("CAP_").map_or_else(|| name.clone(), str::to_owned)
}

/// The place of a key of the service, else the service itself: where something that is missing would be written.
fn place_of(service: &Service, key: &str, container: &Container) -> Span {
    service.keys.iter().rev().find(|name| name.value == key).map_or(container.span, |name| name.span)
}

/// An option of `security_opt`: name and value, which `=` or the older `:` separates.
fn security_option(scalar: &Scalar) -> (&str, &str) {
    let text = scalar.value.trim();
    text.split_once(['=', ':']).unwrap_or((text, ""))
}

/// Whether the namespace that `key` names is the host's.
fn is_host(scalar: Option<&Scalar>) -> Option<Span> {
    scalar.filter(|scalar| scalar.known && scalar.value.trim() == "host").map(|scalar| scalar.span)
}

/// Where a service takes the host's network: by its mode, or as the external network that the engine calls `host`.
fn host_network_of(service: &Service, container: &Container, cx: &Cx) -> Option<Span> {
    if let Some(span) = is_host(service.network_mode.as_ref()) {
        return Some(span);
    }
    let Origin::Service { document, .. } = container.origin else { return None };
    let compose = cx.project.compose(document).filter(|_| !service.networks.is_empty())?;
    let is_the_host = |network: &Network| {
        let named = network.engine_name.as_ref().map_or(network.name.value.as_str(), |name| name.value.as_str());
        network.external && named == "host"
    };
    // No more networks are looked at than people write.
    let mut hosts = compose.networks.iter().take(200).filter(|network| is_the_host(network));
    let joined = |host: &Network| service.networks.iter().take(200).find(|joined| joined.name.value == host.name.value);
    hosts.find_map(joined).map(|joined| joined.name.span)
}

pub(super) fn privileged_container(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    let Some(privileged) = service.privileged.filter(|privileged| privileged.value) else { return };
    let isolated =
        service.uncommon.runtime.as_ref().is_some_and(|r| r.value.starts_with("sysbox") || r.value.starts_with("kata"));
    let rootless =
        container.image.as_ref().and_then(|image| image.tag.as_deref()).is_some_and(|t| t.contains("rootless"));
    let means = match (isolated, rootless) {
        (true, _) => "only its runtime keeps it from the host",
        (_, true) => "whoever becomes root in it is root on the host",
        _ => "root in it is root on the host",
    };
    let finding = cx.report(privileged.span, format!("`{}` runs privileged: {means}", container.name));
    finding.help("remove it, and grant the one capability or device that is needed");
    if isolated || rootless {
        finding.severity(Severity::High);
    }
}

pub(super) fn host_code_capability(container: &Container, cx: &mut Cx) {
    let Some(service) = confined(container, cx) else { return };
    for scalar in service.cap_add.iter().filter(|scalar| scalar.known) {
        let name = capability(scalar);
        if HOST_CODE.contains(&name.as_str()) {
            let message = format!("`{}` can run code on the host: capability {name}", container.name);
            cx.report(scalar.span, message).evidence(name).help("remove it, and add only what the program calls for");
        }
    }
}

pub(super) fn host_reaching_capability(container: &Container, cx: &mut Cx) {
    let Some(service) = confined(container, cx) else { return };
    // ALL includes them.
    if service.cap_add.iter().any(|scalar| capability(scalar) == "ALL") {
        return;
    }
    let host_network = host_network_of(service, container, cx);
    for scalar in service.cap_add.iter().filter(|scalar| scalar.known) {
        let name = capability(scalar);
        let Some((_, allows)) = HOST_REACHING.iter().find(|(known, _)| *known == name) else { continue };
        let slowing = SLOWING.contains(&name.as_str());
        let severity = match name.as_str() {
            "NET_ADMIN"
                if host_network.is_none()
                    && (container.image_is(VPN_IMAGES) || container.image_is(DISCOVERY_IMAGES)) =>
            {
                Severity::Medium
            }
            "SYS_TIME" if container.image_is(&["chrony", "ntp"]) => Severity::Medium,
            _ if slowing && container.image_is(SLOWING_IMAGES) => Severity::Low,
            _ if slowing => Severity::Medium,
            _ => Severity::High,
        };
        let message = format!("`{}` may {allows}: capability {name}", container.name);
        let finding = cx.report(scalar.span, message);
        finding.severity(severity).help("remove it unless the program fails without it");
        if let Some(span) = host_network.filter(|_| name == "NET_ADMIN") {
            finding.related(span, "and of the host, whose network it shares");
        }
        finding.evidence(name);
    }
}

pub(super) fn capabilities_not_dropped(container: &Container, cx: &mut Cx) {
    let Some(service) =
        confined(container, cx).filter(|service| !container.partial && service.uncommon.provider.is_none())
    else {
        return;
    };
    let drops = |service: &Service| service.cap_drop.iter().any(|scalar| !scalar.known || capability(scalar) == "ALL");
    if drops(service) || overlays(container, cx).any(drops) {
        return;
    }
    let span = place_of(service, "cap_drop", container);
    let message = format!("`{}` keeps the engine's default capabilities", container.name);
    cx.report(span, message).evidence("cap_drop").help("set `cap_drop: [ALL]`, and add back what is needed");
}

pub(super) fn no_new_privileges_missing(container: &Container, cx: &mut Cx) {
    let Some(service) =
        confined(container, cx).filter(|service| !container.partial && service.uncommon.provider.is_none())
    else {
        return;
    };
    let decided = |service: &Service| {
        let decides = |scalar: &Scalar| !scalar.known || security_option(scalar).0 == "no-new-privileges";
        service.security_opt.iter().any(decides)
    };
    let uses_sudo = container
        .processes
        .iter()
        .any(|process| process.effective.through.iter().any(|wrapper| matches!(wrapper.as_str(), "sudo" | "doas")));
    if uses_sudo || decided(service) || overlays(container, cx).any(decided) {
        return;
    }
    let span = place_of(service, "security_opt", container);
    let message = format!("processes of `{}` can gain privileges through setuid programs", container.name);
    cx.report(span, message).evidence("security_opt").help("set `security_opt: [no-new-privileges:true]`");
}

pub(super) fn security_profile_disabled(container: &Container, cx: &mut Cx) {
    let Some(service) = confined(container, cx) else { return };
    for scalar in service.security_opt.iter().filter(|scalar| scalar.known) {
        let (name, value) = security_option(scalar);
        let value = value.trim();
        let what = match name {
            "seccomp" if value == "unconfined" => "the filter of system calls (seccomp)",
            "apparmor" if value == "unconfined" => "its AppArmor profile",
            "label" if value == "disable" || value.ends_with("spc_t") => "its SELinux label",
            "systempaths" if value == "unconfined" => "the masks over the host's parts of /proc and /sys",
            "no-new-privileges" if value == "false" => "the bar against new privileges",
            _ => continue,
        };
        let finding = cx.report(scalar.span, format!("`{}` runs without {what}", container.name));
        match name {
            "no-new-privileges" => finding.severity(Severity::Medium).help("set it to `true`"),
            "seccomp" | "apparmor" => finding.help("remove it, or name a profile that allows what is needed"),
            _ => finding.help("remove it"),
        };
    }
}

pub(super) fn host_network(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    let Some(span) = host_network_of(service, container, cx) else { return };
    let message =
        format!("`{}` shares the host's network, with everything that listens on its loopback", container.name);
    let needed = [VPN_IMAGES, MONITORING_IMAGES, DISCOVERY_IMAGES].iter().any(|images| container.image_is(images));
    let finding = cx.report(span, message);
    finding.help("remove it and publish the ports that are needed");
    if needed {
        finding.severity(Severity::Medium);
    }
}

pub(super) fn host_pid_namespace(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    let Some(span) = is_host(service.pid.as_ref()) else { return };
    let finding = cx.report(span, format!("`{}` can see and signal every process of the host", container.name));
    finding.help("remove it, or share the processes of one container with `service:<name>`");
    if container.image_is(MONITORING_IMAGES) {
        finding.severity(Severity::Medium);
    }
}

pub(super) fn host_ipc_namespace(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    if let Some(span) = is_host(service.ipc.as_ref()) {
        let finding = cx.report(span, format!("`{}` reads and writes the host's shared memory", container.name));
        finding.help("remove it; set `shm_size` where more shared memory is needed");
    } else if let Some(ipc) = service.ipc.as_ref().filter(|ipc| ipc.known && ipc.value.trim() == "shareable") {
        let finding = cx.report(ipc.span, format!("`{}` lets other containers join its shared memory", container.name));
        finding.severity(Severity::Low).help("remove it unless another service joins it with `service:<name>`");
    }
}

/// What kind of device a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Device {
    /// A disk or memory: all of the host is in it.
    Raw,
    /// A device for what applications do: graphics, sound, serial lines, tunnels.
    Usual,
    /// Nothing: it gives what every container has.
    Harmless,
    /// Any other.
    Other,
}

/// What kind of device is at `path`, by the name below `/dev/`: of a disk with its unit (`sda1`), of others its beginning.
fn device(path: &str) -> Device {
    const DISKS: [&str; 12] = ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "md", "zd", "nbd", "rbd", "drbd", "bcache"];
    const RAW: [&str; 7] = ["mapper", "disk", "block", "mem", "kmem", "port", "dm"];
    const USUAL: [&str; 22] = [
        "net/tun", "dri", "snd", "ttyUSB", "ttyACM", "ttyAMA", "ttyS", "serial", "video", "media", "nvidia", "kfd",
        "apex", "dvb", "vchiq", "cec", "gpio", "i2c", "spidev", "fuse", "dxg", "zigbee",
    ];
    const HARMLESS: [&str; 7] = ["null", "zero", "full", "random", "urandom", "tty", "shm"];
    let Some(name) = path.strip_prefix("/dev").map(|name| name.trim_matches('/')) else { return Device::Other };
    let is_unit = |rest: &str| rest.len() <= 6 && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let disk = |prefix: &&str| name.strip_prefix(*prefix).is_some_and(is_unit);
    let first = name.split(['/', '-']).next().unwrap_or_default();
    if name.is_empty() || DISKS.iter().any(disk) || RAW.contains(&first) {
        Device::Raw
    } else if USUAL.iter().any(|prefix| name.starts_with(prefix)) {
        Device::Usual
    } else if HARMLESS.contains(&name) {
        Device::Harmless
    } else {
        Device::Other
    }
}

pub(super) fn host_device_exposed(container: &Container, cx: &mut Cx) {
    let Some(service) = confined(container, cx) else { return };
    for entry in service.uncommon.devices.iter().filter(|entry| entry.source.known) {
        let path = entry.source.value.trim();
        let name = &container.name;
        // `vendor.example/class=name` is a device of the Container Device Interface: in practice a GPU.
        let kind = if path.starts_with('/') { device(path) } else { Device::Usual };
        let reads_only = entry.permissions.as_deref().is_some_and(|permissions| !permissions.contains('w'));
        let (severity, message) = match kind {
            Device::Harmless => continue,
            Device::Raw if reads_only => (Severity::High, format!("`{name}` reads `{path}` of the host unfiltered")),
            Device::Raw => (Severity::Critical, format!("`{name}` gets `{path}` of the host, and with it the host")),
            Device::Usual => (Severity::Info, format!("`{name}` gets the host device `{path}`")),
            Device::Other => (Severity::Medium, format!("`{name}` gets the host device `{path}`")),
        };
        let finding = cx.report(entry.span, message);
        finding.severity(severity).evidence(path);
        finding.help(match kind {
            Device::Raw => "remove it, and mount the directory that is needed instead",
            _ => "remove it if the program works without it",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_by_its_name() {
        for (path, expected) in [
            ("/dev", Device::Raw),
            ("/dev/sda", Device::Raw),
            ("/dev/nvme0n1p2", Device::Raw),
            ("/dev/nbd0", Device::Raw),
            ("/dev/mapper/vg-root", Device::Raw),
            ("/dev/disk/by-id/x", Device::Raw),
            ("/dev/mem", Device::Raw),
            ("/dev/kmsg", Device::Other),
            ("/dev/loop0", Device::Other),
            ("/dev/dri/renderD128", Device::Usual),
            ("/dev/ttyUSB0", Device::Usual),
            ("/dev/null", Device::Harmless),
            ("/dev/kvm", Device::Other),
            ("/dev/bus/usb", Device::Other),
            ("/devices/sda", Device::Other),
        ] {
            assert_eq!(device(path), expected, "{path}");
        }
    }
}
