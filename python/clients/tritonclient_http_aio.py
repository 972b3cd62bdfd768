"""tritonclient over HTTP, on asyncio."""

import tritonclient.http.aio as module
from on_asyncio import Blocking, check_many_at_once
from triton_checks import CHECKS, Triton
from tritonclient_http import check_compression, check_refusals_stay_readable_when_compression_is_asked_for
from under_test import arguments, run


def main() -> None:
    server = arguments()
    client = Blocking(lambda: module.InferenceServerClient(server.address))
    own = [check_compression, check_refusals_stay_readable_when_compression_is_asked_for, check_many_at_once]
    run(CHECKS + own, Triton(module, client, server))
    client.close()


if __name__ == "__main__":
    main()
