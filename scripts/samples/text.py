"""Invented prose of a given length, and a token count that needs no tokenizer's file."""

from __future__ import annotations

import re

from scripts.samples.dice import Dice

_PIECE = re.compile(r"[A-Za-z]+|\d{1,3}|[^\w\s]|\n+")
THINGS = (
    "tent",
    "jacket",
    "backpack",
    "stove",
    "boot",
    "lamp",
    "rope",
    "bottle",
    "map",
    "sleeping bag",
    "compass",
    "hat",
)
WHO = (
    "the customer",
    "the driver",
    "the shop",
    "our warehouse",
    "the maker",
    "a colleague",
    "the finance team",
    "the night shift",
)
DOES = ("returns", "exchanges", "checks", "repairs", "ships", "refunds", "keeps", "inspects", "orders", "replaces")
WHEN = (
    "within thirty days",
    "before noon",
    "after the season",
    "on the same day",
    "once a week",
    "without a receipt",
    "with a photo of the damage",
)
HOW = (
    "and notes it in the ticket",
    "and asks nobody",
    "unless the item was worn",
    "if stock allows",
    "and tells the customer why",
    "at no cost",
)
ASKS = (
    "Where is my {0}?",
    "The {0} I bought leaks, what now?",
    "Can I change the colour of the {0} in order {1}?",
    "Does the {0} fit a child?",
    "My {0} came without the {2}.",
)


def tokens(text: str) -> int:
    """About what a tokenizer makes of plain English: one token a short word, number or sign."""
    return len(_PIECE.findall(text))


def sentence(dice: Dice) -> str:
    """One made-up rule of the house."""
    return f"If {dice.pick(WHO)} {dice.pick(DOES)} the {dice.pick(THINGS)} {dice.pick(WHEN)}, {dice.pick(WHO)} {dice.pick(DOES)} it {dice.pick(HOW)}."


def prose(dice: Dice, length: int, title: str = "") -> str:
    """Made-up rules, in paragraphs, of at least ``length`` tokens and little more."""
    said, count = [title] if title else [], tokens(title)
    while count < length:
        said.append(sentence(dice))
        count += tokens(said[-1]) + (1 if len(said) % 6 == 0 else 0)
    return "\n".join(" ".join(said[i : i + 6]) for i in range(0, len(said), 6))


def question(dice: Dice) -> str:
    """What a customer writes."""
    return dice.pick(ASKS).format(dice.pick(THINGS), dice.whole(10_000, 99_999), dice.pick(THINGS))
