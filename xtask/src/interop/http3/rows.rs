//! What cases showed: a file that is committed, and its table.

use crate::{
    interop::{commit, today},
    root,
};
use std::{collections::BTreeSet, fs, io::ErrorKind, path::PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// As `run.py` prints them.
const OUTCOMES: &[(Outcome, &str)] =
    &[(Outcome::Passed, "ok"), (Outcome::Failed, "FAILED"), (Outcome::Skipped, "skipped")];
/// What a peer is, by the word of a case, and how the table says it. The table has them in this order.
const SIDES: &[(&str, &str)] = &[
    ("client", "loads from `sakigake serve`"),
    ("gateway", "loads through `sakigake gateway`"),
    ("server", "serves `sakigake fetch`"),
];
const COLUMNS: &str =
    "case\tpeer\tside\toutcome\tversion\tloads\tfound\tearly_hints\tpreload\twhy\tdate\tcommit\n";
/// Of which a case says all but the day and the commit.
const CELLS: usize = 12;

/// A case that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) outcome: Outcome,
    cells: [String; CELLS],
}

/// The columns that are spoken of here.
const CASE: usize = 0;
const PEER: usize = 1;
const SIDE: usize = 2;
const OUTCOME: usize = 3;
const SHOWN: [usize; 4] = [5, 6, 7, 8];
const WHY: usize = 9;
const DATE: usize = 10;
const COMMIT: usize = 11;

pub(super) struct Rows(Vec<Row>);

impl Row {
    /// Of a line of `run.py`, which was run just now.
    pub(super) fn of_case(line: &str) -> Result<Self, String> {
        Self::read(&[line, &today(), &commit()].join("\t"))
    }

    fn read(line: &str) -> Result<Self, String> {
        let wrong = || format!("not a row: {line}");
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let cells: [String; CELLS] = cells.try_into().map_err(|_| wrong())?;
        let (outcome, _) = OUTCOMES.iter().find(|(_, word)| *word == cells[OUTCOME]).ok_or_else(wrong)?;
        SIDES.iter().find(|(word, _)| *word == cells[SIDE]).ok_or_else(wrong)?;
        Ok(Self { outcome: *outcome, cells })
    }

    /// Where it stands.
    fn place(&self) -> (Option<usize>, String) {
        let side = SIDES.iter().position(|(word, _)| *word == self.cells[SIDE]);
        (side, self.cells[PEER].to_lowercase())
    }

    fn line(&self) -> String {
        let side = SIDES.iter().find(|(word, _)| *word == self.cells[SIDE]).map_or("", |(_, words)| words);
        let [_, peer, _, _, version, ..] = &self.cells;
        let shown = match self.outcome {
            Outcome::Passed => SHOWN.map(|column| self.cells[column].as_str()).join(" | "),
            Outcome::Failed => format!("**FAILED**: {} | | |", self.cells[WHY]),
            Outcome::Skipped => format!("skipped: {} | | |", self.cells[WHY]),
        };
        format!("| {peer} | {version} | {side} | {shown} |\n")
    }
}

impl Rows {
    pub(super) fn read() -> Result<Self, String> {
        let file = file();
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        text.lines().skip(1).map(Row::read).collect::<Result<_, _>>().map(Self)
    }

    /// Takes the rows of a run, which take the place of older ones: of all, where all cases were run.
    pub(super) fn renew(&mut self, came: Vec<Row>, is_all: bool) {
        self.0.retain(|old| !is_all && came.iter().all(|row| row.cells[CASE] != old.cells[CASE]));
        self.0.extend(came);
        self.0.sort_by_key(Row::place);
    }

    pub(super) fn keep(&self) -> Result<(), String> {
        let file = file();
        let lines: String = self.0.iter().map(|row| row.cells.join("\t") + "\n").collect();
        fs::write(&file, COLUMNS.to_owned() + &lines).map_err(|error| format!("{}: {error}", file.display()))
    }

    pub(super) fn section(&self) -> String {
        let count = |outcome| self.0.iter().filter(|row| row.outcome == outcome).count();
        let [passed, failed, skipped] = [Outcome::Passed, Outcome::Failed, Outcome::Skipped].map(count);
        let all = |column: usize| {
            let cells: BTreeSet<&str> = self.0.iter().map(|row| row.cells[column].as_str()).collect();
            cells.into_iter().collect::<Vec<_>>().join(", ")
        };
        let (dates, commits) = (all(DATE), all(COMMIT));
        let lines: String = self.0.iter().map(Row::line).collect();
        format!(
            "{HEAD}Cases: {passed} passed, {failed} failed, {skipped} skipped; {dates} at {commits}.\n\n{TABLE}{lines}"
        )
    }
}

fn file() -> PathBuf {
    root().join("docs/interop/http3.tsv")
}

const HEAD: &str = "\
## HTTP/3

Made by `cargo xtask interop http3`, from `interop/http3.tsv`, where each row has its case, its date and its commit. All is on loopback, and the page is `examples/site`. A case passes when every file came with its own bytes, and when the server's
log or the client itself says that it was HTTP/3. Where a frame was sent, a capture that tshark decrypts, or the browser's net log, has PRELOAD on the control stream behind SETTINGS; who does not know it loads the page all the same.

";
const TABLE: &str = "\
| peer | version | what it does | what came | how HTTP/3 was found | 103 Early Hints | PRELOAD |
| --- | --- | --- | --- | --- | --- | --- |
";

#[cfg(test)]
mod tests;
