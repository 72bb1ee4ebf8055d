use super::*;
use sakigake_crypto::aws_lc::SHA256;

#[test]
fn a_fork_goes_its_own_way() {
    let mut transcript = Unhashed::new(b"one".to_vec()).start(&SHA256);
    let mut fork = transcript.fork();
    fork.add(b"two");
    transcript.add(b"three");
    let by_hand = Unhashed::new(b"onethree".to_vec()).start(&SHA256);
    assert_eq!(transcript.digest().as_ref(), by_hand.digest().as_ref());
    assert_ne!(transcript.digest().as_ref(), fork.digest().as_ref());
}

#[test]
fn a_retry_begins_with_the_hash_of_the_first_client_hello() {
    // spec: 9846-4.1-a
    let first = Unhashed::new(b"ClientHello".to_vec());
    let digest = first.start(&SHA256).digest();
    let message = [&[254, 0, 0, 32][..], digest.as_ref()].concat();
    let by_hand = Unhashed::new(message).start(&SHA256);
    assert_eq!(first.retry(&SHA256).digest().as_ref(), by_hand.digest().as_ref());
}
