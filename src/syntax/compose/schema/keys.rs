//! The keys of a Compose file and the types of their values, from compose-go's copy of the Compose specification's
//! schema (compose-spec.json), and a few keys that the specification has since got.

use super::Shape::{self, Any, Either, List, Map, Object, Scalar};
use super::{BOOLEAN, INTEGER, NUMBER, STRING};

static TEXT: Shape = Scalar(STRING);
static INT: Shape = Scalar(STRING | INTEGER);
static NUM: Shape = Scalar(STRING | INTEGER | NUMBER);
static FLAG: Shape = Scalar(STRING | BOOLEAN);
static ANY_SCALAR: Shape = Scalar(STRING | INTEGER | NUMBER | BOOLEAN);
static TEXTS: Shape = List(&TEXT);
static NUMS: Shape = List(&NUM);
static TEXT_OR_TEXTS: Shape = Either(&[&TEXT, &TEXTS]);
static SCALARS: Shape = Map(&ANY_SCALAR);
/// `key=value` as a list or a mapping.
static PAIRS: Shape = Either(&[&SCALARS, &TEXTS]);
static DRIVER_OPTIONS: Shape = Map(&NUM);
static HOSTS: Shape = Either(&[&HOST_MAP, &TEXTS]);
static HOST_MAP: Shape = Map(&TEXT_OR_TEXTS);
static EXTERNAL: Shape = Either(&[&FLAG, &EXTERNAL_NAME]);
static PROVIDER_OPTIONS: Shape = Map(&PROVIDER_OPTION);
static PROVIDER_OPTION: Shape = Either(&[&ANY_SCALAR, &ANY_SCALARS]);
static ANY_SCALARS: Shape = List(&ANY_SCALAR);

static SERVICES: Shape = Map(&SERVICE);
static NETWORKS: Shape = Map(&NETWORK);
static VOLUMES: Shape = Map(&VOLUME);
static SECRETS: Shape = Map(&SECRET);
static CONFIGS: Shape = Map(&CONFIG);
static MODELS: Shape = Map(&MODEL);
static INCLUDES: Shape = List(&INCLUDE);
static INCLUDE: Shape = Either(&[&TEXT, &INCLUDE_OBJECT]);
static BUILD: Shape = Either(&[&TEXT, &BUILD_OBJECT]);
static DEPENDS_ON: Shape = Either(&[&TEXTS, &DEPENDENCIES]);
static DEPENDENCIES: Shape = Map(&DEPENDENCY);
static DEVICES: Shape = List(&DEVICE);
static DEVICE: Shape = Either(&[&TEXT, &DEVICE_OBJECT]);
static ENV_FILE: Shape = Either(&[&TEXT, &ENV_FILES]);
static ENV_FILES: Shape = List(&ENV_FILE_ITEM);
static ENV_FILE_ITEM: Shape = Either(&[&TEXT, &ENV_FILE_OBJECT]);
static EXTENDS: Shape = Either(&[&TEXT, &EXTENDS_OBJECT]);
static SERVICE_NETWORKS: Shape = Either(&[&TEXTS, &SERVICE_NETWORK_MAP]);
static SERVICE_NETWORK_MAP: Shape = Map(&SERVICE_NETWORK);
static SERVICE_MODELS: Shape = Either(&[&TEXTS, &SERVICE_MODEL_MAP]);
static SERVICE_MODEL_MAP: Shape = Map(&SERVICE_MODEL);
static PORTS: Shape = List(&PORT);
static PORT: Shape = Either(&[&NUM, &PORT_OBJECT]);
static MOUNTS: Shape = List(&MOUNT);
static MOUNT: Shape = Either(&[&TEXT, &MOUNT_OBJECT]);
static OBJECT_REFERENCES: Shape = List(&OBJECT_REFERENCE);
static OBJECT_REFERENCE: Shape = Either(&[&TEXT, &OBJECT_REFERENCE_OBJECT]);
static HOOKS: Shape = List(&HOOK);
static WATCHES: Shape = List(&WATCH);
static GPUS: Shape = Either(&[&TEXT, &GPU_LIST]);
static GPU_LIST: Shape = List(&GPU);
static ULIMITS: Shape = Map(&ULIMIT);
static ULIMIT: Shape = Either(&[&INT, &ULIMIT_OBJECT]);
static BLKIO_LIMITS: Shape = List(&BLKIO_LIMIT);
static BLKIO_WEIGHTS: Shape = List(&BLKIO_WEIGHT);
static GENERIC_RESOURCES: Shape = List(&GENERIC_RESOURCE);
static IPAM_CONFIGS: Shape = List(&IPAM_CONFIG);
static PREFERENCES: Shape = List(&PREFERENCE);
static SSH: Shape = Either(&[&TEXT, &TEXTS, &SCALARS]);
static TEXT_MAP: Shape = Map(&TEXT);

