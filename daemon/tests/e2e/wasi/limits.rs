//! Components that fall, spin, grow or only wait: their request ends, and no other notices.

use futures_util::future::join_all;

use super::{spec, with};
use crate::client;
use crate::harness::{PATIENCE, Valord};

#[tokio::test]
async fn what_falls_is_a_502_and_its_neighbours_go_on() {
    let valord = with(|spec| spec.limits(|limits| limits.memory = 128 << 20)).await;
    let pid = valord.pid("x").await;
    for (path, log) in [("panic", "on purpose"), ("exit", ""), ("deep?1", "stack"), ("grow", "memory limit")]
    {
        let path = format!("/x/{path}");
        let (fallen, others) =
            tokio::join!(valord.get(&path), join_all((0..8).map(|_| valord.get("/x/sleep?20"))));
        fallen.problem(502, "x");
        for other in others {
            assert_eq!((other.status, other.text()), (200, "slept"), "{path}");
        }
        valord.until_logged("x", log).await;
    }
    let error = valord.get("/x/error").await;
    assert!(error.status >= 500, "{error:?}");
    assert_eq!((valord.pid("x").await, valord.plugin("x").await.restarts), (pid, 0), "in the same process");
    valord.stop().await;
}

#[tokio::test]
async fn what_never_answers_meets_its_deadline_and_harms_nobody() {
    let valord = with(|spec| spec.limits(|limits| limits.timeout_ms = 3000)).await;
    let pid = valord.pid("x").await;
    // More that spin than there are workers.
    let spin = join_all((0..4).map(|_| valord.get("/x/spin")));
    let wait = valord.get("/x/forever");
    let others = async {
        for _ in 0..20 {
            assert_eq!(valord.get("/x/count").await.text(), "1");
        }
    };
    let (spun, waited, ()) = tokio::join!(spin, wait, others);
    for answer in spun.into_iter().chain([waited]) {
        answer.problem(504, "x");
    }
    until_idle(&valord).await;
    assert_eq!((valord.pid("x").await, valord.plugin("x").await.restarts), (pid, 0), "in the same process");
    // What spun is gone: the process takes no time any more.
    until_quiet(pid).await;
    valord.stop().await;
}

/// Ticks of the processor that a process has used.
fn cpu(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Nothing of it runs any more.
async fn until_quiet(pid: u32) {
    let quiet = async {
        loop {
            let before = cpu(pid);
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            if cpu(pid) == before {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, quiet).await.expect("something spins on");
}

async fn until_idle(valord: &Valord) {
    let idle = async { while valord.plugin("x").await.in_flight > 0 {} };
    tokio::time::timeout(PATIENCE, idle).await.expect("something is in flight still");
}

#[tokio::test]
async fn work_ends_when_the_client_goes_away() {
    let valord = with(|spec| spec).await;
    let pid = valord.pid("x").await;
    for path in ["/x/spin", "/x/forever", "/x/stall"] {
        let request = client::send(valord.address, client::request("GET", path, ""));
        let task = tokio::spawn(async move {
            // Held where there is an answer.
            let answer = request.await;
            std::future::pending::<()>().await;
            drop(answer);
        });
        while valord.plugin("x").await.in_flight == 0 {
            tokio::task::yield_now().await;
        }
        task.abort();
        until_idle(&valord).await;
    }
    until_quiet(pid).await;
    assert_eq!(valord.plugin("x").await.restarts, 0);
    valord.stop().await;
}

/// More at a time than the pool has places: those that find none wait for one.
#[tokio::test]
async fn a_full_pool_makes_others_wait() {
    let valord = with(|spec| {
        spec.limits(|limits| {
            limits.memory = 64 << 20;
            limits.concurrency = 300;
        })
    })
    .await;
    let all = join_all((0..300).map(|_| valord.get("/x/sleep?30"))).await;
    for answer in all {
        assert_eq!((answer.status, answer.text()), (200, "slept"), "{answer:?}");
    }
    valord.register(spec("y")).await;
    valord.stop().await;
}
