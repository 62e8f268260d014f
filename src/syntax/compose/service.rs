//! Services: every key of a service, the short and the long spelling alike.

use super::model::{Builder, is_reset, key};
use super::short;
use super::{
    Build, Dependency, Deploy, Device, EnvFile, Extends, Form, Healthcheck, Hook, KeyValue, Logging, Mount, MountKind,
    NetworkReference, ObjectReference, Port, Scalar, Service, Watch,
};
use crate::source::{Span, Spanned};
use crate::syntax::SyntaxError;
use crate::syntax::yaml::{Entry, Node};

impl Builder<'_> {
    pub(super) fn service(&mut self, name: Spanned<String>, node: &Node) -> Service {
        let mut service = Service { span: Some(name.span.to(node.span)), name: Some(name), ..Service::default() };
        for entry in node.entries() {
            let Some(name) = key(entry) else {
                continue;
            };
            if !is_reset(&entry.value) {
                self.service_key(&mut service, &name, &entry.value);
            }
            service.keys.push(name);
        }
        service
    }

    fn service_key(&mut self, service: &mut Service, name: &Spanned<String>, value: &Node) {
        match name.value.as_str() {
            "image" => service.image = self.scalar(value),
            "build" => service.build = self.build(value).map(Box::new),
            "command" => service.command = self.invocation(value),
            "entrypoint" => service.entrypoint = self.invocation(value),
            "ports" => service.ports.extend(value.items().iter().filter_map(|item| self.port(item))),
            "expose" => service.expose = self.scalars(value),
            "volumes" => service.mounts.extend(value.items().iter().filter_map(|item| self.mount(item))),
            "tmpfs" => {
                for entry in self.scalars(value) {
                    service.mounts.push(self.tmpfs(entry));
                }
            }
            "volumes_from" => service.uncommon.volumes_from = self.scalars(value),
            "environment" => service.environment = self.key_values(value, b"="),
            "env_file" => service.env_file = self.env_files(value),
            "user" => service.user = self.scalar(value),
            "group_add" => service.uncommon.group_add = self.scalars(value),
            "privileged" => service.privileged = self.boolean(value),
            "use_api_socket" => service.uncommon.use_api_socket = self.boolean(value),
            "cap_add" => service.cap_add = self.scalars(value),
            "cap_drop" => service.cap_drop = self.scalars(value),
            "security_opt" => service.security_opt = self.scalars(value),
            "pid" => service.pid = self.scalar(value),
            "ipc" => service.ipc = self.scalar(value),
            "uts" => service.uncommon.uts = self.scalar(value),
            "userns_mode" => service.uncommon.userns_mode = self.scalar(value),
            "cgroup" => service.uncommon.cgroup = self.scalar(value),
            "cgroup_parent" => service.uncommon.cgroup_parent = self.scalar(value),
            "network_mode" => service.network_mode = self.scalar(value),
            "devices" => service.uncommon.devices = value.items().iter().filter_map(|item| self.device(item)).collect(),
            "device_cgroup_rules" => service.uncommon.device_cgroup_rules = self.scalars(value),
            "read_only" => service.read_only = self.boolean(value),
            "init" => service.init = self.boolean(value),
            "healthcheck" => service.healthcheck = self.healthcheck(name.span, value).map(Box::new),
            "restart" => service.restart = self.scalar(value),
            "runtime" => service.uncommon.runtime = self.scalar(value),
            "deploy" => service.deploy = self.deploy(value).map(Box::new),
            "mem_limit" => service.mem_limit = self.scalar(value),
            "mem_reservation" => service.uncommon.mem_reservation = self.scalar(value),
            "memswap_limit" => service.uncommon.memswap_limit = self.scalar(value),
            "shm_size" => service.uncommon.shm_size = self.scalar(value),
            "cpus" => service.cpus = self.scalar(value),
            "cpu_quota" => service.uncommon.cpu_quota = self.scalar(value),
            "pids_limit" => service.pids_limit = self.scalar(value),
            "oom_kill_disable" => service.uncommon.oom_kill_disable = self.boolean(value),
            "oom_score_adj" => service.uncommon.oom_score_adj = self.scalar(value),
            "logging" => {
                let options = self.key_values_of(value, "options");
                service.logging = Some(Box::new(Logging { driver: self.scalar_of(value, "driver"), options }));
            }
            "depends_on" => service.depends_on = self.dependencies(value),
            "profiles" => service.profiles = self.scalars(value),
            "secrets" => service.uncommon.secrets = self.object_references(value),
            "configs" => service.uncommon.configs = self.object_references(value),
            "networks" => service.networks = self.network_references(value),
            "labels" => service.labels = self.key_values(value, b"="),
            "annotations" => service.uncommon.annotations = self.key_values(value, b"="),
            "label_file" => service.uncommon.label_file = self.scalars(value),
            "extends" => service.uncommon.extends = self.extends(value),
            "develop" => {
                let watched = value.get("watch").map(Node::items).unwrap_or_default();
                service.uncommon.watch = watched.iter().map(|item| self.watch(item)).collect();
            }
            "pre_start" | "post_start" | "pre_stop" => {
                service.uncommon.hooks.extend(value.items().iter().map(|item| self.hook(name, item)));
            }
            "container_name" => service.container_name = self.scalar(value),
            "hostname" => service.hostname = self.scalar(value),
            "working_dir" => service.working_dir = self.scalar(value),
            "stop_signal" => service.uncommon.stop_signal = self.scalar(value),
            "stop_grace_period" => service.uncommon.stop_grace_period = self.scalar(value),
            "extra_hosts" => service.uncommon.extra_hosts = self.extra_hosts(value),
            "sysctls" => service.uncommon.sysctls = self.key_values(value, b"="),
            "ulimits" => service.uncommon.ulimits = self.key_values(value, b"="),
            "storage_opt" => service.uncommon.storage_opt = self.key_values(value, b"="),
            "credential_spec" => service.uncommon.credential_spec = self.key_values(value, b"="),
            "gpus" => service.uncommon.gpus = self.gpus(value),
            "links" | "external_links" => {
                let links = self.scalars(value);
                service.uncommon.links.extend(links);
            }
            "dns" => service.uncommon.dns = self.scalars(value),
            "isolation" => service.uncommon.isolation = self.scalar(value),
            "platform" => service.uncommon.platform = self.scalar(value),
            "pull_policy" => service.uncommon.pull_policy = self.scalar(value),
            "tty" => service.uncommon.tty = self.boolean(value),
            "stdin_open" => service.uncommon.stdin_open = self.boolean(value),
            "provider" => service.uncommon.provider = self.scalar_of(value, "type"),
            "scale" => service.uncommon.scale = self.scalar(value),
            _ => {}
        }
    }

    fn build(&mut self, node: &Node) -> Option<Build> {
        if !node.is_mapping() {
            let context = self.scalar(node)?;
            return Some(Build { span: Some(node.span), context: Some(context), ..Build::default() });
        }
        let secrets = node.get("secrets").map(|value| self.object_references(value)).unwrap_or_default();
        let extra_hosts = node.get("extra_hosts").map(|value| self.extra_hosts(value)).unwrap_or_default();
        let ssh = match node.get("ssh") {
            Some(value) if value.is_mapping() => value.entries().iter().filter_map(|e| self.scalar(&e.key)).collect(),
            Some(value) => self.scalars(value),
            None => Vec::new(),
        };
        Some(Build {
            span: Some(node.span),
            context: self.scalar_of(node, "context"),
            dockerfile: self.scalar_of(node, "dockerfile"),
            dockerfile_inline: self.scalar_of(node, "dockerfile_inline"),
            target: self.scalar_of(node, "target"),
            args: self.key_values_of(node, "args"),
            secrets,
            ssh,
            additional_contexts: self.key_values_of(node, "additional_contexts"),
            labels: self.key_values_of(node, "labels"),
            cache_from: self.scalars_of(node, "cache_from"),
            cache_to: self.scalars_of(node, "cache_to"),
            network: self.scalar_of(node, "network"),
            privileged: self.boolean_of(node, "privileged"),
            entitlements: self.scalars_of(node, "entitlements"),
            platforms: self.scalars_of(node, "platforms"),
            extra_hosts,
            tags: self.scalars_of(node, "tags"),
            no_cache: self.boolean_of(node, "no_cache"),
            isolation: self.scalar_of(node, "isolation"),
        })
    }

    fn port(&mut self, node: &Node) -> Option<Port> {
        if node.is_mapping() {
            return self.long_port(node);
        }
        let scalar = self.scalar(node)?;
        let value = &scalar.value;
        let parts = short::port(value);
        let open = |text: &str| !scalar.known && text.contains('$');
        let published_text = parts.published.clone().map(|range| &value[range]);
        let target_text = &value[parts.target.clone()];
        let published = published_text.and_then(short::port_range);
        let target = short::port_range(target_text);
        let unread = target.is_none() && !open(target_text)
            || published.is_none() && published_text.is_some_and(|text| !open(text));
        let uneven = match (published, target) {
            // A range of host ports may stand for one container port.
            (Some(published), Some(target)) => target.0 != target.1 && published.1 - published.0 != target.1 - target.0,
            _ => false,
        };
        if unread || uneven {
            let message = if uneven { "the two ranges differ in length" } else { "this is no port" };
            self.compose.schema_errors.push(SyntaxError::new(scalar.span, message));
            return None;
        }
        let protocol = parts.protocol.map_or_else(|| "tcp".to_owned(), |range| value[range].to_ascii_lowercase());
        Some(Port {
            span: node.span,
            host_ip: parts.host_ip.map(|range| scalar.slice(range, self.vars)),
            published,
            target: target.unwrap_or_default(),
            protocol,
            mode: None,
            open: !scalar.known,
            name: None,
        })
    }

    fn long_port(&mut self, node: &Node) -> Option<Port> {
        let mut open = false;
        let mut range = |builder: &mut Self, key: &str| {
            let scalar = builder.scalar_of(node, key)?;
            open |= !scalar.known;
            let range = short::port_range(&scalar.value);
            if range.is_none() && scalar.known && !scalar.value.is_empty() {
                builder.compose.schema_errors.push(SyntaxError::new(scalar.span, "this is no port"));
            }
            range
        };
        let target = range(self, "target");
        let published = range(self, "published");
        let host_ip = self.scalar_of(node, "host_ip");
        open |= host_ip.as_ref().is_some_and(|address| !address.known);
        if target.is_none() && !open {
            return None;
        }
        let protocol = self.string_of(node, "protocol");
        Some(Port {
            span: node.span,
            host_ip: host_ip.filter(|address| !address.value.is_empty()),
            published,
            target: target.unwrap_or_default(),
            protocol: protocol.map_or_else(|| "tcp".to_owned(), |protocol| protocol.value.to_ascii_lowercase()),
            mode: self.string_of(node, "mode").map(|mode| mode.value),
            open,
            name: self.scalar_of(node, "name"),
        })
    }

    fn mount(&mut self, node: &Node) -> Option<Mount> {
        if node.is_mapping() {
            return Some(self.long_mount(node));
        }
        let scalar = self.scalar(node)?;
        let value = &scalar.value;
        let (parts, error) = short::volume(value);
        if let Some(message) = error.filter(|_| scalar.known) {
            self.compose.schema_errors.push(SyntaxError::new(scalar.span, message));
        }
        let source = parts.source.map(|range| scalar.slice(range, self.vars));
        let kind = match &source {
            Some(source) if short::is_path(&source.value) => MountKind::Bind,
            // A variable without a default: what it stands for is more often a path than a name.
            Some(source) if !source.known => MountKind::Bind,
            _ => MountKind::Volume,
        };
        let mut read_only = false;
        let mut options = Vec::new();
        for range in parts.options {
            match &value[range.clone()] {
                "ro" => read_only = true,
                "rw" => read_only = false,
                _ => {}
            }
            options.push(Spanned::new(value[range.clone()].to_owned(), scalar.text().span_of(range)));
        }
        let target = Some(scalar.slice(parts.target, self.vars));
        Some(Mount { span: node.span, kind, source, target, read_only, options })
    }

    fn long_mount(&mut self, node: &Node) -> Mount {
        let kind = match self.string_of(node, "type").as_ref().map(|kind| kind.value.as_str()) {
            Some("bind") => MountKind::Bind,
            Some("tmpfs") => MountKind::Tmpfs,
            Some("image") => MountKind::Image,
            Some("npipe") => MountKind::NamedPipe,
            Some("cluster") => MountKind::Cluster,
            _ => MountKind::Volume,
        };
        let mut options = Vec::new();
        for part in ["bind", "volume", "tmpfs", "image"] {
            for entry in node.get(part).map(Node::entries).unwrap_or_default() {
                options.extend(self.mount_option(entry));
            }
        }
        Mount {
            span: node.span,
            kind,
            source: self.scalar_of(node, "source"),
            target: self.scalar_of(node, "target"),
            read_only: self.boolean_of(node, "read_only").is_some_and(|read_only| read_only.value),
            options,
        }
    }

    /// An option of a long mount under the name that the short form has for it; `key=value` for others.
    fn mount_option(&mut self, entry: &Entry) -> Option<Spanned<String>> {
        let name = key(entry)?;
        let value = self.scalar(&entry.value)?;
        let text = match name.value.as_str() {
            "propagation" | "selinux" => value.value.clone(),
            "nocopy" if value.value == "true" => name.value,
            other => format!("{other}={}", value.value),
        };
        Some(Spanned::new(text, value.span))
    }

    /// `path[:option,…]` of `tmpfs`.
    fn tmpfs(&mut self, scalar: Scalar) -> Mount {
        let colon = short::find(&scalar.value, b':');
        let target = scalar.slice(0..colon.unwrap_or(scalar.value.len()), self.vars);
        let mut options = Vec::new();
        if let Some(colon) = colon {
            let mut start = colon + 1;
            for option in scalar.value[colon + 1..].split(',') {
                let range = start..start + option.len();
                options.push(Spanned::new(option.to_owned(), scalar.text().span_of(range)));
                start += option.len() + 1;
            }
        }
        let read_only = options.iter().any(|option| option.value == "ro");
        let span = scalar.span;
        Mount { span, kind: MountKind::Tmpfs, source: None, target: Some(target), read_only, options }
    }

    fn env_files(&mut self, node: &Node) -> Vec<EnvFile> {
        let one = std::slice::from_ref(node);
        let items = if node.is_sequence() { node.items() } else { one };
        items
            .iter()
            .filter_map(|item| {
                if !item.is_mapping() {
                    return Some(EnvFile { path: self.scalar(item)?, required: true, format: None });
                }
                Some(EnvFile {
                    path: self.scalar_of(item, "path")?,
                    required: self.boolean_of(item, "required").is_none_or(|required| required.value),
                    format: self.string_of(item, "format").map(|format| format.value),
                })
            })
            .collect()
    }

    fn device(&mut self, node: &Node) -> Option<Device> {
        if node.is_mapping() {
            return Some(Device {
                span: node.span,
                source: self.scalar_of(node, "source")?,
                target: self.string_of(node, "target").map(|target| target.value),
                permissions: self.string_of(node, "permissions").map(|permissions| permissions.value),
            });
        }
        let scalar = self.scalar(node)?;
        // A CDI name such as `nvidia.com/gpu=all` has no colon.
        let end = short::find(&scalar.value, b':').unwrap_or(scalar.value.len());
        let mut rest = scalar.value[end..].split(':').skip(1).map(str::to_owned);
        let (target, permissions) = (rest.next(), rest.next());
        Some(Device { span: node.span, source: scalar.slice(0..end, self.vars), target, permissions })
    }

    fn healthcheck(&mut self, span: Span, node: &Node) -> Option<Healthcheck> {
        if !node.is_mapping() {
            return None;
        }
        let test = node.get("test").and_then(|test| self.invocation(test));
        let mut disabled = self.boolean_of(node, "disable").filter(|disable| disable.value).map(|disable| disable.span);
        if let Some(test) = &test {
            let first = match &test.form {
                Form::List(items) => items.first(),
                Form::Text(_) => None,
            };
            if first.is_some_and(|first| first.value == "NONE") {
                disabled = disabled.or(Some(test.span));
            }
        }
        Some(Healthcheck {
            span,
            disabled,
            test,
            interval: self.scalar_of(node, "interval"),
            timeout: self.scalar_of(node, "timeout"),
            retries: self.scalar_of(node, "retries"),
            start_period: self.scalar_of(node, "start_period"),
        })
    }

    fn deploy(&mut self, node: &Node) -> Option<Deploy> {
        if !node.is_mapping() {
            return None;
        }
        let mut deploy = Deploy {
            mode: self.scalar_of(node, "mode"),
            replicas: self.scalar_of(node, "replicas"),
            labels: self.key_values_of(node, "labels"),
            placed: ["placement", "endpoint_mode", "update_config", "rollback_config"]
                .iter()
                .any(|key| node.get(key).is_some_and(|value| !value.is_null() && !is_reset(value))),
            restart_policy: node.get("restart_policy").map(|policy| self.scalar_of(policy, "condition")),
            ..Deploy::default()
        };
        if let Some(resources) = node.get("resources") {
            if let Some(limits) = resources.get("limits") {
                deploy.memory_limit = self.scalar_of(limits, "memory");
                deploy.cpus_limit = self.scalar_of(limits, "cpus");
                deploy.pids_limit = self.scalar_of(limits, "pids");
            }
            if let Some(reservations) = resources.get("reservations") {
                deploy.memory_reservation = self.scalar_of(reservations, "memory");
            }
        }
        Some(deploy)
    }

    fn dependencies(&mut self, node: &Node) -> Vec<Dependency> {
        if !node.is_mapping() {
            let names = self.scalars(node).into_iter();
            let dependency = |name: Scalar| Dependency {
                service: name.into_value(),
                condition: None,
                required: true,
                restart: false,
            };
            return names.map(dependency).collect();
        }
        node.entries()
            .iter()
            .filter(|entry| !is_reset(&entry.value))
            .filter_map(|entry| {
                Some(Dependency {
                    service: key(entry)?,
                    condition: self.string_of(&entry.value, "condition"),
                    required: self.boolean_of(&entry.value, "required").is_none_or(|required| required.value),
                    restart: self.boolean_of(&entry.value, "restart").is_some_and(|restart| restart.value),
                })
            })
            .collect()
    }

    fn object_references(&mut self, node: &Node) -> Vec<ObjectReference> {
        node.items()
            .iter()
            .filter_map(|item| {
                if item.is_mapping() {
                    return Some(ObjectReference {
                        span: item.span,
                        source: self.string_of(item, "source")?,
                        target: self.scalar_of(item, "target"),
                        mode: self.string_of(item, "mode"),
                    });
                }
                let source = self.scalar(item)?.into_value();
                Some(ObjectReference { span: item.span, source, target: None, mode: None })
            })
            .collect()
    }

    fn network_references(&mut self, node: &Node) -> Vec<NetworkReference> {
        if !node.is_mapping() {
            let names = self.scalars(node).into_iter();
            return names.map(|name| NetworkReference { name: name.into_value(), aliases: Vec::new() }).collect();
        }
        node.entries()
            .iter()
            .filter(|entry| !is_reset(&entry.value))
            .filter_map(|entry| {
                let aliases = self.scalars_of(&entry.value, "aliases");
                Some(NetworkReference {
                    name: key(entry)?,
                    aliases: aliases.into_iter().map(|alias| alias.into_value().value).collect(),
                })
            })
            .collect()
    }

    /// `host:address` or `host=address` of a list, `host: address` or `host: [address, …]` of a mapping; a list that was
    /// merged with a mapping has items of both kinds.
    fn extra_hosts(&mut self, node: &Node) -> Vec<KeyValue> {
        let mut hosts = Vec::new();
        for item in if node.is_sequence() { node.items() } else { std::slice::from_ref(node) } {
            for entry in item.entries() {
                let Some(name) = key(entry) else { continue };
                for address in self.scalars(&entry.value) {
                    hosts.push(KeyValue {
                        span: entry.key.span.to(address.span),
                        key: name.clone(),
                        value: Some(address),
                    });
                }
            }
            if !item.is_mapping() {
                hosts.extend(self.key_value(item, b":="));
            }
        }
        hosts
    }

    fn extends(&mut self, node: &Node) -> Option<Extends> {
        let (service, file) = if node.is_mapping() {
            (self.scalar_of(node, "service"), self.scalar_of(node, "file"))
        } else {
            (Some(self.scalar(node)?), None)
        };
        Some(Extends { span: node.span, service, file })
    }

    /// `all`, or of each device its identifiers, or else its driver.
    fn gpus(&mut self, node: &Node) -> Vec<Scalar> {
        if !node.is_sequence() {
            return self.scalars(node);
        }
        let mut gpus = Vec::new();
        for item in node.items() {
            let identifiers = self.scalars_of(item, "device_ids");
            if identifiers.is_empty() {
                gpus.extend(self.scalar_of(item, "driver").or_else(|| self.scalar_of(item, "count")));
            } else {
                gpus.extend(identifiers);
            }
        }
        gpus
    }

    fn watch(&mut self, node: &Node) -> Watch {
        let exec = node.entry("exec").and_then(|entry| Some((key(entry)?, &entry.value)));
        Watch {
            span: node.span,
            path: self.scalar_of(node, "path"),
            action: self.string_of(node, "action"),
            target: self.scalar_of(node, "target"),
            exec: exec.map(|(name, value)| self.hook(&name, value)),
        }
    }

    fn hook(&mut self, event: &Spanned<String>, node: &Node) -> Hook {
        Hook {
            event: event.clone(),
            command: node.get("command").and_then(|command| self.invocation(command)),
            user: self.scalar_of(node, "user"),
            privileged: self.boolean_of(node, "privileged"),
            image: self.scalar_of(node, "image"),
            environment: self.key_values_of(node, "environment"),
        }
    }
}
