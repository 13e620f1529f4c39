"""Random choices, words and lines."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Rng = np.random.Generator

_TEXT = """
the of and to in is that for it as was with be by on not he his but at are this have from
or had an they which one you were all her she there would their we him been has when who will
no more if out so up said what its about than into them can only other time new some could
these two may first then do any like my now over such our man me even most made after also
did many off before must well back through years where much your way down should because long
each just state people those too mister how little good world make very year still see own
work men day get here between both life being under three never know same last another while
us might great old go come since against right came take used himself few house use place
water found light quick brown fox jumps lazy dog zero quality image picture settings network
open close save edit view help search cancel apply window file folder street number price
total date page report figure table chapter example question answer language history music
journey weather science government different important something development
"""
_WORDS = tuple(_TEXT.split())
_LETTERS = "eeeeetttaaaoooiiinnnsssrrrhhllddccuummffppggwwyybbvkjxqz"
_PUNCTUATION = (*",,,..;:?!)", "...", " -", " &", "'s", "%")


def chance(rng: Rng, probability: float) -> bool:
    """True as often as `probability` says."""
    return bool(rng.random() < probability)


def pick(rng: Rng, things: Sequence[T]) -> T:
    """One of them, each as likely."""
    return things[int(rng.integers(len(things)))]


def between(rng: Rng, low: float, high: float) -> int:
    """A whole number, both ends included; `low` where the range is empty."""
    return int(rng.integers(int(low), max(int(low), int(high)) + 1))


def words(rng: Rng, count: int) -> list[str]:
    """Words, names, numbers and nonsense, some with punctuation behind them."""
    count = max(count, 0)
    kinds = rng.random(count).tolist()
    numbers = rng.integers(1 << 40, size=count).tolist()
    return [_word(kind, number) for kind, number in zip(kinds, numbers, strict=True)]


def _word(kind: float, number: int) -> str:
    word = _WORDS[number % len(_WORDS)]
    if kind < 0.58:
        return word
    if kind < 0.68:
        return word.capitalize()
    if kind < 0.72:
        return word.upper()
    if kind < 0.8:
        return word + _PUNCTUATION[(number >> 20) % len(_PUNCTUATION)]
    if kind < 0.9:
        return _nonsense(number, 3 + number % 7)
    return figure(number)


def _nonsense(number: int, length: int) -> str:
    """Letters as often as English has them, so that rare pairs occur as well."""
    places = ((number >> (4 * i)) * 7 + 13 * i for i in range(length))
    return "".join(_LETTERS[place % len(_LETTERS)] for place in places)


def figure(number: int) -> str:
    """A whole number, an amount, a share, a date or a time made of a large random number."""
    value, form = number >> 8, number % 8
    if form < 3:
        return str(value % 10 ** (1 + value % 6))
    if form < 5:
        return f"{value % 10**5 / 100:.2f}"
    if form == 5:
        return f"{value % 1000 / 10:.1f}%"
    if form == 6:
        return f"{value % 28 + 1:02}/{value % 12 + 1:02}/{1950 + value % 90}"
    return f"{value % 24:02}:{value % 60:02}"


def figures(rng: Rng, count: int) -> list[str]:
    """As `figure`, several; none where the count is negative."""
    return [figure(number) for number in rng.integers(1 << 40, size=max(count, 0)).tolist()]


def line(rng: Rng, letters: int) -> str:
    """Words up to about that many letters, one word at least."""
    parts, left = [], letters
    for word in words(rng, 1 + letters // 4):
        left -= len(word) + 1
        if left < 0 and parts:
            break
        parts.append(word)
    return " ".join(parts)


def title(rng: Rng, most: int = 4) -> str:
    """One to `most` words as in a heading or on a button."""
    text = " ".join(words(rng, between(rng, 1, most)))
    return pick(rng, (text, text.title(), text.capitalize(), text.upper()))
