//! How stages hang together: which stage a name means, and which stages a stage needs.

use std::collections::HashMap;

use super::expand::{Expanded, Expansion};
use super::{Dockerfile, Instruction, Kind};
use crate::limit::{Exceeded, FILE_GROWTH, STAGES, WORD_GROWTH};
use crate::source::{Span, Spanned, Text};

/// Build arguments that BuildKit knows without a declaration (`dockerfile2llb`, and the proxy variables of Docker's
/// documentation), besides those that begin with `BUILDKIT_`.
const PREDEFINED_ARGS: [&str; 15] = [
    "ALL_PROXY",
    "BUILDARCH",
    "BUILDOS",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SOURCE_DATE_EPOCH",
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETSTAGE",
    "TARGETVARIANT",
];

/// Whether BuildKit has a build argument of that name without a declaration. The proxy variables are known in lower
/// case too.
pub(super) fn is_predefined(name: &str) -> bool {
    let known = |name: &str| PREDEFINED_ARGS.contains(&name) || name.starts_with("BUILDKIT_");
    known(name) || (name.ends_with("_proxy") && known(&name.to_ascii_uppercase()))
}

/// Build arguments from outside: name, value (`None`: taken from the environment of whoever builds, so unknown here and
/// treated as not given), and where it is given.
pub type BuildArgs<'a> = &'a [(String, Option<String>, Span)];

/// Values of variables, and names that exist without a value that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    values: HashMap<String, Option<String>>,
}

impl Scope {
    /// Declares a name; without a value that is known it only is not undefined any more.
    pub fn set(&mut self, name: &str, value: Option<&Expanded>) {
        let value = value.filter(|value| value.is_known()).map(|value| value.value.clone());
        self.values.insert(name.to_owned(), value);
    }

    /// Declares a name without taking a value away.
    pub fn declare(&mut self, name: &str) {
        self.values.entry(name.to_owned()).or_default();
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_deref()
    }

    pub fn is_declared(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }
}

/// What the FROM of a stage refers to.
#[derive(Debug)]
pub(super) struct Parent {
    /// The earlier stage of that name.
    pub stage: Option<usize>,
    /// The stage at the start of the chain that leads here.
    pub root: usize,
    /// Stages of that chain, this one included.
    pub depth: usize,
    /// The image with its variables expanded.
    pub image: Expanded,
    /// The value of `--platform` with its variables expanded.
    pub platform: Option<String>,
    /// Variables of FROM that no ARG before the first FROM declares.
    pub undefined: Vec<Spanned<String>>,
}

/// An ARG before the first FROM.
#[derive(Debug)]
pub(super) struct GlobalArg {
    pub instruction: usize,
    pub name: Spanned<String>,
    pub value: Option<Expanded>,
    /// The value is a build argument's.
    pub given: bool,
}

/// The arguments that FROM sees, and what each FROM refers to.
#[derive(Debug)]
pub(super) struct Lineage {
    pub globals: Scope,
    pub global_args: Vec<GlobalArg>,
    pub parents: Vec<Parent>,
    /// What was left out because there is too much of it.
    pub exceeded: Vec<Exceeded>,
}

/// Build arguments that have a value, by name; the last one of a name counts.
#[derive(Debug)]
pub(super) struct Given<'a>(HashMap<&'a str, (&'a str, Span)>);

impl<'a> Given<'a> {
    pub fn new(build_args: BuildArgs<'a>) -> Self {
        let with_value =
            build_args.iter().filter_map(|(name, value, span)| Some((name.as_str(), (value.as_deref()?, *span))));
        Given(with_value.collect())
    }

    pub fn get(&self, name: &str) -> Option<Expanded> {
        let &(value, span) = self.0.get(name)?;
        Some(Expanded::verbatim(&Text::verbatim(value, span)))
    }
}

impl Lineage {
    pub fn of(dockerfile: &Dockerfile, build_args: &Given) -> Self {
        let mut lineage =
            Lineage { globals: Scope::default(), global_args: Vec::new(), parents: Vec::new(), exceeded: Vec::new() };
        let mut budget = FILE_GROWTH.most;
        let mut exceeded = Vec::new();
        let mut expand = |text: &Text, scope: &Scope| {
            let how = Expansion {
                limit: (text.value.len() + WORD_GROWTH.most).min(budget),
                ..Expansion::word(dockerfile.escape)
            };
            let (expanded, cost) = how.expand_counted(text, |name| scope.get(name));
            budget = budget.saturating_sub(cost);
            exceeded.extend(expanded.exceeds(text, how.limit));
            expanded
        };
        let first_from = dockerfile.stages.first().map_or(dockerfile.instructions.len(), |stage| stage.from);
        for (index, instruction) in dockerfile.instructions[..first_from].iter().enumerate() {
            let Kind::Arg(declarations) = &instruction.kind else { continue };
            for arg in declarations {
                let outside = build_args.get(&arg.name.value);
                let given = outside.is_some();
                let value = outside.or_else(|| Some(expand(arg.default.as_ref()?, &lineage.globals)));
                lineage.globals.set(&arg.name.value, value.as_ref());
                let name = Spanned::new(arg.name.value.clone(), arg.name.span);
                lineage.global_args.push(GlobalArg { instruction: index, name, value, given });
            }
        }
        let mut names: HashMap<&str, usize> = HashMap::new();
        for (index, stage) in dockerfile.stages.iter().enumerate() {
            let from = &dockerfile.instructions[stage.from];
            let Kind::From { image, .. } = &from.kind else { continue };
            let image = expand(image, &lineage.globals);
            let platform = from.flag_value("platform").map(|platform| expand(platform, &lineage.globals));
            let missing = image.unresolved().iter().chain(platform.iter().flat_map(Expanded::unresolved));
            let undefined = missing
                .filter(|name| !lineage.globals.is_declared(&name.value) && !is_predefined(&name.value))
                .cloned()
                .collect();
            let stage_of = names.get(image.value.to_lowercase().as_str()).copied();
            let (root, depth) = stage_of.map_or((index, 1), |stage| {
                let parent: &Parent = &lineage.parents[stage];
                (parent.root, parent.depth + 1)
            });
            let platform = platform.map(|platform| platform.value);
            lineage.parents.push(Parent { stage: stage_of, root, depth, image, platform, undefined });
            if let Some(name) = &stage.name {
                names.insert(&name.value, index);
            }
        }
        let too_deep = lineage.parents.iter().zip(&dockerfile.stages).filter(|(it, _)| it.depth == STAGES.most + 1);
        let too_deep = too_deep.map(|(_, stage)| dockerfile.instructions[stage.from].span);
        exceeded.extend(too_deep.map(|span| Exceeded { span, limit: &STAGES }));
        lineage.exceeded = exceeded;
        lineage
    }

    /// The last stages of those from the one that starts from an image up to `stage`, so many as are evaluated.
    pub fn chain(&self, stage: usize) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut next = Some(stage).filter(|&stage| stage < self.parents.len());
        while let Some(stage) = next.filter(|_| chain.len() < STAGES.most) {
            chain.push(stage);
            next = self.parents[stage].stage;
        }
        chain.reverse();
        chain
    }
}

