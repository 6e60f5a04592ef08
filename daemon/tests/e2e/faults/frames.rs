//! What a shim could put on its sockets, made by hand; and a plugin that says it.

use valor_wire::{FrameHeader, FrameType};

use super::trial::{BAD, Trial};

pub(super) const END: u8 = 1;

/// The side bit of streams that the daemon opens, and of those that the plugin opens.
const DAEMON: u64 = 1;
const PLUGIN: u64 = 0;

/// Stream `serial` of the daemon, in a slot.
pub(super) const fn ours(serial: u64, slot: u64) -> u64 {
    serial << 20 | slot << 1 | DAEMON
}

/// Stream `serial` of the plugin, in a slot.
pub(super) const fn theirs(serial: u64, slot: u64) -> u64 {
    serial << 20 | slot << 1 | PLUGIN
}

pub(super) fn frame(kind: FrameType, flags: u8, stream: u64, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&FrameHeader { len, kind, flags, stream }.encode()[..], payload].concat()
}

/// A header alone, which announces so many bytes.
pub(super) fn announce(kind: FrameType, stream: u64, len: usize) -> Vec<u8> {
    FrameHeader { len: u32::try_from(len).unwrap(), kind, flags: 0, stream }.encode().to_vec()
}

/// The head of a response without fields.
pub(super) fn head(flags: u8, stream: u64, status: u16) -> Vec<u8> {
    fields(flags, stream, status, 0, &[])
}

/// The head of a response with fields as they are.
pub(super) fn fields(flags: u8, stream: u64, status: u16, count: u16, block: &[u8]) -> Vec<u8> {
    let payload = [&status.to_le_bytes()[..], &count.to_le_bytes(), block].concat();
    frame(FrameType::Head, flags, stream, &payload)
}

pub(super) fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let (name_len, len) = (u8::try_from(name.len()).unwrap(), u16::try_from(value.len()).unwrap());
    [&[0, name_len][..], name, &len.to_le_bytes(), value].concat()
}

/// The head of a fetch of `target`.
pub(super) fn fetch(flags: u8, stream: u64, method: &[u8], target: &[u8]) -> Vec<u8> {
    let (method_len, len) = (u8::try_from(method.len()).unwrap(), u16::try_from(target.len()).unwrap());
    // No deadline, no parent; no fields.
    let payload = [&[0; 12][..], &[method_len], method, &len.to_le_bytes(), target, &[0, 0]].concat();
    frame(FrameType::Head, flags, stream, &payload)
}

/// One message on the control socket.
pub(super) fn message(json: &str) -> Vec<u8> {
    frame(FrameType::Control, 0, 0, json.as_bytes())
}

impl Trial {
    /// Hands the plugin what it is to say.
    pub(super) async fn script(&self, bytes: Vec<u8>) {
        assert_eq!(self.send("POST", &format!("/{BAD}/script"), bytes).await.text(), "kept\n");
    }
}
