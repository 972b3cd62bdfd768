"""How the blocking checks of `triton_checks` run on a client of asyncio, and what only such a client can do."""

import asyncio
import inspect

import tensors
from triton_checks import Triton


class Blocking:
    """A client of asyncio, each of whose calls is waited for, so that the same checks run on it."""

    def __init__(self, make):
        self.loop = asyncio.new_event_loop()
        self.client = self.wait(make)

    def wait(self, make):
        """The result of the coroutine that `make` gives, or what it gives when that is none."""

        async def awaited():
            made = make()
            return await made if inspect.isawaitable(made) else made

        return self.loop.run_until_complete(awaited())

    def __getattr__(self, name):
        called = getattr(self.client, name)
        return lambda *positional, **named: self.wait(lambda: called(*positional, **named))


def check_many_at_once(triton: Triton) -> None:
    sent = [tensors.rows("INT64") + number for number in range(64)]

    async def ask(one):
        given = await triton.client.client.infer("echo_INT64", [triton.input("input", one, "INT64")])
        tensors.require_equal(given.as_numpy("output"), one, "one of many")

    async def ask_all():
        await asyncio.gather(*map(ask, sent))

    triton.client.wait(ask_all)
