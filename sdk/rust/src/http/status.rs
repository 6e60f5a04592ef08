//! Status codes, under both of their spellings.

use std::fmt;

/// A status code. Its constants are there as in the `http` crate (`BAD_REQUEST`) and as in the original's
/// (`BadRequest`); it compares with numbers and with `::http::StatusCode`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(::http::StatusCode);

macro_rules! codes {
    ($($code:literal $camel:ident $upper:ident;)*) => {
        #[expect(non_upper_case_globals, reason = "both spellings are offered")]
        impl StatusCode {
            $(
                #[doc = concat!("`", stringify!($code), "`")]
                pub const $camel: Self = Self(::http::StatusCode::$upper);
                #[doc = concat!("`", stringify!($code), "`")]
                pub const $upper: Self = Self::$camel;
            )*
        }

        #[cfg(test)]
        const ALL: &[(u16, StatusCode, StatusCode)] = &[$(($code, StatusCode::$camel, StatusCode::$upper)),*];
    };
}

codes! {
    100 Continue CONTINUE;
    101 SwitchingProtocols SWITCHING_PROTOCOLS;
    102 Processing PROCESSING;
    103 EarlyHints EARLY_HINTS;
    200 Ok OK;
    201 Created CREATED;
    202 Accepted ACCEPTED;
    203 NonAuthoritativeInformation NON_AUTHORITATIVE_INFORMATION;
    204 NoContent NO_CONTENT;
    205 ResetContent RESET_CONTENT;
    206 PartialContent PARTIAL_CONTENT;
    207 MultiStatus MULTI_STATUS;
    208 AlreadyReported ALREADY_REPORTED;
    226 ImUsed IM_USED;
    300 MultipleChoices MULTIPLE_CHOICES;
    301 MovedPermanently MOVED_PERMANENTLY;
    302 Found FOUND;
    303 SeeOther SEE_OTHER;
    304 NotModified NOT_MODIFIED;
    307 TemporaryRedirect TEMPORARY_REDIRECT;
    308 PermanentRedirect PERMANENT_REDIRECT;
    400 BadRequest BAD_REQUEST;
    401 Unauthorized UNAUTHORIZED;
    402 PaymentRequired PAYMENT_REQUIRED;
    403 Forbidden FORBIDDEN;
    404 NotFound NOT_FOUND;
    405 MethodNotAllowed METHOD_NOT_ALLOWED;
    406 NotAcceptable NOT_ACCEPTABLE;
    407 ProxyAuthenticationRequired PROXY_AUTHENTICATION_REQUIRED;
    408 RequestTimeout REQUEST_TIMEOUT;
    409 Conflict CONFLICT;
    410 Gone GONE;
    411 LengthRequired LENGTH_REQUIRED;
    412 PreconditionFailed PRECONDITION_FAILED;
    413 PayloadTooLarge PAYLOAD_TOO_LARGE;
    414 UriTooLong URI_TOO_LONG;
    415 UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE;
    416 RangeNotSatisfiable RANGE_NOT_SATISFIABLE;
    417 ExpectationFailed EXPECTATION_FAILED;
    418 ImATeapot IM_A_TEAPOT;
    421 MisdirectedRequest MISDIRECTED_REQUEST;
    422 UnprocessableEntity UNPROCESSABLE_ENTITY;
    423 Locked LOCKED;
    424 FailedDependency FAILED_DEPENDENCY;
    425 TooEarly TOO_EARLY;
    426 UpgradeRequired UPGRADE_REQUIRED;
    428 PreconditionRequired PRECONDITION_REQUIRED;
    429 TooManyRequests TOO_MANY_REQUESTS;
    431 RequestHeaderFieldsTooLarge REQUEST_HEADER_FIELDS_TOO_LARGE;
    451 UnavailableForLegalReasons UNAVAILABLE_FOR_LEGAL_REASONS;
    500 InternalServerError INTERNAL_SERVER_ERROR;
    501 NotImplemented NOT_IMPLEMENTED;
    502 BadGateway BAD_GATEWAY;
    503 ServiceUnavailable SERVICE_UNAVAILABLE;
    504 GatewayTimeout GATEWAY_TIMEOUT;
    505 HttpVersionNotSupported HTTP_VERSION_NOT_SUPPORTED;
    506 VariantAlsoNegotiates VARIANT_ALSO_NEGOTIATES;
    507 InsufficientStorage INSUFFICIENT_STORAGE;
    508 LoopDetected LOOP_DETECTED;
    510 NotExtended NOT_EXTENDED;
    511 NetworkAuthenticationRequired NETWORK_AUTHENTICATION_REQUIRED;
}

impl StatusCode {
    /// The number.
    #[must_use]
    pub fn as_u16(self) -> u16 {
        self.0.as_u16()
    }

    /// What the number stands for, if it is a known one.
    #[must_use]
    pub fn canonical_reason(self) -> Option<&'static str> {
        self.0.canonical_reason()
    }

    /// 200 to 299.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.0.is_success()
    }

    /// 300 to 399.
    #[must_use]
    pub fn is_redirection(self) -> bool {
        self.0.is_redirection()
    }

    /// 400 to 499.
    #[must_use]
    pub fn is_client_error(self) -> bool {
        self.0.is_client_error()
    }

    /// 500 to 599.
    #[must_use]
    pub fn is_server_error(self) -> bool {
        self.0.is_server_error()
    }
}

impl From<::http::StatusCode> for StatusCode {
    fn from(status: ::http::StatusCode) -> Self {
        Self(status)
    }
}

impl From<StatusCode> for ::http::StatusCode {
    fn from(status: StatusCode) -> Self {
        status.0
    }
}

impl TryFrom<u16> for StatusCode {
    type Error = ::http::status::InvalidStatusCode;

    fn try_from(code: u16) -> Result<Self, Self::Error> {
        ::http::StatusCode::from_u16(code).map(Self)
    }
}

impl From<StatusCode> for u16 {
    fn from(status: StatusCode) -> Self {
        status.as_u16()
    }
}

impl PartialEq<u16> for StatusCode {
    fn eq(&self, code: &u16) -> bool {
        self.as_u16() == *code
    }
}

impl PartialEq<::http::StatusCode> for StatusCode {
    fn eq(&self, status: &::http::StatusCode) -> bool {
        self.0 == *status
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_the_number() {
        for (code, camel, upper) in ALL {
            assert_eq!(camel, code);
            assert_eq!(upper, camel);
        }
        assert!(matches!(StatusCode::try_from(404).unwrap(), StatusCode::NotFound));
        assert!(StatusCode::try_from(99).is_err());
    }
}
