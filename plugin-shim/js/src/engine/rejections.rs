//! Promises that were rejected while nobody had asked for their result.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::runtime::RejectionTracker;
use rquickjs::{Ctx, Persistent, Result, Value};

type Pair = (Persistent<Value<'static>>, Persistent<Value<'static>>);

/// Those of the current turn: promise and reason.
#[derive(Clone, Default)]
pub(super) struct Rejections(Rc<RefCell<Vec<Pair>>>);

impl Rejections {
    /// Tells this list.
    pub(super) fn tracker(&self) -> RejectionTracker {
        let list = Rc::clone(&self.0);
        Box::new(move |ctx, promise, reason, is_handled| {
            if !is_handled {
                let pair = (Persistent::save(&ctx, promise), Persistent::save(&ctx, reason));
                list.borrow_mut().push(pair);
                return;
            }
            let pairs = std::mem::take(&mut *list.borrow_mut());
            let others = pairs.into_iter().filter_map(|(p, r)| {
                let p = p.restore(&ctx).ok()?;
                (p != promise).then(|| (Persistent::save(&ctx, p), r))
            });
            let others: Vec<_> = others.collect();
            *list.borrow_mut() = others;
        })
    }

    /// Forgets them: the tracker holds this list as long as the runtime lives, which must not outlive what is in it.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// The reasons of those that are still nobody's.
    pub(super) fn take<'js>(&self, ctx: &Ctx<'js>) -> Result<Vec<Value<'js>>> {
        let pairs = std::mem::take(&mut *self.0.borrow_mut());
        pairs.into_iter().map(|(_, reason)| reason.restore(ctx)).collect()
    }
}
