//! Development settings that reach production.
