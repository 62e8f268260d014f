//! Every check over every node, in parallel, and the order and identity of what they find.

mod contained;
mod trail;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use crate::config::Config;
use crate::container::facet::Scope;
use crate::container::{CommandLine, Container, Env, Image, Origin};
use crate::exception::Exception;
use crate::finding::{Confidence, Finding, identify};
use crate::outline::Outline;
use crate::project::stacks::Stack;
use crate::project::{Failure, Project, StageNode, panic_message};
use crate::redact::Secrets;
use crate::rules::{Check, Cx, RULES, Registered, Setting};
use crate::secret;
use crate::source::{FileId, Kind, Skipped, Source, Sources, Span, mask};
use crate::syntax::Document;

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
}

/// Number of slots.
const SLOTS: usize = Slot::Failure as usize + 1;

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
        }
    }
}

/// The rules that run, by what they are about.
type Rules = [Vec<&'static Registered>; SLOTS];

/// A node with the place that its findings are attributed to.
struct Job<'a> {
    node: Node<'a>,
    scope: Option<Scope>,
    file: Option<FileId>,
}

/// Findings by rule and place.
type Findings = HashMap<(&'static str, Span), Merged>;

/// The findings of some checks, one for each rule and place, and the checks that broke.
#[derive(Default)]
struct Found {
    findings: Findings,
    failures: Vec<Failure>,
}

/// What one rule says about one place: a Dockerfile that many services build is graded for each of them.
struct Merged {
    /// The worst of it.
    finding: Box<Finding>,
    /// The first of the containers that the others are about, by name.
    containers: BTreeSet<String>,
    /// The first of the stacks that the others are seen through.
    stacks: BTreeSet<usize>,
}

/// Containers and stacks that a finding names.
const NAMED: usize = 50;

impl Merged {
    fn new(finding: Finding) -> Merged {
        Merged { finding: Box::new(finding), containers: BTreeSet::new(), stacks: BTreeSet::new() }
    }

    fn and(&mut self, mut other: Merged) {
        if rank(&other.finding) < rank(&self.finding) {
            std::mem::swap(&mut self.finding, &mut other.finding);
        }
        self.add_places(other);
    }

    /// Takes over where another one was seen.
    fn add_places(&mut self, other: Merged) {
        self.containers.extend(other.containers);
        self.containers.extend(other.finding.container);
        // What is named by the finding itself counts as one of them.
        self.containers.extend(self.finding.container.clone());
        while self.containers.len() > NAMED {
            self.containers.pop_last();
        }
        self.stacks.extend(other.stacks);
        self.stacks.extend(other.finding.stacks);
        self.stacks.extend(&self.finding.stacks);
        while self.stacks.len() > NAMED {
            self.stacks.pop_last();
        }
    }

    /// The finding with every place that it was seen at.
    fn into_finding(self) -> Finding {
        let Merged { mut finding, mut containers, stacks } = self;
        if let Some(container) = &finding.container {
            containers.remove(container);
        }
        finding.also = containers.into_iter().collect();
        if !stacks.is_empty() {
            finding.stacks = stacks.into_iter().collect();
        }
        *finding
    }
}

/// Which of several findings at one place stands for them: the least, so the worst of those that are no guess. Findings of
/// equal rank are the same, so that it does not matter in which order the threads find them.
fn rank(finding: &Finding) -> impl Ord {
    let guess = finding.confidence == Confidence::Guess;
    let worst = (guess, Reverse(finding.severity), Reverse(finding.environment));
    let about = (&finding.container, &finding.message, &finding.node, &finding.evidence);
    let labels = finding.labels.iter().chain(&finding.chain);
    let labels: Vec<(Span, &str)> = labels.map(|label| (label.span, label.message.as_str())).collect();
    (worst, about, Reverse(finding.confidence), &finding.help, labels)
}

impl Found {
    fn add(&mut self, finding: Finding) {
        self.merge((finding.rule.id, finding.primary()), Merged::new(finding));
    }

    fn merge(&mut self, key: (&'static str, Span), merged: Merged) {
        match self.findings.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().and(merged),
            Entry::Vacant(free) => drop(free.insert(merged)),
        }
    }

    fn and(mut self, other: Found) -> Found {
        if self.findings.len() < other.findings.len() {
            return other.and(self);
        }
        other.findings.into_iter().for_each(|(key, merged)| self.merge(key, merged));
        self.failures.extend(other.failures);
        self
    }
}

/// Runs every enabled check and gives the findings in the order of the report, each with its identity. `secrets` is where
/// secret values stand.
pub fn grade(project: &Project, sources: &Sources, config: &Config, secrets: &Secrets) -> Vec<Finding> {
    settle(check(project, sources, config), project, sources, secrets)
}

/// Adds what the checks over exceptions find to the findings that no exception hides. What is found about an exception
/// cannot be hidden by one.
pub fn grade_exceptions(
    exceptions: &[Exception],
    mut findings: Vec<Finding>,
    project: &Project,
    sources: &Sources,
    config: &Config,
    secrets: &Secrets,
) -> Vec<Finding> {
    let rules = enabled(config);
    let jobs = exceptions.iter().map(|exception| Job {
        node: Node::Exception(exception),
        scope: None,
        file: exception.span.map(|span| span.file),
    });
    let found = jobs.fold(Found::default(), |found, job| run(found, &job, &rules, project, sources, config));
    if found.findings.is_empty() {
        return findings;
    }
    let found = found.findings.into_values().map(|merged| *merged.finding).collect();
    findings.extend(settle(found, project, sources, secrets));
    sort(&mut findings, sources);
    findings
}

/// The rules that are asked for.
fn enabled(config: &Config) -> Rules {
    let mut rules: Rules = Default::default();
    for registered in RULES.iter().filter(|registered| config.may_run(&registered.rule)) {
        for &slot in Slot::taken_by(&registered.check) {
            rules[slot as usize].push(registered);
        }
    }
    rules
}

/// Runs every enabled check over every node, in parallel.
fn check(project: &Project, sources: &Sources, config: &Config) -> Vec<Finding> {
    let rules = enabled(config);
    let run = |found, job: &Job| run(found, job, &rules, project, sources, config);
    let jobs = jobs(project, sources);
    let found = jobs.par_iter().with_min_len(32).fold(Found::default, run).reduce(Found::default, Found::and);
    let Found { findings, mut failures } = found;
    failures.sort_by(|a, b| (a.file, &a.doing, &a.message).cmp(&(b.file, &b.doing, &b.message)));
    let failures = project.failures.iter().chain(&failures);
    let broken = failures.map(|failure| Job { node: Node::Failure(failure), scope: None, file: failure.file });
    let broken = broken.fold(Found { findings, failures: Vec::new() }, |found, job| run(found, &job));
    let findings = contained::absorb(broken.findings);
    findings.into_values().map(Merged::into_finding).collect()
}

/// Every node of the project.
fn jobs<'a>(project: &'a Project, sources: &'a Sources) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    let mut add = |node, scope: Option<Scope>, file| jobs.push(Job { node, scope, file });
    let file_of = |scope: &Scope| Some(project.documents[scope.document].file());
    for (id, document) in project.documents.iter().enumerate() {
        let scope = Scope { document: id, stage: None, container: None, path: String::new() };
        let file = document.file();
        if sources.get(file).kind != Kind::Auxiliary {
            add(Node::Source(sources.get(file)), Some(scope.clone()), Some(file));
        }
        add(Node::Document(document), Some(scope), Some(file));
    }
    for (index, stack) in project.stacks.iter().enumerate() {
        let scope = Scope { document: stack.files[0], stage: None, container: None, path: String::new() };
        let file = file_of(&scope);
        add(Node::Stack(index, stack), Some(scope), file);
    }
    for stage in &project.stages {
        add(Node::Stage(stage), Some(stage.scope.clone()), file_of(&stage.scope));
    }
    for image in &project.images {
        add(Node::Image(image), Some(image.scope.clone()), file_of(&image.scope));
    }
    for env in &project.envs {
        add(Node::Env(env), Some(env.scope.clone()), file_of(&env.scope));
    }
    for command in &project.commands {
        add(Node::Command(command), Some(command.scope.clone()), file_of(&command.scope));
    }
    let stages = project.stages.iter().map(|stage| ((stage.scope.document, stage.index), &stage.scope.path));
    let stages: HashMap<_, &String> = stages.collect();
    for (index, container) in project.containers.iter().enumerate() {
        if project.stack(container).is_some_and(|stack| stack.superseded) {
            continue;
        }
        let (document, stage, path) = match container.origin {
            Origin::Service { document, .. } => (document, None, format!("services.{}", container.name)),
            Origin::Stage { document, stage } => {
                let path = stages.get(&(document, stage)).map_or_else(String::new, |path| (*path).clone());
                (document, Some(stage), path)
            }
        };
        let scope = Scope { document, stage, container: Some(index), path };
        let file = file_of(&scope);
        add(Node::Container(container), Some(scope), file);
    }
    for skipped in sources.skipped.iter().chain(&project.refused) {
        add(Node::Skipped(skipped), None, None);
    }
    jobs
}

