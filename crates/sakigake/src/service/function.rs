use super::{Body, BoxError};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// A function as a service, always ready.
pub(super) struct Function<F>(pub(super) Arc<F>);

impl<F, R, B, E> Service<http::Request<Body>> for Function<F>
where
    F: Fn(http::Request<Body>) -> R + 'static,
    R: Future<Output = Result<http::Response<B>, E>> + 'static,
    E: Into<BoxError> + 'static,
    B: 'static,
{
    type Response = http::Response<B>;
    type Error = E;
    type Future = R;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> R {
        (self.0)(request)
    }
}
