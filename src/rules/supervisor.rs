//! supervisord configs.
