//! A copy of the tree in which lines may be taken away, and the tests that are run there.

use super::shown::Shown;
use crate::group::Group;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A line less may make a test wait for ever: that is noticed too.
const TEST_LIMIT: Duration = Duration::from_secs(90);
/// How long a build may take.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// The copy.
pub(super) struct Scratch {
    tree: PathBuf,
    target: PathBuf,
}

/// What the tests said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does not compile.
    Unbuildable,
    /// This one noticed.
    Failed(String),
    /// Nobody noticed.
    Passed,
}

/// How a program ended, and its standard output.
struct Output {
    is_success: bool,
    text: String,
}

/// One changed file, as it was before once this is dropped.
pub(super) struct Held {
    path: PathBuf,
    original: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        fs::write(&self.path, &self.original).expect("the scratch tree can be written: it was, just before");
    }
}

impl Scratch {
    /// Copies what git tracks, or would, of `root` below its target folder. Files that did not change stay as they are, so that the next
    /// build is a short one.
    pub(super) fn new(root: &Path) -> Result<Self, String> {
        let place = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), PathBuf::from)
            .join("prove");
        let tree = place.join("tree");
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("git: {error}"))?;
        let listed = String::from_utf8(listed.stdout).map_err(|error| error.to_string())?;
        for name in listed.split('\0').filter(|name| !name.is_empty()) {
            let (from, to) = (root.join(name), tree.join(name));
            if !from.is_file() {
                continue; // Deleted, and git was not told yet; or a link to a folder.
            }
            let cannot = |error| format!("{}: {error}", to.display());
            let new = fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?;
            if fs::read(&to).is_ok_and(|old| old == new) {
                continue;
            }
            fs::create_dir_all(to.parent().unwrap_or(&tree)).map_err(cannot)?;
            fs::write(&to, new).map_err(cannot)?;
        }
        Ok(Self { tree, target: place.join("target") })
    }

    /// Another text for one file, for as long as what comes back is held.
    pub(super) fn change(&self, path: &Path, text: &str) -> Result<Held, String> {
        let path = self.tree.join(path);
        let cannot = |error| format!("{}: {error}", path.display());
        let original = fs::read_to_string(&path).map_err(cannot)?;
        fs::write(&path, text).map_err(cannot)?;
        Ok(Held { path, original })
    }

    /// Runs the tests, one after the other, until one fails.
    pub(super) fn run(&self, tests: &[Shown]) -> Result<Verdict, String> {
        for test in tests {
            let build = self.cargo(test, &["--no-run"], BUILD_LIMIT)?;
            match build {
                Some(output) if output.is_success => {}
                Some(_) => return Ok(Verdict::Unbuildable),
                None => return Err(format!("building {} took too long", test.name)),
            }
            let arguments: Vec<&str> = test.filter().collect();
            let Some(output) = self.cargo(test, &arguments, TEST_LIMIT)? else {
                return Ok(Verdict::Failed(format!("{}, which does not end", test.name)));
            };
            if !output.is_success {
                return Ok(Verdict::Failed(test.name.clone()));
            }
            if ran(&output.text) == 0 {
                return Err(format!("{} in {} names no test that runs", test.name, test.path.display()));
            }
        }
        Ok(Verdict::Passed)
    }

    fn cargo(&self, test: &Shown, rest: &[&str], limit: Duration) -> Result<Option<Output>, String> {
        let package = self.package(&test.path)?;
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target);
        command.env("CARGO_PROFILE_DEV_DEBUG", "false"); // Nobody reads where it panicked.
        // A line less a build, hundreds of times: whatever its caller builds by, most of the crate is as it was.
        command.env("CARGO_INCREMENTAL", "1");
        command.args(["test", "--quiet", "--offline", "--package", &package]).args(test.target()).args(rest);
        self.within(command, limit)
    }

    /// What the program printed, or nothing when it took too long and was ended.
    fn within(&self, mut command: Command, limit: Duration) -> Result<Option<Output>, String> {
        let path = self.target.with_file_name("output.txt");
        let file = fs::File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut group = Group::start(command.stdin(Stdio::null()).stdout(file).stderr(Stdio::null()))?;
        let status = group.until(Instant::now() + limit)?;
        group.end()?;
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(status.map(|status| Output { is_success: status.success(), text }))
    }

    /// The package that a file of the tree belongs to.
    fn package(&self, path: &Path) -> Result<String, String> {
        for folder in path.ancestors().skip(1) {
            let Ok(text) = fs::read_to_string(self.tree.join(folder).join("Cargo.toml")) else { continue };
            let named = text.lines().find_map(|line| line.strip_prefix("name = "));
            return named
                .map(|name| name.trim_matches('"').to_owned())
                .ok_or(format!("{}: no name", folder.display()));
        }
        Err(format!("{} belongs to no package", path.display()))
    }
}

/// How many tests ran, over all targets.
fn ran(output: &str) -> u64 {
    let passed = output.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    passed.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}
