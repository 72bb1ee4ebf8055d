use super::*;
use core::future::poll_fn;
use tokio::time::{advance, timeout};

const ONE: StreamId = StreamId(1);

#[tokio::test(start_paused = true)]
async fn who_owes_bytes_has_the_whole_term_for_each() {
    let body_stall_ms = 200;
    let mut waits = Waits::new(Duration::from_millis(body_stall_ms));
    waits.note(ONE, Some(Owed::Bytes(0)));
    assert!(poll_fn(|cx| Poll::Ready(waits.poll(cx).is_pending())).await);
    advance(Duration::from_millis(body_stall_ms - 1)).await;
    waits.note(ONE, Some(Owed::Bytes(1)));
    waits.note(StreamId(3), Some(Owed::End));
    poll_fn(|cx| waits.poll(cx)).await;
    assert_eq!(waits.due(), [], "the first term is over, and a byte came");
    advance(Duration::from_millis(body_stall_ms - 2)).await;
    waits.note(ONE, Some(Owed::Bytes(1)));
    waits.note(StreamId(3), None);
    poll_fn(|cx| waits.poll(cx)).await;
    assert_eq!(waits.due(), [(ONE, Owed::Bytes(1))]);
    let silence = timeout(Duration::from_secs(9), poll_fn(|cx| waits.poll(cx))).await;
    assert!(silence.is_err() && waits.due().is_empty(), "nobody owes anything");
}
