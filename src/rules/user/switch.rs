//! Accounts that one file sets and another one undoes or cannot take.

use super::{Cx, Root, fate_of_root, is_other_account};
use crate::command::Simple;
use crate::container::{Container, Fact, ProcessOrigin, UserSource, names_root};
use crate::finding::Severity;
use crate::rules::chain::{self, Step};
use crate::source::Span;
use crate::syntax::supervisor::{Supervisor, has_expansions};

/// Programs that only prepare files for others, which takes root once.
const PREPARING: &[&str] =
    &["chgrp", "chmod", "chown", "cp", "echo", "install", "ln", "ls", "mkdir", "mv", "rm", "touch"];

pub(in crate::rules) fn compose_undoes_image_user(container: &Container, cx: &mut Cx) {
    let Some(built) = &container.built else { return };
    let Some(user) = container.user.known().filter(|user| user.value.is_root()) else { return };
    if user.value.by != UserSource::Compose {
        return;
    }
    let fate = fate_of_root(container, cx);
    if matches!(fate, Root::Dropped | Root::Supervised) || only_prepares(container) {
        return;
    }
    let mut steps = chain::to_image(container, cx);
    let account = match (&built.config.user, container.known.zip(container.image.as_ref())) {
        (Some(user), _) if !user.is_known() => return,
        (Some(user), _) => {
            steps.extend(user_step(container, user.span, cx));
            steps.push((user.span, format!("the image ends as `{}`", user.value)));
            user.value.as_str()
        }
        (None, Some((known, image))) => {
            steps.push((image.span, format!("the image ends as `{}`, the account of its base", known.user)));
            known.user
        }
        (None, None) => return,
    };
    if names_root(account) {
        return;
    }
    steps.push((user.span, "`user` replaces it by root".to_owned()));
    let name = &container.name;
    let message = match fate {
        Root::Script(script) => {
            format!(
                "`{name}` is started as root although its image ends as `{account}`, unless `{script}` switches back"
            )
        }
        _ => format!("`{name}` runs as root although its image ends as `{account}`"),
    };
    let finding = cx.report(user.span, message);
    finding.help(format!("remove `user`, and give `{account}` what it needs in the Dockerfile (`COPY --chown`)"));
    if matches!(fate, Root::Script(_) | Root::Hidden) {
        finding.severity(Severity::Medium);
    }
    finding.contains("explicit-root-user", user.span).links(steps);
}

/// Whether all that the container starts changes owners and folders for others.
pub(super) fn only_prepares(container: &Container) -> bool {
    let mut commands = container.processes.iter().flat_map(|process| &process.effective.commands).peekable();
    commands.peek().is_some() && commands.all(|command| PREPARING.contains(&command.name.as_str()))
}

/// The step from the shipped stage to the one with the USER at `span`.
fn user_step(container: &Container, span: Span, cx: &Cx) -> Option<Step> {
    let built = container.built.as_ref()?;
    let dockerfile = cx.project.dockerfile(built.document)?;
    let stages = built.config.chain.iter().filter_map(|&stage| dockerfile.stages.get(stage));
    let index = stages
        .flat_map(|stage| stage.body.clone())
        .find(|&index| dockerfile.instructions.get(index).is_some_and(|instruction| instruction.span.contains(span)))?;
    chain::to_instruction(built, dockerfile, index)
}

/// Who supervisord runs as, where that is not root, and the line that says so.
fn account_of_supervisord(container: &Container) -> Option<(String, Span)> {
    let mut starts = container.processes.iter().filter(|p| !matches!(p.origin, ProcessOrigin::Program { .. }));
    let start = starts.find_map(|p| p.effective.commands.iter().find(|command| command.name == "supervisord"));
    if let Some(account) = start.and_then(|start| start.dropped_to.as_deref()) {
        let switches = account.literal && is_other_account(Some(account));
        return switches.then(|| (account.text.value.clone(), account.text.span));
    }
    // sudo without an account, and what is set-user-ID root, bring root back.
    let regains =
        |start: &Simple| start.through.iter().any(|wrapper| matches!(wrapper.as_str(), "sudo" | "doas" | "su"));
    match &container.user {
        Fact::Known(user) if !user.value.is_root() && !start.is_some_and(regains) => {
            let account = user.value.name.split(':').next().unwrap_or_default();
            (!account.is_empty()).then(|| (account.to_owned(), user.span))
        }
        _ => None,
    }
}

