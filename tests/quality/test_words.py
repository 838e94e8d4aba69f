"""One word, one meaning: the names the glossary rules out are not used for anything in the package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.quality.tree import ROOT, Module, modules

INSTEAD = {
    "signal": "event",
    "message": "event",
    "behaviour": "action",
    "behavior": "action",
    "weight": "gain",
    "product": "item",
    "entity": "item",
    "iid": "row",
    "vocabulary": "catalog",
    "profile": "user state",
    "visitor": "session",
    "tenant": "project",
    "app": "project",
    "cursor": "offset",
    "seq": "offset",
    "latent": "embedding",
    "tower": "encoder",
    "extractor": "encoder",
    "hit": "candidates",
    "recaller": "retriever",
    "reranker": "ranker",
    "exposure": "impression",
    "confidence": "propensity",
    "sample": "example",
    "deploy": "swap",
    "validator": "gate",
}
"""A banned word and what it is called here (docs/glossary.md). Plurals count."""

ELSEWHERE = {
    ("message", ""): "the words of an error or a rejection, everywhere",
    ("app", "swerve.server"): "ASGI calls its callable an app",
    ("signal", "swerve.server"): "what the operating system sends",
    ("signal", "swerve.cli"): "what the operating system sends",
    ("product", "swerve.retrieve"): "inner products",
    ("product", "swerve.testing"): "inner products",
    ("weight", "swerve.rank"): "the fitted weights of a blend",
    ("weight", "swerve.retrieve"): "how much one lag of the history speaks",
    ("weight", "swerve.engine"): "keeps the fitted weights",
    ("weight", "swerve.counts"): "a decayed count",
    ("hit", "swerve.counts"): "how often a transition was seen, undecayed",
    ("hit", "swerve.log"): "an event id that was found",
    ("hit", "swerve.evaluate"): "hit rate, the field's name of a metric",
    ("cursor", "swerve.log"): "what sqlite3 calls its own",
    ("cursor", "swerve.readers"): "what duckdb calls its own",
    ("sample", "swerve.readers"): "the head of a file, read to guess its columns",
    ("sample", "swerve.evaluate"): "a random part of the users",
    ("weight", "swerve.model"): "what a network's products multiply by, and its decay in training",
    ("weight", "swerve.learn"): "what a network's products multiply by, and its decay in training",
    ("hit", "swerve.learn"): "hit rate, the name of the metric",
    ("sample", "swerve.telemetry"): "what Prometheus calls one measurement",
}
"""(word, room): why the word is right there, with a meaning that is not the banned one."""


def names(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """(node, name) of everything a module gives a name to."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node, node.name
        elif isinstance(node, ast.arg):
            yield node, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node, node.attr


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, lower case, singular."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {part.lower() for part in parts} | {part.lower().removesuffix("s") for part in parts}


def findings(module: Module) -> list[str]:
    found = []
    for node, name in names(module):
        for word in sorted(words(name) & INSTEAD.keys()):
            if not any(word == known and f"{module.name}.".startswith(room) for known, room in ELSEWHERE):
                found.append(f"{module.where(node)} {name}: say {INSTEAD[word]}")
    return found


def test_no_name_uses_a_banned_word() -> None:
    assert not [finding for module in modules() for finding in findings(module)]


@pytest.mark.parametrize(
    "text",
    [
        "class UserProfile: ...",
        "def f(product_id): ...",
        "self.hits = 3",
        "latents = x",
        "class TowerEncoder: ...",
        "def deploy(): ...",
    ],
)
def test_a_banned_word_is_found(text: str) -> None:
    assert findings(Module.parse(text))


def test_words_that_only_contain_a_banned_word_are_fine() -> None:
    assert not findings(Module.parse("weighted = sequence = application = 1"))


def test_the_glossary_explains_every_replacement() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    assert not [word for word in INSTEAD.values() if word not in glossary]
