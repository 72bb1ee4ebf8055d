//! Handlers of requests that are programs: any [`tower_service::Service`], over HTTP/1.1 and HTTP/2 alike.
//!
//! A [`Factory`] makes one service for each worker, at the first request, on the worker's own thread; so neither the
//! service nor its futures have to be `Send`, and nothing is locked between workers. Their futures run inside the task of
//! the connection that asked: a handler that computes for long belongs on a runtime of its own ([`Factory::on`]).
//!
//! What a handler finds in a request's extensions: [`Peer`], where the client has shown a certificate its [`Identity`], and
//! [`EarlyData`] where the request came before the handshake was over. What it finds in a request's body: [`Body`], whose credit goes
//! back to the client as it is read.

mod body;
mod bridge;
mod function;
pub(crate) mod head;
mod inflow;
mod interim;
mod local;
mod outgoing;
mod peer;
mod remote;
#[cfg(test)]
mod tests;
mod upload;

pub use body::{Body, BodyError};
pub(crate) use bridge::bridge;
pub(crate) use inflow::{Bell, Inflow, Ring};
pub use interim::EarlyHints;
pub(crate) use local::{Local, Pending};
pub(crate) use outgoing::{Failure, Outgoing};
pub use peer::{EarlyData, Peer, Tls};
/// Who a client is: an extension of every request on a connection on which it has shown a certificate that our side accepted,
/// in this handshake or in the one that is resumed.
pub use sakigake_tls::Identity;
pub(crate) use upload::Upload;

use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tokio::runtime::Handle;
use tower_service::Service;

/// What a handler's errors become.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// How to make a service: once a worker, when the first request comes.
///
/// ```
/// use sakigake::service::{Body, Factory};
/// use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
///
/// struct Hello;
///
/// impl tower_service::Service<http::Request<Body>> for Hello {
///     type Response = http::Response<http_body_util::Full<bytes::Bytes>>;
///     type Error = Infallible;
///     type Future = Ready<Result<Self::Response, Infallible>>;
///
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
///         Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, request: http::Request<Body>) -> Self::Future {
///         ready(Ok(http::Response::new(format!("hello, {}", request.uri().path()).into())))
///     }
/// }
///
/// let factory = Factory::new(|| Hello);
/// ```
#[derive(Clone)]
pub struct Factory(Arc<dyn Fn() -> Local + Send + Sync>);

impl Factory {
    /// Handlers run on the workers. `make` is called once a worker, and again when a service said that it is broken
    /// (an error of `poll_ready`). An error of the service is a 500 and a line in the log.
    pub fn new<F, S, B>(make: F) -> Self
    where
        F: Fn() -> S + Send + Sync + 'static,
        S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>> + 'static,
        B: http_body::Body<Error: Into<BoxError>> + 'static,
    {
        let make = Arc::new(make);
        Self(Arc::new(move || {
            let make = make.clone();
            Local::new(move || make())
        }))
    }

    /// Each worker has a clone of `service`, which runs there: a router, as a rule.
    pub fn of<S, B>(service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>>
            + Clone
            + Send
            + Sync
            + 'static,
        B: http_body::Body<Error: Into<BoxError>> + 'static,
    {
        Self::new(move || service.clone())
    }

    /// One function answers everything, on the workers.
    ///
    /// ```
    /// use http_body_util::Full;
    /// use sakigake::service::Factory;
    ///
    /// let factory = Factory::of_fn(|request| async move {
    ///     let greeting = format!("hello, {}", request.uri().path());
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(Full::<bytes::Bytes>::from(greeting)))
    /// });
    /// ```
    pub fn of_fn<F, R, B, E>(handle: F) -> Self
    where
        F: Fn(http::Request<Body>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<http::Response<B>, E>> + 'static,
        E: Into<BoxError> + 'static,
        B: http_body::Body<Error: Into<BoxError>> + 'static,
    {
        let handle = Arc::new(handle);
        Self::new(move || function::Function(handle.clone()))
    }

    /// Handlers run on the caller's own runtime, one task a request, which ends with its stream. The service is cloned for
    /// each request.
    pub fn on<F, S, B>(handle: Handle, make: F) -> Self
    where
        F: Fn() -> S + Send + Sync + 'static,
        S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Arc::new(move || {
            let _entered = handle.enter(); // A service may start tasks or timers as it is made.
            Local::remote(handle.clone(), make())
        }))
    }

    /// A worker's own. Where making it panics, it answers nothing: one that was not made is made again for the next who asks.
    pub(crate) fn make(&self) -> Result<Local, Local> {
        catch_unwind(AssertUnwindSafe(|| self.0())).map_err(|_| Local::none())
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Factory")
    }
}
