//! `sakigake ca`: the development CA, and how to trust it.

use crate::{Failure, arguments::CaArguments};
use sakigake::dev_ca::DevCa;
use std::process::ExitCode;

pub(crate) fn open() -> Result<DevCa, Failure> {
    let folder = DevCa::default_folder().map_err(Failure::new)?;
    DevCa::open(folder).map_err(|error| Failure::because("the development CA", error))
}

pub(crate) fn run(arguments: &CaArguments) -> Result<ExitCode, Failure> {
    let ca = open()?;
    if arguments.pem {
        crate::print(format_args!("{}", ca.certificate_pem()))?;
    } else {
        crate::print(format_args!("{}\n", ca.instructions().trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}
