"""Sentences that are said to a learner: English, and made so that they can be said otherwise.

A sentence keeps the message it was made from and what stands in its places. So it is compared
as English, wherever it goes, and `translation.translate_said` says it in another language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Prose(str):
    """A text of an exercise in Markdown, which has translations of its own."""


class Said(str):
    """A sentence in English.

    Attributes:
        message: The sentence with `{named}` places.
        values: What stands in them; among these may be sentences, too.
        begin: How it begins: what happens to it when it is put together.
    """

    message: str
    values: Mapping[str, object]
    begin: Callable[[str], str]

    def __new__(
        cls, message: str, values: Mapping[str, object], begin: Callable[[str], str] = str
    ) -> Said:
        """Put the sentence together."""
        made = super().__new__(cls, begin(message.format(**values)))
        made.message, made.values, made.begin = message, values, begin
        return made

    def begin_large(self) -> Said:
        """The same with a capital letter, as a sentence that stands alone."""
        return Said(self.message, self.values, lambda text: text[:1].upper() + text[1:])

    def begin_small(self) -> Said:
        """The same with a small letter, as after a colon."""
        return Said(self.message, self.values, lambda text: text[:1].lower() + text[1:])


def say(message: str, /, **values: object) -> Said:
    """A sentence for the learner; `lakehouse translate` finds the message in the code.

    Args:
        message: A whole sentence, so that another language can put its words in another order.
        values: What stands in its places.
    """
    return Said(message, values)
