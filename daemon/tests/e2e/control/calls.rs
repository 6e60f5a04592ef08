//! Calls whose bytes are not what gRPC or the contract say.

use std::fmt::Write as _;

use prost::Message as _;
use valor_control::v1::register_request::Part;
use valor_control::v1::{InspectRequest, RegisterRequest, RegisterResponse};

use super::Siege;
use super::call::{Ended, call, message};

const INSPECT: &str = "/valor.control.v1.Control/Inspect";
const REGISTER: &str = "/valor.control.v1.Control/Register";

fn inspect(name: &str) -> Vec<u8> {
    let bytes = InspectRequest { name: name.into() }.encode_to_vec();
    message(0, u32::try_from(bytes.len()).unwrap(), &bytes)
}

fn part(part: Part) -> Vec<u8> {
    let bytes = RegisterRequest { part: Some(part) }.encode_to_vec();
    message(0, u32::try_from(bytes.len()).unwrap(), &bytes)
}

#[tokio::test]
async fn messages_that_lie_get_a_status() {
    let siege = Siege::start().await;
    let neighbour = inspect("neighbour");
    for (what, path, body, grpc, said) in [
        ("nothing", INSPECT, Vec::new(), "13", "Missing request message"),
        ("a length of 4 GiB", INSPECT, message(0, u32::MAX, &[]), "11", "length too large"),
        ("more than the limit", INSPECT, message(0, (2 << 20) + 1, &[]), "11", "length too large"),
        ("a length that never comes", INSPECT, message(0, 1000, b"x"), "13", "Unexpected EOF"),
        ("half a length", INSPECT, vec![0, 0, 0], "13", "Unexpected EOF"),
        ("a compressed one", INSPECT, message(1, 5, b"12345"), "13", "compressed-flag"),
        ("a flag that is none", INSPECT, message(7, 5, b"12345"), "13", "invalid compression flag"),
        ("cut protobuf", INSPECT, message(0, 3, &[0x0a, 100, b'x']), "13", "decode"),
        ("a name that is no UTF-8", INSPECT, message(0, 4, &[0x0a, 2, 0xff, 0xfe]), "13", "decode"),
        ("a group without end", INSPECT, message(0, 1, &[0x0b]), "13", "decode"),
        ("two messages", INSPECT, [neighbour.clone(), neighbour.clone()].concat(), "0", ""),
        ("no part at all", REGISTER, message(0, 0, &[]), "15", "the first message must be the spec"),
        (
            "a part that is not known",
            REGISTER,
            message(0, 3, &[0x1a, 1, b'x']),
            "15",
            "the first message must be",
        ),
        (
            "a chunk before the spec",
            REGISTER,
            part(Part::Chunk(b"x".to_vec())),
            "15",
            "the first message must be",
        ),
    ] {
        let ended = call(&siege.socket(), path, &[], body).await.unwrap();
        assert_eq!((ended.http, ended.grpc.as_str()), (200, grpc), "{what}: {ended:?}");
        assert!(ended.message.replace("%20", " ").contains(said), "{what}: {ended:?}");
        siege.unchanged(what).await;
    }
    siege.end().await;
}

#[tokio::test]
async fn what_is_not_there_or_not_grpc_is_told() {
    let siege = Siege::start().await;
    for path in
        ["/valor.control.v1.Control/Nothing", "/valor.control.v2.Control/List", "/", "/x", "/a/b/c", "//"]
    {
        let ended = call(&siege.socket(), path, &[], inspect("neighbour")).await.unwrap();
        let expected = Ended { http: 200, grpc: "12".into(), message: String::new() };
        assert_eq!(ended, expected, "{path} is unimplemented");
    }
    for content_type in ["text/plain", "application/json", "application/grpc-web", ""] {
        let ended =
            call(&siege.socket(), INSPECT, &[("content-type", content_type)], inspect("neighbour")).await;
        let ended = ended.unwrap();
        assert_ne!(ended.grpc, "13", "{content_type:?}: {ended:?}");
        assert!(ended.http == 415 || ended.grpc == "0" || ended.grpc == "12", "{content_type:?}: {ended:?}");
    }
    siege.end().await;
}

#[tokio::test]
async fn deadlines_and_metadata_are_taken_for_what_they_are() {
    let siege = Siege::start().await;
    // What is no deadline is none.
    for timeout in ["99999999H", "0H", "", "-1S", "1", "S", "999999999S", "1e9S", "00000001H", "1\u{b5}"] {
        let headers = [("grpc-timeout", timeout)];
        let ended = call(&siege.socket(), INSPECT, &headers, inspect("neighbour")).await.unwrap();
        assert!(ended.grpc == "0" || (timeout == "0H" && ended.grpc == "1"), "{timeout:?}: {ended:?}");
    }
    // One that is over before anything came.
    let upload = part(Part::Spec(valor_control::v1::PluginSpec::default()));
    let ended = call(&siege.socket(), REGISTER, &[("grpc-timeout", "1n")], upload).await.unwrap();
    assert!(["1", "3"].contains(&ended.grpc.as_str()), "cancelled, or refused before: {ended:?}");
    siege.unchanged("deadlines").await;

    let mut names = String::new();
    let mut flood = Vec::new();
    for n in 0..400 {
        write!(names, "x-flood-{n:04} ").unwrap();
    }
    let value = "y".repeat(1000);
    flood.extend(names.split_whitespace().map(|name| (name, value.as_str())));
    let ended = call(&siege.socket(), INSPECT, &flood[..30], inspect("neighbour")).await.unwrap();
    assert_eq!(ended.grpc, "0", "30 KiB of metadata are allowed");
    let ended = call(&siege.socket(), INSPECT, &flood[..80], inspect("neighbour")).await.unwrap();
    assert_eq!((ended.http, ended.grpc.as_str()), (431, ""), "80 KiB are not: {ended:?}");
    let ended = call(&siege.socket(), INSPECT, &flood, inspect("neighbour")).await;
    assert!(ended.is_err(), "nobody listens to 400 KiB: {ended:?}");
    siege.unchanged("metadata").await;
    let binary = [
        ("grpc-trace-bin", "!!! no base64 !!!"),
        ("grpc-encoding", "gzip"),
        ("grpc-accept-encoding", "x,y,,"),
    ];
    let ended = call(&siege.socket(), INSPECT, &binary, inspect("neighbour")).await.unwrap();
    assert_eq!(ended.grpc, "12", "an encoding that the server does not speak: {ended:?}");
    siege.end().await;
}

#[tokio::test]
async fn unknown_fields_are_passed_over() {
    let siege = Siege::start().await;
    let mut bytes = InspectRequest { name: "neighbour".into() }.encode_to_vec();
    // Field 1000: a number of 64 bits; field 2: a text; both of a later version.
    bytes.extend([0xc0, 0x3e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x12, 1, b'x']);
    let body = message(0, u32::try_from(bytes.len()).unwrap(), &bytes);
    assert_eq!(call(&siege.socket(), INSPECT, &[], body).await.unwrap().grpc, "0");
    // And the other way: an older daemon's answer has no fields that it did not know.
    assert_eq!(RegisterResponse::decode(&[][..]).unwrap(), RegisterResponse::default());
    siege.end().await;
}
