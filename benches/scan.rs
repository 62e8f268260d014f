//! Each parser and the whole scan over the repositories of `testdata/repos`, which stand in for real ones; with
//! `CONFSCAN_SHARED` naming a folder that holds `corpus/`, over that.

use std::env;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use confscan::config::Config;
use confscan::source::{FileId, Kind, Source, Sources};
use confscan::syntax;
use confscan::walk;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn root() -> PathBuf {
    match env::var_os("CONFSCAN_SHARED") {
        Some(shared) => Path::new(&shared).join("corpus"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/repos"),
    }
}

fn read() -> Sources {
    let options = walk::Options {
        gitignore: false,
        max_file_size: Config::MAX_FILE_SIZE,
        kind: None,
        stdin_filename: None,
        root: None,
        skip_unknown: false,
        threads: 0,
    };
    walk::sources(&[root()], &options, &|| {}).expect("the folder can be read")
}

fn parsers(criterion: &mut Criterion) {
    let sources = read();
    let mut group = criterion.benchmark_group("parse");
    for kind in [Kind::Dockerfile, Kind::Compose, Kind::Supervisor, Kind::Nginx, Kind::Dotenv] {
        let files: Vec<(FileId, &Source)> = sources.iter().filter(|(_, source)| source.kind == kind).collect();
        group.throughput(Throughput::Bytes(files.iter().map(|(_, source)| source.text.len() as u64).sum()));
        group.bench_function(kind.name(), |bencher| {
            bencher.iter(|| files.iter().for_each(|(id, source)| drop(black_box(syntax::parse(*id, source)))));
        });
    }
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    let config = Config::new(jiff::civil::date(2026, 11, 1));
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10);
    group.bench_function("read", |bencher| bencher.iter(read));
    group.bench_function("grade", |bencher| {
        bencher.iter_batched(read, |sources| confscan::scan(sources, &config), criterion::BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, parsers, scan);
criterion_main!(benches);
