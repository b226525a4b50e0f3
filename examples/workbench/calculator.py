"""Evaluates arithmetic that strangers write: numbers, operators and a few functions, and nothing else of Python."""

import ast
import math
import operator
from collections.abc import Callable

Number = int | float

_MAX_CHARACTERS = 500
_MAX_EXPONENT = 1_000
_MAX_DIGITS = 400

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "ln": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "round": round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_CONSTANTS: dict[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}


class NotArithmetic(Exception):
    """The text is not arithmetic that can be worked out here."""


def evaluate(expression: str) -> Number:
    """The value of `expression`, such as `2 * (3 + 4) ** 2` or `sqrt(2) / pi`.

    Raises:
        NotArithmetic: it is too long, not arithmetic, has no value, or its value is out of bounds.
    """
    if len(expression) > _MAX_CHARACTERS:
        raise NotArithmetic(
            f"The expression is longer than {_MAX_CHARACTERS} characters."
        )
    try:
        return _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as exc:
        raise NotArithmetic("This is not an arithmetic expression.") from exc
    except (ArithmeticError, ValueError, TypeError) as exc:
        raise NotArithmetic(f"This has no value: {exc}.") from exc


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(
            value, bool
        ):
            return _bounded(value)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _bounded(_BINARY[type(sign)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if (
            name in _FUNCTIONS
        ):
            return _bounded(_FUNCTIONS[name](*map(_value, arguments)))
        case _:
            raise NotArithmetic(
                "Only numbers, + - * / // % **, parentheses, "
                f"{', '.join(_CONSTANTS)} and {', '.join(_FUNCTIONS)} are understood."
            )


def _power(base: Number, exponent: Number) -> Number:
    if (
        abs(exponent) > _MAX_EXPONENT
        or math.log10(abs(base) or 1) * exponent > _MAX_DIGITS
    ):
        raise NotArithmetic("The power is too large to work out here.")
    value = base**exponent
    if isinstance(value, complex):
        raise NotArithmetic("The result is not a real number.")
    return _bounded(value)


def _bounded(value: Number) -> Number:
    if isinstance(value, float) and not math.isfinite(value):
        raise NotArithmetic("The result is too large to work out here.")
    if isinstance(value, int) and value.bit_length() > _MAX_DIGITS * 4:
        raise NotArithmetic("The result is too large to work out here.")
    return value
