//! Arguments → files → scan → reports → exit code.

#![forbid(unsafe_code)]

mod cli;
mod known;
mod output;
mod progress;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{CommandFactory as _, Parser as _};
use confscan::config::{self, Config, Files};
use confscan::finding::Finding;
use confscan::project::Project;
use confscan::report::{self, Format};
use confscan::source::Sources;
use confscan::{explain, listing, rules, text, walk};
use jiff::Timestamp;

use cli::{Cli, Command, Input, Output, Scan};
use output::{Stdout, Target};
use progress::Progress;

/// Findings at or above `--fail-on`.
const FOUND: u8 = 1;
/// Wrong usage, or something was not graded.
const INCOMPLETE: u8 = 2;
/// Nothing to scan.
const NOTHING: u8 = 3;

/// What is shown when confscan cannot go on.
type Problem = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // The help is an answer, too, and must not get lost in silence.
        Err(answer) if answer.exit_code() == 0 => {
            return match output::written_out(answer.print().and_then(|()| io::stdout().flush())) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    output::note(format_args!("{error}"));
                    INCOMPLETE.into()
                }
            };
        }
        Err(error) => refused(&error),
    };
    // A panic in a scan becomes a finding; the message of the hook would only repeat it.
    std::panic::set_hook(Box::new(|_| {}));
    let problem = match catch_unwind(AssertUnwindSafe(|| run(cli))) {
        Ok(Ok(code)) => return code.into(),
        Ok(Err(problem)) => problem.to_string(),
        Err(panic) => {
            format!("internal error: {}", text::visible(&confscan::project::panic_message(&*panic)))
        }
    };
    output::note(format_args!("{problem}"));
    INCOMPLETE.into()
}

/// Ends with what is wrong with the arguments. They may be names of files that somebody else chose, and the message
/// repeats them: it is that of the same arguments without what acts on a terminal.
fn refused(error: &clap::Error) -> ! {
    let shown = std::env::args_os().map(|argument| match text::visible(&argument.to_string_lossy()) {
        Cow::Borrowed(harmless) => harmless.to_owned(),
        // A backslash would make a file of what is none.
        Cow::Owned(escaped) => escaped.replace('\\', "\u{fffd}"),
    });
    if let Err(error) = Cli::try_parse_from(shown) {
        error.exit();
    }
    // Without those characters the arguments are right.
    output::note(format_args!("{}", text::visible(&error.render().to_string())));
    std::process::exit(INCOMPLETE.into())
}

