use super::*;
use crate::arguments::{Cli, Command};
use clap::Parser;

fn config_of(line: &str) -> Result<Config, String> {
    let arguments = line.split(' ').map(String::from);
    let Ok(Cli { command: Command::Serve(arguments) }) = Cli::try_parse_from(arguments) else {
        panic!("{line}")
    };
    config(&arguments).map_err(|Failure(why)| why)
}

#[test]
fn a_folder_alone_is_a_default_host_with_local_names() {
    let config = config_of("sakigake serve site").expect("it is fine");
    let [host] = &config.hosts[..] else { panic!("{config:?}") };
    assert!(host.is_default);
    assert_eq!(host.names, ["localhost", "www.saki.test"]);
    assert_eq!(host.target, Target::Folder(Folder::new("site".into())));
    assert_eq!(config.listen, Config::default().listen);
}

#[test]
fn each_argument_is_what_a_file_would_say() {
    let line = "sakigake serve site --public https://a.test --listen 127.0.0.1:1 --redirect-http 127.0.0.1:2 --metrics 127.0.0.1:3 \
                --no-preload --no-early-hints --listing --compress --log off --keylog keys";
    let config = config_of(line).expect("it is fine");
    assert_eq!(config.hosts[0].names, ["a.test", "www.saki.test"]);
    assert_eq!(config.listen, ["127.0.0.1:1".parse().expect("an address")]);
    assert_eq!(config.redirect_http, ["127.0.0.1:2".parse().expect("an address")]);
    assert_eq!(config.metrics, Some("127.0.0.1:3".parse().expect("an address")));
    let log = Log { access: Access::Off, file: None, keys: Some("keys".into()) };
    assert_eq!(config.log, log);
    let folder = Folder {
        hints: Hints::None,
        early_hints: false,
        listing: true,
        compress: true,
        ..Folder::new("site".into())
    };
    assert_eq!(config.hosts[0].target, Target::Folder(folder));
    let config = config_of("sakigake serve site --cert c --key k").expect("it is fine");
    assert!(config.hosts[0].names.is_empty(), "it is for whatever the certificate is for");
}

#[test]
fn what_cannot_be_is_said() {
    assert!(config_of("sakigake serve site --public a.test").expect_err("no address").contains("--public"));
    let unequal = "sakigake serve site --cert a --key b --cert c";
    let public = "sakigake serve site --public https://example.com";
    assert!(config_of(public).expect_err("a public name").contains("give --cert and --key"));
    assert!(config_of(unequal).expect_err("a key is missing").contains("2 --cert and 1 --key"));
}
