use super::*;
use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    command
}

#[test]
fn a_grandchild_ends_with_the_limit() {
    // It writes its id, then waits for a child that ignores being asked to end.
    let script = "/bin/sh -c 'trap \"\" TERM; echo ready; while :; do /bin/sleep 1; done' & wait";
    let mut group = Group::start(&mut shell(script)).unwrap();
    let mut out = BufReader::new(group.child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    assert_eq!(group.wait(Duration::from_millis(100)).unwrap_err(), "took longer than 0 s");
    // The end of its output is the end of the last who held it.
    out.read_to_string(&mut String::new()).unwrap();
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let mut group = Group::start(&mut shell("/bin/sleep 1000 & exit 0")).unwrap();
    let mut out = group.child.stdout.take().unwrap();
    assert_eq!(group.wait(Duration::from_secs(10)), Ok(()));
    out.read_to_string(&mut String::new()).unwrap();
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let why = Group::start(&mut Command::new("/nowhere/program")).err().unwrap();
    assert!(why.starts_with("/nowhere/program: "), "{why}");
}
