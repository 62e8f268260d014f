//! The canonical form of a model: what `docker compose config` says, with one line per fact.
//!
//! Everything is text: a literal `$` is `$$`, and `${NAME}` is a variable that has no value. Paths of the host start at
//! the repository's root. Networks, volumes, secrets and configs that no service uses are left out, as Compose does.

use std::collections::{BTreeMap, BTreeSet};

use confscan::project::stacks::Stack;
use confscan::source::{FileId, Spanned};
use confscan::syntax::compose::{
    Build, Compose, Deploy, Device, Form, Healthcheck, Hook, Invocation, KeyValue, Mount, MountKind, ObjectReference,
    Port, Scalar, Service,
};

enum Value {
    Null,
    Text(String),
    List(Vec<String>),
    Map(Map),
}

type Map = BTreeMap<String, Value>;

/// The text of a model.
pub fn model(compose: &Compose, stack: &Stack) -> String {
    let dump = Dump { stack };
    let mut out = Map::new();
    let services = compose.services.iter();
    let services: Map =
        services.filter_map(|own| Some((own.name.as_ref()?.value.clone(), dump.service(own)))).collect();
    out.insert("services".to_owned(), Value::Map(services));
    let used = Used::of(compose);
    for network in compose.networks.iter().filter(|network| used.networks.contains(&network.name.value)) {
        let mut map = Map::new();
        scalar(&mut map, "name", network.engine_name.as_ref());
        boolean(&mut map, "internal", network.internal.as_ref());
        flag(&mut map, "external", network.external);
        scalar(&mut map, "driver", network.driver.as_ref());
        pairs(&mut map, "driver_opts", &network.driver_opts);
        place(&mut out, "networks", &network.name.value, map);
    }
    for volume in compose.volumes.iter().filter(|volume| used.volumes.contains(&volume.name.value)) {
        let mut map = Map::new();
        flag(&mut map, "external", volume.external);
        scalar(&mut map, "driver", volume.driver.as_ref());
        pairs(&mut map, "driver_opts", &volume.driver_opts);
        place(&mut out, "volumes", &volume.name.value, map);
    }
    for (kind, objects, used) in
        [("secrets", &compose.secrets, &used.secrets), ("configs", &compose.configs, &used.configs)]
    {
        for object in objects.iter().filter(|object| used.contains(&object.name.value)) {
            let mut map = Map::new();
            flag(&mut map, "external", object.external);
            scalar(&mut map, "environment", object.environment.as_ref());
            scalar(&mut map, "content", object.content.as_ref());
            if let Some(file) = &object.file {
                map.insert("file".to_owned(), Value::Text(dump.path(file)));
            }
            place(&mut out, kind, &object.name.value, map);
        }
    }
    let mut text = String::new();
    write(&mut text, &out, 0);
    text
}

/// What services use of the top level.
#[derive(Default)]
struct Used {
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
    secrets: BTreeSet<String>,
    configs: BTreeSet<String>,
}

impl Used {
    fn of(compose: &Compose) -> Used {
        let mut used = Used::default();
        for service in &compose.services {
            used.networks.extend(service.networks.iter().map(|network| network.name.value.clone()));
            let named = service.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
            used.volumes.extend(named.filter_map(|mount| Some(mount.source.as_ref()?.value.clone())));
            let built = service.build.iter().flat_map(|build| &build.secrets);
            used.secrets.extend(service.uncommon.secrets.iter().chain(built).map(|secret| secret.source.value.clone()));
            used.configs.extend(service.uncommon.configs.iter().map(|config| config.source.value.clone()));
        }
        used
    }
}

struct Dump<'a> {
    stack: &'a Stack,
}

