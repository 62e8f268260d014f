//! Host paths and sockets inside containers.
