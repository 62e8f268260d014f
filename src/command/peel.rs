//! Taking wrappers off, one by one.

use std::collections::HashSet;

use super::wrappers::{Account, CONCURRENTLY, WRAPPERS, Wrapper};
use super::{Arguments, Argv, Effective, PackageScript, Simple};
use crate::few::Few;
use crate::limit::{COMMAND_DEPTH, COMMAND_WORDS, COMMAND_WRAPPERS};
use crate::source::{Text, TextBuilder};
use crate::syntax::shell::{self, Assignment, Group, GroupKind, Script, Word};

/// A command on its way to the program that it starts.
#[derive(Clone)]
struct Job {
    words: Vec<Word>,
    /// Index of the program in `words`.
    at: usize,
    assignments: Few<Assignment>,
    through: Few<String>,
    dropped_to: Option<Box<Word>>,
    background: bool,
    depth: usize,
}

impl Job {
    fn new(argv: Argv) -> Job {
        let Argv { words, assignments, .. } = argv;
        Job { words, at: 0, assignments, through: Few::new(), dropped_to: None, background: false, depth: 0 }
    }

    /// Base name of the program; nothing where it is not known.
    fn name(&self) -> Option<&str> {
        self.words.get(self.at).filter(|word| word.literal).map(|word| base_name(word.text.as_str()))
    }

    fn args(&self) -> &[Word] {
        self.words.get(self.at + 1..).unwrap_or_default()
    }

    /// Goes on with the word `skip` behind the program; false where there is none.
    fn advance(&mut self, skip: usize) -> bool {
        let at = self.at + 1 + skip;
        if at >= self.words.len() {
            return false;
        }
        self.through.extend(self.name().map(str::to_owned));
        self.at = at;
        true
    }

    /// Notes the account that a wrapper switches to, where it names one.
    fn drop_to(&mut self, account: Option<Word>) {
        if let Some(account) = account {
            self.dropped_to = Some(Box::new(account));
        }
    }

    /// Goes on behind the words that set variables.
    fn take_assignments(&mut self) {
        while let Some(assignment) = self.words.get(self.at).and_then(assignment) {
            self.assignments.push(assignment);
            self.at += 1;
        }
    }
}

/// What one step makes of a command.
enum Step {
    /// A wrapper was taken off.
    Peeled,
    /// It runs a script, with these positional parameters from `$0` on.
    Script(Text, Vec<Word>),
    /// It runs a script of `package.json`: its name is at this index among the arguments.
    Package(usize),
    /// It is the program.
    Program,
}

/// What the commands start.
pub(super) fn effective(commands: Vec<Argv>) -> Effective {
    run(commands.into_iter().map(Job::new).collect(), Effective::default())
}

/// What the commands of a script start.
pub(super) fn of_script(script: &Script) -> Effective {
    let exceeded = script.exceeded.into_iter().collect();
    run(jobs(script, None, &[]), Effective { partial: script.partial, exceeded, ..Effective::default() })
}

fn run(mut jobs: Vec<Job>, mut effective: Effective) -> Effective {
    jobs.reverse();
    effective.commands.reserve_exact(jobs.len());
    while let Some(mut job) = jobs.pop() {
        let (known_wrappers, known_account) = (job.through.len(), job.dropped_to.is_some());
        let step = loop {
            if job.through.len() >= COMMAND_WRAPPERS.most {
                effective.exceeds(&COMMAND_WRAPPERS, job.words.get(job.at));
                break Step::Program;
            }
            match step(&mut job) {
                Step::Peeled => {}
                last => break last,
            }
        };
        if let Step::Script(..) = step {
            job.through.extend(job.name().map(str::to_owned));
        }
        effective.through.extend(job.through[known_wrappers..].iter().cloned());
        if !known_account && effective.dropped_to.is_none() {
            effective.dropped_to.clone_from(&job.dropped_to);
        }
        match step {
            Step::Script(text, parameters) if job.depth < COMMAND_DEPTH.most => {
                let script = shell::parse(&text);
                effective.partial |= script.partial;
                let mut inner = self::jobs(&script, Some(&job), &parameters);
                effective.exceeded.extend(script.exceeded);
                for job in inner.iter().filter(|job| job.words.len() >= COMMAND_WORDS.most) {
                    effective.exceeds(&COMMAND_WORDS, job.words.last());
                }
                inner.reverse();
                jobs.append(&mut inner);
                effective.scripts.push(text);
            }
            Step::Script(text, _) => {
                effective.exceeds(&COMMAND_DEPTH, Some(&Word { text, literal: false }));
                job.through.pop();
                effective.through.pop();
                effective.commands.extend(simple(job));
            }
            Step::Package(name) => effective.package_scripts.extend(package_script(&job, name)),
            Step::Program | Step::Peeled => effective.commands.extend(simple(job)),
        }
    }
    // What processes start is kept for the whole scan.
    effective.commands.shrink_to_fit();
    effective
}