fn run(cli: Cli) -> Result<u8, Problem> {
    let stdout = Stdout::new(cli.color);
    match cli.command {
        None => return scan(&cli.scan, &stdout),
        Some(Command::Explain { rule }) => {
            let Some(registered) = rules::find(&rule) else {
                let ids = || rules::RULES.iter().map(|registered| registered.rule.id);
                let part = |id: &&str| !rule.is_empty() && id.contains(&*rule);
                let near = text::closest(&rule, ids()).or_else(|| ids().find(part));
                let hint = near.map(|near| format!("; is it {near}?")).unwrap_or_default();
                return Err(format!("no rule {}{hint} (`confscan rules` lists them)", text::visible(&rule)).into());
            };
            stdout.write(|out, options| explain::write(&registered.rule, options, out))?;
        }
        Some(Command::Rules(list)) => {
            stdout.write(|out, options| listing::rules(list.format == Format::Json, options, out))?;
        }
        Some(Command::Files { input, list }) => {
            let (mut sources, files, _) = read(area(&input)?, &input, &Progress::start())?;
            let nothing = sources.is_empty() && !input.skip_unknown;
            files.register(&mut sources);
            // Linking reads the files that configs refer to.
            let project = Project::build_with(&mut sources, &files);
            drop(project);
            stdout.write(|out, options| listing::files(&sources, list.format == Format::Json, options, out))?;
            return Ok(if nothing { NOTHING } else { 0 });
        }
        Some(Command::Init { folder }) => {
            let path = folder.join(config::NAME);
            let shown = path.to_string_lossy();
            let created = File::create_new(&path);
            let written = created.and_then(|mut file| {
                // Half of it would be in the way of the next try.
                file.write_all(config::TEMPLATE.as_bytes()).inspect_err(|_| drop(fs::remove_file(&path)))
            });
            written.map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => format!("{} is there already", text::visible(&shown)),
                _ => format!("{}: {error}", text::visible(&shown)),
            })?;
            stdout.write(|out, _| writeln!(out, "{} was written", text::visible(&shown)))?;
        }
        Some(Command::Baseline(arguments)) => return known::write(&arguments, &stdout),
        Some(Command::Containers { input, list }) => {
            let (sources, files, _) = read(area(&input)?, &input, &Progress::start())?;
            let nothing = sources.is_empty() && !input.skip_unknown;
            let report = confscan::scan(sources, &Config { files, ..at(time()?) });
            stdout.write(|out, options| match list.format {
                Format::Json => report::json::write_containers(&report, out),
                _ => report::containers::write(&report, &options, out),
            })?;
            return Ok(if nothing { NOTHING } else { 0 });
        }
        Some(Command::Man { folder: None }) => {
            let page = clap_mangen::Man::new(Cli::command().disable_help_subcommand(true));
            stdout.write(|out, _| page.render(&mut &mut *out))?;
        }
        Some(Command::Man { folder: Some(folder) }) => {
            let shown = folder.to_string_lossy();
            write_pages(&folder).map_err(|error| format!("{}: {error}", text::visible(&shown)))?;
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "confscan", &mut script);
            stdout.write(|out, _| out.write_all(&script))?;
        }
    }
    Ok(0)
}

/// Writes the manual page of every command into a folder.
fn write_pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let folder = fs::canonicalize(folder)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let inner = command.get_subcommands().filter(|command| !command.is_hide_set());
    for command in inner.chain([&command]) {
        let page = clap_mangen::Man::new(command.clone());
        Target::File(folder.join(page.get_filename())).write(|out| page.render(&mut &mut *out))?;
    }
    Ok(())
}

/// Scans, writes every report, and gives the exit code.
fn scan(arguments: &Scan, stdout: &Stdout) -> Result<u8, Problem> {
    let time = time()?;
    let area = area(&arguments.input)?;
    let outputs = outputs(arguments, area.scope())?;
    let progress = Progress::start();
    let (sources, files, scope) = read(area, &arguments.input, &progress)?;
    let config = config(arguments, files, &scope, time);
    let nothing = sources.is_empty() && !arguments.input.skip_unknown;
    if nothing {
        output::note(format_args!("no config was found (`confscan files` says what was skipped)"));
    }
    progress.grading();
    let mut report = confscan::scan(sources, &config);
    known::compare(&mut report, arguments, &scope, &config)?;
    if arguments.blame {
        known::date(&mut report, &scope)?;
    }
    // Only now: what is not shown is known or new all the same.
    report.leave_out_unsure(&config);
    drop(progress);
    let include_suppressed = arguments.sarif_include_suppressed;
    let (notes, unwritten) = write_reports(&outputs, stdout, |format, options, out| {
        let options = report::Options { quiet: arguments.quiet, time, include_suppressed, ..options };
        report::write(&report, format, &options, out)
    });
    for note in notes {
        output::note(format_args!("{note}"));
    }
    let gaps = report.has_gaps();
    // Who reads no terminal report would have to look for the reason of the exit code.
    let told = outputs.iter().any(|place| place.format == Format::Human && matches!(place.target, Ok(Target::Stdout)));
    let told = told && !arguments.quiet;
    if gaps && !arguments.allow_gaps && !told {
        let gaps = report.gap_counts();
        output::note(format_args!("not everything was graded: {gaps} (--allow-gaps lets it pass)"));
    }
    let path = |found: &Finding| report.sources.get(found.primary().file).path.as_str();
    let fails = report.findings.iter().any(|found| config.fails(found, path(found)));
    // The process ends here, and the system takes its memory back at once.
    std::mem::forget(report);
    Ok(match () {
        () if unwritten || gaps && !arguments.allow_gaps => INCOMPLETE,
        () if nothing => NOTHING,
        () if fails => FOUND,
        () => 0,
    })
}