impl Dump<'_> {
    fn service(&self, service: &Service) -> Value {
        let mut map = Map::new();
        for (key, value) in [
            ("image", &service.image),
            ("user", &service.user),
            ("pid", &service.pid),
            ("ipc", &service.ipc),
            ("uts", &service.uncommon.uts),
            ("userns_mode", &service.uncommon.userns_mode),
            ("cgroup", &service.uncommon.cgroup),
            ("cgroup_parent", &service.uncommon.cgroup_parent),
            ("network_mode", &service.network_mode),
            ("restart", &service.restart),
            ("runtime", &service.uncommon.runtime),
            ("cpus", &service.cpus),
            ("cpu_quota", &service.uncommon.cpu_quota),
            ("pids_limit", &service.pids_limit),
            ("oom_score_adj", &service.uncommon.oom_score_adj),
            ("container_name", &service.container_name),
            ("hostname", &service.hostname),
            ("working_dir", &service.working_dir),
            ("stop_signal", &service.uncommon.stop_signal),
            ("stop_grace_period", &service.uncommon.stop_grace_period),
            ("isolation", &service.uncommon.isolation),
            ("platform", &service.uncommon.platform),
            ("pull_policy", &service.uncommon.pull_policy),
            ("scale", &service.uncommon.scale),
            ("provider", &service.uncommon.provider),
        ] {
            scalar(&mut map, key, value.as_ref());
        }
        for (key, value) in [
            ("mem_limit", &service.mem_limit),
            ("mem_reservation", &service.uncommon.mem_reservation),
            ("memswap_limit", &service.uncommon.memswap_limit),
            ("shm_size", &service.uncommon.shm_size),
        ] {
            size(&mut map, key, value.as_ref());
        }
        for (key, value) in [
            ("privileged", &service.privileged),
            ("use_api_socket", &service.uncommon.use_api_socket),
            ("read_only", &service.read_only),
            ("init", &service.init),
            ("oom_kill_disable", &service.uncommon.oom_kill_disable),
            ("tty", &service.uncommon.tty),
            ("stdin_open", &service.uncommon.stdin_open),
        ] {
            boolean(&mut map, key, value.as_ref());
        }
        for (key, value) in [
            ("expose", &service.expose),
            ("volumes_from", &service.uncommon.volumes_from),
            ("group_add", &service.uncommon.group_add),
            ("cap_add", &service.cap_add),
            ("cap_drop", &service.cap_drop),
            ("security_opt", &service.security_opt),
            ("device_cgroup_rules", &service.uncommon.device_cgroup_rules),
            ("profiles", &service.profiles),
            ("dns", &service.uncommon.dns),
            ("links", &service.uncommon.links),
        ] {
            list(&mut map, key, value.iter().map(text));
        }
        for (key, value) in [
            ("environment", &service.environment),
            ("labels", &service.labels),
            ("annotations", &service.uncommon.annotations),
            ("sysctls", &service.uncommon.sysctls),
            ("ulimits", &service.uncommon.ulimits),
            ("storage_opt", &service.uncommon.storage_opt),
            ("credential_spec", &service.uncommon.credential_spec),
        ] {
            pairs(&mut map, key, value);
        }
        invocation(&mut map, "command", service.command.as_ref());
        invocation(&mut map, "entrypoint", service.entrypoint.as_ref());
        if let Some(build) = &service.build {
            map.insert("build".to_owned(), self.build(build));
        }
        list(&mut map, "ports", service.ports.iter().flat_map(ports));
        let (tmpfs, others): (Vec<&Mount>, Vec<&Mount>) =
            service.mounts.iter().partition(|mount| mount.kind == MountKind::Tmpfs);
        list(&mut map, "volumes", others.into_iter().chain(tmpfs).map(|mount| self.mount(mount)));
        list(
            &mut map,
            "env_file",
            service.env_file.iter().map(|file| {
                let optional = (!file.required).then(|| "optional".to_owned());
                words([Some(self.path(&file.path)), optional, file.format.clone()])
            }),
        );
        list(&mut map, "label_file", service.uncommon.label_file.iter().map(|file| self.path(file)));
        list(&mut map, "devices", service.uncommon.devices.iter().map(device));
        if let Some(check) = &service.healthcheck {
            insert(&mut map, "healthcheck", healthcheck(check));
        }
        if let Some(own) = &service.deploy {
            insert(&mut map, "deploy", deploy(own));
        }
        if let Some(logging) = &service.logging {
            let mut own = Map::new();
            scalar(&mut own, "driver", logging.driver.as_ref());
            pairs(&mut own, "options", &logging.options);
            insert(&mut map, "logging", own);
        }
        let dependencies = service.depends_on.iter().map(|dependency| {
            let condition = dependency.condition.as_ref().map_or("service_started", |condition| &condition.value);
            let optional = (!dependency.required).then(|| "optional".to_owned());
            let restart = dependency.restart.then(|| "restart".to_owned());
            (dependency.service.value.clone(), Value::Text(words([Some(condition.to_owned()), optional, restart])))
        });
        insert(&mut map, "depends_on", dependencies.collect());
        let networks = service.networks.iter();
        let networks = networks.map(|own| (own.name.value.clone(), Value::List(own.aliases.clone())));
        insert(&mut map, "networks", networks.collect());
        list(
            &mut map,
            "secrets",
            service.uncommon.secrets.iter().map(|secret| reference(secret, Some("/run/secrets/"))),
        );
        list(&mut map, "configs", service.uncommon.configs.iter().map(|config| reference(config, None)));
        hosts(&mut map, &service.uncommon.extra_hosts);
        list(
            &mut map,
            "watch",
            service.uncommon.watch.iter().map(|watch| {
                let action = watch.action.as_ref().map(|action| action.value.clone());
                words([action, watch.path.as_ref().map(|path| self.path(path)), watch.target.as_ref().map(text)])
            }),
        );
        list(&mut map, "hooks", service.uncommon.hooks.iter().map(hook));
        Value::Map(map)
    }

    fn build(&self, build: &Build) -> Value {
        let mut map = Map::new();
        if let Some(context) = &build.context {
            map.insert("context".to_owned(), Value::Text(self.path(context)));
        }
        for (key, value) in [
            ("dockerfile", &build.dockerfile),
            ("dockerfile_inline", &build.dockerfile_inline),
            ("target", &build.target),
            ("network", &build.network),
            ("isolation", &build.isolation),
        ] {
            scalar(&mut map, key, value.as_ref());
        }
        boolean(&mut map, "privileged", build.privileged.as_ref());
        boolean(&mut map, "no_cache", build.no_cache.as_ref());
        pairs(&mut map, "args", &build.args);
        pairs(&mut map, "labels", &build.labels);
        let contexts = build.additional_contexts.iter().map(|own| {
            let value = own.value.as_ref().map_or(Value::Null, |value| Value::Text(self.path(value)));
            (own.key.value.clone(), value)
        });
        insert(&mut map, "additional_contexts", contexts.collect());
        list(&mut map, "secrets", build.secrets.iter().map(|secret| reference(secret, None)));
        hosts(&mut map, &build.extra_hosts);
        for (key, value) in [
            ("ssh", &build.ssh),
            ("cache_from", &build.cache_from),
            ("cache_to", &build.cache_to),
            ("entitlements", &build.entitlements),
            ("platforms", &build.platforms),
            ("tags", &build.tags),
        ] {
            list(&mut map, key, value.iter().map(text));
        }
        Value::Map(map)
    }

    fn mount(&self, mount: &Mount) -> String {
        let kind = match mount.kind {
            MountKind::Bind => "bind",
            MountKind::Volume => "volume",
            MountKind::Tmpfs => "tmpfs",
            MountKind::Image => "image",
            MountKind::NamedPipe => "npipe",
            MountKind::Cluster => "cluster",
        };
        let source = mount.source.as_ref().map(|source| match mount.kind {
            MountKind::Bind => self.path(source),
            _ => text(source),
        });
        let target = mount.target.as_ref().map(|target| format!("/{}", clean("", &text(target))));
        let access = if mount.read_only { "ro" } else { "rw" };
        words([Some(kind.to_owned()), source, target, Some(access.to_owned())])
    }

    /// A path of the host, from the repository's root.
    fn path(&self, scalar: &Scalar) -> String {
        let value = text(scalar);
        if value.is_empty() || value.starts_with(['/', '~', '$']) || value.contains("://") {
            return value;
        }
        let joined = clean(self.directory(scalar.span.file), &value);
        match joined.as_str() {
            "" => ".".to_owned(),
            above if above.starts_with("..") => joined,
            _ => format!("./{joined}"),
        }
    }

    fn directory(&self, file: FileId) -> &str {
        self.stack.directory_of(file)
    }
}