/// The top level.
pub(super) static FILE: Shape = Object(&[
    ("configs", &CONFIGS),
    ("include", &INCLUDES),
    ("models", &MODELS),
    ("name", &TEXT),
    ("networks", &NETWORKS),
    ("secrets", &SECRETS),
    ("services", &SERVICES),
    ("version", &ANY_SCALAR),
    ("volumes", &VOLUMES),
]);

/// A service.
static SERVICE: Shape = Object(&[
    ("annotations", &PAIRS),
    ("attach", &FLAG),
    ("blkio_config", &BLKIO),
    ("build", &BUILD),
    ("cap_add", &TEXTS),
    ("cap_drop", &TEXTS),
    ("cgroup", &TEXT),
    ("cgroup_parent", &TEXT),
    ("command", &TEXT_OR_TEXTS),
    ("configs", &OBJECT_REFERENCES),
    ("container_name", &TEXT),
    ("cpu_count", &INT),
    ("cpu_percent", &INT),
    ("cpu_period", &NUM),
    ("cpu_quota", &NUM),
    ("cpu_rt_period", &NUM),
    ("cpu_rt_runtime", &NUM),
    ("cpu_shares", &NUM),
    ("cpus", &NUM),
    ("cpuset", &TEXT),
    ("credential_spec", &CREDENTIAL_SPEC),
    ("depends_on", &DEPENDS_ON),
    ("deploy", &DEPLOY),
    ("develop", &DEVELOP),
    ("device_cgroup_rules", &TEXTS),
    ("devices", &DEVICES),
    ("dns", &TEXT_OR_TEXTS),
    ("dns_opt", &TEXTS),
    ("dns_search", &TEXT_OR_TEXTS),
    ("domainname", &TEXT),
    ("entrypoint", &TEXT_OR_TEXTS),
    ("env_file", &ENV_FILE),
    ("environment", &PAIRS),
    ("expose", &NUMS),
    ("extends", &EXTENDS),
    ("external_links", &TEXTS),
    ("extra_hosts", &HOSTS),
    ("gpus", &GPUS),
    ("group_add", &NUMS),
    ("healthcheck", &HEALTHCHECK),
    ("hostname", &TEXT),
    ("image", &TEXT),
    ("init", &FLAG),
    ("ipc", &TEXT),
    ("isolation", &TEXT),
    ("label_file", &TEXT_OR_TEXTS),
    ("labels", &PAIRS),
    ("links", &TEXTS),
    ("logging", &LOGGING),
    ("mac_address", &TEXT),
    ("mem_limit", &NUM),
    ("mem_reservation", &INT),
    ("mem_swappiness", &INT),
    ("memswap_limit", &NUM),
    ("models", &SERVICE_MODELS),
    ("network_mode", &TEXT),
    ("networks", &SERVICE_NETWORKS),
    ("oom_kill_disable", &FLAG),
    ("oom_score_adj", &INT),
    ("pid", &TEXT),
    ("pids_limit", &NUM),
    ("platform", &TEXT),
    ("ports", &PORTS),
    ("post_start", &HOOKS),
    ("pre_start", &Any),
    ("pre_stop", &HOOKS),
    ("privileged", &FLAG),
    ("profiles", &TEXTS),
    ("provider", &PROVIDER),
    ("pull_policy", &TEXT),
    ("pull_refresh_after", &TEXT),
    ("read_only", &FLAG),
    ("restart", &TEXT),
    ("runtime", &TEXT),
    ("scale", &INT),
    ("secrets", &OBJECT_REFERENCES),
    ("security_opt", &TEXTS),
    ("shm_size", &NUM),
    ("stdin_open", &FLAG),
    ("stop_grace_period", &TEXT),
    ("stop_signal", &TEXT),
    ("storage_opt", &Any),
    ("sysctls", &PAIRS),
    ("tmpfs", &TEXT_OR_TEXTS),
    ("tty", &FLAG),
    ("ulimits", &ULIMITS),
    ("use_api_socket", &FLAG),
    ("user", &TEXT),
    ("userns_mode", &TEXT),
    ("uts", &TEXT),
    ("volumes", &MOUNTS),
    ("volumes_from", &TEXTS),
    ("working_dir", &TEXT),
]);

