//! Text and bytes, by `encoding_rs`.

#![expect(unsafe_code, reason = "a class of our own has to say that it holds nothing of a context")]

use std::cell::RefCell;

use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding, UTF_8};
use rquickjs::class::{JsClass, Trace, Tracer, Writable};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, Function, JsLifetime, Object, Result};

use super::bytes::{Array, give, with};

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let encode = |ctx: Ctx<'js>, text: String| give(&ctx, text.as_bytes());
    object.set("encode", Function::new(ctx.clone(), encode)?)?;
    let decode_utf8 =
        |bytes: Array<'js>| with(&bytes, |bytes| UTF_8.decode_with_bom_removal(bytes).0.into_owned());
    object.set("decodeUtf8", Function::new(ctx.clone(), decode_utf8)?)?;
    let name = |label: String| {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        Some(encoding.name().to_ascii_lowercase())
    };
    object.set("encodingName", Function::new(ctx.clone(), name)?)?;
    let new = |ctx: Ctx<'js>, name: String, keep_bom: bool| {
        let encoding = Encoding::for_label(name.as_bytes()).unwrap_or(UTF_8);
        let decoder = if keep_bom {
            encoding.new_decoder_without_bom_handling()
        } else {
            encoding.new_decoder_with_bom_removal()
        };
        Class::instance(ctx, Decoding(RefCell::new(decoder)))
    };
    object.set("newDecoder", Function::new(ctx.clone(), new)?)?;
    let decode = |decoding: Class<'js, Decoding>, bytes: Array<'js>, fatal: bool, last: bool| {
        let decoding = decoding.borrow();
        let mut decoder = decoding.0.borrow_mut();
        with(&bytes, |bytes| decode(&mut decoder, bytes, fatal, last))
    };
    object.set("decode", Function::new(ctx.clone(), decode)?)?;
    Ok(())
}

/// `None`: it is malformed, and that is fatal.
fn decode(decoder: &mut Decoder, mut bytes: &[u8], fatal: bool, last: bool) -> Option<String> {
    let mut text = String::new();
    loop {
        if fatal {
            let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
            text.reserve(room);
            let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, last);
            bytes = &bytes[read..];
            match result {
                DecoderResult::InputEmpty => return Some(text),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => return None,
            }
        } else {
            text.reserve(decoder.max_utf8_buffer_length(bytes.len())?);
            let (result, read, _) = decoder.decode_to_string(bytes, &mut text, last);
            bytes = &bytes[read..];
            if result == CoderResult::InputEmpty {
                return Some(text);
            }
        }
    }
}

/// The state of a `TextDecoder` between two chunks.
struct Decoding(RefCell<Decoder>);

impl<'js> Trace<'js> for Decoding {
    fn trace<'a>(&self, _tracer: Tracer<'a, 'js>) {}
}

// SAFETY: it holds nothing of a context.
unsafe impl JsLifetime<'_> for Decoding {
    type Changed<'to> = Self;
}

impl<'js> JsClass<'js> for Decoding {
    const NAME: &'static str = "Decoding";
    type Mutable = Writable;

    fn prototype(ctx: &Ctx<'js>) -> Result<Option<Object<'js>>> {
        Object::new(ctx.clone()).map(Some)
    }

    fn constructor(_ctx: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}
