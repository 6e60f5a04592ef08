use super::super::Parents;
use super::*;

fn head(target: &str) -> RequestHead<'_> {
    RequestHead { method: "GET", target, deadline_ms: 0, parent: None }
}

/// A worker that tells of background work, with a request at hand.
fn asked() -> (Arc<Worker>, Daemon, Plugin, Exchange, StreamId) {
    let (worker, mut daemons, _) = worker(1);
    worker.tell_of_background();
    let (mut daemon, mut plugin) = (daemons.remove(0), Plugin::default());
    let (exchange, id) = ask(&worker, &mut daemon, &mut plugin);
    (worker, daemon, plugin, exchange, id)
}

fn ask(worker: &Arc<Worker>, daemon: &mut Daemon, plugin: &mut Plugin) -> (Exchange, StreamId) {
    let id = daemon.request("/", true);
    daemon.send();
    worker.pump(0, plugin);
    (plugin.exchanges.pop().unwrap(), id)
}

fn answer(exchange: Exchange) {
    exchange.respond(200, [], &mut None::<&[u8]>, true).unwrap();
    drop(exchange);
}

fn answered(id: StreamId) -> Option<Seen> {
    Some(Seen::Response { id, status: 200, fields: Vec::new(), end: true })
}

#[test]
fn it_is_told_before_the_answer_and_at_the_end_of_the_last() {
    let (worker, mut daemon, mut plugin, exchange, id) = asked();
    let parent = exchange.parent().unwrap();
    let first = worker.background(parent).unwrap();
    let second = worker.background(parent).unwrap();
    answer(exchange);
    // The request is over, but there is some under way: what begins now counts, too.
    let third = worker.background(parent).unwrap();
    drop(first);
    drop(third);
    worker.flush(&mut plugin);
    assert_eq!(
        (daemon.next(), daemon.next(), daemon.next()),
        (Some(Seen::Background(true)), answered(id), None)
    );
    drop(second);
    worker.flush(&mut plugin);
    assert_eq!((daemon.next(), daemon.next()), (Some(Seen::Background(false)), None));
    assert!(worker.background(parent).is_none(), "nobody waits for what begins when all is over");
}

#[test]
fn one_that_ends_before_its_request_is_told_once() {
    let (worker, mut daemon, mut plugin, exchange, id) = asked();
    for _ in 0..3 {
        drop(worker.background(exchange.parent().unwrap()).unwrap());
    }
    worker.flush(&mut plugin);
    assert_eq!((daemon.next(), daemon.next()), (Some(Seen::Background(true)), None));
    answer(exchange);
    worker.flush(&mut plugin);
    assert_eq!((daemon.next(), daemon.next()), (answered(id), Some(Seen::Background(false))));
    // And for the next request again.
    let (exchange, _) = ask(&worker, &mut daemon, &mut plugin);
    let work = worker.background(exchange.parent().unwrap()).unwrap();
    answer(exchange);
    drop(work);
    worker.flush(&mut plugin);
    assert_eq!(daemon.next(), Some(Seen::Background(true)));
}

#[test]
fn a_valord_that_does_not_know_of_it_is_told_nothing() {
    let (worker, mut daemons, _) = worker(1);
    let mut plugin = Plugin::default();
    let (exchange, id) = ask(&worker, &mut daemons[0], &mut plugin);
    assert!(worker.background(exchange.parent().unwrap()).is_none());
    answer(exchange);
    worker.flush(&mut plugin);
    assert_eq!((daemons[0].next(), daemons[0].next()), (answered(id), None));
}

#[test]
fn it_may_end_after_its_socket() {
    let (worker, daemon, mut plugin, exchange, _) = asked();
    let work = worker.background(exchange.parent().unwrap()).unwrap();
    drop(daemon);
    worker.pump(0, &mut plugin);
    assert!(worker.is_done());
    assert!(worker.background(exchange.parent().unwrap()).is_none());
    drop((exchange, work));
    worker.flush(&mut plugin);
}

#[test]
fn a_fetch_names_a_request_that_is_over() {
    let (worker, mut daemon, mut plugin, exchange, id) = asked();
    let parent = exchange.parent();
    answer(exchange);
    worker.flush(&mut plugin);
    let fetch = worker.fetch(parent, &head("/late"), [], &mut None::<&[u8]>, true, 1).unwrap();
    assert!(fetch.parent().is_none(), "it is no request");
    worker.flush(&mut plugin);
    assert_eq!(daemon.next(), answered(id));
    assert!(matches!(daemon.next(), Some(Seen::Request { parent: Some(of), .. }) if of == id));
}

#[test]
fn the_latest_requests_are_remembered_by_their_numbers() {
    let (_worker, _daemon, _plugin, exchange, _) = asked();
    let mut parents = Parents::default();
    assert_eq!(parents.of(1), None);
    (0..5000).for_each(|number| parents.note(number, exchange.parent()));
    assert_eq!((parents.of(4999), parents.of(0)), (exchange.parent(), None));
}
