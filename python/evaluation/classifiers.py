"""Answers of classifiers, random and nasty ones: (name, truth, probabilities)."""

from collections.abc import Iterator

import numpy as np

Answers = tuple[str, np.ndarray, np.ndarray]


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def two(second: np.ndarray) -> np.ndarray:
    """Both columns of a two-class model."""
    return np.column_stack([1.0 - second, second])


def random_answers(random: np.random.Generator, rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A model that is right more often than not, of classes that are not equally frequent."""
    truth = random.choice(classes, size=rows, p=random.dirichlet(np.full(classes, 2.0)))
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), truth] += random.uniform(0.0, 3.0)
    return truth, softmax(logits * random.uniform(0.5, 4.0))


def many_random(random: np.random.Generator) -> Iterator[Answers]:
    for place in range(240):
        classes = int(random.choice([2, 2, 3, 4, 7, 12]))
        rows = int(random.choice([1, 2, 3, 5, 10, 40, 200, 600]))
        truth, probabilities = random_answers(random, rows, classes)
        form = place % 6
        if form == 1:
            probabilities = two(np.round(probabilities[:, 1], 1)) if classes == 2 else probabilities
        elif form == 2:
            probabilities = probabilities.astype(np.float32).astype(np.float64)
        elif form == 3:  # many ties
            probabilities = softmax(np.round(np.log(probabilities)))
        elif form == 4:  # a class that is never true
            truth = np.where(truth == classes - 1, 0, truth)
        elif form == 5:  # a class that is never true and never predicted
            truth = np.where(truth == 0, 1, truth)
            probabilities[:, 0] = 0.0
            probabilities /= probabilities.sum(axis=1, keepdims=True)
        yield f"random {place}: {rows} rows, {classes} classes, form {form}", truth, probabilities


def nasty(random: np.random.Generator) -> Iterator[Answers]:
    some = np.array([0, 1, 1, 0, 1, 0, 0, 1])
    yield "perfect", some, two(some.astype(float))
    yield "always wrong and sure", some, two(1.0 - some)
    yield "always the same", some, two(np.full(8, 0.5))
    yield "always the same, not at a half", some, two(np.full(8, 0.3))
    yield "only the first class is true", np.zeros(6, int), two(np.linspace(0.0, 1.0, 6))
    yield "only the second class is true", np.ones(6, int), two(np.linspace(0.0, 1.0, 6))
    yield "one row", np.array([1]), two(np.array([0.75]))
    yield "on the edges of the bins", np.arange(44) % 2, two(np.tile(np.linspace(0.0, 1.0, 11), 4))
    edges = np.linspace(0.0, 1.0, 11)[1:-1]
    beside = np.concatenate([np.nextafter(edges, 0.0), edges, np.nextafter(edges, 1.0)])
    yield "beside the edges of the bins", np.arange(27) % 2, two(beside)
    yield "sums that are a little off one", some, np.column_stack([some * 0.3 + 0.1, 0.9 - some * 0.3 + 1e-10])
    yield "next to nothing", some, two(np.array([5e-324, 1e-308, 1e-17, 2e-16, 3e-16, 1e-10, 0.0, 1e-300]))
    rare = np.zeros(3000, int)
    rare[[17, 2999]] = 1
    yield "one in a thousand", rare, two(random.beta(1.0, 30.0, size=3000))
    truth, probabilities = random_answers(random, 6000, 2)
    yield "more thresholds than points", truth, probabilities
    truth, probabilities = random_answers(random, 2500, 3)
    yield "three classes, more thresholds than points", truth, probabilities
    truth, probabilities = random_answers(random, 1200, 150)
    yield "150 classes", truth, probabilities
    yield "three classes, equally probable", np.arange(9) % 3, np.full((9, 3), 1.0 / 3.0)
    yield "three classes, one true", np.ones(5, int), softmax(random.normal(size=(5, 3)))
    yield "more wrong rows than are kept", *random_answers(np.random.default_rng(5), 20_000, 7)


def a_million(random: np.random.Generator) -> Answers:
    truth = (random.uniform(size=1_000_000) < 0.3).astype(int)
    second = 1.0 / (1.0 + np.exp(-(random.normal(size=truth.size) + 1.5 * truth - 1.0)))
    # Models of trees say the same of many rows.
    return "a million rows", truth, two(np.round(second, 4))


def all_answers() -> Iterator[Answers]:
    random = np.random.default_rng(20)
    yield from many_random(random)
    yield from nasty(random)
    yield a_million(random)
