"""What Triton's own client does with a server, once for its four forms: HTTP and gRPC, blocking and on asyncio."""

from types import ModuleType

import numpy as np
import tensors
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from tritonclient.utils import InferenceServerException
from under_test import WRONG_KEY, Server

# What the client says of a failure, by its kind, over either protocol.
STATUSES = {
    "invalid": ("400", "StatusCode.INVALID_ARGUMENT"),
    "unauthenticated": ("401", "StatusCode.UNAUTHENTICATED"),
    "not found": ("404", "StatusCode.NOT_FOUND"),
    "too large": ("413", "StatusCode.RESOURCE_EXHAUSTED"),
    "deadline": ("504", "StatusCode.DEADLINE_EXCEEDED"),
    "engine failed": ("500", "StatusCode.INTERNAL"),
}


def key_plugin(base: type, key: str):
    """The client's own way to send a credential with every request: a plugin of the module's class."""

    class KeyPlugin(base):
        def __call__(self, request):
            request.headers["x-api-key"] = key

    return KeyPlugin()


class Triton:
    """One form of the client, connected."""

    def __init__(self, module: ModuleType, client, server: Server):
        self.module = module
        self.client = client
        self.server = server
        self.is_http = ".http" in module.__name__
        client.register_plugin(key_plugin(module.InferenceServerClientPlugin, server.key))

    def status(self, kind: str) -> str:
        return STATUSES[kind][0 if self.is_http else 1]

    def forms(self, datatype: str) -> list:
        """Whether tensors are binary: both ways over HTTP where the datatype has a JSON form, always over gRPC."""
        return [True, False] if self.is_http and datatype != "BF16" else [True]

    def input(self, name: str, array: np.ndarray, datatype: str, binary: bool = True):
        tensor = self.module.InferInput(name, list(array.shape), datatype)
        named = {"binary_data": binary} if self.is_http else {}
        tensor.set_data_from_numpy(array, **named)
        return tensor

    def output(self, name: str, binary: bool = True, classes: int = 0):
        named = {"binary_data": binary} if self.is_http else {}
        return self.module.InferRequestedOutput(name, class_count=classes, **named)

    def echo(self, datatype: str, array: np.ndarray, **named) -> np.ndarray:
        """What the model answers that answers its input."""
        given = self.client.infer(f"echo_{datatype}", [self.input("input", array, datatype)], **named)
        return given.as_numpy("output")

    def refused(self, kind: str, words: list, act, *positional, **named) -> None:
        """The call fails with the client's own exception, which has the kind's status and all of the words."""
        try:
            given = act(*positional, **named)
        except InferenceServerException as error:
            told = f"{kind}, {words}: {error.status()} {error.message()}"
            assert error.status() == self.status(kind), told
            assert all(word in error.message() for word in words), told
        else:
            raise AssertionError(f"was to be refused ({kind}, {words}), but answered {given}")


def plain(answer):
    """An answer as HTTP gives it; a message of gRPC with the names of its fields, those without value too."""
    if isinstance(answer, Message):
        return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return answer


def check_health(triton: Triton) -> None:
    assert triton.client.is_server_live()
    assert triton.client.is_server_ready()
    assert triton.client.is_model_ready("echo_FP32")
    assert triton.client.is_model_ready("echo_FP32", "1")
    if triton.is_http:
        assert not triton.client.is_model_ready("nobody")


def check_server_metadata(triton: Triton) -> None:
    told = plain(triton.client.get_server_metadata())
    assert told["name"] == "servoir" and told["version"], told
    expected = {"binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"}
    assert expected <= set(told["extensions"]), told


def check_model_metadata(triton: Triton) -> None:
    for datatype in tensors.DTYPES:
        told = plain(triton.client.get_model_metadata(f"echo_{datatype}"))
        assert (told["name"], told["versions"]) == (f"echo_{datatype}", ["1"]), told
        for side, name in ("inputs", "input"), ("outputs", "output"):
            (tensor,) = told[side]
            assert (tensor["name"], tensor["datatype"]) == (name, datatype), told
            assert [int(dim) for dim in tensor["shape"]] == [-1, 3], told
    assert plain(triton.client.get_model_metadata("echo_FP32", "1"))["name"] == "echo_FP32"
    triton.refused("not found", ["nobody"], triton.client.get_model_metadata, "nobody")
    triton.refused("not found", ["echo_FP32", "7"], triton.client.get_model_metadata, "echo_FP32", "7")