/// Runs the checks that are for the job's kind of node.
fn run(mut found: Found, job: &Job, rules: &Rules, project: &Project, sources: &Sources, config: &Config) -> Found {
    for registered in &rules[Slot::of(&job.node) as usize] {
        let cx = || {
            let cx = Cx::new(project, sources, config, &registered.rule, job.scope.as_ref());
            if let Node::Stack(index, stack) = job.node { cx.in_stack(index, stack) } else { cx }
        };
        match catch_unwind(AssertUnwindSafe(|| call(&registered.check, &job.node, cx))) {
            Ok(Some(cx)) => cx.finish().into_iter().for_each(|finding| found.add(resolved(finding, sources))),
            Ok(None) => {}
            Err(panic) => found.failures.push(Failure {
                file: job.file,
                doing: format!("checking rule {}", registered.rule.id),
                message: panic_message(&*panic),
            }),
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
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn the_finding_that_stands_for_several_does_not_depend_on_their_order() {
        let mut sources = Sources::default();
        let file = sources.add(Source::new("Dockerfile", "FROM a\nUSER root\n"));
        let (project, config) = (Project::default(), Config::new(jiff::civil::date(2026, 11, 1)));
        let mut cx = Cx::new(&project, &sources, &config, &RULES[0].rule, None);
        let finding = cx
            .report(Span::new(file, 7..16), "message")
            .severity(Severity::Medium)
            .confidence(Confidence::Likely)
            .clone();
        let mut guess = finding.clone();
        guess.severity(Severity::Critical).confidence(Confidence::Guess);
        for (first, second) in [(&guess, &finding), (&finding, &guess)] {
            let [mut first, second] = [first, second].map(|it| Merged::new(it.clone()));
            first.and(second);
            assert_eq!(first.finding.severity, Severity::Medium, "a guess hides nothing that fails a scan");
        }
        let changes: [fn(&mut Finding); 7] = [
            |finding| finding.severity = Severity::Low,
            |finding| finding.container = Some("web".to_owned()),
            |finding| finding.message.push('s'),
            |finding| finding.help = Some("help".to_owned()),
            |finding| finding.labels.push(finding.labels[0].clone()),
            |finding| finding.confidence = Confidence::Guess,
            |finding| finding.node.push('x'),
        ];
        let merged = |first: &Finding, second: &Finding| {
            let [mut first, second] = [first, second].map(|it| Merged::new(it.clone()));
            first.and(second);
            format!("{:?}", first.finding)
        };
        for change in changes {
            let mut other = finding.clone();
            change(&mut other);
            assert_eq!(merged(&finding, &other), merged(&other, &finding));
        }
    }
}
