//! The values of a service's keys and the other things that a Compose file defines.

use super::{KeyValue, Scalar};
use crate::source::{Span, Spanned};

/// `build`, short or long.
#[derive(Debug, Default)]
pub struct Build {
    /// The whole value.
    pub span: Option<Span>,
    /// `context`, or the short form.
    pub context: Option<Scalar>,
    /// `dockerfile`.
    pub dockerfile: Option<Scalar>,
    /// `dockerfile_inline`: the text, and what it is before interpolation stands in the template.
    pub dockerfile_inline: Option<Scalar>,
    /// `target`.
    pub target: Option<Scalar>,
    /// `args`.
    pub args: Vec<KeyValue>,
    /// `secrets`.
    pub secrets: Vec<ObjectReference>,
    /// `ssh`.
    pub ssh: Vec<Scalar>,
    /// `additional_contexts`.
    pub additional_contexts: Vec<KeyValue>,
    /// `labels`.
    pub labels: Vec<KeyValue>,
    /// `cache_from`.
    pub cache_from: Vec<Scalar>,
    /// `network`.
    pub network: Option<Scalar>,
    /// `privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `entitlements`.
    pub entitlements: Vec<Scalar>,
    /// `platforms`.
    pub platforms: Vec<Scalar>,
    /// `cache_to`.
    pub cache_to: Vec<Scalar>,
    /// `extra_hosts`: a host with several addresses is there as often.
    pub extra_hosts: Vec<KeyValue>,
    /// `tags`.
    pub tags: Vec<Scalar>,
    /// `no_cache`.
    pub no_cache: Option<Spanned<bool>>,
    /// `isolation`.
    pub isolation: Option<Scalar>,
}

/// A command or entrypoint.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The whole value.
    pub span: Span,
    /// One scalar, split by compose-go's rules of shell words, or the elements of a list.
    pub form: Form,
}

/// How a command was written.
#[derive(Clone, Debug)]
pub enum Form {
    /// One string. Compose splits it into words by shell rules but runs no shell.
    Text(Scalar),
    /// A list.
    List(Vec<Scalar>),
}

/// A published port; a range is one entry.
#[derive(Clone, Debug)]
pub struct Port {
    /// The whole entry.
    pub span: Span,
    /// Host address as written; `None` when none is given, which means all interfaces.
    pub host_ip: Option<Scalar>,
    /// Host ports, first and last; `None` when the host port is left to the engine.
    pub published: Option<(u16, u16)>,
    /// Container ports, first and last; `(0, 0)` when a variable without a default is in it.
    pub target: (u16, u16),
    /// `tcp`, `udp` or as written, in lower case.
    pub protocol: String,
    /// `mode` (`host` or `ingress`).
    pub mode: Option<String>,
    /// Some part of it is a variable that has no default.
    pub open: bool,
    /// `name`.
    pub name: Option<Scalar>,
}

/// A mount of `volumes` or `tmpfs`.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The whole entry.
    pub span: Span,
    /// Kind.
    pub kind: MountKind,
    /// Host path or volume name.
    pub source: Option<Scalar>,
    /// Path in the container.
    pub target: Option<Scalar>,
    /// Mounted read-only.
    pub read_only: bool,
    /// Options of the short form, `bind.propagation`, `bind.selinux`, `tmpfs` options.
    pub options: Vec<Spanned<String>>,
}

/// What a mount brings in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A host path.
    Bind,
    /// A named or anonymous volume.
    Volume,
    /// A tmpfs.
    Tmpfs,
    /// Another image.
    Image,
    /// A Windows named pipe.
    NamedPipe,
    /// A Swarm cluster volume.
    Cluster,
}

/// `env_file` entry.
#[derive(Clone, Debug)]
pub struct EnvFile {
    /// Path.
    pub path: Scalar,
    /// `required`, which is true unless said otherwise.
    pub required: bool,
    /// `format`.
    pub format: Option<String>,
}

/// `devices` entry.
#[derive(Clone, Debug)]
pub struct Device {
    /// The whole entry.
    pub span: Span,
    /// Host device, or a CDI name.
    pub source: Scalar,
    /// Path in the container.
    pub target: Option<String>,
    /// Permissions (`rwm`).
    pub permissions: Option<String>,
}

/// `healthcheck`.
#[derive(Clone, Debug)]
pub struct Healthcheck {
    /// Key `healthcheck` of the service.
    pub span: Span,
    /// `disable: true` or `test: NONE`, and where.
    pub disabled: Option<Span>,
    /// `test`: a string means `CMD-SHELL`; a list starts with `CMD` or `CMD-SHELL`.
    pub test: Option<Invocation>,
    /// `interval`.
    pub interval: Option<Scalar>,
    /// `timeout`.
    pub timeout: Option<Scalar>,
    /// `retries`.
    pub retries: Option<Scalar>,
    /// `start_period`.
    pub start_period: Option<Scalar>,
}

