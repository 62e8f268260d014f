//! The image configuration (as the OCI image specification calls it) that a stage leads to, as far as the file says.

use std::collections::HashMap;

use super::expand::{Expanded, Expansion};
use super::stages::{BuildArgs, Given, GlobalArg, Lineage, Origin, Scope, is_predefined};
use super::{ArgDeclaration, Dockerfile, Instruction, Kind, Pair, Transfer};
use crate::few::Few;
use crate::limit::{Exceeded, FILE_GROWTH, WORD_GROWTH};
use crate::source::{Span, Spanned, Text};

/// Longest path that is joined, in bytes: Linux's PATH_MAX.
const MAX_PATH: usize = 4096;

/// What a chain of stages starts from.
#[derive(Clone, Debug)]
pub enum Base {
    /// An image, with the variables of FROM expanded.
    Image(Expanded),
    /// `FROM scratch`: nothing.
    Scratch,
}

/// A variable that ENV sets.
#[derive(Clone, Debug)]
pub struct EnvEntry {
    /// Name, expanded.
    pub name: String,
    /// Value, expanded; its span is the value as written.
    pub value: Expanded,
    /// The pair as written.
    pub span: Span,
    /// Stage whose instruction it is.
    pub stage: usize,
    /// Index of the instruction.
    pub instruction: usize,
    /// A later ENV sets the same name.
    pub overridden: bool,
}

/// A build argument that is declared before the first FROM or in a stage of the chain.
#[derive(Clone, Debug)]
pub struct ArgEntry {
    /// Name, where it is declared.
    pub name: Spanned<String>,
    /// The value in force: the build argument's, the default, or that of the declaration before the first FROM.
    pub value: Option<Expanded>,
    /// The value comes from the build arguments, and its span is there.
    pub given: bool,
    /// Stage of the declaration; `None` before the first FROM.
    pub stage: Option<usize>,
    /// Index of the instruction.
    pub instruction: usize,
}

/// A label.
#[derive(Clone, Debug)]
pub struct LabelEntry {
    /// Name, expanded.
    pub name: Expanded,
    /// Value, expanded.
    pub value: Expanded,
    /// Index of the instruction.
    pub instruction: usize,
}

/// A COPY or ADD of the chain. Its here-documents are in the instruction.
#[derive(Clone, Debug)]
pub struct TransferFact {
    /// Stage whose instruction it is.
    pub stage: usize,
    /// Index of the instruction.
    pub instruction: usize,
    /// Sources, expanded.
    pub sources: Vec<Expanded>,
    /// Destination as an absolute path; a `/` at its end stays, since it says that it is a directory.
    pub destination: Expanded,
    /// The value of `--from`, which BuildKit does not expand.
    pub from: Option<Expanded>,
    /// Where the sources are.
    pub origin: Origin,
    /// It is ADD, which fetches URLs and unpacks archives.
    pub add: bool,
}

