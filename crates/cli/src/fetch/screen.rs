//! What is shown while something loads.

use crate::arguments::FetchArguments;
use indicatif::{ProgressBar, ProgressStyle};
use sakigake::client::Watcher;
use sakigake_page::{Origin, load::Load};
use std::io::{self, IsTerminal};

/// A progress bar where somebody looks, and frames where they were asked for.
pub(super) struct Screen {
    bar: ProgressBar,
    is_verbose: bool,
}

impl Screen {
    pub(super) fn new(arguments: &FetchArguments) -> Self {
        let is_verbose = arguments.verbose;
        let bar = match io::stderr().is_terminal() && !is_verbose && !arguments.silent {
            true => ProgressBar::new(1),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/blue} {pos}/{len} resources  {msg}") {
            bar.set_style(style); // The template is ours; were it wrong, the default would do.
        }
        Self { bar, is_verbose }
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Screen {
    fn wants_frames(&self) -> bool {
        self.is_verbose
    }

    fn frame(&mut self, origin: &Origin, line: &str) {
        eprintln!("{}  {line}", origin.authority());
    }

    fn progress(&mut self, load: &Load) {
        let entries = load.entries();
        let over = entries.iter().filter(|entry| entry.ended.is_some()).count();
        let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        self.bar.set_length(entries.len() as u64);
        self.bar.set_position(over as u64);
        self.bar.set_message(format!("{bytes} bytes"));
    }
}
