//! Requests and fetches.

use std::rc::Rc;

use bytes::Bytes;
use rquickjs::convert::List;
use rquickjs::{Ctx, Exception, FromJs, Function, IntoJs, Null, Object, Result, Undefined, Value};
use valor_shim_core::serve::{Received, Refused};
use valor_shim_core::wire::{RequestHead, ResetCode};

use super::bytes::{Array, copy, give};
use super::lines::{self, Lines};
use super::{Held, Host, url};

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>, host: &Rc<Host>) -> Result<()> {
    let own = Rc::clone(host);
    let read = move |ctx: Ctx<'js>, id: u32| own.read(&ctx, id);
    object.set("read", Function::new(ctx.clone(), read)?)?;
    let own = Rc::clone(host);
    let write = move |ctx: Ctx<'js>, id: u32, part: Option<Array<'js>>, end: bool| {
        own.write(&ctx, id, part.as_ref(), end)
    };
    object.set("write", Function::new(ctx.clone(), write)?)?;
    let own = Rc::clone(host);
    let respond =
        move |ctx: Ctx<'js>, id: u32, status: u16, lines: String| own.respond(&ctx, id, status, lines);
    object.set("respond", Function::new(ctx.clone(), respond)?)?;
    let own = Rc::clone(host);
    let answer = move |ctx: Ctx<'js>, id: u32, status: u16, lines: String, body: Value<'js>| {
        own.answer(&ctx, id, status, lines, &body)
    };
    object.set("answer", Function::new(ctx.clone(), answer)?)?;
    let url = |head: String| {
        let head = Lines::new(head);
        url(head.target(), || head.fields_of_head())
    };
    object.set("url", Function::new(ctx.clone(), url)?)?;
    let own = Rc::clone(host);
    let reset = move |id: u32, failed: bool, reason: String| {
        let code = if failed { ResetCode::Failed } else { ResetCode::Cancel };
        own.with(id, |exchange| exchange.reset(code, &reason));
    };
    object.set("reset", Function::new(ctx.clone(), reset)?)?;
    let own = Rc::clone(host);
    let stop = move |id: u32| {
        own.with(id, valor_shim_core::serve::Exchange::stop);
    };
    object.set("stop", Function::new(ctx.clone(), stop)?)?;
    let own = Rc::clone(host);
    let release = move |id: u32| drop(own.exchanges.borrow_mut().remove(&id));
    object.set("release", Function::new(ctx.clone(), release)?)?;
    let own = Rc::clone(host);
    let failure = move |id: u32| {
        own.with(id, |exchange| exchange.failure()).flatten().unwrap_or_else(|| "it is over".to_owned())
    };
    object.set("failure", Function::new(ctx.clone(), failure)?)?;
    let own = Rc::clone(host);
    let fetch =
        move |ctx: Ctx<'js>,
              method: String,
              target: String,
              lines: String,
              body: Option<Array<'js>>,
              end: bool| { own.fetch(&ctx, &method, &target, lines, body.as_ref(), end) };
    object.set("fetch", Function::new(ctx.clone(), fetch)?)?;
    let own = Rc::clone(host);
    let response = move |ctx: Ctx<'js>, id: u32| own.response(&ctx, id);
    object.set("response", Function::new(ctx.clone(), response)?)?;
    Ok(())
}