/// What the file says about the image that a stage leads to.
///
/// The index of an instruction may be that of an ONBUILD of an earlier stage, whose instruction ran in the next one:
/// [`Dockerfile::effective`] gives the one that counts.
#[derive(Clone, Debug)]
pub struct ImageConfig {
    /// What the chain starts from.
    pub base: Base,
    /// The platform that the base is asked for (`--platform`).
    pub platform: Option<String>,
    /// The stages that it goes through, the first one first; the last [`STAGES`](crate::limit::STAGES) of them.
    pub chain: Vec<usize>,
    /// The last USER.
    pub user: Option<Expanded>,
    /// The last WORKDIR as an absolute path.
    pub workdir: Option<Expanded>,
    /// The first WORKDIR of the chain where it is relative: what it is relative to, only the base image knows, and `/`
    /// was assumed.
    pub relative_workdir: Option<Span>,
    /// Every pair of ENV in order.
    pub env: Vec<EnvEntry>,
    /// Every declaration of ARG in the stages of the chain, in order.
    pub args: Vec<ArgEntry>,
    /// Index of the ENTRYPOINT in force.
    pub entrypoint: Option<usize>,
    /// Index of the CMD in force. An ENTRYPOINT takes away the CMD of earlier stages.
    pub cmd: Option<usize>,
    /// Index of the HEALTHCHECK in force, which may be `NONE`.
    pub healthcheck: Option<usize>,
    /// Index of the SHELL in force.
    pub shell: Option<usize>,
    /// Ports of EXPOSE; a variable may hold several, which are entries of their own with the same span.
    pub exposed: Few<Expanded>,
    /// Paths of VOLUME.
    pub volumes: Few<Expanded>,
    /// The last STOPSIGNAL.
    pub stop_signal: Option<Expanded>,
    /// Every label in order; the last one of a name counts.
    pub labels: Few<LabelEntry>,
    /// Every COPY and ADD in order.
    pub transfers: Vec<TransferFact>,
    /// Variables that neither ARG nor ENV of the chain brings into scope, except those that BuildKit or well-known base
    /// images set.
    pub undefined: Few<Spanned<String>>,
    /// Variables in FROM that no ARG before the first FROM declares.
    pub undefined_in_from: Few<Spanned<String>>,
    /// What was left out because there is too much of it.
    pub exceeded: Few<Exceeded>,
}

impl ImageConfig {
    /// The value of a variable in the image's environment.
    pub fn env(&self, name: &str) -> Option<&EnvEntry> {
        self.env.iter().rev().find(|entry| entry.name == name)
    }
}

/// Whether base images usually set the variable: what every runtime sets, and what the official images of languages and
/// servers document.
fn is_usual_in_bases(name: &str) -> bool {
    let prefixes = ["PYTHON_", "PHP_", "NODE_", "NGINX_", "NJS_", "JAVA_", "RUBY_", "GOLANG_", "PG_", "NB_", "HTTPD_"];
    let names = [
        "PATH",
        "HOME",
        "HOSTNAME",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "PWD",
        "SHELL",
        "TERM",
        "TZ",
        "USER",
        "LD_LIBRARY_PATH",
        "APACHE_CONFDIR",
        "APACHE_ENVVARS",
        "APP_UID",
        "ASPNET_VERSION",
        "BUNDLE_APP_CONFIG",
        "CARGO_HOME",
        "CATALINA_HOME",
        "CONDA_DIR",
        "DOTNET_VERSION",
        "GEM_HOME",
        "GOPATH",
        "GOROOT",
        "GRADLE_HOME",
        "MAVEN_HOME",
        "PGDATA",
        "RUSTUP_HOME",
        "RUST_VERSION",
        "YARN_VERSION",
    ];
    names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Works out the image configuration of `stage`; see [`Evaluator`], which is for several stages of a file.
pub fn evaluate(dockerfile: &Dockerfile, stage: usize, build_args: BuildArgs) -> ImageConfig {
    Evaluator::new(dockerfile, build_args).config(stage)
}

/// Works out the image configurations of a file's stages.
///
/// As in BuildKit: the stages that one starts from run first, with their environment, their build arguments and their
/// ONBUILD instructions; arguments declared before the first FROM are seen by FROM only, and in a stage once it declares
/// them again; build arguments from outside go before defaults.
#[derive(Debug)]
pub struct Evaluator<'a> {
    dockerfile: &'a Dockerfile,
    build_args: Given<'a>,
    lineage: Lineage,
    names: HashMap<&'a str, usize>,
    /// The arguments declared before the first FROM, by name.
    globals: HashMap<String, usize>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator for `dockerfile`, whose build is given `build_args`.
    pub fn new(dockerfile: &'a Dockerfile, build_args: BuildArgs<'a>) -> Self {
        let build_args = Given::new(build_args);
        let lineage = Lineage::of(dockerfile, &build_args);
        let names = lineage.global_args.iter().enumerate();
        let globals = names.map(|(at, arg)| (arg.name.value.clone(), at)).collect();
        Evaluator { dockerfile, build_args, lineage, names: stage_names(dockerfile), globals }
    }

    /// The arguments declared before the first FROM, in order.
    pub fn global_args(&self) -> impl Iterator<Item = ArgEntry> {
        self.lineage.global_args.iter().map(|arg| ArgEntry {
            name: arg.name.clone(),
            value: arg.value.clone(),
            given: arg.given,
            stage: None,
            instruction: arg.instruction,
        })
    }

    /// What was left out of what FROM says because there is too much of it.
    pub fn exceeded(&self) -> &[Exceeded] {
        &self.lineage.exceeded
    }

    /// The image configuration that `stage` leads to. A stage that does not exist has an empty chain.
    pub fn config(&self, stage: usize) -> ImageConfig {
        evaluate_chain(self, stage)
    }
}

