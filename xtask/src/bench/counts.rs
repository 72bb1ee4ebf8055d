//! Instructions of each hot path, counted by callgrind, against the baselines that are committed.
//!
//! callgrind shows every program the same processor, whatever the machine has (AVX2 at the most, no SHA extensions), so
//! that aws-lc and libc take the same way on every machine that has AVX2. A count differs from run to run by one in a
//! thousand at most, since keys and nonces do. Another compiler, libc or valgrind, or a machine without AVX2, moves it by
//! more: there counts are told, and not held against the baselines.

use crate::root;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const BASELINES: &str = "xtask/baselines/counts.tsv";
const PROGRAM: &str = "sakigake-counts";

/// A count above its baseline by more than so many in a thousand is a failure; one below it by as much asks for a new baseline.
const TOLERANCE_PERMILLE: u64 = 30;

/// How often a case does its work in a run.
const TIMES: u64 = 20;

/// Counts every case; `--write` keeps the counts as the new baselines.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    match words {
        [] => hold(),
        ["--write"] => write(),
        _ => Err("Usage: cargo xtask bench counts [--write]".into()),
    }
}

/// Counts every case and fails where one has risen.
fn hold() -> Result<(), String> {
    let program = build()?;
    let before = Baselines::read()?;
    let stranger = before.stranger(&makers()?, has_avx2());
    let mut risen = Vec::new();
    for case in cases(&program)? {
        let count = count(&program, &case)?;
        let verdict = judge(count, before.counts.get(&case).copied());
        println!("{case:36} {count:>12} instructions  {}", verdict.words);
        if verdict.has_risen {
            risen.push(case);
        }
    }
    match stranger {
        _ if risen.is_empty() => Ok(()),
        Some(why) => {
            println!("not held against {BASELINES}: {why}");
            Ok(())
        }
        None => Err(format!("risen above {BASELINES}: {}", risen.join(", "))),
    }
}

fn write() -> Result<(), String> {
    let program = build()?;
    let mut lines = format!("# {}\n", makers()?);
    for case in cases(&program)? {
        let count = count(&program, &case)?;
        println!("{case:36} {count:>12} instructions");
        lines += &format!("{case}\t{count}\n");
    }
    fs::write(root().join(BASELINES), lines).map_err(|error| format!("{BASELINES}: {error}"))
}

/// What was counted when the baselines were written, and by whose code.
struct Baselines {
    makers: String,
    counts: BTreeMap<String, u64>,
}

impl Baselines {
    fn read() -> Result<Self, String> {
        let text =
            fs::read_to_string(root().join(BASELINES)).map_err(|error| format!("{BASELINES}: {error}"))?;
        Self::parse(&text).map_err(|line| format!("{BASELINES}: no row: {line}"))
    }

    /// The makers behind a `#`, then a row a case; or the line that is neither.
    fn parse(text: &str) -> Result<Self, String> {
        let (first, rows) = text.split_once('\n').ok_or(text)?;
        let makers = first.strip_prefix("# ").ok_or(first)?.to_owned();
        let row = |line: &str| {
            let (case, count) = line.split_once('\t')?;
            Some((case.to_owned(), count.parse().ok()?)) // No number is no row.
        };
        let counts = rows.lines().map(|line| row(line).ok_or(line.to_owned())).collect::<Result<_, _>>()?;
        Ok(Self { makers, counts })
    }

    /// Why counts made here are not theirs to judge.
    fn stranger(&self, makers: &str, has_avx2: bool) -> Option<String> {
        match () {
            () if makers != self.makers => Some(format!("they are of {}, here is {makers}", self.makers)),
            () if !has_avx2 => Some("this processor has no AVX2".into()),
            () => None,
        }
    }
}

/// Whose code is counted, and who counts: `rustc 1.95.0 (...), glibc 2.36, valgrind-3.19.0`.
fn makers() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiler = output(Command::new(rustc).arg("--version"))?.0;
    let libc = output(Command::new("getconf").arg("GNU_LIBC_VERSION"))?.0;
    let valgrind = output(Command::new("valgrind").arg("--version"))?.0;
    Ok([compiler, libc, valgrind].map(|told| told.trim().to_owned()).join(", "))
}

fn has_avx2() -> bool {
    // Where nobody tells, nothing is known of it.
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    told.lines()
        .filter(|line| line.starts_with("flags"))
        .any(|line| line.split(' ').any(|flag| flag == "avx2"))
}

struct Verdict {
    has_risen: bool,
    words: String,
}

/// Holds a count against its baseline; a case without one has risen.
fn judge(count: u64, before: Option<u64>) -> Verdict {
    let Some(before) = before.filter(|before| *before > 0) else {
        return Verdict { has_risen: true, words: "no baseline".into() };
    };
    let permille = count as i64 * 1_000 / before as i64 - 1_000;
    let has_risen = permille > TOLERANCE_PERMILLE as i64;
    let advice = if permille < -(TOLERANCE_PERMILLE as i64) { ": a new baseline is due" } else { "" };
    let sign = if permille < 0 { '-' } else { '+' };
    let words = format!("{sign}{}.{} %{advice}", permille.abs() / 10, permille.abs() % 10);
    Verdict { has_risen, words }
}

fn build() -> Result<PathBuf, String> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Beside our own program, so that what both stand on is built once.
    command.args(["build", "--release", "--locked", "--package", "sakigake-cli", "--package", PROGRAM]);
    command.args(["--bin", PROGRAM]).current_dir(root());
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("building: {status}")),
        Err(error) => return Err(format!("cargo: {error}")),
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("release").join(PROGRAM))
}

fn cases(program: &Path) -> Result<Vec<String>, String> {
    let told = output(Command::new(program).arg("cases"))?.0;
    Ok(told.lines().map(str::to_owned).collect())
}

/// Instructions of one piece of a case's work.
fn count(program: &Path, case: &str) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    command.arg("--toggle-collect=sakigake_counts::counted*").arg(program);
    let told = output(command.args([case, &TIMES.to_string()]))?.1;
    let collected =
        told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<u64>().ok());
    match collected {
        Some(collected) if collected > 0 => Ok(collected / TIMES),
        _ => Err(format!("{case}: callgrind has counted nothing:\n{told}")),
    }
}

/// What a program that ends well has written to its output and to its errors.
fn output(command: &mut Command) -> Result<(String, String), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() { Ok((out, errors)) } else { Err(format!("{program}: {errors}")) }
}

#[cfg(test)]
mod tests;
