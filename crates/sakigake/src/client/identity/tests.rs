use super::*;

#[test]
fn an_identity_is_for_its_hosts_alone_however_they_are_spelled() {
    let hosts = vec!["Example.com".into(), "[2001:db8::1]".into()];
    let identity = Identity { credential: Arc::new(Credential::default()), hosts };
    let cases = [
        ("example.com", true),
        ("EXAMPLE.com.", true),
        ("www.example.com", false),
        ("2001:db8::1", true),
        ("[2001:db8::1]", true),
        ("", false),
    ];
    for (host, expected) in cases {
        assert_eq!(identity.is_for(host), expected, "{host}");
    }
}
