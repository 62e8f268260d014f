//! nginx configs.