/// `build`.
static BUILD_OBJECT: Shape = Object(&[
    ("additional_contexts", &PAIRS),
    ("args", &PAIRS),
    ("cache_from", &TEXTS),
    ("cache_to", &TEXTS),
    ("context", &TEXT),
    ("dockerfile", &TEXT),
    ("dockerfile_inline", &TEXT),
    ("entitlements", &TEXTS),
    ("extra_hosts", &HOSTS),
    ("isolation", &TEXT),
    ("labels", &PAIRS),
    ("network", &TEXT),
    ("no_cache", &FLAG),
    ("no_cache_filter", &TEXTS),
    ("platforms", &TEXTS),
    ("privileged", &FLAG),
    ("provenance", &FLAG),
    ("pull", &FLAG),
    ("sbom", &FLAG),
    ("secrets", &OBJECT_REFERENCES),
    ("shm_size", &INT),
    ("ssh", &SSH),
    ("tags", &TEXTS),
    ("target", &TEXT),
    ("ulimits", &ULIMITS),
]);

/// `blkio_config`.
static BLKIO: Shape = Object(&[
    ("device_read_bps", &BLKIO_LIMITS),
    ("device_read_iops", &BLKIO_LIMITS),
    ("device_write_bps", &BLKIO_LIMITS),
    ("device_write_iops", &BLKIO_LIMITS),
    ("weight", &INT),
    ("weight_device", &BLKIO_WEIGHTS),
]);

/// A limit of a device.
static BLKIO_LIMIT: Shape = Object(&[("path", &TEXT), ("rate", &INT)]);

/// A weight of a device.
static BLKIO_WEIGHT: Shape = Object(&[("path", &TEXT), ("weight", &INT)]);

/// `credential_spec`.
static CREDENTIAL_SPEC: Shape = Object(&[("config", &TEXT), ("file", &TEXT), ("registry", &TEXT)]);

/// An entry of `depends_on`.
static DEPENDENCY: Shape = Object(&[("condition", &TEXT), ("required", &FLAG), ("restart", &FLAG)]);

/// An entry of `devices`.
static DEVICE_OBJECT: Shape = Object(&[("permissions", &TEXT), ("source", &TEXT), ("target", &TEXT)]);

/// `extends`.
static EXTENDS_OBJECT: Shape = Object(&[("file", &TEXT), ("service", &TEXT)]);

/// `provider`.
static PROVIDER: Shape = Object(&[("options", &PROVIDER_OPTIONS), ("type", &TEXT)]);

/// `logging`.
static LOGGING: Shape = Object(&[("driver", &TEXT), ("options", &DRIVER_OPTIONS)]);

/// An entry of a service's `networks`.
static SERVICE_NETWORK: Shape = Object(&[
    ("aliases", &TEXTS),
    ("driver_opts", &DRIVER_OPTIONS),
    ("gw_priority", &NUM),
    ("interface_name", &TEXT),
    ("ipv4_address", &TEXT),
    ("ipv6_address", &TEXT),
    ("link_local_ips", &TEXTS),
    ("mac_address", &TEXT),
    ("priority", &NUM),
]);

