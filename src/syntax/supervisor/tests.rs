//! Tests of the supervisord front end.
