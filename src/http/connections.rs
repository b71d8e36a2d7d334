//! Connections: how many at a time, how long one may take to say what it wants, and who makes room for the next.
//!
//! Nobody is told apart by address: it would have to be kept, and behind a proxy or Tor all share one. All that counts is
//! whether a connection works or waits for its client:
//!
//! ```text
//! waits   no request yet, one that is not here as a whole, or an answer that is being fetched
//! works   the request is here
//! ```
//! When all seats are taken, the next connection gets that of the one that has waited longest, if that was more than a
//! moment. Who sends a request and reads the answer needs a seat for no longer; who holds one without doing so loses it.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt as _;

/// Seats of the listener for everybody. With those of the others it stays below 1024, the number of files that a process
/// may usually have open.
pub const PUBLIC: usize = 512;
/// Seats of the listener for signed calls: a handful of roles.
pub const INTERNAL: usize = 128;
/// Seats of the operator's listener.
pub const ADMIN: usize = 16;
/// Until the head of a request is here, from the opening of the connection or the answer before; longer than our own
/// clients keep a connection that they do not use.
const HEAD: Duration = Duration::from_secs(15);
/// Headers of a request: ours have six, proxies add a few.
const HEADERS: usize = 64;
/// Bytes of a head: the longest of ours carries a signed call of some 2 KiB.
const HEAD_BYTES: usize = 64 << 10;
/// How long connections may go on after the end was asked for: a request takes milliseconds, and who stops a process
/// waits ten seconds at the least.
const DRAIN: Duration = Duration::from_secs(8);
/// How long a connection may wait for its client at least: a request over a slow line, several round trips.
const GRACE: Duration = Duration::from_secs(2);
/// Between two looks while all connections work.
const LOOK: Duration = Duration::from_millis(50);
/// After the machine could not open another connection.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves the routes that `routes` holds at each moment, until told to stop; then it takes no more connections and
/// requests, lets those go on that are here, and cuts what is left after [`DRAIN`].
pub async fn serve(
    listener: TcpListener,
    routes: watch::Receiver<Router>,
    seats: usize,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(HEADERS).max_buf_size(HEAD_BYTES);
    let (room, mut open) = (Room::default(), JoinSet::new());
    loop {
        let stream = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = open.join_next() => continue,
            stream = accept(&listener) => stream,
        };
        let mut stopping = false;
        while open.len() >= seats && !stopping {
            // Others wait in the kernel's queue meanwhile.
            tokio::select! {
                () = stopped(&mut stop) => stopping = true,
                _ = open.join_next() => {}
                () = room.make() => {}
            }
        }
        if stopping {
            break;
        }
        open.spawn(converse(stream, http.clone(), routes.clone(), room.seat(), stop.clone()));
    }
    drop(listener);
    let drained = tokio::time::timeout(DRAIN, async { while open.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(connections = open.len(), "cut at the end");
    }
    Ok(())
}

/// Returns when the end was asked for. The sender's own end is one too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                tracing::error!(%error, "no further connection can be opened");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One connection, to its end.
async fn converse(
    stream: TcpStream,
    http: http1::Builder,
    routes: watch::Receiver<Router>,
    seat: Seat,
    mut stop: watch::Receiver<bool>,
) {
    // Only for speed: an answer is one write.
    let _ = stream.set_nodelay(true);
    let (here, service) = (seat.clone(), {
        let seat = seat.clone();
        service_fn(move |request: Request<Incoming>| {
            let (router, seat) = (routes.borrow().clone(), seat.clone());
            if request.body().is_end_stream() {
                seat.work();
            }
            let request = request.map(|body| Arriving { body, seat: seat.clone() });
            async move {
                let response = router.oneshot(request).await;
                seat.wait();
                response
            }
        })
    });
    let conversation = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(conversation);
    // How a connection ends interests nobody: its client is gone, slow, or has lost its seat.
    tokio::select! {
        _ = conversation.as_mut() => {}
        () = here.lost() => {}
        () = stopped(&mut stop) => {
            conversation.as_mut().graceful_shutdown();
            tokio::select! {
                _ = conversation.as_mut() => {}
                () = here.lost() => {}
            }
        }
    }
    seat.work();
}

/// Who waits, by how long.
#[derive(Clone, Default)]
struct Room(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    last: u64,
    /// Since when each waits, and how it learns that its seat is gone.
    seats: BTreeMap<u64, (Instant, Arc<Notify>)>,
}

impl Room {
    fn change<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A seat for a connection that waits.
    fn seat(&self) -> Seat {
        let seat = Seat { room: self.clone(), place: Arc::default(), lost: Arc::default() };
        seat.wait();
        seat
    }

    /// Takes the seat of the connection that waits longest, as soon as it has waited for [`GRACE`]. Then waits for ever: the
    /// other's task ends a moment later.
    async fn make(&self) {
        while let Some(due) = self.change(|waiting| waiting.make(Instant::now())) {
            tokio::time::sleep_until(due).await;
        }
        std::future::pending().await
    }
}

impl Waiting {
    /// Takes a seat. `Some`: none can be had before that.
    fn make(&mut self, now: Instant) -> Option<Instant> {
        let Some(longest) = self.seats.first_entry() else { return Some(now + LOOK) };
        let due = longest.get().0 + GRACE;
        if due > now {
            return Some(due);
        }
        longest.remove().1.notify_one();
        None
    }
}

/// A connection's seat.
#[derive(Clone)]
struct Seat {
    room: Room,
    /// In the order of those that wait; 0 while it works.
    place: Arc<AtomicU64>,
    lost: Arc<Notify>,
}

impl Seat {
    fn wait(&self) {
        self.work();
        let place = self.room.change(|waiting| {
            waiting.last += 1;
            waiting.seats.insert(waiting.last, (Instant::now(), Arc::clone(&self.lost)));
            waiting.last
        });
        self.place.store(place, Ordering::Relaxed);
    }

    fn work(&self) {
        match self.place.swap(0, Ordering::Relaxed) {
            0 => {}
            place => drop(self.room.change(|waiting| waiting.seats.remove(&place))),
        }
    }

    async fn lost(&self) {
        self.lost.notified().await;
    }
}

/// A request's body: when its last byte is here, the connection works.
struct Arriving {
    body: Incoming,
    seat: Seat,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if self.body.is_end_stream() || matches!(frame, Poll::Ready(None)) {
            self.seat.work();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
