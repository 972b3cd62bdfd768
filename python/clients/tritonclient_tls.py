"""tritonclient over TLS, in its four forms, trusting one authority."""

import ssl

import gevent.ssl
import tensors
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from on_asyncio import Blocking
from triton_checks import Triton
from under_test import Server, arguments, run


def check_every_form(server: Server) -> None:
    address, authority = server.address, server.authority
    forms = {
        tritonclient.http: lambda: tritonclient.http.InferenceServerClient(
            address,
            ssl=True,
            ssl_options={"ca_certs": authority},
            ssl_context_factory=gevent.ssl.create_default_context,
        ),
        tritonclient.http.aio: lambda: Blocking(
            lambda: tritonclient.http.aio.InferenceServerClient(
                address, ssl=True, ssl_context=ssl.create_default_context(cafile=authority)
            )
        ),
        tritonclient.grpc: lambda: tritonclient.grpc.InferenceServerClient(
            address, ssl=True, root_certificates=authority
        ),
        tritonclient.grpc.aio: lambda: Blocking(
            lambda: tritonclient.grpc.aio.InferenceServerClient(address, ssl=True, root_certificates=authority)
        ),
    }
    sent = tensors.rows("FP32")
    for module, connected in forms.items():
        triton = Triton(module, connected(), server)
        assert triton.client.is_server_ready(), module
        tensors.require_equal(triton.echo("FP32", sent), sent, module.__name__)
        triton.client.close()


def main() -> None:
    run([check_every_form], arguments())


if __name__ == "__main__":
    main()