def check_model_config(triton: Triton) -> None:
    told = plain(triton.client.get_model_config("two_inputs_add"))
    config = told if triton.is_http else told["config"]
    assert config["name"] == "two_inputs_add" and config["max_batch_size"] > 0, config
    tensors_told = [(one["name"], one["data_type"], [int(dim) for dim in one["dims"]]) for one in config["input"]]
    assert tensors_told == [("a", "TYPE_FP32", [4]), ("b", "TYPE_FP32", [4])], config
    assert [one["name"] for one in config["output"]] == ["sum"], config
    triton.refused("not found", ["nobody"], triton.client.get_model_config, "nobody")


def check_every_datatype(triton: Triton) -> None:
    for datatype in tensors.DTYPES:
        for count in (2, 1, 7, 64):
            sent = tensors.rows(datatype, count)
            for input_binary in triton.forms(datatype):
                for output_binary in triton.forms(datatype):
                    what = f"{count} rows of {datatype}, binary in {input_binary}, out {output_binary}"
                    given = triton.client.infer(
                        f"echo_{datatype}",
                        [triton.input("input", sent, datatype, input_binary)],
                        outputs=[triton.output("output", output_binary)],
                        request_id=what,
                    )
                    answer = plain(given.get_response())
                    told = [answer["id"], answer["model_name"], answer["model_version"]]
                    assert told == [what, f"echo_{datatype}", "1"], answer
                    assert plain(given.get_output("output"))["datatype"] == datatype, answer
                    tensors.require_equal(given.as_numpy("output"), sent, what)


def check_outputs_not_chosen(triton: Triton) -> None:
    for datatype in tensors.DTYPES:
        sent = tensors.rows(datatype)
        tensors.require_equal(triton.echo(datatype, sent), sent, f"{datatype}, no outputs chosen")


def check_no_rows(triton: Triton) -> None:
    for datatype in ("FP32", "BYTES"):
        sent = tensors.rows(datatype, 0)
        tensors.require_equal(triton.echo(datatype, sent), sent, f"no rows of {datatype}")


def check_numbers_beyond_json(triton: Triton) -> None:
    for datatype in ("FP16", "FP32", "FP64"):
        sent = np.array([[np.nan, np.inf, -np.inf]], dtype=tensors.DTYPES[datatype])
        tensors.require_equal(triton.echo(datatype, sent), sent, f"{datatype} that JSON cannot hold")
        if triton.is_http:
            tensor, output = triton.input("input", sent, datatype), triton.output("output", binary=False)
            triton.refused("invalid", ["binary"], triton.client.infer, f"echo_{datatype}", [tensor], outputs=[output])


def check_several_inputs(triton: Triton) -> None:
    a = np.arange(20, dtype=np.float32).reshape(5, 4)
    b = np.full((5, 4), 0.5, dtype=np.float32)
    for a_binary in triton.forms("FP32"):
        for b_binary in triton.forms("FP32"):
            pair = [triton.input("a", a, "FP32", a_binary), triton.input("b", b, "FP32", b_binary)]
            for inputs in (pair, pair[::-1]):
                what = f"binary a {a_binary}, b {b_binary}, first {inputs[0].name()}"
                given = triton.client.infer("two_inputs_add", inputs)
                tensors.require_equal(given.as_numpy("sum"), a + b, what)


def check_outputs_in_the_order_asked_for(triton: Triton) -> None:
    metadata = plain(triton.client.get_model_metadata("classifier"))
    names = [output["name"] for output in metadata["outputs"]]
    assert len(names) == 2, metadata
    width = int(metadata["inputs"][0]["shape"][1])
    row = triton.input(metadata["inputs"][0]["name"], np.zeros((3, width), dtype=np.float32), "FP32")
    for asked in (names, names[::-1], names[:1], names[1:]):
        given = triton.client.infer("classifier", [row], outputs=[triton.output(name) for name in asked])
        came = [output["name"] for output in plain(given.get_response())["outputs"]]
        assert came == asked, f"{came} for {asked}"
        assert all(given.as_numpy(name).shape[0] == 3 for name in asked)
    triton.refused(
        "invalid", ["nothing"], triton.client.infer, "classifier", [row], outputs=[triton.output("nothing")]
    )


def check_classification(triton: Triton) -> None:
    sent = np.array([[0.5, 4.0, -1.0], [3.0, 1.0, 2.0]], dtype=np.float32)
    tensor = triton.input("input", sent, "FP32")
    given = triton.client.infer("echo_FP32", [tensor], outputs=[triton.output("output", classes=2)])
    came = given.as_numpy("output")
    assert came.shape == (2, 2), came
    best = [[text.decode().split(":") for text in row] for row in came]
    assert [[int(one[1]) for one in row] for row in best] == [[1, 0], [0, 2]], came
    assert [[float(one[0]) for one in row] for row in best] == [[4.0, 0.5], [3.0, 2.0]], came


