//! A response on its way out: head and first part in one call, the rest as the window allows.

use std::sync::Arc;

use valor_abi::{VALOR_FLAG_END, VALOR_INVALID, valor_response};

use super::bytes::Given;
use super::exchange::Exchange;
use super::head::with_fields;
use crate::http::Response;
use crate::outgoing::{Outgoing as _, Upload, first_part};

/// Answers a request. What is left to be sent is returned.
pub(super) fn answer(exchange: &Arc<Exchange>, response: Response) -> Option<Upload<Exchange>> {
    let (parts, mut body) = http::Response::from(response).into_parts();
    let (first, end) = match first_part(&**exchange, &mut body) {
        Ok(first) => first,
        Err(reason) => {
            exchange.fail(&reason);
            return None;
        }
    };
    let code = with_fields(&parts.headers, |fields| {
        let head = valor_response {
            status: u32::from(parts.status.as_u16()),
            end: u32::from(end),
            fields: fields.as_ptr(),
            field_count: fields.len(),
        };
        let (code, _invalid) = Given::new(first).give(|raw| {
            let flags = if end { VALOR_FLAG_END } else { 0 };
            // SAFETY: the exchange is ours, head and fields are alive for the call, the bytes taken unless it is invalid.
            let code = unsafe { (exchange.host.0.respond)(exchange.raw(), &head, raw, flags) };
            (code, code != VALOR_INVALID)
        });
        code
    });
    if code == VALOR_INVALID {
        exchange.fail(&format!(
            "the handler's response cannot be sent: status {}, or a header field",
            parts.status
        ));
        return None;
    }
    (!end).then(|| Upload::new(exchange.clone(), body))
}
