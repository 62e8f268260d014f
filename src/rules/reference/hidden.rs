use crate::container::Container;
use crate::rules::Cx;
pub(in crate::rules) fn mount_hides_image_content(_container: &Container, _cx: &mut Cx) {}