/// Writes every report, and gives what is to be said of that, and whether one could not be written, which costs none of the
/// others.
fn write_reports(
    outputs: &[Place],
    stdout: &Stdout,
    write: impl Fn(Format, report::Options, &mut dyn Write) -> io::Result<Option<String>>,
) -> (Vec<String>, bool) {
    let (mut notes, mut unwritten) = (Vec::new(), false);
    for Place { format, target, shown } in outputs {
        let mut left_out = None;
        let mut write =
            |out: &mut dyn Write, options: report::Options| write(*format, options, out).map(|text| left_out = text);
        let written = match target {
            Ok(Target::Stdout) => stdout.write(&mut write).map_err(|error| error.to_string()),
            Ok(target) => {
                target.write(|out| write(out, report::Options::default())).map_err(|error| format!("{shown}: {error}"))
            }
            Err(error) => Err(format!("{shown}: {error}")),
        };
        unwritten |= written.is_err();
        notes.extend(written.err());
        notes.extend(left_out.map(|left_out| format!("{}: {left_out}", format.name())));
    }
    (notes, unwritten)
}

/// A place that a report is written to.
struct Place {
    format: Format,
    /// What it is, or why nothing can be written there.
    target: io::Result<Target>,
    /// What it is called.
    shown: String,
}

/// What is written where: the report of `--format` to the standard output, unless an output without
/// a format of its own takes its place, and the further ones.
fn outputs(arguments: &Scan, scope: &walk::Scope) -> Result<Vec<Place>, Problem> {
    let format = arguments.format.unwrap_or(Format::Human);
    let scanned = [&*scope.root, &scope.scanned];
    let stdout = |format| Place { format, target: Ok(Target::Stdout), shown: "the standard output".to_owned() };
    let mut outputs: Vec<Place> = Vec::new();
    for Output { format: own, file } in &arguments.output {
        let format = own.unwrap_or(format);
        outputs.push(file.as_ref().map_or_else(
            || stdout(format),
            |file| Place {
                format,
                target: Target::new(file, &scanned),
                shown: text::visible(&file.to_string_lossy()).into_owned(),
            },
        ));
    }
    let is_stdout = |place: &Place| matches!(place.target, Ok(Target::Stdout));
    let placed = arguments.output.iter().any(|output| output.format.is_none())
        || arguments.format.is_none() && outputs.iter().any(is_stdout);
    if !placed {
        outputs.insert(0, stdout(format));
    }
    for (at, place) in outputs.iter().enumerate() {
        let is_same = |other: &Place| match (&place.target, &other.target) {
            (Ok(Target::Open(_)), _) => false,
            (Ok(target), Ok(other)) => target == other,
            _ => false,
        };
        if outputs[..at].iter().any(is_same) {
            return Err(format!("several reports would be written to {}", place.shown).into());
        }
    }
    Ok(outputs)
}

/// What the arguments name.
fn area(input: &Input) -> Result<walk::Area, Problem> {
    Ok(walk::Area::of(&input.paths, &walk_options(input, &Files::default()))?)
}

