//! Tests of the nginx front end.
