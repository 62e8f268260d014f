//! Capabilities, namespaces, devices, security profiles.

use super::Cx;
use crate::container::Container;
use crate::finding::Severity;

pub(super) fn privileged_container(container: &Container, cx: &mut Cx) {
    let Some(service) = cx.project.service(container) else { return };
    let Some(privileged) = service.privileged.filter(|privileged| privileged.value) else { return };
    let isolated =
        service.runtime.as_ref().is_some_and(|r| r.value.starts_with("sysbox") || r.value.starts_with("kata"));
    let rootless =
        container.image.as_ref().and_then(|image| image.tag.as_deref()).is_some_and(|t| t.contains("rootless"));
    let finding =
        cx.report(privileged.span, format!("`{}` runs privileged: root in it is root on the host", container.name));
    finding.help("remove it, and grant the one capability or device that is needed");
    if isolated || rootless {
        finding.severity(Severity::High);
    }
}
