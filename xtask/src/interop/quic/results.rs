//! What came of the runs: a file that is committed, and the page that is made of it.

use super::{cases::CASES, endpoints::OURS};
use crate::{
    interop::{commit, page, today},
    root,
};
use std::{collections::BTreeSet, fmt, fs, io::ErrorKind, path::PathBuf};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// One of the endpoints lacks the case.
    Lacked,
}

const OUTCOMES: &[(Outcome, &str, &str)] = &[
    (Outcome::Passed, "passed", "yes"),
    (Outcome::Failed, "FAILED", "**NO**"),
    (Outcome::Lacked, "lacked", "–"),
];

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) case: String,
    pub(super) client: String,
    pub(super) server: String,
    pub(super) outcome: Outcome,
    /// The day on which it was run.
    date: String,
    /// The commit that it was run with.
    commit: String,
    /// What the capture showed, or why the run failed.
    note: String,
}

pub(super) struct Results {
    /// None where they are not kept.
    file: Option<PathBuf>,
    rows: Vec<Row>,
}

impl Results {
    pub(super) fn read() -> Result<Self, String> {
        let file = root().join("docs/interop/quic.tsv");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        let row =
            |line: &str| Row::read(line).ok_or_else(|| format!("{}: not a row: {line}", file.display()));
        let rows = text.lines().skip(1).map(row).collect::<Result<_, _>>()?;
        Ok(Self { file: Some(file), rows })
    }

    /// Of runs that tell nothing beyond their own end.
    pub(super) fn unkept() -> Self {
        Self { file: None, rows: Vec::new() }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(super) fn forget(&mut self, is_old: impl Fn(&Row) -> bool) {
        self.rows.retain(|row| !is_old(row));
    }

    /// Keeps a row at once, so that what ends early goes on from there.
    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
        if let Err(why) = self.keep() {
            eprintln!("{why}");
        }
    }

    /// Writes the rows and the page.
    pub(super) fn write(&self) -> Result<(), String> {
        self.keep()?;
        page::write()
    }

    fn keep(&self) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        let why = |error| format!("{}: {error}", file.display());
        fs::create_dir_all(file.with_file_name("")).map_err(why)?;
        let place = |name: &str| CASES.iter().position(|case| case.name == name);
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| (place(&row.case), &row.client, &row.server));
        let lines = rows.iter().map(|row| row.line() + "\n");
        let head = "case\tclient\tserver\toutcome\tdate\tcommit\tnote\n".to_owned();
        fs::write(file, std::iter::once(head).chain(lines).collect::<String>()).map_err(why)
    }

    /// What the page says of them.
    pub(super) fn section(&self) -> String {
        let endpoints: BTreeSet<&str> =
            self.rows.iter().flat_map(|row| [row.client.as_str(), row.server.as_str()]).collect();
        let is_ours = |pair: &(&str, &str)| pair.0 == OURS || pair.1 == OURS;
        let pairs: Vec<(&str, &str)> = endpoints
            .iter()
            .flat_map(|client| endpoints.iter().map(move |server| (*client, *server)))
            .collect();
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(is_ours);
        let cases: String =
            CASES.iter().map(|case| format!("| {} | {} |\n", case.name, case.about)).collect();
        let failed: String = self
            .rows
            .iter()
            .filter(|row| row.outcome == Outcome::Failed)
            .map(|row| format!("- {}, {} to {}: {}\n", row.case, row.client, row.server, row.note))
            .collect();
        let failed = if failed.is_empty() { String::new() } else { format!("\n### What failed\n{failed}") };
        let (ran, ours, theirs) = (self.ran(), self.table(&ours), self.table(&theirs));
        format!("{HEAD}{ran}{OURS_HEAD}{ours}\n{BETWEEN}{theirs}{failed}\n{ABOUT}{cases}")
    }

    /// When those with ours were run, and with what.
    fn ran(&self) -> String {
        let ours = || self.rows.iter().filter(|row| row.client == OURS || row.server == OURS);
        let join = |parts: BTreeSet<&str>| parts.into_iter().collect::<Vec<_>>().join(", ");
        let (dates, commits) = (ours().map(|row| row.date.as_str()), ours().map(|row| row.commit.as_str()));
        let count = |outcome| ours().filter(|row| row.outcome == outcome).count();
        let [passed, failed, lacked] = [Outcome::Passed, Outcome::Failed, Outcome::Lacked].map(count);
        format!(
            "Runs with ours: {passed} passed, {failed} failed, {lacked} are lacked by one of the two; {} at {}.\n",
            join(dates.collect()),
            join(commits.collect())
        )
    }

    /// A row a case, a column a pair.
    fn table(&self, pairs: &[(&str, &str)]) -> String {
        if pairs.is_empty() {
            return "Nothing was run.\n".into();
        }
        let names: String = pairs.iter().map(|(client, server)| format!(" {client} to {server} |")).collect();
        let rule = " --- |".repeat(pairs.len());
        let mut table = format!("| |{names}\n| --- |{rule}\n");
        for case in CASES {
            let cells: String =
                pairs.iter().map(|pair| format!(" {} |", self.cell(case.name, *pair))).collect();
            table.push_str(&format!("| {} |{cells}\n", case.name));
        }
        table
    }

    fn cell(&self, case: &str, (client, server): (&str, &str)) -> &'static str {
        let is_it = |row: &&Row| row.case == case && row.client == client && row.server == server;
        let outcome = self.rows.iter().rfind(is_it).map(|row| row.outcome);
        outcome.map_or("", |outcome| outcome.words().1)
    }
}

