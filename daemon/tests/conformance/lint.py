"""Asks valord for every kind of answer, over a plain socket, and has httplint judge it: lint.py ADDR:PORT."""

import socket
import sys

from httplint import HttpResponseLinter
from httplint.note import levels

CHUNKS = b"Transfer-Encoding: chunked\r\n"
LONG = b"x" * 70_000


# These say no more than that the status is what it is.
STATUS = {"STATUS_URI_TOO_LONG", "STATUS_VERSION_NOT_SUPPORTED"}


def get(path, fields=b"", method=b"GET", version=b"HTTP/1.1"):
    return method + b" " + path + b" " + version + b"\r\nHost: valor.test\r\nConnection: close\r\n" + fields + b"\r\n"


# What is sent, and the status that must come.
REQUESTS = [
    (get(b"/hello"), 200),
    (get(b"/hello", version=b"HTTP/1.0"), 200),
    (get(b"/hello", method=b"HEAD"), 200),
    (get(b"/hello", method=b"DELETE"), 200),
    (get(b"/hello", b"Expect: 100-continue\r\n"), 200),
    (get(b"/x/echo", b"Content-Length: 4\r\n", b"POST") + b"echo", 200),
    (get(b"/x/echo", CHUNKS, b"POST") + b"4\r\necho\r\n0\r\n\r\n", 200),
    (get(b"/x/stream?n=10&size=10"), 200),
    (get(b"/x/stream?n=10&size=100000"), 200),
    (get(b"/x/sse?n=3&ms=1"), 200),
    (get(b"/x/status?code=202"), 202),
    (get(b"/x/status?code=204"), 204),
    (get(b"/x/status?code=205"), 205),
    (get(b"/x/status?code=404"), 404),
    (get(b"/x/status?code=503"), 503),
    (get(b"/x/panic"), 500),
    (get(b"/x/echo", b"Content-Length: 99999\r\n", b"POST"), 413),
    (get(b"/x/sink", b"Content-Length: 4\r\n", b"POST"), 408),
    (get(b"/_health"), 200),
    (get(b"/_health", method=b"HEAD"), 200),
    (get(b"/_health", method=b"POST"), 405),
    (get(b"/_nothing"), 404),
    (get(b"/nothing"), 404),
    (get(b"/nothing", method=b"HEAD"), 404),
    (get(b"*", method=b"OPTIONS"), 204),
    (get(b"/a/../b"), 400),
    (get(b"/hello", b"Content-Length: 1\r\n" + CHUNKS), 400),
    (get(b"/hello", b"X : y\r\n"), 400),
    (get(b"/hello", b"Expect: more\r\n"), 417),
    (get(b"/hello", b"X: " + LONG + b"\r\n"), 431),
    (get(b"/" + LONG), 414),
    (get(b"/hello", b"Transfer-Encoding: gzip, chunked\r\n"), 501),
    (get(b"/hello", method=b"TRACE"), 501),
    (get(b"/hello", version=b"HTTP/3.0"), 505),
    (b"GET /hello HTTP/1.1\r\nHost:", 408),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
]


def exchange(address, request):
    with socket.create_connection(address, timeout=30) as connection:
        try:
            connection.sendall(request)
        except ConnectionError:
            pass  # refused before all was sent
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    return answer


def unchunked(body):
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            return whole, body == b"\r\n"
        whole, body = whole + body[:size], body[size + 2 :]
    return whole, False


def judge(request, answer, expect):
    """The complaints about one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    top, *lines = head.split(b"\r\n")
    version, status, reason = top.split(b" ", 2)
    fields = [tuple(part.strip() for part in line.split(b":", 1)) for line in lines]
    linter = HttpResponseLinter()
    linter.is_head_response = request.startswith(b"HEAD")
    linter.process_response_topline(version, status, reason)
    linter.process_headers(fields)
    whole = True
    if (b"transfer-encoding", b"chunked") in fields:
        body, whole = unchunked(body)
    linter.feed_content(body)
    linter.finish_content(whole)
    complaints = [note.summary for note in linter.notes if note.level is levels.BAD and type(note).__name__ not in STATUS]
    if not whole:
        complaints.append("the body is cut off")
    if int(status) != expect:
        complaints.append(f"{status.decode()} instead of {expect}")
    if int(status) >= 400 and b"x-valor-plugin" not in dict(fields) and int(status) != 405:
        if dict(fields).get(b"content-type") != b"application/problem+json":
            complaints.append("no problem+json")
    return complaints


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    failed = False
    for request, expect in REQUESTS:
        for complaint in judge(request, exchange((host, int(port)), request), expect):
            failed = True
            print(f"httplint: {request[:60]!r}: {complaint}", file=sys.stderr)
    if failed:
        sys.exit(1)
    print(f"httplint: {len(REQUESTS)} answers are as they must be")


main()
