//! Names, and the network: there is none, and each library is told so by an error.

use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::path::Path;

use crate::{Outcome, check};

pub(crate) fn run(_: &Path) -> Outcome {
    check(("valor.invalid", 80).to_socket_addrs().is_err(), "a name that does not exist was found")?;
    // Numbers need nobody to be asked.
    check(("127.0.0.1", 80).to_socket_addrs()?.count() == 1, "a number was not understood")?;
    let refused = |error: Option<std::io::Error>| {
        let kind = error.map(|error| error.kind());
        check(kind == Some(std::io::ErrorKind::PermissionDenied), &format!("no network, but {kind:?}"))
    };
    refused(TcpStream::connect(("127.0.0.1", 80)).err())?;
    refused(TcpListener::bind(("127.0.0.1", 0)).err())?;
    refused(UdpSocket::bind(("127.0.0.1", 0)).err())
}
