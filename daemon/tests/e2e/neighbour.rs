//! A plugin that has nothing to do with what a test does, and somebody who asks it all the time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tonic::transport::Channel;
use valor_control::v1::control_client::ControlClient;

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::harness::PATIENCE;

/// A registered plugin under `/neighbour`, and its client, in a thread that nothing of the test holds up.
pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    client: JoinHandle<u32>,
}

impl Neighbour {
    pub(crate) async fn register(control: ControlClient<Channel>, address: SocketAddr) -> Self {
        client::register(control, Spec::new(built("libhello_c_plugin.so"), "neighbour")).await.unwrap();
        Self::ask(address)
    }

    /// One that is registered already.
    pub(crate) fn ask(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let client = std::thread::spawn(move || {
            let mut answered = 0;
            while answered == 0 || !until.load(Ordering::Relaxed) {
                let answer = get(address);
                assert!(answer.starts_with("HTTP/1.1 200 "), "answer {answered} of the neighbour: {answer}");
                answered += 1;
                // Others want the processor, too.
                std::thread::park_timeout(Duration::from_millis(1));
            }
            answered
        });
        Self { stop, client }
    }

    /// Fails when a single request was not answered.
    pub(crate) async fn was_served(self) {
        self.stop.store(true, Ordering::Relaxed);
        // A daemon in this process accepts on this very thread.
        tokio::task::spawn_blocking(|| self.client.join().unwrap()).await.unwrap();
    }
}

fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /neighbour HTTP/1.1\r\nhost: valor.test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
