//! What a plugin process has said, handed to who waits for it.

use std::rc::Rc;
use std::task::Waker;

use valor_wire::{Event, ResetCode};

use super::table::{Head, ResponseHead};
use super::{Failure, Link, LinkFailureKind, State, fetch, head};

impl State {
    pub(super) fn events(&mut self, link: &Rc<Link>, wakers: &mut Vec<Waker>) -> Result<(), LinkFailureKind> {
        let mut over = Vec::new();
        let mut bad = Vec::new();
        let mut fetches = Vec::new();
        while let Some(event) = self.conn.next_event()? {
            match event {
                Event::Response { id, head, end } => {
                    let Some((_, stream)) = self.table.by_id(id) else {
                        continue;
                    };
                    match head::decode(head.fields) {
                        Ok((headers, length)) => {
                            // The wire lets no other status through.
                            let status = http::StatusCode::from_u16(head.status).unwrap_or_default();
                            stream.head = Head::Ready(ResponseHead { status, headers, length });
                            stream.read_due = None;
                            stream.end = end;
                        }
                        Err(error) => {
                            stream.fail(error.into(), wakers);
                            bad.push(id);
                        }
                    }
                    wakers.extend(stream.reader.take());
                }
                Event::Data { id, data, end } => {
                    let Some((key, stream)) = self.table.by_id(id) else {
                        continue;
                    };
                    if stream.lingers {
                        stream.lingers = false;
                        stream.end = true;
                        over.push(key);
                        if !end || !data.is_empty() {
                            bad.push(id);
                        }
                    } else if stream.has_reader {
                        stream.chunks.push(data);
                        stream.end = end;
                    }
                    wakers.extend(stream.reader.take());
                }
                Event::Reset { id, code, reason } => {
                    let Some((key, stream)) = self.table.by_id(id) else {
                        continue;
                    };
                    // Not for everybody to see: the shim has written it into the plugin's own log, which has bounds.
                    tracing::debug!(plugin = %link.plugin.name, ?code, reason, "the plugin has aborted an exchange");
                    stream.fail(Failure::Reset(code), wakers);
                    over.push(key);
                }
                Event::Window { id } => {
                    if let Some((_, stream)) = self.table.by_id(id) {
                        wakers.extend(stream.writer.take());
                    }
                }
                Event::Stop { id } => {
                    if let Some((_, stream)) = self.table.by_id(id) {
                        stream.write_closed = true;
                        stream.write_due = None;
                        wakers.extend(stream.writer.take());
                    }
                }
                Event::Pong { .. } => {
                    self.suspect = None;
                    if let Some(waiting) = self.first_pong.take() {
                        let _gone = waiting.send(());
                    }
                }
                Event::Background { any } => {
                    self.background = any;
                    self.rest();
                }
                Event::Request { id, head, end } => {
                    fetches.push(fetch::accept(link, &mut self.table, id, &head, end));
                }
            }
        }
        for id in bad {
            self.conn.reset(id, ResetCode::Internal, "invalid response");
        }
        for key in over {
            self.release(key);
        }
        for accepted in fetches {
            fetch::start(self, link, accepted);
        }
        Ok(())
    }
}
