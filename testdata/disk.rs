//! Hostile trees: what lies in them that is no plain file, what changes under the scan, and what leads out of it.

#[path = "support/patience.rs"]
mod patience;
#[path = "support/tree.rs"]
mod tree;

#[cfg(unix)]
#[path = "disk/special.rs"]
mod special;

#[path = "disk/canary.rs"]
mod canary;

#[path = "disk/outputs.rs"]
mod outputs;

#[cfg(unix)]
#[path = "disk/repository.rs"]
mod repository;

#[cfg(target_os = "linux")]
#[path = "disk/opens.rs"]
mod opens;
