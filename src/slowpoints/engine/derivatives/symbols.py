"""The elementwise math of a cell as an expression.

Recorded from the cell's own step, differentiated, written as code.

A cell computes with `Symbol`s instead of tensors; they answer to the same operators and torch
functions.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, NoReturn


class NotElementwise(TypeError):
    """A step that uses an operation with no rule here.

    Such a cell runs without the compiled kernel.
    """


@dataclass(frozen=True, eq=False)
class Symbol:
    """One operation on earlier symbols, or a name; made by `symbol`, so that equal ones are one.

    Whatever Python would answer for any object by itself (==, bool, +=) is refused: a tensor
    answers otherwise.
    """

    op: str
    parts: tuple["Symbol | float", ...] = ()

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> "Symbol":
        return _join("+", self, other)

    def __radd__(self, other: Any) -> "Symbol":
        return _join("+", other, self)

    def __sub__(self, other: Any) -> "Symbol":
        return _join("-", self, other)

    def __rsub__(self, other: Any) -> "Symbol":
        return _join("-", other, self)

    def __mul__(self, other: Any) -> "Symbol":
        return _join("*", self, other)

    def __rmul__(self, other: Any) -> "Symbol":
        return _join("*", other, self)

    def __truediv__(self, other: Any) -> "Symbol":
        return _join("/", self, other)

    def __rtruediv__(self, other: Any) -> "Symbol":
        return _join("/", other, self)

    def __neg__(self) -> "Symbol":
        return _join("-", 0.0, self)

    def __pos__(self) -> "Symbol":
        return self

    def __abs__(self) -> "Symbol":
        return symbol("abs", self)

    def __pow__(self, power: Any) -> "Symbol":
        if isinstance(power, int | float) and power == 2:
            return symbol("square", self)
        raise NotElementwise("no rule for a power other than 2")

    def __getattr__(self, name: str) -> Callable[[], "Symbol"]:
        """Return a method of one argument, such as `h.tanh()`."""
        if name in FUNCTIONS:
            return lambda: symbol(name, self)
        raise NotElementwise(f"no rule for .{name}")

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> "Symbol":
        """Record a torch function."""
        name = getattr(func, "__name__", str(func))
        if name in FUNCTIONS and not kwargs and len(args) == 1:
            return symbol(name, *args)
        if name in BINARY and not kwargs and len(args) == 2:
            return _join(BINARY[name], *args)
        raise NotElementwise(f"no rule for torch.{name} with these arguments")


COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
CONVERSIONS = (
    "bool",
    "float",
    "int",
    "complex",
    "index",
    "len",
    "iter",
    "contains",
    "getitem",
    "setitem",
    "delitem",
    "round",
    "trunc",
    "floor",
    "ceil",
    "array",
    "array_ufunc",
    "array_function",
    "copy",
    "deepcopy",
    "reduce_ex",
    "setattr",
    "delattr",
    "call",
    "enter",
)
OPERATORS = ("matmul", "floordiv", "mod", "divmod", "lshift", "rshift", "and", "or", "xor")
IN_PLACE = tuple(
    f"i{name}" for name in ("add", "sub", "mul", "truediv", "pow", *OPERATORS) if name != "divmod"
)
REFUSED = (
    *COMPARISONS,
    *CONVERSIONS,
    *OPERATORS,
    *(f"r{name}" for name in ("pow", *OPERATORS)),
    *IN_PLACE,
    "invert",
)


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise NotElementwise(f"no rule for __{name}__ of a state or stream")

    return refuse


for _name in REFUSED:
    setattr(Symbol, f"__{_name}__", _refusal(_name))


@dataclass(frozen=True)
class Rule:
    """How a function is written, and its slope, given input x and output y."""

    text: str  # names that end in _ are defined in each language's own text
    slope: Callable[[Symbol, Symbol], Symbol | float]


BINARY = {
    "add": "+",
    "sub": "-",
    "subtract": "-",
    "mul": "*",
    "multiply": "*",
    "div": "/",
    "divide": "/",
}
FUNCTIONS = {
    "tanh": Rule("tanh_({})", lambda x, y: 1 - y * y),
    "sigmoid": Rule("sigmoid_({})", lambda x, y: y * (1 - y)),
    "relu": Rule("relu_({})", lambda x, y: symbol(ABOVE_ZERO, y)),
    "exp": Rule("exp_({})", lambda x, y: y),
    "abs": Rule(
        "(positive_({0}) - positive_(-{0})) * {0}",
        lambda x, y: symbol(ABOVE_ZERO, x) - symbol(ABOVE_ZERO, -x),
    ),
    "square": Rule("{0} * {0}", lambda x, y: 2 * x),
    "neg": Rule("-{}", lambda x, y: -1.0),
}
ABOVE_ZERO = "above zero"  # 1 or 0; no name of a torch function: torch.positive(x) is x
RULES = FUNCTIONS | {ABOVE_ZERO: Rule("positive_({})", lambda x, y: 0.0)}
# operations worth remembering: their slope is written in their value
KEPT = ("tanh", "sigmoid", "exp", "relu")


def _join(op: str, left: Any, right: Any) -> Symbol:
    for part in (left, right):
        if not isinstance(part, Symbol | int | float):
            raise NotElementwise(
                f"cannot combine a state or stream with {type(part).__name__} in the "
                "compiled kernel"
            )
        if not isinstance(part, Symbol) and not math.isfinite(part):
            raise NotElementwise(
                f"cannot combine a state or stream with {part} in the compiled kernel"
            )
    return symbol(
        op, *(part if isinstance(part, Symbol) else float(part) for part in (left, right))
    )


def symbol(op: str, *parts: Symbol | float) -> Symbol:
    """Return the one symbol of this operation on these parts, or of this name."""
    return _made(op, parts)


@cache
def _made(op: str, parts: tuple[Symbol | float, ...]) -> Symbol:
    return Symbol(op, parts)


def in_order(outputs: Iterable[Symbol | float], given: Iterable[Symbol] = ()) -> list[Symbol]:
    """Return all symbols that `outputs` need, parts first.

    Nothing beyond those that are `given`.
    """
    found: dict[Symbol, None] = {}
    known = set(given)

    def visit(symbol: Symbol | float) -> None:
        if isinstance(symbol, Symbol) and symbol not in found:
            for part in () if symbol in known else symbol.parts:
                visit(part)
            found[symbol] = None

    for output in outputs:
        visit(output)
    return list(found)


def pullback(
    outputs: list[Symbol], inputs: list[Symbol], slopes: list[Symbol]
) -> list[Symbol | float]:
    """Return the derivative of sum_i slopes[i] * outputs[i] with respect to every input."""
    total: dict[Symbol, Symbol] = {}

    def add(symbol: Symbol | float, slope: Symbol) -> None:
        if isinstance(symbol, Symbol):
            total[symbol] = total[symbol] + slope if symbol in total else slope

    for output, slope in zip(outputs, slopes, strict=True):
        add(output, slope)
    for symbol in reversed(in_order(outputs)):
        if symbol in total:
            for part, own in _slopes(symbol):
                add(part, total[symbol] * own)
    return [total.get(symbol, 0.0) for symbol in inputs]


def _slopes(symbol: Symbol) -> Iterator[tuple[Symbol | float, Symbol | float]]:
    """Yield the parts of a symbol with its derivative with respect to each."""
    match symbol.op, symbol.parts:
        case "+", (a, b):
            yield from ((a, 1.0), (b, 1.0))
        case "-", (a, b):
            yield from ((a, 1.0), (b, -1.0))
        case "*", (a, b):
            yield from ((a, b), (b, a))
        case "/", (a, b):
            yield a, _join("/", 1.0, b)
            yield b, _join("/", -symbol, b)
        case op, (Symbol() as x,) if op in RULES:
            yield x, RULES[op].slope(x, symbol)


class Language(NamedTuple):
    """How statements are written."""

    number: str
    declaration: str  # of a name, as a text
    end: str


CPP = Language("all({!r}f)", "const vf ", ";")
PYTHON = Language("{!r}", "", "")


def written(
    targets: Mapping[str, Symbol | float],
    given: Mapping[Symbol, str],
    language: Language = CPP,
    prefix: str = "x",
) -> list[str]:
    """Return statements that set every target, where the values of some symbols are given
    by name.
    """
    names = dict(given)
    lines: list[str] = []

    def word(part: Symbol | float) -> str:
        return names[part] if isinstance(part, Symbol) else language.number.format(part)

    for own in in_order(targets.values(), given):
        if own in names:
            continue
        if not own.parts:
            names[own] = own.op
            continue
        words = [word(part) for part in own.parts]
        text = RULES[own.op].text.format(*words) if own.op in RULES else f" {own.op} ".join(words)
        names[own] = f"{prefix}{len(lines)}"
        lines.append(f"{language.declaration}{names[own]} = {text}{language.end}")
    return [
        *lines,
        *(f"{target} = {word(value)}{language.end}" for target, value in targets.items()),
    ]
