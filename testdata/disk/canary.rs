//! Every way out of the scan root, with something outside that must not be seen.
