//! `sakigake run`: serves what a file says.

use crate::{
    Failure,
    arguments::RunArguments,
    check,
    serve::{serve, warn_of_keys},
};
use sakigake::config::Ready;
use std::{path::Path, process::ExitCode, time::SystemTime};

pub(crate) fn run(arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let file = &arguments.file;
    let ready = match Ready::load(file, SystemTime::now()) {
        Ok(ready) => ready,
        Err(report) => {
            check::show(&report);
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Some(keys) = &ready.config.log.keys {
        warn_of_keys(keys);
    }
    let announce = |ready: &Ready, listening: &_, live: &_| {
        crate::print(format_args!(
            "Serving {}\n\n{}\n",
            file.display(),
            check::running(ready, listening, live)
        ))
    };
    serve(ready, announce, || again(file))?;
    Ok(ExitCode::SUCCESS)
}

/// The file as it is now.
fn again(file: &Path) -> Result<Ready, Failure> {
    let ready = Ready::load(file, SystemTime::now()).map_err(|report| {
        check::show(&report);
        Failure::new(format_args!("{} has mistakes", file.display()))
    })?;
    eprintln!("{} is read again", file.display());
    Ok(ready)
}