/// An entry of a service's `models`.
static SERVICE_MODEL: Shape = Object(&[("endpoint_var", &TEXT), ("model_var", &TEXT)]);

/// An entry of `ports`.
static PORT_OBJECT: Shape = Object(&[
    ("app_protocol", &TEXT),
    ("host_ip", &TEXT),
    ("mode", &TEXT),
    ("name", &TEXT),
    ("protocol", &TEXT),
    ("published", &INT),
    ("target", &INT),
]);

/// An entry of `volumes`.
static MOUNT_OBJECT: Shape = Object(&[
    ("bind", &MOUNT_BIND),
    ("consistency", &TEXT),
    ("image", &MOUNT_IMAGE),
    ("read_only", &FLAG),
    ("source", &TEXT),
    ("target", &TEXT),
    ("tmpfs", &MOUNT_TMPFS),
    ("type", &TEXT),
    ("volume", &MOUNT_VOLUME),
]);

/// `bind` of a mount.
static MOUNT_BIND: Shape =
    Object(&[("create_host_path", &FLAG), ("propagation", &TEXT), ("recursive", &TEXT), ("selinux", &TEXT)]);

/// `volume` of a mount.
static MOUNT_VOLUME: Shape = Object(&[("labels", &PAIRS), ("nocopy", &FLAG), ("subpath", &TEXT)]);

/// `tmpfs` of a mount.
static MOUNT_TMPFS: Shape = Object(&[("mode", &NUM), ("size", &INT)]);

/// `image` of a mount.
static MOUNT_IMAGE: Shape = Object(&[("subpath", &TEXT)]);

/// `healthcheck`.
static HEALTHCHECK: Shape = Object(&[
    ("disable", &FLAG),
    ("interval", &TEXT),
    ("retries", &NUM),
    ("start_interval", &TEXT),
    ("start_period", &TEXT),
    ("test", &TEXT_OR_TEXTS),
    ("timeout", &TEXT),
]);

/// `develop`.
static DEVELOP: Shape = Object(&[("watch", &WATCHES)]);

/// An entry of `develop.watch`.
static WATCH: Shape = Object(&[
    ("action", &TEXT),
    ("exec", &HOOK),
    ("ignore", &TEXT_OR_TEXTS),
    ("include", &TEXT_OR_TEXTS),
    ("initial_sync", &FLAG),
    ("path", &TEXT),
    ("target", &TEXT),
]);

/// A lifecycle hook.
static HOOK: Shape = Object(&[
    ("command", &TEXT_OR_TEXTS),
    ("environment", &PAIRS),
    ("image", &TEXT),
    ("privileged", &FLAG),
    ("user", &TEXT),
    ("working_dir", &TEXT),
]);

/// `deploy`.
static DEPLOY: Shape = Object(&[
    ("endpoint_mode", &TEXT),
    ("labels", &PAIRS),
    ("mode", &TEXT),
    ("placement", &PLACEMENT),
    ("replicas", &INT),
    ("resources", &RESOURCES),
    ("restart_policy", &RESTART_POLICY),
    ("rollback_config", &UPDATE),
    ("update_config", &UPDATE),
]);

/// `deploy.update_config` and `deploy.rollback_config`.
static UPDATE: Shape = Object(&[
    ("delay", &TEXT),
    ("failure_action", &TEXT),
    ("max_failure_ratio", &NUM),
    ("monitor", &TEXT),
    ("order", &TEXT),
    ("parallelism", &INT),
]);

/// `deploy.resources`.
static RESOURCES: Shape = Object(&[("limits", &LIMITS), ("reservations", &RESERVATIONS)]);

/// `deploy.resources.limits`.
static LIMITS: Shape = Object(&[("cpus", &NUM), ("memory", &TEXT), ("pids", &INT)]);

/// `deploy.resources.reservations`.
static RESERVATIONS: Shape =
    Object(&[("cpus", &NUM), ("devices", &GPU_LIST), ("generic_resources", &GENERIC_RESOURCES), ("memory", &TEXT)]);

