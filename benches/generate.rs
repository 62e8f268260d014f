//! Writes a synthetic repository: `cargo run --example generate -- FOLDER FILES [CONFIGS_PER_MILLE [SEED]]`.

mod estate;

use std::path::Path;
use std::process::ExitCode;

use estate::Plan;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let (Some(folder), Some(files)) = (arguments.first(), number(1)) else {
        eprintln!("usage: generate FOLDER FILES [CONFIGS_PER_MILLE [SEED]]");
        return ExitCode::from(2);
    };
    let default = Plan::of(files as usize);
    let configs_per_mille = number(2).map_or(default.configs_per_mille, |number| number as usize);
    let plan = Plan { configs_per_mille, seed: number(3).unwrap_or(default.seed), ..default };
    match estate::write(plan, Path::new(folder)) {
        Ok(()) => {
            println!("{folder}: {} files, {} of them configs", plan.files, plan.configs());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::from(2)
        }
    }
}