fn evaluate_chain(evaluator: &Evaluator, stage: usize) -> ImageConfig {
    let Evaluator { dockerfile, lineage, .. } = evaluator;
    let chain = lineage.chain(stage);
    let root = chain.first().map(|&first| &lineage.parents[lineage.parents[first].root]);
    let base = match root.map(|root| &root.image) {
        Some(image) if image.value != "scratch" => Base::Image(image.clone()),
        _ => Base::Scratch,
    };
    let config = ImageConfig {
        base,
        platform: root.and_then(|root| root.platform.clone()),
        user: None,
        workdir: None,
        relative_workdir: None,
        env: Vec::new(),
        args: Vec::new(),
        entrypoint: None,
        cmd: None,
        healthcheck: None,
        shell: None,
        exposed: Few::new(),
        volumes: Few::new(),
        stop_signal: None,
        labels: Few::new(),
        transfers: Vec::new(),
        undefined: Few::new(),
        undefined_in_from: chain.iter().flat_map(|&stage| lineage.parents[stage].undefined.clone()).collect(),
        chain: chain.clone(),
        exceeded: Few::new(),
    };
    let mut evaluation = Evaluation {
        dockerfile,
        build_args: &evaluator.build_args,
        global_args: &lineage.global_args,
        globals: &evaluator.globals,
        names: &evaluator.names,
        scope: Scope::default(),
        budget: FILE_GROWTH.most,
        stage,
        cmd_in_stage: false,
        latest_env: HashMap::new(),
        config,
    };
    let mut triggers: Vec<(usize, &Instruction)> = Vec::new();
    for stage in chain {
        evaluation.stage = stage;
        evaluation.cmd_in_stage = false;
        for (index, trigger) in std::mem::take(&mut triggers) {
            evaluation.apply(index, trigger);
        }
        for index in dockerfile.stages[stage].body.clone() {
            match &dockerfile.instructions[index].kind {
                Kind::Onbuild(trigger) => triggers.push((index, trigger)),
                _ => evaluation.apply(index, &dockerfile.instructions[index]),
            }
        }
    }
    let mut config = evaluation.config;
    // Configurations are kept for the whole scan, and most of their lists are short.
    config.env.shrink_to_fit();
    config.args.shrink_to_fit();
    config.exposed.shrink_to_fit();
    config.volumes.shrink_to_fit();
    config.labels.shrink_to_fit();
    config.transfers.shrink_to_fit();
    config.undefined.shrink_to_fit();
    config
}

fn stage_names(dockerfile: &Dockerfile) -> HashMap<&str, usize> {
    let named = dockerfile.stages.iter().enumerate();
    named.filter_map(|(index, stage)| Some((stage.name.as_ref()?.value.as_str(), index))).collect()
}

struct Evaluation<'a> {
    dockerfile: &'a Dockerfile,
    build_args: &'a Given<'a>,
    /// The arguments before the first FROM, and the last declaration of each by its place among them.
    global_args: &'a [GlobalArg],
    globals: &'a HashMap<String, usize>,
    names: &'a HashMap<&'a str, usize>,
    scope: Scope,
    /// Bytes of values that may still be copied and searched.
    budget: usize,
    stage: usize,
    /// A CMD stands in the stage that is being read.
    cmd_in_stage: bool,
    /// The last entry of each name in the configuration's environment.
    latest_env: HashMap<String, usize>,
    config: ImageConfig,
}

