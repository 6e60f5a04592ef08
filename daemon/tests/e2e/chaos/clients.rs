//! Clients that ask all the time, each on a connection that it keeps.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use super::{Role, Tally};
use crate::client::{self, Answer};
use crate::harness::PATIENCE;

/// Others want the processor, too.
const PAUSE: Duration = Duration::from_millis(1);

pub(super) struct Client {
    address: SocketAddr,
    role: Role,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, role: Role) -> Self {
        Self { address, role, sender: None }
    }

    pub(super) async fn ask_until(mut self, stop: watch::Receiver<bool>, tally: Rc<RefCell<Tally>>) {
        while !*stop.borrow() {
            let asked = tokio::time::timeout(PATIENCE, self.ask()).await;
            let answer = asked.unwrap_or_else(|_| Err("no answer".to_owned()));
            if answer.is_err() {
                self.sender = None;
            }
            tally.borrow_mut().note(self.role, answer);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&mut self) -> Result<Answer, String> {
        let told = |error: hyper::Error| error.to_string();
        // An answer may say that it is the last one.
        let sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => self.sender.insert(sender),
            None => self.sender.insert(connect(self.address).await?),
        };
        sender.ready().await.map_err(told)?;
        let path = format!("/{}{}", self.role.name, self.role.path);
        let response = sender.send_request(client::request("GET", &path, "")).await.map_err(told)?;
        let last = response.headers().get("connection").is_some_and(|value| value == "close");
        let answer = client::whole(response).await.map_err(told)?;
        if last {
            self.sender = None;
        }
        Ok(answer)
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = tokio::net::TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}