/// Whether two ways to name an account are known to be of different ones: two names, two numbers, or root and a number.
fn differ(own: &str, other: &str) -> bool {
    let number = |account: &str| account.bytes().all(|byte| byte.is_ascii_digit());
    own != other && (number(own) == number(other) || names_root(other))
}

pub(in crate::rules) fn supervisor_cannot_switch_user(container: &Container, cx: &mut Cx) {
    if container.supervisors.is_empty() {
        return;
    }
    let Some((own, decided)) = account_of_supervisord(container) else { return };
    for id in container.supervisors.iter() {
        let Some(supervisor) = cx.project.supervisor(*id) else { continue };
        let settings = refused(supervisor, &own);
        let Some((first, of)) = settings.first() else { continue };
        let account = first.1.as_str();
        let message = match of {
            None => format!(
                "supervisord runs as `{own}` in `{}` and cannot become `{account}`: it does not start",
                container.name
            ),
            Some(program) if settings.len() == 1 => format!(
                "supervisord runs as `{own}` in `{}` and cannot start program `{program}` as `{account}`",
                container.name
            ),
            Some(program) => format!(
                "supervisord runs as `{own}` in `{}` and cannot start `{program}` and {} more as other accounts",
                container.name,
                settings.len() - 1
            ),
        };
        let span = first.0;
        let process = container.processes.iter().find(|process| match &process.origin {
            ProcessOrigin::Program { document, name } => document == id && of.as_ref().is_none_or(|of| of == name),
            _ => false,
        });
        let mut steps = chain::steps(container, process, cx);
        let at = steps.iter().position(|(step, _)| *step == decided).unwrap_or(steps.len());
        if at == steps.len() {
            steps.push((decided, format!("starts it as `{own}`")));
        }
        let finding = cx.report(span, message);
        finding.help(format!(
            "remove `user=` to run it as `{own}`, or start supervisord as root and let each program name its account"
        ));
        finding.links(steps);
        for ((span, account), _) in settings.iter().skip(1).take(MAX_SHOWN) {
            finding.related(*span, format!("nor as `{account}` here"));
        }
        match of {
            Some(program) => finding.inside(&format!("program.{program}")),
            None => finding.inside("supervisord"),
        };
    }
}

/// Further programs that are shown.
const MAX_SHOWN: usize = 10;

/// The `user=` settings that supervisord, which runs as `own`, cannot follow, with the program that each is for; that of
/// supervisord itself comes first. (`drop_privileges` of `supervisor/options.py`: only root may switch, and another account
/// than its own is an error.)
type Refused = ((Span, String), Option<String>);

fn refused(supervisor: &Supervisor, own: &str) -> Vec<Refused> {
    let section = supervisor.section("supervisord");
    let master = section.and_then(|section| supervisor.get(section, "user")).map(|user| (user, None));
    let programs = supervisor
        .programs()
        .filter_map(|program| program.get("user").map(|user| (user, Some(program.name.value.clone()))));
    let mut seen = Vec::new();
    let settings = master.into_iter().chain(programs).filter_map(|(user, of)| {
        let account = user.value.as_str().trim();
        let wrong = !account.is_empty() && !has_expansions(&user.value) && differ(own, account);
        wrong.then(|| ((user.value.span, account.to_owned()), of))
    });
    for setting in settings.take(1_000) {
        // What `[DEFAULT]` sets is one line for all programs.
        if seen.last().is_none_or(|last: &Refused| last.0.0 != setting.0.0) {
            seen.push(setting);
        }
    }
    seen
}