def check_versions(triton: Triton) -> None:
    sent = tensors.rows("FP32")
    tensors.require_equal(triton.echo("FP32", sent, model_version="1"), sent, "version 1")
    tensor = triton.input("input", sent, "FP32")
    triton.refused("not found", ["7"], triton.client.infer, "echo_FP32", [tensor], model_version="7")


def check_names_that_need_quoting(triton: Triton) -> None:
    name = "Customer Churn ☃"
    sent = tensors.rows("INT64")
    assert triton.client.is_model_ready(name)
    assert plain(triton.client.get_model_metadata(name))["name"] == name
    given = triton.client.infer(name, [triton.input("input", sent, "INT64")])
    tensors.require_equal(given.as_numpy("output"), sent, name)


def check_parameters(triton: Triton) -> None:
    sent = tensors.rows("FP32")
    tensor = triton.input("input", sent, "FP32")
    custom = {"text": "a", "flag": True, "number": 5, "fraction": 0.5}
    given = triton.client.infer("echo_FP32", [tensor], priority=1, timeout=20_000_000, parameters=custom)
    tensors.require_equal(given.as_numpy("output"), sent, "with parameters")
    slow = triton.input("x", np.ones((1, 1), dtype=np.float32), "FP32")
    triton.refused("deadline", ["deadline"], triton.client.infer, "slow", [slow], timeout=1)


def check_refusals(triton: Triton) -> None:
    def infer(name: str, array: np.ndarray, datatype: str, model: str = "echo_FP32"):
        return triton.client.infer(model, [triton.input(name, array, datatype)])

    good = tensors.rows("FP32")
    triton.refused("not found", ["nobody"], infer, "input", good, "FP32", model="nobody")
    triton.refused("invalid", ["'input'", "[2, 4]"], infer, "input", np.zeros((2, 4), dtype=np.float32), "FP32")
    triton.refused("invalid", ["'input'", "INT32", "FP32"], infer, "input", tensors.rows("INT32"), "INT32")
    triton.refused("invalid", ["inputs_", "input"], infer, "inputs_", good, "FP32")
    triton.refused("invalid", ["'b'"], infer, "a", np.zeros((1, 4), dtype=np.float32), "FP32", model="two_inputs_add")
    negative = np.array([[-1.0]], dtype=np.float32)
    triton.refused("engine failed", ["onnxruntime"], infer, "x", negative, "FP32", model="fails_on_negative")
    # The connection is as good as before.
    tensors.require_equal(triton.echo("FP32", good), good, "after refusals")


def check_too_large(triton: Triton) -> None:
    """More rows than may ever wait for a model. The body itself is smaller than the largest that is read."""
    sent = np.zeros((100_000, 3), dtype=np.float32)
    triton.refused("too large", ["rows"], triton.echo, "FP32", sent)
    tensors.require_equal(triton.echo("FP32", sent[:2]), sent[:2], "after what was too large")


def check_keys(triton: Triton) -> None:
    tensor = triton.input("input", tensors.rows("FP32"), "FP32")
    triton.client.unregister_plugin()
    try:
        triton.refused("unauthenticated", ["key"], triton.client.infer, "echo_FP32", [tensor])
        wrong, right = {"x-api-key": WRONG_KEY}, {"x-api-key": triton.server.key}
        triton.refused("unauthenticated", ["key"], triton.client.infer, "echo_FP32", [tensor], headers=wrong)
        triton.client.infer("echo_FP32", [tensor], headers=right)
    finally:
        plugin = key_plugin(triton.module.InferenceServerClientPlugin, triton.server.key)
        triton.client.register_plugin(plugin)


def counts(triton: Triton, model: str) -> dict:
    """The counts of a model's one version."""
    told = plain(triton.client.get_inference_statistics(model))
    (stats,) = told["model_stats"]
    assert (stats["name"], stats["version"]) == (model, "1"), told
    durations = stats["inference_stats"]
    kinds = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
    counted = {kind: int(durations[kind]["count"]) for kind in kinds}
    for kind in ("inference_count", "execution_count", "last_inference"):
        counted[kind] = int(stats[kind])
    for kind in ("success", "fail", "compute_infer"):
        nanoseconds = int(durations[kind]["ns"])
        assert (nanoseconds > 0) == (counted[kind] > 0), f"{kind}: {counted[kind]} in {nanoseconds} ns: {stats}"
    return counted


