//! Each parser, the join, each family of rules, the whole scan and each format of report, over what [`input`] says.

mod estate;
mod input;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::Duration;

use confscan::engine;
use confscan::project::Project;
use confscan::report::{self, Format};
use confscan::source::{FileId, Kind, Source, Sources, Span, Text};
use confscan::syntax::{self, Document, shell, yaml};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn bytes<'a>(texts: impl IntoIterator<Item = &'a str>) -> Throughput {
    Throughput::Bytes(texts.into_iter().map(|text| text.len() as u64).sum())
}

fn parsers(criterion: &mut Criterion) {
    let sources = input::read(&input::roots());
    let mut group = criterion.benchmark_group("parse");
    for kind in [Kind::Dockerfile, Kind::Compose, Kind::Supervisor, Kind::Nginx, Kind::Dotenv] {
        let files: Vec<(FileId, &Source)> = sources.iter().filter(|(_, source)| source.kind == kind).collect();
        group.throughput(bytes(files.iter().map(|(_, source)| source.text.as_str())));
        group.bench_function(kind.name(), |bencher| {
            bencher.iter(|| files.iter().for_each(|(id, source)| drop(black_box(syntax::parse(*id, source)))));
        });
    }
    let composes: Vec<_> = sources.iter().filter(|(_, source)| source.kind == Kind::Compose).collect();
    group.throughput(bytes(composes.iter().map(|(_, source)| source.text.as_str())));
    group.bench_function("yaml", |bencher| {
        bencher.iter(|| composes.iter().for_each(|(id, source)| drop(black_box(yaml::parse(*id, &source.text)))));
    });
    let scripts = scripts(&sources);
    group.throughput(bytes(scripts.iter().map(Text::as_str)));
    group.bench_function("shell", |bencher| {
        bencher.iter(|| scripts.iter().for_each(|script| drop(black_box(shell::parse(script)))));
    });
    group.finish();
}

/// The lines of RUN instructions, continued lines as one.
fn scripts(sources: &Sources) -> Vec<Text> {
    let mut scripts = Vec::new();
    for (id, source) in sources.iter().filter(|(_, source)| source.kind == Kind::Dockerfile) {
        let Some(Document::Dockerfile(_)) = syntax::parse(id, source) else { continue };
        let joined = source.text.replace("\\\n", "  ");
        for line in joined.lines().filter_map(|line| line.strip_prefix("RUN ")) {
            scripts.push(Text::verbatim(line, Span::new(id, 0..line.len())));
        }
    }
    scripts
}

fn link(criterion: &mut Criterion) {
    let roots = input::roots();
    let mut group = criterion.benchmark_group("link");
    group.bench_function("parse and join", |bencher| {
        bencher.iter_batched(
            || input::read(&roots),
            |mut sources| (Project::build(&mut sources), sources),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// The rules of each file in `src/rules`, by the names of their functions.
fn families() -> BTreeMap<String, Vec<String>> {
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the rules are there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(&root).expect("it is below the folder").with_extension("");
            let family = below.iter().next().expect("it has a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("a source file");
            let functions = text.lines().filter_map(|line| line.split_once("fn ")?.1.split_once('('));
            families.entry(family).or_default().extend(functions.map(|(name, _)| name.replace('_', "-")));
        }
    }
    families
}

fn rules(criterion: &mut Criterion) {
    let (mut sources, config) = (input::read(&input::roots()), input::config());
    let project = Project::build(&mut sources);
    let mut group = criterion.benchmark_group("rules");
    for (family, ids) in families() {
        if !confscan::rules::RULES.iter().any(|registered| ids.iter().any(|id| id == registered.rule.id)) {
            continue;
        }
        group.bench_function(&family, |bencher| {
            let wanted = |rule: &confscan::finding::Rule| ids.iter().any(|id| id == rule.id);
            bencher.iter(|| black_box(engine::grade_by(&wanted, &project, &sources, &config)));
        });
    }
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    let (roots, config) = (input::roots(), input::config());
    let mut group = criterion.benchmark_group("scan");
    group.bench_function("read", |bencher| bencher.iter(|| input::read(&roots)));
    group.bench_function("grade", |bencher| {
        bencher.iter_batched(
            || input::read(&roots),
            |sources| confscan::scan(sources, &config),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn reports(criterion: &mut Criterion) {
    let report = confscan::scan(input::read(&input::roots()), &input::config());
    let mut group = criterion.benchmark_group("report");
    for format in Format::ALL {
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| report::write(&report, format, &report::Options::default(), &mut io::sink()));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = parsers, link, rules, scan, reports
}
criterion_main!(benches);
