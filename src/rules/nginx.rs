//! nginx configs.

use super::Cx;
use crate::finding::Severity;
use crate::syntax::nginx::Nginx;

/// First words of location paths that hold files for everyone.
const PUBLIC_AREAS: [&str; 8] = ["download", "downloads", "pub", "public", "mirror", "releases", "files", "packages"];

pub(super) fn autoindex_on(nginx: &Nginx, cx: &mut Cx) {
    for visit in nginx.walk().filter(|visit| visit.directive.is("autoindex")) {
        if visit.directive.argument(0) != Some("on") {
            continue;
        }
        let public = visit.parent().filter(|parent| parent.is("location")).is_some_and(|location| {
            let path = location.arguments.last().map_or("", |argument| argument.text.as_str());
            path.split('/').any(|part| PUBLIC_AREAS.contains(&part))
        });
        let finding = cx.report(visit.directive.span, "nginx lists the files of directories that have no index");
        finding.help("remove `autoindex on`; it is off by default");
        if public {
            finding.severity(Severity::Info);
        }
    }
}
