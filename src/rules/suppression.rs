//! Exceptions that do not do what they seem to do.

use super::{Cx, RULES};
use crate::exception::Exception;
use crate::text::{closest, visible};

pub(super) fn suppression_malformed(exception: &Exception, cx: &mut Cx) {
    let (Some(span), Some(problem)) = (exception.span, &exception.malformed) else { return };
    let finding = cx.report(span, format!("This comment cannot be read, so it does nothing: {problem}"));
    let ignore = "`confscan: ignore[rule, rule] until=YYYY-MM-DD -- why` (the date and the reason may be left out)";
    finding.help(format!("write {ignore} or `confscan: environment=production`"));
    finding.evidence("malformed");
}

pub(super) fn suppression_unknown_rule(exception: &Exception, cx: &mut Cx) {
    let Some(span) = exception.span.filter(|_| !exception.unknown.is_empty()) else { return };
    let names = listed(&exception.unknown);
    let finding = cx.report(span, format!("This ignore is for rules that do not exist: {names}"));
    let near = |unknown: &String| closest(unknown, RULES.iter().map(|registered| registered.rule.id));
    match exception.unknown.iter().find_map(near) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("`confscan rules` lists every rule"),
    };
    finding.evidence(exception.unknown.join(" "));
}

pub(super) fn suppression_expired(exception: &Exception, cx: &mut Cx) {
    let (Some(span), Some(until)) = (exception.span, &exception.ignore.until) else { return };
    if !exception.expired || exception.malformed.is_some() {
        return;
    }
    let message = match until.date {
        Some(date) => format!("This ignore hides nothing any more: its last day was {date}"),
        None => format!("This ignore hides nothing: `{}` is no date", visible(&until.text)),
    };
    let finding = cx.report(span, message);
    finding.help("fix what it hid and remove it, or decide anew and write another day as `until=YYYY-MM-DD`");
    finding.evidence(exception.ignore.rules.join(" "));
}

pub(super) fn suppression_without_reason(exception: &Exception, cx: &mut Cx) {
    let Some(span) = exception.span.filter(|_| exception.malformed.is_none()) else { return };
    let message = match &exception.mute[..] {
        _ if exception.unreasoned => {
            "This ignore hides nothing: it gives no reason, and reasons are required".to_owned()
        }
        [] => return,
        rules => format!("This ignore hides nothing of {}: what was not graded takes a reason", listed(rules)),
    };
    let finding = cx.report(span, message);
    finding.help("write why behind ` -- `").evidence(exception.ignore.rules.join(" "));
}

pub(super) fn suppression_unused(exception: &Exception, cx: &mut Cx) {
    let Some(span) = exception.span.filter(|_| exception.holds() && !exception.unused.is_empty()) else { return };
    let names = listed(&exception.unused);
    let finding = cx.report(span, format!("This ignore hides nothing of {names}"));
    finding.help("remove it, or move it to the line or to the header of the node that it is meant for");
    finding.evidence(exception.unused.join(" "));
}

/// Ids of rules for a message, as many as can be read.
fn listed(rules: &[String]) -> String {
    let shown: Vec<String> = rules.iter().take(5).map(|rule| format!("`{}`", visible(rule))).collect();
    let more = rules.len() - shown.len();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
