//! `sakigake lab`: worlds for people to look at.

mod page;

pub(crate) use page::page;

use crate::{
    Failure,
    arguments::{SoakArguments, SoakKind},
};
use sakigake_lab::soak;
use std::process::ExitCode;

pub(crate) fn soak(arguments: &SoakArguments) -> Result<ExitCode, Failure> {
    let only = arguments.only.map(|kind| match kind {
        SoakKind::Tls => soak::Kind::Tls,
        SoakKind::H2 => soak::Kind::H2,
        SoakKind::Page => soak::Kind::Page,
        SoakKind::Quic => soak::Kind::Quic,
        SoakKind::Http3 => soak::Kind::Http3,
        SoakKind::Replay => soak::Kind::Replay,
    });
    let report = soak::run(arguments.seed, arguments.worlds, only);
    crate::print(format_args!("{report}"))?;
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
