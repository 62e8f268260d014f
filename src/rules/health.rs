//! Health checks, restarts, limits.