/// Where COPY or a mount of RUN takes its files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The build context.
    Context,
    /// A stage of the same file, by its index.
    Stage(usize),
    /// An image, or a named context given to the build from outside.
    Image(String),
    /// A variable, which BuildKit does not expand there, or the number of a stage that does not exist.
    Unknown,
}

impl Dockerfile {
    /// The last stage with that name; case does not count.
    pub fn stage_by_name(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.stages.iter().rposition(|stage| stage.name.as_ref().is_some_and(|own| own.value == name))
    }

    /// The stage that a build without a target gives: the last one.
    pub fn shipped(&self) -> Option<usize> {
        self.stages.len().checked_sub(1)
    }

    /// The instruction at `index`, or the one that an ONBUILD there keeps.
    pub fn effective(&self, index: usize) -> Option<&Instruction> {
        let instruction = self.instructions.get(index)?;
        Some(match &instruction.kind {
            Kind::Onbuild(trigger) => trigger,
            _ => instruction,
        })
    }

    /// What `COPY --from=` with this value refers to: a stage's name or number, otherwise an image.
    pub fn copy_origin(&self, from: &str) -> Origin {
        match from.parse::<usize>() {
            Ok(number) if number < self.stages.len() => Origin::Stage(number),
            Ok(_) => Origin::Unknown,
            Err(_) => self.mount_origin(from),
        }
    }

    /// What `from=` of `RUN --mount` refers to: a stage's name, otherwise an image.
    pub fn mount_origin(&self, from: &str) -> Origin {
        match self.stage_by_name(from) {
            Some(stage) => Origin::Stage(stage),
            None if from.contains('$') => Origin::Unknown,
            None => Origin::Image(from.to_owned()),
        }
    }

    /// Variables in any FROM that no ARG before the first FROM declares.
    pub fn undefined_in_from(&self) -> Vec<Spanned<String>> {
        let lineage = Lineage::of(self, &Given::new(&[]));
        lineage.parents.into_iter().flat_map(|parent| parent.undefined).collect()
    }

    /// Which stages building `stage` needs, itself included: those that it starts from, copies from or mounts.
    /// Variables in FROM have their defaults.
    pub fn reachable(&self, stage: usize) -> Vec<bool> {
        self.reachable_with(stage, &[])
    }

    /// As [`Dockerfile::reachable`], with build arguments for the variables in FROM.
    pub fn reachable_with(&self, stage: usize, build_args: BuildArgs) -> Vec<bool> {
        let lineage = Lineage::of(self, &Given::new(build_args));
        let names = self
            .stages
            .iter()
            .enumerate()
            .filter_map(|(index, stage)| stage.name.as_ref().map(|name| (name.value.as_str(), index)));
        let names: HashMap<&str, usize> = names.collect();
        let mut reached = vec![false; self.stages.len()];
        let mut open: Vec<usize> = Some(stage).filter(|&stage| stage < reached.len()).into_iter().collect();
        while let Some(stage) = open.pop() {
            if std::mem::replace(&mut reached[stage], true) {
                continue;
            }
            open.extend(lineage.parents.get(stage).and_then(|parent| parent.stage));
            for instruction in &self.instructions[self.stages[stage].body.clone()] {
                let instruction = match &instruction.kind {
                    Kind::Onbuild(trigger) => trigger,
                    _ => instruction,
                };
                match &instruction.kind {
                    Kind::Copy(_) => {
                        let from = instruction.flag_value("from").map_or("", Text::as_str);
                        let number = from.parse().ok().filter(|&number: &usize| number < reached.len());
                        open.extend(number.or_else(|| names.get(from.to_lowercase().as_str()).copied()));
                    }
                    Kind::Run(_) => {
                        let mounts = instruction.mounts();
                        let sources = mounts.iter().filter_map(|mount| mount.from());
                        open.extend(sources.filter_map(|from| names.get(from.value.to_lowercase().as_str())));
                    }
                    _ => {}
                }
            }
        }
        reached
    }
}
