"""The banned list: constructs that have cost other systems data or hosts, found in a syntax tree.

Every rule takes a module and yields (node, why). `EXCEPTIONS` names the few places where a rule does not hold, with
the reason; an exception that is no longer needed fails the tests.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from tests.quality.tree import Module, imported

Finding = tuple[ast.AST, str]
Rule = Callable[[Module], Iterator[Finding]]

UNSAFE_MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib",
    "xml", "random", "multiprocessing", "zmq",
}  # fmt: skip
UNSAFE_CALLS = {
    "torch.load", "torch.save", "torch.jit.load", "pd.read_pickle", "pandas.read_pickle", "yaml.load",
    "keras.models.load_model", "eval", "exec", "compile", "os.system", "os.popen", "tempfile.mktemp",
}  # fmt: skip
UNSAFE_METHODS = {"recv_pyobj", "send_pyobj", "extractall", "load_model"}
UNSAFE_KEYWORDS = {"allow_pickle", "trust_remote_code", "shell"}
CLOCKS = {
    "time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}  # fmt: skip
QUEUES = {"asyncio.Queue", "queue.Queue", "queue.LifoQueue", "queue.PriorityQueue", "Queue"}
SECRETS = {"secret", "token", "password", "signature", "hmac"}

EXCEPTIONS = {
    ("clock", "swerve.engine"): "the composition root passes the real clock in",
    ("clock", "swerve.cli"): "a composition root too",
    ("clock", "swerve.server"): "`serve` and `key` start from a command line: the real clock is their default",
    ("http_client", "swerve.client"): "the one place that makes HTTP requests",
}


def unsafe_import(module: Module) -> Iterator[Finding]:
    """pickle and its kin, XML parsers, the global random generator, multiprocessing (it pickles)."""
    for node, name in imported(module):
        if name.split(".")[0] in UNSAFE_MODULES and isinstance(node, ast.Import | ast.ImportFrom):
            yield node, f"imports {name}"


def unsafe_call(module: Module) -> Iterator[Finding]:
    """Calls that run or unpack whatever they are given."""
    for call in _calls(module):
        name = ast.unparse(call.func)
        method = name.rpartition(".")[2]
        is_object_exchange = "distributed" in name and "_object" in method
        if name in UNSAFE_CALLS or (method in UNSAFE_METHODS and "." in name) or is_object_exchange:
            yield call, f"calls {name}"


def unsafe_keyword(module: Module) -> Iterator[Finding]:
    """`shell=True`, `allow_pickle=True`, `trust_remote_code=True`; anything but a literal False counts."""
    for call in _calls(module):
        for keyword in call.keywords:
            if keyword.arg in UNSAFE_KEYWORDS and ast.unparse(keyword.value) != "False":
                yield call, f"passes {keyword.arg}"


def secret_compared(module: Module) -> Iterator[Finding]:
    """`==` on a secret tells by its timing how much was right: hmac.compare_digest."""
    # A checksum of content is no secret; a digest or a key in the server is one.
    secret = SECRETS | ({"digest", "key"} if module.name.startswith("swerve.server") else set())
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [node.left, *node.comparators]
            is_check = not any(isinstance(side, ast.Constant) for side in sides)
            if is_check and any(secret & set(_last_name(side).lower().split("_")) for side in sides):
                yield node, "compares a secret with == or !="


def _last_name(node: ast.expr) -> str:
    """`keys.secret` and `secret(key)` -> `secret`."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


def http_client(module: Module) -> Iterator[Finding]:
    """Who may call out: the client, and nobody else."""
    for node, name in imported(module):
        if name.split(".")[0] in {"httpx2", "urllib3", "requests"} or name in {"http.client", "urllib.request"}:
            yield node, f"imports {name}"


def clock(module: Module) -> Iterator[Finding]:
    """Time is passed in: whoever reads the wall clock cannot be replayed."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS:
            yield node, f"reads {ast.unparse(node)}"
    for node, name in imported(module):
        if name in {"time.time", "time.time_ns"}:
            yield node, f"imports {name}"


def unbounded_queue(module: Module) -> Iterator[Finding]:
    """A queue without a bound turns overload into a crash."""
    for call in _calls(module):
        name = ast.unparse(call.func)
        if name.endswith("SimpleQueue") or (name in QUEUES and not call.args and not call.keywords):
            yield call, f"{name} without maxsize"


def unbounded_cache(module: Module) -> Iterator[Finding]:
    """A cache keyed by arguments grows with its users; keyed by nothing, or by a type, it does not."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and _takes_values(node.args):
            for decorator in node.decorator_list:
                name = ast.unparse(decorator)
                if name in {"cache", "functools.cache"} or ("lru_cache" in name and "None" in name):
                    yield node, f"@{name} has no bound"


def _takes_values(args: ast.arguments) -> bool:
    every = (*args.posonlyargs, *args.args, *args.kwonlyargs)
    return any(not (arg.annotation and ast.unparse(arg.annotation).startswith("type[")) for arg in every)


def lost_task(module: Module) -> Iterator[Finding]:
    """A task nobody holds may be collected while it runs, and its exception goes nowhere."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.value.func)
            if name.endswith(("create_task", "ensure_future")) and "group" not in name.lower():
                yield node, f"{name} without a kept reference"


def swallowed_exception(module: Module) -> Iterator[Finding]:
    """`except Exception: pass`, by any spelling."""
    broad = {"", "Exception", "BaseException"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            if caught in broad and all(_does_nothing(statement) for statement in node.body):
                yield node, "swallows every exception"
    for call in _calls(module):
        is_suppress = ast.unparse(call.func) in {"suppress", "contextlib.suppress"}
        if is_suppress and broad & {ast.unparse(argument) for argument in call.args}:
            yield call, "suppresses every exception"


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def _does_nothing(statement: ast.stmt) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass | ast.Continue)


RULES: tuple[Rule, ...] = (
    unsafe_import,
    unsafe_call,
    unsafe_keyword,
    secret_compared,
    http_client,
    clock,
    unbounded_queue,
    unbounded_cache,
    lost_task,
    swallowed_exception,
)