/// The commands of a script that `outer` runs with the positional parameters `parameters`. The commands of a function count
/// where the script calls it.
fn jobs(script: &Script, outer: Option<&Job>, parameters: &[Word]) -> Vec<Job> {
    let functions = || script.groups.iter().filter(|group| group.kind == GroupKind::Function);
    let name = |group: &Group| group.name.as_ref().map(|name| name.value.clone());
    let defined: HashSet<String> = functions().filter_map(name).collect();
    let called: HashSet<&str> = match defined.is_empty() {
        true => HashSet::new(),
        false => script.commands.iter().filter_map(|command| command.name()).collect(),
    };
    let mut runs = vec![true; script.commands.len()];
    for group in functions() {
        if !group.name.as_ref().is_some_and(|name| called.contains(name.as_str())) {
            runs[group.commands.clone()].fill(false);
        }
    }
    let own = script.commands.iter().zip(runs).filter(|(command, runs)| {
        *runs
            && command.inside.is_none()
            && !command.words.is_empty()
            && !command.name().is_some_and(|name| defined.contains(name))
    });
    own.map(|(command, _)| {
        let mut words = Vec::with_capacity(command.words.len());
        for word in &command.words {
            match word.text.as_str() {
                _ if word.literal || parameters.is_empty() => words.push(word.clone()),
                "$@" | "$*" | "${@}" => words.extend_from_slice(&parameters[1..]),
                "$0" => words.push(parameters[0].clone()),
                _ => words.push(word.clone()),
            }
        }
        words.truncate(COMMAND_WORDS.most);
        let mut job = Job::new(Argv { words, assignments: command.assignments.clone(), span: command.span });
        job.background = command.background;
        if let Some(outer) = outer {
            let inherited = outer.assignments.iter().take(COMMAND_WRAPPERS.most).cloned();
            job.assignments = inherited.chain(job.assignments).collect();
            job.through.clone_from(&outer.through);
            job.dropped_to.clone_from(&outer.dropped_to);
            job.background |= outer.background;
            job.depth = outer.depth + 1;
        }
        job
    })
    .collect()
}

fn simple(job: Job) -> Option<Simple> {
    let Job { mut words, at, assignments, through, dropped_to, background, .. } = job;
    let last = words.last()?.text.span;
    let wrapping: Few<Word> = words.drain(..at.min(words.len())).collect();
    let mut words = words.into_iter();
    let program = words.next()?;
    let mut args: Vec<Word> = words.collect();
    args.shrink_to_fit();
    let span = program.text.span.to(last);
    let name = if program.literal { of_module(base_name(program.text.as_str())) } else { program.text.as_str() };
    let name = name.to_owned();
    Some(Simple { name, program, args, assignments, span, through, wrapping, dropped_to, background })
}

fn package_script(job: &Job, name: usize) -> Option<PackageScript> {
    let manager = job.name()?.to_owned();
    let script = job.args().get(name)?.clone();
    let mut args = job.args()[name + 1..].to_vec();
    if args.first().is_some_and(|word| word.text.value == "--") {
        args.remove(0);
    }
    let span = job.words[job.at].text.span.to(job.words.last()?.text.span);
    let (through, dropped_to) = (job.through.clone(), job.dropped_to.clone());
    Some(PackageScript { manager, name: script, args, span, through, dropped_to })
}

