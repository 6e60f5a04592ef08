//! Many callers at once: all are served, or told why not, and the operator always gets in.

use futures_util::future::join_all;
use tonic::Code;
use valor_control::v1::{ListRequest, LogsRequest, RestartRequest};

use super::raw::{PREFACE, Raw, SETTINGS, frame};
use super::{Siege, refused};
use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::harness::PATIENCE;

fn hello(name: &str) -> Spec {
    Spec::new(built("libhello_c_plugin.so"), name)
}

#[tokio::test]
async fn a_hundred_register_and_look_and_leave_at_once() {
    let siege = Siege::start().await;
    let one = async |n: usize| {
        let control = client::connect(&siege.socket()).await;
        let name = format!("p{n}");
        // Not a hundred sandboxes at once: most callers look, or ask for what they cannot have.
        match n % 10 {
            0 => {
                client::register(control.clone(), hello(&name)).await.unwrap();
                assert_eq!(siege.valord.get(&format!("/{name}")).await.status, 200);
                control
                    .clone()
                    .restart(RestartRequest { name: name.clone(), ..Default::default() })
                    .await
                    .unwrap();
                siege.valord.unregister(&name).await.unwrap();
            }
            1..=3 => {
                let request =
                    LogsRequest { name: "neighbour".into(), follow: true, ..LogsRequest::default() };
                let lines = control.clone().logs(request).await.unwrap().into_inner();
                siege.valord.inspect("neighbour").await;
                drop(lines);
            }
            4..=6 => {
                let listed = control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
                assert!(listed.iter().any(|plugin| plugin.name == "neighbour"), "{listed:?}");
            }
            7 => {
                let status = client::register(control.clone(), hello("neighbour")).await.unwrap_err();
                refused(&status, Code::AlreadyExists, "NAME_TAKEN", "name");
            }
            _ => {
                let status = siege.valord.unregister(&name).await.unwrap_err();
                refused(&status, Code::NotFound, "NOT_FOUND", "name");
            }
        }
    };
    let all = join_all((0..100).map(one));
    tokio::time::timeout(3 * PATIENCE, all).await.expect("somebody is not served");
    siege.end().await;
}

#[tokio::test]
async fn of_many_who_want_the_same_exactly_one_gets_it() {
    let siege = Siege::start().await;
    let same_name = join_all((0..20).map(|n| {
        let spec = hello("wanted").change(|spec| spec.prefix = format!("/w{n}"));
        siege.valord.try_register(spec)
    }));
    let results = same_name.await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for status in results.iter().filter_map(|result| result.as_ref().err()) {
        refused(status, Code::AlreadyExists, "NAME_TAKEN", "name");
    }
    let same_prefix = join_all((0..20).map(|n| {
        let spec = hello(&format!("n{n}")).change(|spec| spec.prefix = "/same".into());
        siege.valord.try_register(spec)
    }));
    let results = same_prefix.await;
    let winner = results.iter().find_map(|result| result.as_ref().ok()).unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for status in results.iter().filter_map(|result| result.as_ref().err()) {
        refused(status, Code::AlreadyExists, "PREFIX_TAKEN", "prefix");
    }
    assert_eq!(siege.valord.get("/same").await.header("x-valor-plugin"), winner.name);
    for name in ["wanted", &winner.name] {
        siege.valord.unregister(name).await.unwrap();
    }
    siege.end().await;
}

#[tokio::test]
async fn two_hundred_idle_connections_are_bounded_and_keep_nobody_out() {
    let siege = Siege::start().await;
    let mut idle = Vec::new();
    for n in 0..200 {
        // Half of them say who they are, and nothing more.
        if n % 2 == 0 {
            let mut raw = Raw::greeted(&siege.socket()).await;
            assert!(raw.is_served().await);
            idle.push(raw);
        } else {
            idle.push(Raw::connect(&siege.socket()).await);
        }
    }
    // Somebody new gets in at once, and again and again.
    for _ in 0..20 {
        let mut control = client::connect(&siege.socket()).await;
        assert_eq!(control.list(ListRequest {}).await.unwrap().into_inner().plugins.len(), 1);
    }
    // Those who were idle for longest had to go.
    for mut one in idle.drain(..70) {
        one.until_closed().await;
    }
    // The last one is still there, and may say now who it is.
    let mut last = idle.pop().unwrap();
    assert!(last.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await);
    assert!(last.is_served().await);
    siege.end().await;
}

#[tokio::test]
async fn followers_that_never_read_cost_the_plugin_nothing() {
    let siege = Siege::start().await;
    let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), "chatty");
    siege.valord.register(spec).await;
    let mut followers = Vec::new();
    for _ in 0..20 {
        let mut control = client::connect(&siege.socket()).await;
        let request = LogsRequest { name: "chatty".into(), follow: true, ..LogsRequest::default() };
        followers.push(control.logs(request).await.unwrap().into_inner());
    }
    for n in 0..200 {
        assert_eq!(siege.valord.get("/chatty/panic").await.status, 500, "{n}");
    }
    // Who reads after all is told what it has missed, or has it all.
    let mut one = followers.pop().unwrap();
    let line = tokio::time::timeout(PATIENCE, one.message()).await.unwrap().unwrap().unwrap();
    assert!(!line.message.is_empty());
    drop((one, followers));
    assert_eq!(siege.valord.plugin("chatty").await.restarts, 0);
    siege.valord.unregister("chatty").await.unwrap();
    siege.end().await;
}

#[tokio::test]
async fn who_has_calls_on_all_connections_is_told_so_and_no_call_is_cut() {
    let siege = Siege::start().await;
    let request = || LogsRequest { name: "neighbour".into(), follow: true, ..LogsRequest::default() };
    let mut calls = Vec::new();
    // The connection of the harness is one, too, and idle: it has to make room, and comes again.
    for n in 0..128 {
        let mut control = client::connect(&siege.socket()).await;
        let lines = control.logs(request()).await.unwrap_or_else(|status| panic!("{n}: {status}"));
        calls.push(lines.into_inner());
    }
    let mut one_more = client::connect(&siege.socket()).await;
    let status = one_more.list(ListRequest {}).await.unwrap_err();
    refused(&status, Code::ResourceExhausted, "TOO_MANY_CALLS", "connect");
    let uid = rustix::process::geteuid().as_raw();
    let expected = format!("uid {uid} has 128 connections with calls under way; wait until one of them ends");
    assert_eq!(status.message(), expected);
    calls.truncate(100);
    let free = async {
        loop {
            let mut control = client::connect(&siege.socket()).await;
            if control.list(ListRequest {}).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("nobody gets in any more");
    for mut lines in calls {
        let next = tokio::time::timeout(std::time::Duration::ZERO, lines.message()).await;
        assert!(next.is_err(), "a call was cut: {next:?}");
    }
    siege.end().await;
}
