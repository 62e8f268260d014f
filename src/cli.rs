//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use confscan::config::{FailOn, size};
use confscan::finding::Confidence;
use confscan::report::Format;
use confscan::source::Kind;

/// Finds what is unsafe in the container configs of a repository: Dockerfiles, Compose, supervisord, nginx and .env.
#[derive(Parser)]
#[command(name = "confscan", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub scan: Scan,
    /// When to use colour
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN", value_parser = color())]
    pub color: anstream::ColorChoice,
}

const EXIT_CODES: &str = "Exit codes:
  0  nothing new at or above --fail-on
  1  new findings at or above --fail-on
  2  wrong usage, or not everything could be graded (see --allow-gaps)
  3  nothing to scan";

#[derive(Subcommand)]
pub enum Command {
    /// Show the page of a rule: why it matters, how to fix it, examples
    Explain {
        /// Name of the rule
        rule: String,
    },
    /// List every rule
    Rules(List),
    /// List which files are taken as what, and what is skipped, and why
    Files {
        #[command(flatten)]
        input: Input,
        #[command(flatten)]
        list: List,
    },
    /// List what would run, and which line decided it: image, user, processes, ports, mounts, health check
    Containers {
        #[command(flatten)]
        input: Input,
        #[command(flatten)]
        list: List,
    },
    /// Write a confscan.toml that says what can be set
    Init {
        /// The folder that it is for
        #[arg(value_name = "FOLDER", default_value = ".", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Write what is found into a baseline: scans then report only what it does not hold
    ///
    /// Written again, it holds what is found by then: what was fixed is taken out.
    Baseline(Baseline),
    /// Write a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual page, or the pages of every command into a folder
    Man {
        /// Where the pages are written: confscan.1, confscan-rules.1 and so on
        #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        folder: Option<PathBuf>,
    },
}

#[derive(Args)]
pub struct Scan {
    #[command(flatten)]
    pub input: Input,
    /// Format of the report [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = named(&Format::ALL, Format::name))]
    pub format: Option<Format>,
    /// Write the report to FILE; FORMAT=FILE writes a further one in that format, and may be repeated
    #[arg(short, long, value_name = "[FORMAT=]FILE", value_parser = output, value_hint = ValueHint::FilePath)]
    pub output: Vec<Output>,
    /// Exit with 1 when there is a finding of at least this severity [default: high]
    #[arg(long, value_name = "SEVERITY", value_parser = named(&FailOn::ALL, FailOn::name))]
    pub fail_on: Option<FailOn>,
    /// Show findings and fail on them only when they are at least this sure; a guess never fails [default: guess]
    #[arg(long, value_name = "CONFIDENCE", value_parser = named(&Confidence::ALL, Confidence::name))]
    pub min_confidence: Option<Confidence>,
    /// Also run the rules that are a matter of taste or of hardening beyond the usual [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub pedantic: Option<bool>,
    /// One line for each finding
    #[arg(short, long)]
    pub quiet: bool,
    /// Do not exit with 2 because something could not be graded
    #[arg(long)]
    pub allow_gaps: bool,
    /// Report what ignores hide, too: for an audit
    #[arg(long)]
    pub no_ignores: bool,
    /// Take no ignore that does not say why
    #[arg(long)]
    pub require_reason: bool,
    /// Report only what this baseline does not hold; without it confscan-baseline.json at the scan root, if there is one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,
    /// Report what the baseline holds, too
    #[arg(long, conflicts_with = "baseline")]
    pub no_baseline: bool,
    /// Report only what is not found in this git commit, too: where the work in the directory parted from it
    #[arg(long, value_name = "REF")]
    pub diff_base: Option<String>,
    /// Say of every exception since when it stands, as `git blame` knows it; one that says `since=` needs no git
    #[arg(long)]
    pub blame: bool,
    /// Also write what ignores hide to SARIF reports, marked so: not for GitHub, which would open alerts for it
    #[arg(long)]
    pub sarif_include_suppressed: bool,
}

#[derive(Args)]
pub struct Baseline {
    #[command(flatten)]
    pub input: Input,
    /// The baseline; confscan-baseline.json at the scan root unless another file is named
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,
    /// Also run the rules that are a matter of taste or of hardening beyond the usual
    #[arg(long)]
    pub pedantic: bool,
    /// Also write what ignores hide
    #[arg(long)]
    pub no_ignores: bool,
    /// Take no ignore that does not say why
    #[arg(long)]
    pub require_reason: bool,
    /// Write it although something could not be graded
    #[arg(long)]
    pub allow_gaps: bool,
}

#[derive(Args)]
pub struct Input {
    /// Directories and files to scan, `-` for the standard input
    #[arg(value_name = "PATH", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Leave out files that .gitignore matches
    #[arg(long)]
    pub gitignore: bool,
    /// What the named files are, whatever their names say
    #[arg(long, value_name = "KIND", value_parser = named(&KINDS, Kind::name))]
    pub kind: Option<Kind>,
    /// Pass over named files that are no configs, and do not exit with 3 when nothing else is named
    #[arg(long)]
    pub skip_unknown: bool,
    /// Path that the standard input is read as
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub stdin_filename: Option<PathBuf>,
    /// Directory that holds the paths: reports say where in it a file is, and files that configs refer to are read in all
    /// of it
    #[arg(long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Report larger files instead of reading them: bytes, or with a suffix K, M [default: 1M]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_file_size: Option<u64>,
    /// Take the settings from FILE instead of the confscan.toml files of the repository
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Read no confscan.toml
    #[arg(long)]
    pub no_config: bool,
    /// Number of threads, 0 for one per processor
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=256))]
    pub threads: u16,
}

