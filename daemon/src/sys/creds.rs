//! The control socket: bytes, and the process that sent them as the kernel knows it.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::ready;

/// The daemon's end of a control socket.
#[derive(Debug)]
pub struct ControlSocket {
    fd: AsyncFd<UnixStream>,
}

impl ControlSocket {
    /// A connected pair: the daemon's end, and the one for the peer, which blocks.
    ///
    /// # Errors
    /// When the system has none.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        rustix::net::sockopt::set_socket_passcred(&ours, true)?;
        Ok((Self { fd: ready::watch(ours, Interest::READABLE | Interest::WRITABLE)? }, theirs.into()))
    }

    /// Reads; 0 bytes: the peer has closed its end. With them comes the sender's pid.
    ///
    /// # Errors
    /// `InvalidData` when the peer has sent descriptors, which are closed.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<u32>)> {
        loop {
            let mut ready = self.fd.readable().await?;
            match ready.try_io(|fd| receive(fd.get_ref(), buffer)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When the peer has closed its end.
    pub async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.fd.writable().await?;
            match ready.try_io(|fd| Ok(send(fd.get_ref(), bytes, SendFlags::NOSIGNAL)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(sent) => bytes = &bytes[sent?..],
                Err(_would_block) => {}
            }
        }
        Ok(())
    }
}

fn receive(socket: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Option<u32>)> {
    // Room for the credentials and nothing more: descriptors do not fit, and the kernel drops them.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut pid = None;
    let mut foreign = got.flags.contains(ReturnFlags::CTRUNC);
    for message in control.drain() {
        match message {
            RecvAncillaryMessage::ScmCredentials(sender) => {
                pid = Some(sender.pid.as_raw_nonzero().get().unsigned_abs());
            }
            _ => foreign = true,
        }
    }
    if foreign {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "descriptors were sent over the control socket",
        ));
    }
    Ok((got.bytes, pid))
}

#[cfg(test)]
mod tests {
    use std::io::{IoSlice, Write as _};
    use std::os::fd::AsFd as _;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, sendmsg};

    use super::*;

    #[tokio::test]
    async fn bytes_come_with_their_sender() {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let mut theirs = UnixStream::from(theirs);
        theirs.write_all(b"hello").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(ours.receive(&mut buffer).await.unwrap(), (5, Some(std::process::id())));
        assert_eq!(&buffer[..5], b"hello");
        drop(theirs);
        assert_eq!(ours.receive(&mut buffer).await.unwrap().0, 0);
        assert!(ours.send_all(b"x").await.is_err());
    }

    #[tokio::test]
    async fn descriptors_are_refused_and_closed() {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        for number in [1, 2, 20] {
            let fds = vec![writer.as_fd(); number];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(20))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
            sendmsg(&theirs, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
            let mut buffer = [0; 16];
            assert_eq!(ours.receive(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        drop(writer);
        let mut rest = Vec::new();
        // Would wait for ever if a copy were open somewhere in this process.
        assert_eq!(io::Read::read_to_end(&mut reader, &mut rest).unwrap(), 0);
    }
}
