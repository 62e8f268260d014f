//! Variables of a stack that nothing defines.

use super::Cx;
use crate::finding::Confidence;
use crate::project::Use;
use crate::project::stacks::{GapKind, Stack};

pub(in crate::rules) fn required_variable_undefined(stack: &Stack, cx: &mut Cx) {
    // What is to be in a file that is not in the repository may be told to whoever runs it.
    let open = stack.gaps.iter().any(|gap| gap.kind == GapKind::EnvFile);
    for need in &stack.undefined {
        let Some((&first, rest)) = need.spans.split_first() else { continue };
        let (name, service) = (&need.name, &need.service);
        let becomes = match &need.what {
            Use::Image => format!("the image of `{service}` is another one, or none"),
            Use::Port => format!("`{service}` is published at another port or address"),
            Use::Source => format!("`{service}` mounts something else, or does not start"),
            Use::Credential(key) if key.contains(' ') => format!("`{service}` gets {key} that is empty"),
            Use::Credential(key) | Use::Hosts(key) => format!("`{key}` of `{service}` is empty"),
        };
        let message = format!("nothing in the repository defines or mentions `{name}`: without it, {becomes}");
        let finding = cx.report(first, message);
        finding
            .help(format!(
                "say that it is needed (`${{{name}:?set {name}}}`), give it a default, or list it in `.env.example`"
            ))
            .evidence(name)
            .inside(&format!("services.{service}"));
        for &span in rest {
            finding.related(span, "it is used here, too");
        }
        if open {
            finding.confidence(Confidence::Guess);
        }
    }
}