#[derive(Args)]
pub struct List {
    /// Format of the list
    #[arg(long, default_value = "human", value_name = "FORMAT", value_parser = named(&LIST_FORMATS, Format::name))]
    pub format: Format,
}

/// A place that a report is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The format, where it was given.
    pub format: Option<Format>,
    /// The file; nothing for the standard output (`-`).
    pub file: Option<PathBuf>,
}

const LIST_FORMATS: [Format; 2] = [Format::Human, Format::Json];
const KINDS: [Kind; 5] = [Kind::Dockerfile, Kind::Compose, Kind::Supervisor, Kind::Nginx, Kind::Dotenv];

/// A parser of the names of `values`.
fn named<T: Copy + Send + Sync + 'static>(
    values: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.iter().map(move |value| name(*value)))
        .try_map(move |given| values.iter().copied().find(|value| name(*value) == given).ok_or("no such value"))
}

fn color() -> impl TypedValueParser<Value = anstream::ColorChoice> {
    PossibleValuesParser::new(["auto", "always", "never"]).map(|given| match given.as_str() {
        "always" => anstream::ColorChoice::Always,
        "never" => anstream::ColorChoice::Never,
        _ => anstream::ColorChoice::Auto,
    })
}

/// `FILE` or `FORMAT=FILE`.
fn output(given: &str) -> Result<Output, String> {
    let (format, file) = match given.split_once('=') {
        Some((name, file)) if !name.contains(['/', '\\', '.']) => {
            let format = Format::ALL.into_iter().find(|format| format.name() == name);
            (Some(format.ok_or_else(|| format!("no format {name:?} (./{given} is the file of that name)"))?), file)
        }
        _ => (None, given),
    };
    if file.is_empty() {
        return Err("no file is named".to_owned());
    }
    Ok(Output { format, file: (file != "-").then(|| file.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use std::fmt::Write as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn outputs_have_a_file_and_perhaps_a_format() {
        let file = |format, file: &str| Ok(Output { format, file: Some(file.into()) });
        assert_eq!(output("a.json"), file(None, "a.json"));
        assert_eq!(output("json=a.json"), file(Some(Format::Json), "a.json"));
        assert_eq!(output("./json=a"), file(None, "./json=a"));
        assert_eq!(output("sarif=-"), Ok(Output { format: Some(Format::Sarif), file: None }));
        assert!(output("jsn=a.json").is_err());
        assert!(output("json=").is_err());
    }

    /// A table of the options of `command`, which is called `name`, and of its commands.
    fn document(command: &clap::Command, name: &str, text: &mut String) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        write!(text, "\n## `{name}`\n\n{}.\n", about.trim_end_matches('.')).unwrap();
        let arguments: Vec<_> = command.get_arguments().filter(|argument| !argument.is_hide_set()).collect();
        if !arguments.is_empty() {
            text.push_str("\n| argument | meaning |\n|---|---|\n");
        }
        for argument in arguments {
            let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
            let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
            let value = value.and_then(|names| names.first()).map(ToString::to_string);
            let name = match (argument.get_long(), value) {
                (Some(long), Some(value)) if argument.is_require_equals_set() => format!("`--{long}[={value}]`"),
                (Some(long), Some(value)) => format!("`--{long} {value}`"),
                (Some(long), None) => format!("`--{long}`"),
                (None, value) => format!("`{}`", value.unwrap_or_default()),
            };
            let help = argument.get_help().map(ToString::to_string).unwrap_or_else(|| panic!("{name} has no help"));
            // A default that the settings may change stands in the text.
            let (help, default) = help
                .split_once(" [default")
                .map_or((help.as_str(), String::new()), |(help, rest)| (help, format!(" [default{rest}")));
            let mut help = help.to_owned();
            let values = argument.get_possible_values();
            let values: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
            if !values.is_empty() && argument.get_action().takes_values() {
                write!(help, ": {}", values.join(", ")).unwrap();
            }
            help += &default;
            let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            if !defaults.is_empty() && argument.get_action().takes_values() {
                write!(help, " [default: {}]", defaults.join(", ")).unwrap();
            }
            writeln!(text, "| {short}{name} | {} |", help.replace('|', "\\|")).unwrap();
        }
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            document(inner, &format!("{name} {}", inner.get_name()), text);
        }
    }

    #[test]
    fn the_documentation_has_every_option_with_its_help() {
        let mut text = String::from(
            "# The command line\n\n\
             What `confscan --help` and `confscan COMMAND --help` say; `UPDATE=1 cargo test --bin confscan` writes this page.\n\
             What can be set for a repository is in [configuration.md](configuration.md).\n",
        );
        let mut command = Cli::command();
        command.build();
        document(&command, "confscan", &mut text);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
        if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return;
        }
        assert!(std::env::var_os("UPDATE").is_some(), "docs/command-line.md lacks something: UPDATE=1 rewrites it");
        std::fs::write(path, text).unwrap();
    }
}