/// The files of `area`, which the arguments name, the settings that count for them, and where they are.
fn read(area: walk::Area, input: &Input, progress: &Progress) -> Result<(Sources, Files, walk::Scope), Problem> {
    let scope = area.scope().clone();
    let mut files = Files::new(match &input.config {
        Some(path) => vec![walk::settings_at(path, &scope.scanned, &scope.root)?],
        None if input.no_config => Vec::new(),
        None => walk::settings_above(&scope.scanned, &scope.root)?,
    });
    let options = walk_options(input, &files);
    let sources = area.sources(&options, &|| progress.file())?;
    if input.config.is_none() && !input.no_config {
        files.add_below(&sources)?;
    }
    files.check_stacks(&sources)?;
    start_threads(input.threads.into(), &sources);
    Ok((sources, files, scope))
}

/// Starts the threads of the scan, this one among them: no more than `most` (0 for one per processor), and no more than
/// there is work for.
fn start_threads(most: usize, sources: &Sources) {
    /// It takes as long to start a thread as to grade about this many bytes.
    const WORTH: usize = 16 * 1024;
    let bytes: usize = sources.iter().map(|(_, source)| source.text.len()).sum();
    let most = NonZero::new(most).or_else(|| available_parallelism().ok()).map_or(1, NonZero::get);
    let threads = most.min(1 + bytes / WORTH);
    // It fails only when there is a pool already, which is as good.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build_global();
}

/// How the files that the arguments name are found.
fn walk_options(input: &Input, files: &Files) -> walk::Options {
    walk::Options {
        gitignore: input.gitignore,
        max_file_size: input.max_file_size.or(files.max_file_size()).unwrap_or(Config::MAX_FILE_SIZE),
        kind: input.kind,
        stdin_filename: input.stdin_filename.clone(),
        root: input.root.clone(),
        skip_unknown: input.skip_unknown,
        threads: input.threads.into(),
    }
}

/// How the scan is done; today is the day in UTC.
fn config(arguments: &Scan, files: Files, scope: &walk::Scope, time: Timestamp) -> Config {
    let whole = scope.directories.clone();
    let files = if arguments.pedantic == Some(false) { files.without_pedantic() } else { files };
    let pedantic = arguments.pedantic == Some(true);
    let (no_ignores, require_reason) = (arguments.no_ignores, arguments.require_reason);
    let (fail_on, min_confidence) = (arguments.fail_on, arguments.min_confidence);
    Config { pedantic, fail_on, min_confidence, files, no_ignores, require_reason, whole, ..at(time) }
}

/// The defaults on the day of `time` in UTC.
fn at(time: Timestamp) -> Config {
    Config::new(time.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// The time of the clock, or that of `SOURCE_DATE_EPOCH` for output that can be made again
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn time() -> Result<Timestamp, Problem> {
    let time = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()),
        Err(_) => Some(Timestamp::now()),
    };
    Ok(time.ok_or("SOURCE_DATE_EPOCH is not a number of seconds since 1970")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_breaks_costs_no_other_one_and_leaves_what_was_there() {
        let folder = std::env::temp_dir().join(format!("confscan-reports-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        fs::write(path("a.sarif"), "before").unwrap();
        let place = |format, name: &str| Place { format, target: Ok(Target::File(path(name))), shown: name.to_owned() };
        let outputs = [place(Format::Sarif, "a.sarif"), place(Format::Junit, "b.xml"), place(Format::Json, "c.json")];
        let write = |format: Format, _, out: &mut dyn Write| {
            out.write_all("{".repeat(100_000).as_bytes())?;
            match format {
                Format::Json => Ok(None),
                _ => Err(io::Error::other(format!("{} broke", format.name()))),
            }
        };
        let result = write_reports(&outputs, &Stdout::new(anstream::ColorChoice::Never), write);
        let mut left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let (old, new) = (fs::read_to_string(path("a.sarif")), fs::read_to_string(path("c.json")));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(result, (vec!["a.sarif: sarif broke".to_owned(), "b.xml: junit broke".to_owned()], true));
        assert_eq!(left, ["a.sarif", "c.json"]);
        assert_eq!((old.unwrap().as_str(), new.unwrap().len()), ("before", 100_000));
    }
}
