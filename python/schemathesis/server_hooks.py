"""What JSON Schema cannot say of requests to the server."""

import itertools

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

_NUMBERS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """An idempotency key stands for one request: a generated one, which comes again, is made that request's own."""
    key = (case.headers or {}).get("Idempotency-Key", "")
    if 0 < len(key) <= 255 and all("!" <= letter <= "~" for letter in key):
        case.headers["Idempotency-Key"] = f"{next(_NUMBERS)}-{key}"[:255]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what is no failure of the server."""
    # No schema compares two numbers: bounds of instances that contradict each other are rightly refused.
    if isinstance(failure, RejectedPositiveData) and _contradicts_itself(case.body):
        return False
    # A key that was revoked stays in the list, as revoked, and may be revoked again.
    return not (isinstance(failure, UseAfterFree) and case.operation.path.startswith("/api/v1/auth/api-keys"))


def _contradicts_itself(body):
    bounds = body.get("autoscaling") if isinstance(body, dict) else None
    if not isinstance(bounds, dict):
        return False
    low, high = bounds.get("minReplicas"), bounds.get("maxReplicas")
    return high is not None and (low or 1) > high
