//! Every check over every node, in parallel, and the order and identity of what they find.

mod contained;
mod found;
mod trail;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::prelude::*;

use crate::config::Config;
use crate::container::facet::Scope;
use crate::container::{CommandLine, Container, DocumentId, Env, Image, Origin};
use crate::exception::Exception;
use crate::finding::{Finding, Rule, Unlisted, identify};
use crate::limit::Exceeded;
use crate::outline::Outline;
use crate::project::stacks::Stack;
use crate::project::{Failure, Project, StageNode, panic_message};
use crate::redact::Secrets;
use crate::rules::{Check, Cx, Finished, RULES, Registered, Setting, Trees, trees};
use crate::secret;
use crate::source::{FileId, Kind, Skipped, Source, Sources, mask};
use crate::syntax::Document;
use found::{Findings, Found};

/// A node that checks run over.
enum Node<'a> {
    Source(&'a Source),
    Document(&'a Document),
    Stack(usize, &'a Stack),
    Stage(&'a StageNode),
    Image(&'a Image),
    Env(&'a Env),
    Command(&'a CommandLine),
    Container(&'a Container),
    Skipped(&'a Skipped),
    Failure(&'a Failure),
    Exception(&'a Exception),
    Exceeded(&'a Exceeded),
    Unlisted(&'a Unlisted),
}

/// What a node is, so that only the rules over such nodes are asked.
#[derive(Clone, Copy)]
enum Slot {
    Source,
    Dockerfile,
    Compose,
    Supervisor,
    Nginx,
    Dotenv,
    Stack,
    Stage,
    Image,
    Env,
    Command,
    Container,
    Skipped,
    Exception,
    Failure,
    Exceeded,
    Unlisted,
}

/// Number of slots.
const SLOTS: usize = Slot::Unlisted as usize + 1;

impl Slot {
    fn of(node: &Node) -> Slot {
        match node {
            Node::Source(_) => Slot::Source,
            Node::Document(Document::Dockerfile(_)) => Slot::Dockerfile,
            Node::Document(Document::Compose(_)) => Slot::Compose,
            Node::Document(Document::Supervisor(_)) => Slot::Supervisor,
            Node::Document(Document::Nginx(_)) => Slot::Nginx,
            Node::Document(Document::Dotenv(_)) => Slot::Dotenv,
            Node::Stack(..) => Slot::Stack,
            Node::Stage(_) => Slot::Stage,
            Node::Image(_) => Slot::Image,
            Node::Env(_) => Slot::Env,
            Node::Command(_) => Slot::Command,
            Node::Container(_) => Slot::Container,
            Node::Skipped(_) => Slot::Skipped,
            Node::Exception(_) => Slot::Exception,
            Node::Failure(_) => Slot::Failure,
            Node::Exceeded(_) => Slot::Exceeded,
            Node::Unlisted(_) => Slot::Unlisted,
        }
    }

    /// The nodes that a check is for.
    fn taken_by(check: &Check) -> &'static [Slot] {
        match check {
            Check::Source(_) => &[Slot::Source],
            Check::Document(_) => &[Slot::Dockerfile, Slot::Compose, Slot::Supervisor, Slot::Nginx, Slot::Dotenv],
            Check::Dockerfile(_) => &[Slot::Dockerfile],
            Check::Compose(_) => &[Slot::Compose],
            Check::Supervisor(_) => &[Slot::Supervisor],
            Check::Nginx(_) => &[Slot::Nginx],
            Check::Stack(_) => &[Slot::Stack],
            Check::Stage(_) => &[Slot::Stage],
            Check::Image(_) => &[Slot::Image],
            Check::Env(_) => &[Slot::Env],
            Check::Command(_) => &[Slot::Command],
            Check::Setting(_) => &[Slot::Env, Slot::Command],
            Check::Container(_) => &[Slot::Container],
            Check::Skipped(_) => &[Slot::Skipped],
            Check::Exception(_) => &[Slot::Exception],
            Check::Failure(_) => &[Slot::Failure],
            Check::Exceeded(_) => &[Slot::Exceeded],
            Check::Unlisted(_) => &[Slot::Unlisted],
        }
    }
}

/// The rules that run, by what they are about.
type Rules = [Vec<&'static Registered>; SLOTS];

/// A node with the place that its findings are attributed to.
struct Job<'a> {
    node: Node<'a>,
    about: About<'a>,
    file: Option<FileId>,
}

/// What the findings of a job are attributed to. A project has tens of thousands of jobs: each makes its scope when it runs.
#[derive(Clone, Copy)]
enum About<'a> {
    Nothing,
    Document(DocumentId),
    Scope(&'a Scope),
    /// The container at an index.
    Container(usize),
}

impl<'a> About<'a> {
    fn scope(self, project: &'a Project) -> Option<Cow<'a, Scope>> {
        let whole = |document, path| Scope { document, stage: None, container: None, path };
        match self {
            About::Nothing => None,
            About::Document(document) => Some(Cow::Owned(whole(document, Arc::default()))),
            About::Scope(scope) => Some(Cow::Borrowed(scope)),
            About::Container(index) => {
                let container = &project.containers[index];
                let scope = match container.origin {
                    Origin::Service { document, .. } => whole(document, format!("services.{}", container.name).into()),
                    Origin::Stage { document, stage } => {
                        // Stages are in the order of their documents and of their places in them.
                        let key = |stage: &StageNode| (stage.scope.document, stage.index);
                        let found = project.stages.binary_search_by_key(&(document, stage), key);
                        let path =
                            found.map_or_else(|_| Arc::default(), |found| project.stages[found].scope.path.clone());
                        Scope { stage: Some(stage), ..whole(document, path) }
                    }
                };
                Some(Cow::Owned(Scope { container: Some(index), ..scope }))
            }
        }
    }
}

/// Runs every enabled check and gives the findings in the order of the report, each with its identity. `secrets` is where
/// secret values stand.
pub fn grade(project: &Project, sources: &Sources, config: &Config, secrets: &Secrets) -> Vec<Finding> {
    settle(check(project, sources, config, &enabled(&|rule| config.may_run(rule))), project, sources, secrets)
}

/// Runs the checks of the rules that `wanted` takes, to tell what they cost: what they find, in no order and without
/// identities.
pub fn grade_by(wanted: &dyn Fn(&Rule) -> bool, project: &Project, sources: &Sources, config: &Config) -> Vec<Finding> {
    check(project, sources, config, &enabled(wanted))
}

/// Adds what the checks over exceptions find to the findings that no exception hides, and what broke while exceptions were
/// applied. What is found about an exception cannot be hidden by one.
pub fn grade_exceptions(
    exceptions: &[Exception],
    failures: &[Failure],
    mut findings: Vec<Finding>,
    project: &Project,
    sources: &Sources,
    config: &Config,
    secrets: &Secrets,
) -> Vec<Finding> {
    let rules = enabled(&|rule| config.may_run(rule));
    let jobs = exceptions.iter().map(|exception| Job {
        node: Node::Exception(exception),
        about: About::Nothing,
        file: exception.span.map(|span| span.file),
    });
    let trees = Trees::new();
    let run = |found, job: &Job| run(found, job, &rules, &trees, project, sources, config);
    let found = jobs.fold(Found::new(config.max_findings()), |found, job| run(found, &job));
    let found = with_what_was_not_graded(found, failures, &BTreeSet::new(), run);
    if found.is_empty() {
        return findings;
    }
    let found = found.into_findings();
    findings.extend(settle(found, project, sources, secrets));
    sort(&mut findings, sources);
    findings
}

/// The rules that `wanted` takes.
fn enabled(wanted: &dyn Fn(&Rule) -> bool) -> Rules {
    let mut rules: Rules = Default::default();
    for registered in RULES.iter().filter(|registered| wanted(&registered.rule)) {
        for &slot in Slot::taken_by(&registered.check) {
            rules[slot as usize].push(registered);
        }
    }
    rules
}

/// Runs every enabled check over every node, in parallel.
fn check(project: &Project, sources: &Sources, config: &Config, rules: &Rules) -> Vec<Finding> {
    let trees = trees(project);
    let run = |found, job: &Job| run(found, job, rules, &trees, project, sources, config);
    let jobs = jobs(project, sources);
    let none = || Found::new(config.max_findings());
    let found = jobs.par_iter().with_min_len(32).fold(none, &run).reduce(none, Found::and);
    drop(jobs);
    let exceeded = exceeded(project, sources);
    let findings = with_what_was_not_graded(found, &project.failures, &exceeded, run);
    // The list of findings is made where these were.
    drop(trees);
    findings.into_findings()
}

/// What was left out while the files were read and joined, and of the wrappers of command lines, which are looked at when a
/// rule asks.
fn exceeded(project: &Project, sources: &Sources) -> BTreeSet<Exceeded> {
    let commands = project.commands.iter().flat_map(CommandLine::exceeded);
    let processes = project.containers.iter().flat_map(|container| &container.processes);
    let processes = processes.flat_map(|process| &process.effective.exceeded).copied();
    let all = project.exceeded.iter().copied().chain(commands).chain(processes);
    all.map(|Exceeded { span, limit }| Exceeded { span: sources.resolve(span), limit }).collect()
}

/// Takes in what other findings contain, and adds what is found about that which was not graded or is not listed.
fn with_what_was_not_graded(
    found: Found,
    failures: &[Failure],
    exceeded: &BTreeSet<Exceeded>,
    run: impl Fn(Found, &Job) -> Found,
) -> Findings {
    let Found { mut findings, failures: broken, exceeded: more } = found;
    findings = contained::absorb(findings);
    let unlisted = findings.unlisted();
    let broken = by_file(failures.iter().chain(&broken));
    let broken = broken.iter().map(|failure| (Node::Failure(failure), failure.file));
    let exceeded = exceeded.union(&more).map(|exceeded| (Node::Exceeded(exceeded), Some(exceeded.span.file)));
    let unlisted = unlisted.iter().map(|unlisted| (Node::Unlisted(unlisted), Some(unlisted.first.file)));
    let jobs = broken.chain(exceeded).chain(unlisted).map(|(node, file)| Job { node, about: About::Nothing, file });
    jobs.fold(Found { findings, ..Found::new(0) }, |found, job| run(found, &job)).findings
}

/// One failure for each file, that says all that broke there: they are shown at the same place.
fn by_file<'a>(failures: impl Iterator<Item = &'a Failure>) -> Vec<Failure> {
    let mut files: BTreeMap<Option<FileId>, BTreeMap<&str, &str>> = BTreeMap::new();
    for Failure { file, doing, message } in failures {
        let known = files.entry(*file).or_default().entry(doing).or_insert(message);
        *known = message.as_str().min(known);
    }
    let joined = files.into_iter().map(|(file, what)| {
        let message = what.values().next().map_or_else(String::new, |message| (*message).to_owned());
        let doing: Vec<&str> = what.into_keys().collect();
        Failure { file, doing: doing.join(", "), message }
    });
    joined.collect()
}

/// Every node of the project.
fn jobs<'a>(project: &'a Project, sources: &'a Sources) -> Vec<Job<'a>> {
    let nodes = [2 * project.documents.len(), project.stacks.len(), project.stages.len(), project.images.len()];
    let more = [project.envs.len(), project.commands.len(), project.containers.len(), sources.skipped.len()];
    let mut jobs = Vec::with_capacity(nodes.into_iter().chain(more).sum());
    let mut add = |node, about, file| jobs.push(Job { node, about, file });
    let file_of = |document: DocumentId| Some(project.documents[document].file());
    for (id, document) in project.documents.iter().enumerate() {
        let file = document.file();
        if sources.get(file).kind != Kind::Auxiliary {
            add(Node::Source(sources.get(file)), About::Document(id), Some(file));
        }
        add(Node::Document(document), About::Document(id), Some(file));
    }
    for (index, stack) in project.stacks.iter().enumerate() {
        add(Node::Stack(index, stack), About::Document(stack.files[0]), file_of(stack.files[0]));
    }
    let stages = project.stages.iter().map(|stage| (Node::Stage(stage), &stage.scope));
    let images = project.images.iter().map(|image| (Node::Image(image), &image.scope));
    let envs = project.envs.iter().map(|env| (Node::Env(env), &env.scope));
    let commands = project.commands.iter().map(|command| (Node::Command(command), &command.scope));
    for (node, scope) in stages.chain(images).chain(envs).chain(commands) {
        add(node, About::Scope(scope), file_of(scope.document));
    }
    for (index, container) in project.containers.iter().enumerate() {
        if !project.stack(container).is_some_and(|stack| stack.superseded) {
            let (Origin::Service { document, .. } | Origin::Stage { document, .. }) = container.origin;
            add(Node::Container(container), About::Container(index), file_of(document));
        }
    }
    for skipped in sources.skipped.iter().chain(&project.refused) {
        add(Node::Skipped(skipped), About::Nothing, None);
    }
    jobs
}

/// Runs the checks that are for the job's kind of node.
fn run<'a>(
    mut found: Found,
    job: &'a Job,
    rules: &Rules,
    trees: &'a Trees<'a>,
    project: &'a Project,
    sources: &'a Sources,
    config: &'a Config,
) -> Found {
    let scope = job.about.scope(project);
    for registered in &rules[Slot::of(&job.node) as usize] {
        let cx = || {
            let cx = Cx::new(project, sources, config, &registered.rule, scope.as_deref()).with_trees(trees);
            if let Node::Stack(index, stack) = job.node { cx.in_stack(index, stack) } else { cx }
        };
        let doing = || format!("checking rule {}", registered.rule.id);
        let checked = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            job.file.iter().for_each(|file| crate::broken::at(registered.rule.id, &sources.get(*file).text));
            call(&registered.check, &job.node, cx).map(Cx::finish)
        }));
        match checked {
            Ok(Some(Finished { findings, exceeded })) => {
                findings.into_iter().for_each(|finding| found.findings.add(resolved(finding, sources)));
                let place = |Exceeded { span, limit }| Exceeded { span: sources.resolve(span), limit };
                found.exceeded.extend(exceeded.into_iter().map(place));
            }
            Ok(None) => {}
            Err(panic) => {
                found.failures.push(Failure { file: job.file, doing: doing(), message: panic_message(&*panic) })
            }
        }
    }
    found
}

/// A finding whose places are all in files, not in texts inside them.
fn resolved(mut finding: Finding, sources: &Sources) -> Finding {
    let primary = finding.primary();
    finding.inside = Some(primary).filter(|primary| sources.resolve(*primary).file != primary.file);
    let labels = finding.labels.iter_mut().chain(&mut finding.chain).map(|label| &mut label.span);
    labels.chain(finding.contained.iter_mut().map(|(_, span)| span)).for_each(|span| *span = sources.resolve(*span));
    finding
}

/// Calls `check` when it is for the kind of `node`; the context is only made then.
fn call<'a>(check: &Check, node: &Node, cx: impl FnOnce() -> Cx<'a>) -> Option<Cx<'a>> {
    macro_rules! over {
        ($check:expr, $node:expr) => {{
            let mut cx = cx();
            $check($node, &mut cx);
            Some(cx)
        }};
    }
    match (check, node) {
        (Check::Source(check), Node::Source(node)) => over!(check, node),
        (Check::Document(check), Node::Document(node)) => over!(check, node),
        (Check::Dockerfile(check), Node::Document(Document::Dockerfile(node))) => over!(check, node),
        (Check::Compose(check), Node::Document(Document::Compose(node))) => over!(check, node),
        (Check::Supervisor(check), Node::Document(Document::Supervisor(node))) => over!(check, node),
        (Check::Nginx(check), Node::Document(Document::Nginx(node))) => over!(check, node),
        (Check::Stack(check), Node::Stack(_, node)) => over!(check, node),
        (Check::Stage(check), Node::Stage(node)) => over!(check, node),
        (Check::Image(check), Node::Image(node)) => over!(check, node),
        (Check::Env(check), Node::Env(node)) => over!(check, node),
        (Check::Command(check), Node::Command(node)) => over!(check, node),
        (Check::Setting(check), Node::Env(node)) => over!(check, Setting::Env(node)),
        (Check::Setting(check), Node::Command(node)) => over!(check, Setting::Command(node)),
        (Check::Container(check), Node::Container(node)) => over!(check, node),
        (Check::Skipped(check), Node::Skipped(node)) => over!(check, node),
        (Check::Exception(check), Node::Exception(node)) => over!(check, node),
        (Check::Failure(check), Node::Failure(node)) => over!(check, node),
        (Check::Exceeded(check), Node::Exceeded(node)) => over!(check, node),
        (Check::Unlisted(check), Node::Unlisted(node)) => over!(check, node),
        _ => None,
    }
}

/// Sorts the findings and gives each what led to it, its logical path, its evidence and its identity.
fn settle(mut findings: Vec<Finding>, project: &Project, sources: &Sources, secrets: &Secrets) -> Vec<Finding> {
    sort(&mut findings, sources);
    let documents: HashMap<FileId, &Document> =
        project.documents.iter().rev().map(|document| (document.file(), document)).collect();
    findings.par_chunk_by_mut(|a, b| a.primary().file == b.primary().file).for_each(|findings| {
        let file = findings[0].primary().file;
        let outline = documents.get(&file).map(|document| Outline::of(document, sources.get(file)));
        for finding in findings {
            trail::add(finding, project, sources);
            let primary = finding.primary();
            // The node of the check may be one of several that this place decides something for.
            if let Some(outline) = &outline {
                finding.node = outline.path(primary.start);
            }
            hide(finding, sources, secrets);
            let evidence = match finding.evidence.is_empty() {
                true => plain(&mask(sources.text(primary), primary, &secrets.spans)),
                false => plain(&finding.evidence),
            };
            finding.evidence = evidence;
        }
    });
    identify(&mut findings, |span| &sources.get(span.file).path);
    findings
}

/// Takes secrets out of all that is said: a rule names what it found as the files have it.
fn hide(finding: &mut Finding, sources: &Sources, secrets: &Secrets) {
    let places = finding.labels.iter().chain(&finding.chain).map(|label| label.span);
    // A password may be called what the container is.
    let called = |secret: &str| finding.container.iter().chain(&finding.also).any(|name| name.contains(secret));
    let own = places.flat_map(|place| secrets.telling_at(place, sources)).filter(|secret| !called(secret));
    let mut own: Vec<&str> = own.collect();
    own.sort_unstable_by_key(|secret| Reverse(secret.len()));
    own.dedup();
    // A condition of nginx is a node with a comparison in it.
    if finding.node.contains('=') {
        let found = secret::text::find(&finding.node, &secret::Formats::of(&finding.node));
        finding.node = secret::known::replaced(&finding.node, found).into_owned();
    }
    let labels = finding.labels.iter_mut().chain(&mut finding.chain).map(|label| &mut label.message);
    let names = finding.container.iter_mut().chain(&mut finding.also).chain([&mut finding.node, &mut finding.evidence]);
    for said in labels.chain(names).chain(&mut finding.help).chain([&mut finding.message]) {
        for secret in &own {
            if said.contains(secret) {
                *said = said.replace(secret, "***");
            }
        }
        if let Cow::Owned(hidden) = secrets.known.hide(said) {
            *said = hidden;
        }
    }
}

/// Puts findings in the order of the report.
fn sort(findings: &mut [Finding], sources: &Sources) {
    findings.sort_by_cached_key(|finding| {
        let primary = finding.primary();
        (sources.get(primary.file).path.clone(), primary.start, primary.end, finding.rule.id)
    });
}

/// `text` without what may change although it says the same: blanks, quotes, the marks of continuation lines, the end of
/// a statement, and the length of what is masked.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace().filter(|word| *word != "\\") {
        if !out.is_empty() {
            out.push(' ');
        }
        let word = word.strip_suffix('\\').unwrap_or(word);
        for character in word.chars().filter(|character| !matches!(character, '"' | '\'')) {
            if character != '*' || !out.ends_with('*') {
                out.push(character);
            }
        }
    }
    out.truncate(out.trim_end_matches([';', '{', ' ']).len());
    out
}

#[cfg(test)]
mod tests;
