//! Secrets in files.
