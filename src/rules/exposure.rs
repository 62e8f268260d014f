//! Ports and services that others can reach.