impl Evaluation<'_> {
    fn expand_how(&mut self, text: &Text, how: Expansion) -> Expanded {
        let limit = (text.value.len() + WORD_GROWTH.most).min(self.budget);
        let (expanded, cost) = Expansion { limit, ..how }.expand_counted(text, |name| self.scope.get(name));
        self.budget = self.budget.saturating_sub(cost);
        self.config.exceeded.extend(expanded.exceeds(text, limit));
        for name in expanded.unresolved() {
            let known = self.scope.is_declared(&name.value) || is_predefined(&name.value);
            if !known
                && !is_usual_in_bases(&name.value)
                && name.value.starts_with(|c: char| c.is_alphabetic() || c == '_')
            {
                self.config.undefined.push(name.clone());
            }
        }
        expanded
    }

    fn expand(&mut self, text: &Text) -> Expanded {
        self.expand_how(text, Expansion::word(self.dockerfile.escape))
    }

    fn expand_all(&mut self, texts: &[Text]) -> Vec<Expanded> {
        texts.iter().map(|text| self.expand(text)).collect()
    }

    fn apply(&mut self, index: usize, instruction: &Instruction) {
        match &instruction.kind {
            Kind::User(user) => self.config.user = Some(self.expand(user)),
            Kind::StopSignal(signal) => self.config.stop_signal = Some(self.expand(signal)),
            Kind::Workdir(path) => self.workdir(path),
            Kind::Env(pairs) => self.env(index, pairs),
            Kind::Arg(declarations) => declarations.iter().for_each(|arg| self.arg(index, arg)),
            Kind::Label(pairs) => {
                for pair in pairs {
                    let (name, value) = (self.expand(&pair.key), self.expand(&pair.value));
                    self.config.labels.push(LabelEntry { name, value, instruction: index });
                }
            }
            Kind::Entrypoint(_) => {
                self.config.entrypoint = Some(index);
                if !self.cmd_in_stage {
                    self.config.cmd = None;
                }
            }
            Kind::Cmd(_) => {
                self.config.cmd = Some(index);
                self.cmd_in_stage = true;
            }
            Kind::Healthcheck(_) => self.config.healthcheck = Some(index),
            Kind::Shell(_) => self.config.shell = Some(index),
            Kind::Volume(paths) => {
                let paths = self.expand_all(paths);
                self.config.volumes.extend(paths);
            }
            Kind::Expose(ports) => {
                for port in self.expand_all(ports) {
                    if !port.value.contains(char::is_whitespace) {
                        self.config.exposed.push(port);
                        continue;
                    }
                    let words = port.value.split_whitespace();
                    let words = words.map(|word| Expanded { value: word.to_owned(), ..port.clone() });
                    self.config.exposed.extend(words);
                }
            }
            Kind::Copy(transfer) => self.transfer(index, instruction, transfer, false),
            Kind::Add(transfer) => self.transfer(index, instruction, transfer, true),
            Kind::From { .. } | Kind::Run(_) | Kind::Maintainer(_) | Kind::Onbuild(_) | Kind::Unknown => {}
        }
    }

    /// All values of one ENV are expanded with the environment in front of it.
    fn env(&mut self, index: usize, pairs: &[Pair]) {
        let expanded: Vec<_> =
            pairs.iter().map(|pair| (self.expand(&pair.key).value, self.expand(&pair.value))).collect();
        for (pair, (name, value)) in pairs.iter().zip(expanded) {
            self.scope.set(&name, Some(&value));
            if let Some(earlier) = self.latest_env.insert(name.clone(), self.config.env.len()) {
                self.config.env[earlier].overridden = true;
            }
            self.config.env.push(EnvEntry {
                name,
                value,
                span: pair.span,
                stage: self.stage,
                instruction: index,
                overridden: false,
            });
        }
    }

    fn arg(&mut self, index: usize, arg: &ArgDeclaration) {
        let name = self.expand(&arg.name).value;
        let outside = self.build_args.get(&name);
        let given = outside.is_some();
        let global = self.globals.get(name.as_str()).copied();
        let value = match (outside, &arg.default) {
            (Some(outside), _) => Some(outside),
            (None, Some(default)) => Some(self.expand(default)),
            (None, None) => global.and_then(|global| self.global_args[global].value.clone()),
        };
        match &value {
            Some(value) => self.scope.set(&name, Some(value)),
            // Declared again without a value, what an earlier stage or ENV set stays.
            None if global.is_some() => self.scope.set(&name, None),
            None => self.scope.declare(&name),
        }
        let name = Spanned::new(name, arg.name.span);
        self.config.args.push(ArgEntry { name, value, given, stage: Some(self.stage), instruction: index });
    }

    fn workdir(&mut self, path: &Text) {
        let expanded = self.expand(path);
        if self.config.workdir.is_none() && expanded.is_known() && !is_absolute(&expanded.value) {
            self.config.relative_workdir = Some(expanded.span);
        }
        self.config.workdir = Some(self.absolute(expanded));
    }

    /// `path` joined to the working directory. What is not known of the directory is not known of the path either.
    fn absolute(&self, mut path: Expanded) -> Expanded {
        if is_absolute(&path.value) {
            path.value = clean_path(&path.value);
            return path;
        }
        let directory = self.config.workdir.as_ref();
        let parent = directory.map_or("", |directory| &directory.value);
        if parent.len() + path.value.len() > MAX_PATH {
            path.details_mut().error = Some(format!("the path is longer than {MAX_PATH} bytes"));
            return path;
        }
        path.value = clean_path(&format!("{parent}/{}", path.value));
        if let Some(directory) = directory.filter(|directory| !directory.is_known()) {
            let details = path.details_mut();
            // Some names are enough to say that the path is not known.
            details.unresolved.extend(directory.unresolved().iter().take(4).cloned());
            details.error = details.error.take().or_else(|| directory.error().map(str::to_owned));
        }
        path
    }

    fn transfer(&mut self, index: usize, instruction: &Instruction, transfer: &Transfer, add: bool) {
        let sources = self.expand_all(&transfer.sources);
        let destination = self.expand(&transfer.destination);
        let is_directory = destination.value.ends_with('/') || matches!(destination.value.as_str(), "." | "..");
        let mut destination = self.absolute(destination);
        if is_directory && !destination.value.ends_with('/') {
            destination.value.push('/');
        }
        for heredoc in instruction.heredocs.iter().filter(|heredoc| heredoc.expand) {
            self.expand_how(&heredoc.body, Expansion::body());
        }
        let from = instruction.flag_value("from").filter(|_| !add).map(Expanded::verbatim);
        let origin = from.as_ref().map_or(Origin::Context, |from| self.origin(&from.value));
        self.config.transfers.push(TransferFact {
            stage: self.stage,
            instruction: index,
            sources,
            destination,
            from,
            origin,
            add,
        });
    }

    /// As [`Dockerfile::copy_origin`], without a search through all stages.
    fn origin(&self, from: &str) -> Origin {
        match self.names.get(from.to_lowercase().as_str()) {
            Some(&stage) => Origin::Stage(stage),
            None if from.starts_with(|c: char| c.is_ascii_digit()) => self.dockerfile.copy_origin(from),
            None if from.contains('$') => Origin::Unknown,
            None => Origin::Image(from.to_owned()),
        }
    }
}

/// Whether a path is absolute, on Linux or with a drive on Windows.
fn is_absolute(path: &str) -> bool {
    let drive = |bytes: &[u8]| matches!(bytes, [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    path.starts_with('/') || drive(path.as_bytes())
}

/// The shortest path equal to an absolute one, as Go's `path.Clean` makes it. A Windows path stays as it is.
fn clean_path(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
