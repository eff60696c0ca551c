//! `cargo xtask bench NAME`: measurements, side by side with other softphones. Each writes `docs/bench/NAME.md`
//! and `docs/bench/NAME.json`.

/// A benchmark's name, and what runs it.
type Benchmark = (&'static str, fn(&[String]) -> Result<bool, String>);

const BENCHMARKS: &[Benchmark] = &[];

pub fn names() -> String {
    let names = BENCHMARKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if names.is_empty() { "none yet".into() } else { names }
}

pub fn bench(name: &str, arguments: &[String], consent: bool) -> Result<bool, String> {
    let Some((_, run)) = BENCHMARKS.iter().find(|(known, _)| *known == name) else {
        return Err(format!("There is no benchmark `{name}`. There is: {}.", names()));
    };
    crate::setup::prepare(crate::packages::Purpose::Bench, consent)?;
    run(arguments)
}
