//! Capabilities, namespaces, devices, security profiles.