impl Host {
    /// The next part, `null` at the end, `undefined` when an event will follow.
    fn read<'js>(&self, ctx: &Ctx<'js>, id: u32) -> Result<Value<'js>> {
        match self.with(id, |exchange| exchange.read()).unwrap_or(Err(Refused::Cancelled)) {
            Ok(Received::Data(part)) => give(ctx, &part)?.into_js(ctx),
            Ok(Received::End) => Null.into_js(ctx),
            Err(Refused::Pending) => Undefined.into_js(ctx),
            Err(refused) => Err(self.error(ctx, id, refused)),
        }
    }

    /// `false`: nothing was taken, and an event will follow.
    fn write(&self, ctx: &Ctx<'_>, id: u32, part: Option<&Array<'_>>, end: bool) -> Result<bool> {
        let mut part = part.map(|part| Bytes::from(copy(part)));
        match self.with(id, |exchange| exchange.write(&mut part, end)).unwrap_or(Err(Refused::Cancelled)) {
            Ok(()) => Ok(true),
            Err(Refused::Pending) => Ok(false),
            Err(refused) => Err(self.error(ctx, id, refused)),
        }
    }

    /// The head of an answer whose body follows.
    fn respond(&self, ctx: &Ctx<'_>, id: u32, status: u16, lines: String) -> Result<()> {
        let answered = self.send(id, status, lines, None, false);
        answered.map_err(|refused| self.refused(ctx, id, refused))
    }

    /// All of an answer, with text, bytes or nothing as its body, after which it is let go of. `false`: the text has halves of
    /// surrogate pairs, and nothing was done.
    fn answer<'js>(
        &self,
        ctx: &Ctx<'js>,
        id: u32,
        status: u16,
        lines: String,
        body: &Value<'js>,
    ) -> Result<bool> {
        let body = if let Some(text) = body.as_string() {
            match text.to_string() {
                Ok(text) => Some(Bytes::from(text)),
                Err(rquickjs::Error::Utf8(_)) => return Ok(false),
                Err(error) => return Err(error),
            }
        } else {
            Option::<Array<'js>>::from_js(ctx, body.clone())?.map(|array| Bytes::from(copy(&array)))
        };
        self.send(id, status, lines, body, true).map_err(|refused| self.refused(ctx, id, refused))?;
        let held = self.exchanges.borrow_mut().remove(&id);
        drop(held);
        Ok(true)
    }

    fn send(
        &self,
        id: u32,
        status: u16,
        lines: String,
        mut body: Option<Bytes>,
        end: bool,
    ) -> std::result::Result<(), Refused> {
        let lines = Lines::new(lines);
        let sent = self.with(id, |exchange| exchange.respond(status, lines.fields(), &mut body, end));
        sent.unwrap_or(Err(Refused::Cancelled))
    }

    fn refused(&self, ctx: &Ctx<'_>, id: u32, refused: Refused) -> rquickjs::Error {
        if refused != Refused::Invalid {
            return self.error(ctx, id, refused);
        }
        Exception::throw_type(
            ctx,
            "the response's head cannot be sent: too many or too large headers, or characters that HTTP does not allow",
        )
    }

    /// Starts a request for the sake of the one that this turn is for.
    fn fetch(
        &self,
        ctx: &Ctx<'_>,
        method: &str,
        target: &str,
        lines: String,
        body: Option<&Array<'_>>,
        end: bool,
    ) -> Result<u32> {
        let lines = Lines::new(lines);
        let mut body = body.map(|body| Bytes::from(copy(body)));
        let (id, cause) = (self.next_id(), self.turn.cause());
        let head = RequestHead { method, target, deadline_ms: 0, parent: None };
        let opened = self.core.fetch(cause.parent, &head, lines.fields(), &mut body, end, id as usize);
        match opened {
            Ok(exchange) => {
                self.exchanges.borrow_mut().insert(id, Held { exchange, cause });
                Ok(id)
            }
            Err(Refused::Limit) => Err(Exception::throw_type(ctx, "fetch: too many are under way")),
            Err(Refused::Cancelled) => {
                Err(Exception::throw_type(ctx, "fetch: the request that it is for is over"))
            }
            Err(Refused::Invalid | Refused::Pending) => {
                Err(Exception::throw_type(ctx, "fetch: the request's head is invalid or too large"))
            }
        }
    }

    /// Status, header fields, and whether there is no body.
    fn response(&self, ctx: &Ctx<'_>, id: u32) -> Result<List<(u16, String, bool)>> {
        match self.with(id, |exchange| exchange.response()).unwrap_or(Err(Refused::Cancelled)) {
            Ok(head) => {
                let mut bytes = Vec::new();
                lines::write(&mut bytes, head.fields());
                Ok(List((head.status, lines::text_of(&bytes).into_owned(), head.end)))
            }
            Err(refused) => Err(self.error(ctx, id, refused)),
        }
    }

    fn error(&self, ctx: &Ctx<'_>, id: u32, refused: Refused) -> rquickjs::Error {
        let failure = self.with(id, |exchange| exchange.failure()).flatten();
        Exception::throw_type(ctx, &failure.unwrap_or_else(|| refused.to_string()))
    }
}
