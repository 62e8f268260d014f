//! The keys of a service that few services have.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use super::{Device, Extends, Hook, KeyValue, ObjectReference, Scalar, Watch};
use crate::source::Spanned;

/// The keys of a service that few services have: they take memory only where there is one of them.
#[derive(Debug, Default)]
pub struct Uncommon(Option<Box<UncommonKeys>>);

/// See [`Uncommon`].
#[derive(Debug, Default)]
pub struct UncommonKeys {
    /// `volumes_from`.
    pub volumes_from: Vec<Scalar>,
    /// `group_add`.
    pub group_add: Vec<Scalar>,
    /// `use_api_socket`.
    pub use_api_socket: Option<Spanned<bool>>,
    /// `uts`.
    pub uts: Option<Scalar>,
    /// `userns_mode`.
    pub userns_mode: Option<Scalar>,
    /// `cgroup`.
    pub cgroup: Option<Scalar>,
    /// `devices`.
    pub devices: Vec<Device>,
    /// `device_cgroup_rules`.
    pub device_cgroup_rules: Vec<Scalar>,
    /// `runtime`.
    pub runtime: Option<Scalar>,
    /// `secrets`.
    pub secrets: Vec<ObjectReference>,
    /// `configs`.
    pub configs: Vec<ObjectReference>,
    /// `extends`.
    pub extends: Option<Extends>,
    /// `develop.watch`.
    pub watch: Vec<Watch>,
    /// `pre_start`, `post_start` and `pre_stop`.
    pub hooks: Vec<Hook>,
    /// `stop_signal`.
    pub stop_signal: Option<Scalar>,
    /// `stop_grace_period`.
    pub stop_grace_period: Option<Scalar>,
    /// `extra_hosts`: a host with several addresses is there as often.
    pub extra_hosts: Vec<KeyValue>,
    /// `sysctls`.
    pub sysctls: Vec<KeyValue>,
    /// `provider.type`.
    pub provider: Option<Scalar>,
    /// `scale`.
    pub scale: Option<Scalar>,
    /// `annotations`.
    pub annotations: Vec<KeyValue>,
    /// `cgroup_parent`.
    pub cgroup_parent: Option<Scalar>,
    /// `credential_spec`: `config`, `file` or `registry`.
    pub credential_spec: Vec<KeyValue>,
    /// `gpus`: `all`, or the drivers and identifiers of devices.
    pub gpus: Vec<Scalar>,
    /// `label_file`.
    pub label_file: Vec<Scalar>,
    /// `links` and `external_links`.
    pub links: Vec<Scalar>,
    /// `dns`.
    pub dns: Vec<Scalar>,
    /// `mem_reservation`.
    pub mem_reservation: Option<Scalar>,
    /// `memswap_limit`.
    pub memswap_limit: Option<Scalar>,
    /// `shm_size`.
    pub shm_size: Option<Scalar>,
    /// `cpu_quota`.
    pub cpu_quota: Option<Scalar>,
    /// `oom_kill_disable`.
    pub oom_kill_disable: Option<Spanned<bool>>,
    /// `oom_score_adj`.
    pub oom_score_adj: Option<Scalar>,
    /// `ulimits`: the value is the soft limit where there are two.
    pub ulimits: Vec<KeyValue>,
    /// `storage_opt`.
    pub storage_opt: Vec<KeyValue>,
    /// `isolation`.
    pub isolation: Option<Scalar>,
    /// `platform`.
    pub platform: Option<Scalar>,
    /// `pull_policy`.
    pub pull_policy: Option<Scalar>,
    /// `tty`.
    pub tty: Option<Spanned<bool>>,
    /// `stdin_open`.
    pub stdin_open: Option<Spanned<bool>>,
}

impl Deref for Uncommon {
    type Target = UncommonKeys;

    fn deref(&self) -> &UncommonKeys {
        static NONE: LazyLock<UncommonKeys> = LazyLock::new(UncommonKeys::default);
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Uncommon {
    fn deref_mut(&mut self) -> &mut UncommonKeys {
        self.0.get_or_insert_default()
    }
}