/// A path below a folder without `.` and `..` where they can be taken out.
fn clean(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The value as Compose prints it: with `$$` for `$`, but variables without a value.
fn text(scalar: &Scalar) -> String {
    if scalar.known { scalar.value.replace('$', "$$") } else { scalar.value.clone() }
}

fn words<const N: usize>(words: [Option<String>; N]) -> String {
    let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn insert(map: &mut Map, key: &str, value: Map) {
    if !value.is_empty() {
        map.insert(key.to_owned(), Value::Map(value));
    }
}

fn place(out: &mut Map, kind: &str, name: &str, map: Map) {
    let objects = out.entry(kind.to_owned()).or_insert_with(|| Value::Map(Map::new()));
    if let Value::Map(objects) = objects {
        objects.insert(name.to_owned(), Value::Map(map));
    }
}

fn scalar(map: &mut Map, key: &str, value: Option<&Scalar>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), Value::Text(text(value)));
    }
}

/// A size in bytes.
fn size(map: &mut Map, key: &str, value: Option<&Scalar>) {
    if let Some(value) = value {
        let number = value.value.trim_end_matches(|character: char| character.is_ascii_alphabetic());
        let unit = match value.value[number.len()..].to_ascii_lowercase().as_str() {
            "k" | "kb" => 1 << 10,
            "m" | "mb" => 1 << 20,
            "g" | "gb" => 1 << 30,
            _ => 1,
        };
        let bytes = number.parse().map_or_else(|_| text(value), |number: u64| (number * unit).to_string());
        map.insert(key.to_owned(), Value::Text(bytes));
    }
}

