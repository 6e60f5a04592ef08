//! What a `valor_exchange` pointer stands for.

use std::ffi::c_int;
use std::slice;
use std::sync::{Arc, OnceLock};

use valor_abi::{
    VALOR_CANCELLED, VALOR_INVALID, VALOR_LIMIT, VALOR_OK, VALOR_PENDING, valor_exchange, valor_field,
    valor_response, valor_str,
};
use valor_shim_core::serve::{Exchange, Refused, ResponseHead};

use super::body::{borrow, lend};

/// One exchange that the plugin has not released.
pub(super) struct Handle {
    pub(super) exchange: Exchange,
    /// What `response` and `failure` have lent, until the release.
    response: OnceLock<Lent>,
    failure: OnceLock<String>,
}

struct Lent {
    fields: Box<[valor_field]>,
    head: Arc<ResponseHead>,
}

impl Handle {
    /// Hands an exchange to the plugin, which releases it.
    pub(super) fn give(exchange: Exchange) -> *mut valor_exchange {
        let handle = Self { exchange, response: OnceLock::new(), failure: OnceLock::new() };
        Box::into_raw(Box::new(handle)).cast()
    }

    /// The exchange behind a pointer of the plugin's, `None` for null.
    ///
    /// # Safety
    ///
    /// The pointer is null, or was given by [`give`](Self::give) and not released.
    pub(super) unsafe fn of<'a>(raw: *mut valor_exchange) -> Option<&'a Self> {
        // SAFETY: the caller's promise.
        unsafe { raw.cast::<Self>().as_ref() }
    }

    /// Ends it.
    ///
    /// # Safety
    ///
    /// As [`of`](Self::of); this is the last use of the pointer.
    pub(super) unsafe fn release(raw: *mut valor_exchange) {
        if !raw.is_null() {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(raw.cast::<Self>()) });
        }
    }

    /// The response head of a fetch, lent until the release.
    pub(super) fn response(&self) -> Result<valor_response, Refused> {
        let lent = match self.response.get() {
            Some(lent) => lent,
            None => {
                let head = self.exchange.response()?;
                self.response.get_or_init(|| Lent {
                    fields: head
                        .fields()
                        .map(|(n, v)| valor_field { name: lend(n), value: lend(v) })
                        .collect(),
                    head,
                })
            }
        };
        Ok(valor_response {
            status: u32::from(lent.head.status),
            end: u32::from(lent.head.end),
            fields: lent.fields.as_ptr(),
            field_count: lent.fields.len(),
        })
    }

    /// Why it was cancelled, lent until the release; empty when it was not.
    pub(super) fn failure(&self) -> valor_str {
        let text = match self.failure.get() {
            Some(text) => Some(text),
            None => self.exchange.failure().map(|text| self.failure.get_or_init(|| text)),
        };
        lend(text.map_or(&[], |text| text.as_bytes()))
    }
}

/// The fields of a head of the plugin's; a name that is null is empty, and refused for that.
///
/// # Safety
///
/// They are valid for `'a`.
pub(super) unsafe fn fields<'a>(
    fields: *const valor_field,
    count: usize,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let fields = if fields.is_null() || count == 0 {
        &[]
    } else {
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(fields, count) }
    };
    fields.iter().map(|field| {
        // SAFETY: the caller's promise.
        let name = unsafe { borrow(field.name) };
        // SAFETY: the caller's promise.
        (name, unsafe { borrow(field.value) })
    })
}

/// The ABI's number for a result.
pub(super) fn code<T>(result: &Result<T, Refused>) -> c_int {
    match result {
        Ok(_) => VALOR_OK,
        Err(Refused::Pending) => VALOR_PENDING,
        Err(Refused::Cancelled) => VALOR_CANCELLED,
        Err(Refused::Invalid) => VALOR_INVALID,
        Err(Refused::Limit) => VALOR_LIMIT,
    }
}
