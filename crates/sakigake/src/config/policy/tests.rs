use super::super::{Host, Target, tests::parse};
use super::*;

fn config(text: &str) -> Config {
    parse(text).unwrap_or_else(|report| panic!("{report}"))
}

const TWO: &str = "[hosts.\"a.test\"]\nfolder = \"a\"\naliases = [\"*.a.test\"]\ndefault = true\n[hosts.\"b.test\"]\nfolder = \"b\"\n";

#[test]
fn each_host_has_a_policy_and_strangers_that_of_the_default_host() {
    let policy = config(TWO).ticket_policy();
    let [a, b] = [policy(Some("a.test")), policy(Some("b.test"))];
    assert_ne!(a, b);
    assert_eq!([policy(Some("www.a.test")), policy(Some("c.test")), policy(None)], [a; 3]);
}

#[test]
fn another_certificate_is_another_policy_and_another_folder_is_not() {
    let policy = |change: &dyn Fn(&mut Host)| {
        let mut config = config(TWO);
        change(&mut config.hosts[1]);
        config.ticket_policy()(Some("b.test"))
    };
    let before = policy(&|_| {});
    let files =
        || CertificateFiles { chain: "b.pem".into(), key: "b.key".into(), ..CertificateFiles::default() };
    assert_ne!(policy(&|host| host.certificates = vec![files()]), before);
    assert_ne!(policy(&|host| host.names.push("c.test".into())), before);
    let elsewhere = policy(&|host| {
        let Target::Folder(folder) = &mut host.target else { panic!("{host:?}") };
        folder.root = "c".into();
    });
    assert_eq!(elsewhere, before);
}
