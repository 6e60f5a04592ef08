//! `waitUntil`: work that goes on after the answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};
use valor_shim_core::serve::Background;

use super::Host;

/// What is waited for, by numbers from 1.
#[derive(Default)]
pub(super) struct Works {
    held: RefCell<HashMap<u32, Background>>,
    last: Cell<u32>,
}

impl Works {
    /// 0: nobody waits for it.
    fn begin(&self, work: Option<Background>) -> u32 {
        let Some(work) = work else { return 0 };
        let mut held = self.held.borrow_mut();
        let after = |n: u32| n.checked_add(1).unwrap_or(1);
        let mut number = after(self.last.get());
        while held.contains_key(&number) {
            number = after(number);
        }
        self.last.set(number);
        held.insert(number, work);
        number
    }

    fn end(&self, number: u32) {
        let ended = self.held.borrow_mut().remove(&number);
        drop(ended);
    }

    /// Its isolate is no more.
    pub(super) fn abandon(&self) {
        self.held.take();
    }
}

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>, host: &Rc<Host>) -> Result<()> {
    let own = Rc::clone(host);
    let begin = move || {
        let parent = own.turn.cause().parent;
        own.background.begin(parent.and_then(|parent| own.core.background(parent)))
    };
    object.set("beginBackground", Function::new(ctx.clone(), begin)?)?;
    let own = Rc::clone(host);
    object.set("endBackground", Function::new(ctx.clone(), move |number: u32| own.background.end(number))?)
}
