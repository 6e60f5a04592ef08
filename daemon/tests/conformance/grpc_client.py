"""Asks a valord of its own, over its control socket, through its reflection alone: no generated code of ours."""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

DEADLINE = 60
CONTROL = "valor.control.v1.Control"


class Api:
    """The methods of the service, as reflection describes them."""

    def __init__(self, channel):
        self.channel = channel
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self.service = self.pool.FindServiceByName(CONTROL)

    def message(self, name, /, **fields):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"valor.control.v1.{name}"))(**fields)

    def call(self, method, request, **options):
        described = self.service.methods_by_name[method]
        parse = message_factory.GetMessageClass(described.output_type).FromString
        streams = (described.client_streaming, described.server_streaming)
        kind = {
            (False, False): self.channel.unary_unary,
            (True, False): self.channel.stream_unary,
            (False, True): self.channel.unary_stream,
        }[streams]
        callable = kind(f"/{CONTROL}/{method}", lambda message: message.SerializeToString(), parse)
        return callable(request, timeout=DEADLINE, **options)

    def register(self, library, **fields):
        bytes = pathlib.Path(library).read_bytes()
        spec = self.message(
            "PluginSpec",
            file_name=os.path.basename(library),
            sha256=hashlib.sha256(bytes).hexdigest(),
            size=len(bytes),
            **fields,
        )
        chunks = [bytes[at : at + 65536] for at in range(0, len(bytes), 65536)]
        parts = [self.message("RegisterRequest", spec=spec)]
        parts += [self.message("RegisterRequest", chunk=chunk) for chunk in chunks]
        return self.call("Register", iter(parts))


def refused(code, reason, action):
    """The call ends with this code and this reason; returns all details, by type."""
    try:
        action()
    except grpc.RpcError as error:
        assert error.code() == code, error
        details = {}
        for any in rpc_status.from_call(error).details:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.ResourceInfo):
                if any.Is(kind.DESCRIPTOR):
                    details[kind.__name__] = kind()
                    any.Unpack(details[kind.__name__])
        info = details["ErrorInfo"]
        assert (info.reason, info.domain) == (reason, "valor"), info
        assert info.metadata["step"], info
        return details
    raise AssertionError(f"not refused: {code}")


def check(channel, address, library):
    health = health_pb2_grpc.HealthStub(channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    for service in ("", CONTROL):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=DEADLINE)
        assert answer.status == serving, (service, answer)
    try:
        health.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=DEADLINE)
        raise AssertionError("a service that is not there is healthy")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
    watching = health.Watch(health_pb2.HealthCheckRequest(service=CONTROL), timeout=DEADLINE)
    assert next(watching).status == serving
    watching.cancel()
    print("ok: health")

    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert {CONTROL, "grpc.health.v1.Health"} <= services, services
    api = Api(channel)
    assert "queue" in api.pool.FindMessageTypeByName("valor.control.v1.Limits").fields_by_name
    print("ok: reflection")

    limits = api.message("Limits", queue=0, timeout_ms=5000)
    plugin = api.register(library, name="hello", limits=limits).plugin
    assert (plugin.name, plugin.prefix, plugin.state) == ("hello", "/hello", "ready"), plugin
    with urllib.request.urlopen(f"http://{address}/hello", timeout=DEADLINE) as answer:
        assert answer.status == 200
    shown = api.call("Inspect", api.message("InspectRequest", name="hello"))
    assert shown.limits.HasField("queue") and shown.limits.queue == 0, shown.limits
    assert shown.limits.timeout_ms == 5000 and shown.limits.max_body > 0, shown.limits
    assert [one.name for one in api.call("List", api.message("ListRequest")).plugins] == ["hello"]
    list(api.call("Logs", api.message("LogsRequest", name="hello")))
    follower = api.call("Logs", api.message("LogsRequest", name="hello", follow=True))
    follower.cancel()
    print("ok: a plugin comes and answers")

    taken = refused(grpc.StatusCode.ALREADY_EXISTS, "NAME_TAKEN", lambda: api.register(library, name="hello"))
    assert taken["ResourceInfo"].resource_type == "plugin", taken
    wrong = api.message("Grants", net=["http://" + "ä" * 200] * 200)
    many = refused(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID", lambda: api.register(library, name="Bad Name", grants=wrong)
    )
    fields = many["BadRequest"].field_violations
    assert fields[0].field == "name" and "more fields are wrong" in fields[-1].description, fields
    missing = api.message("InspectRequest", name="nothing")
    refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", lambda: api.call("Inspect", missing))
    print("ok: refusals have details")

    api.call("Restart", api.message("RestartRequest", name="hello"))
    api.call("Unregister", api.message("UnregisterRequest", name="hello"))
    assert not api.call("List", api.message("ListRequest")).plugins
    print("ok: and it goes")


def main(bin):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        socket, state = f"{directory}/control.sock", f"{directory}/state"
        command = [f"{bin}/valord", "--listen", "127.0.0.1:0", "--control", socket, "--state-dir", state]
        environment = {**os.environ, "VALOR_LOG": "info", "NO_COLOR": "1"}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as valord:
            try:
                address = None
                for line in valord.stderr:
                    if "serving http://" in line:
                        address = line.split("serving http://")[1].strip()
                    if "ready control=" in line:
                        break
                assert address, "valord does not start"
                # By itself grpcio would say the socket's path as the authority, which HTTP/2 does not allow.
                options = [("grpc.default_authority", "valord")]
                with grpc.insecure_channel(f"unix:{socket}", options=options) as channel:
                    check(channel, address, f"{bin}/libhello_plugin.so")
            finally:
                valord.terminate()
            valord.stderr.read()
        assert valord.returncode == 0, f"valord ends with {valord.returncode}"


main(sys.argv[1])
