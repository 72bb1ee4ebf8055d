use super::*;

#[test]
fn a_command_stands_alone_on_its_line() {
    let both = COMMANDS.join("\n```\nand\n    ");
    assert_eq!(missing(&both), Ok(()));
    let why = missing(&both.replace("--release", "--release --quiet")).unwrap_err();
    assert_eq!(why, format!("README.md does not say {}", COMMANDS[0]));
    assert!(missing("").unwrap_err().contains(COMMANDS[1]));
}

#[test]
fn a_server_says_its_address_and_stops_when_interrupted() {
    let home = env::temp_dir().join(format!("fresh-{}", std::process::id()));
    // Whoever runs this may ignore interrupts, as a shell's background jobs do, and what it starts would too.
    let outcome = |script: &str| {
        start(Command::new("/usr/bin/env").args(["--default-signal=INT", "/bin/sh", "-c", script]), &home)
    };
    assert_eq!(outcome(&format!("echo hello; echo at {READY}; exec /bin/sleep 100")), Ok(()));
    assert!(outcome("echo nothing").unwrap_err().starts_with("no line with"));
    fs::remove_dir_all(home).unwrap();
}
