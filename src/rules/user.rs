//! Who processes run as.