impl Outcome {
    fn words(self) -> (&'static str, &'static str) {
        let row = OUTCOMES.iter().find(|(outcome, ..)| *outcome == self);
        row.map_or(("", ""), |(_, word, cell)| (word, cell))
    }
}

impl Row {
    pub(super) fn new(case: &str, client: &str, server: &str, outcome: Outcome, note: &str) -> Self {
        let note = note.replace(['\t', '\n'], " ");
        let (case, client, server) = (case.to_owned(), client.to_owned(), server.to_owned());
        Self { case, client, server, outcome, date: today(), commit: commit(), note }
    }

    fn read(line: &str) -> Option<Self> {
        let [case, client, server, outcome, date, commit, note] =
            line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let outcome = OUTCOMES.iter().find(|(_, word, _)| *word == outcome)?.0;
        let own = str::to_owned;
        Some(Self {
            case: own(case),
            client: own(client),
            server: own(server),
            outcome,
            date: own(date),
            commit: own(commit),
            note: own(note),
        })
    }

    fn line(&self) -> String {
        let word = self.outcome.words().0;
        [&self.case, &self.client, &self.server, word, &self.date, &self.commit, &self.note].join("\t")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}: {} to {} ... {}", self.case, self.client, self.server, self.outcome.words().0)?;
        if self.note.is_empty() { Ok(()) } else { write!(out, " ({})", self.note) }
    }
}

const HEAD: &str = "\
## QUIC

Made by `cargo xtask interop quic`, from `interop/quic.tsv`, where each run has its date, its commit and what its capture showed. The cases are the QUIC interop runner's, over HTTP/0.9, on a link of our own: 15 ms each way, 10 Mbit/s, a queue of 25 packets. A run
counts when the client has every file unchanged and the capture, decrypted by tshark, shows what the case is about. A client stands before `to`, its server behind it; `–` is a case that one of the two lacks.
Debian's gtlsclient and gtlsserver (ngtcp2) speak HTTP/3 alone: `tests/interop/quic_cases.py` shakes hands and transfers files with them, both ways, over frames of HTTP/3 that it writes itself.

";
const OURS_HEAD: &str = "
### Ours

";
const BETWEEN: &str = "\
### The others among themselves
This is what shows that the runner asks for nothing that cannot be done.

";
const ABOUT: &str = "\
### The cases
| case | what it is, and what has to be seen |
| --- | --- |
";

#[cfg(test)]
mod tests;