/// An entry of `generic_resources`.
static GENERIC_RESOURCE: Shape = Object(&[("discrete_resource_spec", &DISCRETE_RESOURCE)]);

/// `discrete_resource_spec`.
static DISCRETE_RESOURCE: Shape = Object(&[("kind", &TEXT), ("value", &NUM)]);

/// `deploy.restart_policy`.
static RESTART_POLICY: Shape =
    Object(&[("condition", &TEXT), ("delay", &TEXT), ("max_attempts", &INT), ("window", &TEXT)]);

/// `deploy.placement`.
static PLACEMENT: Shape =
    Object(&[("constraints", &TEXTS), ("max_replicas_per_node", &INT), ("preferences", &PREFERENCES)]);

/// An entry of `deploy.placement.preferences`.
static PREFERENCE: Shape = Object(&[("spread", &TEXT)]);

/// An entry of `gpus` or of reserved `devices`.
static GPU: Shape = Object(&[
    ("capabilities", &TEXTS),
    ("count", &INT),
    ("device_ids", &TEXTS),
    ("driver", &TEXT),
    ("options", &PAIRS),
]);

/// An entry of `env_file`.
static ENV_FILE_OBJECT: Shape = Object(&[("format", &TEXT), ("path", &TEXT), ("required", &FLAG)]);

/// An entry of `secrets` or `configs` of a service.
static OBJECT_REFERENCE_OBJECT: Shape =
    Object(&[("gid", &TEXT), ("mode", &NUM), ("source", &TEXT), ("target", &TEXT), ("uid", &TEXT)]);

/// An entry of `ulimits`.
static ULIMIT_OBJECT: Shape = Object(&[("hard", &INT), ("soft", &INT)]);

/// An entry of `include`.
static INCLUDE_OBJECT: Shape =
    Object(&[("env_file", &TEXT_OR_TEXTS), ("path", &TEXT_OR_TEXTS), ("project_directory", &TEXT)]);

/// The old form of `external`.
static EXTERNAL_NAME: Shape = Object(&[("name", &TEXT)]);

/// A network.
static NETWORK: Shape = Object(&[
    ("attachable", &FLAG),
    ("driver", &TEXT),
    ("driver_opts", &DRIVER_OPTIONS),
    ("enable_ipv4", &FLAG),
    ("enable_ipv6", &FLAG),
    ("external", &EXTERNAL),
    ("internal", &FLAG),
    ("ipam", &IPAM),
    ("labels", &PAIRS),
    ("name", &TEXT),
]);

/// `ipam` of a network.
static IPAM: Shape = Object(&[("config", &IPAM_CONFIGS), ("driver", &TEXT), ("options", &TEXT_MAP)]);

/// An entry of `ipam.config`.
static IPAM_CONFIG: Shape =
    Object(&[("aux_addresses", &TEXT_MAP), ("gateway", &TEXT), ("ip_range", &TEXT), ("subnet", &TEXT)]);

/// A volume.
static VOLUME: Shape = Object(&[
    ("driver", &TEXT),
    ("driver_opts", &DRIVER_OPTIONS),
    ("external", &EXTERNAL),
    ("labels", &PAIRS),
    ("name", &TEXT),
]);

/// A secret.
static SECRET: Shape = Object(&[
    ("driver", &TEXT),
    ("driver_opts", &DRIVER_OPTIONS),
    ("environment", &TEXT),
    ("external", &EXTERNAL),
    ("file", &TEXT),
    ("labels", &PAIRS),
    ("name", &TEXT),
    ("template_driver", &TEXT),
]);

/// A config.
static CONFIG: Shape = Object(&[
    ("content", &TEXT),
    ("environment", &TEXT),
    ("external", &EXTERNAL),
    ("file", &TEXT),
    ("labels", &PAIRS),
    ("name", &TEXT),
    ("template_driver", &TEXT),
]);

/// A model.
static MODEL: Shape = Object(&[("context_size", &INT), ("model", &TEXT), ("name", &TEXT), ("runtime_flags", &TEXTS)]);
