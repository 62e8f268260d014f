//! What the fuzz targets call: the functions that the mutation runner of `testdata/hostile.rs` calls, too.

#[path = "../../testdata/support/any_bytes.rs"]
pub mod any_bytes;
#[path = "../../testdata/support/invariants.rs"]
pub mod invariants;
#[path = "../../testdata/support/virtual_repository.rs"]
pub mod virtual_repository;