fn boolean(map: &mut Map, key: &str, value: Option<&Spanned<bool>>) {
    flag(map, key, value.is_some_and(|value| value.value));
}

fn flag(map: &mut Map, key: &str, value: bool) {
    if value {
        map.insert(key.to_owned(), Value::Text("true".to_owned()));
    }
}

fn list(map: &mut Map, key: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if !items.is_empty() {
        map.insert(key.to_owned(), Value::List(items));
    }
}

fn pairs(map: &mut Map, key: &str, pairs: &[KeyValue]) {
    let pairs = pairs.iter().map(|pair| {
        let value = pair.value.as_ref().map_or(Value::Null, |value| Value::Text(text(value)));
        (pair.key.value.replace('$', "$$"), value)
    });
    insert(map, key, pairs.collect());
}

fn run(invocation: &Invocation) -> Vec<String> {
    match &invocation.form {
        Form::List(items) => items.iter().map(text).collect(),
        Form::Text(scalar) if scalar.known => {
            invocation.words().into_iter().map(|word| word.value.replace('$', "$$")).collect()
        }
        Form::Text(_) => invocation.words().into_iter().map(|word| word.value).collect(),
    }
}

fn invocation(map: &mut Map, key: &str, invocation: Option<&Invocation>) {
    if let Some(invocation) = invocation {
        map.insert(key.to_owned(), Value::List(run(invocation)));
    }
}

/// A port each: `address:published:target/protocol`, and whether a variable in it is open.
fn ports(port: &Port) -> Vec<String> {
    let address = port.host_ip.as_ref().map_or_else(|| "0.0.0.0".to_owned(), text);
    let (first, last) = port.target;
    let each = (first..=last).map(|target| {
        let published = match port.published {
            None => String::new(),
            Some((from, to)) if from != to && first == last => format!("{from}-{to}"),
            Some((from, _)) => (from + (target - first)).to_string(),
        };
        let open = if port.open { " open" } else { "" };
        format!("{address}:{published}:{target}/{}{open}", port.protocol)
    });
    each.collect()
}

fn device(device: &Device) -> String {
    let source = text(&device.source);
    let target = device.target.clone().unwrap_or_else(|| source.clone());
    format!("{source} {target} {}", device.permissions.as_deref().unwrap_or("rwm"))
}