fn step(job: &mut Job) -> Step {
    let Some(name) = job.name().map(str::to_owned) else { return Step::Program };
    let args = job.args();
    if args.is_empty() {
        return Step::Program;
    }
    let peeled = |done: bool| if done { Step::Peeled } else { Step::Program };
    match name.as_str() {
        "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "mksh" | "busybox-sh" => shell_script(args),
        "exec" => {
            let skip = skip_flags(args, &["-a"]);
            peeled(job.advance(skip))
        }
        "command" | "builtin" => {
            let query = args.first().is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V"));
            let skip = skip_flags(args, &[]);
            peeled(!query && job.advance(skip))
        }
        "eval" => Step::Script(joined(args), Vec::new()),
        "concurrently" | "conc" => side_by_side(args),
        "env" => env(job),
        "su" => su(job),
        "runuser" if !flag_given(args, &["-u", "--user"]) => su(job),
        "runuser" => {
            let with_value = ["-u", "--user", "-g", "--group", "-G", "--supp-group"];
            let skip = skip_flags(args, &with_value);
            let account = Arguments { program: "runuser", words: &args[..skip] }.option(&["-u", "--user"]);
            job.drop_to(account);
            peeled(job.advance(skip))
        }
        "start-stop-daemon" => start_stop_daemon(job),
        "capsh" => capsh(job),
        "init" if job.words[job.at].text.value == "/init" => peeled(job.advance(0)),
        name if is_python(name) => python(job),
        name => wrapped(job, name).or_else(|| package(job, name)).unwrap_or(Step::Program),
    }
}

/// Whether [`step`] may make something else of a program of this name.
pub(super) fn may_wrap(name: &str) -> bool {
    const OWN_RULES: [&str; 20] = [
        "sh",
        "bash",
        "ash",
        "dash",
        "zsh",
        "ksh",
        "mksh",
        "busybox-sh",
        "exec",
        "command",
        "builtin",
        "eval",
        "env",
        "su",
        "runuser",
        "start-stop-daemon",
        "capsh",
        "concurrently",
        "conc",
        "init",
    ];
    OWN_RULES.contains(&name)
        || is_python(name)
        || is_package_manager(name)
        || WRAPPERS.iter().any(|wrapper| wrapper.name == name)
}

/// A program of the table.
fn wrapped(job: &mut Job, name: &str) -> Option<Step> {
    for wrapper in WRAPPERS.iter().filter(|wrapper| wrapper.name == name) {
        let Some((own, skip)) = program_behind(job.args(), wrapper) else { continue };
        let args = job.args();
        let account = match wrapper.account {
            Account::None => None,
            Account::Operand => args[own..skip].iter().rev().find(|word| word.text.value != "--").cloned(),
            Account::Flags(flags) => Arguments { program: name, words: &args[own..skip] }.option(flags),
        };
        job.drop_to(account);
        job.advance(skip);
        if matches!(name, "sudo" | "cross-env" | "cross-env-shell") {
            job.take_assignments();
        }
        return Some(if job.at < job.words.len() { Step::Peeled } else { Step::Program });
    }
    None
}

/// Where a wrapper's own arguments start (behind its subcommand) and where its program is.
fn program_behind(args: &[Word], wrapper: &Wrapper) -> Option<(usize, usize)> {
    let mut own = 0;
    if let Some(subcommand) = wrapper.subcommand {
        let at = skip_flags(args, wrapper.with_value);
        if args.get(at)?.text.value != subcommand {
            return None;
        }
        own = at + 1;
    }
    if wrapper.dashes {
        let at = args[own..].iter().position(|word| word.text.value == "--")? + own + 1;
        return (at < args.len()).then_some((own, at));
    }
    let mut at = own;
    let mut operands = wrapper.operands;
    loop {
        at += skip_flags(&args[at..], wrapper.with_value);
        if operands == 0 {
            break;
        }
        operands -= 1;
        at += 1;
        args.get(at)?;
    }
    (at < args.len()).then_some((own, at))
}

/// Number of words at the start that are flags, their values, or the `--` that ends them.
fn skip_flags(args: &[Word], with_value: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = args.get(at) {
        match word.text.as_str() {
            "--" => return at + 1,
            flag if with_value.contains(&flag) => at += 2,
            flag if flag.len() > 1 && flag.starts_with('-') => at += 1,
            _ => break,
        }
    }
    at.min(args.len())
}