def check_statistics(triton: Triton) -> None:
    """The counts rise by exactly what was sent. Nobody else uses these models meanwhile."""
    before = counts(triton, "counted")
    sizes = (1, 2, 3, 1, 8)
    for size in sizes:
        triton.client.infer("counted", [triton.input("x", np.ones((size, 1), dtype=np.float32), "FP32")])
    negative = triton.input("x", np.array([[-1.0]], dtype=np.float32), "FP32")
    for _ in range(3):
        triton.refused("engine failed", [], triton.client.infer, "counted", [negative])
    after = counts(triton, "counted")
    risen = {kind: after[kind] - before[kind] for kind in after if kind != "last_inference"}
    per_request = ("success", "queue", "compute_input", "compute_infer", "compute_output")
    assert [risen[kind] for kind in per_request] == [len(sizes)] * len(per_request), risen
    assert (risen["inference_count"], risen["execution_count"]) == (sum(sizes), len(sizes)), risen
    assert risen["fail"] == 3, risen
    assert after["last_inference"] > before["last_inference"], (before, after)
    everything = plain(triton.client.get_inference_statistics())["model_stats"]
    assert {"counted", "echo_FP32"} <= {stats["name"] for stats in everything}, everything
    triton.refused("not found", ["nobody"], triton.client.get_inference_statistics, "nobody")


def index(triton: Triton) -> dict:
    """The states of the versions in the repository, by model and version."""
    told = plain(triton.client.get_model_repository_index())
    models = told if triton.is_http else told["models"]
    return {(model["name"], model.get("version", "")): model.get("state", "") for model in models}


def check_repository(triton: Triton) -> None:
    assert index(triton)["loaded", "1"] == "READY", index(triton)
    tensor = triton.input("input", tensors.rows("FP32"), "FP32")
    triton.client.infer("loaded", [tensor])
    triton.client.unload_model("loaded")
    assert index(triton).get(("loaded", "1")) != "READY", index(triton)
    triton.refused("not found", ["loaded"], triton.client.infer, "loaded", [tensor])
    triton.client.load_model("loaded")
    assert index(triton)["loaded", "1"] == "READY", index(triton)
    assert triton.client.is_model_ready("loaded")
    triton.client.infer("loaded", [tensor])
    triton.refused("not found", ["nobody"], triton.client.load_model, "nobody")
    triton.refused("invalid", ["config"], triton.client.load_model, "loaded", config="{}")
    model_file = {"file:1/model.onnx": b"onnx"}
    triton.refused("invalid", ["file:1/model.onnx"], triton.client.load_model, "loaded", files=model_file)


def settings(triton: Triton, answer) -> dict:
    """Settings of the log; over gRPC each is a message that holds one of several types."""
    told = plain(answer)
    return told if triton.is_http else {name: list(held.values())[0] for name, held in told["settings"].items()}


def check_log_settings(triton: Triton) -> None:
    before = settings(triton, triton.client.get_log_settings())
    assert before["log_error"] is True and int(before["log_verbose_level"]) == 0, before
    more = settings(triton, triton.client.update_log_settings({"log_verbose_level": 1}))
    assert int(more["log_verbose_level"]) == 1, more
    assert settings(triton, triton.client.get_log_settings()) == more, more
    assert settings(triton, triton.client.update_log_settings({"log_verbose_level": 0})) == before
    triton.refused("invalid", ["log_file"], triton.client.update_log_settings, {"log_file": "a.log"})


def check_shared_memory(triton: Triton) -> None:
    """There is none, and a client that takes back its regions before it begins may do so."""
    triton.client.unregister_system_shared_memory()
    triton.client.unregister_cuda_shared_memory()
    for status in (triton.client.get_system_shared_memory_status, triton.client.get_cuda_shared_memory_status):
        told = plain(status())
        assert not (told if triton.is_http else told["regions"]), told
    register = triton.client.register_system_shared_memory
    triton.refused("invalid", ["shared memory"], register, "region", "/region", 64)


CHECKS = [
    check_health,
    check_server_metadata,
    check_model_metadata,
    check_model_config,
    check_every_datatype,
    check_outputs_not_chosen,
    check_no_rows,
    check_numbers_beyond_json,
    check_several_inputs,
    check_outputs_in_the_order_asked_for,
    check_classification,
    check_versions,
    check_names_that_need_quoting,
    check_parameters,
    check_refusals,
    check_too_large,
    check_keys,
    check_statistics,
    check_repository,
    check_log_settings,
    check_shared_memory,
]