fn healthcheck(check: &Healthcheck) -> Map {
    let mut map = Map::new();
    scalar(&mut map, "interval", check.interval.as_ref());
    scalar(&mut map, "timeout", check.timeout.as_ref());
    scalar(&mut map, "retries", check.retries.as_ref());
    scalar(&mut map, "start_period", check.start_period.as_ref());
    flag(&mut map, "disable", check.disabled.is_some());
    if let Some(test) = &check.test {
        let test = match &test.form {
            Form::List(items) => items.iter().map(text).collect(),
            Form::Text(scalar) => vec!["CMD-SHELL".to_owned(), text(scalar)],
        };
        map.insert("test".to_owned(), Value::List(test));
    }
    map
}

fn deploy(deploy: &Deploy) -> Map {
    let mut map = Map::new();
    scalar(&mut map, "mode", deploy.mode.as_ref());
    scalar(&mut map, "replicas", deploy.replicas.as_ref());
    if let Some(policy) = &deploy.restart_policy {
        map.insert("restart_policy".to_owned(), policy.as_ref().map_or(Value::Null, |own| Value::Text(text(own))));
    }
    let mut limits = Map::new();
    scalar(&mut limits, "cpus", deploy.cpus_limit.as_ref());
    size(&mut limits, "memory", deploy.memory_limit.as_ref());
    scalar(&mut limits, "pids", deploy.pids_limit.as_ref());
    insert(&mut map, "limits", limits);
    let mut reservations = Map::new();
    size(&mut reservations, "memory", deploy.memory_reservation.as_ref());
    insert(&mut map, "reservations", reservations);
    pairs(&mut map, "labels", &deploy.labels);
    map
}

fn reference(reference: &ObjectReference, folder: Option<&str>) -> String {
    let default = || folder.map(|folder| format!("{folder}{}", reference.source.value));
    let target = reference.target.as_ref().map(text).or_else(default);
    words([Some(reference.source.value.clone()), target, reference.mode.as_ref().map(|mode| mode.value.clone())])
}

/// `name=address`, sorted as Compose does.
fn hosts(map: &mut Map, hosts: &[KeyValue]) {
    let address = |host: &KeyValue| host.value.as_ref().map(text).unwrap_or_default();
    let mut hosts: Vec<String> = hosts.iter().map(|host| format!("{}={}", host.key.value, address(host))).collect();
    hosts.sort();
    list(map, "extra_hosts", hosts.into_iter());
}

fn hook(hook: &Hook) -> String {
    let command = hook.command.as_ref().map(run).unwrap_or_default();
    let command = serde_json::to_string(&command).expect("text is JSON");
    let user = hook.user.as_ref().map(|user| format!("user={}", text(user)));
    let privileged = hook.privileged.as_ref().filter(|own| own.value).map(|_| "privileged".to_owned());
    words([Some(hook.event.value.clone()), Some(command), user, privileged])
}

fn write(out: &mut String, map: &Map, depth: usize) {
    let indent = "  ".repeat(depth);
    for (key, value) in map {
        out.push_str(&indent);
        out.push_str(&word(key));
        out.push(':');
        match value {
            Value::Null => out.push_str(" null\n"),
            Value::Text(value) => {
                out.push(' ');
                out.push_str(&word(value));
                out.push('\n');
            }
            Value::List(items) if items.is_empty() => out.push_str(" []\n"),
            Value::List(items) => {
                out.push('\n');
                for item in items {
                    out.push_str(&indent);
                    out.push_str("  - ");
                    out.push_str(&word(item));
                    out.push('\n');
                }
            }
            Value::Map(map) if map.is_empty() => out.push_str(" {}\n"),
            Value::Map(map) => {
                out.push('\n');
                write(out, map, depth + 1);
            }
        }
    }
}

/// A word as it is where nothing in it means something else in YAML, in quotes otherwise.
fn word(value: &str) -> String {
    let first = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./$~+".contains(byte);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@$%+,=~{}?()*-".contains(&byte);
    let spaced = |pair: &[u8]| pair[0] == b' ' && b" :-".contains(&pair[1]);
    let is_plain = value.as_bytes().first().is_some_and(first)
        && value.bytes().all(|byte| plain(byte) || byte == b' ')
        && !value.as_bytes().windows(2).any(spaced)
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !matches!(value, "null" | "~");
    if is_plain { value.to_owned() } else { serde_json::to_string(value).expect("text is JSON") }
}