fn flag_given(args: &[Word], flags: &[&str]) -> bool {
    Arguments { program: "", words: args }.option(flags).is_some()
}

/// A shell with `-c`: flags, the script, `$0` and the positional parameters.
fn shell_script(args: &[Word]) -> Step {
    let mut at = 0;
    let mut command = false;
    while let Some(word) = args.get(at) {
        let written = word.text.as_str();
        if matches!(written, "--rcfile" | "--init-file") {
            at += 2;
            continue;
        }
        let Some(letters) = written.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
        at += 1;
        if letters.starts_with('-') {
            if letters == "-" {
                break;
            }
            continue;
        }
        command |= written.starts_with('-') && letters.contains('c');
        at += letters.chars().filter(|letter| matches!(letter, 'o' | 'O')).count();
    }
    match args.get(at) {
        Some(script) if command => Step::Script(script.text.clone(), args[at + 1..].to_vec()),
        _ => Step::Program,
    }
}

fn env(job: &mut Job) -> Step {
    let args = job.args();
    let split = Arguments { program: "env", words: args }.option(&["-S", "--split-string"]);
    if let Some(split) = split {
        return Step::Script(split.text, Vec::new());
    }
    let skip = skip_flags(args, &["-u", "--unset", "-C", "--chdir"]);
    let program = args[skip..].iter().position(|word| assignment(word).is_none());
    if program.is_none() || !job.advance(skip) {
        return Step::Program;
    }
    job.take_assignments();
    Step::Peeled
}

/// `su` and `runuser` without `-u`: `su [flags] [-] [user [-c script]]`.
fn su(job: &mut Job) -> Step {
    let with_value = ["-c", "--command", "-s", "--shell", "-g", "--group", "-G", "--supp-group", "-w"];
    let arguments = Arguments { program: "su", words: job.args() };
    let Some(script) = arguments.option(&["-c", "--command"]) else { return Step::Program };
    let account = arguments.positional(&with_value).into_iter().find(|word| word.text.value != "-").cloned();
    job.drop_to(account);
    Step::Script(script.text, Vec::new())
}

/// `start-stop-daemon --exec program -- arguments`.
fn start_stop_daemon(job: &mut Job) -> Step {
    let arguments = Arguments { program: "start-stop-daemon", words: job.args() };
    let Some(program) = arguments.option(&["--startas", "-a"]).or_else(|| arguments.option(&["--exec", "-x"])) else {
        return Step::Program;
    };
    let account = arguments.option(&["--chuid", "-c"]);
    let background = arguments.has_flag(&["--background", "-b"]);
    let behind = job.args().iter().position(|word| word.text.value == "--");
    let rest = behind.map_or(Vec::new(), |at| job.args()[at + 1..].to_vec());
    job.through.push("start-stop-daemon".to_owned());
    job.drop_to(account);
    job.background |= background;
    job.words = std::iter::once(program).chain(rest).collect();
    job.at = 0;
    Step::Peeled
}

/// `capsh [flags] -- -c script`: what is behind the dashes goes to a shell.
fn capsh(job: &mut Job) -> Step {
    let args = job.args();
    let Some(dashes) = args.iter().position(|word| word.text.value == "--") else { return Step::Program };
    let account = Arguments { program: "capsh", words: args }.option(&["--user", "--uid"]);
    let step = shell_script(&args[dashes + 1..]);
    job.drop_to(account);
    step
}

fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// `python [flags] -m module`, and a program that Python's installers have put in a `bin` folder, run by its path.
fn python(job: &mut Job) -> Step {
    let mut at = 0;
    while let Some(word) = job.args().get(at) {
        match word.text.as_str() {
            "-X" | "-W" | "--check-hash-based-pycs" => at += 2,
            flag if flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('m') => {
                return if job.advance(at + 1) { Step::Peeled } else { Step::Program };
            }
            "-c" | "-" | "--" => break,
            flag if flag.starts_with('-') => at += 1,
            script => {
                let installed = word.literal && script.contains("bin/") && !base_name(script).contains('.');
                return if installed && job.advance(at) { Step::Peeled } else { Step::Program };
            }
        }
    }
    Step::Program
}

