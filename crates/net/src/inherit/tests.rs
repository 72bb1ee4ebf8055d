use super::{Successor, announced};
use std::{
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    time::Duration,
};

/// What is announced in this environment to a process with the number 77.
fn read(environment: &[(&str, &str)]) -> Result<(Option<i32>, Vec<i32>), String> {
    let find = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    announced(find, 77).map_err(|error| error.to_string())
}

#[test]
fn a_service_managers_sockets_are_for_the_process_that_it_names() {
    assert_eq!(read(&[]), Ok((None, vec![])));
    assert_eq!(read(&[("LISTEN_FDS", "2")]), Ok((None, vec![])));
    assert_eq!(read(&[("LISTEN_PID", "76"), ("LISTEN_FDS", "2")]), Ok((None, vec![])));
    assert_eq!(read(&[("LISTEN_PID", "77"), ("LISTEN_FDS", "2")]), Ok((None, vec![3, 4])));
    assert_eq!(read(&[("LISTEN_PID", "77"), ("LISTEN_FDS", "0")]), Ok((None, vec![])));
    for count in ["", "-1", "two", "65536"] {
        assert!(read(&[("LISTEN_PID", "77"), ("LISTEN_FDS", count)]).is_err(), "{count}");
    }
    let most = read(&[("LISTEN_PID", "77"), ("LISTEN_FDS", "65535")]).map(|(_, sockets)| sockets.len());
    assert_eq!(most, Ok(super::MOST));
}

#[test]
fn a_predecessors_sockets_come_with_a_place_for_a_word() {
    assert_eq!(read(&[("SAKIGAKE_INHERITED", "5:3,4")]), Ok((Some(5), vec![3, 4])));
    assert_eq!(read(&[("SAKIGAKE_INHERITED", "5:")]), Ok((Some(5), vec![])));
    for value in ["", ":", "5", "x:3", "5:x", "2:3", "5:1", "5:3,,4", "5:-1"] {
        assert!(read(&[("SAKIGAKE_INHERITED", value)]).is_err(), "{value:?}");
    }
}

fn started(script: &str) -> Successor {
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("loopback is there");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stderr(Stdio::null());
    Successor::start(command, vec![OwnedFd::from(socket)]).expect("there is a shell")
}

#[test]
fn a_successor_has_the_sockets_and_says_so() {
    let word = "fd=${SAKIGAKE_INHERITED%%:*}; socket=${SAKIGAKE_INHERITED#*:}; \
                test -S /proc/self/fd/$socket && printf 1 >/proc/self/fd/$fd";
    let mut child = started(word).wait(Duration::from_secs(10)).expect("it serves");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_successor_that_ends_or_says_nothing_is_none() {
    assert!(started("exit 3").wait(Duration::from_secs(10)).is_err());
    assert!(started("exec sleep 60").wait(Duration::from_millis(100)).is_err());
}
