use crate::container::Container;
use crate::rules::Cx;
pub(in crate::rules) fn config_never_loaded(_container: &Container, _cx: &mut Cx) {}