/// The command that a module of Python is the program of.
fn of_module(name: &str) -> &str {
    match name {
        "supervisor.supervisord" => "supervisord",
        "gunicorn.app.wsgiapp" => "gunicorn",
        _ => name,
    }
}

/// Subcommands of the package managers that are not scripts of `package.json`.
const BUILT_IN: &[&str] = &[
    "add",
    "audit",
    "bin",
    "build",
    "cache",
    "ci",
    "config",
    "create",
    "deploy",
    "dedupe",
    "dlx",
    "exec",
    "fetch",
    "global",
    "help",
    "i",
    "import",
    "info",
    "init",
    "install",
    "link",
    "list",
    "ls",
    "node",
    "outdated",
    "pack",
    "patch",
    "pm",
    "prune",
    "publish",
    "rebuild",
    "remove",
    "rm",
    "root",
    "set",
    "setup",
    "store",
    "un",
    "uninstall",
    "unlink",
    "up",
    "update",
    "upgrade",
    "version",
    "why",
    "workspace",
    "workspaces",
    "x",
];

/// Whether the program runs scripts of `package.json`.
fn is_package_manager(name: &str) -> bool {
    matches!(name, "npm" | "yarn" | "pnpm" | "bun" | "deno")
}

/// A package manager that runs a script of `package.json`.
fn package(job: &Job, name: &str) -> Option<Step> {
    if !is_package_manager(name) {
        return None;
    }
    let with_value =
        ["--prefix", "-w", "--workspace", "--cwd", "-C", "--dir", "--filter", "-F", "--loglevel", "--config"];
    let args = job.args();
    let at = skip_flags(args, &with_value);
    let subcommand = args.get(at).filter(|word| word.literal)?.text.as_str();
    let file = subcommand.contains(['.', '/']);
    match (name, subcommand) {
        ("deno", "task") | ("npm" | "yarn" | "pnpm" | "bun", "run" | "run-script") => {
            let script = at + 1 + skip_flags(&args[at + 1..], &with_value);
            let file = name == "bun" && args.get(script)?.text.value.contains(['.', '/']);
            (script < args.len() && !file).then_some(Step::Package(script))
        }
        ("npm", "start" | "test" | "stop" | "restart") => Some(Step::Package(at)),
        ("npm" | "deno", _) => None,
        // `yarn build` is a script; `bun build` is the bundler.
        ("yarn" | "pnpm", "build") => Some(Step::Package(at)),
        _ if BUILT_IN.contains(&subcommand) || (name == "bun" && file) => None,
        _ => Some(Step::Package(at)),
    }
}

/// `NAME=value` as an assignment.
fn assignment(word: &Word) -> Option<Assignment> {
    let text = &word.text;
    let equals = text.value.find('=')?;
    let name = &text.value[..equals];
    let valid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !valid || name.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let value = Word { text: text.slice(equals + 1..text.value.len()), literal: word.literal };
    Some(Assignment { name: text.slice(0..equals), value })
}

/// The words with blanks between them.
fn joined(words: &[Word]) -> Text {
    let mut built = TextBuilder::default();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            built.push(" ", word.text.span.start as usize);
            built.cut();
        }
        built.push_text(&word.text, 0..word.text.value.len());
    }
    let first = words[0].text.span;
    built.finish(words.last().map_or(first, |last| first.to(last.text.span)))
}

/// The commands that `concurrently` runs side by side, each a line for a shell; `npm:name` is a package script.
fn side_by_side(args: &[Word]) -> Step {
    let commands = Arguments { program: "concurrently", words: args }.positional(CONCURRENTLY);
    let (Some(first), Some(last)) = (commands.first(), commands.last()) else { return Step::Program };
    let mut built = TextBuilder::default();
    for (index, word) in commands.iter().enumerate() {
        if index > 0 {
            built.push("\n", word.text.span.start as usize);
            built.cut();
        }
        let start = if word.text.value.starts_with("npm:") { "npm:".len() } else { 0 };
        if start > 0 {
            built.push("npm run ", word.text.span.start as usize);
            built.cut();
        }
        built.push_text(&word.text, start..word.text.value.len());
    }
    Step::Script(built.finish(first.text.span.to(last.text.span)), Vec::new())
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
