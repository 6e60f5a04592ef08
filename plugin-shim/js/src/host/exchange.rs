//! Requests and fetches.

use std::rc::Rc;

use bytes::Bytes;
use rquickjs::convert::List;
use rquickjs::{Ctx, Exception, Function, IntoJs, Null, Object, Result, Undefined, Value};
use valor_shim_core::serve::{Received, Refused};
use valor_shim_core::wire::{RequestHead, ResetCode};

use super::bytes::{Array, copy, give};
use super::{Held, Host, latin1};

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
        move |ctx: Ctx<'js>,
              id: u32,
              status: u16,
              fields: Vec<String>,
              body: Option<Array<'js>>,
              end: bool| { own.respond(&ctx, id, status, &fields, body.as_ref(), end) };
    object.set("respond", Function::new(ctx.clone(), respond)?)?;
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
              fields: Vec<String>,
              body: Option<Array<'js>>,
              end: bool| { own.fetch(&ctx, &method, &target, &fields, body.as_ref(), end) };
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

    fn respond(
        &self,
        ctx: &Ctx<'_>,
        id: u32,
        status: u16,
        fields: &[String],
        body: Option<&Array<'_>>,
        end: bool,
    ) -> Result<()> {
        let fields = wire_fields(fields);
        let mut body = body.map(|body| Bytes::from(copy(body)));
        let answered = self.with(id, |exchange| {
            let fields = fields.iter().map(|(name, value)| (&name[..], &value[..]));
            exchange.respond(status, fields, &mut body, end)
        });
        match answered.unwrap_or(Err(Refused::Cancelled)) {
            Ok(()) => Ok(()),
            Err(Refused::Invalid) => Err(Exception::throw_type(
                ctx,
                "the response's head cannot be sent: too many or too large headers, or characters that HTTP does not allow",
            )),
            Err(refused) => Err(self.error(ctx, id, refused)),
        }
    }

    /// Starts a request for the sake of the one that this turn is for.
    fn fetch(
        &self,
        ctx: &Ctx<'_>,
        method: &str,
        target: &str,
        fields: &[String],
        body: Option<&Array<'_>>,
        end: bool,
    ) -> Result<u32> {
        let fields = wire_fields(fields);
        let mut body = body.map(|body| Bytes::from(copy(body)));
        let (id, cause) = (self.next_id(), self.turn.cause());
        let head = RequestHead { method, target, deadline_ms: 0, parent: None };
        let opened = {
            let exchanges = self.exchanges.borrow();
            let parent = cause.request.and_then(|request| exchanges.get(&request)).map(|held| &held.exchange);
            let fields = fields.iter().map(|(name, value)| (&name[..], &value[..]));
            self.core.fetch(parent, &head, fields, &mut body, end, id as usize)
        };
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

    /// Status, names and values by turns, and whether there is no body.
    fn response(&self, ctx: &Ctx<'_>, id: u32) -> Result<List<(u16, Vec<String>, bool)>> {
        match self.with(id, |exchange| exchange.response()).unwrap_or(Err(Refused::Cancelled)) {
            Ok(head) => {
                let fields = head.fields().flat_map(|(name, value)| [latin1(name), latin1(value)]).collect();
                Ok(List((head.status, fields, head.end)))
            }
            Err(refused) => Err(self.error(ctx, id, refused)),
        }
    }

    fn error(&self, ctx: &Ctx<'_>, id: u32, refused: Refused) -> rquickjs::Error {
        let failure = self.with(id, |exchange| exchange.failure()).flatten();
        Exception::throw_type(ctx, &failure.unwrap_or_else(|| refused.to_string()))
    }
}

/// Names and values by turns as the wire has them; characters above U+00FF were refused by `Headers`.
pub(crate) fn wire_fields(fields: &[String]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes =
        |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect::<Vec<u8>>();
    fields.chunks_exact(2).map(|pair| (bytes(&pair[0]), bytes(&pair[1]))).collect()
}
