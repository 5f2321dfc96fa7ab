"""Importing a module builds only constants and values, never a service or a store."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, dotted, parsed, require

# Alembic imports this file to migrate, but it is a script.
SCRIPTS = ("migrations/env.py",)

# These make values without connection, file or state.
_VALUES = {
    "AfterValidator",
    "BeforeValidator",
    "ContextVar",
    "Decimal",
    "Field",
    "Fraction",
    "MappingProxyType",
    "Meta",
    "NewType",
    "ParamSpec",
    "Path",
    "PlainValidator",
    "TypeVar",
    "UUID",
    "ZoneInfo",
    "attrgetter",
    "date",
    "datetime",
    "dict",
    "frozenset",
    "getLogger",
    "get_logger",
    "itemgetter",
    "len",
    "max",
    "min",
    "range",
    "sum",
    "time",
    "timedelta",
    "tuple",
}
# A statement is a value too: immutable, and bound to no database.
_STATEMENT_PARTS = {
    "bindparam",
    "cast",
    "in_",
    "is_",
    "order_by",
    "select",
    "where",
    "with_for_update",
}
_VALUE_METHODS = {"compile", "fromkeys", "items", "join", "keys", "maketrans", "values"}
_VALUE_BASES = {"NamedTuple", "Enum", "StrEnum", "IntEnum"}
_STORES = {"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter"}
_READ_ONLY = ("Mapping", "Sequence", "frozenset", "tuple")


def built_at_import(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find calls that run at import, and empty containers to be filled later."""
    values = _VALUES | _STATEMENT_PARTS | _value_classes(sources)
    values |= _functions_returning(values, sources)
    for source in sources:
        if source.is_in(*SCRIPTS):
            continue
        for statement in _run_at_import(source.tree.body):
            if _is_empty_store(statement):
                yield f"{source.at(statement)} {ast.unparse(statement)} waits to be filled"
                continue
            for call in _calls_run(statement):
                owner, _, name = dotted(call.func).rpartition(".")
                if name not in values and not (owner and name in _VALUE_METHODS):
                    yield f"{source.at(call)} {ast.unparse(call)[:70]}"


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the simple statements that run, except those inside functions and classes."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.Import() | ast.ImportFrom():
                continue
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
            case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
                yield from _run_at_import(_inner(node))
            case _:
                yield node


def _inner(node: ast.AST) -> list[ast.stmt]:
    """Return a compound statement's parts, including its except clauses."""
    parts: list[ast.stmt] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            parts.append(child)
        elif isinstance(child, ast.ExceptHandler):
            parts += child.body
    return parts


def _calls_run(node: ast.AST) -> Iterator[ast.Call]:
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.Call):
        yield node
    for part in ast.iter_child_nodes(node):
        yield from _calls_run(part)


def _is_empty_store(statement: ast.stmt) -> bool:
    match statement:
        case ast.AnnAssign(annotation=annotation) if any(
            word in ast.unparse(annotation) for word in _READ_ONLY
        ):
            return False
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            match value:
                case ast.Dict(keys=[]) | ast.List(elts=[]):
                    return True
                case ast.Call(func=func):
                    return dotted(func).rpartition(".")[2] in _STORES
    return False


def _value_classes(sources: tuple[Source, ...]) -> set[str]:
    """Return the program's frozen dataclasses, named tuples and enums."""
    return {
        node.name
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and (
            any("frozen=True" in ast.unparse(marker) for marker in node.decorator_list)
            or any(dotted(base).rpartition(".")[2] in _VALUE_BASES for base in node.bases)
        )
    }


def _functions_returning(values: set[str], sources: tuple[Source, ...]) -> set[str]:
    """Return the program's functions annotated to return one of the values."""
    return {
        node.name
        for source in sources
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and dotted(node.returns).rpartition(".")[2] in values
    }


def test_nothing_is_built_when_a_module_is_imported(program: tuple[Source, ...]) -> None:
    require(
        built_at_import(program),
        rule="Importing a module builds nothing: no client, engine, settings, metric or cache.",
        instead="build it in bot/app.py and pass it on; a constant can be a frozen dataclass.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "client = AsyncWebClient()",
        "engine = create_async_engine(url)",
        "SETTINGS = load_settings()",
        "registry.append(1)",
        "DECLARED = Counter('declared', 'Incidents declared')",
        "_cache: dict[str, str] = {}",
        "_seen = set()",
        "_waiting = []",
        "if x:\n    service = Service()",
        "try:\n    y = 1\nexcept OSError:\n    y = connect()",
        "ALL = [Service() for _ in range(3)]",
        "@dataclass\nclass Open: ...\nX = Open()",
    ],
)
def test_something_built_at_import_is_found(text: str) -> None:
    assert list(built_at_import((parsed("bot/a.py", text),)))


@pytest.mark.parametrize(
    "text",
    [
        "LIMIT = timedelta(seconds=1)",
        "log = structlog.get_logger(__name__)",
        "_WORD = re.compile('x')",
        "_NOTHING: Mapping[str, str] = {}",
        "KINDS = MappingProxyType({'a': frozenset({1})})",
        "later = lambda: connect()",
        "def f():\n    return connect()",
        "if __name__ == '__main__':\n    main()",
        "@dataclass(frozen=True)\nclass Row: ...\nROWS = (Row(), Row())",
        "@dataclass(frozen=True)\nclass Row: ...\ndef row() -> Row: ...\nROW = row()",
    ],
)
def test_a_constant_is_left_alone(text: str) -> None:
    assert not list(built_at_import((parsed("bot/a.py", text),)))
