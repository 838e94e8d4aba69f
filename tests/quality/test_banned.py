"""No module uses what the banned list forbids, and the list does find it where it is used."""

from __future__ import annotations

import pytest

from tests.quality.banned import EXCEPTIONS, RULES, Rule
from tests.quality.tree import Module, modules

BROKEN = {
    "unsafe_import": [
        "import pickle", "from pickle import loads", "import cloudpickle as cp", "import xml.etree.ElementTree",
        "import random", "from multiprocessing import Queue", "import marshal", "import shelve",
        "from joblib import load", "def f():\n    import dill",
    ],
    "unsafe_call": [
        "torch.load(path)", "torch.save(x, path)", "torch.jit.load(path)", "pd.read_pickle(path)", "yaml.load(text)",
        "keras.models.load_model(path)", "eval(text)", "exec(text)", "compile(text, 'a', 'exec')", "os.system('ls')",
        "tempfile.mktemp()", "archive.extractall(to)", "socket.recv_pyobj()",
        "torch.distributed.broadcast_object_list(x)",
    ],
    "unsafe_keyword": [
        "np.load(path, allow_pickle=True)", "AutoModel.from_pretrained(x, trust_remote_code=True)",
        "subprocess.run(command, shell=True)", "subprocess.run(command, shell=flag)",
    ],
    "secret_compared": ["if key.secret == given: ...", "ok = given_token != token", "if secret(a) != b: ..."],
    "http_client": ["import httpx2", "from urllib.request import urlopen", "import http.client"],
    "clock": ["now = time.time()", "def f(clock=time.time): ...", "datetime.now()", "from time import time"],
    "unbounded_queue": ["q = asyncio.Queue()", "q = queue.Queue()", "q = queue.SimpleQueue()"],
    "unbounded_cache": ["@cache\ndef f(user): ...", "@functools.lru_cache(maxsize=None)\ndef f(user): ..."],
    "lost_task": ["asyncio.create_task(work())", "loop.create_task(work())", "asyncio.ensure_future(work())"],
    "swallowed_exception": [
        "try: f()\nexcept Exception: pass", "try: f()\nexcept: ...", "with contextlib.suppress(Exception): f()",
        "for x in y:\n    try: f()\n    except BaseException: continue",
    ],
}  # fmt: skip

FINE = [
    "import re\nre.compile('a')", "np.load(path, allow_pickle=False)", "hmac.compare_digest(secret, given)",
    "subprocess.run(command)", "token.kind == 'name'", "sha.digest(a) == b",
    "q = asyncio.Queue(maxsize=100)", "task = asyncio.create_task(work())",
    "group.create_task(work())", "try: f()\nexcept Exception as error:\n    report(error)",
    "try: f()\nexcept FileNotFoundError: pass", "@cache\ndef f(): ...", "time.perf_counter()",
    "from http import HTTPStatus", "@cache\ndef f(kind: type[Event]): ...",
]  # fmt: skip


def in_room(module: Module, room: str) -> bool:
    return module.name == room or module.name.startswith(room + ".")


def found(rule: Rule, module: Module) -> list[str]:
    if any(rule.__name__ == name and in_room(module, room) for name, room in EXCEPTIONS):
        return []
    return [f"{module.where(node)} {why}: {rule.__doc__}" for node, why in rule(module)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_S5_no_module_uses_what_is_banned(rule: Rule) -> None:
    assert not [finding for module in modules() for finding in found(rule, module)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_S5_the_lint_finds_every_broken_example(rule: Rule) -> None:
    assert BROKEN[rule.__name__]
    assert not [text for text in BROKEN[rule.__name__] if not found(rule, Module.parse(text))]


@pytest.mark.parametrize("text", FINE)
def test_the_lint_leaves_good_code_alone(text: str) -> None:
    assert not [finding for rule in RULES for finding in found(rule, Module.parse(text))]


def test_every_exception_is_still_needed() -> None:
    rules = {rule.__name__: rule for rule in RULES}
    for name, room in EXCEPTIONS:
        inside = [module for module in modules() if in_room(module, room)]
        assert not inside or any(list(rules[name](module)) for module in inside), (name, room)
