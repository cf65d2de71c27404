"""Evidence in points: ten times the decimal logarithm of a ratio of chances, in whole numbers (decibans, after Turing).

Whole numbers, compared exactly, so that every machine counts alike: 10 points make something ten times as likely.
"""

from bisect import bisect_right
from decimal import Decimal
from typing import Final

__all__ = ["decibans"]

_MOST: Final = 30
_UNIT: Final = 10**9
# 10^(p/10) for p from -30 to 30, as whole numbers of 10⁻⁹
_STEPS: Final = tuple(int(Decimal(10) ** (Decimal(p) / 10) * _UNIT) for p in range(-_MOST, _MOST + 1))


def decibans(numerator: int, denominator: int, least: int, most: int) -> int:
    """10·log10(numerator / denominator), rounded down, and held between `least` and `most` (both within ±30).

    Both are whole numbers; the denominator is positive.
    """
    found = bisect_right(_STEPS, numerator * _UNIT // denominator) - 1 - _MOST
    return max(least, min(most, found))
