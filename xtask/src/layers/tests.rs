use super::*;

#[test]
fn a_manifest_names_those_of_ours() {
    for (manifest, expected) in [
        ("[package]\nname = \"x\"", &[][..]),
        ("[dependencies]\nsakigake-wire = { workspace = true }\ntokio = \"1\"", &["wire"]),
        (
            "[dependencies]\nsakigake.workspace = true\n[dev-dependencies]\nsakigake-net = \"0\"",
            &["sakigake"],
        ),
        ("[target.'cfg(unix)'.dependencies]\nsakigake-tls = \"0\"", &["tls"]),
        ("[dependencies.sakigake-h2]\npath = \"../h2\"", &["h2"]),
    ] {
        assert_eq!(ours(manifest).unwrap(), expected, "{manifest}");
    }
    assert!(ours("[dependencies").is_err());
}

#[test]
fn no_row_names_one_above_it() {
    for (at, (name, below)) in LAYERS.iter().enumerate() {
        for used in *below {
            let row = LAYERS.iter().position(|(name, _)| name == used);
            assert!(row.is_some_and(|row| row < at), "{name} uses {used}");
        }
    }
}
