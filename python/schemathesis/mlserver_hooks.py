"""What is to be mended in MLServer's published document before it can be read."""

import schemathesis


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """No JSON Schema has the type `bytes`, which the document gives as the other form of a tensor's data."""
    if "TensorData" not in raw_schema["components"]["schemas"]:
        return
    data = raw_schema["components"]["schemas"]["TensorData"]
    data["oneOf"] = [form for form in data["oneOf"] if form["type"] != "bytes"]