/// `deploy`.
#[derive(Clone, Debug, Default)]
pub struct Deploy {
    /// `mode`.
    pub mode: Option<Scalar>,
    /// `replicas`.
    pub replicas: Option<Scalar>,
    /// `restart_policy.condition`; the outer `Some` says that there is a `restart_policy`.
    pub restart_policy: Option<Option<Scalar>>,
    /// `resources.limits.memory`.
    pub memory_limit: Option<Scalar>,
    /// `resources.limits.cpus`.
    pub cpus_limit: Option<Scalar>,
    /// `resources.limits.pids`.
    pub pids_limit: Option<Scalar>,
    /// `labels`.
    pub labels: Vec<KeyValue>,
    /// `placement`, `endpoint_mode`, `update_config` or `rollback_config`, which only Swarm reads, is set.
    pub placed: bool,
    /// `resources.reservations.memory`.
    pub memory_reservation: Option<Scalar>,
}

/// `logging`.
#[derive(Clone, Debug)]
pub struct Logging {
    /// `driver`.
    pub driver: Option<Scalar>,
    /// `options`.
    pub options: Vec<KeyValue>,
}

/// `depends_on` entry.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The service depended on.
    pub service: Spanned<String>,
    /// `condition`.
    pub condition: Option<Spanned<String>>,
    /// `required`, which is true unless said otherwise.
    pub required: bool,
    /// `restart`.
    pub restart: bool,
}

/// A use of a top-level secret or config.
#[derive(Clone, Debug)]
pub struct ObjectReference {
    /// The whole entry.
    pub span: Span,
    /// Name of the top-level object.
    pub source: Spanned<String>,
    /// `target`.
    pub target: Option<Scalar>,
    /// `mode` as written.
    pub mode: Option<Spanned<String>>,
}

/// A use of a network.
#[derive(Clone, Debug)]
pub struct NetworkReference {
    /// Name of the top-level network.
    pub name: Spanned<String>,
    /// Aliases.
    pub aliases: Vec<String>,
}

/// `extends`.
#[derive(Clone, Debug)]
pub struct Extends {
    /// The whole value.
    pub span: Span,
    /// `service`, or the short form.
    pub service: Option<Scalar>,
    /// `file`.
    pub file: Option<Scalar>,
}

/// `develop.watch` entry.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The whole entry.
    pub span: Span,
    /// `path`.
    pub path: Option<Scalar>,
    /// `action`.
    pub action: Option<Spanned<String>>,
    /// `target`.
    pub target: Option<Scalar>,
    /// `exec`.
    pub exec: Option<Hook>,
}

/// A lifecycle hook.
#[derive(Clone, Debug)]
pub struct Hook {
    /// `pre_start`, `post_start`, `pre_stop` or `exec`.
    pub event: Spanned<String>,
    /// `command`.
    pub command: Option<Invocation>,
    /// `user`.
    pub user: Option<Scalar>,
    /// `privileged`.
    pub privileged: Option<Spanned<bool>>,
    /// `image` (of `pre_start`).
    pub image: Option<Scalar>,
    /// `environment`.
    pub environment: Vec<KeyValue>,
}

/// A top-level network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// `name`: what the engine calls it, where that is not the project's name with the key.
    pub engine_name: Option<Scalar>,
    /// `internal`.
    pub internal: Option<Spanned<bool>>,
    /// `external`.
    pub external: bool,
    /// `driver`.
    pub driver: Option<Scalar>,
    /// `driver_opts`.
    pub driver_opts: Vec<KeyValue>,
}

/// A top-level volume.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// `external`.
    pub external: bool,
    /// `driver`.
    pub driver: Option<Scalar>,
    /// `driver_opts`.
    pub driver_opts: Vec<KeyValue>,
}

/// A top-level secret or config.
#[derive(Clone, Debug)]
pub struct FileObject {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// `file`.
    pub file: Option<Scalar>,
    /// `environment`.
    pub environment: Option<Scalar>,
    /// `content`.
    pub content: Option<Scalar>,
    /// `external`.
    pub external: bool,
}

/// `include` entry.
#[derive(Clone, Debug)]
pub struct Include {
    /// The whole entry.
    pub span: Span,
    /// `path`, one or several.
    pub paths: Vec<Scalar>,
    /// `project_directory`.
    pub project_directory: Option<Scalar>,
    /// `env_file`.
    pub env_file: Vec<Scalar>,
}
