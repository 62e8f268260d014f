//! Text into documents, each file once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use super::{Failure, panic_message};
use crate::source::{FileId, Source, Sources};
use crate::syntax::{self, Document};

/// Parses every file, in parallel.
pub fn parse_all(sources: &Sources) -> (Vec<Document>, Vec<Failure>) {
    let files: Vec<(FileId, &Source)> = sources.iter().collect();
    let parsed: Vec<_> = files.par_iter().map(|(id, source)| parse(*id, source)).collect();
    let (mut documents, mut failures) = (Vec::new(), Vec::new());
    for result in parsed {
        match result {
            Ok(document) => documents.extend(document),
            Err(failure) => failures.push(failure),
        }
    }
    (documents, failures)
}

/// Parses one file; a panic costs that file alone.
pub fn parse(id: FileId, source: &Source) -> Result<Option<Document>, Failure> {
    catch_unwind(AssertUnwindSafe(|| syntax::parse(id, source))).map_err(|panic| Failure {
        file: Some(id),
        doing: "parsing".to_owned(),
        message: panic_message(&*panic),
    })
}
