use super::*;

fn hint(value: &str) -> Result<Hint, Dropped> {
    let mut links = Vec::new();
    link::parse(value.as_bytes(), link::Limits::default(), &mut |link| links.push(link)).unwrap();
    Hint::from_link(&links[0])
}

#[test]
fn every_parameter_survives() {
    // spec: preload-profile-7-c
    let sample = Hint {
        content_type: Some("image/avif".into()),
        crossorigin: Some(CrossOrigin::UseCredentials),
        integrity: Some("sha384-oqVu+/=".into()),
        fetchpriority: FetchPriority::High,
        imagesrcset: Some("/a.avif 1x, /b.avif 2x".into()),
        imagesizes: Some("(max-width: 9em) 1px, 100vw".into()),
        media: Some("screen and (min-width: 1px)".into()),
        referrerpolicy: Some("no-referrer".into()),
        ..Hint::new("https://a.example/a.avif", Destination::Image)
    };
    assert_eq!(hint(&sample.to_string()), Ok(sample));
    let anonymous = Hint {
        crossorigin: Some(CrossOrigin::Anonymous),
        ..Hint::new("https://a.example/f", Destination::Font)
    };
    assert_eq!(anonymous.to_string(), "<https://a.example/f>; rel=preload; as=font; crossorigin");
    assert_eq!(hint(&anonymous.to_string()), Ok(anonymous));
}

#[test]
fn a_link_that_is_no_hint_is_dropped() {
    // spec: preload-2-c
    // spec: preload-2.1-a
    // spec: preload-profile-4-a preload-profile-8-i
    for (value, dropped) in [
        ("<https://a.example/>; as=style", Dropped::OtherRelation),
        ("<https://a.example/>; rel=modulepreload; as=script", Dropped::OtherRelation),
        ("<https://a.example/>; rel=preload; as=style; anchor=\"/b\"", Dropped::OtherRelation),
        ("<https://a.example/>; rel=preload; as=style; nonce=abc", Dropped::Nonce),
        ("<https://a.example/>; rel=preload", Dropped::Destination),
        ("<https://a.example/>; rel=preload; as=document", Dropped::Destination),
        ("<https://a.example/>; rel=preload; as=\"\"", Dropped::Destination),
        ("</a.css>; rel=preload; as=style", Dropped::Url),
        ("<//a.example/a.css>; rel=preload; as=style", Dropped::Url),
        ("<http://a.example/a.css>; rel=preload; as=style", Dropped::Url),
        ("<https://me@a.example/>; rel=preload; as=style", Dropped::Url),
        ("<https:///>; rel=preload; as=style", Dropped::Url),
        ("<https://./>; rel=preload; as=style", Dropped::Url),
        ("<https://a.example:99999/>; rel=preload; as=style", Dropped::Url),
        ("<https://a.example/|>; rel=preload; as=style", Dropped::Url),
    ] {
        assert_eq!(hint(value), Err(dropped), "{value}");
    }
}

#[test]
fn a_uri_is_brought_to_its_normal_form() {
    for (written, normal) in [
        ("HTTPS://A.Example:443/a?b#c", "https://a.example/a?b"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example?q", "https://a.example/?q"),
        ("https://a.example:8443/", "https://a.example:8443/"),
        ("https://[::1]:4433/a", "https://[::1]:4433/a"),
        ("https://[::1]/a", "https://[::1]/a"),
    ] {
        assert_eq!(hint(&format!("<{written}>; rel=preload; as=style")).unwrap().url, normal);
    }
}

#[test]
fn hints_rank_as_the_profile_says_and_never_above_the_document() {
    // spec: preload-profile-7-a preload-profile-7-b
    let urgency =
        |destination, fetchpriority| Hint { fetchpriority, ..Hint::new("", destination) }.priority().urgency;
    for (destination, auto, high, low) in [
        (Destination::Style, 1, 1, 2),
        (Destination::Font, 2, 1, 3),
        (Destination::Script, 2, 1, 3),
        (Destination::Fetch, 4, 3, 5),
        (Destination::Image, 5, 4, 6),
    ] {
        let got =
            [FetchPriority::Auto, FetchPriority::High, FetchPriority::Low].map(|f| urgency(destination, f));
        assert_eq!(got, [auto, high, low], "{destination:?}");
        assert!(got.iter().all(|urgency| *urgency > crate::rules::DOCUMENT.urgency));
        assert_eq!(Destination::of_as(destination.name()), Some(destination));
    }
    assert!(Destination::Image.priority(FetchPriority::Auto).incremental);
}
