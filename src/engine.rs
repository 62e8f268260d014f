//! Every check over every node, in parallel, and the order and identity of what they find.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use crate::config::Config;
use crate::container::facet::Scope;
use crate::container::{CommandLine, Container, Env, Image, Origin};
use crate::finding::{Finding, Tier, identify};
use crate::project::{Failure, Project, StageNode, panic_message};
use crate::rules::{Check, Cx, RULES, Registered, Setting};
use crate::source::{FileId, Kind, Skipped, Source, Sources, Span, mask};
use crate::syntax::Document;

/// A node that checks run over.
enum Node<'a> {
    Source(&'a Source),
    Document(&'a Document),
    Stage(&'a StageNode),
    Image(&'a Image),
    Env(&'a Env),
    Command(&'a CommandLine),
    Container(&'a Container),
    Skipped(&'a Skipped),
    Failure(&'a Failure),
}

/// A node with the place that its findings are attributed to.
struct Job<'a> {
    node: Node<'a>,
    scope: Option<Scope>,
    file: Option<FileId>,
}

/// The findings of some checks, and the checks that broke.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    failures: Vec<Failure>,
}

impl Found {
    fn and(mut self, other: Found) -> Found {
        self.findings.extend(other.findings);
        self.failures.extend(other.failures);
        self
    }
}

/// Runs every enabled check and gives the findings in the order of the report, each with its identity. `secrets` is where
/// secret values stand.
pub fn grade(project: &Project, sources: &Sources, config: &Config, secrets: &[Span]) -> Vec<Finding> {
    settle(check(project, sources, config), sources, secrets)
}

/// Runs every enabled check over every node, in parallel.
fn check(project: &Project, sources: &Sources, config: &Config) -> Vec<Finding> {
    let rules: Vec<&Registered> =
        RULES.iter().filter(|registered| config.pedantic || registered.rule.tier == Tier::Default).collect();
    let run = |job: &Job| run(job, &rules, project, sources, config);
    let found = jobs(project, sources).par_iter().with_min_len(32).map(run).reduce(Found::default, Found::and);
    let failures = project.failures.iter().chain(&found.failures);
    let broken = failures.map(|failure| Job { node: Node::Failure(failure), scope: None, file: failure.file });
    let broken: Vec<Finding> = broken.flat_map(|job| run(&job).findings).collect();
    let mut findings = found.findings;
    findings.extend(broken);
    findings
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
    for (index, container) in project.containers.iter().enumerate() {
        let (document, stage, path) = match container.origin {
            Origin::Service { document, .. } => (document, None, format!("services.{}", container.name)),
            Origin::Stage { document, stage } => (document, Some(stage), format!("stages.{}", container.name)),
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
fn run(job: &Job, rules: &[&'static Registered], project: &Project, sources: &Sources, config: &Config) -> Found {
    let mut found = Found::default();
    for registered in rules {
        let cx = || Cx::new(project, sources, config, &registered.rule, job.scope.as_ref());
        match catch_unwind(AssertUnwindSafe(|| call(&registered.check, &job.node, cx))) {
            Ok(Some(cx)) => found.findings.extend(cx.finish()),
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
        (Check::Stage(check), Node::Stage(node)) => over!(check, node),
        (Check::Image(check), Node::Image(node)) => over!(check, node),
        (Check::Env(check), Node::Env(node)) => over!(check, node),
        (Check::Command(check), Node::Command(node)) => over!(check, node),
        (Check::Setting(check), Node::Env(node)) => over!(check, Setting::Env(node)),
        (Check::Setting(check), Node::Command(node)) => over!(check, Setting::Command(node)),
        (Check::Container(check), Node::Container(node)) => over!(check, node),
        (Check::Skipped(check), Node::Skipped(node)) => over!(check, node),
        (Check::Failure(check), Node::Failure(node)) => over!(check, node),
        _ => None,
    }
}

/// Sorts the findings, keeps one per rule and place, and gives each its identity.
fn settle(mut findings: Vec<Finding>, sources: &Sources, secrets: &[Span]) -> Vec<Finding> {
    let key = |finding: &Finding| {
        let primary = finding.primary();
        (&sources.get(primary.file).path, primary.start, primary.end, finding.rule.id)
    };
    // Within one rule and place the worst comes first, so that it is the one that stays.
    findings.sort_by(|a, b| {
        key(a)
            .cmp(&key(b))
            .then_with(|| b.severity.cmp(&a.severity))
            .then_with(|| b.environment.cmp(&a.environment))
            .then_with(|| a.container.cmp(&b.container))
            .then_with(|| a.message.cmp(&b.message))
    });
    let mut places: HashMap<(&'static str, Span), usize> = HashMap::new();
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for mut finding in findings {
        let next = kept.len();
        let first = *places.entry((finding.rule.id, finding.primary())).or_insert(next);
        if first < next {
            let known = &mut kept[first];
            if let Some(container) = finding.container.filter(|name| !known.also.contains(name))
                && known.container.as_ref() != Some(&container)
            {
                known.also.push(container);
            }
            continue;
        }
        if finding.evidence.is_empty() {
            let primary = finding.primary();
            let text = mask(sources.text(primary), primary, secrets);
            finding.evidence = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        kept.push(finding);
    }
    identify(&mut kept, |span| &sources.get(span.file).path);
    kept
}
